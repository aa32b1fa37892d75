"""Replies on disk, so that nothing is asked, and paid for, twice."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from science_exam.errors import UserError
from science_exam.questions.generation.asking import Failure, Reply
from science_exam.questions.generation.server.meter import Usage

FILE_NAME = "replies.sqlite"
LOCKED_SECONDS = 5.0  # to wait for another process
SETTINGS = (
    # Two processes would ask the same. It also spares the shared memory that network drives lack.
    "PRAGMA locking_mode = EXCLUSIVE",
    # A commit is one write at the end of a log, without waiting for the disk: not even a killed process loses
    # it, and a power cut the last ones at most, never the file.
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
)
TABLES = (
    """CREATE TABLE IF NOT EXISTS replies (
        key TEXT PRIMARY KEY, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL,
        estimated INTEGER NOT NULL, truncated INTEGER NOT NULL, failure TEXT, text TEXT
    )""",
    """CREATE TABLE IF NOT EXISTS lost (
        tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, estimated INTEGER NOT NULL
    )""",
)


def hash_request(body: dict[str, Any]) -> str:
    """SHA-256, in hexadecimal, of all that decides a reply: the request's body, in any order of its keys."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


class ReplyCache:
    """The replies of a run, by the hash of their requests; safe from several threads.

    Each is committed as it is stored: a process that is killed loses none that came. Only one process may
    have the file open.
    """

    def __init__(self, folder: Path) -> None:
        """Open the cache of a run's folder, which is made where it is missing.

        Raises:
            UserError: the file is damaged, of another kind, or in use.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / FILE_NAME
        self._lock = Lock()
        with self._explained():
            # Autocommit: every statement is its own transaction.
            self._connection = sqlite3.connect(
                self.path, timeout=LOCKED_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            for statement in (*SETTINGS, *TABLES):
                self._execute(statement)
            self.sum_usage()  # reads all rows: a damaged file shows before anything is paid for
        except UserError:
            self.close()
            raise

    def find(self, key: str) -> Reply | Failure | None:
        """What a request was answered before; None where it was not."""
        row = self._execute(
            "SELECT text, tokens_in, tokens_out, truncated, failure FROM replies WHERE key = ?", (key,)
        )
        if row is None:
            return None
        text, tokens_in, tokens_out, truncated, failure = row
        return (
            Failure(failure) if failure else Reply(text, tokens_in, tokens_out, bool(truncated), cached=True)
        )

    def store(self, key: str, answer: Reply | Failure, usage: Usage) -> None:
        """Keep an answer and what it cost; a failure is one that would come again."""
        reply, failure = (None, answer.reason) if isinstance(answer, Failure) else (answer, None)
        self._execute(
            "INSERT INTO replies VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                key, usage.tokens_in, usage.tokens_out, usage.estimated,
                reply is not None and reply.truncated, failure, reply and reply.text,
            ),
        )  # fmt: skip

    def store_lost(self, usage: Usage) -> None:
        """Keep what may have been paid for a reply that never came."""
        self._execute(
            "INSERT INTO lost VALUES (?, ?, ?)", (usage.tokens_in, usage.tokens_out, usage.estimated)
        )

    def sum_usage(self) -> Usage:
        """Tokens that all replies cost, the lost ones too."""
        columns = "tokens_in, tokens_out, estimated"
        tokens_in, tokens_out, estimated = self._execute(
            "SELECT coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0), coalesce(max(estimated), 0) "
            f"FROM (SELECT {columns} FROM replies UNION ALL SELECT {columns} FROM lost)"
        )
        return Usage(tokens_in, tokens_out, bool(estimated))

    def close(self) -> None:
        """Close the file; the cache is of no use afterwards."""
        with self._lock:
            self._connection.close()

    def _execute(self, statement: str, values: tuple = ()) -> tuple | None:
        """Run a statement; returns the first row of its result."""
        with self._lock, self._explained():
            return self._connection.execute(statement, values).fetchone()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:  # locked, no room, no permission; or an unknown layout
            raise UserError(
                f"{self.path}: the cache of replies cannot be used ({error}); see that the disk has room, "
                "the file may be written and no other process uses it, then run the same command again"
            ) from None
        except sqlite3.DatabaseError as error:
            raise UserError(
                f"{self.path}: expected the cache of replies, found a damaged file or one of another kind "
                f"({error}); delete it and run again; its replies will be asked, and paid for, again"
            ) from None
