"""One SQLite connection: transactions, snapshots, and SQLite's errors in our words.

Knows nothing of documents.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from qa.errors import IndexBusy, QAError, StoreError

BUSY_SECONDS = 30.0
_BATCH = 500  # keys in one SELECT; SQLite's own limit is higher
_WAL_BYTES = 64 << 20  # what the write-ahead log is cut back to, once it was longer
_WAL_PAGES = 1 << 17
"""After so many, of 4 kB, SQLite itself looks with every transaction whether it can begin the log
again. Somebody mostly reads, so it cannot, and that took a quarter of the time of writing: where an
index is open, `Store.checkpoint` is called instead."""

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
_REFUSED = {
    sqlite3.SQLITE_READONLY: "it may not be written",
    sqlite3.SQLITE_PERM: "permission denied",
    sqlite3.SQLITE_AUTH: "permission denied",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened or made",
    sqlite3.SQLITE_IOERR: "the disk refused; is it full?",
    sqlite3.SQLITE_NOLFS: "the disk takes no files of this size",
}


class DamagedStore(StoreError):
    """The file is no database of ours, or what it says contradicts itself."""


class Database:
    """A connection for any thread, one at a time.

    Parameters
    ----------
    path : Path or None
        The file; None keeps everything in memory.
    create : bool
        Whether to make the file when it is missing.
    write : bool
        Whether anything may be written, beside the file too.

    Raises
    ------
    DamagedStore
        When the file is no database.
    StoreError
        When it cannot be opened or made.
    """

    def __init__(self, path: Path | None, *, create: bool = True, write: bool = True) -> None:
        self.path = path
        self.name = "the index in memory" if path is None else f"the index {str(path)!r}"
        self._lock = threading.RLock()
        mode = ("rwc" if create else "rw") if write else _reading(path)
        with self.translated():
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}" if path else ":memory:",
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                uri=True,
            )
            try:
                if write:
                    self._set_up()
            except BaseException:
                self._connection.close()
                raise
        self._file = _identity(path)

    def _set_up(self) -> None:
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
        self._connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        (mode,) = self._connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if self.path and mode != "wal":  # without it readers would block the writer
            raise StoreError(
                f"{self.name} is on a file system that several processes cannot share: "
                "name another place with --index"
            )
        self._connection.execute("PRAGMA synchronous = NORMAL")

    def in_place(self) -> bool:
        """Whether the open file is still the one that its path names: not moved, not deleted."""
        return self._file == _identity(self.path)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn SQLite's errors into ours."""
        try:
            yield
        except sqlite3.ProgrammingError as error:
            if "closed" in str(error):
                raise ValueError("the index is closed") from error
            raise
        except UnicodeDecodeError as error:  # in SQLite's own message, of a table's damaged name
            raise self.damaged("its tables have changed") from error
        except sqlite3.Error as error:
            raise self._in_our_words(error) from error

    def _in_our_words(self, error: sqlite3.Error) -> QAError:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:  # text that is no UTF-8 any more; SQLite would quote it, lines and all
            return self.damaged("a text in it is none any more")
        if code == sqlite3.SQLITE_IOERR_SHORT_READ:
            return DamagedStore(f"{self.name} is damaged: its end is missing")
        code &= 0xFF  # the rest of it is detail
        if code in _BUSY:
            return IndexBusy(f"{self.name} is in use by another process: try again")
        if code == sqlite3.SQLITE_FULL:
            return StoreError(f"the disk is full: cannot write {self.name}")
        if code in _REFUSED:
            return StoreError(f"cannot use {self.name}: {_REFUSED[code]} ({error})")
        said = " ".join(str(error).split())  # it may quote a table's definition, lines and all
        return DamagedStore(f"{self.name} is damaged: {said}")

    def damaged(self, what: str) -> DamagedStore:
        """The error to raise when rows contradict each other."""
        return DamagedStore(f"{self.name} is damaged: {what}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything inside, or nothing."""
        with self._lock, self.translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # the first error says what happened
                    if self._connection.in_transaction:
                        self._connection.rollback()
                raise

    @contextmanager
    def without_foreign_keys(self) -> Iterator[None]:
        """References between tables are not enforced inside; for a table that is made anew."""
        self.execute("PRAGMA foreign_keys = OFF")
        try:
            yield
        finally:
            self.execute("PRAGMA foreign_keys = ON")

    def hold(self) -> None:
        """From now on read one unchanging state, whatever others write."""
        with self._lock, self.translated():
            self._connection.execute("BEGIN")
            # SQLite takes its snapshot with the first read.
            self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()

    def become(self, other: Database) -> None:
        """Take over all that another database has, in one step; who reads meanwhile goes on."""
        with self._lock, self.translated():
            other._connection.backup(self._connection)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement; how many rows it changed."""
        with self._lock, self.translated():
            return self._connection.execute(sql, values).rowcount

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._lock, self.translated():
            self._connection.executemany(sql, rows)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock, self.translated():
            return self._connection.execute(sql, values).fetchall()

    def batches(
        self, sql: str, values: Sequence[Any], first: Any, size: int
    ) -> Iterator[list[Any]]:
        """Rows of a SELECT that ends in ``key > ? ORDER BY key LIMIT ?`` and begins with that key.

        Raises
        ------
        DamagedStore
            When they are not in order: damage can make a ring of a table, without an end.
        """
        last = first
        while some := self.rows(sql, (*values, last, size)):
            keys = [last, *(row[0] for row in some)]
            if not all(
                type(before) is type(after) and before < after
                for before, after in itertools.pairwise(keys)
            ):
                raise self.damaged("rows are not in order")
            yield some
            last = keys[-1]

    def rows_for(self, sql: str, keys: Collection[Any], *first: Any) -> Iterator[Any]:
        """Rows of a SELECT that ends in ``IN (?)``, for any number of keys."""
        ordered = list(keys)
        for start in range(0, len(ordered), _BATCH):
            some = ordered[start : start + _BATCH]
            marks = ", ".join("?" * len(some))
            yield from self.rows(sql.replace("(?)", f"({marks})"), (*first, *some))

    def close(self) -> None:
        """Wait for what is under way in other threads, then let go of the file."""
        with self._lock:
            self._connection.close()

    def __del__(self) -> None:
        if hasattr(self, "_connection"):  # else it could not be opened
            self._connection.close()


def _reading(path: Path | None) -> str:
    """How to open a file only to read it: without a log beside it, SQLite need not make one.

    An empty one has nothing to tell: it was made where there was no room for more.
    """
    log = path and path.with_name(f"{path.name}-wal")
    return "ro" if log and log.exists() and log.stat().st_size else "ro&immutable=1"


def _identity(path: Path | None) -> tuple[int, int] | None:
    """What tells this file from another one of the same name."""
    if path is None:
        return None
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
