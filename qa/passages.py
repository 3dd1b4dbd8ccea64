"""Cut a document into passages: whole sentences, exact offsets.

Pure: knows nothing of models (a function that counts tokens is passed in), files or indexes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import sentencex

from qa import lines
from qa.documents import Document

PASSAGE_TOKENS = 200  # at most; fewer where the encoder reads less
VERSION = 1  # raise it when the same text is cut differently: indexes are then cut anew

CountTokens = Callable[[Sequence[str]], list[int]]
Span = tuple[int, int]  # start and end, in characters of the document


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a document, word for word: ``text == document.text[start:end]``.

    `start` and `end` count characters from the beginning of the document's text.
    """

    document: Document
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.document.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document: ``text == document.text[start:end]``, always.

    Parameters
    ----------
    start, end : int
        Characters from the beginning of the document's text.
    text : str
        The stretch itself.
    sentences : tuple of (int, int)
        Where its sentences start and end, in characters of the *document*; headings that the
        passage opens with are not among them.
    """

    start: int
    end: int
    text: str
    sentences: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is never divided: a sentence, a piece of an over-long one, or a heading."""

    start: int
    end: int
    tokens: int
    heading: bool


def cut(
    document: Document, count_tokens: CountTokens, *, max_tokens: int = PASSAGE_TOKENS
) -> list[Passage]:
    """Cut a document into passages, in order.

    Every character of its headings and paragraphs that is not white space is in exactly one
    passage; headlines and page furniture (see `qa.lines`) are in none, and no passage runs across
    them. A passage is as many whole sentences as fit, evenly filled; a heading opens a new one.
    Only a sentence that is longer than `max_tokens` by itself is divided, between words.

    Parameters
    ----------
    count_tokens : callable
        From texts to their numbers of tokens, without specials.
    max_tokens : int
        The most tokens of a passage.
    """
    passages: list[Passage] = []
    for stretch in _stretches(document):
        for section in _sections(_units(document.text, stretch, count_tokens, max_tokens)):
            passages += [_passage(document.text, group) for group in _pack(section, max_tokens)]
    return passages


def sentence_spans(text: str, start: int, end: int) -> list[Span]:
    """Where the sentences of ``text[start:end]`` stand, without the white space around them."""
    spans = []
    for boundary in sentencex.get_sentence_boundaries("en", text[start:end]):
        span = _stripped(text, start + boundary["start_index"], start + boundary["end_index"])
        if span[0] < span[1]:
            spans.append(span)
    return spans


def _stripped(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _stretches(document: Document) -> Iterator[list[lines.Block]]:
    """Runs of headings and paragraphs with no furniture between them."""
    stretch: list[lines.Block] = []
    for block in lines.blocks(document.text, format=document.format, title=document.title):
        if block.kind in (lines.Kind.HEADING, lines.Kind.PROSE):
            stretch.append(block)
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def _units(
    text: str, blocks: list[lines.Block], count_tokens: CountTokens, max_tokens: int
) -> list[_Unit]:
    spans: list[tuple[Span, bool]] = []
    for block in blocks:
        if block.kind is lines.Kind.HEADING:
            spans.append(((block.start, block.end), True))
        else:
            spans += [(span, False) for span in sentence_spans(text, block.start, block.end)]
    counts = count_tokens([text[start:end] for (start, end), _ in spans])
    units: list[_Unit] = []
    for ((start, end), heading), tokens in zip(spans, counts, strict=True):
        if tokens <= max_tokens:
            units.append(_Unit(start, end, tokens, heading))
        else:
            units += _pieces(text, start, end, count_tokens, max_tokens)
    return units


def _pieces(
    text: str, start: int, end: int, count_tokens: CountTokens, max_tokens: int
) -> Iterator[_Unit]:
    """Divide an over-long sentence between words, or a word without end between characters."""
    words = list(_words(text, start, end, max_tokens))
    counts = count_tokens([text[first:last] for first, last in words])
    piece_start, piece_end, tokens = start, start, 0
    for (first, last), count in zip(words, counts, strict=True):
        if tokens and tokens + count > max_tokens:
            yield _Unit(piece_start, piece_end, tokens, heading=False)
            piece_start, tokens = first, 0
        piece_end, tokens = last, tokens + count
    yield _Unit(piece_start, piece_end, tokens, heading=False)


def _words(text: str, start: int, end: int, longest: int) -> Iterator[Span]:
    """Words of at most `longest` characters, which can be no more than as many tokens."""
    position = start
    while position < end:
        if text[position].isspace():
            position += 1
            continue
        stop = position
        while stop < end and stop - position < longest and not text[stop].isspace():
            stop += 1
        yield position, stop
        position = stop


def _sections(units: list[_Unit]) -> Iterator[list[_Unit]]:
    """Divide before every heading that follows a sentence."""
    starts = [0]
    starts += [i + 1 for i, (a, b) in enumerate(pairwise(units)) if b.heading and not a.heading]
    for first, last in pairwise([*starts, len(units)]):
        if units[first:last]:
            yield units[first:last]


def _pack(units: list[_Unit], max_tokens: int) -> Iterator[list[_Unit]]:
    """Group units into as few passages as fit, of about the same length."""
    total = sum(unit.tokens for unit in units)
    even = total / -(-total // max_tokens) if total else 0.0
    group: list[_Unit] = []
    filled = 0
    for unit in units:
        full = filled + unit.tokens > max_tokens
        even_already = filled + unit.tokens / 2 > even and not group[-1].heading if group else False
        if group and (full or even_already):
            yield group
            group, filled = [], 0
        group.append(unit)
        filled += unit.tokens
    if group:
        yield group


def _passage(text: str, units: list[_Unit]) -> Passage:
    start, end = units[0].start, units[-1].end
    sentences = tuple((unit.start, unit.end) for unit in units if not unit.heading)
    return Passage(start, end, text[start:end], sentences)
