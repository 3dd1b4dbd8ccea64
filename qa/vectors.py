"""Nearest neighbours over unit vectors, exact, by FAISS. Knows passage ids, not passages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from qa.onnx_model import Vectors

Ids = npt.NDArray[np.int64]


class VectorIndex:
    """A flat inner-product index with ids; for unit vectors the inner product is the cosine."""

    def __init__(self, ids: Sequence[int] | Ids, vectors: Vectors) -> None:
        """
        Parameters
        ----------
        ids : sequence of int, length n
        vectors : array of shape (n, d), float32, unit rows

        Raises
        ------
        ValueError
            When there are not as many ids as vectors.
        """
        if vectors.ndim != 2 or len(ids) != len(vectors):
            raise ValueError(f"{len(ids)} ids for vectors of shape {vectors.shape}")
        self._flat: Any = faiss.IndexIDMap2(faiss.IndexFlatIP(vectors.shape[1]))
        if len(ids):
            self._flat.add_with_ids(np.ascontiguousarray(vectors), np.asarray(ids, np.int64))

    @classmethod
    def load(cls, path: Path) -> VectorIndex:
        """Read what `save` wrote. Raises RuntimeError (faiss's own) when it is no such file."""
        index = cls.__new__(cls)
        index._flat = faiss.read_index(str(path))
        return index

    def save(self, path: Path) -> None:
        faiss.write_index(self._flat, str(path))

    def __len__(self) -> int:
        return int(self._flat.ntotal)

    def search(
        self, query: Vectors, n: int, *, among: Collection[int] | None = None
    ) -> tuple[Ids, Vectors]:
        """The n nearest vectors, nearest first.

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
        n = min(n, len(self) if among is None else len(among))
        if n == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        parameters = None
        if among is not None:
            selected = np.fromiter(among, np.int64, len(among))
            chosen: Any = faiss.IDSelectorBatch(selected)
            parameters = faiss.SearchParameters(sel=chosen)  # type: ignore[call-arg]  # its stubs lag
        cosines, ids = self._flat.search(query[np.newaxis], n, params=parameters)  # (1, n)
        found = ids[0] >= 0
        return ids[0][found], cosines[0][found]

    def cosines(self, query: Vectors, ids: Sequence[int] | Ids) -> Vectors:
        """The cosine of the query with each of the named vectors, shape (len(ids),)."""
        if len(ids) == 0:
            return np.empty(0, np.float32)
        rows: Vectors = self._flat.reconstruct_batch(np.asarray(ids, np.int64))  # (m, d)
        result: Vectors = rows @ query
        return result
