"""Documents ranked for each query, and how well: the measures of ir-measures."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import ir_measures
import numpy as np
from ir_measures import RR, P, R, nDCG

from qa.errors import QAError
from qa.evaluation.asking import Asker, timed
from qa.evaluation.gold import Query
from qa.evaluation.resampling import Difference, Floats, difference
from qa.evaluation.runs import Run
from qa.hits import Hit

MEASURES = (nDCG @ 10, R @ 10, RR @ 10, P @ 1)
DEPTH = 10  # documents of a ranking
PASSAGES = (10, 40, 160)  # asked for in turn: ten documents are seldom in ten passages


@dataclass(frozen=True, slots=True)
class Comparison:
    """Against an earlier run, over the questions that are in both: by measure, how much better."""

    questions: int
    measures: dict[str, Difference]


def rank(asker: Asker, queries: Iterable[Query], documents: int) -> tuple[Run, list[float]]:
    """The ten best documents for each query, and the seconds that ten passages took.

    Ever more passages are asked for until they are of ten documents, or all the relevant ones are
    among them: what comes below those changes no measure.

    Parameters
    ----------
    documents : int
        How many there are.
    """
    run: Run = {}
    times = []
    for query in queries:
        hits, seconds = timed(partial(asker.retrieve, query.text, PASSAGES[0]))
        times.append(seconds)
        for fewer, more in itertools.pairwise(PASSAGES):
            found = {hit.document.id for hit in hits}
            complete = len(found) >= min(DEPTH, documents) or query.relevant.keys() <= found
            if complete or len(hits) < fewer:
                break
            hits = asker.retrieve(query.text, more)
        run[query.id] = dict(list(document_scores(hits).items())[:DEPTH])
    return run, times


def document_scores(hits: Iterable[Hit]) -> dict[str, float]:
    """By document, best first, the score of its best passage, or of the one it is folded into.

    Each lies below the one before, by what single precision can tell at least: evaluation tools
    order equal scores each in its own way.
    """
    scores: dict[str, float] = {}
    ceiling = np.float32(np.inf)
    for hit in hits:
        for document in (hit.document, *(sentence.document for sentence in hit.also_in)):
            if document.id not in scores:
                score = min(np.float32(hit.score), ceiling)
                scores[document.id] = float(score)
                ceiling = np.nextafter(score, np.float32(-np.inf))
    return scores


def measured(queries: Sequence[Query], run: Run) -> dict[str, Floats]:
    """By measure, its value for each query, in their order; 0 for one that the run lacks."""
    qrels = {query.id: dict(query.relevant) for query in queries}
    found = {str(measure): dict.fromkeys(qrels, 0.0) for measure in MEASURES}
    for metric in ir_measures.iter_calc(MEASURES, qrels, run):
        found[str(metric.measure)][metric.query_id] = metric.value
    return {name: np.array(list(by_query.values())) for name, by_query in found.items()}


def compare(queries: Sequence[Query], run: Run, earlier: Run) -> Comparison:
    """A paired permutation test of each measure, over the queries that are in both runs.

    Raises
    ------
    QAError
        When there is none.
    """
    shared = [query for query in queries if query.id in earlier]
    if not shared:
        raise QAError("the earlier run has none of these questions: is it of this collection?")
    ours, theirs = measured(shared, run), measured(shared, earlier)
    return Comparison(len(shared), {name: difference(ours[name], theirs[name]) for name in ours})
