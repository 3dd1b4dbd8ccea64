"""Stand-ins for the models in the quick tests: they go by shared words, at once."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from qa.lexical import content_terms
from qa.onnx_model import Vectors
from qa.reader import Page, Reading, SentenceReading
from qa.rerank import Reranker
from qa.sentences import Span


class HashingEncoder:
    """A hashed bag of content words: texts that share words are near, so retrieval means something.

    Counts the texts it has embedded in `embedded`.
    """

    name = "hashing"
    dimensions = 256
    max_tokens = 256

    def __init__(self) -> None:
        self.embedded = 0

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        self.embedded += len(texts)
        return np.array([self._vector(text) for text in texts], np.float32).reshape(
            len(texts), self.dimensions
        )

    def encode_question(self, text: str) -> Vectors:
        return self._vector(text)

    def _vector(self, text: str) -> Vectors:
        vector = np.full(self.dimensions, 1e-3, np.float32)
        for term in content_terms(text):
            vector[zlib.crc32(term.encode()) % self.dimensions] += 1.0
        return vector / np.linalg.norm(vector)


class FakeMatcher:
    """Matches by the share of the question's content words that a page has.

    Keeps the pages it was given time for in `matched`.
    """

    def __init__(self) -> None:
        self.matched: list[Page] = []

    def match(
        self, question: str, pages: Sequence[Page], *, seconds: float = float("inf")
    ) -> list[float]:
        begun = pages if seconds > 0 else pages[:0]
        self.matched += begun
        return [shared_words(question, f"{page.title} {page.text}") for page in begun]


class FakeReader:
    """Reads by the share of the question's content words that a page, or a sentence, has.

    Its logits reach about as far as the real reader's. Keeps the pages it has read in `pages`.
    """

    def __init__(self) -> None:
        self.pages: list[Page] = []

    def read(
        self, question: str, pages: Sequence[Page], *, seconds: float = float("inf")
    ) -> list[Reading]:
        begun = pages if seconds > 0 else pages[:1]
        self.pages += begun
        return [_reading(question, page) for page in begun]


def _reading(question: str, page: Page) -> Reading:
    said = shared_words(question, f"{page.title} {page.text}") ** 2  # half of it is not much
    return Reading(
        relevance=20 * said - 11,
        says=12 * said - 8,
        sentences=tuple(_sentence(question, page, span) for span in page.sentences),
    )


def _sentence(question: str, page: Page, span: Span) -> SentenceReading:
    start, end = span
    text = page.text[start - page.start : end - page.start]
    share = shared_words(question, text) ** 2
    return SentenceReading(
        12 * share - 8, (start, start + len(text.split()[0])), certainty=12 * share - 12
    )


def shared_words(question: str, text: str) -> float:
    """The share of the question's content words that a text has; 0 without any."""
    asked = content_terms(question)
    return len(set(asked) & set(content_terms(text))) / len(asked) if asked else 0.0


def fake_reranker() -> Reranker:
    """One that loads no model."""
    return Reranker(FakeMatcher, FakeReader)
