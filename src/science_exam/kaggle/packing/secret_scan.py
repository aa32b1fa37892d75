"""Secrets that must not leave this machine: tokens by their looks, and those of the environment by value.

What is found is described and never repeated.
"""

import os
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

PATTERNS = {
    "a Kaggle token": re.compile(rb"KGAT_[0-9A-Za-z]{20,}"),
    "a Kaggle key": re.compile(rb"""(?i)["']?\b(kaggle_)?key\b["']?\s*[:=]\s*["']?[0-9a-f]{32}\b"""),
    "a Hugging Face token": re.compile(rb"\bhf_[0-9A-Za-z]{30,}"),
    "a GitHub token": re.compile(rb"\b(gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{40,})"),
    "an API key": re.compile(rb"\bsk-[0-9A-Za-z_-]{32,}"),
    "an AWS key": re.compile(rb"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a Google API key": re.compile(rb"\bAIza[0-9A-Za-z_-]{35}"),
    "a private key": re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a password in an address": re.compile(rb"\b[a-z][a-z0-9+]*://[^\s/:@\"']+:[^\s/@\"']+@"),
}
# Variables whose values are secrets, where they are set.
SECRET_VARIABLE = re.compile(r"(TOKEN|SECRET|PASSWORD|API_KEY|KAGGLE_KEY)$")
MIN_SECRET = 12  # shorter values stand in texts by chance
TEXTS = {".csv", ".ipynb", ".jinja", ".json", ".jsonl", ".md", ".py", ".toml", ".txt", ".yaml", ".yml"}
WINDOW = 2**20  # bytes that are looked at together
OVERLAP = 4096  # and again with the next, for what lies across


def find_secrets(path: Path) -> list[str]:
    """What looks like a secret in a file, one line each; archives of code are looked into.

    Args:
        path: of any file; only texts and wheels are read.
    """
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            return [
                problem
                for member in archive.namelist()
                if PurePosixPath(member).suffix in TEXTS or member.endswith(("METADATA", "RECORD"))
                for problem in _scan_member(archive, path, member)
            ]
    if path.suffix not in TEXTS:
        return []
    with path.open("rb") as file:
        return _describe(path.name, _scan(file))


def _scan_member(archive: zipfile.ZipFile, path: Path, member: str) -> list[str]:
    with archive.open(member) as file:
        return _describe(f"{path.name}: {member}", _scan(file))


def _describe(where: str, found: Iterable[str]) -> list[str]:
    return [f"{where}: holds what looks like {kind}; take it out" for kind in sorted(set(found))]


def _scan(file: IO[bytes]) -> Iterator[str]:
    """Kinds of secrets in a stream."""
    values, tail = _list_values(), b""
    while block := file.read(WINDOW):
        window = tail + block
        yield from (kind for kind, pattern in PATTERNS.items() if pattern.search(window))
        yield from (f"the value of {name}" for name, value in values.items() if value in window)
        tail = window[-OVERLAP:]


def _list_values() -> dict[str, bytes]:
    """The environment's own secrets, by variable."""
    return {
        name: value.encode()
        for name, value in os.environ.items()
        if SECRET_VARIABLE.search(name) and len(value) >= MIN_SECRET
    }
