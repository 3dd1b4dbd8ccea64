"""The conversation: each question with what the articles say to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qa.answer import Answer
from qa.documents import Document
from qa.page.evidence import shortened, stands_in
from qa.page.wording import counted, escaped, publication, title_of
from qa.passages import Sentence

FURTHER_SENTENCES = 4  # quoted under the first; more would bury it
QUESTION_SHOWN = 600  # characters


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
    """

    number: int
    question: str
    answer: Answer | None = None
    waiting: str = ""
    error: str = ""


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


def transcript(turns: Sequence[Turn]) -> str:
    """The whole conversation as a live region, oldest question first."""
    return (
        '<div class="log" role="log" aria-live="polite" aria-label="Conversation">'
        f"{''.join(map(exchange, turns))}</div>"
    )


def exchange(turn: Turn) -> str:
    """One question and its reply."""
    busy = "true" if turn.waiting else "false"
    return (
        f'<article class="turn" id="turn-{turn.number}" data-turn="{turn.number}" '
        f'data-question="{escaped(turn.question)}" aria-busy="{busy}">'
        f'<h2 class="question"><span class="visually-hidden">You asked: </span>'
        f"{escaped(shortened(turn.question, QUESTION_SHOWN))}</h2>{reply(turn)}</article>"
    )


def reply(turn: Turn) -> str:
    """What the page says to a question: the answer, or what keeps it."""
    if turn.error:
        return f'<div class="reply error"><p>{escaped(turn.error)}</p>{tools(turn)}</div>'
    if turn.answer is None:
        return f'<div class="reply waiting"><p>{escaped(turn.waiting)}</p></div>'
    said = quotations if turn.answer.sentences else refusal
    return (
        f'<div class="reply {turn.answer.status}">{searched(turn.answer)}'
        f"{said(turn.number, turn.answer)}{tools(turn)}</div>"
    )


def searched(answer: Answer) -> str:
    """What a follow-up was completed to, where that differs from the question."""
    if answer.query == answer.question:
        return ""
    return f'<p class="searched">Searched for: {escaped(answer.query)}</p>'


def quotations(turn: int, answer: Answer) -> str:
    """The answering sentences, word for word, each with its reference."""
    first, *others = answer.sentences
    return (
        f"{doubt(answer)}"
        f"<blockquote><p>{escaped(first.text)}</p></blockquote>"
        f'<p class="attribution">{attribution(first.document)} {reference(turn, first, answer)}</p>'
        f"{further(turn, others, answer)}"
    )


def doubt(answer: Answer) -> str:
    """For an uncertain answer: that it is one, and what the passages leave unmentioned."""
    if answer.status != "uncertain":
        return ""
    return (
        '<p class="verdict">The articles may not answer this. The closest sentence:</p>'
        f"{unmentioned(answer)}"
    )


def refusal(turn: int, answer: Answer) -> str:
    """That the articles do not say, and what the nearest passages are."""
    nearest = (
        f'<p>The <button type="button" class="link" data-evidence="{turn}">'
        f"{counted(len(answer.hits), 'nearest passage')}</button> can be read, "
        f"but {'it does' if len(answer.hits) == 1 else 'they do'} not answer it.</p>"
    )
    return (
        '<p class="verdict">The articles do not say.</p>'
        f"{unmentioned(answer)}{nearest if answer.hits else ''}"
    )


def unmentioned(answer: Answer) -> str:
    """Which words of the question are in none of the passages."""
    if not answer.missing:
        return ""
    words = ", ".join(f"<q>{escaped(word)}</q>" for word in answer.missing)
    return f'<p class="missing">No passage mentions {words}.</p>'


def attribution(document: Document) -> str:
    """Who published the sentence, and under which headline (HTML)."""
    if document.source:
        return f"{escaped(publication(document))}: <cite>{escaped(title_of(document))}</cite>"
    if document.title:
        return f"<cite>{escaped(document.title)}</cite>, {escaped(publication(document))}"
    return escaped(publication(document))


def further(turn: int, sentences: Sequence[Sentence], answer: Answer) -> str:
    """The other answering sentences, each with a numbered reference to its card."""
    if not sentences:
        return ""
    items = "".join(
        f"<li><blockquote><p>{escaped(sentence.text)}</p></blockquote>"
        f"{reference(turn, sentence, answer)}</li>"
        for sentence in sentences[:FURTHER_SENTENCES]
    )
    return f'<p class="further-title">Also relevant</p><ul class="further">{items}</ul>'


def reference(turn: int, sentence: Sentence, answer: Answer) -> str:
    """A button ``[2]`` that shows the card of the passage the sentence stands in."""
    rank = rank_of(sentence, answer)
    if rank is None:
        return ""
    return (
        f'<button type="button" class="reference" data-evidence="{turn}" data-rank="{rank}" '
        f'aria-label="Evidence {rank}">[{rank}]</button>'
    )


def rank_of(sentence: Sentence, answer: Answer) -> int | None:
    """The rank of the first hit whose passage holds the sentence."""
    return next((hit.rank for hit in answer.hits if stands_in(sentence, hit)), None)


def tools(turn: Turn) -> str:
    """Copy, link, retry; and on a narrow page the way down to the evidence."""
    answered = turn.answer is not None
    return (
        '<p class="tools">'
        + (
            f'<button type="button" class="quiet to-evidence" data-evidence="{turn.number}">'
            "Evidence</button>"
            if answered
            else ""
        )
        + (
            f'<button type="button" class="quiet" data-copy="{escaped(copied(turn))}">Copy</button>'
            if answered
            else ""
        )
        + '<button type="button" class="quiet" data-link>Copy link</button>'
        '<button type="button" class="quiet" data-again>Ask again</button></p>'
    )


def copied(turn: Turn) -> str:
    """An answer as plain text for the clipboard, with its sources."""
    if turn.answer is None or not turn.answer.sentences:
        return f"{turn.question}\n\n{turn.answer.text if turn.answer else turn.error}"
    quotes = [
        f"{sentence.text}\n({title_of(sentence.document)}; {publication(sentence.document)})"
        for sentence in turn.answer.sentences[: 1 + FURTHER_SENTENCES]
    ]
    return "\n\n".join([turn.question, *quotes])
