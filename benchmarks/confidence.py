"""Fit how sentences are ranked and how likely an answer is; report how far that can be trusted.

    .venv/bin/python benchmarks/confidence.py --data ../shared/data/squad_v2_dev_half \
        --data ../shared/data/lihua_world

`--data` names BEIR folders with gold answers. For each answerable question the cases are: asked of
the whole collection ("here"); of the documents that neither are relevant nor contain a gold answer
("gone"); and both again of a collection of five articles. Questions that the collection does not
answer ("unsaid") are asked of the whole. Fitted on one half of the questions of the first folder
(`qa.evaluation.half_of`), reported on the other half of all; half of the weight is on questions
that are answered, a quarter each on "gone" and "unsaid", and in that mixture the calibration is
measured. Writes what ``benchmarks/report.py`` draws into ``benchmarks/figures/``. Half an hour.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import qa
from qa import answer, confidence, evaluation
from qa.confidence import Signals
from qa.corpus import Corpus
from qa.evaluation import Query
from qa.hits import Hit
from qa.rerank import Reranker
from qa.retrieval import retrieve
from qa.skim import skim

QUESTIONS = 250  # answerable ones of each set and half, at most
UNSAID = 200  # unanswerable ones of each set and half, at most
FIVE = 60  # of the answerable ones that are asked of five articles too
WEIGHT = {"here": 0.5, "gone": 0.25, "unsaid": 0.25}  # of each kind, all its cases together
REGULARISATION = 0.1  # C of scikit-learn, on standardised signals
READER = Reranker(seconds=float("inf"))  # the same figures on a busy machine
FIGURES = Path(__file__).with_name("figures")


@dataclass
class Case:
    """One question asked of some documents."""

    set: str
    half: str
    kind: str  # "here", "gone" or "unsaid"
    articles: str  # "all" or "five"
    signals: Signals | None  # None where nothing was found
    sentences: list[tuple[float, ...]]  # score, certainty, relevance, hit score, and 1 for gold


def main() -> None:
    """Ask, fit, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    parser.add_argument("--report-only", action="store_true", help="fit nothing")
    arguments = parser.parse_args()
    cases: list[Case] = []
    for number, folder in enumerate(arguments.data):
        fits = number == 0 and not arguments.report_only
        halves = ("tune", "report") if fits else ("report",)
        cases += asked(folder, arguments.questions, halves)
    if not arguments.report_only:
        fitting = [c for c in cases if c.half == "tune" and c.signals]
        fit_sentences(fitting)
        fit_confidence(fitting)
    report([c for c in cases if c.half == "report"])


def asked(folder: Path, questions: int, halves: Sequence[str]) -> Iterator[Case]:
    """All cases of a collection."""
    collection = evaluation.read(folder)
    index = qa.Index.from_documents(collection.documents)
    corpus = index._current()
    chance = random.Random(0)
    for half in halves:
        queries = evaluation.sample(collection.queries, half=half)
        here = [q for q in queries if q.answerable and (q.answers or q.spans)][:questions]
        for number, query in enumerate(here):
            others = evaluation.without_answers(collection.documents, query)
            five = chance.sample(others, min(5, len(others)))
            answering = sorted(query.relevant)[:2]
            places = [("here", "all", None), ("gone", "all", others)]
            if number < FIVE:
                places += [("here", "five", answering + five[2:]), ("gone", "five", five)]
            for kind, articles, among in places:
                yield case(corpus, folder.name, half, kind, articles, query, among)
        unsaid = [q for q in queries if q.answerable is False][:UNSAID]
        for query in unsaid:
            yield case(corpus, folder.name, half, "unsaid", "all", query, None)


def case(
    corpus: Corpus,
    set_: str,
    half: str,
    kind: str,
    articles: str,
    query: Query,
    among: Sequence[str] | None,
) -> Case:
    """Ask, and keep what the models are fitted to."""
    found = retrieve(corpus, query.text, 5, documents=among, reranker=READER)
    hits = skim(corpus, query.text, found)
    signals = confidence.signals(hits)
    sentences = [row for hit in hits for row in rows(hit, query)]
    return Case(set_, half, kind, articles, signals, sentences)


def rows(hit: Hit, query: Query) -> Iterator[tuple[float, ...]]:
    """What is known of each sentence, and whether it holds a gold answer."""
    reading = hit.reading
    for sentence, read in zip(hit.sentences(), reading.sentences, strict=True):
        gold = any(
            span.document == hit.document.id
            and sentence.start <= span.start
            and span.end <= sentence.end
            for span in query.spans
        )
        yield read.score, read.certainty, reading.relevance, hit.score, float(gold)


def fit_sentences(cases: list[Case]) -> None:
    """Print the weights of a sentence's score, in units of the reader's own."""
    some = [c for c in cases if c.kind == "here" and any(row[-1] for row in c.sentences)]
    values = np.array([row for c in some for row in c.sentences])
    model = LogisticRegression(C=10.0, max_iter=1000).fit(values[:, :-1], values[:, -1])
    own, certainty, relevance, hit = model.coef_[0]
    print(
        f"CERTAINTY {certainty / own:.2f} RELEVANCE {relevance / own:.2f} HIT_SCORE {hit / own:.1f}"
    )


def fit_confidence(cases: list[Case]) -> None:
    """Print the coefficients of the confidence."""
    values = np.array([astuple(c.signals)[:-1] for c in cases])
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    model = LogisticRegression(C=REGULARISATION, max_iter=5000)
    labels = [c.kind == "here" for c in cases]
    model.fit((values - mean) / deviation, labels, sample_weight=weights(cases))
    found = model.coef_[0] / deviation
    print(f"INTERCEPT = {model.intercept_[0] - found @ mean:.2f}")
    print(f"COEFFICIENTS = ({', '.join(f'{c:.2f}' for c in found)})")


def weights(cases: list[Case]) -> np.ndarray:
    """Of each case, so that the kinds of each set have their shares."""
    groups = [(c.set, c.articles, c.kind) for c in cases]
    return len(cases) * np.array([WEIGHT[g[2]] / groups.count(g) for g in groups])


def report(cases: list[Case]) -> None:
    """Print how far the package as it stands can be trusted, and write what is drawn of it."""
    FIGURES.mkdir(exist_ok=True)
    for name in dict.fromkeys(c.set for c in cases):
        some = [c for c in cases if c.set == name]
        for articles in ("all", "five"):
            here = [c for c in some if c.kind == "here" and c.articles == articles]
            for kind in ("gone", "unsaid"):
                others = [c for c in some if c.kind == kind and c.articles == articles]
                if others:
                    report_kind(f"{name}-{kind}", articles, here, others)
        report_mixture(name, [c for c in some if c.articles == "all"])
        whole = [c for c in some if c.kind == "here" and c.articles == "all"]
        print(f"{name}: gold in the first {first(whole, 1):.3f}, first three {first(whole, 3):.3f}")


def report_kind(name: str, articles: str, here: list[Case], others: list[Case]) -> None:
    """One kind of unanswered question against the answered ones."""
    values = np.array([confidence.confidence(c.signals) for c in here + others])
    labels = np.array([True] * len(here) + [False] * len(others))
    error = evaluation.calibration_error(values, labels)
    least = float(np.quantile(values[labels], 1 - 0.95))
    refused = values < answer.NOT_FOUND
    precision = (refused & ~labels).sum() / max(1, refused.sum())
    print(
        f"{name}, {articles} articles ({len(here)} and {len(others)}): "
        f"area {roc_auc_score(labels, values):.3f}, calibration error {error:.3f}, "
        f"refused at 95 % answered {np.mean(values[~labels] < least):.3f}, not found: precision "
        f"{precision:.2f} recall {refused[~labels].mean():.2f} of the answerable "
        f"{refused[labels].mean():.2f}; answered {np.mean(values[labels] >= answer.ANSWERED):.2f} "
        f"against {np.mean(values[~labels] >= answer.ANSWERED):.2f}"
    )
    if articles == "all":
        drawn = {
            "set": name.rsplit("-", 1)[0],
            "kind": name.rsplit("-", 1)[1],
            "confidence": values.round(4).tolist(),
            "answerable": labels.tolist(),
            "correct": [c.kind == "here" and first([c], 1) == 1 for c in here + others],
        }
        (FIGURES / f"confidence-{name}.json").write_text(json.dumps(drawn) + "\n")


def report_mixture(name: str, cases: list[Case]) -> None:
    """How well calibrated the confidence is in the mixture of kinds that it was fitted in."""
    kinds = {kind: [c for c in cases if c.kind == kind] for kind in WEIGHT}
    size = min(len(some) / WEIGHT[kind] for kind, some in kinds.items())
    mixed = [c for kind, some in kinds.items() for c in some[: int(size * WEIGHT[kind])]]
    if mixed:
        values = np.array([confidence.confidence(c.signals) for c in mixed])
        error = evaluation.calibration_error(values, np.array([c.kind == "here" for c in mixed]))
        print(f"{name}, the mixture ({len(mixed)}): calibration error {error:.3f}")


def first(cases: list[Case], n: int) -> float:
    """The share whose first n sentences hold a gold answer."""
    found = []
    for c in cases:
        ranked = sorted(
            c.sentences,
            key=lambda row: (
                -(
                    row[0]
                    + answer.CERTAINTY * row[1]
                    + answer.RELEVANCE * row[2]
                    + answer.HIT_SCORE * row[3]
                )
            ),
        )
        found.append(any(row[-1] for row in ranked[:n]))
    return float(np.mean(found))


if __name__ == "__main__":
    main()
