# /// script
# dependencies = [
#     "haystack-ai==3.4.0", "sentence-transformers-haystack==2.0.0",
#     "sentence-transformers==6.2.0", "torch==2.13.0",
# ]
# ///
"""Haystack: hybrid as in its tutorial, BM25 and vectors joined by reciprocal rank.

3.4.1 asks for a newer certifi than could be had on the day of the figures.
"""

from __future__ import annotations

from pathlib import Path

import phases


class Haystack:
    """The in-memory store, saved to a file, and a pipeline of two retrievers and a joiner."""

    def __init__(self, index: Path, model: str, mode: str) -> None:
        from haystack_integrations.components.embedders import sentence_transformers as embedders

        self.path = index / "store.json"
        self.of_documents = embedders.SentenceTransformersDocumentEmbedder(
            model=model, progress_bar=False
        )
        self.of_questions = embedders.SentenceTransformersTextEmbedder(
            model=model, progress_bar=False
        )
        self.of_documents.warm_up()

    def add(self, passages: list[phases.Passage]) -> None:
        from haystack import Document
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        documents = [Document(id=passage.id, content=passage.text) for passage in passages]
        store = InMemoryDocumentStore(embedding_similarity_function="cosine")
        store.write_documents(self.of_documents.run(documents)["documents"])
        self.path.parent.mkdir(parents=True)
        store.save_to_disk(str(self.path))

    def open(self) -> None:
        from haystack import Pipeline
        from haystack.components.joiners import DocumentJoiner
        from haystack.components.retrievers import (
            InMemoryBM25Retriever,
            InMemoryEmbeddingRetriever,
        )
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        store = InMemoryDocumentStore.load_from_disk(str(self.path))
        self.pipeline = Pipeline()
        self.pipeline.add_component("embedder", self.of_questions)
        self.pipeline.add_component("words", InMemoryBM25Retriever(store))
        self.pipeline.add_component("vectors", InMemoryEmbeddingRetriever(store))
        self.pipeline.add_component("joiner", DocumentJoiner("reciprocal_rank_fusion"))
        self.pipeline.connect("embedder", "vectors")
        self.pipeline.connect("words", "joiner")
        self.pipeline.connect("vectors", "joiner")

    def search(self, question: str, k: int) -> list[str]:
        asked = {
            "embedder": {"text": question},
            "words": {"query": question, "top_k": k},
            "vectors": {"top_k": k},
            "joiner": {"top_k": k},
        }
        return [document.id for document in self.pipeline.run(asked)["joiner"]["documents"]]


if __name__ == "__main__":
    phases.main(Haystack)
