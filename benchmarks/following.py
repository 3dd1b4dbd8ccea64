"""A folder of very many files, followed: how soon after its last write a change is found.

    .venv/bin/python benchmarks/following.py --data ../shared/data/scifact_train

Of the BEIR folder `--data`, every document becomes several text files in folders of 250: the first
900 characters, in each copy with other words spelled backwards. Everything is as in use, but for
the vectors: they are random ones, made from the text in no time (embedding 200,000 passages would
take an hour). A change is a file that is new, written again, renamed or deleted; a question that
has its words is asked until the answer is right. Then the folder is opened again.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from large import garbled

import qa
from qa import embedding

FILES = 100_000
CHARACTERS = 900
FOLDER_FILES = 250

Result = TypeVar("Result")


class Quick:
    """The default model's tokens, and vectors that mean nothing."""

    name = "random"
    dimensions = 384

    def __init__(self) -> None:
        self._real = embedding.load()
        self.max_tokens = self._real.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._real.count_tokens(texts)

    def encode_passages(self, texts: Sequence[str]) -> np.ndarray:
        found = [self.encode_question(text) for text in texts]
        return np.stack(found) if found else np.empty((0, self.dimensions), np.float32)

    def encode_question(self, text: str) -> np.ndarray:
        dice = np.random.default_rng(zlib.crc32(text.encode()))
        vector = dice.standard_normal(self.dimensions, dtype=np.float32)
        return vector / np.linalg.norm(vector)


def main() -> None:
    """Make the folder, open it, change it, print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, place = Path(name) / "folder", Path(name) / "index"
        write(arguments.data, folder, arguments.files)
        log = Log(place)
        took, index = timed(lambda: opened(folder, place, log))
        say(f"{index.status.passages:,} passages, all read and published", took, index)
        print(f"the store's log was {log.most / 1e6:.0f} MB at most")
        follow(index, folder, arguments.rounds)
        index.close()
        took, index = timed(lambda: opened(folder, place, log))
        say("opened again, nothing changed", took, index)
        index.close()


def write(data: Path, folder: Path, number: int) -> None:
    """Write so many files of a BEIR folder's documents."""
    with (data / "corpus.jsonl").open() as lines:
        entries = [json.loads(line) for line in lines]
    for file in range(number):
        copy, place = divmod(file, len(entries))
        entry = entries[place]
        path = folder / f"{file // FOLDER_FILES}" / f"{entry['_id']}-{copy}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = garbled(entry["text"][:CHARACTERS], copy)
        path.write_text(f"{entry['title']} {copy or ''}\n\n{text}\n", "utf-8")


class Log:
    """How long the store's write-ahead log was at most: to be told of progress."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.most = 0

    def __call__(self, _: qa.Progress) -> None:
        for log in self._place.glob("*-wal"):
            self.most = max(self.most, log.stat().st_size)


def opened(folder: Path, place: Path, log: Log) -> qa.Index:
    """The folder's index, with all its vectors."""
    return qa.Index.open(folder, directory=place, encoder=Quick(), progress=log)


def follow(index: qa.Index, folder: Path, rounds: int) -> None:
    """Change files, one after the other, and see how soon it is known."""
    changed = next(folder.glob("*/*.txt"))
    old = changed.read_text("utf-8")
    new, moved = folder / "new.txt", folder / "0" / "moved.txt"
    changes: dict[str, tuple[Callable[[str], object], Callable[[str], bool]]] = {
        "new": (lambda word: new.write_text(f"The {word} met in Oulu.\n"), said(index, "new.txt")),
        "renamed": (lambda _: new.rename(moved), said(index, "0/moved.txt")),
        "deleted": (lambda _: moved.unlink(), said(index, "")),
        "written again": (
            lambda word: changed.write_text(f"{old}\n\nThe {word} met in Umea.\n"),
            said(index, changed.relative_to(folder).as_posix()),
        ),
    }
    times: dict[str, list[float]] = {what: [] for what in changes}
    with index.watch():
        time.sleep(10)  # its first look at the folder
        for turn in range(rounds):
            word = f"zibeline{'abcdefghijklmnop'[turn]}quaffer"
            for what, (change, is_known) in changes.items():
                change(word)
                times[what].append(timed(lambda known=is_known, w=word: until(known, w))[0])
                index.wait()
    print("\n| a file | found after, s: median | least | most |\n|---|---|---|---|")
    for what, found in times.items():
        print(f"| {what} | {statistics.median(found):.1f} | {min(found):.1f} | {max(found):.1f} |")
    say("\nafter that", 0.0, index)


def said(index: qa.Index, where: str) -> Callable[[str], bool]:
    """Whether a word is found in this document, or, where it is "", in none."""

    def is_known(word: str) -> bool:
        hits = index.retrieve(f"Where did the {word} meet?", k=3, rerank=False)
        found = [hit.document.id for hit in hits if word in hit.passage.text]
        return found == ([where] if where else [])

    return is_known


def until(is_known: Callable[[str], bool], word: str) -> None:
    """Ask until it is so."""
    while not is_known(word):
        time.sleep(0.05)


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds, and what came of it."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def say(what: str, seconds: float, index: qa.Index) -> None:
    """Print a line, with the memory that the process has used at most (Linux only)."""
    status = Path("/proc/self/status").read_text()
    most = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024 / 1e6  # type: ignore[index]
    took = f" after {seconds:.1f} s" if seconds else ""
    print(f"{what}{took}; {index.status.documents:,} documents, {most:.0f} MB at most", flush=True)


if __name__ == "__main__":
    main()
