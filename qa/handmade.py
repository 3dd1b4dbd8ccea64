"""Documents made by hand, not read from a folder, to an index."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing

from qa import derived, duplicates
from qa.arguments import check_document
from qa.corpus import Corpus
from qa.directory import IndexDirectory
from qa.documents import Document
from qa.embedding import Encoder
from qa.filling import fill_all
from qa.ingest import recipe, take
from qa.progress import Progress, ProgressCallback
from qa.store import FileState, Store


def corpus(
    documents: Iterable[Document],
    encoder: Encoder,
    place: IndexDirectory | None,
    report: ProgressCallback,
) -> Corpus:
    """Documents ready to be searched, vectors and all, in memory or kept in a place.

    Raises
    ------
    ValueError
        As for `take_in`.
    """
    if place is None:
        store = Store(None)
        take_in(store, documents, encoder, report)
        made = Corpus(store, derived.build(store, encoder), encoder)
        fill_all(made, store, report)
        return made
    with place.writing(), closing(place.open_store()) as store:
        take_in(store, documents, encoder, report)
        made = _published(store, encoder, place)
        if made.derived.whole:
            return made
        fill_all(made, store, report)
        made.store.close()
        kept = store.snapshot()
        return Corpus(kept, derived.completed(made.derived, kept, encoder, place.path), encoder)


def _published(store: Store, encoder: Encoder, place: IndexDirectory) -> Corpus:
    kept = store.snapshot()
    both = derived.load(kept, encoder, place.path)
    return Corpus(kept, both or derived.publish(kept, encoder, place.path), encoder)


def take_in(
    store: Store, documents: Iterable[Document], encoder: Encoder, report: ProgressCallback
) -> None:
    """Make a store hold these documents and no others; nothing is embedded yet.

    Raises
    ------
    ValueError
        When two documents have the same id, or an id cannot be encoded.
    """
    if store.recipe() != recipe(encoder):
        store.start_recipe(recipe(encoder))
    known, new = store.states(), []
    states: dict[str, FileState] = {}
    for document in documents:
        check_document(document, states)
        states[document.id] = _state(document)
        if known.get(document.id) != states[document.id]:
            new.append(document)
    _take_all(store, new, states, encoder, report)
    gone = known.keys() - states.keys()
    for id in sorted(gone):
        store.remove(id)
    store.vectors.drop_unused()
    if store.path:  # in memory, signatures are made when they are asked for
        duplicates.sign(store)


def _take_all(
    store: Store,
    documents: Sequence[Document],
    states: Mapping[str, FileState],
    encoder: Encoder,
    report: ProgressCallback,
) -> None:
    passages = 0
    started = time.monotonic()
    for done, document in enumerate(documents, 1):
        path = os.fsencode(document.path) if document.path else None
        taken = take(store, encoder, document.id, states[document.id], [document], path=path)
        passages += taken.passages
        seconds = max(time.monotonic() - started, 1e-9)
        left = seconds * (len(documents) - done) / done
        report(Progress("reading", done, len(documents), passages, passages / seconds, left))


def _state(document: Document) -> FileState:
    """What a document made by hand is told by, as a file by its content."""
    told = (document.title, document.date, document.path, document.source, document.format)
    content = repr((*told, document.text)).encode()
    return FileState(len(document.text), 0, hashlib.sha256(content).hexdigest())
