"""Which lines are dates, and which day they give; never guess one.

In English, German, French, Spanish, Italian, Dutch and Portuguese.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from functools import lru_cache

TOP_LINES, BOTTOM_LINES = 12, 6
"""How many lines at either end of a text may hold the date of publication."""

EDGES = " \t\u00a0*_•·‣▪●○►▶»›|\u200b\u200e\u200f\ufeff"
"""What may stand around the words of a line: bullets, emphasis, marks that nobody sees."""

_MONTHS = (
    "jan|january|januar|janvier|enero|gennaio|januari|janeiro|ene",
    "feb|february|februar|février|fevrier|febrero|febbraio|februari|fevereiro",
    "mar|march|märz|maerz|mars|marzo|maart|março",
    "apr|april|avril|abril|aprile",
    "may|mai|mayo|maggio|mei|maio",
    "jun|june|juni|juin|junio|giugno|junho",
    "jul|july|juli|juillet|julio|luglio|julho",
    "aug|august|août|aout|agosto|augustus",
    "sep|sept|september|septembre|septiembre|settembre|setembro",
    "oct|october|oktober|okt|octobre|octubre|ottobre|outubro",
    "nov|november|novembre|noviembre|novembro",
    "dec|december|dezember|dez|décembre|decembre|diciembre|dicembre|dezembro",
)
_MONTH_NUMBER = {
    name: number for number, names in enumerate(_MONTHS, 1) for name in names.split("|")
}
_MONTH = "(?:" + "|".join(sorted(_MONTH_NUMBER, key=len, reverse=True)) + r")\b\.?"
_WEEKDAY = (
    r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?|(?:mon|diens|donners|frei|"
    r"sams|sonn)tag|mittwoch|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|"
    r"miércoles|jueves|viernes|sábado|domingo)"
)
_DATE = (
    rf"(?:{_WEEKDAY}\.?,?\s+)?(?:(?:\d{{1,2}}(?:st|nd|rd|th|er|º|\.)?\s+(?:of\s+|"
    rf"de\s+)?{_MONTH},?\s+"
    rf"(?:de\s+)?\d{{4}})|(?:{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}})"
    r"|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})"
)
_DAY_AND_MONTH = rf"(?:{_WEEKDAY}\.?,?\s+)?(?:\d{{1,2}}\.?\s+{_MONTH}|{_MONTH}\s+\d{{1,2}})"
_TIME = (
    r"(?:\s*(?:[,|/·•–—-]|t|at|um|à|a las|alle|"
    r"om)?\s*\d{1,2}[:.h]\d{2}(?::\d{2})?(?:\s*[ap]\.?m\.?)?"
    r"(?:\s*(?:uhr|z|\(?[a-z]{2,5}\)?|[+-]\d{2}:?\d{2}))?)"
)
_STAMP = (
    r"(?:(?:last|first|originally|zuletzt|dernière)\s+)?(?:updated?|published|posted|modified|"
    r"created|edited|issued|released|written|reviewed|aktualisiert|veröffentlicht|erstellt|"
    r"geändert|publiée?|mise?\s+à\s+jour|modifiée?|actualizado|publicado|aggiornato|pubblicato|"
    r"gepubliceerd|bijgewerkt|atualizado|stand)"
    r"(?:\s+(?:on|at|am|le|el|il|op|em|date))?\s*:?"
)
_LABEL = (
    rf"(?:{_STAMP}|(?:publication\s+|release\s+)?(?:date|datum|fecha|data)(?:\s+published)?\s*:)"
)
_DATELINE = re.compile(
    rf"\(?(?:{_LABEL})?\s*(?P<date>{_DATE}){_TIME}?(?:\s*/\s*\d+ \w+ ago)?\)?\.?"
    r"(?: (?:by|von|par|por|in) [\w .,-]{1,60})?"
)
_UNDATED = re.compile(
    rf"(?:{_STAMP}\s*(?:{_DAY_AND_MONTH})?{_TIME}?|\d+\s+(?:second|minute|hour|day|week|month)s?\s+"
    r"ago|(?:vor|il y a|hace)\s+\d+\s+\w+)\.?"
)
_COMPACT = re.compile(
    r"(?:(?:date|time|datum|published)\s*:\s*)(?P<date>(?:19|20)\d{6})(?:[_t ].*)?"
)
_TWO_STAMPS = re.compile(rf"{_LABEL}\s*(?P<date>{_DATE}){_TIME}?.{{1,3}}{_LABEL}.*")
_YEAR_FIRST = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)|((?:19|20)\d{2})(\d{2})(\d{2})\b"
)
_UPDATED = re.compile(
    r"updat|modif|edited|aktualis|geändert|jour|actualiz|aggiorn|bijgewerkt|atualiz"
)


def plain(line: str) -> str:
    """The line in lower case, spaces collapsed, marks of emphasis and bullets gone."""
    return " ".join(line.strip(EDGES).casefold().replace("’", "'").split())


def is_stamp(text: str) -> bool:
    """Say whether a line, as `plain` gives it, says when without a full date: "Updated on"."""
    return _UNDATED.fullmatch(text) is not None


def dateline(line: str) -> str | None:
    """The date that a line consists of, as it is written there.

    Returns
    -------
    str or None
        None when the line is not wholly a date; English month names stand in for others, so that
        ``12 février 2016`` gives ``12 february 2016``.
    """
    return _dateline(line) if len(line) <= 160 else None


@lru_cache(maxsize=8192)  # several stages ask about the same line
def _dateline(line: str) -> str | None:
    text = plain(line)
    for pattern in (_DATELINE, _TWO_STAMPS, _COMPACT):
        if match := pattern.fullmatch(text):
            return _in_english(match["date"])
    return None


def _in_english(date: str) -> str:
    """A date with its month's name in English, and ordinal marks gone."""
    text = re.sub(r"(?<=\d)(?:st|nd|rd|th|er|º|\.)(?=\s)", "", plain(date))
    return re.sub(r"[^\W\d_]+\.?", _english_month, text).replace(" de ", " ").replace(" of ", " ")


def _english_month(match: re.Match[str]) -> str:
    number = _MONTH_NUMBER.get(match[0].rstrip("."))
    return (
        _MONTHS[number - 1].split("|")[1]
        if number and number != 5
        else ("may" if number else match[0])
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
    text = _in_english(text[:60])
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
        written = dateline(line)
        if written and (date := parse(written)):
            (updated if _UPDATED.match(plain(line)) else published).append(date)
    return published, updated


def _agreed(dates: Sequence[datetime.date]) -> datetime.date | None:
    return dates[0] if len(set(dates)) == 1 else None
