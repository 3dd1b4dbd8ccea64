"""Complete a follow-up question from the conversation before it. Knows no index."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from qa import lexical

_POINTS_BACK = re.compile(
    r"\b(?:he|him|his|she|hers?|it|its|they|them|theirs?|this|that|these|those|there|then|so|"
    r"same|else|others?)\b",
    re.IGNORECASE,
)
_CONTINUES = re.compile(
    r"^\W*(?:and|but|or|so|why|how about|what about|also|what else)\b", re.IGNORECASE
)
_FEW_TERMS = 2  # a question with no more content words than this may lean on the one before
_POINTING_TERMS = 4  # one that points back ("did he ...") may have a few more


def complete(question: str, history: Sequence[Mapping[str, str]]) -> str:
    """What to search for: the question, behind the one it follows when it does not stand alone.

    Parameters
    ----------
    history : sequence of {"role": ..., "content": ...}
        Earlier messages, oldest first; only the user's are looked at.
    """
    earlier = [m["content"] for m in history if m.get("role") == "user" and m["content"].strip()]
    if not earlier or not _leans(question):
        return question
    return f"{complete(earlier[-1], [_message(e) for e in earlier[:-1]][-1:])} {question}"


def _message(content: str) -> dict[str, str]:
    return {"role": "user", "content": content}


def _leans(question: str) -> bool:
    terms = len(lexical.content_terms(question))
    if _CONTINUES.search(question) and terms <= _POINTING_TERMS:
        return True
    if _POINTS_BACK.search(question):
        return terms <= _POINTING_TERMS
    return False
