"""Dates, figures and names in a sentence: where they stand, and of what kind. Knows no question.

Patterns rather than a parser of dates or quantities: an answer is a span, not a value, and these
find more of the spans that people mark (``benchmarks/exact.py`` compares).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from qa import names

Kind = Literal["date", "clock", "money", "percentage", "duration", "measure", "count", "name"]

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December|"
    r"(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?)"
)
_WEEKDAY = r"(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?)"
_DAY = r"(?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"(?:1\d{3}|20\d{2})"
_ERA = r"(?:\s?(?:AD|BCE?|CE)\b|\s?(?:A\.D\.|B\.C\.(?:E\.)?|C\.E\.))"
_DASH = r"\s?[-\u2010-\u2014]\s?"
_PART = (
    r"(?i:(?:the\s)?(?:very\s)?(?:early|mid|late|middle|beginning|end|turn|(?:first|second|latter)\shalf)"
    r"[-\s](?:of\s)?(?:the\s)?)"
)
_ORDINAL = (
    r"(?:\d{1,2}(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|"
    r"eleventh|twelfth|(?:thir|four|fif|six|seven|eigh|nine)teenth|twentieth|twenty-first)"
)
_SMALL = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
    r"(?:thir|four|fif|six|seven|eigh|nine)teen)"
)
_TENS = r"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
_BELOW_HUNDRED = rf"(?:{_TENS}(?:[-\s]{_SMALL})?|{_SMALL})"
_MAGNITUDE = r"(?:hundred|thousand|million|billion|trillion)"
_DIGITS = r"\d+(?:,\d{3})*(?:\.\d+)?"
_SPELLED = (
    rf"(?:(?:several|a\sfew|a|half\sa|{_BELOW_HUNDRED})(?:\s{_MAGNITUDE})+"
    rf"(?:\s(?:and\s)?{_BELOW_HUNDRED}(?:\s{_MAGNITUDE})?)*"
    rf"|{_BELOW_HUNDRED}|(?:(?:tens|hundreds|thousands|dozens)\sof\s)?"
    r"(?:dozens|scores|hundreds|thousands|millions|billions)|(?:half\s)?a\sdozen|half\sa)"
)
_FIGURE = rf"(?:{_DIGITS}(?:\s(?:{_MAGNITUDE}|dozen))*|{_SPELLED})"
_RANGE = rf"(?:between\s{_FIGURE}\sand\s{_FIGURE}|{_FIGURE}(?:(?:{_DASH}|\sto\s|\sor\s){_FIGURE})?)"
_QUALIFIER = (
    r"(?:(?:well\s)?(?:more|fewer|less)\sthan|(?:well\s|just\s)?(?:over|under)|at\s(?:least|most)|"
    r"up\sto|about|around|nearly|almost|roughly|approximately|some|an\sestimated|close\sto|"
    r"as\s(?:many|few|much|little)\sas)"
)
_TIME_UNIT = (
    r"(?:second|minute|hour|day|week|fortnight|month|year|decade|centur(?:y|ie)|semester)s?"
)
_UNIT = (
    r"(?:kilomet(?:er|re)s?|met(?:er|re)s?|centimet(?:er|re)s?|millimet(?:er|re)s?|miles?|feet|foot|"
    r"inch(?:es)?|yards?|acres?|hectares?|tons?|tonnes?|pounds?|kilograms?|kilos?|grams?|lit(?:er|re)s?|"
    r"gallons?|barrels?|degrees?|volts?|watts?|megawatts?|knots|"
    r"(?:km|mi|m|cm|mm|ft|in|ha|kg|g|lb|lbs|mph|km/h|MW|kW|GW|hp|psi|bar|Hz|kHz|MHz|GHz|MB|GB|K)\b|"
    r"\u00b0\s?[CF]?)"
)
_AREA = r"(?:square\s|cubic\s|sq\s)"
_CURRENCY = r"(?:(?:US|A|C|NZ)?\$|[\u20ac\u00a3\u00a5\u20b9])"
_CURRENCY_WORD = (
    r"(?:(?:US\s)?dollars?|euros?|pounds?(?:\ssterling)?|pence|cents?|yen|yuan|roubles?|rubles?|"
    r"rupees?|francs?|USD|EUR|GBP)"
)
_BARE_MONTH = (
    r"(?:January|February|April|June|July|August|September|October|November|December)\b"
    r"|(?<=\b[Ii]n\s)(?:March|May)\b"
)
_SPECIFIC_DAY = (
    rf"{_WEEKDAY}(?:,?\s(?:morning|afternoon|evening|night))?"
    r"|(?i:yesterday|today|tonight|tomorrow)(?:\s(?:morning|afternoon|evening|night))?"
)
_CALENDAR = (
    rf"(?:{_WEEKDAY},?\s)?(?:{_MONTH}\s{_DAY}(?:(?:{_DASH}|\sand\s|\sto\s){_DAY})?(?!\d)(?:,?\s{_YEAR})?"
    rf"|(?:the\s)?{_DAY}(?:{_DASH}{_DAY})?\s(?:of\s)?{_MONTH}(?:,?\s{_YEAR})?)(?![\d%])"
    rf"|{_PART}?{_MONTH}(?:\sof)?,?\s{_YEAR}\b"
    rf"|{_YEAR}-\d\d-\d\d\b|\d{{1,2}}/\d{{1,2}}/(?:\d{{4}}|\d\d)\b"
)
_SEASON = rf"{_PART}?(?i:spring|summer|autumn|winter|fall)\s(?:of\s)?{_YEAR}\b"
_BARE_YEAR = (
    rf"{_PART}?{_YEAR}s\b|{_PART}?{_YEAR}{_ERA}?(?![\d,.]*\d|\w|-year|\s?%)|\d{{1,4}}{_ERA}|AD\s\d{{1,4}}\b"
    r"|(?<=\b[Ii]n\s)[5-9]\d\d(?=[,.;:)]|\s(?:as|by|the|and|when|after|he|she|it|they|to|a)\b)"
)
_CENTURY = (
    rf"{_PART}?(?i:{_ORDINAL}(?:(?:{_DASH}|\sto\s|\sand\s|\sor\s)(?:the\s)?{_ORDINAL})?[-\s]"
    rf"(?:century|centuries|millennium)){_ERA}?"
)
_RELATIVE = (
    r"(?i:(?:earlier|later)\s(?:this|last|next|that)\s(?:week|month|year|day)"
    r"|(?:last|this|next|past|previous|coming)\s(?:week(?:end)?|month|year|decade|century"
    rf"|spring|summer|autumn|winter|{_WEEKDAY}|{_MONTH})"
    rf"|(?:{_QUALIFIER}\s)?(?:{_FIGURE}|a|an|several|a\sfew)\s{_TIME_UNIT}\s(?:ago|later|earlier)"
    r"|at\sthe\sweekend|the\sday\s(?:after\stomorrow|before\syesterday)|the\s(?:following|next|previous)\s(?:day|week|month|year|morning))\b"
)
_DATE = (
    rf"(?:{_CALENDAR}|{_SEASON}|{_CENTURY}|{_RELATIVE}|{_BARE_YEAR}"
    rf"|(?:{_SPECIFIC_DAY})\b|{_BARE_MONTH})"
)
_PERIOD = (
    rf"(?:[Bb]etween\s(?:the\s)?{_DATE}\sand\s(?:the\s)?(?:{_DATE}|\d\d\b)"
    rf"|{_DATE}(?:\s(?:to|until|till|through)\s|{_DASH})(?:the\s)?(?:{_DATE}|\d\d?\b(?!-)|present)"
    rf"|{_DATE})"
)
_HOUR = (
    r"(?i:(?:[01]?\d|2[0-3])(?:[:.][0-5]\d)?\s?(?:[ap]\.m\.|[ap]m\b)|(?:[01]?\d|2[0-3]):[0-5]\d\b"
    r"|(?:noon|midnight)\b)"
)
_CLOCK = rf"(?:{_HOUR}(?:(?:{_DASH}|\s(?:to|and|until)\s){_HOUR})?)"
_DAY_AND_HOUR = (
    rf"(?:{_PERIOD}(?:,?\s(?:at|around|from)|,)?\s{_CLOCK}|{_CLOCK},?\s(?:on\s)?{_PERIOD}"
    rf"|{_PERIOD})"
)
_DURATION = rf"(?:{_RANGE}|a\sfew|several|an?)(?:\sand\sa\shalf)?[-\s]{_TIME_UNIT}(?:[-\s]old)?\b"
_PERCENTAGE = (
    rf"{_DIGITS}\s?%?(?:(?:{_DASH}|\sto\s){_DIGITS})?\s?(?:%|per\s?cent\b|percentage\spoints?)"
    rf"|{_SPELLED}\s(?:percent|per\scent)\b"
    r"|(?:half|(?:one|a|two|three|four)[-\s](?:third|quarter|fifth|tenth)s?)\b(?=\s(?:of|the)\b)"
)
_MONEY = (
    rf"{_CURRENCY}\s?{_DIGITS}(?:{_DASH}{_CURRENCY}?{_DIGITS})?(?:[\s-]?(?:{_MAGNITUDE}|bn|m|k)\b)*"
    rf"|{_RANGE}\s{_CURRENCY_WORD}\b"
)
_MEASURE = rf"{_RANGE}(?:[-\s]|(?<=\d))(?:{_AREA}{_UNIT}|{_UNIT})(?!\w)"
_COUNT = rf"{_RANGE}(?![\w%]|[,.]\d)|(?:once|twice|thrice)\b"

_FIGURES: tuple[tuple[Kind, str], ...] = (
    ("percentage", _PERCENTAGE),
    ("duration", _DURATION),
    ("measure", _MEASURE),
    ("count", _COUNT),
)
_ALONE = r"(?<![\w.,$\u20ac\u00a3-])"


@dataclass(frozen=True, slots=True)
class Mention:
    """Where something is mentioned: ``sentence[start:end]``, and what it is."""

    start: int
    end: int
    kind: Kind


def mentions(sentence: str) -> list[Mention]:
    """The dates, figures and names of a sentence, in order, none overlapping another."""
    found: list[Mention] = []
    for kind, pattern in _patterns():
        matches = (Mention(*match.span(), kind) for match in pattern.finditer(sentence))
        found += [mention for mention in matches if not _overlaps(mention, found)]
    named = (Mention(*span, "name") for span in names.spans(sentence))
    found += [mention for mention in named if not _overlaps(mention, found)]
    return sorted(found, key=lambda mention: mention.start)


@cache
def _patterns() -> tuple[tuple[Kind, re.Pattern[str]], ...]:
    """What is found first takes its characters from what comes later.

    Made when they are first needed: it takes a tenth of a second, which many a command can spare.
    """
    return (
        ("money", re.compile(rf"(?<![\w.,])(?:{_QUALIFIER}\s)?(?:{_MONEY})", re.IGNORECASE)),
        ("date", re.compile(rf"(?<![\w.,$-]){_DAY_AND_HOUR}")),
        ("clock", re.compile(_ALONE + _CLOCK)),
        *(
            (kind, re.compile(_ALONE + rf"(?:{_QUALIFIER}\s)?(?:{pattern})", re.IGNORECASE))
            for kind, pattern in _FIGURES
        ),
    )


def _overlaps(mention: Mention, others: Sequence[Mention]) -> bool:
    return any(mention.start < other.end and other.start < mention.end for other in others)
