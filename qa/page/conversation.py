"""Asking: from a question to the turns of the conversation, while the index may still be opening.

Knows when to wait and what to say meanwhile; not how any of it is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from qa.page.opening import Opening, plainly
from qa.page.transcript import Turn, history
from qa.page.welcome import progress_line
from qa.page.wording import counted

PATIENCE = 0.5  # seconds between two looks at an index that is not ready


def asked(
    opening: Opening,
    turns: Sequence[Turn],
    number: int,
    question: str,
    *,
    chosen: Collection[str] = (),
    k: int = 5,
) -> Iterator[list[Turn]]:
    """The conversation after a question: at once with the question in it, last with its answer.

    Parameters
    ----------
    opening : Opening
    turns : sequence of Turn
        The conversation so far.
    number : int
        The turn's place in the conversation; a turn that has it already is replaced.
    question : str
    chosen : collection of str
        Ids of the documents to search; none means all.
    k : int
        Passages behind the answer.
    """
    earlier = [turn for turn in turns if turn.number < number]
    later = [turn for turn in turns if turn.number > number]
    for line in waiting_lines(opening):
        yield [*earlier, Turn(number, question, waiting=line), *later]
    yield [*earlier, Turn(number, question, waiting=searching(opening, chosen)), *later]
    yield [*earlier, answered(opening, earlier, number, question, chosen, k), *later]


def waiting_lines(opening: Opening) -> Iterator[str]:
    """What to tell somebody who asks before the index is ready, until it is."""
    while not opening.wait(PATIENCE if opening.progress.stage != "ready" else 0.05):
        yield f"{progress_line(opening.progress)} Your question is answered after that."


def searching(opening: Opening, chosen: Collection[str]) -> str:
    """What is being done while the answer is looked for."""
    total = opening.index.status.documents if opening.index else 0
    return f"Searching {counted(len(chosen) or total, 'article')}…"


def answered(
    opening: Opening,
    earlier: Sequence[Turn],
    number: int,
    question: str,
    chosen: Collection[str],
    k: int,
) -> Turn:
    """The turn with its answer, or with the reason why there is none."""
    try:
        index = opening.ready()
        answer = index.ask(question, history(earlier), k=k, documents=list(chosen) or None)
    except Exception as error:
        return Turn(number, question, error=plainly(error))
    return Turn(number, question, answer=answer)
