"""The conversation: each question with what the articles say to it."""

from __future__ import annotations

from collections.abc import Sequence

from qa.answer import Answer
from qa.documents import Document
from qa.page.evidence import shortened, stands_in
from qa.page.turn import Turn
from qa.page.wording import counted, escaped, percent, publication, quoted, title_of
from qa.passages import Sentence
from qa.plain import unmentioned

FURTHER_SENTENCES = 4  # quoted under the first; more would bury it
QUESTION_SHOWN = 600  # characters


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
        return (
            f'<div class="reply error"><p>{escaped(turn.error)}</p>{rest(turn)}{tools(turn)}</div>'
        )
    if turn.note:
        return f'<div class="reply not_found"><p>{escaped(turn.note)}</p>{tools(turn)}</div>'
    if turn.answer is None:
        return f'<div class="reply waiting"><p>{escaped(turn.waiting)}</p></div>'
    said = quotations if turn.answer.sentences else refusal
    return (
        f'<div class="reply {turn.answer.status}">{searched(turn.answer)}'
        f"{said(turn, turn.answer)}{covered(turn.answer)}{tools(turn)}</div>"
    )


def covered(answer: Answer) -> str:
    """For an answer given while passages were embedded: how many could be found by their meaning.

    Its button is hidden until there are more of them.
    """
    if answer.coverage >= 1:
        return ""
    return (
        f'<p class="covered">{coverage_line(answer)} <button type="button" class="quiet" '
        f'data-again data-covered="{percent(answer.coverage)}" hidden>Ask again</button></p>'
    )


def coverage_line(answer: Answer) -> str:
    """``Asked when semantic search covered 38 %.``"""
    share = percent(answer.coverage)
    if not share:
        return "Asked before semantic search had begun: only words were searched."
    return f"Asked when semantic search covered {share} %."


def rest(turn: Turn) -> str:
    """What there is all the same, when the answer failed."""
    if not turn.first:
        return ""
    found = passages(turn, counted(len(turn.first), "passage"))
    return f"<p>What was found can be read all the same: {found}.</p>"


def searched(answer: Answer) -> str:
    """What a follow-up was completed to, where that differs from the question."""
    if answer.query == answer.question:
        return ""
    return f'<p class="searched">Searched for: {escaped(answer.query)}</p>'


def quotations(turn: Turn, answer: Answer) -> str:
    """The answering sentences, word for word, each with its reference."""
    first, *others = answer.sentences
    return (
        f"{doubt(answer)}"
        f"<blockquote><p>{quoted(first)}</p></blockquote>"
        f'<p class="attribution">{attribution(first.document)} '
        f"{reference(turn.number, first, answer)}</p>{further(turn.number, others, answer)}"
    )


def doubt(answer: Answer) -> str:
    """For an uncertain answer: that it is one, and what the passages leave unmentioned."""
    if answer.status != "uncertain":
        return ""
    return (
        f'<p class="verdict">{verdict("The articles may not answer this", answer)}</p>'
        '<p class="closest">The closest sentence:</p>'
    )


def refusal(turn: Turn, answer: Answer) -> str:
    """That the articles do not say, and what the nearest passages are."""
    number = len(answer.hits)
    nearest = (
        f"<p>The {passages(turn, counted(number, 'nearest passage'))} can be read, "
        f"but {'it does' if number == 1 else 'they do'} not answer it.</p>"
    )
    return (
        f'<p class="verdict">{verdict("The articles do not say", answer)}</p>'
        f"{nearest if answer.hits else ''}"
    )


def verdict(said: str, answer: Answer) -> str:
    """A plain sentence, and why so where words of the question are not mentioned (HTML)."""
    missing = unmentioned(answer)
    return f'{said}<span class="missing">: {escaped(missing)}.</span>' if missing else f"{said}."


def passages(turn: Turn, label: str) -> str:
    """A button that leads to the evidence."""
    return f'<button type="button" class="link" data-evidence="{turn.number}">{label}</button>'


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
        f"<li><blockquote><p>{quoted(sentence)}</p></blockquote>"
        f"{reference(turn, sentence, answer)}</li>"
        for sentence in sentences[:FURTHER_SENTENCES]
    )
    title = "Also close" if answer.status == "uncertain" else "Also relevant"
    return f'<p class="further-title">{title}</p><ul class="further">{items}</ul>'


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
    answered, found = turn.answer is not None, turn.answer is not None or turn.first
    partly = turn.answer is not None and turn.answer.coverage < 1  # has a button of its own
    return (
        '<p class="tools">'
        + (
            f'<button type="button" class="quiet to-evidence" data-evidence="{turn.number}">'
            "Evidence</button>"
            if found
            else ""
        )
        + (
            f'<button type="button" class="quiet" data-copy="{escaped(copied(turn))}">Copy</button>'
            if answered
            else ""
        )
        + '<button type="button" class="quiet" data-link>Copy link</button>'
        + ("" if partly else '<button type="button" class="quiet" data-again>Ask again</button>')
        + "</p>"
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
