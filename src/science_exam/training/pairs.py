"""Any table of prompts and completions, as JSON lines: read, divided, made into rows."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from science_exam.errors import UserError
from science_exam.training.examples import choose_groups


@dataclass(frozen=True)
class Pair:
    """A prompt and what should follow it.

    Attributes:
        group: rows of one group are trained on or held out together.
        place: file and line, for messages.
    """

    prompt: str
    completion: str
    group: str
    place: str


def read_pairs(path: Path) -> list[Pair]:
    """Read a file of JSON lines with `prompt` and `completion`; other fields are ignored.

    `group` is optional (text or a whole number); rows without it form a group with those of the same
    prompt. Empty lines are skipped.

    Raises:
        UserError: no such file, a line that is no JSON object in UTF-8, a field that is not what it
            should be, or no row at all.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; expected JSON lines with prompt and completion")
    pairs = [_read_pair(line, place) for place, line in _read_lines(path)]
    if not pairs:
        raise UserError(f"{path}: expected a JSON object with prompt and completion a line, found no line")
    return pairs


def split_pairs(pairs: Sequence[Pair], fraction: float, seed: int) -> tuple[list[Pair], list[Pair]]:
    """(to train on, held out): whole groups, of which those held out have `fraction` of the rows or more.

    Raises:
        UserError: there are too few groups to divide.
    """
    aside = choose_groups(pd.Series([pair.group for pair in pairs]), fraction, seed).tolist()
    if all(aside):
        raise UserError(
            f"held_out_fraction={fraction}: expected rows of several groups (prompts), found too few to "
            f"leave any to train on; lower it or add rows"
        )
    rest = [pair for pair, held_out in zip(pairs, aside, strict=True) if not held_out]
    return rest, [pair for pair, held_out in zip(pairs, aside, strict=True) if held_out]


def encode_pairs(pairs: Sequence[Pair], tokenizer, max_tokens: int) -> list[dict]:
    """One row a pair: `input_ids` (prompt + completion + end) and `completion_mask`.

    Both are encoded apart, as in answering, where the completion is not there yet.

    Raises:
        UserError: a pair that does not fit; what may be left out of it is the user's to say.
    """
    prompts = tokenizer([pair.prompt for pair in pairs])["input_ids"]
    completions = tokenizer([pair.completion for pair in pairs], add_special_tokens=False)["input_ids"]
    rows = []
    for pair, opened, completion in zip(pairs, prompts, completions, strict=True):
        # Some tokenizers close what they encode, which would end the text before the completion.
        prompt = opened[:-1] if opened[-1:] == [tokenizer.eos_token_id] else opened
        ids = [*prompt, *completion, tokenizer.eos_token_id]
        if len(ids) > max_tokens:
            raise UserError(
                f"{pair.place}: has {len(ids)} tokens ({len(prompt)} in the prompt), expected at most "
                f"{max_tokens}; raise max_tokens, shorten the prompt or leave the row out"
            )
        mask = [0] * len(prompt) + [1] * (len(ids) - len(prompt))
        rows.append({"input_ids": ids, "completion_mask": mask})
    return rows


def _read_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Where each line that is not empty stands, and its text."""
    with path.open("rb") as file:  # so that only line feeds end a line, and a wrong byte has a line
        for number, line in enumerate(file, start=1):
            place = f"{path}: line {number}"
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError as error:
                raise UserError(f"{place}: expected UTF-8, found byte {line[error.start]:#04x}") from None
            if text:
                yield place, text


def _read_pair(line: str, place: str) -> Pair:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{place}: expected a JSON object: {error}") from None
    if not isinstance(record, dict):
        raise UserError(f"{place}: expected a JSON object, found {record!r:.40}")
    prompt, completion = (_read_text(record, field, place) for field in ("prompt", "completion"))
    group = record.get("group")
    if group is None:
        return Pair(prompt, completion, f"prompt {prompt}", place)
    if isinstance(group, bool) or not isinstance(group, (str, int)):
        raise UserError(f"{place}, field group: expected text or a whole number, found {group!r:.40}")
    return Pair(prompt, completion, f"group {group}", place)


def _read_text(record: dict[str, Any], field: str, place: str) -> str:
    value = record.get(field)
    if not isinstance(value, str) or not value.strip():
        found = "nothing" if value is None or value == "" else repr(value)[:40]
        raise UserError(f"{place}, field {field}: expected text, found {found}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UserError(f"{place}, field {field}: expected text, found half of a surrogate pair") from None
    return value
