"""What is known about a question's answer, and whether a text holds it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from qa.documents import Document

SHORT_ANSWER = 3  # characters; up to here an answer is looked for as a whole word


@dataclass(frozen=True, slots=True)
class Span:
    """Where a gold answer stands: ``document.text[start:end]``."""

    document: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Query:
    """One question and what is known about its answer.

    Parameters
    ----------
    id, text : str
    relevant : mapping of str to int
        The qrels: by document id, how relevant. Empty where nothing is.
    answers : tuple of str
        Gold answers; empty where none are given.
    spans : tuple of Span
        Where they stand, if the collection says so.
    answerable : bool or None
        Whether the collection answers it; None where nobody says.
    """

    id: str
    text: str
    relevant: Mapping[str, int]
    answers: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    answerable: bool | None = None


def says(text: str, answers: Iterable[str]) -> bool:
    """Whether one of the answers stands in a text, in whatever case and spacing.

    An answer of up to `SHORT_ANSWER` characters has to be a word of its own: "2" is not in "1912".
    """
    folded = text.casefold()
    return any(pattern.search(folded) for pattern in map(_pattern, answers) if pattern)


def without_answers(documents: Iterable[Document], query: Query) -> list[str]:
    """Ids of the documents that do not answer: not relevant, and no gold answer stands in them.

    Asked of these only, an answerable question is one whose answer is not here.
    """
    answering = query.relevant.keys() | {span.document for span in query.spans}
    return [
        document.id
        for document in documents
        if document.id not in answering
        and not says(f"{document.title}\n{document.text}", query.answers)
    ]


def _pattern(answer: str) -> re.Pattern[str] | None:
    """What to look for in case-folded text; None for an answer without a word."""
    words = r"\s+".join(map(re.escape, answer.casefold().split()))
    if not words:
        return None
    short = len(answer.strip()) <= SHORT_ANSWER
    return re.compile(rf"(?<!\w){words}(?!\w)" if short else words)
