"""Everything that is measured of an index on a collection, in one report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qa.directory import default_directory
from qa.errors import QAError
from qa.evaluation.answers import Answers, measure_answers
from qa.evaluation.asking import Asker, Latency, Step, counted, latency
from qa.evaluation.beir import CORPUS, Collection
from qa.evaluation.gold import Query
from qa.evaluation.ranking import Comparison, compare, measured, rank
from qa.evaluation.resampling import Estimate, mean
from qa.evaluation.runs import Run, write_run
from qa.index import Index
from qa.models import DEFAULT_MODEL
from qa.progress import ProgressCallback


@dataclass(frozen=True, slots=True)
class Report:
    """All that was measured.

    Parameters
    ----------
    rerank : bool
        Whether the best passages were read.
    questions : int
        Those with relevant documents.
    measures : dict of str to Estimate
        By the names of ir-measures.
    latency : Latency
        Of retrieving ten passages.
    comparison, answers
        None where not asked for, or not to be had.
    """

    folder: str
    model: str
    rerank: bool
    documents: int
    passages: int
    questions: int
    measures: dict[str, Estimate]
    latency: Latency
    comparison: Comparison | None
    answers: Answers | None


def open_index(
    collection: Collection,
    *,
    directory: Path | None = None,
    model: str = DEFAULT_MODEL,
    fast: bool = False,
    progress: ProgressCallback | None = None,
) -> Index:
    """The index of a collection: made once, kept in the user's cache, by its folder.

    Parameters
    ----------
    directory, model, fast, progress
        As for `Index.open`.
    """
    return Index.from_documents(
        collection.documents,
        directory=directory or default_directory(collection.folder.resolve() / CORPUS),
        model=model,
        fast=fast,
        progress=progress,
    )


def evaluate(
    asker: Asker,
    collection: Collection,
    queries: Sequence[Query],
    *,
    run: Path | None = None,
    earlier: Run | None = None,
    remove_answers: bool = False,
    step: Step = lambda *_: None,
) -> Report:
    """Ask everything and measure.

    Parameters
    ----------
    queries : sequence of Query
        Of the collection: all, or a sample.
    run : Path, optional
        Where to write the ranking, as a TREC run.
    earlier : Run, optional
        To compare with.
    remove_answers : bool
        Ask each answerable question again, of the documents that do not answer it.
    step : callable, optional
        Told how far it has come.

    Raises
    ------
    QAError
        When none of the queries has a relevant document, or none is in the earlier run.
    """
    judged = [query for query in queries if query.relevant]
    if not judged:
        raise QAError(f"none of the {len(queries)} questions chosen has a relevant document")
    asker.retrieve(judged[0].text, 1)  # the first is slow, and nobody waits for it twice
    asked = counted(judged, "retrieving", step)
    ranking, seconds = rank(asker, asked, len(collection.documents))
    if run:
        write_run(run, ranking)
    status = asker.index.status
    return Report(
        folder=str(collection.folder),
        model=status.model,
        rerank=asker.rerank,
        documents=status.documents,
        passages=status.passages,
        questions=len(judged),
        measures={name: mean(values) for name, values in measured(judged, ranking).items()},
        latency=latency(seconds),
        comparison=compare(judged, ranking, earlier) if earlier else None,
        answers=measure_answers(asker, collection, queries, remove=remove_answers, step=step),
    )


def plain_report(report: Report) -> dict[str, Any]:
    """A report as JSON."""
    return asdict(report)
