"""One whole article, with the passage that was found in it."""

from __future__ import annotations

from qa.documents import Document
from qa.page.wording import Marks, Span, counted, escaped, marked, provenance, title_of

NO_MARKS = Marks()
SHOWN_CHARACTERS = 300_000  # a browser lays this out at once; 50 MB of text would freeze it


def article(document: Document, passage: Span | None = None, marks: Marks = NO_MARKS) -> str:
    """The article's own characters, escaped, the passage set off and its marks marked.

    Of an article longer than `SHOWN_CHARACTERS` only what surrounds the passage is shown, and
    the page says so.

    Parameters
    ----------
    document : Document
    passage : (int, int), optional
        The stretch to scroll to, in characters of the document.
    marks : Marks
    """
    window = window_of(len(document.text), passage)
    return (
        f'<header class="article-head"><h2 id="article-title">{escaped(title_of(document))}</h2>'
        f'<p class="source">{escaped(provenance(document))}</p></header>'
        f"{cut_note(document, window)}"
        f'<div class="article-text">{body(document, window, passage or (0, 0), marks)}</div>'
    )


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


def gone() -> str:
    """Instead of an article that is not in the index (any more)."""
    return '<h2 id="article-title">This article is no longer there</h2>'
