"""Stage settings: dataclass defaults, then a YAML file, then key=value words; unknown keys fail.

Each stage keeps its dataclass beside its code, in `<stage>/config.py`. A YAML file under
`configs/<stage>/` holds only departures from the defaults. A field is documented by the comment
above it or behind it, and `--help` prints these comments, so there is one place to read them.
"""

import dataclasses
import difflib
import inspect
import types
import typing
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import yaml

from science_exam.errors import UserError

Settings = TypeVar("Settings")


def load_config(kind: type[Settings], name: str | None, overrides: list[str], folder: Path) -> Settings:
    """Build a stage's settings.

    Args:
        kind: the stage's dataclass.
        name: a config's name (a file `folder/name.yaml`), a path to a YAML file, or None.
        overrides: words of the form `key=value`; nested keys are dotted (`lora.r=32`) and values
            are read as YAML, unless the field is text, which stays as typed.
        folder: where named configs live.

    Raises:
        UserError: no such config, an unknown key (the nearest known one is named), a value of the
            wrong type or outside its choices.
    """
    values, origin = _read_yaml(name, folder) if name else ({}, "defaults")
    values = _convert_keys(kind, values, origin)
    for word in overrides:
        values = _merge(values, _convert_keys(kind, _parse_word(word), repr(word)))
    return _instantiate(kind, values, origin)


def describe(kind: type) -> str:
    """One line a field for `--help`: key, default and the comment that stands at the field."""
    return "\n".join(_describe_fields(kind, prefix=""))


def _read_yaml(name: str, folder: Path) -> tuple[dict[str, Any], str]:
    path = Path(name) if name.endswith((".yaml", ".yml")) else folder / f"{name}.yaml"
    if not path.is_file():
        known = sorted(p.stem for p in folder.glob("*.yaml"))
        raise UserError(
            f"{path}: no such config{_nearest(name, known)}; there are: {', '.join(known) or 'none'}"
        )
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if values is not None and not isinstance(values, dict):
        raise UserError(f"{path}: expected keys and values, found a {type(values).__name__}")
    return values or {}, str(path)


def _parse_word(word: str) -> dict[str, Any]:
    """`lora.r=32` -> {"lora": {"r": 32}}."""
    key, separator, text = word.partition("=")
    if not separator:
        raise UserError(f"{word!r}: expected key=value")
    value: Any = _Typed(text)
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


class _Typed(str):
    """A value as it was typed: text fields keep it to the letter, all others read it as YAML."""

    def read(self, where: str) -> Any:
        try:
            return yaml.safe_load(self) if self else ""
        except yaml.YAMLError as error:
            raise UserError(f"{where}: not valid YAML: {' '.join(str(error).split())}") from None


def _merge(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`values` with `changes` on top, group by group."""
    return values | {
        key: _merge(values.get(key, {}), change) if isinstance(change, dict) else change
        for key, change in changes.items()
    }


def _convert_keys(kind: type, values: dict[str, Any], origin: str, prefix: str = "") -> dict[str, Any]:
    """`values` with every value in its field's type; groups stay dictionaries."""
    fields = typing.get_type_hints(kind)
    known = [f"{prefix}{field}" for field in fields]
    converted = {}
    for key, value in values.items():
        if key not in fields:
            raise UserError(
                f"{origin}: unknown key {f'{prefix}{key}'!r}{_nearest(f'{prefix}{key}', known)}; "
                f"known keys: {', '.join(known)}"
            )
        converted[key] = _convert(fields[key], value, origin, f"{prefix}{key}")
    return converted


def _instantiate(kind: type[Settings], values: dict[str, Any], origin: str) -> Settings:
    fields = typing.get_type_hints(kind)
    arguments = {key: _build(fields[key], value, origin) for key, value in values.items()}
    try:
        return kind(**arguments)
    except (TypeError, ValueError) as error:  # a required key is absent, or a check of the stage fails
        raise UserError(f"{origin}: {error}") from None


def _build(kind: Any, value: Any, origin: str) -> Any:
    """Dictionaries, alone or in a list, into the groups of settings that they stand for."""
    if isinstance(value, dict):
        return _instantiate(kind, value, origin)
    if isinstance(value, tuple):
        return tuple(_build(get_args(kind)[0], item, origin) for item in value)
    return value


def _nearest(word: str, known: list[str]) -> str:
    matches = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f", did you mean {matches[0]!r}?" if matches else ""


def _convert(kind: Any, value: Any, origin: str, key: str) -> Any:
    """`value` as the annotated type `kind`; only lossless readings are accepted."""
    where = f"{origin}: key {key}"
    if isinstance(value, _Typed):
        if kind is str:
            return str(value)
        value = value.read(where)
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise UserError(f"{where}: expected keys and values, found {value!r}")
        return _convert_keys(kind, value, origin, f"{key}.")
    if get_origin(kind) in (Union, types.UnionType):
        if value is None:
            return None
        kind = next(choice for choice in get_args(kind) if choice is not type(None))
        return _convert(kind, value, origin, key)
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise UserError(f"{where}: expected one of {', '.join(get_args(kind))}, found {value!r}")
        return value
    if get_origin(kind) is tuple:
        items = value if isinstance(value, list) else [] if value == "" else [value]
        return tuple(_convert(get_args(kind)[0], item, origin, key) for item in items)
    return _convert_scalar(kind, value, where)


def _convert_scalar(kind: type, value: Any, where: str) -> Any:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is float and number:
        return float(value)
    if kind is float and isinstance(value, str):  # YAML reads 2e-4 (no dot) as text
        try:
            return float(value)
        except ValueError:
            pass
    if kind is str and number:
        return str(value)
    if type(value) is kind:
        return value
    raise UserError(f"{where}: expected {kind.__name__}, found {value!r}")


def _describe_fields(kind: type, prefix: str) -> list[str]:
    comments, fields, lines = _field_comments(kind), typing.get_type_hints(kind), []
    for field in dataclasses.fields(kind):
        kind_of_field = fields[field.name]
        if dataclasses.is_dataclass(kind_of_field):
            lines += _describe_fields(kind_of_field, f"{prefix}{field.name}.")
            continue
        default = "required" if field.default is dataclasses.MISSING else field.default
        lines.append(f"  {prefix}{field.name}={default}\n      {comments.get(field.name, '')}")
        if get_origin(kind_of_field) is tuple and dataclasses.is_dataclass(get_args(kind_of_field)[0]):
            lines += _describe_fields(get_args(kind_of_field)[0], f"{prefix}{field.name}: ")
    return lines


def _field_comments(kind: type) -> dict[str, str]:
    """The comment lines right above each field, and the one behind it, joined."""
    comments: dict[str, str] = {}
    pending: list[str] = []
    for line in inspect.getsource(kind).splitlines():
        code, _, comment = (part.strip() for part in line.partition("# "))
        if code and ":" in code and not code.startswith(("class ", "@", '"')):
            comments[code.split(":")[0]] = " ".join([*pending, comment]).strip()
        pending = [*pending, comment] if comment and not code else []
    return comments
