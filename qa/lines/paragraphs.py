"""Group the lines of a text into paragraphs, as plain text and Markdown each do it.

Knows layout (blank lines, hand-wrapped columns, Markdown's marks), and nothing of what a
paragraph says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

NARROWEST, WIDEST = 30, 130
"""Columns, in characters, between which people wrap their lines by hand."""

REMARK_LINES = 500
"""A remark in Markdown that is not closed within so many lines is none."""

Mark = Literal["", "item", "heading", "furniture", "kept"]
"""What the layout alone says: a list item, a heading, no content, or content to leave as it is."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that belong together: ``text == document[start:end]``.

    Parameters
    ----------
    after_blank : bool
        A blank line stands before it, or nothing does.
    mark : {"", "item", "heading", "furniture", "kept"}
    level : int
        Of a heading that is marked as one, from 1; else 0.
    """

    start: int
    end: int
    text: str
    after_blank: bool
    mark: Mark = ""
    level: int = 0


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    text: str
    after_blank: bool
    breaks: bool  # it ends in Markdown's forced line break

    @property
    def end(self) -> int:
        return self.start + len(self.text)


_BREAK = "\r\n\v\f\x1c-\x1e\x85\u2028\u2029"
_LINE = re.compile(rf"[^{_BREAK}]+|\r\n|[{_BREAK}]")
_BULLET = re.compile(r"(?:[•·‣⁃▪▫●○■►▶◦➤*+–—-]|\(?(?:\d{1,3}|[a-zA-Z])[.)]|[☐☑✓✔])(?:\s+(?=\S)|$)")
_ENDED = re.compile(
    r"[.!?…。！？؟।]['\"”’»)\]›“‘*_`\s]*"
    r"(?:\[\d+\]|[\U0001F000-\U0001FAFF\u2600-\u27bf\ufe0f\u200d\s]|:\s?[)D(P])*$"
)
_SPEAKER = re.compile(r"[\[(]?[^\s:][^:\n]{0,40}?:\s+\S")
_UNDERLINE = re.compile(r"(=+|-+)$")
_HASHES = re.compile(r"(#{1,6})\s+\S")
_HTML_HEADING = re.compile(r"<h([1-6])\b.*>.*\w", re.IGNORECASE)
_FENCE = re.compile(r"(`{3,}|~{3,})")
_RULE = re.compile(r"(?:[-*_=]\s*){3,}$")
_IMAGES = re.compile(
    r"(?:\[?!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])(?:\](?:\([^)]*\)|\[[^\]]*\]))?\s*)+$"
)
_TAGS = re.compile(r"(?:<[^>]*>\s*|&nbsp;\s*)+$")
_REFERENCE = re.compile(r"\[[^\]]+\]:\s*\S+(?:\s+[\"'(].*)?$")
_NO_WORD = re.compile(r"[\W_]+$")
_KEY = re.compile(r"[\w-]+\s*:(?:\s|$)")


def paragraphs(text: str, *, format: Literal["text", "markdown"]) -> list[Paragraph]:
    """Group a text's lines; every character that is not white space is in exactly one paragraph."""
    lines = _lines(text)
    if format == "markdown":
        return list(_markdown(text, lines))
    wrapped = _wrapped_at(lines)
    joins = [_runs_on(line, following, wrapped) for line, following in pairwise(lines)]
    return list(_grouped(text, lines, joins))


def is_item(text: str) -> bool:
    """Say whether a line begins with a bullet or a number, as the items of a list do."""
    return _BULLET.match(text) is not None


def is_ended(text: str) -> bool:
    """Say whether a paragraph ends as a sentence does; quotes, notes and emoji may follow."""
    return _ENDED.search(text[-40:]) is not None


def has_speaker(text: str) -> bool:
    """Say whether a line begins with a name and a colon, as in a chat or an interview."""
    return _SPEAKER.match(text) is not None


def wordless(text: str) -> bool:
    """Say whether there is no letter and no digit in a text."""
    return _NO_WORD.match(text) is not None


def _lines(text: str) -> list[_Line]:
    found: list[_Line] = []
    breaks = 2  # since the last line with anything on it
    for match in _LINE.finditer(text):
        line = match[0].strip()
        if line:
            found.append(_line(match, line, breaks > 1))
            breaks = 0
        elif match[0][0] in _BREAK:
            breaks += 2 if match[0] in "\f\u2029" else 1
    return found


def _line(match: re.Match[str], line: str, after_blank: bool) -> _Line:
    indent = match[0].index(line[0])
    return _Line(match.start() + indent, line, after_blank, match[0].endswith(("  ", "\\")))


def _grouped(text: str, lines: Sequence[_Line], joins: Sequence[bool]) -> Iterator[Paragraph]:
    """Paragraphs from lines, where ``joins[i]`` says that line i runs on into line i + 1."""
    first = 0
    for last in range(len(lines)):
        if last < len(joins) and joins[last]:
            continue
        yield _paragraph(text, lines[first], lines[last])
        first = last + 1


def _paragraph(
    text: str, first: _Line, last: _Line, *, mark: Mark = "", level: int = 0
) -> Paragraph:
    stretch = text[first.start : last.end]
    found = mark or ("item" if is_item(stretch) else "")
    return Paragraph(first.start, last.end, stretch, first.after_blank, found, level)


# --- plain text ----------------------------------------------------------------------------------


def _wrapped_at(lines: Sequence[_Line]) -> int:
    """The column at which the text is wrapped by hand; 0 when each line is a paragraph."""
    pairs = [
        (line, following)
        for line, following in pairwise(lines)
        if not following.after_blank and not is_item(following.text)
    ]
    widths = sorted(len(line.text) for line, _ in pairs)
    if not widths:
        return 0
    column = widths[int(0.9 * (len(widths) - 1))]
    if not NARROWEST <= column <= WIDEST:
        return 0
    running = sum(_continues(line, following, column) for line, following in pairs)
    return column if running >= 0.25 * len(pairs) else 0


def _continues(line: _Line, following: _Line, column: int) -> bool:
    """A full line that stops in mid-sentence, before a word that does not begin a sentence."""
    letter = following.text[0]
    cased = letter.lower() != letter.upper()
    begins = letter.isupper() if cased else letter.isdigit() or not letter.isalpha()
    return _is_full(line, following, column) and not is_ended(line.text) and not begins


def _is_full(line: _Line, following: _Line, column: int) -> bool:
    """The next line's first word had no room. Proportional type leaves the edge ragged: 85 %."""
    first_word = following.text.split(maxsplit=1)[0]
    room = 1 + min(len(first_word), column // 3)
    return 0.85 * column <= len(line.text) + room and len(line.text) <= max(column * 1.3, WIDEST)


def _runs_on(line: _Line, following: _Line, column: int) -> bool:
    if following.after_blank or not column or is_item(following.text):
        return False
    if is_ended(line.text) and (_short(following, column) or has_speaker(following.text)):
        return False
    if _is_full(line, following, column):
        return True
    return following.text[0].islower() and not is_ended(line.text) and len(line.text) <= WIDEST


def _short(line: _Line, column: int) -> bool:
    """A line that looks like a heading under the end of a paragraph."""
    return len(line.text) < 0.6 * column and not is_ended(line.text) and line.text[0].isupper()


# --- Markdown ------------------------------------------------------------------------------------


def _markdown(text: str, lines: Sequence[_Line]) -> Iterator[Paragraph]:
    at = _front_matter(lines)
    if at:
        yield _paragraph(text, lines[0], lines[at - 1], mark="furniture")
    while at < len(lines):
        last, mark, level = _element(lines, at)
        yield _paragraph(text, lines[at], lines[last], mark=mark, level=level)
        at = last + 1


def _front_matter(lines: Sequence[_Line]) -> int:
    """How many lines of YAML stand at the beginning, fences included."""
    if not lines or lines[0].text != "---" or len(lines) < 3 or not _KEY.match(lines[1].text):
        return 0
    ends = (at for at, line in enumerate(lines[1:], 1) if line.text in ("---", "..."))
    return next(ends, -1) + 1


def _element(lines: Sequence[_Line], at: int) -> tuple[int, Mark, int]:
    """The element of Markdown that begins at a line: its last line, mark and heading level."""
    text = lines[at].text
    if fence := _FENCE.match(text):
        return _fenced(lines, at, fence[1]), "kept", 0
    if match := _HASHES.match(text):
        return at, "heading", len(match[1])
    if match := _HTML_HEADING.match(text):
        return at, "heading", int(match[1])
    if text.startswith("<!--"):
        return _until(lines, at, "-->"), "furniture", 0
    if _is_empty(text):
        return at, "furniture", 0
    return _running(lines, at)


def _is_empty(text: str) -> bool:
    """Rules, badges, tags around nothing, and where links lead: no words for a reader."""
    return any(
        pattern.match(text) for pattern in (_RULE, _IMAGES, _TAGS, _REFERENCE, _NO_WORD)
    ) and not _FENCE.match(text)


def _fenced(lines: Sequence[_Line], at: int, fence: str) -> int:
    closing = (
        index
        for index in range(at + 1, len(lines))
        if lines[index].text.startswith(fence) and not lines[index].text.strip(fence[0])
    )
    return next(closing, len(lines) - 1)


def _until(lines: Sequence[_Line], at: int, end: str) -> int:
    found = (index for index in range(at, len(lines))[:REMARK_LINES] if end in lines[index].text)
    return next(found, at)


def _running(lines: Sequence[_Line], at: int) -> tuple[int, Mark, int]:
    """A paragraph, an item, a row of a table, or a heading that is underlined."""
    last = at
    while last + 1 < len(lines) and not lines[last + 1].after_blank:
        following = lines[last + 1]
        if _UNDERLINE.match(following.text) and len(following.text) > 2 and last == at:
            return last + 1, "heading", 1 if following.text[0] == "=" else 2
        if _separate(lines[last], following):
            break
        last += 1
    return last, "", 0


def _is_row(line: _Line) -> bool:
    """A row of a table: it begins with a bar, or has two of them among spaces."""
    return line.text.startswith("|") or line.text.count(" | ") > 1


def _separate(line: _Line, following: _Line) -> bool:
    """Say whether a new element begins at the following line though no blank line is between."""
    if _is_row(following):
        return not (wordless(following.text) and _is_row(line))
    if is_item(following.text) or _FENCE.match(following.text) or _HASHES.match(following.text):
        return True
    whole = len(line.text) > WIDEST and is_ended(line.text)
    if line.breaks or whole or _is_row(line):
        return True
    speaking = has_speaker(line.text) and has_speaker(following.text)
    return speaking or _is_empty(following.text) or following.text.startswith("<")
