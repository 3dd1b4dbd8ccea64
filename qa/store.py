"""The index on disk: one SQLite file, the truth from which FAISS and Tantivy are derived.

Documents, passages and vectors are written in one transaction a document, so that a reader, or
the next process after a kill, sees a document whole or not at all. Every such transaction raises
the store's revision. Knows nothing of models, FAISS or Tantivy.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import sqlite3
import threading
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qa.documents import Document
from qa.errors import IndexBusy, StoreError
from qa.passages import Passage
from qa.vectors import Vectors

SCHEMA_VERSION = 1
_BUSY_SECONDS = 30.0
_BATCH = 500  # ids in one SELECT; SQLite's own limit is higher

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    id TEXT PRIMARY KEY, path TEXT, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL, title TEXT NOT NULL, date TEXT, source TEXT NOT NULL,
    format TEXT NOT NULL, text TEXT NOT NULL
);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    start INTEGER NOT NULL, end INTEGER NOT NULL, sentences TEXT NOT NULL,
    check_sum INTEGER NOT NULL, key BLOB NOT NULL
);
CREATE INDEX passages_of_document ON passages (document);
CREATE INDEX passages_by_key ON passages (key);
CREATE TABLE vectors (
    model TEXT NOT NULL, key BLOB NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (model, key)
);
CREATE TABLE failures (
    id TEXT PRIMARY KEY, bytes INTEGER NOT NULL, modified_ns INTEGER NOT NULL, reason TEXT NOT NULL
);
INSERT INTO meta VALUES
    ('revision', '0'), ('recipe', ''), ('identity', lower(hex(randomblob(8))));
"""


class DamagedStore(StoreError):
    """The file is no SQLite database, or what it says contradicts itself."""


@dataclass(frozen=True, slots=True)
class FileState:
    """What a file looked like when it was read: size in bytes, mtime in ns, sha256 in hex.

    A file that could not be read has no sha256: ``""``.
    """

    bytes: int
    modified_ns: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that is not in the index, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage as it goes into the store, with the key of its vector (see `vector_key`)."""

    passage: Passage
    key: bytes


def vector_key(text: str) -> bytes:
    """What a vector is kept under, beside its model: sha256 of the text that was embedded."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class Store:
    """One connection to the file, for any thread, one at a time."""

    def __init__(self, path: Path | None) -> None:
        """
        Parameters
        ----------
        path : Path or None
            The SQLite file, made when missing; None keeps everything in memory.

        Raises
        ------
        DamagedStore
            When the file is no database of ours.
        StoreError
            When it cannot be opened or made, or was made by a newer version.
        """
        self.path = path
        self._lock = threading.RLock()
        with self._translated():
            self._db = sqlite3.connect(
                path or ":memory:",
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._create_or_check()

    def _create_or_check(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            with self.transaction():
                (version,) = self._db.execute("PRAGMA user_version").fetchone()
                if version == 0:  # nobody else was first
                    for statement in _SCHEMA.split(";"):
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        elif version > SCHEMA_VERSION:
            raise StoreError(
                f"the index in {str(self.path)!r} was made by a newer version of qa "
                f"(schema {version}, this one knows {SCHEMA_VERSION}): upgrade qa"
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        where = f"the index {str(self.path)!r}"
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise IndexBusy(f"{where} is in use by another process: try again") from error
            if "full" in str(error):
                raise StoreError(f"the disk is full: cannot write {where}") from error
            raise StoreError(f"cannot use {where}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise DamagedStore(f"{where} is damaged: {error}") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything inside, or nothing."""
        with self._lock, self._translated():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.rollback()
                raise

    def hold(self) -> None:
        """From now on read one unchanging state, whatever others write."""
        with self._lock, self._translated():
            self._db.execute("BEGIN")
            self.version()  # SQLite takes its snapshot with the first read

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def __del__(self) -> None:
        if hasattr(self, "_db"):  # else it could not be opened
            self._db.close()

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock, self._translated():
            return self._db.execute(sql, values).fetchall()

    def _rows_for(self, sql: str, keys: Collection[Any], *first: Any) -> Iterator[Any]:
        """Rows of a SELECT that ends in ``IN (?)``, for any number of keys."""
        ordered = list(keys)
        for start in range(0, len(ordered), _BATCH):
            some = ordered[start : start + _BATCH]
            marks = ", ".join("?" * len(some))
            yield from self._rows(sql.replace("(?)", f"({marks})"), (*first, *some))

    # What is there.

    def version(self) -> str:
        """Names this state of documents and passages: the file's own name and its revision."""
        sql = "SELECT value FROM meta WHERE key IN ('identity', 'revision') ORDER BY key"
        (identity,), (revision,) = self._rows(sql)
        return f"{identity}-{revision}"

    def recipe(self) -> str:
        """How the passages were cut and embedded, as `set_recipe` left it."""
        return str(self._rows("SELECT value FROM meta WHERE key = 'recipe'")[0][0])

    def counts(self) -> tuple[int, int]:
        """The numbers of documents and of passages."""
        sql = "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM passages)"
        documents, passages = self._rows(sql)[0]
        return documents, passages

    def states(self) -> dict[str, FileState]:
        """What every file, read or failed, looked like, by document id."""
        rows = self._rows("SELECT id, bytes, modified_ns, sha256 FROM documents")
        rows += self._rows("SELECT id, bytes, modified_ns, '' FROM failures")
        return {id: FileState(size, modified, sha256) for id, size, modified, sha256 in rows}

    def failures(self) -> tuple[Failure, ...]:
        rows = self._rows("SELECT id, reason FROM failures ORDER BY id")
        return tuple(Failure(*row) for row in rows)

    def documents(self, ids: Collection[str] | None = None) -> dict[str, Document]:
        """Documents by id, in the order of their ids; all of them, or those named."""
        sql = "SELECT id, text, title, date, path, source, format FROM documents"
        if ids is None:
            rows: Iterable[Any] = self._rows(f"{sql} ORDER BY id")
        else:
            rows = sorted(self._rows_for(f"{sql} WHERE id IN (?)", ids))
        return {row[0]: _document(*row) for row in rows}

    def passages(self, ids: Collection[int]) -> dict[int, tuple[Document, Passage]]:
        """Documents and passages by passage id; ids that are gone are left out.

        Raises
        ------
        DamagedStore
            When a passage is not the text that was embedded: better no quotation than a wrong one.
        """
        sql = "SELECT id, document, start, end, sentences, check_sum FROM passages WHERE id IN (?)"
        rows = list(self._rows_for(sql, ids))
        documents = self.documents({row[1] for row in rows})
        found = {}
        for id, document, start, end, sentences, check_sum in rows:
            text = documents[document].text[start:end]
            if _check_sum(text, sentences) != check_sum:
                raise DamagedStore(f"the index {str(self.path)!r} is damaged: delete it")
            spans = tuple((first, last) for first, last in json.loads(sentences))
            found[id] = (documents[document], Passage(start, end, text, spans))
        return found

    def passage_ids(self, documents: Collection[str]) -> list[int]:
        """The ids of these documents' passages."""
        sql = "SELECT id FROM passages WHERE document IN (?)"
        return [id for (id,) in self._rows_for(sql, documents)]

    def entries(self) -> Iterator[tuple[int, str, str, str]]:
        """Passage id, document id, title and passage text of every passage, by document."""
        names = [id for (id,) in self._rows("SELECT id FROM documents ORDER BY id")]
        sql = "SELECT id, start, end FROM passages WHERE document = ? ORDER BY start"
        for name in names:
            document = self.documents([name])[name]
            for id, start, end in self._rows(sql, (name,)):
                yield id, name, document.title, document.text[start:end]

    def vectors(self, model: str, dimensions: int) -> tuple[list[int], Vectors]:
        """Passage ids, ascending, and their vectors, shape (n, dimensions)."""
        sql = """SELECT p.id, v.vector FROM passages p
                 JOIN vectors v ON v.key = p.key AND v.model = ? ORDER BY p.id"""
        rows = self._rows(sql, (model,))
        matrix = np.empty((len(rows), dimensions), np.float32)
        for row, (_, blob) in enumerate(rows):
            matrix[row] = np.frombuffer(blob, np.float32)
        return [id for id, _ in rows], matrix

    def kept_keys(self, model: str, keys: Collection[bytes]) -> set[bytes]:
        """Those of the keys for which there is a vector."""
        sql = "SELECT key FROM vectors WHERE model = ? AND key IN (?)"
        return {key for (key,) in self._rows_for(sql, keys, model)}

    # Changes.

    def put_vectors(self, model: str, vectors: Mapping[bytes, Vectors]) -> None:
        rows = [
            (model, key, vector.astype(np.float32).tobytes()) for key, vector in vectors.items()
        ]
        with self.transaction():
            self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

    def put(self, document: Document, state: FileState, passages: Sequence[StoredPassage]) -> None:
        """Add a document or replace the one with its id, whole."""
        row = (
            document.id,
            str(document.path) if document.path else None,
            *(state.sha256, state.bytes, state.modified_ns),
            *(document.title, document.date.isoformat() if document.date else None),
            *(document.source, document.format, document.text),
        )
        rows = [(document.id, *_passage_row(stored)) for stored in passages]
        with self.transaction():
            self._db.execute("DELETE FROM documents WHERE id = ?", (document.id,))
            self._db.execute("DELETE FROM failures WHERE id = ?", (document.id,))
            self._db.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            self._db.executemany(
                "INSERT INTO passages (document, start, end, sentences, check_sum, key)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )
            self._raise_revision()

    def touch(self, id: str, state: FileState) -> None:
        """Note that a file was written again with the same content."""
        with self.transaction():
            self._db.execute(
                "UPDATE documents SET bytes = ?, modified_ns = ? WHERE id = ?",
                (state.bytes, state.modified_ns, id),
            )

    def fail(self, id: str, state: FileState, reason: str) -> None:
        """Note that a file cannot be read; a document that stood in its place goes."""
        row = (id, state.bytes, state.modified_ns, reason)
        with self.transaction():
            self._db.execute("DELETE FROM documents WHERE id = ?", (id,))
            self._db.execute("INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)", row)
            self._raise_revision()

    def remove(self, id: str) -> None:
        with self.transaction():
            self._db.execute("DELETE FROM documents WHERE id = ?", (id,))
            self._db.execute("DELETE FROM failures WHERE id = ?", (id,))
            self._raise_revision()

    def start_recipe(self, recipe: str) -> None:
        """Forget all documents, not their vectors, because they are to be cut another way."""
        with self.transaction():
            self._db.execute("DELETE FROM documents")
            self._db.execute("DELETE FROM failures")
            self._db.execute("UPDATE meta SET value = ? WHERE key = 'recipe'", (recipe,))
            self._raise_revision()

    def drop_unused_vectors(self) -> None:
        """Delete vectors that no passage has any more."""
        with self.transaction():
            self._db.execute("DELETE FROM vectors WHERE key NOT IN (SELECT key FROM passages)")

    def _raise_revision(self) -> None:
        self._db.execute("UPDATE meta SET value = value + 1 WHERE key = 'revision'")


def _passage_row(stored: StoredPassage) -> tuple[int, int, str, int, bytes]:
    passage = stored.passage
    sentences = json.dumps(passage.sentences)
    check_sum = _check_sum(passage.text, sentences)
    return passage.start, passage.end, sentences, check_sum, stored.key


def _check_sum(text: str, sentences: str) -> int:
    return zlib.crc32(f"{sentences}{text}".encode("utf-8", "surrogatepass"))


def _document(
    id: str, text: str, title: str, date: str | None, path: str | None, source: str, format: str
) -> Document:
    return Document(
        id=id,
        text=text,
        title=title,
        date=datetime.date.fromisoformat(date) if date else None,
        path=Path(path) if path else None,
        source=source,
        format="markdown" if format == "markdown" else "text",
    )
