"""The store's schema, brought forward one version after the other, with nothing made again.

Every step is written against the tables as they were, and never changed afterwards: it does not
use what `qa.store.rows` says today, but for the check sum itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from qa.store.database import Database
from qa.store.rows import check_sum

_BATCH = 500  # documents in memory, texts and all


def migrate(database: Database, version: int, target: int) -> None:
    """Bring the tables from one version of the schema to a later one, inside a transaction.

    Foreign keys are not enforced meanwhile (see `Database.without_foreign_keys`).

    Raises
    ------
    DamagedStore
        When what is there is not what that version wrote.
    """
    for step in range(version, target):
        if step not in _STEPS:
            raise database.damaged(f"there is no schema {step}")
        _STEPS[step](database)


def _files_beside_documents(database: Database) -> None:
    """1 to 2: one file may hold several documents; a document's check sum covers its text's."""
    _run(database, _FILES)
    marks = ", ".join("?" * 11)
    for row in _rows_of_schema_1(database):
        database.execute(f"INSERT INTO new_documents VALUES ({marks})", row)
    _run(database, _DOCUMENTS_OF_FILES)


def _run(database: Database, statements: str) -> None:
    for statement in statements.split(";"):
        database.execute(statement)


def _rows_of_schema_1(database: Database) -> Iterator[tuple[Any, ...]]:
    sql = """SELECT rowid, id, text, title, date, source, format, passages, check_sum
             FROM documents WHERE rowid > ? ORDER BY rowid LIMIT ?"""
    for some in database.batches(sql, (), -1, _BATCH):
        for _, *shown, expected in some:
            id, text, title, date, source, format, passages = shown
            if not isinstance(text, str) or check_sum(*shown) != expected:
                raise database.damaged(f"the document {id!r} has changed")
            told = (id, id, title, date, source, format, passages, len(text), check_sum(text))
            yield (*told, check_sum(*told), text)


_FILES = """
CREATE TABLE files (
    id TEXT PRIMARY KEY, path BLOB, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL
);
INSERT INTO files SELECT id, path, sha256, bytes, modified_ns FROM documents;
INSERT INTO files SELECT id, NULL, sha256, bytes, modified_ns FROM failures;
CREATE TABLE new_documents (
    id TEXT PRIMARY KEY, file TEXT NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    title TEXT NOT NULL, date TEXT, source TEXT NOT NULL, format TEXT NOT NULL,
    passages INTEGER NOT NULL, characters INTEGER NOT NULL, text_sum INTEGER NOT NULL,
    check_sum INTEGER NOT NULL, text TEXT NOT NULL
);
CREATE TABLE new_failures (
    id TEXT PRIMARY KEY, file TEXT NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    reason TEXT NOT NULL
);
INSERT INTO new_failures SELECT id, id, reason FROM failures
"""

# Made beside the old ones and renamed: what refers to `documents` goes on doing so.
_DOCUMENTS_OF_FILES = """
DROP TABLE documents;
ALTER TABLE new_documents RENAME TO documents;
CREATE INDEX documents_of_file ON documents (file);
DROP TABLE failures;
ALTER TABLE new_failures RENAME TO failures;
CREATE INDEX failures_of_file ON failures (file);
CREATE TABLE signatures (
    document TEXT PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    minhash BLOB NOT NULL, check_sum INTEGER NOT NULL
)
"""

_STEPS: dict[int, Callable[[Database], None]] = {1: _files_beside_documents}
