"""The passages behind an answer, as cards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from zlib import crc32

from qa.documents import Document
from qa.hits import Hit
from qa.page.turn import Turn
from qa.page.wording import (
    Marks,
    Named,
    Span,
    counted,
    escaped,
    marked,
    marks_of,
    provenance,
    title_of,
    told_apart,
)
from qa.passages import Sentence
from qa.plain import Part, by_document, score_parts

NO_MARKS = Marks()
MEANINGS = {
    "lexical": "How well the question’s words stand in it, rare ones above all",
    "semantic": "How near it is to the question in meaning",
    "matched": "How well each word of the question is met by one used in the same sense",
    "read": "How well it answers, read together with the question",
    "unread": "Not read with the question, because others looked better",
}

HEADINGS = {
    "answered": "Evidence",
    "uncertain": "Possible evidence",
    "not_found": "Nearest passages, not answers",
    "reading": "Passages found",
    "unread": "Passages found",
}


def evidence(turn: Turn | None) -> str:
    """The evidence panel: one card a hit, best first.

    Before the answer is there these are the passages that were found first, in their order then.

    Parameters
    ----------
    turn : Turn or None
        None before the first question. Cards are named ``hit-<turn>-<rank>``.
    """
    hits = hits_of(turn) if turn else None
    if turn is None or hits is None:
        return '<p class="nothing">The passages behind an answer appear here.</p>'
    sentences = turn.answer.sentences if turn.answer else ()
    cards = "".join(card(turn.number, hit, sentences) for hit in hits)
    return (
        f'<section class="evidence {state_of(turn)}" data-turn="{turn.number}">'
        f"<h2>{HEADINGS[state_of(turn)]}</h2>"
        f'<p class="about">{summary(turn.question, hits)}</p>'
        f'<ol class="cards">{cards}</ol></section>'
    )


def hits_of(turn: Turn) -> Sequence[Hit] | None:
    """The turn's passages as far as they are known; None before that."""
    return turn.answer.hits if turn.answer else turn.first or None


def state_of(turn: Turn) -> str:
    """The answer's status, or whether its passages are being read or could not be."""
    if turn.answer:
        return turn.answer.status
    return "reading" if turn.waiting else "unread"


def summary(question: str, hits: Sequence[Hit]) -> str:
    """One line on which question these passages belong to (HTML)."""
    if not hits:
        return "No passage shares anything with the question."
    return f"{counted(len(hits), 'passage')} for “{escaped(shortened(question))}”"


def shortened(text: str, length: int = 160) -> str:
    """At most `length` characters of a text, with an ellipsis where it was cut."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def card(turn: int, hit: Hit, sentences: Sequence[Sentence] = ()) -> str:
    """One passage with its answering sentences marked, its source and its score."""
    marks = marks_of(sentence for sentence in sentences if stands_in(sentence, hit))
    start, end = hit.passage.start, hit.passage.end
    return (
        f'<li class="card" id="hit-{turn}-{hit.rank}" tabindex="-1" '
        f'data-document="{escaped(hit.document.id)}" data-start="{start}" data-end="{end}">'
        f'<div class="card-head"><span class="rank" aria-hidden="true">{hit.rank}</span>'
        f'<div><h3><span class="visually-hidden">Passage {hit.rank}: </span>'
        f"{escaped(title_of(hit.document))}</h3>"
        f'<p class="source">{escaped(provenance(hit.document))}</p></div></div>'
        f'<p class="passage">{marked(hit.passage.text, start, marks)}</p>'
        f"{also_in(hit)}"
        f'<div class="card-foot">{score(hit)}'
        f"{opener('Show in article', hit.document, (start, end), marks)}</div></li>"
    )


def stands_in(sentence: Sentence, hit: Hit) -> bool:
    """Whether the sentence is (at least partly) inside the hit's passage."""
    same_document = sentence.document.id == hit.document.id
    overlap = min(sentence.end, hit.passage.end) - max(sentence.start, hit.passage.start)
    return same_document and overlap > 0


def score(hit: Hit) -> str:
    """The score as a bar of its parts, with the same numbers in words."""
    parts = score_parts(hit)
    gained = sum(part.value for part in parts if part.value > 0) or 1.0
    widths = [(part.name, 100 * hit.score * part.value / gained) for part in parts]
    bar = "".join(
        f'<span class="{name}" style="width:{width:.1f}%"></span>'
        for name, width in widths
        if width > 0
    )
    words = " ".join(f"<span>{in_words(part)}</span>" for part in parts).replace("+ ", "", 1)
    return (
        f'<div class="score"><div class="bar" aria-hidden="true">{bar}</div>'
        f"<p><span>Score <b>{hit.score:.2f}</b> =</span> {words}</p></div>"
    )


def in_words(part: Part) -> str:
    """A part's sign, name and amount (HTML)."""
    return (
        f"{'−' if part.value < 0 else '+'} "
        f'<span class="part {part.name}" title="{MEANINGS[part.name]}">'
        f"{part.words} {abs(part.value):.2f}</span>"
    )


def also_in(hit: Hit) -> str:
    """The other articles that say the same, each a button that opens it where it begins to."""
    if not hit.also_in:
        return ""
    found = by_document(hit.also_in)
    names = told_apart(hit.document, [some[0].document for some in found])
    links = ", ".join(
        opener(name, first.document, (first.start, first.end), marks_of(some), style="link")
        for name, some in zip(names, found, strict=True)
        for first in some[:1]
    )
    return f'<p class="also">Also in: {links}</p>'


def opener(
    label: str,
    document: Named,
    passage: Span | None = None,
    marks: Marks = NO_MARKS,
    *,
    style: str = "quiet",
) -> str:
    """A button that opens an article, scrolled to `passage` with `marks` marked.

    It bears the passage's own words and a checksum of the article's text, so that opening it can
    tell when the file has changed since.
    """
    said: dict[str, object] = {"document": document.id, "passage": passage, "marks": asdict(marks)}
    if passage is not None and isinstance(document, Document):
        said |= {"text": document.text[slice(*passage)], "was": checksum(document.text)}
    target = json.dumps(said)
    name = escaped(f"{label}: {title_of(document)}" if style == "quiet" else label)
    return (
        f'<button type="button" class="{style}" data-open="{escaped(target)}"'
        f' aria-haspopup="dialog" aria-label="{name}">{escaped(label)}</button>'
    )


def checksum(text: str) -> int:
    """Tells a text from what it was before; nothing more."""
    return crc32(text.encode("utf-8", "surrogatepass"))
