"""Which documents a question is asked of: those named, of these days, of this source."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from qa.ingest import only_characters
from qa.store import Outline, Store


@dataclass(frozen=True, slots=True)
class Selection:
    """What documents must all meet; None for what need not be met.

    Parameters
    ----------
    named : list of str or None
        Their ids.
    after, before : date or None
        The first and the last day; documents without a date are on none.
    source : str or None
        What stands in their source, in upper or lower case.
    """

    named: list[str] | None = None
    after: datetime.date | None = None
    before: datetime.date | None = None
    source: str | None = None

    def ids(self, store: Store) -> list[str] | None:
        """Their ids; None for all documents."""
        if self.after is None and self.before is None and self.source is None:
            return self.named
        found = [outline.id for outline in store.outlines() if self.has(outline)]
        return found if self.named is None else sorted(set(found) & set(self.named))

    def has(self, outline: Outline) -> bool:
        """Whether a document meets what is asked of it, but for its id."""
        date = outline.date
        if self.after and (date is None or date < self.after):
            return False
        if self.before and (date is None or date > self.before):
            return False
        return self.source is None or self.source.casefold() in outline.source.casefold()


def checked_date(date: datetime.date | str | None) -> datetime.date | None:
    """A day as it was given, or written as "2016-02-13".

    Raises
    ------
    ValueError
        When it is written in another way.
    TypeError
        When it is neither.
    """
    if isinstance(date, datetime.datetime):
        return date.date()
    if date is None or isinstance(date, datetime.date):
        return date
    if not isinstance(date, str):
        raise TypeError(f"the date is a {type(date).__name__}: give a datetime.date or a str")
    try:
        return datetime.date.fromisoformat(date.strip())
    except ValueError as error:
        raise ValueError(f"{date!r} is no date: write it as 2016-02-13") from error


def checked_source(source: str | None) -> str | None:
    """What is to stand in a source; None for nothing.

    Raises
    ------
    TypeError
        When it is no str.
    """
    if source is not None and not isinstance(source, str):
        raise TypeError(f"the source is a {type(source).__name__}: give a str")
    return only_characters(source.strip()) or None if source else None
