"""submissions/ledger.csv: a row a submission, with where it comes from and how it scored."""

import csv
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from science_exam.errors import UserError
from science_exam.files import whole_file


@dataclass(frozen=True)
class Entry:
    """A submission.

    Attributes:
        ref: Kaggle's number of it.
        date: of the submission, UTC.
        name: of the kernel.
        version: of the notebook.
        commit: of the code.
        config: beginning of the hash of the kernel's settings.
        runs: that answered together.
        cv: MAP@3 of each on the questions that it was not trained on; empty where unknown.
        public, private: MAP@3 on the leaderboard; empty until it is known.
        message: what was new in it, or why it failed.
    """

    ref: str
    date: str
    name: str
    version: str
    commit: str
    config: str
    runs: str
    cv: str
    public: str
    private: str
    message: str


COLUMNS = [field.name for field in fields(Entry)]


def read_ledger(path: Path) -> list[Entry]:
    """The entries of a ledger, none where there is no file.

    Raises:
        UserError: other columns than expected, a row that does not fill them, or no CSV.
    """
    if not path.is_file():
        return []
    try:
        return _read_entries(path)
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(f"{path}: expected a table as CSV in UTF-8 ({error}); mend it by hand") from None


def _read_entries(path: Path) -> list[Entry]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        if reader.fieldnames != COLUMNS:
            raise UserError(f"{path}: expected the columns {','.join(COLUMNS)}, found {reader.fieldnames}")
        entries = []
        for number, row in enumerate(reader, start=1):
            if None in row or None in row.values():
                raise UserError(f"{path}: row {number}: expected {len(COLUMNS)} columns")
            entries.append(Entry(**row))
    return entries


def record_entry(path: Path, entry: Entry) -> None:
    """Add an entry, or replace the one of the same ref; several processes may do so at once."""
    with _lock(path.parent):
        entries = {known.ref: known for known in read_ledger(path)} | {entry.ref: entry}
        with whole_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(asdict(known) for known in entries.values())


def format_leaderboard(entries: list[Entry]) -> str:
    """A table of the entries, by private and then public score, best first, without a score last."""
    ranked = sorted(entries, key=lambda entry: (_score(entry.private), _score(entry.public)), reverse=True)
    lines = [f"{'private':>8}{'public':>8}  {'cv':<8}{'date':<12}{'notebook':<28}{'commit':<14}message"]
    for entry in ranked:
        name = f"{entry.name} v{entry.version}"
        lines.append(
            f"{entry.private or '-':>8}{entry.public or '-':>8}  {entry.cv or '-':<8}{entry.date[:10]:<12}"
            f"{name:<28}{entry.commit[:12]:<14}{entry.message}"
        )
    return "\n".join(line.rstrip() for line in lines)


def _score(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # and the lock goes with it
