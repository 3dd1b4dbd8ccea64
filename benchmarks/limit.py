"""How near embedding comes to what the machine can multiply.

    .venv/bin/python benchmarks/limit.py --data ../shared/data/scifact_train

Passages are cut of documents of a BEIR folder as an index would. A round measures, one after the
other: a product of large float32 matrices on all cores (NumPy's BLAS), which is the limit; passages
embedded; the same passages embedded and kept, as an index does; and embedded in 8 bits. A
transformer needs 24 d^2 operations a token and layer, and 4 d more for every token that it attends
to: what is reached is the share of the limit's operations a second.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

import qa
from qa import derived, embedding, filling, ingest
from qa.corpus import Corpus
from qa.store import FileState, Store

LAYERS, WIDTH = 6, 384  # of all-MiniLM-L6-v2
SIDE = 2048  # of the large matrices
PASSAGES = 256


def main() -> None:
    """Measure in rounds and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    encoder, fast = embedding.load(), embedding.load(fast=True)
    with tempfile.TemporaryDirectory() as name:
        store = cut(arguments.data, encoder, Path(name) / "store")
        ids = store.newest_first()[:PASSAGES]
        texts = list(ingest.embedded_texts(store, ids, encoder).values())
        work = sum(operations(tokens) for tokens in encoder.count_tokens(texts))
        square = np.random.default_rng(0).random((SIDE, SIDE), np.float32)

        rounds = []
        for _ in range(arguments.rounds):
            limit = 2 * SIDE**3 / seconds(lambda: square @ square)
            exact = seconds(lambda: encoder.encode_passages(texts))
            kept = keeping(store, encoder, ids)
            quick = seconds(lambda: fast.encode_passages(texts))
            again = 2 * SIDE**3 / seconds(lambda: square @ square)
            rounds.append((max(limit, again), work / exact, work / kept, exact / quick))
        store.close()
    limit, alone, whole, times = (statistics.median(column) for column in zip(*rounds, strict=True))
    shares = [statistics.median(r[at] / r[0] for r in rounds) for at in (1, 2)]
    rate = len(texts) / work
    print(
        f"{len(texts)} passages, {work / len(texts) / 1e9:.2f} GFLOP each; limit "
        f"{limit / 1e9:.0f} GFLOP/s: {limit * rate:.1f} passages/s\n"
        f"embedding {alone * rate:.1f} passages/s, {shares[0]:.2f} of the limit\n"
        f"embedding and keeping {whole * rate:.1f} passages/s, {shares[1]:.2f} of the limit\n"
        f"8 bits: {times:.2f} times as fast as float32"
    )


def operations(tokens: int) -> int:
    """Floating-point operations of one text."""
    tokens += 2  # the specials
    return LAYERS * (24 * WIDTH**2 * tokens + 4 * WIDTH * tokens**2)


def cut(data: Path, encoder: qa.Encoder, path: Path) -> Store:
    """A store with passages of the first documents of a BEIR folder."""
    store = Store(path)
    with (data / "corpus.jsonl").open() as lines:
        for line in lines:
            entry = json.loads(line)
            document = qa.Document(entry["_id"], entry["text"], title=entry.get("title", ""))
            ingest.take(store, encoder, document.id, FileState(0, 0), [document])
            if store.counts()[1] >= PASSAGES:
                break
    return store


def keeping(store: Store, encoder: qa.Encoder, ids: list[int]) -> float:
    """How long an index takes to embed passages and keep their vectors."""
    corpus = Corpus(store, derived.build(store, encoder), encoder)
    with tempfile.TemporaryDirectory() as folder, closing(Store(Path(folder) / "store")) as written:
        started = time.perf_counter()
        for first in range(0, len(ids), filling.WINDOW_PASSAGES):
            filling.fill(corpus, written, ids[first : first + filling.WINDOW_PASSAGES])
        return time.perf_counter() - started


def seconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
