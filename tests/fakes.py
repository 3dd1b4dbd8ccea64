"""A stand-in for the model in the quick tests."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from qa.lexical import content_terms
from qa.onnx_model import Vectors


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
