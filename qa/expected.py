"""What kind of answer a question asks for (Li and Roth 2002). Knows no text but the question."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from qa.mentions import Kind

Asked = Literal[
    "when", "year", "century", "weekday", "clock", "count", "money", "percentage", "duration",
    "age", "measure", "amount", "person", "place", "name",
]  # fmt: skip

KINDS: dict[Asked, tuple[Kind, ...]] = {
    "when": ("date", "clock"),
    "year": ("date",),
    "century": ("date",),
    "weekday": ("date",),
    "clock": ("clock",),
    "count": ("count",),
    "money": ("money",),
    "percentage": ("percentage",),
    "duration": ("duration",),
    "age": ("duration", "count"),
    "measure": ("measure",),
    "amount": ("money", "percentage", "measure"),
    "person": ("name",),
    "place": ("name",),
    "name": ("name",),
}

_UNITS = frozenset({"duration", "measure"})

_AUXILIARY = (
    r"(?:is|was|were|are|am|be|did|do|does|has|had|have|will|would|can|could|should|shall|may|might|"
    r"must)\b"
)
_WH = re.compile(r"\b(?:who|whom|whose|what|which|when|where|how)\b", re.IGNORECASE)
_HEAD = r"(?:[\w'\u2019-]+\s){0,2}?"
_OF = rf"{_AUXILIARY}\s(?:the|a|an|one)\s(?:names?\sof\s(?:the|a|an|one)\s)?{_HEAD}"
_TIME_UNITS = r"(?:seconds|minutes|hours|days|weeks|months|years|decades|centuries)\b"
_LENGTHS = (
    r"(?:kilomet(?:er|re)s|met(?:er|re)s|miles|feet|inches|acres|hectares|tons|tonnes|degrees|"
    r"pounds|kilograms|barrels|square\s\w+|km|mi|ft|mph)\b"
)
_SUMS = (
    r"\b(?:cost|costs|price|priced|pay|pays|paid|worth|spend|spent|money|sell|sold|buy|bought|"
    r"charge|charged|fined?|salary|wage|earn|earned|budget|dollars|fund|funds|funding|raise|raised|"
    r"invest|invested|donat\w+|loan|debt|revenue|profit|aid|owe[sd]?)\b"
)
_PEOPLE = (
    r"(?:man|woman|person|politician|president|king|queen|emperor|leader|minister|chancellor|general|"
    r"senator|lawmaker|officer|official|envoy|ambassador|spokesman|spokeswoman|scientist|inventor|"
    r"author|writer|poet|composer|artist|painter|architect|engineer|mathematician|physicist|chemist|"
    r"philosopher|historian|professor|director|actor|actress|singer|musician|explorer|commander|"
    r"chief|founder|chairman|governor|mayor|judge|pope|bishop|saint|prince|princess|duke|player|"
    r"coach|quarterback|doctor|journalist|activist|individual|monarch|ruler|economist|theologian|"
    r"head\sof\sstate|prime\sminister)s?\b"
)
_PLACES = (
    r"(?:city|cities|country|countries|nation|town|village|region|province|county|continent|"
    r"district|capital|neighbou?rhood|island|suburb)s?\b"
)

# The first that fits from the question word on.
_RULES: tuple[tuple[str, Asked], ...] = (
    (rf"how\smany\s(?:\w+\s)?{_TIME_UNITS}", "duration"),
    (rf"how\smany\s(?:\w+\s)?{_LENGTHS}", "measure"),
    (r"how\smany\s(?:dollars|euros|pounds)\b", "money"),
    (r"how\smany\b", "count"),
    (rf"how\smuch\b.*{_SUMS}", "money"),
    (r"how\smuch\s(?:time|longer)\b", "duration"),
    (r"how\smuch\b", "amount"),
    (r"how\slong\b", "duration"),
    (r"how\sold\b|(?:what|which)\sage\b", "age"),
    (r"how\s(?:far|tall|high|deep|wide|large|big|heavy|fast|hot|cold|thick|close)\b", "measure"),
    (rf"(?:what|which)\s(?:{_OF})?{_HEAD}(?:percentage|percent|proportion|share|fraction)\b",
     "percentage"),
    (rf"(?:what|which)\s(?:{_OF})?{_HEAD}(?:number\sof|population|death\stoll)\b", "count"),
    (rf"(?:what|which)\s(?:{_OF})(?:cost|price|budget|salary|endowment)\b", "money"),
    (rf"(?:what|which)\s(?:{_OF})?{_HEAD}years?\b", "year"),
    (rf"(?:what|which)\s(?:{_OF})?{_HEAD}(?:century|centuries|millennium)\b", "century"),
    (r"(?:what|which)\s(?:day\sof\sthe\sweek|weekday)\b", "weekday"),
    (rf"(?:what|which)\s(?:{_OF})?{_HEAD}(?:date|day|month|decade)\b", "when"),
    (rf"(?:at\s)?(?:what|which)\s(?:{_OF})?{_HEAD}hour\b|what\stime\s(?!period|frame)", "clock"),
    (r"(?:what|which)\s(?:time\speriod|period)\b", "when"),
    (rf"when\s{_AUXILIARY}|when\W*$", "when"),
    (r"who(?:m|se)?\b", "person"),
    (rf"(?:what|which)\s(?:{_OF})?{_HEAD}{_PEOPLE}", "person"),
    (rf"where\s{_AUXILIARY}|where\W*$|where\s(?:in|on|at|else)\b", "place"),
    (rf"(?:what|which)\s(?:{_OF})?{_HEAD}{_PLACES}", "place"),
)  # fmt: skip
_SEVERAL = re.compile(r"^who(?:\selse)?\s(?:were|are)\b|\b(?:two|three|four|both)\b", re.IGNORECASE)
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE), asked) for pattern, asked in _RULES)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a question asks for.

    Parameters
    ----------
    asked : str
        The kind of answer.
    rest : str
        The question behind the words that ask for it ("people were killed" of "How many people
        were killed").
    unit : str
        What it is to be counted in ("days" of "How many days"), if the question says so.
    several : bool
        Whether it asks for more than one ("Which countries", "Who were").
    """

    asked: Asked
    rest: str
    unit: str = ""
    several: bool = False


def expected(question: str) -> Expected | None:
    """What a question asks for; None when that is neither a date, a figure nor a name.

    References
    ----------
    Li and Roth, Learning Question Classifiers, COLING 2002: the types are theirs, fewer.
    """
    question = " ".join(question.split())
    for word in _WH.finditer(question):
        for pattern, asked in _COMPILED:
            found = pattern.match(question, word.start())
            if found:
                return _expected(asked, found[0], question[found.end() :])
        if word[0].lower() not in {"when", "where", "how"}:
            return None
    return None


def _expected(asked: Asked, asking: str, rest: str) -> Expected:
    unit = asking.split()[-1] if asked in _UNITS and "many" in asking.lower() else ""
    several = asking.lower().endswith("s") or bool(_SEVERAL.search(f"{asking}{rest}"))
    return Expected(asked, rest, unit, several)
