"""Complete a follow-up question from the conversation before it. Knows no index."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from qa import lexical, quotation

MOST_TERMS = 5  # a question with more content words stands alone, whatever it points at

_POINTS_BACK = re.compile(
    r"\b(?:he|him|his|she|hers?|it|its|they|them|theirs?|else|others?)\b|"
    r"\b(?:this|that|these|those|there|then|so|same|next)\W*$|"
    r"\b(?:is|was|are|were|do|does|did|about|of|before|after|during|since|to|for|from|by|with) "
    r"(?:this|that|these|those)\b",
    re.IGNORECASE,
)
_CONTINUES = re.compile(r"^\W*(?:and|but|or|so|also|(?:how|what) about|what else)\b", re.IGNORECASE)
_NAME = re.compile(r"(?<=\s)[A-Z]")  # a capital, but not the question's first


def complete(question: str, history: Sequence[Mapping[str, Any]]) -> str:
    """What to search for: the question, behind those it follows when it does not stand alone.

    Parameters
    ----------
    history : sequence of {"role": ..., "content": ...}
        Earlier messages, oldest first; only the user's are looked at. The content is a text, or
        parts of which those with a text count. What has no text is passed over.

    Returns
    -------
    str
        The last earlier question that stands alone, the one just before when that is another, and
        this one; or this one alone. A phrase quoted earlier loses its quotation marks: its words
        are searched for, but only what this question quotes is required.
    """
    earlier = [text for text in map(_asked, history) if text]
    if not earlier or not _leans(question):
        return question
    base = next((text for text in reversed(earlier) if not _leans(text)), earlier[0])
    before = dict.fromkeys([base, earlier[-1]])
    return " ".join([*map(quotation.unquoted, before), question])


def _asked(message: Any) -> str:
    if not isinstance(message, Mapping) or message.get("role") != "user":
        return ""
    content = message.get("content")
    parts = content if isinstance(content, list | tuple) else [content]
    return " ".join(filter(None, map(_text, parts)))


def _text(part: Any) -> str:
    text = part.get("text") if isinstance(part, Mapping) else part
    return text.strip() if isinstance(text, str) else ""


def _leans(question: str) -> bool:
    terms = len(lexical.content_terms(question))
    if terms > MOST_TERMS:
        return False
    return not terms or bool(_CONTINUES.search(question)) or _points_back(question)


def _points_back(question: str) -> bool:
    """Whether a word points at something before the question, not at a name inside it."""
    found = _POINTS_BACK.search(question)
    return bool(found) and not _NAME.search(question, 0, found.start() if found else 0)
