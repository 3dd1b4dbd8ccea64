"""Asking: from a question to the turns of the conversation, while the index may still be opening.

Knows when to wait and what to say meanwhile; not how any of it is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from qa import followup
from qa.hits import Hit
from qa.page.opening import Opening, plainly
from qa.page.turn import Turn, history
from qa.page.welcome import progress_line
from qa.page.wording import counted

PATIENCE = 0.5  # seconds between two looks at an index that is not ready
READING = "Reading the passages…"
NOTHING_YET = (
    "There is nothing to ask yet. Put articles into the folder, or add them under “Articles”, and "
    "ask again."
)


@dataclass(slots=True)
class Talk:
    """A conversation, as what goes on in it at one time shares it.

    What the browser cancels may be on its way already, or be asked next.
    """

    cleared: bool = False


def asked(
    opening: Opening,
    turns: Sequence[Turn],
    number: int,
    question: str,
    *,
    chosen: Collection[str] = (),
    k: int = 5,
) -> Iterator[list[Turn]]:
    """The conversation after a question: at once with the question in it, then with the passages
    that are found first, last with its answer.

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
    turn = Turn(number, question)
    for line in waiting_lines(opening):
        yield [*earlier, replace(turn, waiting=line), *later]
    yield [*earlier, replace(turn, waiting=searching(opening, chosen)), *later]
    turn = replace(turn, first=found(opening, earlier, question, chosen, k))
    if turn.first:
        yield [*earlier, replace(turn, waiting=READING), *later]
    yield [*earlier, answered(opening, earlier, turn, chosen, k), *later]


def waiting_lines(opening: Opening) -> Iterator[str]:
    """What to tell somebody who asks before the index is ready, until it is."""
    while not opening.wait(PATIENCE if opening.progress.stage != "ready" else 0.05):
        yield f"{progress_line(opening.progress)} Your question is answered after that."


def searching(opening: Opening, chosen: Collection[str]) -> str:
    """What is being done while the answer is looked for."""
    total = opening.index.status.documents if opening.index else 0
    number = len(chosen) or total
    return f"Searching {counted(number, 'article')}…" if number else "Searching…"


def found(
    opening: Opening, earlier: Sequence[Turn], question: str, chosen: Collection[str], k: int
) -> tuple[Hit, ...]:
    """The passages that the two searches find, not yet read: some hundredths of a second.

    None where that goes wrong: asking, which comes next, meets the same and says why.
    """
    query = followup.complete(question, history(earlier))
    try:
        hits = opening.ready().retrieve(query, k, documents=list(chosen) or None, rerank=False)
    except Exception:
        return ()
    return tuple(hits)


def answered(
    opening: Opening, earlier: Sequence[Turn], turn: Turn, chosen: Collection[str], k: int
) -> Turn:
    """The turn with its answer, or with the reason why there is none."""
    documents = list(chosen) or None
    try:
        index = opening.ready()
        answer = index.ask(turn.question, history(earlier), k=k, documents=documents)
        if not answer.hits and not index.outlines:
            return replace(turn, note=NOTHING_YET)
    except Exception as error:
        return replace(turn, error=plainly(error))
    return replace(turn, answer=answer, first=())
