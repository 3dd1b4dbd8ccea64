"""The choice of answering sentences and the confidence, measured and fitted.

    .venv/bin/python benchmarks/answers.py --data ../shared/data/squad_v2_dev_half

`--data` names a BEIR folder whose queries carry SQuAD 2.0's metadata (gold spans,
`is_impossible`). Questions are halved by a hash of their id: coefficients are fitted on one half,
figures are of the other. "Not here" cases are made by asking an answerable question again of only
those documents that do not contain any of its gold answers. About ten minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import qa
from qa import answer as answering

PER_HALF = 400  # questions of each kind


def main() -> None:
    """Fit on one half, report on the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    folder = parser.parse_args().data
    entries = [json.loads(line) for line in (folder / "corpus.jsonl").open()]
    documents = [qa.Document(e["_id"], e["text"], e.get("title", "")) for e in entries]
    index = qa.Index.from_documents(documents)
    queries = [json.loads(line) for line in (folder / "queries.jsonl").open()]
    fitting = signals(index, documents, half(queries, 0))
    model = LogisticRegression(C=10.0).fit(*cases(fitting["here"], fitting["not here"]))
    cosine, coverage = model.coef_[0]
    print(
        f"fitted: INTERCEPT {model.intercept_[0]:.1f} COSINE {cosine:.1f} COVERAGE {coverage:.1f}"
    )
    report(index, documents, half(queries, 1))


def half(queries: list[dict[str, Any]], which: int) -> list[dict[str, Any]]:
    """A fixed half of the questions, in a fixed random order."""
    chosen = [q for q in queries if hashlib.sha1(q["_id"].encode()).digest()[-1] % 2 == which]
    random.Random(0).shuffle(chosen)
    return chosen


def without(documents: list[qa.Document], query: dict[str, Any]) -> list[str]:
    """Ids of the documents that neither are the gold one nor contain an answer."""
    answers = [text.lower() for text in query["metadata"]["answers"]]
    gold = query["metadata"]["gold_passage"]
    return [
        d.id for d in documents if d.id != gold and not any(a in d.text.lower() for a in answers)
    ]


def signals(
    index: qa.Index, documents: list[qa.Document], queries: list[dict[str, Any]]
) -> dict[str, np.ndarray]:
    """Cosine and coverage of answerable questions, and of the same with the answer taken away."""
    answerable = [q for q in queries if not q["metadata"]["is_impossible"]][:PER_HALF]
    here = [answering.signals(*asked(index, q["text"], None)) for q in answerable]
    gone = [answering.signals(*asked(index, q["text"], without(documents, q))) for q in answerable]
    return {"here": np.array(here), "not here": np.array(gone)}


def asked(index: qa.Index, question: str, among: list[str] | None) -> tuple[Any, ...]:
    """What the signals are computed from."""
    corpus = index._current()
    hits = index.retrieve(question, 5, documents=among)
    weights = corpus.weights(question)
    return answering.ranked_sentences(corpus, question, hits, weights), hits, weights


def cases(here: np.ndarray, gone: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and labels: 1 for an answer that is here."""
    return np.vstack([here, gone]), np.r_[np.ones(len(here)), np.zeros(len(gone))]


def report(index: qa.Index, documents: list[qa.Document], queries: list[dict[str, Any]]) -> None:
    """Print what the package as it stands does on these questions."""
    answerable = [q for q in queries if not q["metadata"]["is_impossible"]][:PER_HALF]
    impossible = [q for q in queries if q["metadata"]["is_impossible"]][:PER_HALF]
    here = [index.ask(q["text"]) for q in answerable]
    gone = [index.ask(q["text"], documents=without(documents, q)) for q in answerable]
    unsaid = [index.ask(q["text"]) for q in impossible]
    for n in (1, answering.SENTENCES):
        found = [holds_gold(a, q, n) for a, q in zip(here, answerable, strict=True)]
        print(f"gold span in the first {n} sentences: {np.mean(found):.3f}")
    confidence = [a.confidence for a in here]
    for name, others in (("not here", gone), ("here, does not say", unsaid)):
        labels = np.r_[np.ones(len(here)), np.zeros(len(others))]
        area = roc_auc_score(labels, confidence + [a.confidence for a in others])
        print(f"{name}: area under the ROC curve {area:.3f}, {share(others)}")
    print(f"answerable: {share(here)}")


def holds_gold(answer: qa.Answer, query: dict[str, Any], n: int) -> bool:
    """Whether one of the first n sentences contains a gold span of the gold passage."""
    spans = [(start, start + len(text)) for text, start in query["metadata"]["answer_starts"]]
    return any(
        s.document.id == query["metadata"]["gold_passage"] and s.start <= start and end <= s.end
        for s in answer.sentences[:n]
        for start, end in spans
    )


def share(answers: list[qa.Answer]) -> str:
    """How often each status was given."""
    statuses = ("answered", "uncertain", "not_found")
    return ", ".join(f"{s} {np.mean([a.status == s for a in answers]):.2f}" for s in statuses)


if __name__ == "__main__":
    main()
