"""The index on disk: one SQLite file, the truth from which FAISS and Tantivy are derived.

Documents and their passages are written in one transaction a document, so that a reader, or the
next process after a kill, sees a document whole or not at all. Every such transaction raises the
store's revision. Whatever is read is held against its check sum: better no quotation than a wrong
one. Knows nothing of models, FAISS or Tantivy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from qa import rows
from qa.database import DamagedStore, Database
from qa.documents import Document, Failure
from qa.errors import StoreError
from qa.onnx_model import Vectors
from qa.passages import Passage
from qa.rows import FileState, StoredPassage, vector_key

__all__ = ["DamagedStore", "Failure", "FileState", "Store", "StoredPassage", "vector_key"]

_BATCH = 2_000  # rows of vectors in memory beside their matrix

Value = TypeVar("Value")


class Store:
    """What is kept of a folder, for any thread, one at a time."""

    def __init__(self, path: Path | None, *, create: bool = True) -> None:
        """
        Parameters
        ----------
        path : Path or None
            The SQLite file; None keeps everything in memory.
        create : bool
            Whether to make the file when it is missing.

        Raises
        ------
        DamagedStore
            When the file is no database of ours.
        StoreError
            When it cannot be opened or made, or was made by a newer version.
        """
        self.path = path
        self._db = Database(path, create=create)
        try:
            self._create_or_check()
        except BaseException:
            self._db.close()
            raise

    def _create_or_check(self) -> None:
        if self._schema_version() == 0:
            with self.transaction():
                if self._schema_version() == 0:  # nobody else was first
                    for statement in rows.SCHEMA.split(";"):
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA user_version = {rows.SCHEMA_VERSION}")
        if self._schema_version() > rows.SCHEMA_VERSION:
            raise StoreError(
                f"{self._db.name} was made by a newer version of qa (schema "
                f"{self._schema_version()}, this one knows {rows.SCHEMA_VERSION}): upgrade qa"
            )

    def _schema_version(self) -> int:
        return int(self._db.rows("PRAGMA user_version")[0][0])

    def transaction(self) -> AbstractContextManager[None]:
        """Write everything inside, or nothing."""
        return self._db.transaction()

    def snapshot(self) -> Store:
        """Another connection, which reads the state of this moment, whatever others write."""
        other = Store(self.path, create=False)
        other._db.hold()
        return other

    def in_place(self) -> bool:
        """Whether the open file is still the one that its path names."""
        return self._db.in_place()

    def close(self) -> None:
        self._db.close()

    # What is there.

    def version(self) -> str:
        """Names this state of documents and passages: the file's own name and its revision."""
        meta = self._meta()
        return f"{meta['identity']}-{meta['revision']}"

    def recipe(self) -> str:
        """How the passages were cut and embedded, as `start_recipe` left it."""
        return self._meta()["recipe"]

    def _meta(self) -> dict[str, str]:
        found = dict(self._db.rows("SELECT key, value FROM meta"))
        if not {"identity", "revision", "recipe"} <= found.keys():
            raise self._db.damaged("it does not say its revision")
        return found

    def counts(self) -> tuple[int, int]:
        """The numbers of documents and of passages."""
        sql = "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM passages)"
        documents, passages = self._db.rows(sql)[0]
        return documents, passages

    def states(self) -> dict[str, FileState]:
        """What the documents' files looked like, by document id."""
        return self._states("documents")

    def failed_states(self) -> dict[str, FileState]:
        """What the files that could not be read looked like, by the id they would have."""
        return self._states("failures")

    def _states(self, table: str) -> dict[str, FileState]:
        found = self._named(self._db.rows(f"SELECT id, bytes, modified_ns, sha256 FROM {table}"))
        # The first goes through the rows, the second through their index.
        if [(len(found),)] != self._db.rows(f"SELECT count(*) FROM {table} WHERE id >= ''"):
            raise self._db.damaged(f"the index of its {table} has changed")
        return {id: FileState(size, modified, sha256) for id, size, modified, sha256 in found}

    def failures(self) -> tuple[Failure, ...]:
        """Files that could not be read, by path."""
        found = self._named(self._db.rows("SELECT id, reason FROM failures ORDER BY id"))
        return tuple(Failure(id, str(reason)) for id, reason in found)

    def paths(self) -> dict[str, bytes | None]:
        """The documents' files, as the operating system spells them, by document id."""
        return dict(self._named(self._db.rows("SELECT id, path FROM documents")))

    def documents(self, ids: Collection[str] | None = None) -> dict[str, Document]:
        """Documents by id, in the order of their ids; all of them, or those named."""
        sql = f"SELECT {rows.DOCUMENT_COLUMNS} FROM documents"
        if ids is None:
            found = self._named(self._db.rows(f"{sql} ORDER BY id"))
        else:
            found = self._named(list(self._db.rows_for(f"{sql} WHERE id IN (?)", ids)))
            found.sort(key=lambda row: row[0])
        return {row[0]: self._sound(partial(rows.document_of, row)) for row in found}

    def passages(self, ids: Collection[int]) -> dict[int, tuple[Document, Passage]]:
        """Documents and passages by passage id.

        Raises
        ------
        DamagedStore
            When one is missing, or is not the text that was embedded.
        """
        sql = f"SELECT {rows.PASSAGE_COLUMNS} FROM passages WHERE id IN (?)"
        found = list(self._db.rows_for(sql, ids))
        documents = self.documents({row[1] for row in found})
        if len(found) != len(set(ids)) or any(row[1] not in documents for row in found):
            raise self._db.damaged("passages are missing")
        return {row[0]: (documents[row[1]], self._passage(row, documents[row[1]])) for row in found}

    def passage_ids(self, documents: Collection[str]) -> list[int]:
        """The ids of these documents' passages; documents that are not there have none."""
        ids = set(documents)
        sql = "SELECT id FROM passages WHERE document IN (?)"
        found = [id for (id,) in self._db.rows_for(sql, ids)]
        counts = self._db.rows_for("SELECT passages FROM documents WHERE id IN (?)", ids)
        if sum(count for (count,) in counts if isinstance(count, int)) != len(found):
            raise self._db.damaged("passages are missing")
        return found

    def entries(self) -> Iterator[tuple[int, str, str, str]]:
        """Passage id, document id, title and passage text of every passage, by document."""
        sql = f"SELECT {rows.PASSAGE_COLUMNS} FROM passages WHERE document = ? ORDER BY start"
        left = self.counts()[1]
        names = self._named(self._db.rows("SELECT id, passages FROM documents ORDER BY id"))
        for name, count in names:
            document = self.documents([name]).get(name)
            found = self._db.rows(sql, (name,))
            if document is None or len(found) != count:
                raise self._db.damaged(f"passages of {name!r} are missing")
            for row in found:
                yield row[0], name, document.title, self._passage(row, document).text
            left -= count
        if left:
            raise self._db.damaged("there are passages of no document")

    def vectors(self, model: str, dimensions: int) -> tuple[list[int], Vectors]:
        """The ids of all passages, ascending, and their vectors, shape (n, dimensions)."""
        sql = """SELECT p.id, p.key, v.vector, v.check_sum FROM passages p
                 LEFT JOIN vectors v ON v.key = p.key AND v.model = ?
                 WHERE p.id > ? ORDER BY p.id LIMIT ?"""
        ids: list[int] = []
        matrix = np.empty((self.counts()[1], dimensions), np.float32)
        while some := self._db.rows(sql, (model, ids[-1] if ids else -1, _BATCH)):
            for id, key, vector, check_sum in some:
                if len(ids) == len(matrix):
                    raise self._db.damaged("there are more passages than it says")
                matrix[len(ids)] = self._sound(
                    partial(rows.vector_of, model, key, vector, check_sum, dimensions)
                )
                ids.append(id)
        if len(ids) != len(matrix):
            raise self._db.damaged("passages are missing")
        return ids, matrix

    def kept_keys(self, model: str, keys: Collection[bytes]) -> set[bytes]:
        """Those of the keys for which there is a vector."""
        sql = "SELECT key FROM vectors WHERE model = ? AND key IN (?)"
        return {key for (key,) in self._db.rows_for(sql, keys, model)}

    def _named(self, found: list[Any]) -> list[Any]:
        """Rows that begin with an id, if that is one: damage can make a number of it."""
        if not all(isinstance(row[0], str) for row in found):
            raise self._db.damaged("an id has changed")
        return found

    def _passage(self, row: tuple[Any, ...], document: Document) -> Passage:
        return self._sound(partial(rows.passage_of, row, document))

    def _sound(self, value: Callable[[], Value]) -> Value:
        try:
            return value()
        except (ValueError, TypeError) as error:  # whatever a damaged row makes of its parts
            raise self._db.damaged(str(error)) from error

    # Changes.

    def put_vectors(self, model: str, vectors: Mapping[bytes, Vectors]) -> None:
        """Keep vectors under their keys (see `vector_key`)."""
        self._put_vector_rows(rows.vector_row(model, *item) for item in vectors.items())

    def _put_vector_rows(self, found: Iterable[tuple[str, bytes, bytes, int]]) -> None:
        with self.transaction():
            self._db.execute_many("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)", found)

    def put(self, document: Document, state: FileState, passages: Sequence[StoredPassage]) -> None:
        """Add a document or replace the one with its id, whole."""
        columns = f"{rows.DOCUMENT_COLUMNS}, sha256, bytes, modified_ns"
        row = (*rows.document_row(document, len(passages)), *_state_row(state))
        with self.transaction():
            self._delete(document.id)
            self._db.execute(f"INSERT INTO documents ({columns}) VALUES ({_marks(row)})", row)
            self._db.execute_many(
                f"INSERT INTO passages ({rows.PASSAGE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (rows.passage_row(document.id, stored) for stored in passages),
            )
            self._raise_revision()

    def touch(self, id: str, state: FileState) -> None:
        """Note that a file was written again with the same content."""
        with self.transaction():
            for table in ("documents", "failures"):
                self._db.execute(
                    f"UPDATE {table} SET sha256 = ?, bytes = ?, modified_ns = ? WHERE id = ?",
                    (*_state_row(state), id),
                )

    def move(self, paths: Mapping[str, bytes]) -> None:
        """Note that documents' files lie elsewhere now."""
        with self.transaction():
            found = [(path, id) for id, path in paths.items()]
            self._db.execute_many("UPDATE documents SET path = ? WHERE id = ?", found)
            self._raise_revision()

    def fail(self, id: str, state: FileState, reason: str) -> None:
        """Note that a file cannot be read; a document that stood in its place goes."""
        row = (id, *_state_row(state), reason)
        with self.transaction():
            if self._delete(id):
                self._raise_revision()
            self._db.execute("INSERT INTO failures VALUES (?, ?, ?, ?, ?)", row)

    def remove(self, id: str) -> None:
        """Forget a file, read or failed; its passages' vectors stay for now."""
        with self.transaction():
            if self._delete(id):
                self._raise_revision()

    def start_recipe(self, recipe: str) -> None:
        """Forget all documents, not their vectors, because they are to be cut another way."""
        with self.transaction():
            self._db.execute("DELETE FROM documents")
            self._db.execute("DELETE FROM failures")
            self._db.execute("UPDATE meta SET value = ? WHERE key = 'recipe'", (recipe,))
            self._raise_revision()

    def drop_unused_vectors(self) -> None:
        """Delete vectors that no passage has any more.

        Not when there are no passages at all: the folder may be on a disk that is not there today.
        """
        if self.counts()[1]:
            with self.transaction():
                self._db.execute("DELETE FROM vectors WHERE key NOT IN (SELECT key FROM passages)")

    def take_vectors(self, damaged: Path) -> int:
        """Copy what vectors can still be read in another store's file; how many."""
        taken, last = 0, -1
        sql = """SELECT rowid, model, key, vector, check_sum FROM vectors
                 WHERE rowid > ? ORDER BY rowid LIMIT ?"""
        try:
            with closing(Database(damaged, create=False)) as other:
                while some := other.rows(sql, (last, _BATCH)):
                    last = some[-1][0]
                    sound = [row for _, *row in some if rows.is_vector(*row)]
                    self._put_vector_rows(sound)
                    taken += len(sound)
        except DamagedStore:
            pass  # the rest of it cannot be read
        return taken

    def _delete(self, id: str) -> int:
        """Forget a document or failure; how many documents went."""
        self._db.execute("DELETE FROM failures WHERE id = ?", (id,))
        return self._db.execute("DELETE FROM documents WHERE id = ?", (id,))

    def _raise_revision(self) -> None:
        self._db.execute("UPDATE meta SET value = value + 1 WHERE key = 'revision'")


def _state_row(state: FileState) -> tuple[str, int, int]:
    return state.sha256, state.bytes, state.modified_ns


def _marks(row: Sequence[object]) -> str:
    return ", ".join("?" * len(row))
