"""The conversation as a Markdown file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa.page.transcript import Turn, rank_of
from qa.page.wording import publication, title_of
from qa.passages import Sentence

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
        return literal(turn.error or turn.waiting)
    if not turn.answer.sentences:
        return f"{literal(turn.answer.text)}\n"
    doubt = "*The articles may not answer this.*\n\n" if turn.answer.status == "uncertain" else ""
    return doubt + "\n".join(quotation(sentence, turn) for sentence in turn.answer.sentences)


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
