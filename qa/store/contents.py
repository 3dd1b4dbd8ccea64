"""What a store holds, read back: whatever is read is held against its check sum.

Better no quotation than a wrong one. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any, TypeVar

from qa.documents import Document, Failure
from qa.passages import Passage
from qa.store import rows
from qa.store.database import Database
from qa.store.rows import FileState, Outline

_OF_FILES = "FROM documents AS d JOIN files AS f ON f.id = d.file"

Value = TypeVar("Value")


class Contents:
    """The rows of a store as what they stand for."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._outlines: tuple[str, tuple[Outline, ...]] | None = None  # and of which version

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

    def states(self, files: Collection[str] | None = None) -> dict[str, FileState]:
        """What files looked like when they were read, failed or not, by their ids; those named,
        or all.
        """
        sql = "SELECT id, bytes, modified_ns, sha256 FROM files"
        if files is None:
            found = self._named(self._db.rows(sql))
            # The first goes through the rows, the second through their index.
            if [(len(found),)] != self._db.rows("SELECT count(*) FROM files WHERE id >= ''"):
                raise self._db.damaged("the index of its files has changed")
        else:
            found = self._named(list(self._db.rows_for(f"{sql} WHERE id IN (?)", files)))
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
        """All documents without their texts, by id; once read, they are at hand."""
        version = self.version()
        if self._outlines is None or self._outlines[0] != version:
            self._outlines = version, self._read_outlines()
        return self._outlines[1]

    def _read_outlines(self) -> tuple[Outline, ...]:
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

    def keys_of(self, documents: Collection[str]) -> set[bytes]:
        """What the vectors of these documents' passages are kept under."""
        sql = "SELECT key FROM passages WHERE document IN (?)"
        found = {key for (key,) in self._db.rows_for(sql, documents)}
        if not all(isinstance(key, bytes) for key in found):
            raise self._db.damaged("a key has changed")
        return found

    def passages_by_key(self, keys: Collection[bytes]) -> list[tuple[int, bytes]]:
        """The passages that are embedded under these keys: their ids, and the key of each."""
        return list(self._db.rows_for("SELECT id, key FROM passages WHERE key IN (?)", keys))

    def newest_first(self, ids: Collection[int] | None = None) -> list[int]:
        """These passages, or all: those of the latest documents first, undated ones last."""
        sql = """SELECT p.id, CAST(d.id AS TEXT), CAST(p.start AS INTEGER), CAST(d.date AS TEXT)
                 FROM passages p CROSS JOIN documents d ON d.id = p.document"""
        if ids is None:
            found = self._db.rows(sql)
        else:
            found = list(self._db.rows_for(f"{sql} WHERE p.id IN (?)", ids))
        found.sort(key=lambda row: row[1:3])
        found.sort(key=lambda row: row[3] or "", reverse=True)
        return [id for id, *_ in found]

    def entries(self) -> Iterator[tuple[int, str, str, str]]:
        """Passage id, document id, title and passage text of every passage, by document."""
        left = self.counts()[1]
        for entry in self.entries_of(self.ids()):
            left -= 1
            yield entry
        if left:
            raise self._db.damaged("there are passages of no document")

    def entries_of(self, documents: Collection[str]) -> Iterator[tuple[int, str, str, str]]:
        """The same of some documents' passages, in the order of their ids."""
        sql = f"SELECT {rows.PASSAGE_COLUMNS} FROM passages WHERE document = ? ORDER BY start"
        counts = "SELECT id, passages FROM documents WHERE id IN (?)"
        for name, count in sorted(self._named(list(self._db.rows_for(counts, documents)))):
            document = self.documents([name]).get(name)
            found = self._db.rows(sql, (name,))
            if document is None or len(found) != count:
                raise self._db.damaged(f"passages of {name!r} are missing")
            for row in found:
                yield row[0], name, document.title, self._passage(row, document).text

    def stamps(self) -> dict[str, tuple[str, int]]:
        """By document id something that is another when its passages are others, and their number.

        Raises
        ------
        DamagedStore
            When there are passages of no document, or fewer than there should be.
        """
        sql = f"SELECT d.id, f.sha256, d.check_sum, d.passages {_OF_FILES}"
        found = self._named(self._db.rows(sql))
        if not all(isinstance(count, int) for *_, count in found):
            raise self._db.damaged("a number has changed")
        if sum(count for *_, count in found) != self.counts()[1]:
            raise self._db.damaged("the passages are not those of its documents")
        cut = rows.check_sum(self.recipe())
        return {id: (f"{cut} {str(sha)[:16]} {own}", count) for id, sha, own, count in found}

    def all_passage_ids(self) -> list[int]:
        """The ids of all passages, in order."""
        return [id for (id,) in self._db.rows("SELECT id FROM passages ORDER BY id")]

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
