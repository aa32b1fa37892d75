"""JSON objects in a model's text, mended where there is only one way to mend them."""

import ast
import json
import re
import warnings
from collections.abc import Callable, Iterator
from itertools import islice

MAX_OBJECTS = 20  # openings looked at in one text
# A brace before a key or another object; those of a formula are none of these.
OPENING = re.compile(r"""\{(?=\s*(?:["'“”„{]|\w+\s*:))""")
BRACE = re.compile(r"[{}]")
STRING = r'"(?:[^"\\]|\\.)*"'
BRACE_OR_STRING = re.compile(rf"{STRING}|[{{}}]", re.DOTALL)
TRAILING_COMMA = re.compile(rf"({STRING})|,(?=\s*[}}\]])", re.DOTALL)
# Typographic quotes that open or close a string; those inside one stand between letters or spaces.
CURLY_OPENING = re.compile(r"(?<=[{\[,:])(\s*)[“”„]")
CURLY_CLOSING = re.compile(r"[“”](?=\s*[,:}\]])")
# A backslash that begins no escape of JSON: \( or \alpha for a formula, \' for an apostrophe.
ESCAPE = re.compile(r'\\(?:(["\\/bfnrt]|u[0-9a-fA-F]{4})|(\')|)')


class RepeatedKey(ValueError):  # noqa: N818
    """An object gives one key twice, so what it means is open."""


def find_objects(text: str) -> Iterator[dict]:
    """Objects in `text` that can be read, the outermost only, in their order.

    Args:
        text: a model's reply, with anything around the objects.

    Raises:
        RepeatedKey: an object names a key twice.
    """
    taken = 0
    for opening in islice(OPENING.finditer(text), MAX_OBJECTS):
        start = opening.start()
        for end in _find_ends(text, start) if start >= taken else []:
            found = _read_object(text[start:end])
            if isinstance(found, dict):
                taken = end
                yield found
                break


def leaves_open(text: str) -> bool:
    """Whether more braces open in `text` than close."""
    return text.count("{") > text.count("}")


def _find_ends(text: str, start: int) -> list[int]:
    """Places behind the brace that closes the one at `start`: minding strings, and minding none.

    Quotes pair up wrongly where they are not JSON's, so that both are worth a try.
    """
    ends = [_find_end(pattern, text, start) for pattern in (BRACE_OR_STRING, BRACE)]
    return list(dict.fromkeys(end for end in ends if end))


def _find_end(pattern: re.Pattern, text: str, start: int) -> int | None:
    depth = 0
    for match in pattern.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return None


def _read_object(span: str):
    """The value that `span` holds, by the mildest reading that works, or None."""
    for read in _readings():
        try:
            return read(span)
        except RepeatedKey:
            raise
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return None


def _readings() -> Iterator[Callable]:
    yield _read_json
    yield lambda span: _read_json(_drop_trailing_commas(_mend_escapes(span)))
    yield _read_python
    yield lambda span: _read_json(_drop_trailing_commas(_mend_escapes(_straighten_quotes(span))))


def _read_json(span: str):
    # Not strict: a line break inside a string is a slip without a second meaning. Numbers stay as written.
    return json.loads(span, strict=False, object_pairs_hook=_build_object, parse_int=str, parse_float=str)


def _build_object(pairs: list[tuple]) -> dict:
    built = dict(pairs)
    if len(built) < len(pairs):
        raise RepeatedKey
    return built


def _read_python(span: str):
    """A dictionary as Python writes it; nothing is run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes that Python does not know
        tree = ast.parse(" ".join(span.split("\n")), mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            _build_object([(ast.literal_eval(key), None) for key in node.keys if key is not None])
    return ast.literal_eval(tree)


def _drop_trailing_commas(span: str) -> str:
    return TRAILING_COMMA.sub(lambda match: match[1] or "", span)


def _straighten_quotes(span: str) -> str:
    return CURLY_CLOSING.sub('"', CURLY_OPENING.sub(r'\1"', span))


def _mend_escapes(span: str) -> str:
    return ESCAPE.sub(lambda match: match[0] if match[1] else match[2] or r"\\", span)
