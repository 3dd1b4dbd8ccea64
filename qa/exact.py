"""The exact words of a sentence that answer a question, when that is sure. Pure, by rules.

Dates, figures or names, as the question asks, each judged by how near it stands to the question's
own words; when two are about as near, neither is said to be the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from qa import lexical, names
from qa.expected import KINDS, Expected, expected
from qa.mentions import Mention, mentions
from qa.sentences import Span

LEAST_ALONE, LEAST = 0.05, 0.2  # nearness of the only figure or date; of a name, or among several
CLEAR, CLEAR_NAME = 1.2, 1.8  # times as near as the next one; the same for names
AS_IT_SHOULD, AS_IT_SHOULD_NOT = 1.6, 0.6  # factors for where a name stands
LONGEST = 2000  # characters; what is longer is a table or a list, and no sentence
REACH = 40.0  # the longest distance that counts
SPEAKER = 0.3  # nearness of who speaks in the sentence, when it is asked who said something
_PAUSES = {
    ",": 2,
    ";": 5,
    ":": 4,
    "(": 3,
    ")": 2,
    "\u2013": 4,
    "\u2014": 4,
    "and": 1,
    "but": 2,
    "while": 2,
}

_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|\w+(?:[-.,'\u2019]\w+)*|[,;:()\u2013\u2014]")
_OBJECT = re.compile(r"\bwhom\b|\bwho\s(?:else\s)?(?:did|do|does)\b", re.IGNORECASE)
_STATE = re.compile(r"\bwho\s(?:else\s)?(?:is|was|were|are)\b", re.IGNORECASE)
_SAYING = re.compile(rf"\b(?!call|nam|describ|wr){names.SAYING}\b", re.IGNORECASE)
_YEARS = re.compile(r"\b\d{3,4}(?:\s?[-\u2013]\s?\d{2,4}|\sand\s\d{4})?\b")
_WEEKDAY = re.compile(r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b")
_CENTURY = re.compile(r".*(?:century|centuries|millennium).*", re.IGNORECASE)
_COMMA = re.compile(r",\s(?:the\s)?")
_AND = re.compile(r",?\s(?:and|or|as\swell\sas)\s(?:the\s)?")


@dataclass(frozen=True, slots=True)
class _Candidate:
    span: Span
    nearness: float


def exact(question: str, sentence: str) -> Span | None:
    """Where the words stand that answer a question of who, when, where or how many.

    Parameters
    ----------
    sentence : str
        One that answers the question: that it does is not judged here.

    Returns
    -------
    (int, int) or None
        In characters of the sentence; None when it is not sure, or the question asks for
        something else.
    """
    asks = expected(question)
    if asks is None or len(sentence) > LONGEST:
        return None
    candidates = sorted(_candidates(asks, question, sentence), key=lambda c: -c.nearness)
    if not candidates or not _clear(candidates, named=KINDS[asks.asked] == ("name",)):
        return None
    start, end = candidates[0].span
    if KINDS[asks.asked] == ("name",) and names.is_doubtful(sentence, start, end):
        return None
    return start, end


def _clear(candidates: list[_Candidate], *, named: bool) -> bool:
    """Whether the best of them is near enough, and nearer than the rest."""
    if len(candidates) == 1:
        return candidates[0].nearness >= (LEAST if named else LEAST_ALONE)
    best, second = candidates[0].nearness, candidates[1].nearness
    return best >= LEAST and best >= (CLEAR_NAME if named else CLEAR) * second


def _candidates(asks: Expected, question: str, sentence: str) -> Iterable[_Candidate]:
    wanted = frozenset(lexical.content_terms(question)).difference(lexical.terms(asks.unit))
    found = [m for m in mentions(sentence) if m.kind in KINDS[asks.asked]]
    words = list(_WORD.finditer(sentence))
    for span in _fitting(asks, question, sentence, found):
        if not _stands_in_question(sentence[slice(*span)], wanted):
            nearness = _nearness(words, span, wanted)
            yield _Candidate(span, _weighed(asks, question, sentence, span, nearness))


def _fitting(asks: Expected, question: str, sentence: str, found: list[Mention]) -> list[Span]:
    """The spans of what is of the kind that is asked for, cut to that."""
    spans = [(m.start, m.end) for m in found]
    match asks.asked:
        case "year":
            return _within(_YEARS, sentence, spans)
        case "weekday":
            return _within(_WEEKDAY, sentence, spans)
        case "century":
            return _within(_CENTURY, sentence, spans)
        case "person":
            able = [span for span in spans if names.may_act(sentence, *span)]
            return _speaking(question, sentence, _listed(asks, sentence, able))
        case "place":
            able = [span for span in spans if names.may_be_place(sentence, *span)]
            return _listed(asks, sentence, able)
        case "duration" | "age" | "measure":
            return _of_unit(asks.unit, sentence, spans)
        case _:
            return spans


def _speaking(question: str, sentence: str, spans: list[Span]) -> list[Span]:
    """Those who speak, when it is asked who said something."""
    if not _asks_who_said(question):
        return spans
    return [span for span in spans if names.speaks(sentence, *span)]


def _asks_who_said(question: str) -> bool:
    return bool(_SAYING.search(question)) and not _OBJECT.search(question)


def _listed(asks: Expected, sentence: str, spans: list[Span]) -> list[Span]:
    """The names of a list as one ("A, B and C") when the question asks for several, and none of
    them otherwise.
    """
    if not asks.several:
        return [span for span in spans if not _paired(sentence, span, spans)]
    lists: list[Span] = []
    for start, end in reversed(spans):
        between = sentence[end : lists[-1][0]] if lists else ""
        if _AND.fullmatch(between) or (
            lists and _COMMA.fullmatch(between) and _AND.search(sentence, *lists[-1])
        ):
            end = lists.pop()[1]
        lists.append((start, end))
    return lists


def _paired(sentence: str, span: Span, spans: list[Span]) -> bool:
    """Whether another name is joined to it by "and": which of both is asked for is unsure."""
    return any(
        _AND.fullmatch(sentence, other[1], span[0]) or _AND.fullmatch(sentence, span[1], other[0])
        for other in spans
    )


def _within(pattern: re.Pattern[str], sentence: str, spans: list[Span]) -> list[Span]:
    found = (pattern.search(sentence, start, end) for start, end in spans)
    return [match.span() for match in found if match]


def _of_unit(unit: str, sentence: str, spans: list[Span]) -> list[Span]:
    """Those in the unit that is asked for ("how many days"), if one is, without conversions that
    follow in brackets ("300 km (190 mi)").
    """
    stem = unit.rstrip("s").lower()
    of_unit = [span for span in spans if stem in sentence[slice(*span)].lower()]
    starts = {end for _, end in of_unit}
    return [
        span
        for span in of_unit
        if not (sentence[: span[0]].endswith(" (") and span[0] - 2 in starts)
    ]


def _stands_in_question(text: str, wanted: frozenset[str]) -> bool:
    """Whether at least half the words are the question's own: it asks for something else."""
    said = set(lexical.content_terms(text)) or set(lexical.terms(text))
    return len(said & wanted) * 2 >= len(said)


def _nearness(words: list[re.Match[str]], span: Span, wanted: frozenset[str]) -> float:
    """How near a span is to the question's words: the sum over them of 1 / (1 + distance), where
    the distance counts words, and more for what divides a sentence.
    """
    before = (word[0] for word in reversed(words) if word.end() <= span[0])
    behind = (word[0] for word in words if word.start() >= span[1])
    best: dict[str, float] = {}
    for side in (before, behind):
        distance = 0.0
        for word in side:
            distance += _PAUSES.get(word.lower(), 1)
            if distance > REACH:
                break
            for term in wanted.intersection(lexical.terms(word)):
                best[term] = max(best.get(term, 0.0), 1 / (1 + distance))
    return sum(best.values())


def _weighed(asks: Expected, question: str, sentence: str, span: Span, nearness: float) -> float:
    """The nearness of a name, weighed by whether it stands where the answer would."""
    if asks.asked == "place":
        return nearness * (1 if names.stands_as_place(sentence, span[0]) else AS_IT_SHOULD_NOT)
    if asks.asked == "count":
        return nearness * (AS_IT_SHOULD if _counts(asks, sentence, span[1]) else 1)
    if asks.asked != "person":
        return nearness
    if _asks_who_said(question) and names.speaks(sentence, *span):
        return nearness + SPEAKER
    return nearness * _role(asks, question, sentence, span)


def _counts(asks: Expected, sentence: str, end: int) -> bool:
    """Whether what is to be counted is among the three words behind a figure."""
    noun = next(iter(lexical.content_terms(asks.rest)), None)
    behind = [word[0] for _, word in zip(range(3), _WORD.finditer(sentence, end), strict=False)]
    return noun in lexical.terms(" ".join(behind))


def _role(asks: Expected, question: str, sentence: str, span: Span) -> float:
    """Whether a name is before the verb when it is asked who does something, behind it when it is
    asked to whom.
    """
    of_object = bool(_OBJECT.search(question))
    if not of_object and names.stands_as_agent(sentence, span[0]):
        return AS_IT_SHOULD
    verb = None if _STATE.search(question) else _first_of(asks.rest, sentence)
    if verb is None:
        return 1.0
    return 1.0 if (span[1] <= verb) != of_object else AS_IT_SHOULD_NOT


def _first_of(rest: str, sentence: str) -> int | None:
    """Where the sentence has the first of the question's words that it has."""
    for term in lexical.content_terms(rest):
        for word in _WORD.finditer(sentence):
            if term in lexical.terms(word[0]):
                return word.start()
    return None
