"""The words and the escaping that every part of the page shares."""

from __future__ import annotations

import html
from collections.abc import Iterable

from qa.documents import Document

Span = tuple[int, int]


def escaped(text: str) -> str:
    """Text as HTML that shows exactly these characters, in content and in quoted attributes."""
    # NUL and other control characters have no place in HTML, escaped or not.
    shown = "".join(
        character if character in "\n\t" or character >= " " else "\ufffd"
        for character in text.replace("\r\n", "\n").replace("\r", "\n")
    )
    return html.escape(shown)


def counted(number: int, thing: str) -> str:
    """A number and its noun: ``1 article``, ``1,200 articles``."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def title_of(document: Document) -> str:
    """The headline, or the file's name where there is none."""
    return document.title or document.id


def publication(document: Document) -> str:
    """Who published it (else the file), and when: ``Gulf Times, 20 February 2016``."""
    return ", ".join(filter(None, [document.source or document.id, date_of(document)]))


def provenance(document: Document) -> str:
    """Publisher, date and file, whichever are known: ``Gulf Times · 20 February 2016 · a.txt``."""
    return " · ".join(filter(None, [document.source, date_of(document), document.id]))


def date_of(document: Document) -> str:
    """The day of publication in words, or ``""``."""
    if document.date is None:
        return ""
    return f"{document.date.day} {document.date:%B} {document.date.year}"


def marked(text: str, offset: int, spans: Iterable[Span]) -> str:
    """Escaped HTML of `text`, its `spans` in ``<mark>``.

    Parameters
    ----------
    text : str
        A stretch of a document.
    offset : int
        Where the stretch starts in the document, in characters.
    spans : iterable of (int, int)
        What to mark, in characters of the document; parts outside the stretch are left out.
    """
    pieces: list[str] = []
    position = 0
    for start, end in united(spans):
        start, end = max(start - offset, position), min(end - offset, len(text))
        if start < end:
            pieces += [escaped(text[position:start]), f"<mark>{escaped(text[start:end])}</mark>"]
            position = end
    return "".join([*pieces, escaped(text[position:])])


def united(spans: Iterable[Span]) -> list[Span]:
    """The same characters as sorted spans that do not overlap."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if result and start < result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result
