"""Nearest neighbours over unit vectors by FAISS, exact or by 8 bits a component.

Knows passage ids, not passages.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import faiss
import numpy as np
import numpy.typing as npt

from qa.onnx_model import Vectors

Ids = npt.NDArray[np.int64]
Kind: TypeAlias = Literal["flat", "8-bit"]

FLAT_PASSAGES = 50_000  # up to here flat: exact, 6 ms a question and 80 MB at most
_TIES = 16  # more than are asked for, because they may be as near as the last of those
_SPREAD = 4.0  # times a component's usual size: 8 bits reach so far, whatever they are trained on


class VectorIndex:
    """An inner-product index with ids; for unit vectors the inner product is the cosine.

    Any thread may use it at any time.
    """

    def __init__(
        self, ids: Sequence[int] | Ids, vectors: Vectors, *, kind: Kind | None = None
    ) -> None:
        """
        Parameters
        ----------
        ids : sequence of int, length n
        vectors : array of shape (n, d), float32, unit rows
        kind : "flat" or "8-bit"; None for flat as long as it has at most `FLAT_PASSAGES`

        Raises
        ------
        ValueError
            When there are not as many ids as vectors.
        """
        numbers = _checked(ids, vectors)
        self._lock = threading.RLock()  # faiss allows no change beside a search
        self._forced = kind
        self._index = _made(kind or _best(len(ids)), numbers, vectors)
        self._ids = _sorted(numbers)
        self._fitted = True

    @classmethod
    def gathered(
        cls, batches: Callable[[], Iterable[tuple[Ids, Vectors]]], dimensions: int
    ) -> VectorIndex:
        """An index of vectors that come some at a time, so that they are never there all at once.

        Parameters
        ----------
        batches : callable
            Gives ids and vectors, of shape (n, dimensions); called again where there are very many,
            because 8 bits must know how far they are to reach.
        """
        limits, number = _limits(np.empty((0, dimensions), np.float32)), 0
        kept: list[tuple[Ids, Vectors]] = []
        for batch in batches():
            number += len(batch[0])
            limits = _limits(np.concatenate([limits, batch[1]]))
            kept = [*kept, batch] if _best(number) == "flat" else []
        index = _empty(_best(number), limits)
        for ids, vectors in kept if _best(number) == "flat" else batches():
            _add(index, ids, vectors)
        return cls._of(index)

    @classmethod
    def load(cls, path: Path) -> VectorIndex:
        """Read what `save` wrote. Raises RuntimeError (faiss's own) when it is no such file."""
        index = faiss.read_index(str(path))
        if not isinstance(index, faiss.IndexIDMap2):
            raise RuntimeError(f"'{path}' has no index with ids")
        return cls._of(index)

    def copy(self) -> VectorIndex:
        """Another one with the same vectors, which may go another way."""
        with self._lock:
            copy = self._of(faiss.clone_index(self._index))
            copy._forced, copy._fitted = self._forced, self._fitted
        return copy

    @classmethod
    def _of(cls, index: Any) -> VectorIndex:
        """What holds one of faiss's indexes with ids."""
        made = cls.__new__(cls)
        made._lock = threading.RLock()
        made._forced, made._fitted = None, True
        made._index = index
        made._ids = _sorted(faiss.vector_to_array(index.id_map))
        return made

    def save(self, path: Path) -> None:
        """Write all of it, its kind too, into a file."""
        with self._lock:
            faiss.write_index(self._index, str(path))

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> Ids:
        """The ids that it has vectors of, ascending; not to be written into."""
        return self._ids

    @property
    def kind(self) -> Kind:
        """Whether it is exact, or a quarter as large and its cosines right to about .002."""
        return "flat" if isinstance(_storage(self._index), faiss.IndexFlat) else "8-bit"

    @property
    def fitted(self) -> bool:
        """Whether it is what it would be, had it been made of its vectors at once: of that kind,
        and with 8 bits that reach just as far.
        """
        return self._fitted and self.kind == (self._forced or _best(len(self)))

    def add(self, ids: Sequence[int] | Ids, vectors: Vectors) -> None:
        """Add vectors; an id that is there already gets the new one.

        Where the kind was not named, a flat index that grows past `FLAT_PASSAGES` turns 8-bit.

        Raises
        ------
        ValueError
            When there are not as many ids as vectors, or an id is named twice.
        """
        numbers = _checked(ids, vectors)
        with self._lock:
            self.remove(numbers)
            self._fitted &= _is_within(self._index, vectors)
            _add(self._index, numbers, vectors)
            self._ids = _sorted(np.concatenate([self._ids, numbers]))
            if self.kind == "flat" and not self._forced and len(self) > FLAT_PASSAGES:
                self._index = _made("8-bit", self._ids, self._index.reconstruct_batch(self._ids))
                self._fitted = True

    def remove(self, ids: Sequence[int] | Ids) -> None:
        """Forget the vectors of these ids; those that it has not are passed over."""
        with self._lock:
            asked = np.asarray(ids, np.int64)
            there = asked[_among(asked, self._ids)]
            if len(there):
                self._fitted &= not _may_be_widest(self._index, there)
                self._index.remove_ids(there)
                self._ids = _sorted(np.setdiff1d(self._ids, there))

    def search(
        self, query: Vectors, n: int, *, among: Collection[int] | None = None
    ) -> tuple[Ids, Vectors]:
        """The n nearest vectors, nearest first; ids break ties, whatever the order they came in.

        Parameters
        ----------
        query : array of shape (d,), float32, unit length
        n : int
        among : ids to search in; None for all

        Returns
        -------
        ids : array of shape (m,), m <= n
        cosines : array of shape (m,), descending
        """
        with self._lock:
            there = len(self) if among is None else len(among)
            parameters = None
            if among is not None:
                selected = np.fromiter(among, np.int64, len(among))
                chosen: Any = faiss.IDSelectorBatch(selected)
                parameters = faiss.SearchParameters(sel=chosen)  # type: ignore[call-arg]  # stubs
            most, n = min(n + _TIES, there), min(n, there)
            if n == 0:
                return np.empty(0, np.int64), np.empty(0, np.float32)
            # One query is one thread's work to faiss: others would only be waited for, and on a
            # busy machine that takes ten times as long as the search. The setting is the calling
            # thread's.
            faiss.omp_set_num_threads(1)
            while True:
                cosines, ids = self._index.search(query[np.newaxis], most, params=parameters)
                if most == there or cosines[0][-1] < cosines[0][n - 1]:
                    break  # all that tie with the last of the n are there
                most = min(2 * most, there)
        found = ids[0] >= 0  # (most,)
        order = np.lexsort((ids[0][found], -cosines[0][found]))[:n]
        return ids[0][found][order], cosines[0][found][order]

    def cosines(self, query: Vectors, ids: Sequence[int] | Ids) -> Vectors:
        """The cosine of the query with each of the named vectors.

        Returns
        -------
        array of shape (len(ids),), float32
            Not-a-number for an id that it has no vector of.
        """
        asked = np.asarray(ids, np.int64)
        result = np.full(len(asked), np.nan, np.float32)
        with self._lock:
            there = _among(asked, self._ids)
            if there.any():
                result[there] = self._index.reconstruct_batch(asked[there]) @ query  # (m, d) @ (d,)
        return result


def _checked(ids: Sequence[int] | Ids, vectors: Vectors) -> Ids:
    if vectors.ndim != 2 or len(ids) != len(vectors):
        raise ValueError(f"{len(ids)} ids for vectors of shape {vectors.shape}")
    numbers = np.asarray(ids, np.int64)
    if len(np.unique(numbers)) != len(numbers):
        raise ValueError(f"{len(numbers)} ids, of which {len(np.unique(numbers))} are different")
    return numbers


def _sorted(ids: Ids) -> Ids:
    found = np.sort(ids)
    found.flags.writeable = False  # it is given to callers
    return found


def _among(ids: Ids, sorted_ids: Ids) -> npt.NDArray[np.bool_]:
    """Which of these ids are among the others; in no time, however many those are."""
    if not len(sorted_ids):
        return np.zeros(len(ids), np.bool_)
    places = np.minimum(np.searchsorted(sorted_ids, ids), len(sorted_ids) - 1)
    result: npt.NDArray[np.bool_] = sorted_ids[places] == ids
    return result


def _best(size: int) -> Kind:
    return "flat" if size <= FLAT_PASSAGES else "8-bit"


def _made(kind: Kind, ids: Ids, vectors: Vectors) -> Any:
    index = _empty(kind, _limits(vectors))
    _add(index, ids, vectors)
    return index


def _empty(kind: Kind, limits: Vectors) -> Any:
    """An index of nothing; where it is of 8 bits they reach as far as `limits`, of shape (2, d)."""
    dimensions = limits.shape[1]
    storage: Any = faiss.IndexFlatIP(dimensions)
    if kind == "8-bit":
        quantizer = faiss.ScalarQuantizer.QT_8bit
        storage = faiss.IndexScalarQuantizer(dimensions, quantizer, faiss.METRIC_INNER_PRODUCT)
        storage.train(limits)
    return faiss.IndexIDMap2(storage)


def _limits(vectors: Vectors) -> Vectors:
    """The least and the greatest of each component, of shape (2, d): between them lie these, and
    nearly all that unit vectors have, so that what comes later is as well kept.
    """
    most = _most(vectors.shape[1])
    return np.stack([vectors.min(0, initial=-most), vectors.max(0, initial=most)])


def _most(dimensions: int) -> float:
    return float(np.float32(_SPREAD / dimensions**0.5))


def _reach(index: Any) -> tuple[Vectors, Vectors] | None:
    """The least and the greatest component that 8 bits stand for, each of shape (d,)."""
    storage = _storage(index)
    if isinstance(storage, faiss.IndexFlat):
        return None
    lowest, width = faiss.vector_to_array(storage.sq.trained).reshape(2, -1)
    return lowest, lowest + width


def _is_within(index: Any, vectors: Vectors) -> bool:
    """Whether an index would reach as far, had it been made with these vectors too."""
    reach = _reach(index)
    return reach is None or bool(((vectors >= reach[0]) & (vectors <= reach[1])).all())


def _may_be_widest(index: Any, ids: Ids) -> bool:
    """Whether it may be one of these vectors that an index reaches so far for."""
    reach = _reach(index)
    if reach is None:
        return False
    lowest, highest = reach
    vectors, step = index.reconstruct_batch(ids), (highest - lowest) / 255  # to half a step
    most = _most(len(lowest))
    low = (vectors <= lowest + step) & (lowest < -most)
    return bool((low | ((vectors >= highest - step) & (highest > most))).any())


def _add(index: Any, ids: Ids, vectors: Vectors) -> None:
    if len(ids):
        index.add_with_ids(np.ascontiguousarray(vectors, np.float32), ids)


def _storage(index: Any) -> Any:
    return faiss.downcast_index(index.index)
