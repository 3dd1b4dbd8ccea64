"""Read a date that a document gives; never guess one."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

from qa import boilerplate

TOP_LINES, BOTTOM_LINES = 12, 6
"""How many lines at either end of a text may hold the date of publication."""

_YEAR_FIRST = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)|((?:19|20)\d{2})(\d{2})(\d{2})\b"
)
_UPDATED = re.compile(
    r"updat|modif|edited|aktualis|geändert|jour|actualiz|aggiorn|bijgewerkt|atualiz"
)


def parse(text: str) -> datetime.date | None:
    """The date that a string gives in full, or None.

    Day, month and year must all be there, and there must be one way to read them:
    ``03/04/2016`` is March to some and April to others, so it is not given.

    Parameters
    ----------
    text : str
        ``2016-02-12T10:00:00Z``, ``12 février 2016``, ``February 12, 2016``, ``12.02.2016``.
    """
    text = boilerplate.in_english(text)
    if match := _YEAR_FIRST.match(text):
        year, month, day = (int(part) for part in match.groups() if part)
        try:
            return datetime.date(year, month, day)
        except ValueError:
            return None
    return _only_reading(text) if re.search(r"(?<!\d)\d{4}(?!\d)", text) else None


def _only_reading(text: str) -> datetime.date | None:
    """What dateutil reads whatever it may assume for a part that is missing or ambiguous."""
    from dateutil.parser import parse as read

    dotted = re.match(r"\d{1,2}\.\d{1,2}\.\d{4}", text) is not None  # day first, everywhere
    assumptions = (datetime.datetime(2001, 1, 1), datetime.datetime(2004, 2, 2))
    try:
        readings = {
            read(text, default=default, dayfirst=day_first, ignoretz=True).date()
            for default in assumptions
            for day_first in ((True,) if dotted else (True, False))
        }
    except (ValueError, OverflowError, TypeError, ArithmeticError):
        return None
    return readings.pop() if len(readings) == 1 else None


def in_text(text: str) -> datetime.date | None:
    """The date of publication as a line of its own near the top or the bottom gives it.

    A line that says "Updated" counts when no other does. Several dates without a word about what
    they are (a diary, a table) give none.
    """
    published, updated = _datelines(_ends(text))
    return _agreed(published) or (None if published else _agreed(updated[:1]))


def _ends(text: str) -> list[str]:
    lines = [line for line in text[:20_000].splitlines() if line.strip()]
    last = [line for line in text[-20_000:].splitlines() if line.strip()]
    rest = last if len(text) > 20_000 else lines[TOP_LINES:]
    return lines[:TOP_LINES] + rest[-BOTTOM_LINES:]


def _datelines(
    lines: Sequence[str],
) -> tuple[list[datetime.date], list[datetime.date]]:
    """Dates of lines that are datelines: those of publication, and those of a later update."""
    published: list[datetime.date] = []
    updated: list[datetime.date] = []
    for line in lines:
        written = boilerplate.dateline(line)
        if written and (date := parse(written)):
            (updated if _UPDATED.match(boilerplate.plain(line)) else published).append(date)
    return published, updated


def _agreed(dates: Sequence[datetime.date]) -> datetime.date | None:
    return dates[0] if len(set(dates)) == 1 else None
