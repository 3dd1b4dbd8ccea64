"""How much of what answers a question the passages show, and how much else.

    .venv/bin/python benchmarks/passages.py --data ../shared/data/chroma_chunking_eval

`--data` names a BEIR folder whose queries carry `metadata.corpus_id` and `metadata.references`, the
character ranges that answer the question. All documents are in one index, as a user would have
them. Prints the published table with our row in it, then ours document by document, and what
`documents=[...]` gives when the question's own document is named. A few minutes.

Notes
-----
The published measures count characters, though their report speaks of tokens. A character that
two hits show is found once and shown twice.

References
----------
Smith and Troynikov, Evaluating Chunking Strategies for Retrieval, 2024.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import qa

Span = tuple[int, int]  # start and end, in characters

PUBLISHED = (  # all-MiniLM-L6-v2, five passages: recall, precision, IoU in percent
    ("fixed 250 tokens, overlapping 125", 82.4, 3.6, 3.5),
    ("recursive 250, overlapping 125", 78.7, 4.9, 4.9),
    ("recursive 200", 75.7, 6.5, 6.5),
    ("cluster 200", 75.2, 7.2, 7.2),
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question and where its answer stands.

    Parameters
    ----------
    id, text : str
    document : str
        The id of the document that answers it.
    answers : tuple of (int, int)
        The parts of the answer: characters of that document.
    """

    id: str
    text: str
    document: str
    answers: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """How well passages cover an answer; each share is in [0, 1].

    Parameters
    ----------
    recall : float
        The share of the answer's characters that are shown.
    precision : float
        The share of the shown characters that are the answer's.
    iou : float
        Intersection over union: the answer's characters that are shown, of all that are shown or
        the answer's.
    shown : int
        Characters shown.
    """

    recall: float
    precision: float
    iou: float
    shown: int


def main() -> None:
    """Measure the package as it stands."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-k", type=int, default=5, help="passages a question")
    arguments = parser.parse_args()
    questions = read_questions(arguments.data)
    with qa.Index.from_documents(read_documents(arguments.data)) as index:
        scores = [measured(index, question, arguments.k) for question in questions]
        own = [
            measured(index, question, arguments.k, among=[question.document])
            for question in questions
        ]
    print("\n".join(table(questions, scores, own)))


def read_documents(folder: Path) -> list[qa.Document]:
    """The corpus of a BEIR folder."""
    with (folder / "corpus.jsonl").open(encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    return [qa.Document(entry["_id"], entry["text"]) for entry in entries]  # titles are file names


def read_questions(folder: Path) -> list[Question]:
    """The questions of a BEIR folder, in order."""
    with (folder / "queries.jsonl").open(encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    return [
        Question(
            entry["_id"],
            entry["text"],
            entry["metadata"]["corpus_id"],
            tuple((r["start_index"], r["end_index"]) for r in entry["metadata"]["references"]),
        )
        for entry in entries
    ]


def measured(
    index: qa.Index, question: Question, k: int, among: Sequence[str] | None = None
) -> Score:
    """Ask, and compare what is shown with what answers."""
    hits = index.retrieve(question.text, k, documents=among)
    shown = [(hit.document.id, hit.passage.start, hit.passage.end) for hit in hits]
    return score(shown, question.document, question.answers)


def score(shown: Sequence[tuple[str, int, int]], document: str, answers: Sequence[Span]) -> Score:
    """Recall, precision and IoU by the published definitions.

    Parameters
    ----------
    shown : sequence of (document's id, start, end)
        What was retrieved. It counts as often as it is shown: overlapping passages lose precision.
    document : str
        The id of the document that answers.
    answers : sequence of (start, end)
        Not empty, not overlapping.

    References
    ----------
    Smith and Troynikov, Evaluating Chunking Strategies for Retrieval, 2024.
    """
    there = merged((start, end) for id, start, end in shown if id == document)
    found = sum(_shared(span, answer) for span in there for answer in answers)
    wanted = sum(end - start for start, end in answers)
    characters = sum(end - start for _, start, end in shown)
    return Score(
        recall=found / wanted,
        precision=found / characters if characters else 0.0,
        iou=found / (characters + wanted - found),
        shown=characters,
    )


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same characters in spans that neither overlap nor touch, in order."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def _shared(one: Span, other: Span) -> int:
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))


def table(
    questions: Sequence[Question], scores: Sequence[Score], own: Sequence[Score]
) -> list[str]:
    """Markdown: the published rows and ours, best recall first, then ours by document."""
    lines = ["| passages | recall | precision | IoU | characters |", "|---|---|---|---|---|"]
    rows = [
        (recall, f"| {name} | {recall} | {p} | {iou} | |") for name, recall, p, iou in PUBLISHED
    ]
    rows.append((100 * float(np.mean([s.recall for s in scores])), row("**qa**", scores)))
    lines += [line for _, line in sorted(rows, reverse=True)]
    for document in sorted({question.document for question in questions}):
        theirs = [s for q, s in zip(questions, scores, strict=True) if q.document == document]
        lines.append(row(f"qa, {document} ({len(theirs)} questions)", theirs))
    lines.append(row("qa, told which document to search", own))
    return lines


def row(name: str, scores: Sequence[Score]) -> str:
    """Mean and standard deviation over the questions, in percent; mean characters a question."""
    cells = [
        f"{np.mean(values):.1f} ± {np.std(values):.1f}"
        for values in (
            [100 * s.recall for s in scores],
            [100 * s.precision for s in scores],
            [100 * s.iou for s in scores],
        )
    ]
    return f"| {name} | {' | '.join(cells)} | {np.mean([s.shown for s in scores]):.0f} |"


if __name__ == "__main__":
    main()
