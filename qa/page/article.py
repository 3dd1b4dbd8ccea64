"""One whole article, with the passage that was found in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qa.documents import Document
from qa.page.evidence import checksum
from qa.page.wording import Marks, Span, counted, escaped, marked, provenance, title_of

NO_MARKS = Marks()
SHOWN_CHARACTERS = 300_000  # a browser lays this out at once; 50 MB of text would freeze it
CHANGED = "This article has changed since it was quoted."
KEPT = "The passage still stands in it word for word."
LOST = "This passage does not stand in it any more; the article as it is now follows."


@dataclass(frozen=True, slots=True)
class Quoted:
    """What was quoted of an article, as it was then.

    Parameters
    ----------
    passage : (int, int) or None
        Where it stood, in characters of the document.
    marks : Marks
        What was marked in it.
    text : str or None
        Its words, as far as they are known.
    was : int or None
        The checksum of the whole text that the article had.
    """

    passage: Span | None = None
    marks: Marks = NO_MARKS
    text: str | None = None
    was: int | None = None


def reopened(document: Document, quoted: Quoted) -> str:
    """An article as it is now, with what was quoted from it, if that still stands there."""
    if quoted.passage is None or quoted.text is None:
        return article(document, quoted.passage, quoted.marks)
    at = where(document.text, quoted.text, quoted.passage[0])
    if at is None:
        return article(document, note=f"{CHANGED} {LOST}{said_then(quoted.text)}")
    by = at - quoted.passage[0]
    note = f"{CHANGED} {KEPT}" if quoted.was != checksum(document.text) else ""
    return article(document, shifted([quoted.passage], by)[0], moved(quoted.marks, by), note=note)


def where(text: str, quoted: str, start: int) -> int | None:
    """Where a passage stands now: at its old place, else at the first in the text, else nowhere."""
    if text.startswith(quoted, start):
        return start
    at = text.find(quoted)
    return at if at >= 0 else None


def shifted(spans: Iterable[Span], by: int) -> tuple[Span, ...]:
    """The same spans, so many characters further on."""
    return tuple((start + by, end + by) for start, end in spans)


def moved(marks: Marks, by: int) -> Marks:
    """The same marks, so many characters further on."""
    return Marks(*(shifted(getattr(marks, name), by) for name in Marks.__slots__))


def article(
    document: Document, passage: Span | None = None, marks: Marks = NO_MARKS, *, note: str = ""
) -> str:
    """The article's own characters, escaped, the passage set off and its marks marked.

    Of an article longer than `SHOWN_CHARACTERS` only what surrounds the passage is shown, and
    the page says so.

    Parameters
    ----------
    document : Document
    passage : (int, int), optional
        The stretch to scroll to, in characters of the document.
    marks : Marks
    note : str
        What is to be known about it first (HTML).
    """
    window = window_of(len(document.text), passage)
    return (
        f'<header class="article-head"><h2 id="article-title">{escaped(title_of(document))}</h2>'
        f'<p class="source">{escaped(provenance(document))}</p></header>'
        f"{notice(note)}{cut_note(document, window)}"
        f'<div class="article-text">{body(document, window, passage or (0, 0), marks)}</div>'
    )


def notice(note: str) -> str:
    """Something to be known before reading (HTML); nothing of nothing."""
    return f'<div class="notice" role="note">{note}</div>' if note else ""


def said_then(text: str) -> str:
    """The words of a passage as they were quoted."""
    return f'<blockquote class="then"><p>{escaped(text)}</p></blockquote>'


def window_of(length: int, passage: Span | None) -> Span:
    """The stretch of the article that is shown."""
    if length <= SHOWN_CHARACTERS:
        return 0, length
    start = max(0, (passage or (0, 0))[0] - SHOWN_CHARACTERS // 2)
    start = min(start, length - SHOWN_CHARACTERS)
    return start, start + SHOWN_CHARACTERS


def cut_note(document: Document, window: Span) -> str:
    """Says that a very long article is shown in part, and which part."""
    if window == (0, len(document.text)):
        return ""
    return (
        f'<p class="notice">This article has {counted(len(document.text), "character")}; '
        f"shown are characters {window[0] + 1:,} to {window[1]:,}.</p>"
    )


def body(document: Document, window: Span, passage: Span, marks: Marks) -> str:
    """The window in three stretches: before the passage, the passage, after it."""
    start, end = (min(max(edge, window[0]), window[1]) for edge in passage)
    if start >= end:
        return marked(document.text[slice(*window)], window[0], marks)
    return (
        escaped(document.text[window[0] : start])
        + f'<span class="found">{marked(document.text[start:end], start, marks)}</span>'
        + escaped(document.text[end : window[1]])
    )


def gone(identity: str = "", text: str | None = None) -> str:
    """Instead of an article that is not in the index (any more); what was quoted of it."""
    named = f'<p class="source">{escaped(identity)}</p>' if identity else ""
    kept = notice(f"What was quoted from it:{said_then(text)}") if text else ""
    head = '<h2 id="article-title">This article is no longer there</h2>'
    return f'<header class="article-head">{head}{named}</header>{kept}'
