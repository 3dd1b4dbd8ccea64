"""What an index searches, and how it moves on: one whole state after another.

Questions are answered from a snapshot of the store and the search indexes made from just that
state. A writer, here or in another process, changes neither; when it has published the next state,
the next question is answered from that one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from qa import derived, duplicates
from qa.corpus import Corpus
from qa.derived import Before, Derived
from qa.directory import IndexDirectory
from qa.embedding import Encoder
from qa.errors import IndexBusy, StoreError
from qa.ingest import recipe
from qa.progress import ProgressCallback
from qa.store import DamagedStore, Store
from qa.sync import Changes, synchronise

LOG_BYTES = (4_000_000, 512_000_000)
"""How long the store's log may be before it is begun again: four times as long as the store, so as
not to write that again and again, but so long at least and at most."""

Leave = Callable[[Mapping[str, str]], Collection[str]]
log = logging.getLogger(__name__)


class LiveCorpus:
    """The newest state on disk that can be searched. For any thread.

    Parameters
    ----------
    place : IndexDirectory
        Where it lies.
    encoder : Encoder
    """

    def __init__(self, place: IndexDirectory, encoder: Encoder) -> None:
        self.place = place
        self.encoder = encoder
        self.store = place.open_store()
        self._corpus: Corpus | None = None
        self._swap = threading.Lock()  # held by the thread that changes the one above
        self.closed = False
        self.changed: Callable[[], None] = lambda: None  # called when there is another state

    @property
    def newest(self) -> Corpus | None:
        """The state in use, if there is one yet."""
        return self._corpus

    def is_usable(self) -> bool:
        """Whether there is something to search that this encoder made."""
        return self.store.recipe() == recipe(self.encoder) and self.store.counts()[0] > 0

    def close(self) -> None:
        """Let go of the files."""
        self.closed = True
        corpus, self._corpus = self._corpus, None
        if corpus is not None:
            corpus.store.close()
        self.store.close()

    def current(self) -> Corpus:
        """The newest state for which there are search indexes."""
        if self._swap.acquire(blocking=False):  # else another thread is seeing to it
            try:
                followed = self._follow()
            finally:
                self._swap.release()
            if followed:
                self.shorten_log()
        corpus = self._corpus
        if corpus is None:
            raise ValueError("the index is closed")
        return corpus

    def take_what_is_there(self) -> None:
        """Search what another process has written so far, though it is not published yet."""
        corpus = self._newest(publish=False)
        if corpus is None:
            store = self.store.snapshot()
            corpus = Corpus(store, derived.build(store, self.encoder), self.encoder)
        self._use(corpus)
        self.changed()

    def take_what_is_published(self) -> None:
        """Search what can be searched at once, if there is anything."""
        if self.is_usable() and derived.is_published(self.place.path, self.store.version()):
            self._use(self._newest(publish=False))

    def synchronise(
        self,
        files: Callable[[], Mapping[str, str]],
        report: ProgressCallback,
        after_each: Callable[[], None] | None = None,
        leave: Leave | None = None,
        among: Collection[str] | None = None,
    ) -> Changes:
        """Bring the store in step with files, publish, and search that from now on.

        The caller holds the place for writing.

        Parameters
        ----------
        files : callable
            Gives the paths of all the files there are, by id.
        after_each : callable, optional
            Called after each file that was read.
        leave : callable, optional
            Given those files, says which are not to be looked at for now.
        among : collection of str, optional
            The ids of the files that this is about, here or gone; all by default.
        """
        if not self.store.in_place():  # deleted, or put aside by another process
            self.store = self.place.open_store()
        found = files()
        left = leave(found) if leave else ()
        if self._corpus is None:  # else what is as it was would all be read again
            self.take_what_is_published()
        self.shorten_log()
        changes = synchronise(self.store, found, self.encoder, report, after_each, left, among)
        self.publish()
        self.changed()
        duplicates.sign(self.store, after_each)  # all can be searched already
        return changes

    def publish(self) -> None:
        """Search what is in the store by now, and let other processes do so."""
        with self._swap:
            self._publish()
        self.shorten_log()

    def _publish(self) -> None:
        corpus = self._corpus
        if corpus is None or corpus.derived.version != self.store.version():
            self._use(self._newest(publish=True))
        else:  # whoever made the vectors may have been killed just then
            made = derived.with_vectors_published(corpus.derived, self.place.path)
            self._use(replace(corpus, derived=made))

    def complete(self, state: Derived) -> None:
        """Publish the vectors of a state, now that it has all of them, and search those."""
        with self._swap:
            if corpus := self._read_again(state):
                made = derived.completed(state, corpus.store, self.encoder, self.place.path)
                self._use(replace(corpus, derived=made))

    def shorten_log(self) -> None:
        """Let the store's log begin again, if it is long: before and after something is written.

        Else it would grow with every change for as long as the index is open.
        """
        least, most = LOG_BYTES
        long = min(max(least, 4 * self.store.file_bytes), most)
        if self.store.log_bytes > long and (state := self._state()):
            self.renew(state)

    def _state(self) -> Derived | None:
        """That of the newest corpus, which itself would keep the log as it is."""
        corpus = self._corpus
        return corpus.derived if corpus else None

    def renew(self, state: Derived) -> None:
        """Read a state from the store as it is now.

        SQLite keeps all that was written since the oldest snapshot that somebody reads beside its
        file; that would be all vectors. The second time finds nothing there any more.
        """
        for _ in range(2):
            with self._swap:
                self._use(self._read_again(state))
            self.store.checkpoint()

    def _read_again(self, state: Derived) -> Corpus | None:
        """The newest state with a new snapshot of the store, if it is this one and still there."""
        corpus = self._corpus
        if corpus is None or corpus.derived is not state:
            return None
        store = self.store.snapshot()
        return replace(corpus, store=store) if store.version() == state.version else None

    def replace_store(self, damaged: Store) -> None:
        """Go on with a new store in the place of a damaged one; the caller fills it."""
        self.store = self.place.replace(damaged)  # the same, if another was first

    def _follow(self) -> bool:
        """Go on to a newer state, if there is one; else, or if it cannot be read, stay.

        Whether it is another one now.
        """
        corpus = self._corpus
        if corpus is None or self.place.being_written:
            return False
        try:
            if not self.store.in_place():
                self.store = self.place.open_store(create=False)
            if self.store.version() == corpus.derived.version:
                return False
            if derived.is_published(self.place.path, self.store.version()):
                self._use(self._newest(publish=False))
            else:
                with self.place.writing(0.0):  # whoever wrote was killed before publishing
                    self._use(self._newest(publish=True))
            self.changed()
        except DamagedStore:
            raise
        except (IndexBusy, StoreError) as error:  # what there was before is whole
            log.debug("staying with the state before: %s", error)
        return self._corpus is not corpus

    def _use(self, corpus: Corpus | None) -> None:
        if corpus is not None and not self.closed:
            self._corpus = corpus

    def _newest(self, *, publish: bool) -> Corpus | None:
        """The store as it is now with the search indexes published for it, or made now."""
        store = self.store.snapshot()
        if store.recipe() != recipe(self.encoder):  # another process uses another model
            return None
        both = derived.load(store, self.encoder, self.place.path)
        if both is None and publish:
            log.info("making the search indexes in %s", self.place.path)
            corpus = self._corpus
            before = Before(corpus.store, corpus.derived) if corpus else None
            both = derived.publish(store, self.encoder, self.place.path, before)
        if both and publish:  # the same
            both = derived.with_vectors_published(both, self.place.path)
        return Corpus(store, both, self.encoder) if both else None
