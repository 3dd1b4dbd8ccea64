"""TREC runs: reading and writing them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote

from qa.cache import write_atomically
from qa.errors import QAError
from qa.evaluation.beir import lines

Run = dict[str, dict[str, float]]
"""By query id and document id: the score, higher is better."""


def read_run(path: Path) -> Run:
    """Read a TREC run: query id, Q0, document id, rank, score, name; white space between them.

    Raises
    ------
    QAError
        When the file cannot be read or a line is no such line.
    """
    run: Run = {}
    for where, line in lines(path):
        columns = line.split()
        if len(columns) != 6:
            raise QAError(
                f"{where}: expected the 6 columns of a TREC run (query, Q0, document, rank, "
                f"score, name), found {len(columns)}"
            )
        query, document = unquote(columns[0]), unquote(columns[2])
        if document in run.setdefault(query, {}):
            raise QAError(f"{where}: document {document!r} is there twice for query {query!r}")
        run[query][document] = _score(columns[4], where)
    if not run:
        raise QAError(f"{str(path)!r} is empty: expected a TREC run")
    return run


def write_run(path: Path, run: Run, name: str = "qa") -> None:
    """Write a TREC run, best first.

    White space in an id, and "%", is written as in a URL: "%20" for a space. `read_run` undoes it.
    """
    lines = [
        f"{_escaped(query)} Q0 {_escaped(document)} {rank} {score!r} {name}\n"
        for query, scores in run.items()
        for rank, (document, score) in enumerate(_best_first(scores), 1)
    ]
    try:
        write_atomically(path, "".join(lines).encode())
    except OSError as error:
        raise QAError(f"cannot write the run {str(path)!r} ({error.strerror})") from error


def _best_first(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(scores.items(), key=lambda item: -item[1])


def _escaped(id: str) -> str:
    return "".join(quote(c) if c.isspace() or c == "%" else c for c in id)


def _score(text: str, where: str) -> float:
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise QAError(f"{where}: expected a number as score, found {text!r}")
    return score
