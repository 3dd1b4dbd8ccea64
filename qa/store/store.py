"""The index on disk: one SQLite file, the truth from which FAISS and Tantivy are derived.

A file's documents and their passages are written in one transaction, so that a reader, or the next
process after a kill, sees them whole or not at all. Every such transaction raises the store's
revision. Vectors come later, when they are made (see `qa.store.vector_table`). `qa.store.contents`
reads it all back. Knows nothing of models, FAISS or Tantivy.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from qa.documents import Document, Failure
from qa.errors import StoreError
from qa.store import rows
from qa.store.contents import Contents
from qa.store.database import Database
from qa.store.migrations import migrate
from qa.store.rows import FileState, StoredPassage
from qa.store.vector_table import VectorTable


class Store(Contents):
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
        super().__init__(Database(path, create=create))
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
        Contents.__init__(store, Database(path, write=False))
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

    @property
    def file_bytes(self) -> int:
        """How long the file is; 0 in memory."""
        return _size(self.path)

    @property
    def log_bytes(self) -> int:
        """How long the write-ahead log is, what was used of it before included."""
        return _size(self.path and self.path.with_name(f"{self.path.name}-wal"))

    def in_place(self) -> bool:
        """Whether the open file is still the one that its path names."""
        return self._db.in_place()

    def close(self) -> None:
        self._db.close()

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
        self.vectors.note_unused(self.keys_of(documents))
        self._db.execute_many("DELETE FROM documents WHERE id = ?", [(id,) for id in documents])

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
            documents = self.ids(file)
            self.vectors.note_unused(self.keys_of(documents))
            self._db.execute("DELETE FROM files WHERE id = ?", (file,))
            if documents:
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


def _size(path: Path | None) -> int:
    try:
        return path.stat().st_size if path else 0
    except OSError:
        return 0


def _state_row(state: FileState) -> tuple[str, int, int]:
    return state.sha256, state.bytes, state.modified_ns


def _marks(row: Sequence[object]) -> str:
    return ", ".join("?" * len(row))
