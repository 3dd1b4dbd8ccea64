"""Cut a document into passages: whole sentences, exact offsets."""

from __future__ import annotations

from dataclasses import dataclass

from qa.documents import Document


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a document, word for word: ``text == document.text[start:end]``.

    `start` and `end` count characters from the beginning of the document's text.
    """

    document: Document
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.document.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document: ``text == document.text[start:end]``, always.

    Parameters
    ----------
    start, end : int
        Characters from the beginning of the document's text.
    text : str
        The stretch itself.
    sentences : tuple of (int, int)
        Where its sentences start and end, in characters of the *document*; headings that the
        passage opens with are not among them.
    """

    start: int
    end: int
    text: str
    sentences: tuple[tuple[int, int], ...] = ()
