"""`Index`: what a user holds. Ties the stages together and keeps in step with a folder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from qa import derived, documents, embedding, followup, handmade, uploads
from qa import retrieval as search
from qa.answer import Answer, answer
from qa.arguments import checked_ids, checked_question
from qa.corpus import Corpus
from qa.directory import IndexDirectory, default_directory
from qa.documents import Document
from qa.embedding import Encoder
from qa.errors import FolderError, IndexBusy, UnreadableFile
from qa.hits import Hit
from qa.ingest import only_characters
from qa.live import LiveCorpus
from qa.models import DEFAULT_MODEL
from qa.progress import Progress, ProgressCallback
from qa.rerank import Reranker, shared
from qa.store import Failure, Store
from qa.sync import Changes, files_in
from qa.trimming import trimmed
from qa.uploads import UPLOADS

_SHORT_WAIT_SECONDS = 1.0  # for another process, when there is something to search meanwhile

Result = TypeVar("Result")
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
        corpus: Corpus | LiveCorpus,
        folder: Path | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        self.folder = folder
        self._reranker = reranker
        self.directory = corpus.place.path if isinstance(corpus, LiveCorpus) else None
        self._corpus = corpus

    # Making one.

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        directory: str | Path | None = None,
        model: str = DEFAULT_MODEL,
        encoder: Encoder | None = None,
        reranker: Reranker | None = None,
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
        reranker : Reranker, optional
            Used instead of the one that comes with qa; with an `encoder` of one's own there is
            none but this.
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
        place = IndexDirectory(
            Path(directory).expanduser().resolve() if directory else default_directory(root)
        )
        live = LiveCorpus(place, encoder or embedding.load(model))
        index = cls(live, root, _chosen(reranker, encoder))
        try:
            index._mended(lambda: index._catch_up(live, report), report)
        except BaseException:
            index.close()
            raise
        return index

    @classmethod
    def from_documents(
        cls,
        documents: Iterable[Document],
        *,
        directory: str | Path | None = None,
        model: str = DEFAULT_MODEL,
        encoder: Encoder | None = None,
        reranker: Reranker | None = None,
        progress: ProgressCallback | None = None,
    ) -> Index:
        """An index of documents made by hand, in memory or kept in a directory.

        A lone surrogate in a text, half a character, becomes U+FFFD; offsets stay as they are.

        Parameters
        ----------
        directory : str or Path, optional
            Where to keep the index; made of the same documents again, it embeds nothing. It holds
            these documents and no others: what else it held is forgotten.
        model, encoder, reranker, progress
            As for `open`.

        Raises
        ------
        ValueError
            When two documents have the same id, or an id cannot be encoded.
        StoreError, IndexBusy
            When the directory cannot be written.
        """
        reranker = _chosen(reranker, encoder)
        report, encoder = progress or (lambda _: None), encoder or embedding.load(model)
        if directory is None:
            store = Store(None)
            handmade.take_in(store, documents, encoder, report)
            return cls(Corpus(store, derived.build(store, encoder), encoder), reranker=reranker)
        place = IndexDirectory(Path(directory).expanduser().resolve())
        with place.writing(), closing(place.open_store()) as store:
            handmade.take_in(store, documents, encoder, report)
            kept = store.snapshot()
            both = derived.load(place.path, kept.version())
            both = both or derived.publish(kept, encoder, place.path)
        index = cls(Corpus(kept, both, encoder), reranker=reranker)
        index.directory = place.path
        return index

    def close(self) -> None:
        """Let go of the files. The index cannot be used afterwards."""
        if isinstance(self._corpus, LiveCorpus):
            self._corpus.close()
        else:
            self._store.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Asking.

    def retrieve(
        self,
        question: str,
        k: int = 5,
        *,
        documents: Collection[str] | None = None,
        rerank: bool = True,
    ) -> list[Hit]:
        """The k passages that answer a question best, best first.

        Fewer than k when the index has not so many passages that say different things.

        Parameters
        ----------
        documents : collection of str, optional
            Ids of the documents to search in, all by default; ids that are not there, or not any
            more, match nothing.
        rerank : bool
            Whether the best passages are read and put into a better order, and shown only as far
            as they are to the point; takes some tenths of a second. Without it whole passages come
            in the order of the two searches.

        Raises
        ------
        QuestionError
            For an empty or over-long question, or k below 1.
        """
        question, ids = checked_question(question, k), checked_ids(documents)
        reader = self._reranker if rerank else None
        return self._mended(
            lambda: trimmed(_retrieve(self._current(), question, k, ids, reader), question)
        )

    def ask(
        self,
        question: str,
        history: Sequence[Mapping[str, str]] = (),
        *,
        k: int = 5,
        documents: Collection[str] | None = None,
        rerank: bool = True,
    ) -> Answer:
        """Answer a question with sentences of the articles, or say that they do not.

        Parameters
        ----------
        history : sequence of {"role": "user" or "assistant", "content": str}
            Earlier messages, oldest first; a question that leans on them ("And in Homs?") is
            searched together with the one it follows.
        k, documents, rerank
            As for `retrieve`. Without reading, the confidence is a rougher one.

        Raises
        ------
        QuestionError
            As for `retrieve`.
        """
        question, ids = checked_question(question, k), checked_ids(documents)
        query = only_characters(followup.complete(question, history))
        if len(query) > search.LONGEST_QUESTION:
            query = question  # what it followed was too long to be searched with it

        reader = self._reranker if rerank else None

        def work() -> Answer:
            corpus = self._current()
            return answer(corpus, question, query, _retrieve(corpus, query, k, ids, reader))

        return self._mended(work)

    @property
    def documents(self) -> tuple[Document, ...]:
        """All documents, ordered by id, texts and all."""
        return self._mended(lambda: tuple(self._current().store.documents().values()))

    def document(self, document_id: str) -> Document | None:
        """One document, or None when there is none with this id."""
        ids = checked_ids([document_id]) or []
        return self._mended(lambda: self._current().store.documents(ids).get(document_id))

    @property
    def status(self) -> Status:
        """How many documents and passages there are, and which files could not be read."""
        documents, passages = self._store.counts()
        return Status(documents, passages, self._store.failures(), self._corpus.encoder.name)

    @property
    def _store(self) -> Store:
        return self._corpus.store

    def _current(self) -> Corpus:
        return self._corpus.current() if isinstance(self._corpus, LiveCorpus) else self._corpus

    # Keeping in step.

    def sync(self, progress: ProgressCallback | None = None) -> Changes:
        """Read what changed in the folder, forget what is gone.

        Raises
        ------
        IndexBusy
            When another process is writing this index and does not finish in time.
        StoreError
            When it cannot be written; what was written before stays, and is whole.
        ValueError
            For an index in memory, which follows no folder.
        """
        report = progress or (lambda _: None)
        live = self._live()
        with live.place.writing():
            return self._mended(lambda: live.synchronise(self._files, report), report)

    def add(self, paths: Iterable[str | Path], progress: ProgressCallback | None = None) -> Changes:
        """Copy files into the index's own uploads folder, and index them.

        A file of a name that is taken gets a number; the folder that is indexed is not touched.
        What cannot be read is named in the result, and the rest goes on.

        Raises
        ------
        IndexBusy, StoreError
            As for `sync`.
        """
        failed: list[Failure] = []
        with self._live().place.writing():
            taken = set(files_in(self._root()))
            for path in map(Path, paths):
                try:
                    taken.add(uploads.keep(path, self._live().place.path, taken))
                except UnreadableFile as error:
                    failed.append(Failure(path.name, str(error)))
            changes = self.sync(progress)
        return replace(changes, failed=(*failed, *changes.failed))

    def forget(self, document_id: str) -> Changes:
        """Delete one uploaded file, and its document.

        Raises
        ------
        ValueError
            When the id is not of an uploaded document.
        IndexBusy, StoreError
            As for `sync`.
        """
        with self._live().place.writing():
            uploads.drop(document_id, self._live().place.path)
            return self.sync()

    def _live(self) -> LiveCorpus:
        if not isinstance(self._corpus, LiveCorpus):
            raise ValueError("an index in memory follows no folder: open one with Index.open")
        if self._corpus.closed:
            raise ValueError("the index is closed")
        return self._corpus

    def _root(self) -> Path:
        if self.folder is None:
            raise ValueError("an index in memory follows no folder: open one with Index.open")
        return self.folder

    def _files(self) -> dict[str, Path]:
        """All files there are, uploads too, which may lie inside the folder, by document id."""
        own = self._live().place.path / UPLOADS
        found = files_in(self._root())
        found = {id: path for id, path in found.items() if not path.is_relative_to(own)}
        return uploads.uploaded(self._live().place.path, found) | found

    def _catch_up(self, live: LiveCorpus, report: ProgressCallback) -> None:
        """Synchronise; while another process is at it, use what is there."""
        usable = live.is_usable()
        try:
            with live.place.writing(_SHORT_WAIT_SECONDS if usable else None):
                live.synchronise(self._files, report)
        except IndexBusy:
            if not usable:
                raise
            log.warning("another process is writing this index: using what is there")
            live.take_what_is_there()
            report(Progress("ready"))
        if live.store.counts()[0] == 0:
            raise FolderError(_nothing_readable(self._root(), live.store.failures()))

    def _mended(
        self, work: Callable[[], Result], report: ProgressCallback = lambda _: None
    ) -> Result:
        """Do something; where the store turns out damaged, make it anew and do it again."""
        live = self._corpus
        if not isinstance(live, LiveCorpus):
            return work()
        return live.mended(work, lambda: live.synchronise(self._files, report))


def _chosen(reranker: Reranker | None, encoder: Encoder | None) -> Reranker | None:
    """The reranker that was given, or the one that comes with qa beside its own encoders."""
    return reranker or (None if encoder else shared())


def _retrieve(
    corpus: Corpus, question: str, k: int, ids: list[str] | None, reranker: Reranker | None
) -> list[Hit]:
    most = max(1, len(corpus.derived.vectors))
    return search.retrieve(corpus, question, min(k, most), documents=ids, reranker=reranker)


def _nothing_readable(folder: Path, failures: Sequence[Failure]) -> str:
    looked_for = ", ".join(documents.READABLE)
    message = f"no readable documents in {str(folder)!r}: looked for {looked_for}"
    if failures:
        message += f"; {len(failures)} could not be read, the first: {failures[0].reason}"
    return message
