"""Phrases in quotation marks: which a question has, and whether a text has one. Knows no index.

A phrase stands in a text word for word. What a keyboard or a typesetter decides makes no
difference: character case, the kind of white space, of dash and of quotation mark.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# A straight mark opens where no word ends, so that a 5" pipe beside a 6" pipe quotes nothing.
_QUOTED = re.compile(
    r'(?<!\w)"(?=\S)([^"]*\w[^"]*)(?<=\S)"(?!\w)|'
    r"[“„]([^“”„]*\w[^“”„]*)[”“]|"
    r"«([^«»]*\w[^«»]*)»"
)
_ENDS = re.compile(r"^[\s…]+|[\s.,;:!?…]+$")  # a full stop may stand inside the marks
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"  # soft hyphens and their like
_PLAIN = str.maketrans(dict.fromkeys("‘’‚‛ʼ´`＇", "'") | dict.fromkeys(_INVISIBLE))
_ALIKE = _PLAIN | str.maketrans(
    dict.fromkeys("“”„‟«»‹›＂", "'") | dict.fromkeys("‐‑‒–—―−﹘﹣－", "-")
)

UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""A letter of a script that puts no space between words."""


def quoted(question: str) -> tuple[str, ...]:
    """The phrases of at least one word that stand in "double", “typographic” or «angular» marks,
    each once, as they are spelled.

    Single quotation marks are apostrophes too, and quote nothing.
    """
    phrases = (_ENDS.sub("", found[found.lastindex or 0]) for found in _QUOTED.finditer(question))
    return tuple(dict.fromkeys(phrases))


def unquoted(question: str) -> str:
    """The question without the marks around its phrases: the words are searched, not required."""
    return _QUOTED.sub(lambda found: found[found.lastindex or 0], question)


def stands_in(phrase: str, text: str) -> bool:
    """Whether a phrase stands in a text, its words whole and in their order."""
    words, whole = _wanted(phrase)
    folded = _folded(text)
    return words in folded and bool(whole.search(folded))


def plain(text: str) -> str:
    """The text composed, its apostrophes straight, without invisible characters."""
    return unicodedata.normalize("NFC", text.translate(_PLAIN))


def _folded(text: str) -> str:
    """The text with one kind of case, white space, dash and quotation mark."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_ALIKE))
    folded = " ".join(text.casefold().replace('"', "'").split())
    for dash in (" -", "- ", "---", "--"):
        folded = folded.replace(dash, "-")
    return folded


@lru_cache(maxsize=64)
def _wanted(phrase: str) -> tuple[str, re.Pattern[str]]:
    """A phrase as it stands in a folded text, and the same between the ends of words."""
    folded = _folded(phrase)
    before = r"(?<!\w)" if _is_whole(folded[0]) else ""
    after = r"(?!\w|'t\b)" if _is_whole(folded[-1]) else ""  # "won" does not stand in "won't"
    return folded, re.compile(before + re.escape(folded) + after)


def _is_whole(letter: str) -> bool:
    """Whether a word that begins or ends with this character has to begin or end there."""
    return letter.isalnum() and not UNSPACED.match(letter)
