"""The passages behind an answer, as cards."""

from __future__ import annotations

import json
from collections.abc import Sequence

from qa.answer import Answer
from qa.documents import Document
from qa.hits import Explanation, Hit
from qa.page.wording import Span, counted, escaped, marked, provenance, title_of
from qa.passages import Sentence

HEADINGS = {
    "answered": "Evidence",
    "uncertain": "Possible evidence",
    "not_found": "Nearest passages, not answers",
}


def evidence(turn: int, answer: Answer | None) -> str:
    """The evidence panel: one card a hit, best first.

    Parameters
    ----------
    turn : int
        The number of the question in the conversation; cards are named ``hit-<turn>-<rank>``.
    answer : Answer or None
        None before the first question, or when it could not be answered.
    """
    if answer is None:
        return '<p class="nothing">The passages behind an answer appear here.</p>'
    cards = "".join(card(turn, hit, answer.sentences) for hit in answer.hits)
    return (
        f'<section class="evidence {answer.status}" data-turn="{turn}">'
        f"<h2>{HEADINGS[answer.status]}</h2>"
        f'<p class="about">{summary(answer)}</p>'
        f'<ol class="cards">{cards}</ol></section>'
    )


def summary(answer: Answer) -> str:
    """One line on which question these passages belong to (HTML)."""
    if not answer.hits:
        return "No passage shares anything with the question."
    return f"{counted(len(answer.hits), 'passage')} for “{escaped(shortened(answer.question))}”"


def shortened(text: str, length: int = 160) -> str:
    """At most `length` characters of a text, with an ellipsis where it was cut."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def card(turn: int, hit: Hit, sentences: Sequence[Sentence] = ()) -> str:
    """One passage with its answering sentences marked, its source and its score."""
    spans = spans_in(hit, sentences)
    return (
        f'<li class="card" id="hit-{turn}-{hit.rank}" tabindex="-1">'
        f'<div class="card-head"><span class="rank" aria-hidden="true">{hit.rank}</span>'
        f'<div><h3><span class="visually-hidden">Passage {hit.rank}: </span>'
        f"{escaped(title_of(hit.document))}</h3>"
        f'<p class="source">{escaped(provenance(hit.document))}</p></div></div>'
        f'<p class="passage">{marked(hit.passage.text, hit.passage.start, spans)}</p>'
        f"{also_in(hit.also_in)}"
        f'<div class="card-foot">{score(hit.score, hit.explanation)}'
        f"{opener('Show in article', hit.document, (hit.passage.start, hit.passage.end), spans)}"
        "</div></li>"
    )


def spans_in(hit: Hit, sentences: Sequence[Sentence]) -> list[Span]:
    """Where in the document this hit's answering sentences stand."""
    return [(sentence.start, sentence.end) for sentence in sentences if stands_in(sentence, hit)]


def stands_in(sentence: Sentence, hit: Hit) -> bool:
    """Whether the sentence is (at least partly) inside the hit's passage."""
    same_document = sentence.document.id == hit.document.id
    overlap = min(sentence.end, hit.passage.end) - max(sentence.start, hit.passage.start)
    return same_document and overlap > 0


def score(value: float, parts: Explanation) -> str:
    """The score as a bar in two parts, with the same numbers in words."""
    lexical, semantic = (round(100 * part, 1) for part in (parts.lexical, parts.semantic))
    return (
        '<div class="score"><div class="bar" aria-hidden="true">'
        f'<span class="lexical" style="width:{lexical}%"></span>'
        f'<span class="semantic" style="width:{semantic}%"></span></div>'
        f"<p>Score <b>{value:.2f}</b>: "
        f'<span class="part lexical">lexical {parts.lexical:.2f}</span> + '
        f'<span class="part semantic">semantic {parts.semantic:.2f}</span></p></div>'
    )


def also_in(sentences: Sequence[Sentence]) -> str:
    """The other articles that say the same, each a button that opens it there."""
    if not sentences:
        return ""
    links = ", ".join(
        opener(title_of(sentence.document), sentence.document, span, [span], style="link")
        for sentence in sentences
        for span in [(sentence.start, sentence.end)]
    )
    return f'<p class="also">Also in: {links}</p>'


def opener(
    label: str,
    document: Document,
    passage: Span | None = None,
    marks: Sequence[Span] = (),
    *,
    style: str = "quiet",
) -> str:
    """A button that opens an article, scrolled to `passage` with `marks` marked."""
    target = json.dumps({"document": document.id, "passage": passage, "marks": list(marks)})
    name = escaped(f"{label}: {title_of(document)}" if style == "quiet" else label)
    return (
        f'<button type="button" class="{style}" data-open="{escaped(target)}"'
        f' aria-haspopup="dialog" aria-label="{name}">{escaped(label)}</button>'
    )
