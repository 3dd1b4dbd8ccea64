"""Vectors for the passages that have none yet: in the background, a window at a time.

What was asked for comes first, then the newest documents. Every window's vectors are kept in the
store under their texts before they join the search, so whoever is killed, closed or out of disk
loses one window, and the next to open the index goes on. One process at a time embeds; others take
over what it has made, and its place when it ends.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

import numpy as np

from qa.corpus import Corpus
from qa.derived import Derived
from qa.errors import QAError
from qa.ingest import embedded_texts
from qa.live import LiveCorpus
from qa.progress import ProgressCallback, embedding
from qa.store import DamagedStore, Store, vector_key

WINDOW_PASSAGES = 32  # about two seconds of embedding
ASKED_WINDOW_PASSAGES = 4  # while somebody asks, and a little longer
ASKED_SECONDS = 3.0  # how much longer
YIELD_SECONDS = 1.0  # how long a window waits for a question to end
FOLLOW_SECONDS = 0.5  # between two looks at what another process has embedded
_RATE_SECONDS = 20.0  # what the speed is a mean of

log = logging.getLogger(__name__)


class Gaps:
    """The passages of a corpus that have no vector, in the order in which they are to get it."""

    def __init__(self, corpus: Corpus) -> None:
        self._wanted = corpus.wanted
        every = corpus.store.all_passage_ids()
        missing = np.setdiff1d(every, corpus.derived.vectors.ids).tolist()
        some = missing if len(missing) < len(every) else None
        self._order = deque(corpus.store.newest_first(some))
        self._left = set(self._order)
        self._asked: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._left)

    def take(self, most: int) -> list[int]:
        """The next passages, those that questions asked for first."""
        self._asked.extendleft(reversed(self._wanted.take()))
        taken: list[int] = []
        for queue in (self._asked, self._order):
            while queue and len(taken) < most:
                if (id := queue.popleft()) in self._left:
                    self._left.discard(id)
                    taken.append(id)
        return taken

    def close(self, ids: Sequence[int]) -> list[int]:
        """Note that passages got their vectors elsewhere; those of them that had none."""
        new = [id for id in ids if id in self._left]
        self._left.difference_update(new)
        return new


def fill(corpus: Corpus, store: Store, ids: Sequence[int]) -> int:
    """Give passages their vectors: those that the store has by now, and new ones.

    Parameters
    ----------
    store : Store
        The same as the corpus's, to be written.

    Returns
    -------
    int
        How many texts were embedded.

    Raises
    ------
    DamagedStore
        When a passage's key is not that of its text.
    """
    encoder = corpus.encoder
    texts = embedded_texts(corpus.store, ids, encoder)
    keys = {id: vector_key(text) for id, text in texts.items()}
    if keys != corpus.store.keys(ids):
        raise DamagedStore("a passage was not cut from its document as it would be now")
    vectors = store.vectors.named(encoder.name, set(keys.values()), encoder.dimensions)
    missing = {keys[id]: text for id, text in texts.items() if keys[id] not in vectors}
    if missing:
        made = encoder.encode_passages(list(missing.values()))
        new = dict(zip(missing, made, strict=True))
        store.vectors.put(encoder.name, new)
        vectors |= new
    if ids:
        corpus.derived.vectors.add(list(keys), np.stack([vectors[key] for key in keys.values()]))
    return len(missing)


def fill_all(corpus: Corpus, store: Store, report: ProgressCallback) -> None:
    """Give all passages their vectors, now."""
    gaps, speed = Gaps(corpus), Speed()
    while ids := gaps.take(WINDOW_PASSAGES):
        speed.add(fill(corpus, store, ids))
        report(embedding(len(corpus.derived.vectors), len(corpus.derived.lexical), speed.mean))


class Speed:
    """Passages a second, of the last while."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])

    def add(self, passages: int) -> None:
        self._marks.append((time.monotonic(), passages))
        while len(self._marks) > 2 and self._marks[-1][0] - self._marks[0][0] > _RATE_SECONDS:
            self._marks.popleft()

    @property
    def mean(self) -> float:
        """0.0 until there were any."""
        seconds = self._marks[-1][0] - self._marks[0][0]
        passages = sum(number for _, number in islice(self._marks, 1, None))
        return passages / seconds if seconds > 0 else 0.0


class Filling:
    """Sees to it, in a thread of its own, that the newest state gets all its vectors.

    Parameters
    ----------
    live : LiveCorpus
        Its `changed` is set to `start`.

    Attributes
    ----------
    error : Exception or None
        Why it stopped before all was done.
    """

    def __init__(self, live: LiveCorpus) -> None:
        self._live = live
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._asking = 0
        self._asked = -ASKED_SECONDS  # when the last question ended
        self._speed = Speed()
        self.error: Exception | None = None
        live.changed = self.start

    @property
    def active(self) -> bool:
        """Whether it is at work."""
        return self._thread is not None

    @property
    def passages_per_second(self) -> float:
        """Of the last while; 0.0 when it is not at work."""
        return self._speed.mean if self.active else 0.0

    def start(self) -> None:
        """Go to work, unless there is nothing to do."""
        with self._changed:
            if self._thread is None and not self._stopping and self._has_work():
                self.error = None
                self._speed = Speed()
                self._thread = threading.Thread(target=self._run, name="qa-filling")
                self._thread.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is no longer at work; whether every passage has its vector now."""
        with self._changed:
            self._changed.wait_for(lambda: self._thread is None, seconds)
        return not self._has_work()

    def close(self) -> None:
        """Stop after the window that is being embedded."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    @contextmanager
    def making_way(self) -> Iterator[None]:
        """Around a question: no window begins meanwhile, and the next ones are small."""
        with self._changed:
            self._asking += 1
        try:
            yield
        finally:
            with self._changed:
                self._asking -= 1
                self._asked = time.monotonic()
                self._changed.notify_all()

    def _has_work(self) -> bool:
        corpus = self._live.newest
        return corpus is not None and not corpus.derived.whole

    def _ends(self) -> bool:
        """Whether to stop: closed, or the program is ending without having closed the index."""
        return self._stopping or not threading.main_thread().is_alive()

    def _run(self) -> None:
        while True:
            try:
                while self._has_work() and not self._ends():
                    self._fill_newest()
            except Exception as error:
                self._note(error)
            with self._changed:
                if self.error or self._ends() or not self._has_work():  # else: just now
                    self._thread = None
                    self._changed.notify_all()
                    return

    def _note(self, error: Exception) -> None:
        if not self._ends():
            self.error = error
            told = None if isinstance(error, QAError) else error
            log.warning("embedding stopped: %s", error, exc_info=told)

    # A corpus is held only for a window, so that the snapshot that it reads can be let go of.

    def _fill_newest(self) -> None:
        """Work on one state until it is whole, or not the newest any more."""
        corpus = self._live.newest
        if corpus is None:
            return
        gaps, state, seen = Gaps(corpus), corpus.derived, corpus.store.vectors.last()
        del corpus
        while gaps and self._current(state):
            with self._live.place.filling() as mine:
                if mine:
                    self._embed(state, gaps)
                else:
                    seen = self._follow(state, gaps, seen)
                    self._live.shorten_log()
        if not gaps:
            self._live.complete(state)
            self._check(state)

    def _check(self, state: Derived) -> None:
        """Raise DamagedStore rather than begin again and again."""
        newest = self._live.newest
        if newest and newest.derived.version == state.version and not newest.derived.whole:
            raise DamagedStore("vectors that were kept are not there")

    def _current(self, state: Derived) -> Corpus | None:
        """The newest corpus, if it is of this state and there is work to be done."""
        newest = self._live.newest
        return newest if newest and newest.derived is state and not self._ends() else None

    def _embed(self, state: Derived, gaps: Gaps) -> None:
        while gaps and (corpus := self._current(state)):
            ids = gaps.take(self._window())
            self._speed.add(fill(corpus, self._live.store, ids))
            del corpus
            self._live.shorten_log()

    def _window(self) -> int:
        """How many passages to embed next, as soon as nobody asks."""
        with self._changed:
            self._changed.wait_for(lambda: self._ends() or not self._asking, YIELD_SECONDS)
            asked = self._asking or time.monotonic() - self._asked < ASKED_SECONDS
        return ASKED_WINDOW_PASSAGES if asked else WINDOW_PASSAGES

    def _follow(self, state: Derived, gaps: Gaps, seen: int) -> int:
        """Take over what another process has embedded; the last that was seen of it."""
        corpus = self._current(state)
        if corpus is None:
            return seen
        encoder = corpus.encoder
        vectors, seen = self._live.store.vectors.since(seen, encoder.name, encoder.dimensions)
        named = dict(corpus.store.passages_by_key(vectors))
        if ids := gaps.close(list(named)):
            corpus.derived.vectors.add(ids, np.stack([vectors[named[id]] for id in ids]))
            self._speed.add(len(ids))
        with self._changed:
            self._changed.wait_for(self._ends, 0 if vectors else FOLLOW_SECONDS)
        return seen
