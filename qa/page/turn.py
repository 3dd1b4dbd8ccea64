"""One turn of the conversation: a question, and how far its answer has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qa.answer import Answer
from qa.hits import Hit


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and how far its answer has come.

    Parameters
    ----------
    number : int
        From 1, in the order of the conversation.
    question : str
    answer : Answer or None
        None while it is awaited, or when there was an error.
    waiting : str
        What is being done meanwhile, in words; ``""`` when nothing is.
    error : str
        Why there is no answer, in one plain line; ``""`` when there was no error.
    note : str
        What there is to say instead of an answer where nothing went wrong; ``""`` when nothing.
    first : tuple of Hit
        The passages that the two searches found, best first, until they have been read; kept when
        that goes wrong.
    """

    number: int
    question: str
    answer: Answer | None = None
    waiting: str = ""
    error: str = ""
    note: str = ""
    first: tuple[Hit, ...] = ()


def history(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """The answered turns as the messages that `Index.ask` takes for its history."""
    return [
        message
        for turn in turns
        if turn.answer is not None
        for message in (
            {"role": "user", "content": turn.question},
            {"role": "assistant", "content": turn.answer.text},
        )
    ]
