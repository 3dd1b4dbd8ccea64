"""An index without its folder: what lies in its directory is all there is.

Nothing can be read again, so damage is said, never mended by making the index anew.
"""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path

from qa import derived
from qa.corpus import Corpus
from qa.derived import Derived
from qa.directory import STORE, IndexDirectory
from qa.embedding import Encoder
from qa.errors import IndexBusy, StoreError
from qa.filling import fill_all
from qa.ingest import model_of
from qa.progress import Progress, ProgressCallback
from qa.store import DamagedStore, Store

log = logging.getLogger(__name__)


def corpus(directory: Path, encoder: Encoder, report: ProgressCallback) -> Corpus:
    """Everything in an index's directory, with all its vectors where it can be written.

    Raises
    ------
    StoreError
        When there is no index, it is damaged, or another model made it.
    """
    if not (directory / STORE).is_file():
        raise StoreError(f"there is no index in {str(directory)!r}: import one, or name its folder")
    try:
        found = _opened(directory, encoder, report)
    except DamagedStore as error:
        raise DamagedStore(f"{error}; without its folder: import it again") from error
    report(Progress("ready", passages_done=len(found.derived.vectors)))
    return found


def _opened(directory: Path, encoder: Encoder, report: ProgressCallback) -> Corpus:
    try:
        with closing(Store(directory / STORE, create=False)) as store:
            _check(store, directory, encoder)
            return _completed(IndexDirectory(directory), store, encoder, report)
    except DamagedStore:
        raise
    except StoreError as error:
        if (kept := Store.read_only(directory / STORE)) is None:
            raise
        log.info("nothing can be written: %s", error)
    _check(kept, directory, encoder)
    both = derived.load(kept, encoder, directory) or derived.build(kept, encoder)
    return Corpus(kept, both, encoder)


def _check(store: Store, directory: Path, encoder: Encoder) -> None:
    if store.counts()[0] == 0:
        raise StoreError(f"the index in {str(directory)!r} is empty: import it, or name its folder")
    made_by = model_of(store.recipe())
    if made_by != encoder.name:
        raise StoreError(
            f"the index in {str(directory)!r} was made by the model {made_by}, not by "
            f"{encoder.name}: name that with --model, or the folder to make it anew"
        )


def _completed(
    place: IndexDirectory, store: Store, encoder: Encoder, report: ProgressCallback
) -> Corpus:
    kept = store.snapshot()
    both = derived.load(kept, encoder, place.path) or _made(place, kept, encoder)
    found = Corpus(kept, both, encoder)
    if both.whole:
        return found
    try:
        fill_all(found, store, report)
    except (StoreError, IndexBusy) as error:  # words are there, and some vectors
        if isinstance(error, DamagedStore):
            raise
        log.warning("passages without a vector are found by their words alone: %s", error)
        return found
    again = store.snapshot()
    kept.close()
    return Corpus(again, derived.completed(both, again, encoder, place.path), encoder)


def _made(place: IndexDirectory, kept: Store, encoder: Encoder) -> Derived:
    """Both search indexes, on the disk if that may be written now, else in memory."""
    try:
        with place.writing(0.0):
            return derived.publish(kept, encoder, place.path)
    except DamagedStore:
        raise
    except (StoreError, IndexBusy) as error:
        log.info("making the search indexes in memory: %s", error)
        return derived.build(kept, encoder)
