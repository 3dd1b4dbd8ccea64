"""Whether two sentences say the same in nearly the same words. Knows no index."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

from qa import lexical

NEARLY_IDENTICAL = 85.0  # per cent of a sentence's characters, in order
SPELLING = 80.0  # per cent of a word's characters, in order, when it is spelled in another way
_ARTICLES = frozenset({"a", "an", "the", "that"})
_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|\w+(?:[-.'\u2019]\w+)*")
_FIGURE = re.compile(
    r"\d+(?:[.,]\d+)*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
    r"(?:thir|four|fif|six|seven|eigh|nine)teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|"
    r"ninety|dozens?|scores|hundreds?|thousands?|[mb]illions?|trillions?|half|once|twice|double)\b",
    re.IGNORECASE,
)
_NEGATION = re.compile(r"\b(?:no|not|never|none|nor|without|cannot)\b|n['\u2019]t\b", re.IGNORECASE)


def nearly_identical(one: str, other: str) -> bool:
    """Whether two sentences say the same in nearly the same words.

    One may have words that the other lacks, and a word may be spelled in two ways. But sentences
    with different figures, or of which only one is negated, or in which one word stands for
    another ("Homs" for "Hama", "Monday" for "Friday", "before" for "after"), contradict each other
    however alike they look; names spelled in two ways count as two names.
    """
    if not fuzz.ratio(one.casefold(), other.casefold(), score_cutoff=NEARLY_IDENTICAL):
        return False
    if _figures(one) != _figures(other):
        return False
    if bool(_NEGATION.search(one)) != bool(_NEGATION.search(other)):
        return False
    return not _exchanges_words(_WORD.findall(one), _WORD.findall(other))


def _figures(text: str) -> set[str]:
    return {figure.casefold() for figure in _FIGURE.findall(text)}


def _exchanges_words(one: list[str], other: list[str]) -> bool:
    """Whether something else stands in the place of a word, or a word in another place."""
    gone: set[str] = set()
    come: set[str] = set()
    for left, right in _gaps(one, other):
        said, instead = _meant(left), _meant(right)
        if not said & instead and not _variants(left, right):
            if said and instead:
                return True
            gone |= said
            come |= instead
    return bool(gone & come)


def _gaps(one: list[str], other: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """The words of both that stand between those they have in common."""
    blocks = Indel.opcodes([w.casefold() for w in one], [w.casefold() for w in other])
    left: list[str] = []
    right: list[str] = []
    for block in blocks:
        if block.tag == "equal":
            yield left, right
            left, right = [], []
        else:
            left += one[block.src_start : block.src_end]
            right += other[block.dest_start : block.dest_end]
    yield left, right


def _meant(words: list[str]) -> set[str]:
    return {term for term in lexical.terms(" ".join(words)) if term not in _ARTICLES}


def _variants(left: list[str], right: list[str]) -> bool:
    """Whether two words are one in two spellings ("favour" and "favor"), as far as a name is none
    of them: "Austria" is not "Australia".
    """
    one, other = "".join(left), "".join(right)
    same_start = one[:2] == other[:2] and one.islower() and other.islower()
    return same_start and fuzz.ratio(one, other) >= SPELLING
