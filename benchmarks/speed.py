"""Speed and memory beside the bare loop (`bare_loop.py`), alternating in one run, as ratios.

    .venv/bin/python benchmarks/speed.py --data ../shared/data/scifact_train

`--data` names a folder with a corpus.jsonl in BEIR layout; 5,000 passages are cut from its
abstracts. Takes about ten minutes, most of it the bare loop's. Absolute times are of the machine
that ran it; the ratios are what to compare.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
from bare_loop import BareLoop

import qa
from qa import embedding, ingest, models, passages

QUESTIONS = 50
INDEXED_TEXTS = 240  # passages a round of the throughput comparison
ROUNDS = 5
QA = str(Path(sys.executable).with_name("qa"))


def main() -> None:
    """Run all the comparisons and print them as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--passages", type=int, default=5_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        texts = write_folder(arguments.data, work / "articles", arguments.passages)
        questions = [json.loads(line)["text"] for line in (arguments.data / "queries.jsonl").open()]
        model_folder = str(models.find().folder)
        loop = BareLoop(model_folder)
        rows = [throughput(loop, work, texts), equality(loop, texts)]
        index = qa.Index.open(work / "articles", directory=work / "index")
        loop.index.reset()
        loop.add(texts)
        faiss.write_index(loop.index, str(work / "bare.faiss"))
        rows.append(warm_question(loop, index, questions[:QUESTIONS]))
        index.close()
        rows.append(from_process_start(model_folder, work, questions[0]))
        rows.append(memory(work, questions[0]))
    print("| measured | qa | bare loop | ratio |\n|---|---|---|---|")
    print("\n".join(rows))


def write_folder(data: Path, folder: Path, wanted: int) -> list[str]:
    """Write abstracts as text files until they make `wanted` passages; what is embedded of them."""
    folder.mkdir()
    encoder = embedding.load()
    texts: list[str] = []
    for number, line in enumerate((data / "corpus.jsonl").open()):
        entry = json.loads(line)
        text = f"{entry['title']}\n\n{entry['text']}\n"
        path = folder / f"{number:05}.txt"
        path.write_text(text, "utf-8")
        document = qa.Document(path.name, text, entry["title"])
        limit = ingest.passage_tokens(encoder)
        for passage in passages.cut(document, encoder.count_tokens, max_tokens=limit):
            texts.append(f"{entry['title']}\n{passage.text}")
        if len(texts) >= wanted:
            break
    return texts


def timed(work: Callable[[], object]) -> float:
    """Seconds of wall clock."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def throughput(loop: BareLoop, work: Path, texts: list[str]) -> str:
    """Passages a second: a whole folder into a new index, against encode and add."""
    ours, theirs = [], []
    encoder = embedding.load()
    files = sorted((work / "articles").iterdir())[:INDEXED_TEXTS]
    for round_number in range(ROUNDS):
        folder = work / f"round-{round_number}"
        folder.mkdir()
        for path in files:
            (folder / path.name).write_bytes(path.read_bytes())
        directory = work / f"round-index-{round_number}"
        passages_made = 0

        def index(folder: Path = folder, directory: Path = directory) -> None:
            nonlocal passages_made
            with qa.Index.open(folder, directory=directory, encoder=encoder) as opened:
                passages_made = opened.status.passages

        seconds = timed(index)
        ours.append(passages_made / seconds)
        same = texts[:passages_made]
        theirs.append(len(same) / timed(lambda same=same: loop.add(same)))
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    return (
        f"| indexing, passages/s | {statistics.median(ours):.1f} "
        f"| {statistics.median(theirs):.1f} | {ratio:.2f} times |"
    )


def equality(loop: BareLoop, texts: list[str]) -> str:
    """The largest difference of any component of a vector."""
    sample = texts[:: max(len(texts) // 200, 1)]
    difference = np.abs(embedding.load().encode_passages(sample) - loop.add(sample)).max()
    name = f"largest difference of a vector component, {len(sample)} passages"
    return f"| {name} | {difference:.1e} | | |"


def warm_question(loop: BareLoop, index: qa.Index, questions: list[str]) -> str:
    """Milliseconds a question: hybrid retrieval against encode and search."""
    ours, theirs = [], []
    for question in questions:
        ours.append(1000 * timed(lambda q=question: index.retrieve(q, 5, rerank=False)))
        theirs.append(1000 * timed(lambda q=question: loop.search(q, 5)))
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    return (
        f"| a warm question, {index.status.passages:,} passages, ms "
        f"| {statistics.median(ours):.1f} | {statistics.median(theirs):.1f} | {ratio:.2f} times |"
    )


def from_process_start(model_folder: str, work: Path, question: str) -> str:
    """Seconds from the start of a process to its answer, the index already built."""
    our_command = ask_command(work, question)
    script = str(Path(__file__).with_name("bare_loop.py"))
    their_command = [sys.executable, script, model_folder, str(work / "bare.faiss"), question]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(timed(lambda: subprocess.run(our_command, check=True, capture_output=True)))
        theirs.append(timed(lambda: subprocess.run(their_command, check=True, capture_output=True)))
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    return (
        f"| process start to answer, s | {statistics.median(ours):.2f} "
        f"| {statistics.median(theirs):.2f} | {ratio:.2f} times |"
    )


def ask_command(work: Path, question: str) -> list[str]:
    """``qa ask`` on this run's folder and index; without reading, which a bare loop has not."""
    places = ["-f", str(work / "articles"), "--index", str(work / "index")]
    return [QA, "ask", question, "--no-rerank", *places]


def memory(work: Path, question: str) -> str:
    """The peak memory of ``qa ask``, in MB.

    Started by way of a small process: a child's peak includes what its parent held at the fork.
    """
    script = (
        "import resource, subprocess, sys; "
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    command = [sys.executable, "-c", script, *ask_command(work, question)]
    peak = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    megabytes = peak / (1024 * 1024 if sys.platform == "darwin" else 1024)  # macOS counts bytes
    return f"| peak memory of opening and answering, MB | {megabytes:.0f} | | |"


if __name__ == "__main__":
    main()
