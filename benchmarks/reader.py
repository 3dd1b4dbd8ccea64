"""Fit the linear heads that look at the cross-encoder's hidden states.

    .venv/bin/python benchmarks/reader.py --data ../shared/data/squad_v2_dev_half \
        --data ../shared/data/chroma_chunking_eval --write

`--data` names BEIR folders whose queries say where the answer stands: SQuAD's `answer_starts` and
`gold_passage`, or the chunking set's `references` and `corpus_id`. Each question is read with the
passages that hold its gold spans and with the best of those that do not. The heads are fitted on
one half of the questions (`qa.evaluation.half_of`), figures are of the other. With `--write` they
replace ``qa/reader_heads.npz``. A quarter of an hour.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

import qa
from qa import reader_model
from qa.evaluation import half_of
from qa.hits import Hit
from qa.passages import Passage
from qa.reader import Page

QUESTIONS = 3600  # of each set, at most
DISTRACTORS = 3  # passages read with a question besides those that hold the answer
REGULARISATION = {"says": 0.01, "sentence": 0.003}  # C of scikit-learn, on standardised states
EPOCHS = 6  # of fitting the exact words' starts and ends
Span = tuple[int, int]


@dataclass
class Read:
    """One question and passage: the states, and where the gold spans are in the passage."""

    set: str
    half: str
    question: int
    kind: str  # "gold", "unsaid" (the right passage does not say it), or "other"
    asked: np.ndarray  # (m,), the question's tokens
    sentences: np.ndarray  # (sentences, m), averaged over their tokens
    is_gold: np.ndarray  # (sentences,)
    tokens: np.ndarray | None  # (n, m); kept for gold passages with short spans only
    starts: np.ndarray | None
    ends: np.ndarray | None


def main() -> None:
    """Read, fit, report, and write when told to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    reads = [read for folder in arguments.data for read in collected(folder)]
    fitting = [read for read in reads if read.half == "tune"]
    heads = {**says(fitting), **sentence(fitting), "exact": exact(fitting)}
    report([read for read in reads if read.half == "report"], heads)
    if arguments.write:
        np.savez(reader_model._HEADS, **heads)


def collected(folder: Path) -> Iterator[Read]:
    """Every question of a set with its passages, read."""
    entries = [json.loads(line) for line in (folder / "corpus.jsonl").open()]
    queries = [json.loads(line) for line in (folder / "queries.jsonl").open()]
    index = qa.Index.from_documents(
        qa.Document(e["_id"], e["text"], e.get("title", "")) for e in entries
    )
    store = index._current().store
    passages: dict[str, list[tuple[qa.Document, Passage]]] = {}
    for document, passage in store.passages([entry[0] for entry in store.entries()]).values():
        passages.setdefault(document.id, []).append((document, passage))
    model = reader_model.load()
    random.Random(3).shuffle(queries)
    for number, query in enumerate(queries[:QUESTIONS]):
        hits = index.retrieve(query["text"], DISTRACTORS, rerank=False)
        for document, passage, kind, spans in pairs(query, passages, hits):
            page = Page(document.title, passage.text, passage.start, passage.sentences)
            states = model.states(query["text"], page)
            half = half_of(query["_id"])
            yield as_read(folder.name, half, number, kind, states, passage, spans)


def pairs(
    query: dict[str, Any],
    passages: dict[str, list[tuple[qa.Document, Passage]]],
    hits: list[Hit],
) -> Iterator[tuple[qa.Document, Passage, str, list[Span]]]:
    """The passages that hold the answer, or should; and the best that do not."""
    metadata = query["metadata"]
    gold = metadata.get("gold_passage") or metadata["corpus_id"]
    spans = [(start, start + len(text)) for text, start in metadata.get("answer_starts", [])]
    spans += [(r["start_index"], r["end_index"]) for r in metadata.get("references", [])]
    unsaid = bool(metadata.get("is_impossible"))
    seen = set()
    for document, passage in passages[gold]:
        inside = [s for s in sorted(set(spans)) if s[0] < passage.end and passage.start < s[1]]
        if inside or unsaid:
            seen.add((gold, passage.start))
            yield document, passage, "gold" if inside else "unsaid", inside
    answers = [a.lower() for a in metadata.get("answers") or metadata.get("plausible_answers", [])]
    for hit in hits:
        text = hit.passage.text.lower()
        place = (hit.document.id, hit.passage.start)
        if place not in seen and not any(answer in text for answer in answers):
            yield hit.document, hit.passage, "other", []


def as_read(
    set_: str,
    half: str,
    question: int,
    kind: str,
    states: reader_model.States,
    passage: Passage,
    spans: list[Span],
) -> Read:
    """What the heads are fitted to."""
    starts = np.array([start for start, _ in states.spans])
    rows, gold = [], []
    for first, last in passage.sentences:
        inside = (starts >= first) & (starts < last)
        if inside.any():
            rows.append(states.tokens[inside].mean(axis=0))
            gold.append(any(overlaps((first, last), span) for span in spans))
    kept = kind == "gold" and all(e - s < 200 for s, e in spans)
    begin, end = ends(states.spans, spans)
    return Read(
        set=set_,
        half=half,
        question=question,
        kind=kind,
        asked=states.question,
        sentences=np.array(rows, np.float16),
        is_gold=np.array(gold, bool),
        tokens=states.tokens.astype(np.float16) if kept else None,
        starts=begin if kept else None,
        ends=end if kept else None,
    )


def overlaps(sentence: Span, span: Span) -> bool:
    """Whether they share at least half of the shorter one."""
    shared = min(sentence[1], span[1]) - max(sentence[0], span[0])
    return shared >= 0.5 * min(sentence[1] - sentence[0], span[1] - span[0])


def ends(tokens: list[Span], spans: list[Span]) -> tuple[np.ndarray, np.ndarray]:
    """For each token, whether a gold span starts there, and whether one ends there."""
    begin, end = np.zeros(len(tokens), bool), np.zeros(len(tokens), bool)
    for first, last in spans:
        inside = [i for i, (s, e) in enumerate(tokens) if s >= first and e <= last and e > s]
        if inside:
            begin[inside[0]] = end[inside[-1]] = True
    return begin, end


def says(reads: list[Read]) -> dict[str, np.ndarray]:
    """The head on the question's tokens: gold passages against all others."""
    states = np.array([read.asked for read in reads])
    weights, bias = logistic(states, np.array([r.kind == "gold" for r in reads]), "says")
    return {"says": weights, "says_bias": bias}


def sentence(reads: list[Read]) -> dict[str, np.ndarray]:
    """The head on sentences; sets count alike by twice the weight of the one with fewer."""
    reads = [read for read in reads if len(read.sentences)]
    states = np.concatenate([read.sentences for read in reads]).astype(np.float32)
    labels = np.concatenate([read.is_gold for read in reads])
    fewest = min({r.set for r in reads}, key=lambda name: sum(r.set == name for r in reads))
    counts = np.concatenate([[1.0 + (r.set == fewest)] * len(r.sentences) for r in reads])
    weights, bias = logistic(states, labels, "sentence", counts)
    return {"sentence": weights, "sentence_bias": bias}


def logistic(
    states: np.ndarray, labels: np.ndarray, head: str, counts: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias for states as they are, of a logistic model on standardised ones."""
    mean, deviation = states.mean(axis=0), states.std(axis=0) + 1e-6
    model = LogisticRegression(C=REGULARISATION[head], max_iter=1000)
    model.fit((states - mean) / deviation, labels, sample_weight=counts)
    weights = (model.coef_[0] / deviation).astype(np.float32)
    return weights, np.float32(model.intercept_[0] - weights @ mean)


def exact(reads: list[Read]) -> np.ndarray:
    """The head on tokens: where the exact words start and end, by softmax over the passage."""
    torch.manual_seed(0)
    kept = [r for r in reads if r.tokens is not None and r.starts.any()]
    sample = np.concatenate([r.tokens[::10] for r in kept]).astype(np.float32)
    mean, deviation = sample.mean(axis=0), sample.std(axis=0) + 1e-6
    head = torch.nn.Linear(len(mean), 2, bias=False)
    optimiser = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.1)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(kept)).split(16):
            loss = torch.stack([loss_of(head, kept[i], mean, deviation) for i in batch]).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return (head.weight.detach().numpy() / deviation).T.astype(np.float32)


def loss_of(
    head: torch.nn.Module, read: Read, mean: np.ndarray, deviation: np.ndarray
) -> torch.Tensor:
    """Minus the logarithm of how likely a gold start and a gold end are."""
    states = torch.tensor((read.tokens.astype(np.float32) - mean) / deviation)
    likely = torch.log_softmax(head(states), dim=0)
    start = torch.logsumexp(likely[torch.tensor(read.starts), 0], 0)
    return -start - torch.logsumexp(likely[torch.tensor(read.ends), 1], 0)


def report(reads: list[Read], heads: dict[str, np.ndarray]) -> None:
    """Print how well the heads do on questions that they were not fitted to."""
    for name in dict.fromkeys(read.set for read in reads):
        some = [read for read in reads if read.set == name]
        scores = np.array([read.asked @ heads["says"] for read in some])
        kinds = np.array([read.kind for read in some])
        for other in ("unsaid", "other"):
            chosen = (kinds == "gold") | (kinds == other)
            if (kinds == other).any():
                area = roc_auc_score(kinds[chosen] == "gold", scores[chosen])
                print(f"{name}: says it, gold against {other}: area {area:.3f}")
        rated = [(r.sentences.astype(np.float32) @ heads["sentence"], r) for r in some]
        labels = np.concatenate([r.is_gold for r in some])
        values = np.concatenate([s for s, r in rated if len(r.sentences)])
        print(
            f"{name}: sentences: average precision {average_precision_score(labels, values):.3f}, "
            f"best one is gold {best_is_gold(rated):.3f}"
        )
        right = [starts_right(r, heads["exact"]) for r in some if r.tokens is not None]
        if right:
            print(f"{name}: exact words start in a gold span: {np.mean(right):.3f}")


def best_is_gold(rated: list[tuple[np.ndarray, Read]]) -> float:
    """The share of questions whose best sentence, of all passages read, is a gold one."""
    best: dict[int, tuple[float, bool]] = {}
    answerable = {r.question for _, r in rated if r.is_gold.any()}
    for scores, read in rated:
        for score, gold in zip(scores.tolist(), read.is_gold.tolist(), strict=True):
            best[read.question] = max(best.get(read.question, (-np.inf, False)), (score, gold))
    return float(np.mean([best[question][1] for question in answerable]))


def starts_right(read: Read, head: np.ndarray) -> bool:
    """Whether the likeliest first token is the first of a gold span."""
    return bool(read.starts[np.argmax(read.tokens.astype(np.float32) @ head[:, 0])])


if __name__ == "__main__":
    main()
