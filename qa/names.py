"""Names in a sentence, and what their surroundings tell of who or what bears them. By rules."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qa import lexical
from qa.sentences import Span

_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W\d_]\.(?=\s[^\W\d_])|\w+(?:[-.'\u2019&]\w+)*")
_POSSESSIVE = re.compile(r"['\u2019]s?$")
_PARTICLES = frozenset(
    re.findall(r"\w+", "of de du des del della di da van von der den bin ibn al el la le y")
)
_NOT_FIRST = _PARTICLES | frozenset(
    {"Hey", "Hi", "Hello", "Oh", "Dear", "Yes", "Thanks", "Meanwhile", "However"}
)
_ABBREVIATED = frozenset(
    re.findall(r"\w+", "Mr Mrs Ms Dr Prof Gen Lt Col Sgt Capt Maj Sen Rep Gov Rev St Jr Sr")
)
_PEOPLES = re.compile(
    r"(?:\w{2,}(?:ian|ean|can|ish|ese|lim|vik|ist)s?|French|Dutch|Greeks?|Germans?|Normans?|Romans?|Turks?|Swiss|"
    r"Danes?|Swedes?|Finns?|Poles?|Arabs?|Kurds?|Jews?|Thais?|Iraqis?|Saudis?|Israelis?|Pakistanis?|"
    r"Western|Eastern|Northern|Southern|Christians?|Catholics?|Protestants?)(?:-\w+)?"
)
_EVENTS = re.compile(
    r"\b(?:War|Wars|Battle|Revolution|Treaty|Act|Edict|Day|Age|Century|Conference|Agreement|Accord|"
    r"Accords|Crisis|Massacre|Rebellion|Uprising|Crusade|Games|Olympics|Cup|Bowl|Award|Prize|Bible|"
    r"Exhibition|Convention|Charter|Protocol|Amendment|Bill|Law)\b"
)
_WITHIN = re.compile(
    r"\b(?:in|at|near|into|across|outside|inside|around|throughout|toward|towards)\s(?:the\s)?$",
    re.IGNORECASE,
)
_AT_PLACE = re.compile(
    r"\b(?:in|at|near|to|from|into|of|on|through|across|outside|inside|around|throughout|towards?|"
    r"between|via|leaves?|left|reached)\s(?:the\s|an?\s|nearby\s|[a-z]+ern\s|(?:city|town|village|"
    r"province|state|region|river|island)\sof\s)*$",
    re.IGNORECASE,
)
_BY = re.compile(r"\bby\s(?:[\w-]+\s){0,5}$")
_VERB_BEHIND = re.compile(
    r"\s(?:is|was|are|were|has|had|have|will|would|can|could|did|does|may|must|should|also|then|"
    r"[a-z]+ed|told|said|says|took|made|became|won|wrote|led|gave|went|came|held|began|met|sent|built|"
    r"found|left|saw|\w+ly\s\w+ed)\b|['\u2019]s?\b|,\s"
)
SAYING = (
    r"(?:sa(?:y|ys|id)|t(?:ell|ells|old)|(?:claim|add|warn|insist|explain|comment|suggest|announc|"
    r"describ|stat|argu|declar|caution|note|urg|call|believ|think|thought|hop|expect|voic|acknowledg|admit|den|accus|criticis|criticiz|"
    r"assert|predict|promis|pledg|vow|stress|conced|complain|confirm|wr[io]t|recall|reckon|nam)"
    r"(?:es?|s|d|ed|ied|ies|ted|ten)?)"
)
_SAYING_BEHIND = re.compile(rf"(?:,[^,.;]{{0,80}},)?\s(?:also\s|has\s|had\s|have\s)?{SAYING}\b")
_SAYING_BEFORE = re.compile(rf"[,\u201d\"\u2019']\s*{SAYING}\s(?:[\w.'\u2019-]+\s){{0,4}}$")
_ADJECTIVAL = frozenset({"US", "U.S.", "UK", "U.K.", "UN", "U.N.", "EU", "E.U."})
_BEGINS = re.compile(r"(?:^|[.!?:\u2026]|[^\w\s,;'\u2019()/&%-])[\s\u201c\u2018\"'(\[]*$")


def spans(sentence: str) -> Iterator[Span]:
    """Runs of capitalised words, with the particles between them ("Guy de Lusignan").

    A function word begins no name: it is capitalised for beginning the sentence, or might be.
    """
    run: list[re.Match[str]] = []
    for word in _WORD.finditer(sentence):
        if run and not _continues(sentence, run[-1], word):
            yield from _span(run)
            run = []
        if _capitalised(word[0]) or (run and word[0] in _PARTICLES):
            run.append(word)
        elif run:
            yield from _span(run)
            run = []
    yield from _span(run)


def _continues(sentence: str, last: re.Match[str], word: re.Match[str]) -> bool:
    """Whether a word may belong to the name that the last one is of."""
    between = sentence[last.end() : word.start()]
    abbreviated = between.strip() == "." and last[0] in _ABBREVIATED
    return (between.isspace() or abbreviated) and not _POSSESSIVE.search(last[0])


def _capitalised(word: str) -> bool:
    """Whether a word begins as a name does: "Jubeir", "al-Jubeir", "d'Estaing"."""
    letters = word.removeprefix("al-").removeprefix("el-")
    return letters[:1].isupper() or (len(word) > 2 and word[1] in "'\u2019" and word[2].isupper())


def _span(run: list[re.Match[str]]) -> Iterator[Span]:
    """The name that a run of words holds: neither function words before it nor particles behind."""
    words = list(run)
    while words and (words[0][0] in _NOT_FIRST or not lexical.content_terms(words[0][0])):
        words.pop(0)
    while words and words[-1][0] in _PARTICLES:
        words.pop()
    if words:
        bare = _POSSESSIVE.sub("", words[-1][0])
        yield words[0].start(), words[-1].start() + len(bare)


def is_doubtful(sentence: str, start: int, end: int) -> bool:
    """Whether it may be an ordinary word, capitalised for beginning the sentence."""
    if not _BEGINS.search(sentence, 0, start) or not sentence[start:end].isalpha():
        return False
    plural = sentence[start:end].endswith("s")
    return not sentence[start:end].isupper() and (plural or not _VERB_BEHIND.match(sentence, end))


def is_people(name: str) -> bool:
    """Whether it names a people or is an adjective of one ("Russian", "the Kurds")."""
    return bool(_PEOPLES.fullmatch(name))


def may_act(sentence: str, start: int, end: int) -> bool:
    """Whether it may be somebody, a person or an institution, and not a place or an event."""
    name = sentence[start:end]
    if is_people(name) or _EVENTS.search(name):
        return False
    if name in _ADJECTIVAL and not _VERB_BEHIND.match(sentence, end):
        return False
    return not _WITHIN.search(sentence, 0, start)


def may_be_place(sentence: str, start: int, end: int) -> bool:
    """Whether it may be a place, and not a people, an event or a country before its own noun."""
    name = sentence[start:end]
    adjectival = name in _ADJECTIVAL and sentence[end : end + 2].strip().isalpha()
    return not (adjectival or is_people(name) or _EVENTS.search(name))


def stands_as_place(sentence: str, start: int) -> bool:
    """Whether it stands behind what introduces a place: "in", "near the", "the city of"."""
    return bool(_AT_PLACE.search(sentence, 0, start))


def stands_as_agent(sentence: str, start: int) -> bool:
    """Whether it stands behind the "by" of a passive: "by Spanish architect Enric Miralles"."""
    return bool(_BY.search(sentence, 0, start))


def speaks(sentence: str, start: int, end: int) -> bool:
    """Whether it is who says, by the sentence: "X said", "said the minister, X"."""
    return bool(_SAYING_BEHIND.match(sentence, end) or _SAYING_BEFORE.search(sentence, 0, start))
