"""Is a text an article, a conversation or something else? It decides how single lines are read.

Knows the shape of lines (length, final punctuation, bullets), and what `qa.boilerplate` knows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from qa.lines import boilerplate, dates
from qa.lines.paragraphs import Paragraph, has_speaker, is_ended

HEADLINE_CHARACTERS = 180
"""A longer line is no headline."""

ARTICLE_SHARE = 0.7
"""A text is an article when at least this share of its characters is in punctuated paragraphs."""

ARTICLE_PARAGRAPHS = 3
"""... and at least so many of them."""

LONG_CHARACTERS = 40_000
"""A longer text is a book or a report: its lines without punctuation are captions, references and
formulas, not links."""

PARAGRAPH_CHARACTERS = 40
"""A shorter line, even with a full stop, says nothing about whether a text is an article."""


_NO_HEADLINE = re.compile(
    r"[@\t|{}<>=\\]|\S {2,}\S"  # addresses, tables, code
    r"|[a-zà-ÿ]{4,}[.!?][\"”’)]*\s?[A-Z]"  # two sentences
    r"|^(?:Figure|Fig\.|Table|Box|Abbildung|Tabelle|Tableau)\s+\w?\d"  # a caption
)
_OPENING = re.compile(r"[\"'“‘«„(¿¡\[]*")


@dataclass(frozen=True, slots=True)
class Layout:
    """What decides how a single line is read.

    `article`: punctuated paragraphs, so that a line without punctuation means something; `long`:
    too long for a web page.
    `transcript`: the same names speak again and again. `dates`: several lines are dates, as in a
    diary, where they head what follows. `body`: where the first punctuated paragraph stands.
    """

    article: bool
    long: bool
    transcript: bool
    dates: bool
    body: int

    @classmethod
    def of(cls, found: Sequence[Paragraph]) -> Layout:
        """Look at all paragraphs of a text."""
        content = [paragraph for paragraph in found if _is_content(paragraph)]
        spoken = _is_transcript(content)
        certain = sum(boilerplate.furniture(paragraph.text) == "certain" for paragraph in found)
        dated = sum(dates.dateline(paragraph.text) is not None for paragraph in found)
        return cls(
            article=not spoken and _is_article(content, certain > 1),
            long=bool(found) and found[-1].end > LONG_CHARACTERS,
            transcript=spoken,
            dates=dated > 2,
            body=next(
                (at for at, paragraph in enumerate(found) if _is_body(paragraph)), len(found)
            ),
        )


def _is_content(paragraph: Paragraph) -> bool:
    text = paragraph.text
    dated = dates.dateline(text) is not None
    return paragraph.mark in ("", "item") and not (boilerplate.furniture(text) or dated)


def is_paragraph(paragraph: Paragraph) -> bool:
    """A punctuated paragraph of prose, neither a list item nor furniture."""
    long = len(paragraph.text) >= PARAGRAPH_CHARACTERS
    return paragraph.mark == "" and long and is_ended(paragraph.text) and _is_content(paragraph)


def _is_body(paragraph: Paragraph) -> bool:
    """A punctuated paragraph, of a list too: nothing after it is the headline."""
    return is_paragraph(replace(paragraph, mark="") if paragraph.mark == "item" else paragraph)


def _is_article(content: Sequence[Paragraph], from_page: bool) -> bool:
    """Say whether punctuated paragraphs make up the text.

    Of a page copied from the web, menus and links included, only the stretch from the first
    paragraph to the last has to be so.
    """
    places = [at for at, paragraph in enumerate(content) if is_paragraph(paragraph)]
    if len(places) < ARTICLE_PARAGRAPHS:
        return False
    body = content[places[0] : places[-1] + 1] if from_page else content
    unpunctuated = sum(like_headline(paragraph) for paragraph in body)
    characters = sum(len(paragraph.text) for paragraph in body)
    share = sum(len(content[at].text) for at in places) / characters
    return unpunctuated <= 2 * len(places) and share >= ARTICLE_SHARE


def _is_transcript(content: Sequence[Paragraph]) -> bool:
    """Say whether most lines begin with a name and a colon, and the names come again."""
    speakers = Counter(
        paragraph.text.split(":", 1)[0] for paragraph in content if has_speaker(paragraph.text)
    )
    again = sum(count for count in speakers.values() if count > 1)
    return again >= 2 and again >= 0.4 * len(content)


def like_headline(paragraph: Paragraph) -> bool:
    """One line, not too long, that begins like a headline and does not end like a sentence."""
    text = paragraph.text
    if paragraph.mark or "\n" in text or len(text) > HEADLINE_CHARACTERS:
        return False
    if text[-1] in ",;:" or (is_ended(text) and not asks(text)):
        return False
    first = _OPENING.sub("", text, count=1)[:1]
    begins = first.isalnum() and not first.islower()
    return begins and not _NO_HEADLINE.search(text) and not _mostly_numbers(text)


def asks(text: str) -> bool:
    """A short question on a line of its own, not somebody's words."""
    return text.endswith("?") and len(text) <= 100 and text[0].isalnum() and "." not in text[:-1]


def _mostly_numbers(text: str) -> bool:
    words = text.split()
    return sum(any(letter.isdigit() for letter in word) for word in words) > len(words) / 3
