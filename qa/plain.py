"""Hits and answers as plain JSON: for the API and for `qa ask --json`."""

from __future__ import annotations

from typing import Any

from qa.answer import Answer
from qa.documents import Document
from qa.hits import Hit
from qa.passages import Sentence

Plain = dict[str, Any]


def plain_hit(hit: Hit) -> Plain:
    """One hit; offsets count characters of the document's text."""
    return {
        "rank": hit.rank,
        "score": hit.score,
        "lexical": hit.explanation.lexical,
        "semantic": hit.explanation.semantic,
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
        "text": answer.text,
        "missing": list(answer.missing),
        "sentences": [plain_sentence(sentence) for sentence in answer.sentences],
        "hits": [plain_hit(hit) for hit in answer.hits],
    }


def plain_sentence(sentence: Sentence) -> Plain:
    """One sentence and where it stands."""
    return {
        "text": sentence.text,
        "start": sentence.start,
        "end": sentence.end,
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
