# /// script
# dependencies = ["txtai==9.14.0", "torch==2.13.0"]
# ///
"""txtai: hybrid, its vectors and its BM25."""

from __future__ import annotations

from pathlib import Path

import phases


class Txtai:
    """`Embeddings` with ``hybrid=True``."""

    def __init__(self, index: Path, model: str, mode: str) -> None:
        from txtai import Embeddings

        self.embeddings, self.directory = Embeddings(path=model, hybrid=True), index

    def add(self, passages: list[phases.Passage]) -> None:
        self.embeddings.index((passage.id, passage.text, None) for passage in passages)
        self.embeddings.save(str(self.directory))

    def open(self) -> None:
        self.embeddings.load(str(self.directory))

    def search(self, question: str, k: int) -> list[str]:
        return [id for id, _ in self.embeddings.search(question, k)]


if __name__ == "__main__":
    phases.main(Txtai)
