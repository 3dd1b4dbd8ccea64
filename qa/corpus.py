"""Everything that is searched, and how rare each word is in it."""

from __future__ import annotations

import math
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from qa import lexical
from qa.derived import Derived
from qa.embedding import Encoder
from qa.onnx_model import Vectors
from qa.store import Store


class Wanted:
    """Passages that questions would have liked to have a vector of. For any thread."""

    def __init__(self) -> None:
        self._ids: dict[int, None] = {}
        self._lock = threading.Lock()

    def add(self, ids: Iterable[int]) -> None:
        """Note passages, best first."""
        with self._lock:
            self._ids |= dict.fromkeys(ids)

    def take(self) -> list[int]:
        """All that were noted since the last time."""
        with self._lock:
            ids, self._ids = self._ids, {}
        return list(ids)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Everything that is searched: one unchanging state, which only vectors join."""

    store: Store
    derived: Derived
    encoder: Encoder
    wanted: Wanted = field(default_factory=Wanted)

    def coverage(self, documents: Collection[str] | None = None) -> float:
        """The share of these documents' passages, or of all, that have a vector; 1 of none."""
        if self.derived.whole:
            return 1.0
        vectors, words = self.derived.vectors, self.derived.lexical
        if documents is None:
            return len(vectors) / max(1, len(words))
        ids = self.store.passage_ids(documents)
        return float(np.isin(ids, vectors.ids).mean()) if ids else 1.0

    def cosines(self, query: Vectors, ids: Sequence[int]) -> list[float | None]:
        """The cosine of the query, shape (d,), with each of these passages; None without a vector.

        Exact: where the vectors that are searched are kept in 8 bits, the store has them whole.
        """
        found = dict(zip(ids, self.derived.vectors.cosines(query, ids).tolist(), strict=True))
        if self.derived.vectors.kind != "flat":
            whole = self.store.vectors.of(ids, self.encoder.name, self.encoder.dimensions)
            found |= {id: float(vector @ query) for id, vector in whole.items()}
        return [None if math.isnan(found[id]) else found[id] for id in ids]

    def weights(self, question: str) -> dict[str, float]:
        """The question's content terms and how rare each is here: its inverse document frequency.

        References
        ----------
        Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009.
        """
        size = len(self.derived.lexical)
        found = {t: self.derived.lexical.passages_with(t) for t in lexical.content_terms(question)}
        return {t: math.log(1 + (size - n + 0.5) / (n + 0.5)) for t, n in found.items()}


def matched_weight(text: str, weights: Mapping[str, float]) -> float:
    """The summed weight of the terms that stand in a text."""
    present = set(lexical.terms(text))
    return sum(weight for term, weight in weights.items() if term in present)
