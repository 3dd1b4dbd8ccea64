"""What people write first: sentence-transformers and `faiss.IndexFlatIP`, nothing else.

    python benchmarks/bare_loop.py MODEL_FOLDER INDEX_FILE QUESTION

answers one question from process start; `BareLoop` is the same for use inside a process.
"""

from __future__ import annotations

import sys
from pathlib import Path

import faiss
import numpy as np
from sentence_transformers import SentenceTransformer


class BareLoop:
    """Encode with the library's defaults, search a flat index."""

    def __init__(self, model_folder: str) -> None:
        self.model = SentenceTransformer(model_folder, device="cpu")
        self.index = faiss.IndexFlatIP(self.model.get_embedding_dimension())

    def add(self, texts: list[str]) -> np.ndarray:
        """Index texts; their vectors, (n, d)."""
        vectors = self.model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        self.index.add(vectors)
        return vectors

    def search(self, question: str, k: int) -> list[int]:
        """Row numbers of the k nearest texts."""
        vector = self.model.encode([question], normalize_embeddings=True, show_progress_bar=False)
        return self.index.search(vector, k)[1][0].tolist()


def main() -> None:
    """Load a saved index and answer one question."""
    model_folder, index_file, question = sys.argv[1:]
    loop = BareLoop(model_folder)
    loop.index = faiss.read_index(str(Path(index_file)))
    print(loop.search(question, 5))


if __name__ == "__main__":
    main()
