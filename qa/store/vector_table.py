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

_MOST_NOTED = 250  # keys of vectors that may be unused; of more it is only noted that there are
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

    def note_unused(self, keys: Collection[bytes] | None = None) -> None:
        """Note that passages go, in the transaction that takes them: `drop_unused` has work.

        Parameters
        ----------
        keys : collection of bytes, optional
            Those of their vectors; None for any.
        """
        noted = self._unused()
        if keys is None or noted is None or len(noted | set(keys)) > _MOST_NOTED:
            told = ""
        elif not (told := " ".join(sorted(key.hex() for key in noted | set(keys)))):
            return
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('unused', ?)", (told,))

    def _unused(self) -> set[bytes] | None:
        """The keys of vectors that may not be needed any more; None: it may be any."""
        noted = self._db.rows("SELECT value FROM meta WHERE key = 'unused'")
        if not noted:
            return set()
        try:
            return {bytes.fromhex(key) for key in noted[0][0].split()} or None
        except (AttributeError, ValueError):  # whatever it is
            return None

    def drop_unused(self) -> None:
        """Delete vectors that no passage has any more, if passages went since the last time.

        Not when there are no passages at all: the folder may be on a disk that is not there today.
        """
        keys = self._unused()
        if keys == set() or not self._db.rows("SELECT EXISTS (SELECT 1 FROM passages)")[0][0]:
            return
        with self._db.transaction():
            if keys is None:
                self._db.execute("DELETE FROM vectors WHERE key NOT IN (SELECT key FROM passages)")
            else:  # in no time, however many vectors there are
                sql = """DELETE FROM vectors WHERE model = ? AND key = ?
                         AND NOT EXISTS (SELECT 1 FROM passages p WHERE p.key = vectors.key)"""
                pairs = [(model, key) for model in self._models() for key in keys]
                self._db.execute_many(sql, pairs)
            self._db.execute("DELETE FROM meta WHERE key = 'unused'")

    def _models(self) -> Iterator[str]:
        """The models that there are vectors of, without going through these."""
        sql = "SELECT min(model) FROM vectors WHERE model > ?"
        model = ""
        while isinstance(found := self._db.rows(sql, (model,))[0][0], str) and found > model:
            model = found
            yield model

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
