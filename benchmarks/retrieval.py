"""How good each stage of retrieval is, and what it costs: BM25, vectors, fused, reranked.

    .venv/bin/python benchmarks/retrieval.py --limit 300 \
        --data ../shared/data/squad_v2_dev_half --data ../shared/data/scifact_train

`--data` names BEIR folders. Documents are ranked by their best passage. A stage is timed until ten
passages are at hand; where these are of fewer than ten documents, more passages follow untimed, so
that all stages are judged by ten documents. Below the ten passages that were reranked stand those
of the fused order: asking for more would also read more, and be another order than a user sees. A
question that has a conversation before it is asked as `Index.ask` completes it. The stages take
turns at each question, so that other work on the machine slows all of them alike.

On a busy machine ``--no-time-limit`` lets the reranking come to its end, as it does on a quiet one;
``--times`` then measures the times as a user has them, and writes them into the figures that are
there.

Writes ``figures/retrieval-<folder's name>.json``, which `report.py` draws, and prints a table. The
index is kept where `qa eval` keeps it, or in ``--index-directory/<folder's name>``.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import qa
from qa import evaluation, followup
from qa.directory import default_directory
from qa.evaluation import Difference, Estimate, Latency, Query, Run
from qa.evaluation.asking import latency, timed
from qa.evaluation.beir import CORPUS, QUERIES, lines
from qa.reader import Page, Reading
from qa.rerank import Reranker, shared

FIGURES = Path(__file__).with_name("figures")
PASSAGES = 10  # that are asked for, and timed
DOCUMENTS = 10  # that are judged
MOST_PASSAGES = 160  # asked for until there are so many documents
FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni")  # of a processor, that decide its speed here

Search = Callable[[str, int], list[str]]
"""The documents of the n best passages for a question, best first; a document as often as found."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One way of searching, and the one that fills up what it does not reach."""

    name: str
    search: Search
    below: Search


@dataclass(frozen=True, slots=True)
class Measured:
    """One stage's quality, by the names of ir-measures, and its speed."""

    measures: dict[str, Estimate]
    latency: Latency


def main() -> None:
    """Measure each collection, write the figures and print them."""
    arguments = parsed()
    FIGURES.mkdir(exist_ok=True)
    for folder in arguments.data:
        path = FIGURES / f"retrieval-{folder.name}.json"
        figures = measure(folder, arguments)
        if arguments.times:
            figures = retimed(json.loads(path.read_text("utf-8")), figures)
        path.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
        print(table(figures), flush=True)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--limit", type=int, help="questions of each collection, at most")
    parser.add_argument("--half", choices=("tune", "report", "both"), default="report")
    parser.add_argument("--index-directory", type=Path)
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--no-time-limit", action="store_true")
    either.add_argument("--times", action="store_true")
    return parser.parse_args()


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All figures of one collection, as JSON."""
    machine_before = machine()
    collection = evaluation.read(folder)
    judged = [query for query in collection.queries if query.relevant]
    half = None if options.half == "both" else options.half
    chosen = evaluation.sample(judged, limit=options.limit, half=half)
    directory = options.index_directory and options.index_directory / folder.name
    with qa.Index.from_documents(
        collection.documents,
        directory=directory or default_directory(folder.resolve() / CORPUS),
        reranker=unhurried() if options.no_time_limit else None,
    ) as index:
        runs, seconds = ranked(stages(index), completed(folder, chosen))
        status = index.status
    measured = {
        name: Measured(
            {key: evaluation.mean(of) for key, of in evaluation.measured(chosen, run).items()},
            latency(seconds[name]),
        )
        for name, run in runs.items()
    }
    gain: dict[str, Difference] = evaluation.compare(
        chosen, runs["reranked"], runs["fused"]
    ).measures
    return {
        "set": folder.name,
        "documents": status.documents,
        "passages": status.passages,
        "questions": len(chosen),
        "half": options.half,
        "stages": {name: asdict(of) for name, of in measured.items()},
        "reranked_against_fused": {name: asdict(of) for name, of in gain.items()},
        "machine": machine_before,
        "date": datetime.date.today().isoformat(),
        "command": command(folder.name, options),
    }


def retimed(figures: dict[str, Any], timed: dict[str, Any]) -> dict[str, Any]:
    """Figures with the times of other ones."""
    for name, stage in figures["stages"].items():
        stage["latency"] = timed["stages"][name]["latency"]
    keys = ("questions", "machine", "date", "command")
    return figures | {"timed": {key: timed[key] for key in keys}}


def unhurried() -> Reranker:
    """The one that comes with qa, with all the time that it takes."""
    return Reranker(lambda: _Unhurried(shared().matcher), lambda: _Unhurried(shared().reader))


@dataclass(frozen=True, slots=True)
class _Unhurried:
    """A matcher or a reader that is told of no time limit."""

    of: Any

    def match(self, question: str, pages: Sequence[Page], *, seconds: float = 0) -> list[float]:
        found: list[float] = self.of.match(question, pages)
        return found

    def read(self, question: str, pages: Sequence[Page], *, seconds: float = 0) -> list[Reading]:
        found: list[Reading] = self.of.read(question, pages)
        return found


def stages(index: qa.Index) -> tuple[Stage, ...]:
    """Both searches alone, fused, and with the best passages read."""
    corpus = index._current()

    def documents_of(passages: Iterable[int]) -> list[str]:
        ids = list(passages)
        found = corpus.store.passages(ids)
        return [found[id][0].id for id in ids]

    def bm25(question: str, n: int) -> list[str]:
        return documents_of(corpus.derived.lexical.search(question, n)[0].tolist())

    def dense(question: str, n: int) -> list[str]:
        query = corpus.encoder.encode_question(question)
        return documents_of(corpus.derived.vectors.search(query, n)[0].tolist())

    def fused(question: str, n: int, rerank: bool = False) -> list[str]:
        return [hit.document.id for hit in index.retrieve(question, n, rerank=rerank)]

    return (
        Stage("bm25", bm25, bm25),
        Stage("dense", dense, dense),
        Stage("fused", fused, fused),
        Stage("reranked", partial(fused, rerank=True), fused),
    )


def completed(folder: Path, queries: Sequence[Query]) -> list[Query]:
    """The queries; those of a conversation with what they leave unsaid."""
    histories: dict[str, list[dict[str, str]]] = {}
    for _, line in lines(folder / QUERIES):
        entry = json.loads(line)
        turns = (entry.get("metadata") or {}).get("history") or []
        histories[entry["_id"].strip()] = [{"role": who, "content": said} for who, said in turns]
    return [replace(q, text=followup.complete(q.text, histories[q.id])) for q in queries]


def ranked(
    searches: Sequence[Stage], queries: Sequence[Query]
) -> tuple[dict[str, Run], dict[str, list[float]]]:
    """By stage: the ranking of each query, and the seconds that each took."""
    runs: dict[str, Run] = {stage.name: {} for stage in searches}
    seconds: dict[str, list[float]] = {stage.name: [] for stage in searches}
    for stage in searches:
        stage.search(queries[0].text, PASSAGES)  # the first loads models
    for query in queries:
        for stage in searches:
            found, took = best_documents(stage, query.text)
            runs[stage.name][query.id] = {id: 1 / rank for rank, id in enumerate(found, 1)}
            seconds[stage.name].append(took)
    return runs, seconds


def best_documents(stage: Stage, question: str) -> tuple[list[str], float]:
    """The best documents, each once, and the seconds until the first passages were there."""
    passages, seconds = timed(lambda: stage.search(question, PASSAGES))
    found, n = list(dict.fromkeys(passages)), PASSAGES
    while len(found) < DOCUMENTS and n < MOST_PASSAGES:
        n *= 2
        found = list(dict.fromkeys([*found, *stage.below(question, n)]))
    return found[:DOCUMENTS], seconds


def machine() -> dict[str, Any]:
    """What the times depend on; `load` is other work: what ran before this did."""
    described = Path("/proc/cpuinfo")
    flags = described.read_text().split() if described.exists() else []
    return {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "flags": [flag for flag in FLAGS if flag in flags],
        "system": platform.system(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def command(name: str, options: argparse.Namespace) -> str:
    """How to make these figures again, wherever the data lies."""
    said = [f"--data {name}", f"--half {options.half}"]
    said += [f"--limit {options.limit}"] if options.limit else []
    said += ["--no-time-limit"] if options.no_time_limit else []
    said += ["--times"] if options.times else []
    return f"python benchmarks/retrieval.py {' '.join(said)}"


def table(figures: dict[str, Any]) -> str:
    """In Markdown, with the conditions above it."""
    names = list(figures["reranked_against_fused"])
    rows = [
        f"\n`{figures['command']}`: {figures['questions']} questions, "
        f"{figures['documents']:,} documents, load {figures['machine']['load']}",
        f"| {figures['set']} | {' | '.join(names)} | ms, median | ms, 95 % below |",
        "|---" * (len(names) + 3) + "|",
    ]
    for stage, of in figures["stages"].items():
        cells = ["{value:.3f} ({low:.3f} to {high:.3f})".format(**of["measures"][n]) for n in names]
        speed = [f"{of['latency'][key]:.1f}" for key in ("median_ms", "p95_ms")]
        rows.append(f"| {stage} | {' | '.join([*cells, *speed])} |")
    gains = figures["reranked_against_fused"].values()
    cells = [f"{gain['difference']['value']:+.3f}, p {gain['p']:.4f}" for gain in gains]
    rows.append(f"| reranked against fused | {' | '.join(cells)} | | |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
