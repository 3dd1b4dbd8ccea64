"""Match a question and a passage word by word, each word as it is meant where it stands.

Every token of the question is compared with every token of the passage by the vectors of a late
interaction model; the best matches are averaged. A question's rare word that stands nowhere costs
the passage, which one vector for all of it does not notice.

References
----------
Khattab and Zaharia, ColBERT: Efficient and Effective Passage Search via Contextualized Late
Interaction over BERT, 2020.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Protocol

import numpy as np
import numpy.typing as npt
import tokenizers

from qa import models, prepared
from qa.prepared import Floats, Graph
from qa.reader import Page

QUESTION_TOKENS = 96  # of a question that are matched
PASSAGE_TOKENS = 300  # of a title and a passage
KEPT_PASSAGES = 512  # whose vectors are kept for the next question; some 80 MB
_QUESTION, _PASSAGE = "[unused0]", "[unused1]"  # what the model was told them apart by


class Matcher(Protocol):
    """Whatever matches a question with passages."""

    def match(
        self, question: str, pages: Sequence[Page], *, seconds: float = float("inf")
    ) -> list[float]:
        """Scores of the first pages: all, or as many as are begun in time; higher is better."""


class LateInteraction:
    """A late interaction model: one passage a run, one run a core."""

    def __init__(self, graph: Graph, tokenizer: tokenizers.Tokenizer) -> None:
        self._graph = graph
        self._tokenizer = tokenizer
        self._question = prepared.token_id(tokenizer, _QUESTION)
        self._passage = prepared.token_id(tokenizer, _PASSAGE)
        self._said = lru_cache(KEPT_PASSAGES)(self._passage_vectors)
        self._ends = [prepared.token_id(tokenizer, token) for token in ("[CLS]", "[SEP]")]

    def match(
        self, question: str, pages: Sequence[Page], *, seconds: float = float("inf")
    ) -> list[float]:
        """Scores of the first pages: all, or as many as are begun in time.

        Returns
        -------
        list of float
            The mean over the question's tokens of each one's best cosine in the passage.
        """
        end = time.monotonic() + seconds
        asked = self._vectors(question, self._question, QUESTION_TOKENS)
        scores: list[float] = []
        for score in prepared.side_by_side(partial(self._match_before, end, asked), pages):
            if score is None:
                break
            scores.append(score)
        return scores

    def _match_before(self, end: float, asked: Floats, page: Page) -> float | None:
        if time.monotonic() >= end:
            return None
        said = self._said(f"{page.title}\n{page.text}" if page.title else page.text)
        return float((asked @ said.T.astype(np.float32)).max(axis=1).mean())

    def _passage_vectors(self, text: str) -> npt.NDArray[np.float16]:
        return self._vectors(text, self._passage, PASSAGE_TOKENS).astype(np.float16)

    def _vectors(self, text: str, marker: int, most: int) -> Floats:
        """Unit vectors of shape (tokens, d)."""
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids[:most]
        vectors = self._graph.run([self._ends[0], marker, *ids, self._ends[1]])[0][0]
        result: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return result


def load() -> LateInteraction:
    """Load the model from its wheel.

    Raises
    ------
    ModelError
        When its wheel is not installed or damaged, or the prepared graph cannot be kept.
    """
    return LateInteraction(*prepared.load_installed(models.MATCHER))
