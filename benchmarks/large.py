"""A whole index of very many passages: opening it, a warm question without reading, memory.

    .venv/bin/python benchmarks/large.py --data ../shared/data/scifact_train

`--data` names a folder in BEIR layout. Its documents are cut and embedded once (a sample of them);
the others are the same texts with a third of their words spelled backwards, others in each copy,
and their vectors the first ones moved a little, so that nothing else need be embedded. BM25's lists
are thus about as long as in a collection of that size, and no passage only repeats another.

Every size is opened and asked in a process of its own, without the folder, by
`Index.open_imported`; all questions once before they are timed. Linux only: memory is what the
kernel says.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from qa import derived, embedding, evaluation, ingest
from qa.directory import IndexDirectory
from qa.documents import Document
from qa.passages import Passage
from qa.store import FileState, StoredPassage, vector_key

SIZES = (5_000, 250_000)
DOCUMENTS = 1_500  # that are cut and embedded
QUESTIONS = 60
MOVED = 0.3  # how far a vector is moved, where it has the length 1

ASK = """
import json, re, statistics, sys, time
import qa
from qa import embedding

questions = json.load(sys.stdin)
embedding.load()  # not a part of opening an index
began = time.perf_counter()
with qa.Index.open_imported(sys.argv[1]) as index:
    opening = time.perf_counter() - began
    took = []
    for question in [*questions, *questions]:
        began = time.perf_counter()
        index.retrieve(question, k=5, rerank=False)
        took.append(1000 * (time.perf_counter() - began))
    took = sorted(took[len(questions):])
    status = open("/proc/self/status").read()  # ru_maxrss counts the parent, until it is replaced
    told = {
        "opening": opening,
        "median": statistics.median(took),
        "p95": took[int(0.95 * len(took))],
        "mb": int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) * 1024 / 1e6,
        "vectors": index.status.vectors,
    }
print(json.dumps(told))
"""

Cut = list[tuple[Passage, np.ndarray]]


def main() -> None:
    """Make, measure, print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    arguments = parser.parse_args()
    collection = evaluation.read(arguments.data)
    questions = json.dumps([query.text for query in collection.queries[:QUESTIONS]])
    documents = collection.documents[:DOCUMENTS]
    cut = cut_and_embedded(documents)
    print("| passages | documents | opening, s | ms a question, median, p95 | MB | vectors |")
    print("|---|---|---|---|---|---|")
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory() as name:
            number = make(Path(name), documents, cut, size)
            command = [sys.executable, "-c", ASK, name]
            ran = subprocess.run(
                command, input=questions, check=True, capture_output=True, text=True
            )
            told = json.loads(ran.stdout)
        print(
            f"| {size:,} | {number:,} | {told['opening']:.2f} | {told['median']:.1f}, "
            f"{told['p95']:.1f} | {told['mb']:.0f} | {told['vectors']} |"
        )


def cut_and_embedded(documents: list[Document]) -> list[Cut]:
    """Each document's passages with their vectors."""
    encoder = embedding.load()
    found = []
    for document in documents:
        passages = [stored.passage for stored in ingest.stored_passages(document, encoder)]
        texts = [ingest.embedded_text(document.title, passage) for passage in passages]
        vectors = encoder.encode_passages(texts) if texts else []
        found.append(list(zip(passages, vectors, strict=True)))
    return found


def make(directory: Path, documents: list[Document], cut: list[Cut], size: int) -> int:
    """Write an index of so many passages; how many documents it has."""
    encoder = embedding.load()
    place = IndexDirectory(directory)
    number = 0
    with place.writing(), closing(place.open_store()) as store:
        store.start_recipe(ingest.recipe(encoder))
        for document, passages in copies(documents, cut, size):
            stored = [StoredPassage(p, vector_key(f"{document.id} {p.start}")) for p, _ in passages]
            vectors = {s.key: v for s, (_, v) in zip(stored, passages, strict=True)}
            store.vectors.put(encoder.name, vectors)
            store.put(document.id, FileState(1, 1, "aa"), [(document, stored)])
            number += 1
        with closing(store.snapshot()) as kept:
            derived.publish(kept, encoder, directory)
    return number


def copies(documents: list[Document], cut: list[Cut], size: int) -> Iterator[tuple[Document, Cut]]:
    """Documents, again and again, until there are so many passages."""
    random = np.random.default_rng(0)
    left, copy = size, 0
    while left > 0:
        for document, passages in zip(documents, cut, strict=True):
            some = passages[:left]
            left -= len(some)
            moved = [(passage, nearby(vector, random)) for passage, vector in some]
            text = garbled(document.text, copy)
            again = [(replace(p, text=text[p.start : p.end]), vector) for p, vector in moved]
            yield Document(f"{document.id}-{copy}", text, document.title), again
            if not left:
                return
        copy += 1


def garbled(text: str, copy: int) -> str:
    """The text, as long as before, with a third of its longer words spelled backwards."""

    def spelled(word: re.Match[str]) -> str:
        backwards = copy and zlib.crc32(f"{copy} {word.start()}".encode()) % 3 == 0
        return word[0][::-1] if backwards else word[0]

    return re.sub(r"[^\W\d_]{4,}", spelled, text)


def nearby(vector: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A unit vector not far from this one."""
    step = random.standard_normal(len(vector)).astype(np.float32)
    found = vector + MOVED * step / np.linalg.norm(step)
    return (found / np.linalg.norm(found)).astype(np.float32)


if __name__ == "__main__":
    main()
