"""Vectors by size: recall of the 8-bit index, and speed, memory and opening time beside the flat.

    .venv/bin/python benchmarks/scale.py \
        --data ../shared/data/scifact_train --data ../shared/data/squad_v2_dev_half

`--data` names BEIR folders. Some thousands of their passages and some questions are embedded; the
other vectors are made of these: each is a passage's, mixed with another's, and moved by part of
the difference of two more. That is more than any question has close by in a collection of this
size (the ten nearest lie .03 apart instead of .16), so recall is, if anything, better than here.

A kind is measured in a process of its own, that opens its file and answers questions.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

SIZES = (5_000, 20_000, 50_000, 100_000, 250_000)
KINDS = ("flat", "8-bit")
NEAREST = 10  # of which recall is measured
DEPTH = 50  # half of what fusion asks for, to rank it by the vectors in the store
PASSAGES = 500  # of each collection that are embedded
QUESTIONS = 60
BLOCK = 20_000


def main() -> None:
    """Embed, grow, measure each size and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    arguments = parser.parse_args()
    passages, questions = real(arguments.data)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        vectors = grown(passages, max(arguments.sizes))
        np.save(work / "vectors.npy", vectors)
        np.save(work / "questions.npy", questions)
        for size in arguments.sizes:
            measured = {kind: apart("measure", work, kind, size) for kind in KINDS}
            rows.append(row(size, measured, vectors[:size], questions))
    print(
        f"{len(questions)} questions; the cosines of a question's nearest and tenth nearest of the "
        f"{len(passages):,} real passages: {ends(passages, questions)}; of all: "
        f"{ends(vectors, questions)}\n\n"
        "| vectors | recall@10 | the first 50 ranked exactly | ms, flat, 8-bit "
        "| opening, s | process, MB |\n|---|---|---|---|---|---|"
    )
    print("\n".join(rows))


def real(folders: Sequence[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of passages and of questions, (n, d) and (m, d)."""
    from qa import embedding

    encoder = embedding.load()
    texts: list[str] = []
    asked: list[str] = []
    for folder in folders:
        entries = [json.loads(line) for line in (folder / "corpus.jsonl").open()]
        step = max(len(entries) // PASSAGES, 1)
        texts += [f"{e.get('title', '')}\n{e['text'][:900]}" for e in entries[::step][:PASSAGES]]
        entries = [json.loads(line) for line in (folder / "queries.jsonl").open()]
        step = max(len(entries) // QUESTIONS, 1)
        asked += [entry["text"] for entry in entries[::step][:QUESTIONS]]
    return encoder.encode_passages(texts), np.stack([encoder.encode_question(q) for q in asked])


def grown(vectors: np.ndarray, wanted: int) -> np.ndarray:
    """As many vectors as wanted, made of real ones, the real ones anywhere among them."""
    random = np.random.default_rng(0)
    blocks = [vectors]
    while sum(map(len, blocks)) < wanted:
        one, other, here, there = vectors[random.integers(len(vectors), size=(4, BLOCK))]
        mixed, moved = random.uniform(size=(2, BLOCK, 1)).astype(np.float32)
        made = (1 - mixed) * one + mixed * other + moved * (here - there)
        blocks.append(made / np.linalg.norm(made, axis=1, keepdims=True))
    return random.permutation(np.concatenate(blocks)[:wanted])


def ends(vectors: np.ndarray, questions: np.ndarray) -> str:
    """Mean cosines of the questions' nearest and tenth nearest vectors."""
    nearest = np.sort(questions @ vectors.T, axis=1)
    return f"{nearest[:, -1].mean():.2f} and {nearest[:, -NEAREST].mean():.2f}"


def apart(task: str, *of: object) -> dict[str, Any]:
    """Run one of this script's tasks in a process of its own."""
    code = "import sys, scale; getattr(scale, sys.argv[1])(*sys.argv[2:])"
    command = [sys.executable, "-c", code, task, *map(str, of)]
    done = subprocess.run(
        command, cwd=Path(__file__).parent, check=True, capture_output=True, text=True
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def measure(work: str, kind: str, size: str) -> None:
    """Print what one kind of index does; it is built in this process's child."""
    from qa.vectors import VectorIndex

    path = Path(work, f"{kind}-{size}.faiss")
    apart("build", work, kind, size, path)
    questions = np.load(Path(work, "questions.npy"))
    opening = seconds(lambda: VectorIndex.load(path))
    index = VectorIndex.load(path)
    took = [seconds(lambda q=q: index.search(q, DEPTH)) for q in questions]  # type: ignore[misc]
    found = [index.search(question, DEPTH)[0].tolist() for question in questions]
    figures = {"opening": opening, "ms": 1000 * statistics.median(took), "mb": megabytes()}
    print(json.dumps(figures | {"found": found}))


def build(work: str, kind: str, size: str, path: str) -> None:
    """Write one kind of index."""
    from qa.vectors import VectorIndex

    vectors = np.load(Path(work, "vectors.npy"), mmap_mode="r")[: int(size)]
    VectorIndex(np.arange(int(size)), np.array(vectors), kind=kind).save(Path(path))  # type: ignore[arg-type]
    print("{}")


def row(
    size: int, measured: dict[str, dict[str, Any]], vectors: np.ndarray, questions: np.ndarray
) -> str:
    """One size's line of the table."""
    exact = [found[:NEAREST] for found in measured["flat"]["found"]]
    found = measured["8-bit"]["found"]
    ranked = []
    for some, question in zip(found, questions, strict=True):
        ids = np.array(some)
        ranked.append(ids[np.argsort(-(vectors[ids] @ question))])
    flat, eight = measured["flat"], measured["8-bit"]
    return (
        f"| {size:,} | {recall(exact, found):.3f} | {recall(exact, ranked):.3f} "
        f"| {flat['ms']:.1f}, {eight['ms']:.1f} "
        f"| {flat['opening']:.2f}, {eight['opening']:.2f} | {flat['mb']:.0f}, {eight['mb']:.0f} |"
    )


def recall(exact: list[list[int]], found: list[Any]) -> float:
    """The share of the exact nearest that is among as many of those found."""
    pairs = zip(exact, found, strict=True)
    return float(np.mean([len({*one} & {*other[:NEAREST]}) / NEAREST for one, other in pairs]))


def seconds(work: Callable[[], object]) -> float:
    """Seconds of wall clock."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def megabytes() -> int:
    """What this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 // 1_000_000


if __name__ == "__main__":
    main()
