"""The conversation as a Markdown file.

A quotation in it is the article's own words and nothing else: the exact words of an answer are not
set in bold, which whoever quotes on would have to take out again, or own up to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa.answer import Answer
from qa.page.transcript import coverage_line, rank_of
from qa.page.turn import Turn
from qa.page.wording import publication, title_of
from qa.passages import Sentence
from qa.plain import unmentioned

# Everything that Markdown (with the usual extensions) may read as more than itself.
SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-!|$~&^=:@])")
ORDERED = re.compile(r"^(\s*\d+)([.)])", re.MULTILINE)


def markdown(turns: Sequence[Turn]) -> str:
    """The questions and answers as Markdown; words of the articles appear as they stand there."""
    return "\n".join(["# Questions and answers", "", *map(section, turns)])


def section(turn: Turn) -> str:
    """One question and its answer."""
    return f"## {literal(one_line(turn.question))}\n\n{reply(turn)}\n"


def reply(turn: Turn) -> str:
    """The answering sentences as quotations, or why there are none."""
    if turn.answer is None:
        return literal(turn.error or turn.note or turn.waiting)
    if not turn.answer.sentences:
        return f"{literal(turn.answer.text)}\n{covered(turn.answer)}"
    quotations = "\n".join(quotation(sentence, turn) for sentence in turn.answer.sentences)
    return doubt(turn.answer) + quotations + covered(turn.answer)


def covered(answer: Answer) -> str:
    """For an answer given while passages were embedded: how many could be found by meaning."""
    return f"\n*{literal(coverage_line(answer))}*\n" if answer.coverage < 1 else ""


def doubt(answer: Answer) -> str:
    """For an uncertain answer: that it is one, and what the passages leave unmentioned."""
    if answer.status != "uncertain":
        return ""
    missing = unmentioned(answer)
    return f"*The articles may not answer this{literal(f': {missing}') if missing else ''}.*\n\n"


def quotation(sentence: Sentence, turn: Turn) -> str:
    """One sentence, with where it stands."""
    rank = rank_of(sentence, turn.answer) if turn.answer is not None else None
    number = f"\\[{rank}\\] " if rank is not None else ""
    source = f"{title_of(sentence.document)}, {publication(sentence.document)}"
    quoted = "\n".join(f"> {literal(line)}" for line in sentence.text.splitlines())
    return f"{quoted}\n>\n> {number}{literal(source)}\n"


def literal(text: str) -> str:
    """Text that Markdown shows exactly as it is."""
    return ORDERED.sub(r"\1\\\2", SPECIAL.sub(r"\\\1", text))


def one_line(text: str) -> str:
    """The same words on one line."""
    return " ".join(text.split())
