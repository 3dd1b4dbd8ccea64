"""The three phases that every peer goes through, each in a process of its own.

    python with_chroma.py index|first|warm --passages FILE --index FOLDER --model FOLDER ...

Imports the standard library only, because it runs in every peer's environment. Each ``with_*.py``
has one class with the methods of `Peer` and nothing else.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

ANSWER = "answer: "  # before what a phase prints: libraries print things of their own
PASSAGES = 10  # that a timed question asks for
MORE_PASSAGES = 40  # asked for, untimed, where those are of fewer than ten documents
DOCUMENTS = 10  # that are judged
WARMING_QUESTIONS = 3  # asked before the time is taken


@dataclass(frozen=True, slots=True)
class Passage:
    """One line of ``passages.jsonl``, as qa has cut it.

    Parameters
    ----------
    text : str
        Title and passage, as qa embeds them; every peer indexes this and nothing else.
    """

    id: str
    document: str
    text: str


class Peer(Protocol):
    """What is measured. Making one imports its library and loads its model.

    Parameters
    ----------
    index : Path
        The folder to keep the index in.
    model : str
        The folder of the weights.
    mode : str
        Which of its ways of searching; each script says which it knows.
    """

    def __init__(self, index: Path, model: str, mode: str) -> None: ...

    def add(self, passages: list[Passage]) -> None:
        """Index passages, and keep the index on disk."""

    def open(self) -> None:
        """Open the index that is kept."""

    def search(self, question: str, k: int) -> list[str]:
        """The ids of the k best passages, best first; above `PASSAGES` none need be read."""


def main(make: Callable[[Path, str, str], Peer]) -> None:
    """Go through the phase that the command line names, and print its answer as JSON."""
    logging.disable(logging.WARNING)
    arguments = parsed()
    peer = make(arguments.index, arguments.model, arguments.mode)
    phase: Callable[[Peer, argparse.Namespace], dict[str, Any]] = PHASES[arguments.phase]
    print(ANSWER + json.dumps(phase(peer, arguments)), flush=True)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("phase", choices=PHASES)
    for name in ("--passages", "--questions", "--index", "--run"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--mode", default="")
    return parser.parse_args()


def index(peer: Peer, arguments: argparse.Namespace) -> dict[str, Any]:
    """Index everything: how many passages, and how long it took with the model loaded."""
    passages = read_passages(arguments.passages)
    started = time.perf_counter()
    peer.add(passages)
    return {"passages": len(passages), "seconds": time.perf_counter() - started}


def first(peer: Peer, arguments: argparse.Namespace) -> dict[str, Any]:
    """Answer one question; whoever started the process knows how long ago that was."""
    peer.open()
    question = next(iter(read(arguments.questions)))["text"]
    return {"found": peer.search(question, PASSAGES)}


def warm(peer: Peer, arguments: argparse.Namespace) -> dict[str, Any]:
    """Answer all questions, and write a TREC run: how long each took, in milliseconds."""
    peer.open()
    documents = {passage.id: passage.document for passage in read_passages(arguments.passages)}
    questions = read(arguments.questions)
    for question in questions[:WARMING_QUESTIONS]:
        peer.search(question["text"], PASSAGES)
    run, milliseconds = {}, []
    for question in questions:
        started = time.perf_counter()
        found = peer.search(question["text"], PASSAGES)
        milliseconds.append(1000 * (time.perf_counter() - started))
        run[question["id"]] = best_documents(peer, question["text"], found, documents)
    write_run(arguments.run, run)
    return {"milliseconds": milliseconds}


def best_documents(
    peer: Peer, question: str, found: list[str], documents: dict[str, str]
) -> list[str]:
    """The documents of the passages, ranked by the best of each; below them, those of more."""
    best = list(dict.fromkeys(documents[id] for id in found))
    if len(best) < min(DOCUMENTS, len(set(documents.values()))):
        more = peer.search(question, min(MORE_PASSAGES, len(documents)))
        best = list(dict.fromkeys([*best, *(documents[id] for id in more)]))
    return best[:DOCUMENTS]


PHASES = {"index": index, "first": first, "warm": warm}


def read_passages(path: Path) -> list[Passage]:
    """The passages, in their order."""
    return [Passage(line["id"], line["document"], line["text"]) for line in read(path)]


def read(path: Path) -> list[dict[str, Any]]:
    """A file of JSON lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def write_run(path: Path, run: dict[str, list[str]]) -> None:
    """Write a TREC run; what would divide an id is written as in a URL."""
    path.write_text("".join(_lines(run)), "utf-8")


def _lines(run: dict[str, list[str]]) -> Iterable[str]:
    for query, documents in run.items():
        for rank, document in enumerate(documents, 1):
            yield f"{quote(query)} Q0 {quote(document)} {rank} {1 / rank!r} peer\n"
