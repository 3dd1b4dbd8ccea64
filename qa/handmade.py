"""Documents made by hand, not read from a folder, to a store."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence

from qa.arguments import check_document
from qa.documents import Document
from qa.embedding import Encoder
from qa.ingest import Ingester, recipe
from qa.progress import Progress, ProgressCallback
from qa.store import FileState, Store


def take_in(
    store: Store, documents: Iterable[Document], encoder: Encoder, report: ProgressCallback
) -> None:
    """Make a store hold these documents and no others; one that it holds is not read again.

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
    _ingest(store, new, states, encoder, report)
    gone = known.keys() - states.keys()
    for id in sorted(gone):
        store.remove(id)
    if new or gone:
        store.drop_unused_vectors()


def _ingest(
    store: Store,
    documents: Sequence[Document],
    states: Mapping[str, FileState],
    encoder: Encoder,
    report: ProgressCallback,
) -> None:
    done = passages = 0
    started = time.monotonic()

    def embedded(some: int) -> None:
        nonlocal passages
        passages += some
        seconds = max(time.monotonic() - started, 1e-9)
        left = seconds * (len(documents) - done) / done if done else None
        report(Progress("indexing", done, len(documents), passages, passages / seconds, left))

    ingester = Ingester(store, encoder, embedded)
    for document in documents:
        ingester.add(document, states[document.id])
        done += 1
    ingester.flush()
    report(Progress("ready", done, done, passages))


def _state(document: Document) -> FileState:
    """What a document made by hand is told by, as a file by its content."""
    told = (document.title, document.date, document.path, document.source, document.format)
    content = repr((*told, document.text)).encode()
    return FileState(len(document.text), 0, hashlib.sha256(content).hexdigest())
