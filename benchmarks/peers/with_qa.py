"""qa itself. Modes: fused (both searches), read (the best passages are read as well)."""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from pathlib import Path

import phases


class QA:
    """The folder of articles that the passages are cut of, indexed and asked as by a user."""

    def __init__(self, index: Path, model: str, mode: str) -> None:
        import qa
        from qa import embedding, rerank

        self.directory, self.reads = index, mode == "read"
        self._open = qa.Index.open
        self._encoder = embedding.load()  # the same weights, exported once
        self._reranker = rerank.shared() if self.reads else None

    def add(self, passages: list[phases.Passage]) -> None:
        self.open()
        self.index.close()

    def open(self) -> None:
        self.index = self._open(
            self.directory.parent / "articles",
            directory=self.directory,
            encoder=self._encoder,
            reranker=self._reranker,
        )

    def search(self, question: str, k: int) -> list[str]:
        found = []
        reads = self.reads and k <= phases.PASSAGES
        for hit in self.index.retrieve(question, k, rerank=reads):
            places = [(hit.document.id, hit.passage.start)]
            places += [(same.document.id, same.start) for same in hit.also_in]  # folded into it
            found += [self._passage(*place) for place in places]
        return list(dict.fromkeys(found))

    def _passage(self, file: str, place: int) -> str:
        """The id of the passage there; what is shown of one may begin later than it does."""
        starts = self._starts()[file]
        return f"{file}:{starts[max(0, bisect(starts, place) - 1)]}"

    def _starts(self) -> dict[str, list[int]]:
        """By file, where its passages start; read when it is first asked for."""
        if not hasattr(self, "starts"):
            self.starts: dict[str, list[int]] = defaultdict(list)
            for passage in phases.read_passages(self.directory.parent / "passages.jsonl"):
                file, _, start = passage.id.rpartition(":")
                self.starts[file].append(int(start))
        return self.starts


if __name__ == "__main__":
    phases.main(QA)
