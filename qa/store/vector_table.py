"""The store's table of vectors: kept under the model and the text that was embedded.

So unchanged text is never embedded twice, whatever becomes of its document. A vector that has
changed on the disk counts as missing: it is embedded again and replaced.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qa.onnx_model import Vectors
from qa.store import rows
from qa.store.database import DamagedStore, Database

_BATCH = 2_000  # rows of vectors in memory beside their matrix

Ids = npt.NDArray[np.int64]
log = logging.getLogger(__name__)


class VectorTable:
    """The vectors of one store."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def of_passages(self, model: str, dimensions: int) -> Iterator[tuple[Ids, Vectors]]:
        """All passages that have a vector, some at a time: their ids, ascending, and the vectors,
        of shape (n, dimensions).
        """
        # CROSS JOIN: begin with the passages. SQLite would go through all vectors of the model, for
        # every batch: 41 s for 250,000 instead of 2.
        sql = """SELECT p.id, p.key, v.vector, v.check_sum FROM passages p
                 CROSS JOIN vectors v ON v.key = p.key AND v.model = ?
                 WHERE p.id > ? ORDER BY p.id LIMIT ?"""
        unsound = 0
        for some in self._db.batches(sql, (model,), -1, _BATCH):
            read = {
                id: rows.vector_of(model, key, blob, check_sum, dimensions)
                for id, key, blob, check_sum in some
            }
            sound = {id: vector for id, vector in read.items() if vector is not None}
            unsound += len(read) - len(sound)
            if sound:
                yield np.array(list(sound), np.int64), np.stack(list(sound.values()))
        if unsound:
            log.warning("%s: %d vectors have changed; embedding them again", self._db.name, unsound)

    def of(self, ids: Collection[int], model: str, dimensions: int) -> dict[int, Vectors]:
        """Those of these passages that have a vector, and it, shape (dimensions,)."""
        # CROSS JOIN: see above.
        sql = """SELECT p.id, p.key, v.vector, v.check_sum FROM passages p
                 CROSS JOIN vectors v ON v.key = p.key AND v.model = ? WHERE p.id IN (?)"""
        found = {
            id: rows.vector_of(model, key, blob, check_sum, dimensions)
            for id, key, blob, check_sum in self._db.rows_for(sql, ids, model)
        }
        return {id: vector for id, vector in found.items() if vector is not None}

    def named(self, model: str, keys: Collection[bytes], dimensions: int) -> dict[bytes, Vectors]:
        """Those of the keys that have a vector, and it, shape (dimensions,)."""
        sql = "SELECT key, vector, check_sum FROM vectors WHERE model = ? AND key IN (?)"
        found = {
            key: rows.vector_of(model, key, blob, check_sum, dimensions)
            for key, blob, check_sum in self._db.rows_for(sql, keys, model)
        }
        return {key: vector for key, vector in found.items() if vector is not None}

    def last(self) -> int:
        """Where `since` begins with what is not there yet."""
        return int(self._db.rows("SELECT coalesce(max(rowid), 0) FROM vectors")[0][0])

    def since(self, seen: int, model: str, dimensions: int) -> tuple[dict[bytes, Vectors], int]:
        """Some vectors that were kept after the one that was seen last, and the last of them."""
        sql = """SELECT rowid, key, vector, check_sum FROM vectors
                 WHERE model = ? AND rowid > ? ORDER BY rowid LIMIT ?"""
        some = self._db.rows(sql, (model, seen, _BATCH))
        found = {
            key: rows.vector_of(model, key, blob, check_sum, dimensions)
            for _, key, blob, check_sum in some
        }
        sound = {key: vector for key, vector in found.items() if vector is not None}
        last = max((row[0] for row in some), default=seen)
        if some and last <= seen:
            raise self._db.damaged("vectors are not in order")
        return sound, last

    def put(self, model: str, vectors: Mapping[bytes, Vectors]) -> None:
        """Keep vectors under their keys (see `rows.vector_key`)."""
        self._put_rows(rows.vector_row(model, *item) for item in vectors.items())

    def _put_rows(self, found: Iterable[tuple[str, bytes, bytes, int]]) -> None:
        with self._db.transaction():
            self._db.execute_many("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)", found)

    def drop(self, model: str, keys: Iterable[bytes]) -> None:
        """Forget vectors; their passages are embedded again."""
        sql = "DELETE FROM vectors WHERE model = ? AND key = ?"
        with self._db.transaction():
            self._db.execute_many(sql, [(model, key) for key in keys])

    def note_unused(self) -> None:
        """Note that passages went, in the transaction that took them: `drop_unused` has work."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('unused', '')")

    def drop_unused(self) -> None:
        """Delete vectors that no passage has any more, if passages went since the last time.

        Not when there are no passages at all: the folder may be on a disk that is not there today.
        """
        sql = """SELECT EXISTS (SELECT 1 FROM meta WHERE key = 'unused')
                 AND EXISTS (SELECT 1 FROM passages)"""
        if self._db.rows(sql)[0][0]:
            with self._db.transaction():
                self._db.execute("DELETE FROM vectors WHERE key NOT IN (SELECT key FROM passages)")
                self._db.execute("DELETE FROM meta WHERE key = 'unused'")

    def take_from(self, damaged: Path) -> int:
        """Copy what vectors can still be read in another store's file; how many."""
        taken, last = 0, -1
        sql = """SELECT rowid, model, key, vector, check_sum FROM vectors
                 WHERE rowid > ? ORDER BY rowid LIMIT ?"""
        try:
            with closing(Database(damaged, create=False)) as other:
                while some := other.rows(sql, (last, _BATCH)):
                    if some[-1][0] <= last:  # damage can make a ring of a table
                        break
                    last = some[-1][0]
                    sound = [row for _, *row in some if rows.is_vector(*row)]
                    self._put_rows(sound)
                    taken += len(sound)
        except DamagedStore:
            pass  # the rest of it cannot be read
        return taken
