"""What each line of a document is: headline, section heading, prose, or a page's furniture.

Decides by what a line is (length, final punctuation, bullet, the prose around it, words that web
pages share) and calls it prose when in doubt: text that somebody brought must not be lost. Knows
neither files nor documents, only characters.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Literal

from qa import boilerplate
from qa.paragraphs import Paragraph, has_speaker, is_ended, paragraphs, wordless

Format = Literal["text", "markdown"]

HEADLINE_CHARACTERS = 180
"""A longer line is no headline."""

HEADING_WORDS = 8
"""A headline of more words between paragraphs leads to another story; up to this, it heads what
follows."""

ARTICLE_SHARE = 0.7
"""A text is an article when at least this share of its characters is in punctuated paragraphs."""

ARTICLE_PARAGRAPHS = 3
"""... and at least so many of them."""

PARAGRAPH_CHARACTERS = 40
"""A shorter line, even with a full stop, says nothing about whether a text is an article."""


class Kind(StrEnum):
    """What a block of text is for a reader."""

    TITLE = "title"
    HEADING = "heading"
    PROSE = "prose"
    FURNITURE = "furniture"


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, a paragraph, a list item, or a line of furniture.

    Parameters
    ----------
    start, end : int
        Characters from the beginning of the text; no white space at either end.
    kind : Kind
    """

    start: int
    end: int
    kind: Kind


_DASHED = re.compile(r"([–—*=~_-]+)\s*\w.*\w\W?\s*\1$|=+ .*\w.* =+$|(\*\*|__)[^*_]+\2:?$")
_MARKUP = re.compile(r"^#+\s+|\s+#+$|<[^>]+>|^=+\s|\s=+$|[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}")
_SETEXT = re.compile(r"\s*\n[=-]+\s*$")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_ABBREVIATION = re.compile(r"(?:\b[A-Z]\.){2,}$")
_OPENING = re.compile(r"[\"'“‘«„(¿¡\[]*")


def blocks(text: str, *, format: Format = "text", title: str = "") -> tuple[Block, ...]:
    """Say what each part of a text is.

    Parameters
    ----------
    text : str
        A document's text, as it is.
    format : {"text", "markdown"}
        Markdown marks its headings, lists and code; plain text does not.
    title : str
        The headline, where it is known from elsewhere: the line equal to it is the title.

    Returns
    -------
    tuple of Block
        In the order of the text, without overlap; each character that is not white space is in
        exactly one. At most one is the title.
    """
    found = paragraphs(text, format=format)
    kinds = _kinds(found, format, title)
    return tuple(
        Block(paragraph.start, paragraph.end, kind)
        for paragraph, kind in zip(found, kinds, strict=True)
    )


def title_of(text: str, *, format: Format = "text") -> str:
    """The headline as the text gives it, on one line and without markup; "" when there is none."""
    for block in blocks(text, format=format):
        if block.kind is Kind.TITLE:
            return _unmarked(text[block.start : block.end])
    return ""


def _unmarked(text: str) -> str:
    text = _LINK.sub(r"\1", _SETEXT.sub("", text.replace("\r\n", "\n")))
    return " ".join(_MARKUP.sub("", text).split())


def _kinds(found: Sequence[Paragraph], format: Format, title: str) -> list[Kind]:
    document = _Layout.of(found)
    kinds = [_by_itself(paragraph, document) for paragraph in found]
    headline = _headline(found, kinds, document, title, format)
    if headline is not None:
        kinds[headline] = Kind.TITLE
    if document.article:
        _settle_head(found, kinds, headline)
        _settle_rest(found, kinds, format)
    if Kind.PROSE not in kinds:
        return [_kept(paragraph) for paragraph in found]
    return kinds


def _kept(paragraph: Paragraph) -> Kind:
    """What a block is in a text that would otherwise hold nothing to read."""
    empty = paragraph.mark == "furniture" or wordless(paragraph.text)
    known = empty or boilerplate.furniture(paragraph.text) == "certain"
    return Kind.FURNITURE if known else Kind.PROSE


# --- the document as a whole ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Layout:
    """What decides how a single line is read.

    `article`: punctuated paragraphs, so that a line without punctuation means something.
    `transcript`: the same names speak again and again. `dates`: several lines are dates, as in a
    diary, where they head what follows. `body`: where the first punctuated paragraph stands.
    """

    article: bool
    transcript: bool
    dates: bool
    body: int

    @classmethod
    def of(cls, found: Sequence[Paragraph]) -> _Layout:
        content = [paragraph for paragraph in found if _is_content(paragraph)]
        spoken = _is_transcript(content)
        dated = sum(boilerplate.dateline(paragraph.text) is not None for paragraph in found)
        return cls(
            article=not spoken and _is_article(content),
            transcript=spoken,
            dates=dated > 2,
            body=next(
                (at for at, paragraph in enumerate(found) if _is_paragraph(paragraph)), len(found)
            ),
        )


def _is_content(paragraph: Paragraph) -> bool:
    return paragraph.mark in ("", "item") and not boilerplate.furniture(paragraph.text)


def _is_paragraph(paragraph: Paragraph) -> bool:
    """A punctuated paragraph of prose, neither a list item nor furniture."""
    long = len(paragraph.text) >= PARAGRAPH_CHARACTERS
    return paragraph.mark == "" and long and is_ended(paragraph.text) and _is_content(paragraph)


def _is_article(content: Sequence[Paragraph]) -> bool:
    punctuated = [paragraph for paragraph in content if _is_paragraph(paragraph)]
    unpunctuated = sum(_like_headline(paragraph) for paragraph in content)
    characters = sum(len(paragraph.text) for paragraph in content)
    share = sum(len(paragraph.text) for paragraph in punctuated) / max(1, characters)
    enough = len(punctuated) >= max(ARTICLE_PARAGRAPHS, unpunctuated / 2)
    return enough and share >= ARTICLE_SHARE


def _is_transcript(content: Sequence[Paragraph]) -> bool:
    """Say whether most lines begin with a name and a colon, and the names come again."""
    speakers = Counter(
        paragraph.text.split(":", 1)[0] for paragraph in content if has_speaker(paragraph.text)
    )
    again = sum(count for count in speakers.values() if count > 1)
    return again >= 2 and again >= 0.4 * len(content)


# --- a line by itself ----------------------------------------------------------------------------


def _by_itself(paragraph: Paragraph, document: _Layout) -> Kind:
    text = paragraph.text
    if paragraph.mark in ("heading", "kept"):
        return Kind.HEADING if paragraph.mark == "heading" else Kind.PROSE
    if paragraph.mark == "furniture" or wordless(text):
        return Kind.FURNITURE
    known = boilerplate.furniture(text)
    if known == "certain" or (known == "likely" and document.article):
        return Kind.FURNITURE
    if boilerplate.dateline(text) is not None:
        return Kind.FURNITURE if document.article and not document.dates else Kind.HEADING
    if _DASHED.match(text) and len(text) <= HEADLINE_CHARACTERS:
        return Kind.HEADING
    return Kind.PROSE


def _like_headline(paragraph: Paragraph) -> bool:
    """One line, not too long, that begins like a headline and does not end like a sentence."""
    text = paragraph.text
    if paragraph.mark or "\n" in text or len(text) > HEADLINE_CHARACTERS:
        return False
    if text[-1] in ",;:" or re.search(r"[@\t|{}<>=\\]", text) or _mostly_numbers(text):
        return False
    first = _OPENING.sub("", text, count=1)[:1]
    return not first.islower() and first.isalnum() and (not is_ended(text) or _asks(text))


def _asks(text: str) -> bool:
    """A short question on a line of its own, not somebody's words."""
    return text.endswith("?") and len(text) <= 100 and text[0].isalnum() and "." not in text[:-1]


def _mostly_numbers(text: str) -> bool:
    words = text.split()
    return sum(any(letter.isdigit() for letter in word) for word in words) > len(words) / 3


# --- the headline --------------------------------------------------------------------------------


def _headline(
    found: Sequence[Paragraph],
    kinds: Sequence[Kind],
    document: _Layout,
    title: str,
    format: Format,
) -> int | None:
    """Where the headline stands."""
    wanted = _comparable(title)
    for at, paragraph in enumerate(found[:20] if wanted else ()):
        if _comparable(paragraph.text) == wanted:
            return at
    marked = [at for at, paragraph in enumerate(found) if paragraph.level]
    if format == "markdown" and marked:
        return next((at for at in marked if found[at].level == 1), marked[0])
    head = range(min(document.body, len(found) - 1)) if not document.transcript else range(0)
    candidates = [at for at in head if kinds[at] is Kind.PROSE and _may_be_title(found[at])]
    first = next((at for at in head if kinds[at] is Kind.PROSE), None)
    if not candidates or (candidates[0] != first and not document.article):
        return None
    if document.article:
        return _after_menu(found, candidates)
    return candidates[0] if _heads_the_rest(found, candidates[0]) else None


def _comparable(text: str) -> str:
    return "".join(_unmarked(text).casefold().split())


def _may_be_title(paragraph: Paragraph) -> bool:
    stopped = _ABBREVIATION.search(paragraph.text) or paragraph.text.endswith(("!", "?"))
    text = paragraph.text.rstrip(".!?") if stopped else paragraph.text
    named = boilerplate.byline(text) or not text
    return not named and _like_headline(_with_text(paragraph, text))


def _with_text(paragraph: Paragraph, text: str) -> Paragraph:
    return Paragraph(
        paragraph.start, paragraph.end, text, paragraph.after_blank, paragraph.mark, paragraph.level
    )


def _after_menu(found: Sequence[Paragraph], candidates: Sequence[int]) -> int:
    """The first candidate that is neither a section's name nor part of a menu of short lines."""
    long = [at for at in candidates if len(found[at].text.split()) > 3]
    short = [at for at in candidates if not long or at < long[0]]
    if long and (len(short) > 2 or all(boilerplate.names_section(found[at].text) for at in short)):
        return long[0]
    named = [at for at in candidates if not boilerplate.names_section(found[at].text)]
    return named[0] if named else candidates[0]


def _heads_the_rest(found: Sequence[Paragraph], at: int) -> bool:
    """Say whether a first line stands apart from what follows, in a text that is no article."""
    if at + 1 >= len(found):
        return False
    following = found[at + 1]
    if following.after_blank:
        listed = following.mark == "item" and at + 2 < len(found)
        alone = at + 2 >= len(found) or found[at + 2].after_blank
        return _is_paragraph(following) or listed or not alone
    return _is_paragraph(following) and len(following.text) >= 150


# --- around the prose of an article --------------------------------------------------------------


def _settle_head(found: Sequence[Paragraph], kinds: list[Kind], headline: int | None) -> None:
    """Settle what stands before the first paragraph: menu, byline, standfirst, lead bullets."""
    body = next((at for at, paragraph in enumerate(found) if _is_paragraph(paragraph)), 0)
    for at in range(body):
        paragraph = found[at]
        if kinds[at] is not Kind.PROSE or paragraph.mark not in ("", "item"):
            continue
        above = headline is not None and at < headline
        if above or boilerplate.byline(paragraph.text) or _leads(paragraph):
            kinds[at] = Kind.FURNITURE
        elif _like_headline(paragraph):
            kinds[at] = Kind.HEADING


def _leads(paragraph: Paragraph) -> bool:
    """A bullet above the article that sums it up: a headline's length, without a full stop."""
    words = paragraph.text.split()
    return paragraph.mark == "item" and 5 <= len(words) <= 30 and not is_ended(paragraph.text)


def _settle_rest(found: Sequence[Paragraph], kinds: list[Kind], format: Format) -> None:
    """Settle the lines without punctuation between and after the paragraphs."""
    body = next((at for at, paragraph in enumerate(found) if _is_paragraph(paragraph)), 0)
    last = max(at for at, paragraph in enumerate(found) if _is_paragraph(paragraph))
    loose = [at for at in range(body, len(found)) if _is_loose(found, kinds, at)]
    for run in _runs(loose, kinds):
        for at in run:
            kinds[at] = _between(found, run, at, last)
    _sweep_links(found, kinds)
    if format == "text":
        _sweep_bylines(found, kinds, last)


def _is_loose(found: Sequence[Paragraph], kinds: Sequence[Kind], at: int) -> bool:
    return kinds[at] is Kind.PROSE and found[at].mark == "" and _like_headline(found[at])


def _runs(loose: Sequence[int], kinds: Sequence[Kind]) -> list[list[int]]:
    """Loose lines that follow one another, with nothing but furniture between."""
    shown = [at for at, kind in enumerate(kinds) if kind is not Kind.FURNITURE]
    rank = {at: number for number, at in enumerate(shown)}
    grouped = groupby(enumerate(loose), key=lambda pair: rank[pair[1]] - pair[0])
    return [[at for _, at in group] for _, group in grouped]


def _between(found: Sequence[Paragraph], run: Sequence[int], at: int, last: int) -> Kind:
    """What a line without punctuation is, among an article's paragraphs."""
    words = len(found[at].text.split())
    introduced = run[0] > 0 and found[run[0] - 1].text.endswith(":")
    if introduced:
        return Kind.PROSE
    if at > last:
        return Kind.FURNITURE if words >= 4 and not _signs_off(found, run[0]) else Kind.PROSE
    if len(run) > 2:
        return Kind.PROSE
    return Kind.HEADING if words <= HEADING_WORDS or _asks(found[at].text) else Kind.FURNITURE


def _signs_off(found: Sequence[Paragraph], at: int) -> bool:
    """Say whether a letter's closing stands before: what follows is a name or an address."""
    return any(paragraph.text.endswith(",") for paragraph in found[max(0, at - 2) : at])


def _sweep_links(found: Sequence[Paragraph], kinds: list[Kind]) -> None:
    """Links announced by "Related stories": all lines up to the next paragraph."""
    sweeping = False
    for at, paragraph in enumerate(found):
        if boilerplate.opens_links(paragraph.text) and len(paragraph.text) <= 60:
            sweeping = kinds[at] is Kind.FURNITURE
        elif is_ended(paragraph.text) or paragraph.level or len(paragraph.text) > 200:
            sweeping = False
        elif sweeping and kinds[at] is not Kind.TITLE:
            kinds[at] = Kind.FURNITURE


def _sweep_bylines(found: Sequence[Paragraph], kinds: list[Kind], last: int) -> None:
    for at in range(last + 1, len(found)):
        if kinds[at] is Kind.PROSE and boilerplate.byline(found[at].text):
            kinds[at] = Kind.FURNITURE
