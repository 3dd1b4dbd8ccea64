"""Where sentences begin and end: sentencex's boundaries, mended where punctuation tells better.

Knows only characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate, pairwise

import sentencex

Span = tuple[int, int]  # start and end, in characters

_WINDOW_CHARACTERS = 50_000  # of a paragraph, given to sentencex at once
_OVERLAP_CHARACTERS = 5_000  # longer than a quotation; of two windows

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
