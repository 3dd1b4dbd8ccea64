"""Cut a document into passages: whole sentences, exact offsets.

Pure: knows nothing of models (a function that counts tokens is passed in), files or indexes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from qa import lines
from qa.documents import Document
from qa.sentences import Span, sentence_spans

PASSAGE_TOKENS = 200  # at most; fewer where the encoder reads less
SECTION_SHARE = 0.25  # of a passage that a section fills, or the next one is joined to it
VERSION = 3  # raise it when the same text is cut differently: indexes are then cut anew

CountTokens = Callable[[Sequence[str]], list[int]]

_CHARACTERS_A_TOKEN = 20  # at most; what counts as fewer tokens is data ("AAAA..."), not words

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a document, word for word: ``text == document.text[start:end]``.

    Parameters
    ----------
    start, end : int
        Characters from the beginning of the document's text.
    lead_in : (int, int) or None
        The sentence before, which this one needs to be understood ("He said ..."). It stands at
        the beginning of the text.
    exact : (int, int) or None
        The words in it that answer a question of who, when, where or how many, when it is sure.
        Like `lead_in` in characters of the document.
    """

    document: Document
    start: int
    end: int
    lead_in: Span | None = None
    exact: Span | None = None

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
    them. A passage is as many whole sentences as fit, evenly filled; a heading opens a new one,
    unless the one before would be very short.
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
        units = _units(document.text, stretch, count_tokens, max_tokens)
        for section in _sections(units, SECTION_SHARE * max_tokens):
            passages += [_passage(document.text, group) for group in _pack(section, max_tokens)]
    return passages


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
    counts = _lengths(text, [span for span, _ in spans], count_tokens)
    units: list[_Unit] = []
    for ((start, end), heading), tokens in zip(spans, counts, strict=True):
        if tokens <= max_tokens:
            units.append(_Unit(start, end, tokens, heading))
        else:
            units += _pieces(text, start, end, count_tokens, max_tokens)
    return units


def _lengths(text: str, spans: Sequence[Span], count_tokens: CountTokens) -> list[int]:
    """The tokens of each span; more where one stands for too many characters to be shown."""
    counts = count_tokens([text[start:end] for start, end in spans])
    return [
        max(count, (end - start) // _CHARACTERS_A_TOKEN)
        for (start, end), count in zip(spans, counts, strict=True)
    ]


def _pieces(
    text: str, start: int, end: int, count_tokens: CountTokens, max_tokens: int
) -> Iterator[_Unit]:
    """Divide an over-long sentence between words, or a word without end between characters."""
    piece_start, piece_end, tokens = start, start, 0
    for first, last, count in _words(text, start, end, count_tokens, max_tokens):
        if tokens and tokens + count > max_tokens:
            yield _Unit(piece_start, piece_end, tokens, heading=False)
            piece_start, tokens = first, 0
        piece_end, tokens = last, tokens + count
    yield _Unit(piece_start, piece_end, tokens, heading=False)


def _words(
    text: str, start: int, end: int, count_tokens: CountTokens, max_tokens: int
) -> Iterator[tuple[int, int, int]]:
    """Start, end and tokens of each word; one of more than `max_tokens` is halved until it fits."""
    spans = [found.span() for found in _WORD.finditer(text, start, end)]
    for span, tokens in zip(spans, _lengths(text, spans, count_tokens), strict=True):
        waiting = [(*span, tokens)]
        while waiting:
            first, last, count = waiting.pop()
            if count <= max_tokens or last - first == 1:
                yield first, last, count
                continue
            halves = [(first, (first + last) // 2), ((first + last) // 2, last)]
            counts = _lengths(text, halves, count_tokens)
            waiting += [(*half, n) for half, n in zip(halves, counts, strict=True)][::-1]


def _sections(units: list[_Unit], fewest_tokens: float) -> Iterator[list[_Unit]]:
    """Divide before every heading that follows a sentence, unless what came before is very short:
    a line or two under a heading of their own are little to go by.
    """
    section: list[_Unit] = []
    for unit in units:
        opens = unit.heading and section and not section[-1].heading
        if opens and sum(other.tokens for other in section) >= fewest_tokens:
            yield section
            section = []
        section.append(unit)
    if section:
        yield section


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
