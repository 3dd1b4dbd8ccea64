"""Whether a sentence needs the one before it to be understood. Pure, by rules for English.

Knows the sentence alone: what it cannot tell is whether "the missiles" were mentioned before.
"""

from __future__ import annotations

import re

FRAGMENT_WORDS = 2  # so few are no sentence; a face shows them with what they belong to

_OPENING = re.compile(r"^[\s\u201c\u2018\u00ab\"'(\[]+")
_JOINED = re.compile(r"^(?:but|and|or|nor|yet|so)\b,?\s*", re.IGNORECASE)
_PRONOUN = re.compile(
    r"(?:he|she|it|they|his|her|hers|him|its|their|theirs|them)\b(?!-)|it['\u2019]s\b",
    re.IGNORECASE,
)
_ADVERB = r"(?:\w+ly|not|also|now|still|often|very|quite|rather|most|more|thus|therefore|once)"
_EXPLETIVE = re.compile(  # "it" that stands for nothing: "It is clear that", "It was Watt who"
    rf"it(?:['\u2019]s|\s(?:is|was|will\sbe|would\sbe|may\sbe|can\sbe|has\sbeen|had\sbeen|became|seems|"
    rf"appears|remains))\s(?:{_ADVERB}\s)*(?:"
    r"(?!(?:\w+e[dn]|built|made|sent|set|meant|left|held|led)\s(?!that))[\w-]+"
    r"(?:\s(?:of|for|by|in|on)\s[^,.;]{1,40})?\s(?:that|to|if|whether|how|why|when|who)\b|"
    r"[^,.;]{1,60}\s(?:that|who)\b|raining|snowing|getting\s\w+|time\b|\d)|"
    r"it\s(?:takes|took)\s[^,.;]{1,60}\sto\b|it\s(?:turns|turned)\sout\b|it\s(?:follows|seems)\sthat\b",
    re.IGNORECASE,
)
_NOW = (
    r"(?:year|month|week|weekend|morning|afternoon|evening|spring|summer|autumn|fall|winter|century|"
    r"decade|season|day|time|article|paper|page|report|document|chapter|book|study|site|website|section|"
    r"\w+day|January|February|March|April|May|June|July|August|September|October|November|December)"
)
_DEMONSTRATIVE = re.compile(
    rf"(?:this|these|those|that)\b(?!\s{_NOW}\b|\s\w+\sof\s(?:\d|[A-Z])|-)(?!(?<=those)\s(?:who|in|with|"
    r"living|born|of|from|at)\b)",
    re.IGNORECASE,
)
_EARLY = (
    re.compile(  # a demonstrative among the first words: "The benefit of this", "For this reason"
        rf"(?:[\w-]+\s){{1,5}}?(?:this|these)\b(?!\s{_NOW}\b)", re.IGNORECASE
    )
)
_VERB = (
    r"(?:is|are|was|were|has|have|had|can|could|will|would|may|might|must|should|do|did|does|"
    r"said|say|came|went|became|made|took|fled|left|[a-z]+ed)\b"
)
_POINTING = re.compile(
    rf"the\s(?:latter|former(?=,|\s{_VERB})|same|two|three|four|other|others|pair|duo)\b|"
    r"both\b(?!\s[^,.;]{1,60}\sand\s)|such\b(?!\sas\b)|neither\b(?!\s[^,.;]{1,60}\snor\s)|"
    rf"(?:most|some|many|few|several|others|none|all|each|another|one|two|three)\s(?:of\s(?:them|these|"
    rf"those|this|it)\b|{_VERB})",
    re.IGNORECASE,
)
_CLAUSE = re.compile(  # "When they arrived, the settlers", not "When he was young, Mozart"
    r"(?:when|while|after|before|as|once|if|although|though|because|since)\s(?:he|she|they)\b"
    r"(?![^,]*,\s(?-i:[A-Z]))",
    re.IGNORECASE,
)
_CONNECTIVE = re.compile(
    r"(?:however|instead|nevertheless|nonetheless|therefore|moreover|furthermore|additionally|"
    r"consequently|accordingly|conversely|likewise|similarly|otherwise|hence|thus|still|besides|"
    r"indeed|in\sfact|in\saddition|in\sturn|in\sother\swords|in\s(?:contrast|comparison)|for\s(?:example|"
    r"instance)|as\sa\s(?:result|consequence)|on\sthe\s(?:other\shand|contrary)|even\sso|"
    r"that\sis|in\sthat\scase|after\sthat|before\sthat|afterwards?|too),|"
    r"(?:also|therefore|thus|hence|by\scontrast|instead(?!\sof\b)|then(?!\s[A-Z]))\b",
    re.IGNORECASE,
)
_SET_SCENE = re.compile(  # "In 2012 it investigated", "More precisely, it tries"
    r"(?:(?:in|on|at|by|from|during|throughout|until|since|for|within)\s(?:(?!\b(?:what|which|that|when|who|how|"
    r"where|if)\b)[^,;:.]){1,50}?,?|\w+(?:\s\w+ly)?,)"
    r"\s(?=(?:he|she|it|they)\s)",
    re.IGNORECASE,
)
_SAID_BY = re.compile(  # "...", he added; not "Assad said ... 'I go', he added"
    r"[\u201d\"\u2019'],?\s(?:he|she|they|it)\s(?!and\b)[a-z]+|[\u201d\"],?\s(?:said|says|added)\s(?:he|she)\b"
)
_QUOTED = re.compile(r"\u201c[^\u201d]*\u201d|\"[^\"]*\"")
_NAME = re.compile(r"(?<=\w\s)[A-Z]")  # a capital, but not the sentence's first


def leans_on_previous(sentence: str) -> bool:
    """Whether a sentence is understood only behind the one before it.

    It opens with a pronoun or demonstrative that nothing inside it explains ("They stalled",
    "This"), with a connective ("However,"), is a quotation of somebody called "he", or a
    fragment. An "it" that stands for nothing ("It is clear that ...") and "this year" do not lean.
    """
    said = _OPENING.sub("", " ".join(sentence.split()))
    body = _JOINED.sub("", said)
    if _fragment(said) or _quotes_unnamed(sentence):
        return True
    if _refers(body):
        return True
    return bool(_CONNECTIVE.match(body))


def _refers(text: str) -> bool:
    """Whether it opens by pointing at something before."""
    scene = _SET_SCENE.match(text)
    if scene:
        text = text[scene.end() :]
    if _EXPLETIVE.match(text):
        return False
    patterns = (_PRONOUN, _DEMONSTRATIVE, _POINTING, _EARLY, _CLAUSE)
    return any(pattern.match(text) for pattern in patterns)


def _fragment(text: str) -> bool:
    words = re.findall(r"[^\W\d_]+(?:[-'\u2019]\w+)*", text)
    return len(words) <= FRAGMENT_WORDS or text[:1].islower()


def _quotes_unnamed(sentence: str) -> bool:
    """Whether it quotes somebody whom it calls by a pronoun, and names nobody before."""
    found = _SAID_BY.search(sentence)
    if not found:
        return False
    return not _NAME.search(_QUOTED.sub("", sentence[: found.start() + 1]))
