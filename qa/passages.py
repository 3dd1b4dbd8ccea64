"""Cut a document into passages: whole sentences, exact offsets.

Pure: knows nothing of models (a function that counts tokens is passed in), files or indexes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import sentencex

from qa import lines
from qa.documents import Document

PASSAGE_TOKENS = 200  # at most; fewer where the encoder reads less
VERSION = 2  # raise it when the same text is cut differently: indexes are then cut anew

CountTokens = Callable[[Sequence[str]], list[int]]
Span = tuple[int, int]  # start and end, in characters of the document

_WINDOW_CHARACTERS = 50_000  # of a paragraph, given to sentencex at once
_OVERLAP_CHARACTERS = 5_000  # longer than a quotation; of two windows
_CHARACTERS_A_TOKEN = 20  # at most; what counts as fewer tokens is data ("AAAA..."), not words

_WORD = re.compile(r"\S+")
_CLOSED = re.compile(
    r"[.!?\u2026](?P<marks>[\u2019\u201d\u00bb'\")\]]+)(?=\s+[\"\u201c\u2018]?[A-Z])"
)
_CLOSING = re.compile(r"[\u201d\u2019\u00bb)\]]")
_SOURCES = re.compile(r"(?:\[[^\[\].]*\])+(?=\s)")
_NOTE = re.compile(r"(?:\[[^\[\].]*\]\W*)+|[\W\d_]+")  # bracketed, or without any letter
_NUMBER = re.compile(r"\(?\d{1,3}[.)]")
_HOUR = re.compile(r"\d\s*[ap]\.m\.$", re.IGNORECASE)
_DAY = re.compile(
    r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|(?:E|C|M|P)[SD]?T\b|(?:GMT|BST|UTC|CET|CEST)\b|"
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.? \d"
)


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
    """Where the sentences of ``text[start:end]`` stand, without the white space around them.

    Every other character is in exactly one of them. The boundaries are sentencex's, mended where
    punctuation alone tells that they are wrong (see `_divided` and `_joins`).
    """
    ends = (_behind_source(text, found, end) for found in _boundaries(text, start, end))
    cuts = accumulate(ends, max, initial=start)
    divided = (span for stretch in pairwise(cuts) for span in _divided(text, *stretch))
    spans: list[Span] = []
    for span in divided:
        if spans and _joins(text, spans[-1], span):
            span = spans.pop()[0], span[1]
        spans.append(span)
    return spans


def _boundaries(text: str, start: int, end: int) -> Iterator[int]:
    """Where sentencex ends the sentences, a window at a time: its time grows with the square of a
    text's quotation marks.
    """
    while start < end:
        window = text[start : min(start + _WINDOW_CHARACTERS, end)]
        found = sentencex.get_sentence_boundaries("en", window)
        ends = [start + boundary["end_index"] for boundary in found] or [start + len(window)]
        if start + len(window) < end:  # what stands near the cut is seen whole by the next one
            sure = start + len(window) - _OVERLAP_CHARACTERS
            ends = [place for place in ends if place <= sure] or ends
        yield from ends
        start = ends[-1]


def _behind_source(text: str, end: int, last: int) -> int:
    """Behind the sources in brackets that follow a sentence without a space ("so.[citation
    needed] It"): they are its sources.
    """
    found = _SOURCES.match(text, end, last)
    return found.end() if found and not text[end - 1].isspace() else end


def _divided(text: str, start: int, end: int) -> Iterator[Span]:
    """Divide behind a closed quotation in a quotation (".’” They"), and behind a sentence that
    stands in brackets by itself: both of these sentencex runs into the sentence that follows.
    """
    first = start
    for found in _CLOSED.finditer(text, start, end):
        if len(found["marks"]) > 1 or text[_stripped(text, first, end)[0]] in "([":
            yield _stripped(text, first, found.end("marks"))
            first = found.end("marks")
    span = _stripped(text, first, end)
    if span[0] < span[1]:
        yield span


def _joins(text: str, before: Span, span: Span) -> bool:
    """Whether what sentencex took for two sentences is one.

    A quotation mark or bracket belongs to what it closes, a source ("[12]", ":219") to what it is
    the source of, a number ("2.") to what it numbers, a day to the hour before it ("5 p.m.
    Monday").
    """
    earlier, later = text[slice(*before)], text[slice(*span)]
    if _NUMBER.fullmatch(later):
        return False
    if _NUMBER.fullmatch(earlier) or _CLOSING.match(later) or _NOTE.fullmatch(later):
        return True
    return bool(_HOUR.search(earlier) and _DAY.match(later))


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
