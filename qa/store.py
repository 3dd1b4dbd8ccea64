"""The index on disk: one SQLite file, the truth from which FAISS and Tantivy are derived.

A file's documents and their passages are written in one transaction, so that a reader, or the next
process after a kill, sees them whole or not at all. Every such transaction raises the store's
revision. Vectors come later, when they are made (see `qa.vector_table`). Whatever is read is held
against its check sum: better no quotation than a wrong one. Knows nothing of models, FAISS or
Tantivy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from qa import rows
from qa.database import DamagedStore, Database
from qa.documents import Document, Failure
from qa.errors import StoreError
from qa.migrations import migrate
from qa.passages import Passage
from qa.rows import FileState, Outline, StoredPassage, vector_key
from qa.vector_table import VectorTable

__all__ = [
    "DamagedStore",
    "Failure",
    "FileState",
    "Outline",
    "Store",
    "StoredPassage",
    "vector_key",
]

_OF_FILES = "FROM documents AS d JOIN files AS f ON f.id = d.file"

Value = TypeVar("Value")


class Store:
    """What is kept of a folder, for any thread, one at a time.

    Attributes
    ----------
    vectors : VectorTable
        The vectors of its passages, as far as there are any yet.
    """

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
        self.vectors = VectorTable(self._db)
        try:
            self._create_or_check()
        except BaseException:
            self._db.close()
            raise

    def _create_or_check(self) -> None:
        """Make the tables, or bring those of an earlier version forward."""
        self.check_version()
        if self._schema_version() < rows.SCHEMA_VERSION:
            with self._db.without_foreign_keys(), self.transaction():
                if (version := self._schema_version()) == 0:  # nobody else was first
                    for statement in rows.SCHEMA.split(";"):
                        self._db.execute(statement)
                else:
                    migrate(self._db, version, rows.SCHEMA_VERSION)
                self._db.execute(f"PRAGMA user_version = {rows.SCHEMA_VERSION}")

    def check_version(self) -> None:
        """Raise StoreError when a newer version of qa wrote the file, perhaps just now."""
        if self._schema_version() > rows.SCHEMA_VERSION:
            raise StoreError(
                f"{self._db.name} was made by a newer version of qa (schema "
                f"{self._schema_version()}, this one knows {rows.SCHEMA_VERSION}): upgrade qa"
            )

    def _schema_version(self) -> int:
        return int(self._db.rows("PRAGMA user_version")[0][0])

    @classmethod
    def read_only(cls, path: Path) -> Store | None:
        """A store of this version to read, so that nothing is written; None of an earlier one.

        Raises
        ------
        DamagedStore, StoreError
            As for making one.
        """
        store = cls.__new__(cls)
        store.path = path
        store._db = Database(path, write=False)
        store.vectors = VectorTable(store._db)
        try:
            store.check_version()
            if store._schema_version() == rows.SCHEMA_VERSION:
                return store
        except BaseException:
            store.close()
            raise
        store.close()
        return None

    def transaction(self) -> AbstractContextManager[None]:
        """Write everything inside, or nothing."""
        return self._db.transaction()

    def snapshot(self) -> Store:
        """Another connection, which reads the state of this moment, whatever others write."""
        other = Store(self.path, create=False)
        other._db.hold()
        return other

    def checkpoint(self) -> None:
        """Move what is in the write-ahead log into the file, as far as nobody reads around it."""
        self._db.rows("PRAGMA wal_checkpoint(PASSIVE)")

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
        """What the files looked like when they were read, failed or not, by the files' ids."""
        found = self._named(self._db.rows("SELECT id, bytes, modified_ns, sha256 FROM files"))
        # The first goes through the rows, the second through their index.
        if [(len(found),)] != self._db.rows("SELECT count(*) FROM files WHERE id >= ''"):
            raise self._db.damaged("the index of its files has changed")
        return {id: FileState(size, modified, sha256) for id, size, modified, sha256 in found}

    def paths(self) -> dict[str, bytes | None]:
        """The files of documents, as the operating system spells them, by the files' ids."""
        sql = "SELECT id, path FROM files WHERE id IN (SELECT file FROM documents)"
        return dict(self._named(self._db.rows(sql)))

    def failures(self) -> tuple[Failure, ...]:
        """Files, and things inside files, that could not be read, by path."""
        found = self._named(self._db.rows("SELECT id, reason FROM failures ORDER BY id"))
        return tuple(Failure(id, str(reason)) for id, reason in found)

    def ids(self, file: str | None = None) -> list[str]:
        """The ids of all documents, or of those in one file, in order."""
        where, values = ("", ()) if file is None else ("WHERE file = ?", (file,))
        sql = f"SELECT id FROM documents {where} ORDER BY id"
        return [id for (id,) in self._named(self._db.rows(sql, values))]

    def outlines(self) -> tuple[Outline, ...]:
        """All documents without their texts, by id."""
        sql = f"SELECT {rows.OUTLINE_COLUMNS} {_OF_FILES} ORDER BY d.id"
        found = self._named(self._db.rows(sql))
        return tuple(self._sound(partial(rows.outline_of, row)) for row in found)

    def documents(self, ids: Collection[str] | None = None) -> dict[str, Document]:
        """Documents by id, in the order of their ids; all of them, or those named."""
        sql = f"SELECT {rows.DOCUMENT_COLUMNS} {_OF_FILES}"
        if ids is None:
            found = self._named(self._db.rows(f"{sql} ORDER BY d.id"))
        else:
            found = self._named(list(self._db.rows_for(f"{sql} WHERE d.id IN (?)", ids)))
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

    def keys(self, ids: Collection[int]) -> dict[int, bytes]:
        """What the vectors of these passages are kept under, by passage id."""
        return dict(self._db.rows_for("SELECT id, key FROM passages WHERE id IN (?)", ids))

    def passages_by_key(self, keys: Collection[bytes]) -> list[tuple[int, bytes]]:
        """The passages that are embedded under these keys: their ids, and the key of each."""
        return list(self._db.rows_for("SELECT id, key FROM passages WHERE key IN (?)", keys))

    def newest_first(self) -> list[int]:
        """The ids of all passages, those of the latest documents first, undated ones last."""
        sql = """SELECT p.id FROM passages p JOIN documents d ON d.id = p.document
                 ORDER BY d.date IS NULL, d.date DESC, d.id, p.start"""
        return [id for (id,) in self._db.rows(sql)]

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

    def signatures(self) -> dict[str, bytes]:
        """The signatures that documents have, by document id, without those that have changed."""
        found = map(rows.signature_of, self._db.rows("SELECT * FROM signatures ORDER BY document"))
        return dict(pair for pair in found if pair)

    def unsigned(self) -> list[str]:
        """The ids of documents that have no signature, in order."""
        sql = "SELECT id FROM documents WHERE id NOT IN (SELECT document FROM signatures)"
        return [id for (id,) in self._named(self._db.rows(f"{sql} ORDER BY id"))]

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

    def put(
        self,
        file: str,
        state: FileState,
        documents: Sequence[tuple[Document, Sequence[StoredPassage]]] = (),
        failures: Sequence[Failure] = (),
        *,
        path: bytes | None = None,
        kept: Collection[str] = (),
    ) -> None:
        """Add a file or replace it, whole: its documents, and what in it could not be read.

        Parameters
        ----------
        file : str
            The file's id.
        path : bytes, optional
            Where it lies, as the operating system spells it.
        kept : collection of str
            Ids of documents of this file that stay as they are.
        """
        with self.transaction():
            gone = set(self.ids(file)) - set(kept)
            gone |= {document.id for document, _ in documents}  # another file's, till now
            self._delete(gone)
            self._put_file(file, state, path)
            for document, passages in documents:
                self._insert(document, file, passages)
            self._db.execute("DELETE FROM failures WHERE file = ?", (file,))
            self._db.execute_many(
                "INSERT OR REPLACE INTO failures VALUES (?, ?, ?)",
                [(failure.path, file, failure.reason) for failure in failures],
            )
            if gone:
                self._raise_revision()

    def _delete(self, documents: Collection[str]) -> None:
        sql = "DELETE FROM documents WHERE id = ?"
        if any([self._db.execute(sql, (id,)) for id in sorted(documents)]):
            self.vectors.note_unused()

    def _put_file(self, file: str, state: FileState, path: bytes | None) -> None:
        self._db.execute(
            """INSERT INTO files (path, sha256, bytes, modified_ns, id) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT (id) DO UPDATE SET path = excluded.path, sha256 = excluded.sha256,
               bytes = excluded.bytes, modified_ns = excluded.modified_ns""",
            (path, *_state_row(state), file),
        )

    def _insert(self, document: Document, file: str, passages: Sequence[StoredPassage]) -> None:
        row = rows.document_row(document, file, len(passages))
        self._db.execute(f"INSERT INTO documents VALUES ({_marks(row)})", row)
        self._db.execute_many(
            f"INSERT INTO passages ({rows.PASSAGE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [rows.passage_row(document.id, stored) for stored in passages],
        )

    def touch(self, file: str, state: FileState) -> None:
        """Note that a file was written again with the same content."""
        with self.transaction():
            sql = "UPDATE files SET sha256 = ?, bytes = ?, modified_ns = ? WHERE id = ?"
            self._db.execute(sql, (*_state_row(state), file))

    def move(self, paths: Mapping[str, bytes]) -> None:
        """Note that files lie elsewhere now, by the files' ids."""
        with self.transaction():
            found = [(path, id) for id, path in paths.items()]
            self._db.execute_many("UPDATE files SET path = ? WHERE id = ?", found)
            self._raise_revision()

    def remove(self, file: str) -> None:
        """Forget a file, read or failed, and its documents; their vectors stay for now."""
        with self.transaction():
            had_documents = bool(self.ids(file))
            self._db.execute("DELETE FROM files WHERE id = ?", (file,))
            if had_documents:
                self.vectors.note_unused()
                self._raise_revision()

    def start_recipe(self, recipe: str) -> None:
        """Forget all files, not their vectors, because they are to be cut another way."""
        with self.transaction():
            self._db.execute("DELETE FROM files")
            self.vectors.note_unused()
            self._db.execute("UPDATE meta SET value = ? WHERE key = 'recipe'", (recipe,))
            self._raise_revision()

    def put_signatures(self, signatures: Mapping[str, bytes]) -> None:
        """Keep documents' signatures, by document id; they go with their documents."""
        found = [rows.signature_row(*item) for item in signatures.items()]
        with self.transaction():
            self._db.execute_many("INSERT OR REPLACE INTO signatures VALUES (?, ?, ?)", found)

    def _raise_revision(self) -> None:
        self._db.execute("UPDATE meta SET value = value + 1 WHERE key = 'revision'")


def _state_row(state: FileState) -> tuple[str, int, int]:
    return state.sha256, state.bytes, state.modified_ns


def _marks(row: Sequence[object]) -> str:
    return ", ".join("?" * len(row))
