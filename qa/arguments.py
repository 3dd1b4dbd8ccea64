"""What may be passed to an index, and the words for what may not."""

from __future__ import annotations

from collections.abc import Collection

from qa import retrieval
from qa.documents import Document
from qa.errors import QuestionError
from qa.ingest import only_characters


def checked_question(question: str, k: int) -> str:
    """The question as it can be searched.

    Raises
    ------
    QuestionError
        For an empty or over-long question, or k below 1.
    TypeError
        When the question is no str or k no int.
    """
    if not isinstance(question, str):
        raise TypeError(f"the question is a {type(question).__name__}: give a str")
    if isinstance(k, bool) or not isinstance(k, int):
        raise TypeError(f"k is {k!r}, a {type(k).__name__}: give an int")
    if k < 1:
        raise QuestionError(f"k is {k}: ask for at least 1 passage")
    retrieval.check_question(question)
    return only_characters(question)


def checked_ids(documents: Collection[str] | None) -> list[str] | None:
    """The ids to search in, without those that no document can have; None for all.

    Raises
    ------
    TypeError
        For a single str, whose characters would be taken for ids, and for what is no str.
    """
    if documents is None:
        return None
    if isinstance(documents, str):
        raise TypeError(f"documents is one str, {documents!r}: give a list of ids")
    ids = list(documents)
    for id in ids:
        if not isinstance(id, str):
            raise TypeError(f"documents holds {id!r}, a {type(id).__name__}: give their ids")
    return [id for id in ids if only_characters(id) == id]


def check_document(document: Document, seen: Collection[str]) -> None:
    """Raise for a document that was not made as it must be.

    Raises
    ------
    ValueError
        When its id was seen before or cannot be encoded.
    TypeError
        When it is no Document or one of its texts is no str.
    """
    if not isinstance(document, Document):
        raise TypeError(f"not a qa.Document but a {type(document).__name__}: {document!r:.80}")
    for name in ("id", "text", "title", "source"):
        value = getattr(document, name)
        if not isinstance(value, str):
            kind = type(value).__name__
            raise TypeError(f"the {name} of document {document.id!r} is a {kind}: give a str")
    if only_characters(document.id) != document.id:
        raise ValueError(f"the id {document.id!r} has a lone surrogate, which is no character")
    if document.id in seen:
        raise ValueError(f"two documents with the id {document.id!r}")
