# /// script
# dependencies = [
#     "langchain-core==1.6.13", "langchain-classic==1.0.8", "langchain-community==0.4.2",
#     "langchain-huggingface==1.2.3", "faiss-cpu==1.15.1", "rank-bm25==0.2.2",
#     "sentence-transformers==6.2.0", "torch==2.13.0",
# ]
# ///
"""LangChain: hybrid as in its documentation, BM25 and FAISS in an `EnsembleRetriever`.

Later releases of langchain-core ask for a newer certifi than could be had on the day of the
figures. Its BM25 cannot be saved: it is made anew, of the texts in the vector store, on opening.
"""

from __future__ import annotations

from pathlib import Path

import phases


class LangChain:
    """The FAISS vector store, saved to a folder, and the BM25 retriever."""

    def __init__(self, index: Path, model: str, mode: str) -> None:
        from langchain_huggingface import HuggingFaceEmbeddings

        self.embeddings, self.directory = HuggingFaceEmbeddings(model_name=model), index

    def add(self, passages: list[phases.Passage]) -> None:
        from langchain_community.vectorstores import FAISS

        texts, ids = [p.text for p in passages], [p.id for p in passages]
        metadata = [{"id": id} for id in ids]
        store = FAISS.from_texts(texts, self.embeddings, metadatas=metadata, ids=ids)
        store.save_local(str(self.directory))

    def open(self) -> None:
        from langchain_classic.retrievers import EnsembleRetriever
        from langchain_community.retrievers import BM25Retriever
        from langchain_community.vectorstores import FAISS

        store = FAISS.load_local(
            str(self.directory),
            self.embeddings,
            allow_dangerous_deserialization=True,  # we have written it
        )
        documents = store.get_by_ids(list(store.index_to_docstore_id.values()))
        self.words, self.vectors = BM25Retriever.from_documents(documents), store.as_retriever()
        self.both = EnsembleRetriever(
            retrievers=[self.words, self.vectors], weights=[0.5, 0.5], id_key="id"
        )

    def search(self, question: str, k: int) -> list[str]:
        self.words.k = k
        self.vectors.search_kwargs = {"k": k}
        return [document.metadata["id"] for document in self.both.invoke(question)][:k]


if __name__ == "__main__":
    phases.main(LangChain)
