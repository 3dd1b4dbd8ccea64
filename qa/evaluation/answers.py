"""How questions were answered: gold answers in the marked sentences, and refusals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn import metrics

from qa.answer import Answer, Status
from qa.documents import Document
from qa.evaluation.abstention import calibration_error, refused_at
from qa.evaluation.asking import Asker, Latency, Step, counted, latency, timed
from qa.evaluation.beir import Collection
from qa.evaluation.gold import Query, says, without_answers
from qa.evaluation.resampling import Estimate, Floats, bootstrap, mean

STATUSES: tuple[Status, ...] = ("answered", "uncertain", "not_found")


@dataclass(frozen=True, slots=True)
class Marked:
    """How often the marked sentences hold a gold answer.

    Parameters
    ----------
    questions : int
        Answerable ones with a gold answer that stands word for word in a relevant document.
    by_offsets : int
        Of them, those whose gold spans are given: a sentence has to hold one of those. For the
        others, it has to be in a relevant document and hold the words of an answer.
    first, first_three : Estimate
        The share of the questions.
    """

    questions: int
    by_offsets: int
    first: Estimate
    first_three: Estimate


@dataclass(frozen=True, slots=True)
class Asked:
    """How questions of one kind were answered: the share of each status."""

    questions: int
    statuses: dict[str, float]


@dataclass(frozen=True, slots=True)
class Refusals:
    """Questions that should be refused, told from the answerable ones or not.

    Parameters
    ----------
    asked : Asked
    area : Estimate
        Under the ROC curve of the confidence.
    calibration_error : float
        Of the confidence, over these and the answerable ones.
    precision : float or None
        The share of refusals ("not_found") that are right; None where nothing was refused.
    recall : float
        The share of these questions that was refused.
    refused_at_95 : float
        The same with a threshold that lets 95 % of the answerable ones through.
    """

    asked: Asked
    area: Estimate
    calibration_error: float
    precision: float | None
    recall: float
    refused_at_95: float


@dataclass(frozen=True, slots=True)
class Answers:
    """What was measured of `Index.ask`; None where the collection has no such questions.

    Parameters
    ----------
    unanswerable : Refusals or None
        The collection's own.
    removed : Refusals or None
        The answerable ones, asked of the documents that do not answer them.
    """

    latency: Latency
    marked: Marked | None
    answerable: Asked | None
    unanswerable: Refusals | None
    removed: Refusals | None


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What is kept of an answer."""

    query: Query
    status: Status
    confidence: float
    marked: tuple[bool, bool]  # a gold answer in the first sentence, in one of the first three
    seconds: float


def measure_answers(
    asker: Asker,
    collection: Collection,
    queries: Sequence[Query],
    *,
    remove: bool,
    step: Step,
) -> Answers | None:
    """Ask, and measure; None where nobody says what is answerable or what the answers are.

    Parameters
    ----------
    remove : bool
        Ask the answerable questions again, of the documents that do not answer them.
    """
    asked = [query for query in queries if query.answerable is not None]
    if not any(query.answers or not query.answerable for query in asked):
        return None
    outcomes = [_outcome(asker, query) for query in counted(asked, "asking", step)]
    here = [outcome for outcome in outcomes if outcome.query.answerable]
    not_said = [outcome for outcome in outcomes if not outcome.query.answerable]
    gone = list(_without_answers(asker, collection, here, step)) if remove else []
    documents = {document.id: document for document in collection.documents}
    return Answers(
        latency=latency([outcome.seconds for outcome in outcomes]),
        marked=_marked([o for o in here if _is_quotable(o.query, documents)]),
        answerable=_asked(here) if here else None,
        unanswerable=_refusals(here, not_said),
        removed=_refusals(here, gone),
    )


def _without_answers(
    asker: Asker, collection: Collection, here: Sequence[_Outcome], step: Step
) -> Iterator[_Outcome]:
    """The questions again, as far as there are documents that do not answer them."""
    for outcome in counted(here, "asking without the answers", step):
        others = without_answers(collection.documents, outcome.query)
        if others:
            yield _outcome(asker, outcome.query, others)


def _outcome(asker: Asker, query: Query, documents: Sequence[str] | None = None) -> _Outcome:
    answer, seconds = timed(lambda: asker.ask(query.text, documents))
    marked = holds_gold(answer, query, 1), holds_gold(answer, query, 3)
    return _Outcome(query, answer.status, answer.confidence, marked, seconds)


def holds_gold(answer: Answer, query: Query, n: int) -> bool:
    """Whether one of the first n marked sentences holds a gold answer (see `Marked`)."""
    sentences = answer.sentences[:n]
    if query.spans:
        return any(
            s.document.id == span.document and s.start <= span.start and span.end <= s.end
            for s in sentences
            for span in query.spans
        )
    return any(s.document.id in query.relevant and says(s.text, query.answers) for s in sentences)


def _is_quotable(query: Query, documents: Mapping[str, Document]) -> bool:
    """Whether a gold answer stands word for word in a relevant document."""
    relevant = [documents[id] for id in query.relevant if id in documents]
    return bool(query.spans) or any(says(d.text, query.answers) for d in relevant)


def _marked(outcomes: Sequence[_Outcome]) -> Marked | None:
    if not outcomes:
        return None
    marked = np.array([outcome.marked for outcome in outcomes], float)  # (n, 2)
    by_offsets = sum(bool(outcome.query.spans) for outcome in outcomes)
    return Marked(len(outcomes), by_offsets, mean(marked[:, 0]), mean(marked[:, 1]))


def _asked(outcomes: Sequence[_Outcome]) -> Asked:
    given = [outcome.status for outcome in outcomes]
    return Asked(len(given), {status: given.count(status) / len(given) for status in STATUSES})


def _refusals(here: Sequence[_Outcome], others: Sequence[_Outcome]) -> Refusals | None:
    """How well others are told from answerable questions; None without either."""
    if not here or not others:
        return None
    yes = np.array([outcome.confidence for outcome in here])
    no = np.array([outcome.confidence for outcome in others])
    answerable = np.repeat([True, False], [len(yes), len(no)])
    refused = [outcome.status == "not_found" for outcome in (*here, *others)]
    precision = metrics.precision_score(~answerable, refused, zero_division=math.nan)
    return Refusals(
        asked=_asked(others),
        area=bootstrap(lambda i, j: _area_under_roc(yes[i], no[j]), len(yes), len(no)),
        calibration_error=calibration_error(np.concatenate([yes, no]), answerable),
        precision=None if math.isnan(precision) else float(precision),
        recall=float(metrics.recall_score(~answerable, refused)),
        refused_at_95=refused_at(yes, no),
    )


def _area_under_roc(answerable: Floats, unanswerable: Floats) -> float:
    labels = np.repeat([1, 0], [len(answerable), len(unanswerable)])
    return float(metrics.roc_auc_score(labels, np.concatenate([answerable, unanswerable])))
