"""`Index`: what a user holds. Ties the stages together and keeps in step with a folder."""

from __future__ import annotations

import functools
import hashlib
import itertools
import logging
import re
import shutil
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock

from qa import derived, documents, embedding, followup
from qa import retrieval as search
from qa.answer import Answer, answer
from qa.cache import cache_directory
from qa.documents import Document
from qa.embedding import Encoder
from qa.errors import FolderError, IndexBusy, StoreError
from qa.ingest import Ingester, recipe
from qa.models import DEFAULT_MODEL
from qa.progress import Progress, ProgressCallback
from qa.retrieval import Corpus, Hit
from qa.store import DamagedStore, Failure, FileState, Store
from qa.sync import Changes, files_in, synchronise

SEEDS = "seeds"  # asked when no folder is named
UPLOADS = "uploads"  # the folder, and what the ids of the documents in it begin with
STORE = "store.sqlite3"
WAIT_SECONDS = 60.0  # for another process that is writing the same index

_DAMAGED = ".damaged"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    """What is in an index."""

    documents: int
    passages: int
    failures: tuple[Failure, ...]
    model: str


class Index:
    """Documents that can be asked. Make one with `open` or `from_documents`; any thread may use it.

    Use as a context manager, or call `close`.
    """

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        *,
        folder: Path | None = None,
        directory: Path | None = None,
        uploads: Path | None = None,
    ) -> None:
        self.folder = folder
        self.directory = directory  # of this folder and this model
        self.uploads = uploads  # of this folder, for all models
        self._store = store
        self._encoder = encoder
        self._writer = threading.RLock()
        self._written = False  # by the thread that holds the lock above
        self._swap = threading.Lock()
        self._corpus: Corpus | None = None

    # Making one.

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        directory: str | Path | None = None,
        model: str = DEFAULT_MODEL,
        encoder: Encoder | None = None,
        progress: ProgressCallback | None = None,
    ) -> Index:
        """The index of a folder: built the first time, later opened and brought up to date.

        Parameters
        ----------
        folder : str or Path
            Read with all its subfolders; nothing is ever written there.
        directory : str or Path, optional
            Where the index is kept; by default in the user's cache directory.
        model : str
            A sentence-transformers model: hub name or local folder.
        encoder : Encoder, optional
            Used instead of loading `model`.
        progress : callable, optional
            Told how far the indexing has come, from this thread.

        Raises
        ------
        FolderError
            When there is no such folder, or nothing in it can be read.
        ModelError, StoreError, IndexBusy
            See `qa.errors`.
        """
        report = progress or (lambda _: None)
        report(Progress("preparing"))
        root = Path(folder).expanduser().resolve()
        documents.find(root)  # raises FolderError before anything is made
        base = Path(directory).expanduser().resolve() if directory else default_directory(root)
        encoder = encoder or embedding.load(model)
        try:
            return cls._opened(root, base, encoder, report)
        except DamagedStore as error:
            log.warning("%s; making it anew", error)
            _put_aside(base / _slug(encoder.name))
            return cls._opened(root, base, encoder, report)

    @classmethod
    def _opened(cls, folder: Path, base: Path, encoder: Encoder, report: ProgressCallback) -> Index:
        directory = base / _slug(encoder.name)
        index = cls(
            _open_store(directory),
            encoder,
            folder=folder,
            directory=directory,
            uploads=base / UPLOADS,
        )
        try:
            index._catch_up(report)
        except BaseException:
            index.close()
            raise
        return index

    @classmethod
    def from_documents(
        cls,
        documents: Iterable[Document],
        *,
        model: str = DEFAULT_MODEL,
        encoder: Encoder | None = None,
    ) -> Index:
        """An index in memory, of documents made by hand.

        Raises
        ------
        ValueError
            When two documents have the same id.
        """
        index = cls(Store(None), encoder or embedding.load(model))
        ingester = Ingester(index._store, index._encoder)
        seen: set[str] = set()
        for document in documents:
            if document.id in seen:
                raise ValueError(f"two documents with the id {document.id!r}")
            seen.add(document.id)
            ingester.add(document, FileState(len(document.text), 0))
        ingester.flush()
        both = derived.build(index._store, index._encoder)
        index._corpus = Corpus(index._store, both, index._encoder)
        return index

    def close(self) -> None:
        """Let go of the files. The index cannot be used afterwards."""
        corpus, self._corpus = self._corpus, None
        if corpus is not None:
            corpus.store.close()
        self._store.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Asking.

    def retrieve(
        self, question: str, k: int = 5, *, documents: Collection[str] | None = None
    ) -> list[Hit]:
        """The k passages that answer a question best, best first.

        Fewer than k when the index has not so many passages that say different things.

        Parameters
        ----------
        documents : collection of str, optional
            Ids of the documents to search in; all by default.

        Raises
        ------
        QuestionError
            For an empty or over-long question, or k below 1.
        """
        return search.retrieve(self._current(), question, k, documents=documents)

    def ask(
        self,
        question: str,
        history: Sequence[Mapping[str, str]] = (),
        *,
        k: int = 5,
        documents: Collection[str] | None = None,
    ) -> Answer:
        """Answer a question with sentences of the articles, or say that they do not.

        Parameters
        ----------
        history : sequence of {"role": "user" or "assistant", "content": str}
            Earlier messages, oldest first; a question that leans on them ("And in Homs?") is
            searched together with the one it follows.
        k, documents
            As for `retrieve`.

        Raises
        ------
        QuestionError
            As for `retrieve`.
        """
        search.check_question(question)
        corpus = self._current()
        query = followup.complete(question, history)
        return answer(
            corpus, question, query, search.retrieve(corpus, query, k, documents=documents)
        )

    @property
    def documents(self) -> tuple[Document, ...]:
        """All documents, ordered by id."""
        return tuple(self._current().store.documents().values())

    @property
    def status(self) -> Status:
        """How many documents and passages there are, and which files could not be read."""
        documents, passages = self._store.counts()
        return Status(documents, passages, self._store.failures(), self._encoder.name)

    # Keeping in step.

    def sync(self, progress: ProgressCallback | None = None) -> Changes:
        """Read what changed in the folder, forget what is gone.

        Raises
        ------
        IndexBusy
            When another process is writing this index and does not finish in time.
        ValueError
            For an index in memory, which follows no folder.
        """
        folder, _, uploads = self._on_disk()
        with self._writing(WAIT_SECONDS):
            uploaded = uploads.is_dir() and any(uploads.iterdir())
            files = files_in(uploads, f"{UPLOADS}/") if uploaded else {}
            files |= files_in(folder)
            changes = synchronise(self._store, files, self._encoder, progress)
            self._adopt(publish=True)
        return changes

    def add(self, paths: Iterable[Path], progress: ProgressCallback | None = None) -> Changes:
        """Copy files into the index's own uploads folder, and index them.

        A file of a name that is taken gets a number; the folder that is indexed is not touched.
        """
        _, _, uploads = self._on_disk()
        uploads.mkdir(parents=True, exist_ok=True)
        taken = {document.id for document in self.documents}
        for path in paths:
            name = _free_name(path.name, uploads, taken)
            shutil.copyfile(path, uploads / name)
            taken.add(f"{UPLOADS}/{name}")
        return self.sync(progress)

    def forget(self, document_id: str) -> Changes:
        """Delete one uploaded file, and its document.

        Raises
        ------
        ValueError
            When the id is not of an uploaded document.
        """
        _, _, uploads = self._on_disk()
        path = uploads.parent / document_id
        if path.parent != uploads or not path.is_file():
            raise ValueError(f"not an uploaded document: {document_id!r}")
        path.unlink()
        return self.sync()

    def _on_disk(self) -> tuple[Path, Path, Path]:
        if self.folder is None or self.directory is None or self.uploads is None:
            raise ValueError("an index in memory follows no folder: open one with Index.open")
        return self.folder, self.directory, self.uploads

    def _catch_up(self, report: ProgressCallback) -> None:
        """Synchronise; while another process is at it, use what is there."""
        usable = self._store.recipe() == recipe(self._encoder) and self._store.counts()[0] > 0
        try:
            with self._writing(1.0 if usable else WAIT_SECONDS):
                self.sync(report)
        except IndexBusy:
            if not usable:
                raise
            log.warning("another process is writing this index: using what is there")
        if self._store.counts()[0] == 0:
            raise FolderError(_nothing_readable(self._on_disk()[0], self._store.failures()))
        if self._corpus is None:
            self._adopt(publish=False)
        report(Progress("ready"))

    @contextmanager
    def _writing(self, seconds: float) -> Iterator[None]:
        """Hold the index for writing, against threads and processes; reentrant."""
        _, directory, _ = self._on_disk()
        with self._writer:
            if self._written:
                yield
                return
            lock = filelock.FileLock(directory / "writer.lock")
            try:
                lock.acquire(timeout=seconds)
            except filelock.Timeout as error:
                raise IndexBusy(
                    f"another process is writing the index {str(directory)!r}: try again later"
                ) from error
            self._written = True
            try:
                yield
            finally:
                self._written = False
                lock.release()

    def _current(self) -> Corpus:
        """What to search: the newest state for which there are search indexes."""
        corpus = self._corpus
        if corpus is None:
            raise ValueError("the index is closed")
        if self.folder is not None and self._store.version() != corpus.derived.version:
            self._adopt(publish=False)
        return self._corpus or corpus

    def _adopt(self, *, publish: bool) -> None:
        """Read from the store as it is now, if search indexes for it are published.

        While another process is writing, the state before is kept: it is whole.
        """
        _, directory, _ = self._on_disk()
        with self._swap:
            store = Store(self._store.path)
            store.hold()
            both = derived.load(directory, store.version())
            if both is None and publish:
                both = derived.publish(store, self._encoder, directory)
            elif both is None and self._corpus is None:
                both = derived.build(store, self._encoder)
            if both is None:
                store.close()
                return
            self._corpus = Corpus(store, both, self._encoder)


@functools.lru_cache(maxsize=4)
def _opened_once(folder: Path) -> Index:
    return Index.open(folder)


def retrieve(question: str, k: int = 5, *, folder: str | Path | None = None) -> list[Hit]:
    """The k passages of a folder that answer a question best, best first.

    The folder is opened at the first call and kept; an `Index` gives more control.

    Parameters
    ----------
    folder : str or Path, optional
        By default ``seeds`` in the current directory, or the one that lies beside this package.

    Raises
    ------
    QAError
        As `Index.open` and `Index.retrieve`.
    """
    search.check_question(question)
    return _opened_once(default_folder(folder)).retrieve(question, k)


def default_folder(folder: str | Path | None = None) -> Path:
    """The folder meant when none is named: ``seeds`` here, or beside this package."""
    if folder is not None:
        return Path(folder).expanduser().resolve()
    beside = Path(__file__).parents[1] / SEEDS
    return beside if not Path(SEEDS).is_dir() and beside.is_dir() else Path(SEEDS).resolve()


def default_directory(folder: Path) -> Path:
    """Where the index of a folder is kept: in the cache, by the folder's absolute path."""
    key = hashlib.sha256(str(folder).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return cache_directory() / "indexes" / f"{folder.name or 'root'}-{key}"


def _slug(name: str) -> str:
    """A name as part of a path: each model has an index of its own."""
    return re.sub(r"[^\w.-]+", "-", name.rpartition("/")[2])[-80:]


def _open_store(directory: Path) -> Store:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot make the index in {str(directory)!r} ({error.strerror}): "
            "name another place with --index"
        ) from error
    path = directory / STORE
    try:
        return Store(path)
    except DamagedStore as error:
        log.warning("%s; making it anew", error)
        _put_aside(directory)
        return Store(path)


def _put_aside(directory: Path) -> None:
    """Rename a damaged store, so that nothing of it is lost and a new one can be made."""
    for path in directory.glob(f"{STORE}*"):
        if not path.name.endswith(_DAMAGED):
            path.replace(path.with_name(path.name + _DAMAGED))


def _free_name(name: str, uploads: Path, taken: Collection[str]) -> str:
    path = Path(name)
    candidates = (f"{path.stem}-{number}{path.suffix}" for number in itertools.count(2))
    for candidate in itertools.chain([name], candidates):
        if not (uploads / candidate).exists() and f"{UPLOADS}/{candidate}" not in taken:
            return candidate
    raise AssertionError("unreachable: there is always a next number")


def _nothing_readable(folder: Path, failures: Sequence[Failure]) -> str:
    looked_for = ", ".join(documents.READABLE)
    message = f"no readable documents in {str(folder)!r}: looked for {looked_for}"
    if failures:
        message += f"; {len(failures)} could not be read, the first: {failures[0].reason}"
    return message
