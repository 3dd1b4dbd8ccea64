"""Documents to passages to the store: what can be searched by its words at once.

Knows what text of a passage is embedded, but embeds nothing: `qa.filling` does, afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from qa import documents, passages
from qa.documents import Document
from qa.embedding import Encoder
from qa.passages import Passage
from qa.store import Failure, FileState, Store, StoredPassage, vector_key

TITLE_TOKENS = 40  # of a title that a passage is embedded with; longer ones are cut
_SPECIAL_TOKENS = 8  # the encoder's own, and what joins title and passage
_FEWEST_TOKENS = 16

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def passage_tokens(encoder: Encoder) -> int:
    """The most tokens of a passage for this encoder: with its title it fits."""
    room = encoder.max_tokens - TITLE_TOKENS - _SPECIAL_TOKENS
    return max(min(passages.PASSAGE_TOKENS, room), _FEWEST_TOKENS)


def recipe(encoder: Encoder) -> str:
    """Names how files are read, cut and embedded; indexes of another recipe are made anew."""
    read, cut = documents.VERSION, passages.VERSION
    return f"{encoder.name} read-{read} cut-{cut} {passage_tokens(encoder)} tokens"


def model_of(recipe: str) -> str:
    """The name of the encoder in a recipe; it may have spaces, as a folder may."""
    return recipe.rpartition(" read-")[0]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one file's documents, by their ids."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    passages: int = 0  # that were cut


def take(
    store: Store,
    encoder: Encoder,
    file: str,
    state: FileState,
    documents: Sequence[Document] = (),
    failures: Sequence[Failure] = (),
    *,
    path: bytes | None = None,
) -> Taken:
    """Cut a file's documents into passages and store them, in one transaction.

    Those that are there already, and have not changed, stay as they are.

    Parameters
    ----------
    file : str
        The file's id.
    failures : sequence of Failure
        What in it could not be read.
    path : bytes, optional
        Where it lies, as the operating system spells it.
    """
    found = {document.id: _in_characters(document) for document in documents}
    taken = _difference(store.documents(store.ids(file)), found)
    new = {*taken.added, *taken.changed}
    cut = [(found[id], stored_passages(found[id], encoder)) for id in found if id in new]
    store.put(file, state, cut, failures, path=path, kept=found.keys() - new)
    return replace(taken, passages=sum(len(passages) for _, passages in cut))


def compare(store: Store, file: str, documents: Sequence[Document]) -> Taken:
    """What `take` would do with a file's documents, but for the passages."""
    found = {document.id: _in_characters(document) for document in documents}
    return _difference(store.documents(store.ids(file)), found)


def _difference(before: Mapping[str, Document], found: Mapping[str, Document]) -> Taken:
    return Taken(
        added=tuple(id for id in found if id not in before),
        changed=tuple(id for id in found if id in before and not _same(before[id], found[id])),
        removed=tuple(id for id in before if id not in found),
    )


def _same(old: Document, new: Document) -> bool:
    return replace(old, path=new.path) == new


def stored_passages(document: Document, encoder: Encoder) -> list[StoredPassage]:
    """A document's passages with the keys of their vectors."""
    title = embedded_title(document, encoder)
    most = passage_tokens(encoder)
    return [
        StoredPassage(passage, vector_key(embedded_text(title, passage)))
        for passage in passages.cut(document, encoder.count_tokens, max_tokens=most)
    ]


def embedded_text(title: str, passage: Passage) -> str:
    """What is embedded of a passage, the title as `embedded_title` gives it."""
    return f"{title}\n{passage.text}" if title else passage.text


def only_characters(text: str) -> str:
    """The text with U+FFFD for every lone surrogate: half a character, which nothing can encode.

    As long as before, so offsets hold.
    """
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def _in_characters(document: Document) -> Document:
    return replace(
        document,
        text=only_characters(document.text),
        title=only_characters(document.title),
        source=only_characters(document.source),
    )


def embedded_texts(store: Store, ids: Collection[int], encoder: Encoder) -> dict[int, str]:
    """What is embedded of the passages with these ids."""
    return {
        id: embedded_text(embedded_title(document, encoder), passage)
        for id, (document, passage) in store.passages(ids).items()
    }


def embedded_title(document: Document, encoder: Encoder) -> str:
    """As much of a document's title as is embedded with every passage.

    Nothing of one that is merely the file's name: who renames a file embeds nothing.
    """
    words = [] if documents.is_called_after_file(document) else document.title.split()
    used = 0
    for position, tokens in enumerate(encoder.count_tokens(words) if words else []):
        used += tokens
        if used > TITLE_TOKENS:
            return " ".join(words[:position])
    return " ".join(words)
