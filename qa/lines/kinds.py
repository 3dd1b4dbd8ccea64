"""What each line of a document is: headline, section heading, prose, or a page's furniture.

Decides by what a line is (length, final punctuation, bullet, the prose around it, words that web
pages share) and calls it prose when in doubt: text that somebody brought must not be lost. Knows
neither files nor documents, only characters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from typing import Literal

from qa.lines import boilerplate, dates
from qa.lines.layout import HEADLINE_CHARACTERS, Layout, asks, is_paragraph, like_headline
from qa.lines.paragraphs import Paragraph, has_speaker, is_ended, paragraphs, wordless

Format = Literal["text", "markdown"]

TITLE_CHARACTERS = 600
"""What of a line is looked at when it is compared with a title, or becomes one."""

LINK_WORDS = 4
"""A line of fewer words after the last paragraph may be a name or a place."""

MOST_LINKS = 12
"""More lines than this in a row after the last paragraph are a list of its own."""

HEADING_WORDS = 8
"""A headline of more words between paragraphs leads to another story; up to this, it heads what
follows."""


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
_MARKUP = re.compile(
    r"^#+\s+|\s+#+$|<[^>]+>|^=+\s|\s=+$|(?<!\w)[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}(?!\w)"
)
_SETEXT = re.compile(r"\s*\n[=-]+\s*$")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_ADDRESSES = re.compile(r"\b(?:you|your|we|our|my)\b", re.IGNORECASE)  # no news headline does
_ABBREVIATION = re.compile(r"(?:\b[A-Z]\.){2,}$")


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
    text = _SETEXT.sub("", text[:TITLE_CHARACTERS].replace("\r\n", "\n"))
    text = _LINK.sub(r"\1", text)
    return " ".join(_MARKUP.sub("", text).split())


def _kinds(found: Sequence[Paragraph], format: Format, title: str) -> list[Kind]:
    document = Layout.of(found)
    kinds = [_by_itself(paragraph, document) for paragraph in found]
    headline = _headline(found, kinds, document, title, format)
    if headline is not None:
        kinds[headline] = Kind.TITLE
        _settle_signature(found, kinds, document, headline)
    if document.article:
        _settle_head(found, kinds, document, headline)
        _settle_rest(found, kinds, links=format == "text" and not document.long)
    if Kind.PROSE not in kinds:
        return [_kept(paragraph) for paragraph in found]
    return kinds


def _settle_signature(
    found: Sequence[Paragraph], kinds: list[Kind], document: Layout, headline: int
) -> None:
    """Settle the lines between the headline and the first paragraph that name author and day."""
    if document.body < len(found) and not document.dates:
        for at in range(headline + 1, document.body):
            if _signs(found[at].text):
                kinds[at] = Kind.FURNITURE


def _signs(text: str) -> bool:
    """Say whether a line under a headline says who wrote the article, or when."""
    return boilerplate.byline(text) or dates.dateline(text) is not None


def _kept(paragraph: Paragraph) -> Kind:
    """What a block is in a text that would otherwise hold nothing to read."""
    empty = paragraph.mark == "furniture" or wordless(paragraph.text)
    known = empty or boilerplate.furniture(paragraph.text) == "certain"
    return Kind.FURNITURE if known else Kind.PROSE


# --- a line by itself ----------------------------------------------------------------------------


def _by_itself(paragraph: Paragraph, document: Layout) -> Kind:
    text = paragraph.text
    if paragraph.mark in ("heading", "kept"):
        return Kind.HEADING if paragraph.mark == "heading" else Kind.PROSE
    if paragraph.mark == "furniture" or _is_rule(text) or (wordless(text) and document.article):
        return Kind.FURNITURE
    known = boilerplate.furniture(text)
    if known == "certain" or (known == "likely" and document.article):
        return Kind.FURNITURE
    if dates.dateline(text) is not None:
        return Kind.FURNITURE if document.article and not document.dates else Kind.HEADING
    if len(text) <= HEADLINE_CHARACTERS and _DASHED.match(text):
        return Kind.HEADING
    return Kind.PROSE


def _is_rule(text: str) -> bool:
    """Say whether a line only divides: dashes, stars, a bullet without anything after it."""
    return not text.strip("-_=*~#·•—–+| \t\u200b\ufeff")


# --- the headline --------------------------------------------------------------------------------


def _headline(
    found: Sequence[Paragraph],
    kinds: Sequence[Kind],
    document: Layout,
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
        opening = marked[0] if marked[0] <= document.body else None
        return next((at for at in marked if found[at].level == 1), opening)
    head = range(min(document.body, len(found) - 1)) if not document.transcript else range(0)
    candidates = [at for at in head if kinds[at] is Kind.PROSE and _may_be_title(found, at)]
    if sum(asks(paragraph.text) for paragraph in found) > 1:  # answers to questions
        candidates = [at for at in candidates if not asks(found[at].text)]
    first = next((at for at in head if kinds[at] is Kind.PROSE), None)
    if not candidates or (candidates[0] != first and not document.article):
        return None
    if document.article:
        return _after_menu(found, candidates)
    return candidates[0] if _heads_the_rest(found, candidates[0]) else None


def _comparable(text: str) -> str:
    return "".join(_unmarked(text).casefold().split())


def _may_be_title(found: Sequence[Paragraph], at: int) -> bool:
    text = found[at].text.split(" | ", 1)[0]  # a browser's title: "Headline | Section | Site"
    if _ABBREVIATION.search(text) or text.endswith(("!", "?")):
        text = text.rstrip(".!?")
    following = found[at + 1].text if at + 1 < len(found) else ""
    fields = has_speaker(text) and has_speaker(following) and not is_ended(following)
    if not text or fields or boilerplate.byline(text):
        return False
    return like_headline(replace(found[at], text=text))


def _after_menu(found: Sequence[Paragraph], candidates: Sequence[int]) -> int:
    """The first candidate that is neither a section's name nor part of a menu of short lines."""
    menu = [at for at in range(candidates[-1]) if boilerplate.in_menu(found[at].text)]
    if menu:  # what stands above it is the site's name
        candidates = [at for at in candidates if at > menu[-1]]
    long = [at for at in candidates if len(found[at].text.split()) > 3]
    short = [at for at in candidates if not long or at < long[0]]
    if long and (len(short) > 2 or all(boilerplate.names_section(found[at].text) for at in short)):
        return long[0]
    named = [at for at in candidates if not boilerplate.names_section(found[at].text)]
    return named[0] if named else candidates[0]


def _heads_the_rest(found: Sequence[Paragraph], at: int) -> bool:
    """Say whether a first line stands apart from what follows, in a text that is no article."""
    rest = [paragraph for paragraph in found[at + 1 :] if not _signs(paragraph.text)]
    if not rest:
        return False
    following, alone = rest[0], len(rest) == 1 or rest[1].after_blank
    if following.after_blank or following is not found[at + 1]:
        listed = following.mark == "item" and len(rest) > 1
        return is_paragraph(following) or listed or not alone
    begins = not following.text[0].islower() and not following.text[0].isdigit()
    return begins and is_paragraph(following) and len(following.text) >= 150


# --- around the prose of an article --------------------------------------------------------------


def _settle_head(
    found: Sequence[Paragraph], kinds: list[Kind], document: Layout, headline: int | None
) -> None:
    """Settle what stands before the first paragraph: menu, byline, standfirst, lead bullets."""
    for at in range(document.body):
        paragraph = found[at]
        if kinds[at] is not Kind.PROSE or paragraph.mark not in ("", "item"):
            continue
        if _leads(paragraph) or boilerplate.byline(paragraph.text):
            kinds[at] = Kind.FURNITURE
        elif like_headline(paragraph):
            above = headline is not None and at < headline
            kinds[at] = Kind.FURNITURE if above else Kind.HEADING


def _leads(paragraph: Paragraph) -> bool:
    """A bullet above the article that sums it up: a headline's length, without a full stop."""
    words = paragraph.text.split()
    return paragraph.mark == "item" and 5 <= len(words) <= 30 and not is_ended(paragraph.text)


def _settle_rest(found: Sequence[Paragraph], kinds: list[Kind], *, links: bool) -> None:
    """Settle the lines without punctuation between and after the paragraphs.

    `links` says whether they may lead to other stories; else they are headings or prose.
    """
    paragraphs_at = [at for at, paragraph in enumerate(found) if is_paragraph(paragraph)]
    loose = [at for at in range(paragraphs_at[0], len(found)) if _is_loose(found, kinds, at)]
    for run in _runs(loose, kinds):
        for at in run:
            kinds[at] = _between(found, run, at, paragraphs_at[-1], links)
    _sweep_links(found, kinds)
    _sweep_bylines(found, kinds, paragraphs_at[-1])


def _is_loose(found: Sequence[Paragraph], kinds: Sequence[Kind], at: int) -> bool:
    return kinds[at] is Kind.PROSE and found[at].mark == "" and like_headline(found[at])


def _runs(loose: Sequence[int], kinds: Sequence[Kind]) -> list[list[int]]:
    """Loose lines that follow one another, with nothing but furniture between."""
    shown = [at for at, kind in enumerate(kinds) if kind is not Kind.FURNITURE]
    rank = {at: number for number, at in enumerate(shown)}
    grouped = groupby(enumerate(loose), key=lambda pair: rank[pair[1]] - pair[0])
    return [[at for _, at in group] for _, group in grouped]


def _between(
    found: Sequence[Paragraph], run: Sequence[int], at: int, last: int, links: bool
) -> Kind:
    """What a line without punctuation is, among an article's paragraphs."""
    text = found[at].text
    words = len(text.split())
    if _is_part(found, run) or re.match(r"[A-Z ]{3,}: ", text):
        return Kind.PROSE
    if at > last:
        linked = links and words >= LINK_WORDS and len(run) <= MOST_LINKS
        return Kind.FURNITURE if linked else Kind.PROSE
    if len(run) > 2:
        return Kind.PROSE
    if words <= HEADING_WORDS or asks(text):
        return Kind.HEADING
    return Kind.FURNITURE if links and not _ADDRESSES.search(text) else Kind.PROSE


def _is_part(found: Sequence[Paragraph], run: Sequence[int]) -> bool:
    """Say whether lines belong to the prose around them.

    They do when the paragraph before announces them, when a letter's closing stands before them
    (names and addresses follow), and when the next one goes on in lower case, as after a formula.
    """
    before = [paragraph.text for paragraph in found[max(0, run[0] - 2) : run[0]]]
    after = [paragraph.text for paragraph in found[run[-1] + 1 : run[-1] + 2]]
    announced = bool(before) and before[-1].endswith(":")
    signed = any(text.endswith(",") for text in before)
    return announced or signed or any(text[0].islower() for text in after)


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
