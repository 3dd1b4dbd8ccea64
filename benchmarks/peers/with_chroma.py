# /// script
# dependencies = ["chromadb==1.5.9", "sentence-transformers==6.2.0", "torch==2.13.0"]
# ///
"""Chroma: vectors; it ranks by words and vectors together in its cloud only."""

from __future__ import annotations

from pathlib import Path

import phases


class Chroma:
    """A persistent client and sentence-transformers."""

    def __init__(self, index: Path, model: str, mode: str) -> None:
        import chromadb
        from chromadb.utils.embedding_functions import SentenceTransformerEmbeddingFunction

        self.encode = SentenceTransformerEmbeddingFunction(model_name=model)
        self.client = chromadb.PersistentClient(path=str(index))

    def add(self, passages: list[phases.Passage]) -> None:
        collection = self.client.create_collection("passages", embedding_function=self.encode)
        most = self.client.get_max_batch_size()
        for first in range(0, len(passages), most):
            batch = passages[first : first + most]
            collection.add(ids=[p.id for p in batch], documents=[p.text for p in batch])

    def open(self) -> None:
        self.collection = self.client.get_collection("passages", embedding_function=self.encode)

    def search(self, question: str, k: int) -> list[str]:
        found: list[str] = self.collection.query(query_texts=[question], n_results=k)["ids"][0]
        return found


if __name__ == "__main__":
    phases.main(Chroma)
