"""The articles that there are, without their texts: which of them are listed, and in what order."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qa.page.wording import provenance

if TYPE_CHECKING:  # the index brings in the search engines; the page's words need none of them
    from qa import Outline

SOURCES_OFFERED = 100  # in a list to choose from; the filter's words find the others


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is listed: the articles that meet all of it, in which order.

    Parameters
    ----------
    words : str
        That stand in the title, the date, the source or the file's name, whatever their case.
    after, before : date or None
        The first and the last day; articles without a date are on none.
    source : str
        The whole name; "" for any.
    order : {"file", "newest", "oldest", "title", "source"}
    """

    words: str = ""
    after: datetime.date | None = None
    before: datetime.date | None = None
    source: str = ""
    order: str = "file"

    @property
    def narrows(self) -> bool:
        """Whether anything may be left out."""
        return bool(self.words.strip() or self.after or self.before or self.source)


@dataclass(frozen=True, slots=True)
class Shelf:
    """All articles at one time.

    Parameters
    ----------
    version : int
        Another one for every other shelf that follows it; 0 before there is any.
    outlines : tuple of Outline
        Ordered by id.
    words : tuple of str
        What the filter's words are looked for in, one an article.
    ids : frozenset of str
    sources : tuple of (str, int)
        The sources to choose from, those of most articles first, and their numbers of articles.
    dated : bool
        Whether any article has a date.
    stories : mapping of str to tuple of Outline
        Of articles that tell the same story in the same words: from the id of each to all of them,
        the best first. What is not known yet is not in it.
    """

    version: int = 0
    outlines: tuple[Outline, ...] = ()
    words: tuple[str, ...] = ()
    ids: frozenset[str] = frozenset()
    sources: tuple[tuple[str, int], ...] = ()
    dated: bool = False
    stories: Mapping[str, tuple[Outline, ...]] = field(default_factory=dict)

    def listed(self, wanted: Wanted) -> list[Outline]:
        """The articles that are wanted, in the order that is wanted."""
        words = wanted.words.casefold().split()
        found = [
            outline
            for outline, known in zip(self.outlines, self.words, strict=True)
            if all(word in known for word in words) and meets(outline, wanted)
        ]
        if order := ORDERS.get(wanted.order):
            found.sort(key=order)
        return found


def shelf_of(
    outlines: Iterable[Outline], version: int = 1, groups: Iterable[Sequence[str]] = ()
) -> Shelf:
    """The shelf with these articles on it; of groups of ids, those of one story each."""
    kept = tuple(outlines)
    sources = Counter(outline.source for outline in kept if outline.source)
    return Shelf(
        version=version,
        outlines=kept,
        words=tuple(f"{outline.title} {provenance(outline)}".casefold() for outline in kept),
        ids=frozenset(outline.id for outline in kept),
        sources=tuple(sources.most_common(SOURCES_OFFERED)),
        dated=any(outline.date for outline in kept),
        stories=stories_of(kept, groups),
    )


def stories_of(
    outlines: Sequence[Outline], groups: Iterable[Sequence[str]]
) -> dict[str, tuple[Outline, ...]]:
    """From the id of each article of a group to all that are there of the group."""
    known = {outline.id: outline for outline in outlines}
    there = [tuple(known[id] for id in group if id in known) for group in groups]
    return {outline.id: story for story in there if len(story) > 1 for outline in story}


def meets(outline: Outline, wanted: Wanted) -> bool:
    """Whether its day and source are the wanted ones."""
    date = outline.date
    if wanted.after and (date is None or date < wanted.after):
        return False
    if wanted.before and (date is None or date > wanted.before):
        return False
    return not wanted.source or outline.source == wanted.source


def by_name(name: str) -> list[Any]:
    """A key that sorts without regard to case, and numbers in a name by their value."""
    parts = re.split(r"(\d+)", name.casefold())
    return [int(part) if i % 2 and part.isdecimal() else part for i, part in enumerate(parts)]


def newest(outline: Outline) -> tuple[bool, int, str]:
    """Latest day first, those without one last."""
    return outline.date is None, -outline.date.toordinal() if outline.date else 0, outline.id


def oldest(outline: Outline) -> tuple[bool, int, str]:
    """Earliest day first, those without one last."""
    return outline.date is None, outline.date.toordinal() if outline.date else 0, outline.id


def by_title(outline: Outline) -> list[Any]:
    """By title, else by file name."""
    return by_name((outline.title or outline.id).lstrip("“‘\"'([ "))


def by_source(outline: Outline) -> tuple[bool, str, tuple[bool, int, str]]:
    """By source, the newest of each first; those without one last."""
    return not outline.source, outline.source.casefold(), newest(outline)


ORDERS: dict[str, Callable[[Outline], Any]] = {
    "newest": newest,
    "oldest": oldest,
    "title": by_title,
    "source": by_source,
}
