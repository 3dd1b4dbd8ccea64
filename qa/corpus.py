"""Everything that is searched, and how rare each word is in it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from qa import lexical
from qa.derived import Derived
from qa.embedding import Encoder
from qa.store import Store


@dataclass(frozen=True, slots=True)
class Corpus:
    """Everything that is searched, in one unchanging state."""

    store: Store
    derived: Derived
    encoder: Encoder

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
