"""Hits and answers in plain words and as plain JSON: what the page and the terminal share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from qa.answer import Answer
from qa.documents import Document
from qa.hits import Hit
from qa.passages import Sentence
from qa.store import Outline
from qa.sync import Changes

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a hit's score: its name in `Explanation`, and in plain words, and its value."""

    name: str
    words: str
    value: float


def score_parts(hit: Hit) -> list[Part]:
    """What a hit's score is the sum of, without what was not looked at."""
    told = hit.explanation
    parts = [Part("lexical", "words", told.lexical), Part("semantic", "meaning", told.semantic)]
    if told.matched or told.similarity:
        parts.append(Part("matched", "words in context", told.matched))
    if hit.reading is not None and not hit.reading.skimmed:
        parts.append(Part("read", "read", told.read))
    elif told.read:
        parts.append(Part("unread", "not read", told.read))
    return parts


def by_document(sentences: Iterable[Sentence]) -> list[list[Sentence]]:
    """The sentences of each document, from its beginning; documents as they are first named."""
    found: dict[str, list[Sentence]] = {}
    for sentence in sentences:
        found.setdefault(sentence.document.id, []).append(sentence)
    return [sorted(some, key=lambda sentence: sentence.start) for some in found.values()]


def unmentioned(answer: Answer) -> str:
    """``none of the passages found mentions “quiche” or “Wimbledon”``, or ``""``."""
    words = [f"“{word}”" for word in answer.missing]
    if not words:
        return ""
    listed = f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
    none = "none of the passages found mentions" if len(answer.hits) > 1 else "no passage mentions"
    return f"{none} {listed}"


def plain_hit(hit: Hit) -> Plain:
    """One hit; offsets count characters of the document's text. Its score is the sum of four."""
    return {
        "rank": hit.rank,
        "score": hit.score,
        "lexical": hit.explanation.lexical,
        "semantic": hit.explanation.semantic,
        "matched": hit.explanation.matched,
        "read": hit.explanation.read,
        "document": plain_document(hit.document),
        "text": hit.passage.text,
        "start": hit.passage.start,
        "end": hit.passage.end,
        "also_in": [plain_sentence(sentence) for sentence in hit.also_in],
    }


def plain_answer(answer: Answer) -> Plain:
    """One answer, with its sentences and the hits behind it."""
    return {
        "question": answer.question,
        "query": answer.query,
        "status": answer.status,
        "confidence": answer.confidence,
        "coverage": answer.coverage,
        "text": answer.text,
        "missing": list(answer.missing),
        "sentences": [plain_sentence(sentence) for sentence in answer.sentences],
        "hits": [plain_hit(hit) for hit in answer.hits],
    }


def plain_sentence(sentence: Sentence) -> Plain:
    """One sentence and where it stands; `lead_in` and `exact` are offsets like `start`, or None."""
    return {
        "text": sentence.text,
        "start": sentence.start,
        "end": sentence.end,
        "lead_in": list(sentence.lead_in) if sentence.lead_in else None,
        "exact": list(sentence.exact) if sentence.exact else None,
        "document": plain_document(sentence.document),
    }


def plain_document(document: Document) -> Plain:
    """What identifies a document; neither its text nor its place on the disk."""
    return {
        "id": document.id,
        "title": document.title,
        "source": document.source,
        "date": document.date.isoformat() if document.date else None,
    }


def plain_outline(outline: Outline) -> Plain:
    """What identifies a document in a list of very many, its file, and how long its text is."""
    return {
        "id": outline.id,
        "title": outline.title,
        "source": outline.source,
        "date": outline.date.isoformat() if outline.date else None,
        "file": outline.file,
        "characters": outline.characters,
    }


def plain_changes(changes: Changes) -> Plain:
    """What a synchronisation did; what was renamed is among the added and the removed too."""
    return {
        "added": list(changes.added),
        "changed": list(changes.changed),
        "removed": list(changes.removed),
        "renamed": [list(pair) for pair in changes.renamed],
        "failed": [{"file": one.path, "reason": one.reason} for one in changes.failed],
    }
