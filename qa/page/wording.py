"""The words, the marking and the escaping that every part of the page shares."""

from __future__ import annotations

import datetime
import html
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, TypeAlias

from qa.documents import Document
from qa.passages import Sentence

if TYPE_CHECKING:  # the index brings in the search engines; the page's words need none of them
    from qa import Outline

Named: TypeAlias = "Document | Outline"
Span = tuple[int, int]
Paint = Callable[[str, int], str]
"""From a stretch of a document, and where it starts there, to HTML."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What to mark in a document, in characters of it.

    Parameters
    ----------
    sentences : tuple of (int, int)
        What answers.
    lead_ins : tuple of (int, int)
        What comes before it, and is needed to understand it.
    exact : tuple of (int, int)
        The exact words, inside a sentence.
    """

    sentences: tuple[Span, ...] = ()
    lead_ins: tuple[Span, ...] = ()
    exact: tuple[Span, ...] = ()


def marks_of(sentences: Iterable[Sentence]) -> Marks:
    """What to mark for these sentences of one document."""
    chosen = list(sentences)
    return Marks(
        sentences=tuple(answering(sentence) for sentence in chosen),
        lead_ins=tuple(sentence.lead_in for sentence in chosen if sentence.lead_in),
        exact=tuple(sentence.exact for sentence in chosen if sentence.exact),
    )


def answering(sentence: Sentence) -> Span:
    """Where the sentence itself stands, without its lead-in and the space after that."""
    if sentence.lead_in is None:
        return sentence.start, sentence.end
    rest = sentence.document.text[sentence.lead_in[1] : sentence.end]
    return sentence.end - len(rest.lstrip()), sentence.end


def escaped(text: str) -> str:
    """Text as HTML that shows exactly these characters, in content and in quoted attributes."""
    # NUL and other control characters have no place in HTML, escaped or not.
    shown = "".join(
        character if character in "\n\t" or character >= " " else "\ufffd"
        for character in text.replace("\r\n", "\n").replace("\r", "\n")
    )
    return html.escape(shown)


def duration(seconds: float) -> str:
    """A rough length of time: ``20 s``, ``3 min``, ``1 h 10 min``."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def counted(number: int, thing: str) -> str:
    """A number and its noun: ``1 article``, ``1,200 articles``."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def title_of(document: Named) -> str:
    """The headline, or the file's name where there is none."""
    return document.title or document.id


def told_apart(document: Named, others: Sequence[Named]) -> list[str]:
    """What to call the others beside a document: their titles, or their files where titles are
    alike.
    """
    titles = Counter(map(title_of, [document, *others]))
    return [title_of(one) if titles[title_of(one)] == 1 else one.id for one in others]


def publication(document: Named) -> str:
    """Who published it (else the file), and when: ``Gulf Times, 20 February 2016``."""
    return ", ".join(filter(None, [document.source or document.id, date_of(document)]))


def provenance(document: Named) -> str:
    """Publisher, date and file, whichever are known: ``Gulf Times · 20 February 2016 · a.txt``."""
    return " · ".join(filter(None, [document.source, date_of(document), document.id]))


def date_of(document: Named) -> str:
    """The day of publication in words, or ``""``."""
    return day(document.date) if document.date else ""


@lru_cache(maxsize=4096)  # of very many articles most share their days
def day(date: datetime.date) -> str:
    """``5 February 2016``."""
    return f"{date.day} {date:%B} {date.year}"


def percent(share: float) -> int:
    """A share of 100; 0 and 100 only where it is none and all."""
    if share <= 0 or share >= 1:
        return 100 if share >= 1 else 0
    return max(1, min(99, int(100 * share)))


def marked(text: str, offset: int, marks: Marks) -> str:
    """Escaped HTML of a stretch of a document, with what is to be marked in it.

    Parameters
    ----------
    text : str
        The stretch.
    offset : int
        Where it starts in the document, in characters.
    marks : Marks
        Parts outside the stretch are left out; where a lead-in answers too, it is marked as that.
    """
    exact = partial(painted, spans=marks.exact, inside=strong, outside=plain)

    def sentence(piece: str, start: int) -> str:
        return f"<mark>{exact(piece, start)}</mark>"

    others = partial(painted, spans=marks.lead_ins, inside=lead_in_mark, outside=plain)
    return painted(text, offset, spans=marks.sentences, inside=sentence, outside=others)


def quoted(sentence: Sentence) -> str:
    """A sentence on its own, its lead-in set back and its exact words strong (HTML)."""
    marks = marks_of([sentence])
    exact = partial(painted, spans=marks.exact, inside=strong, outside=plain)
    return painted(
        sentence.text, sentence.start, spans=marks.lead_ins, inside=set_back, outside=exact
    )


def painted(text: str, offset: int, *, spans: Iterable[Span], inside: Paint, outside: Paint) -> str:
    """HTML of a stretch of a document: what is in the spans painted one way, the rest another."""
    pieces: list[str] = []
    position = 0
    for start, end in united(spans):
        start, end = max(start - offset, position), min(end - offset, len(text))
        if start < end:
            before = outside(text[position:start], offset + position)
            pieces += [before, inside(text[start:end], offset + start)]
            position = end
    return "".join([*pieces, outside(text[position:], offset + position)])


def plain(text: str, _: int) -> str:
    """The characters themselves."""
    return escaped(text)


def strong(text: str, _: int) -> str:
    """The exact words."""
    return f"<strong>{escaped(text)}</strong>"


def lead_in_mark(text: str, _: int) -> str:
    """A lead-in where it stands."""
    return f'<mark class="lead-in">{escaped(text)}</mark>'


def set_back(text: str, _: int) -> str:
    """A lead-in in a quotation."""
    return f'<span class="lead-in">{escaped(text)}</span>'


def united(spans: Iterable[Span]) -> list[Span]:
    """The same characters as sorted spans that do not overlap."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if result and start < result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result
