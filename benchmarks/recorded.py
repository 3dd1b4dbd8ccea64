"""What the measuring scripts wrote into ``figures/``: reading it, and the names that are shown.

Knows neither how it was measured nor how it is drawn.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from qa.evaluation import Difference, Estimate, Latency

STAGES = {"bm25": "BM25", "dense": "vectors", "fused": "fused", "reranked": "reranked"}
SETS = {  # in the order of the pictures; others follow by their own names
    "squad_v2_dev_half": "Wikipedia (SQuAD)",
    "scifact_train": "Science (SciFact)",
    "lihua_world": "Chats (LiHua-World)",
    "mtrag_pooled": "Dialogue (MTRAG)",
}
KINDS = {  # of mixtures: answerable questions and such as are not
    "gone": "The article may not be here",
    "unsaid": "The article may not say",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage's quality, by the names of ir-measures, and its speed."""

    name: str
    measures: Mapping[str, Estimate]
    latency: Latency


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What ``retrieval.py`` wrote of one collection.

    Parameters
    ----------
    gain : mapping of str to Difference
        Of reranking, by measure.
    conditions : str
        When and on what, and the command.
    """

    set: str
    questions: int
    documents: int
    stages: tuple[Stage, ...]
    gain: Mapping[str, Difference]
    conditions: str

    @property
    def title(self) -> str:
        return SETS.get(self.set, self.set)


@dataclass(frozen=True, slots=True)
class Confidences:
    """What ``confidence.py`` wrote: answerable questions, and one kind of those that are not.

    Parameters
    ----------
    kind : {"gone", "unsaid"}
        What makes the others unanswerable: no article is about it, or none says it.
    confidence : array of shape (n,)
        In [0, 1].
    answerable, correct : array of shape (n,), bool
        Whether the articles answer the question; whether what was shown first does.
    """

    set: str
    kind: str
    confidence: NDArray[np.float64]
    answerable: NDArray[np.bool_]
    correct: NDArray[np.bool_]

    @property
    def title(self) -> str:
        return SETS.get(self.set, self.set)


Recorded = TypeVar("Recorded", Retrieval, Confidences)


def read_retrieval(folder: Path) -> list[Retrieval]:
    """Every ``retrieval-*.json``, in the order of `SETS`."""
    return _in_order(retrieval(entry) for entry in _entries(folder, "retrieval-*.json"))


def read_confidences(folder: Path) -> list[Confidences]:
    """Every ``confidence-*.json``, in the order of `SETS`, then of `KINDS`.

    Raises
    ------
    ValueError
        For a kind that is not known, or lists of different lengths.
    """
    found = [confidences(entry) for entry in _entries(folder, "confidence-*.json")]
    return _in_order(sorted(found, key=lambda one: list(KINDS).index(one.kind)))


def retrieval(entry: Mapping[str, Any]) -> Retrieval:
    """One collection's, from JSON."""
    stages = tuple(
        Stage(name, _estimates(of["measures"]), Latency(**of["latency"]))
        for name in STAGES
        if (of := entry["stages"].get(name))
    )
    gain = {
        name: Difference(Estimate(**of["difference"]), of["p"])
        for name, of in entry["reranked_against_fused"].items()
    }
    return Retrieval(
        entry["set"], entry["questions"], entry["documents"], stages, gain, _conditions(entry)
    )


def confidences(entry: Mapping[str, Any]) -> Confidences:
    """One collection's and kind's, from JSON."""
    if entry["kind"] not in KINDS:
        raise ValueError(f"kind is {entry['kind']!r}: expected one of {', '.join(KINDS)}")
    columns = [entry[name] for name in ("confidence", "answerable", "correct")]
    if len({len(column) for column in columns}) != 1 or not columns[0]:
        raise ValueError(f"{entry['set']}: lists of {[len(c) for c in columns]}, expected the same")
    confidence, answerable, correct = columns
    return Confidences(
        entry["set"],
        entry["kind"],
        np.array(confidence, float),
        np.array(answerable, bool),
        np.array(correct, bool),
    )


def _entries(folder: Path, pattern: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob(pattern))]


def _in_order(found: Iterable[Recorded]) -> list[Recorded]:
    known = list(SETS)
    return sorted(found, key=lambda one: known.index(one.set) if one.set in known else len(known))


def _estimates(measures: Mapping[str, Mapping[str, float]]) -> dict[str, Estimate]:
    return {name: Estimate(**of) for name, of in measures.items()}


def _conditions(entry: Mapping[str, Any]) -> str:
    measured = _measured(entry)
    return f"{measured}. Times: {_measured(entry['timed'])}" if "timed" in entry else measured


def _measured(entry: Mapping[str, Any]) -> str:
    machine = entry["machine"]
    flags = ", ".join(machine["flags"])
    return (
        f"{entry['date']}, {machine['cores']} cores ({machine['architecture']}; {flags}), "
        f"{machine['system']}, Python {machine['python']}, "
        f"load {machine['load']} before the start: {entry['command']}"
    )
