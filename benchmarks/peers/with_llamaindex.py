# /// script
# dependencies = [
#     "llama-index-core==0.14.25", "llama-index-embeddings-huggingface==0.8.0",
#     "llama-index-retrievers-bm25==0.8.0", "sentence-transformers==6.2.0", "torch==2.13.0",
# ]
# ///
"""LlamaIndex: hybrid as in its documentation, BM25 and vectors fused by reciprocal rank."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import phases


class LlamaIndex:
    """The default vector store and the BM25 retriever, both saved to a folder."""

    def __init__(self, index: Path, model: str, mode: str) -> None:
        from llama_index.core import Settings
        from llama_index.core.llms import MockLLM
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding

        Settings.embed_model = HuggingFaceEmbedding(model_name=model)
        Settings.llm = MockLLM()  # none is asked: one query is made of one question
        self.directory = index

    def add(self, passages: list[phases.Passage]) -> None:
        from llama_index.core import VectorStoreIndex
        from llama_index.core.schema import TextNode
        from llama_index.retrievers.bm25 import BM25Retriever

        nodes = [TextNode(id_=passage.id, text=passage.text) for passage in passages]
        VectorStoreIndex(nodes).storage_context.persist(str(self.directory / "vectors"))
        BM25Retriever.from_defaults(nodes=nodes).persist(str(self.directory / "words"))

    def open(self) -> None:
        from llama_index.core import StorageContext, load_index_from_storage
        from llama_index.retrievers.bm25 import BM25Retriever

        kept = StorageContext.from_defaults(persist_dir=str(self.directory / "vectors"))
        self.index = load_index_from_storage(kept)
        self.words = BM25Retriever.from_persist_dir(str(self.directory / "words"))
        self.fused = lru_cache(self._fused)

    def search(self, question: str, k: int) -> list[str]:
        self.words.similarity_top_k = k
        return [found.node.node_id for found in self.fused(k).retrieve(question)]

    def _fused(self, k: int) -> Any:
        from llama_index.core.retrievers import QueryFusionRetriever

        return QueryFusionRetriever(
            [self.index.as_retriever(similarity_top_k=k), self.words],
            mode="reciprocal_rerank",
            similarity_top_k=k,
            num_queries=1,
            use_async=False,
        )


if __name__ == "__main__":
    phases.main(LlamaIndex)
