"""`Index`: what a user holds. Ties the stages together and keeps in step with a folder."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TypeVar

from qa import embedding, followup, handmade, imported
from qa import folder as folders
from qa import retrieval as search
from qa.answer import Answer, answer
from qa.arguments import checked_ids, checked_question
from qa.corpus import Corpus
from qa.directory import IndexDirectory, default_directory
from qa.documents import Document
from qa.duplicates import Duplicates
from qa.embedding import Encoder
from qa.following import Followed, Watch
from qa.hits import Hit
from qa.ingest import only_characters
from qa.keeping import Keeper, Wait
from qa.live import LiveCorpus
from qa.models import DEFAULT_MODEL
from qa.progress import Progress, ProgressCallback
from qa.rerank import Reranker, shared
from qa.selection import Selection, checked_date, checked_source
from qa.status import Status, status_of
from qa.store import Outline, Store
from qa.sync import Changes
from qa.trimming import trimmed

Result = TypeVar("Result")


class Index:
    """Documents that can be asked. Make one with `open` or `from_documents`; any thread may use it.

    Use as a context manager, or call `close`.
    """

    def __init__(
        self,
        searched: Corpus | Keeper,
        reranker: Reranker | None = None,
        directory: Path | None = None,
    ) -> None:
        self._searched = searched
        self._reranker = reranker
        self.folder = searched.root if isinstance(searched, Keeper) else None
        self.directory = directory
        self._duplicates = Duplicates()

    # Making one.

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        directory: str | Path | None = None,
        model: str = DEFAULT_MODEL,
        fast: bool = False,
        encoder: Encoder | None = None,
        reranker: Reranker | None = None,
        progress: ProgressCallback | None = None,
        wait: bool | float = True,
        allow_empty: bool = False,
    ) -> Index:
        """The index of a folder: built the first time, later opened and brought up to date.

        Texts are read first, which is quick, and can be searched by their words from then on; then
        passages are embedded, in the background, and can be found by their meaning too.

        Parameters
        ----------
        folder : str or Path
            Read with all its subfolders; nothing is ever written there.
        directory : str or Path, optional
            Where the index is kept; by default in the user's cache directory.
        model : str
            A sentence-transformers model: hub name or local folder.
        fast : bool
            Whether the model reckons in 8 bits (see `qa.embedding.load`); its vectors are others,
            so an index is made anew when this changes.
        encoder : Encoder, optional
            Used instead of loading `model`.
        reranker : Reranker, optional
            Used instead of the one that comes with qa; with an `encoder` of one's own there is
            none but this.
        progress : callable, optional
            Told how far the indexing has come, from this thread.
        wait : bool or float
            True: until everything is read and embedded, so that the same program gives the same
            answers every time. False: until something can be searched, which may be the state of
            last time or, of a large new folder, its first files; the rest goes on in the
            background, and `status` tells how far it is. A number: until everything is read, and
            for so many seconds more while passages are embedded.
        allow_empty : bool
            Whether there may be nothing in it that can be read, as for a face that follows the
            folder or takes uploads: such an index finds nothing, until there is something.

        Raises
        ------
        FolderError
            When there is no such folder, or, without `allow_empty`, nothing in it can be read; and
            always when it had documents and is empty now, as without its disk.
        ModelError, StoreError, IndexBusy
            See `qa.errors`.
        """
        report = progress or (lambda _: None)
        report(Progress("preparing"))
        root = Path(folder).expanduser().resolve()
        folders.check(root)  # before anything is made
        place = IndexDirectory(
            Path(directory).expanduser().resolve() if directory else default_directory(root)
        )
        live = LiveCorpus(place, encoder or _loaded(model, fast))
        keeper = Keeper(live, root, wait, allow_empty=allow_empty)
        try:
            keeper.open(report)
        except BaseException:
            keeper.close()
            raise
        return cls(keeper, _chosen(reranker, encoder), place.path)

    @classmethod
    def from_documents(
        cls,
        documents: Iterable[Document],
        *,
        directory: str | Path | None = None,
        model: str = DEFAULT_MODEL,
        fast: bool = False,
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
        model, fast, encoder, reranker, progress
            As for `open`.

        Raises
        ------
        ValueError
            When two documents have the same id, or an id cannot be encoded.
        StoreError, IndexBusy
            When the directory cannot be written.
        """
        reranker = _chosen(reranker, encoder)
        report, encoder = progress or (lambda _: None), encoder or _loaded(model, fast)
        place = IndexDirectory(Path(directory).expanduser().resolve()) if directory else None
        corpus = handmade.corpus(documents, encoder, place, report)
        done, _ = corpus.store.counts()
        report(Progress("ready", done, done, len(corpus.derived.vectors)))
        return cls(corpus, reranker, place.path if place else None)

    @classmethod
    def open_imported(
        cls,
        directory: str | Path,
        *,
        model: str = DEFAULT_MODEL,
        fast: bool = False,
        encoder: Encoder | None = None,
        reranker: Reranker | None = None,
        progress: ProgressCallback | None = None,
    ) -> Index:
        """What is kept in an index's directory, without its folder: it can be asked, not synced.

        Parameters
        ----------
        directory : str or Path
            Where `qa import` put it. It need not be writable, unless passages have no vector yet.
        model, fast, encoder, reranker, progress
            As for `open`.

        Raises
        ------
        StoreError
            When there is no index, it is damaged, or another model made it.
        """
        reranker = _chosen(reranker, encoder)
        place = Path(directory).expanduser().resolve()
        encoder = encoder or _loaded(model, fast)
        found = imported.corpus(place, encoder, progress or (lambda _: None))
        return cls(found, reranker, place)

    def close(self) -> None:
        """Let go of the files, after the passages that are being embedded.

        The index cannot be used afterwards.
        """
        if isinstance(self._searched, Keeper):
            self._searched.close()
        else:
            self._searched.store.close()

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
        after: datetime.date | str | None = None,
        before: datetime.date | str | None = None,
        source: str | None = None,
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
        after, before : date, or str as "2016-02-13", optional
            Search only in documents of these days: the first and the last of them, both included.
            Documents without a date are in none.
        source : str, optional
            Search only in documents whose source has this in it, in upper or lower case: "bbc"
            stands for "BBC News" too. Whatever is given must all be met.

        Raises
        ------
        QuestionError
            For an empty or over-long question, or k below 1.
        """
        question, ids = checked_question(question, k), checked_ids(documents)
        chosen = Selection(ids, checked_date(after), checked_date(before), checked_source(source))
        reader = self._reranker if rerank else None

        def work() -> list[Hit]:
            corpus = self._current()
            ids = chosen.ids(corpus.store)
            return trimmed(_retrieve(corpus, question, k, ids, reader), question)

        return self._asked(work)

    def ask(
        self,
        question: str,
        history: Sequence[Mapping[str, str]] = (),
        *,
        k: int = 5,
        documents: Collection[str] | None = None,
        rerank: bool = True,
        after: datetime.date | str | None = None,
        before: datetime.date | str | None = None,
        source: str | None = None,
    ) -> Answer:
        """Answer a question with sentences of the articles, or say that they do not.

        Parameters
        ----------
        history : sequence of {"role": "user" or "assistant", "content": str}
            Earlier messages, oldest first; a question that leans on them ("And in Homs?") is
            searched together with the one it follows.
        k, documents, rerank, after, before, source
            As for `retrieve`. Without reading, the confidence is a rougher one.

        Raises
        ------
        QuestionError
            As for `retrieve`.
        """
        question, ids = checked_question(question, k), checked_ids(documents)
        chosen = Selection(ids, checked_date(after), checked_date(before), checked_source(source))
        query = only_characters(followup.complete(question, history))
        if len(query) > search.LONGEST_QUESTION:
            query = question  # what it followed was too long to be searched with it

        reader = self._reranker if rerank else None

        def work() -> Answer:
            corpus = self._current()
            ids = chosen.ids(corpus.store)
            coverage = corpus.coverage(ids)
            hits = _retrieve(corpus, query, k, ids, reader)
            return answer(corpus, question, query, hits, coverage)

        return self._asked(work)

    @property
    def documents(self) -> tuple[Document, ...]:
        """All documents, ordered by id, texts and all; see `outlines` where there are many."""
        return self._mended(lambda: tuple(self._current().store.documents().values()))

    @property
    def outlines(self) -> tuple[Outline, ...]:
        """All documents without their texts, ordered by id."""
        return self._mended(lambda: self._current().store.outlines())

    def document(self, document_id: str) -> Document | None:
        """One document, or None when there is none with this id."""
        ids = checked_ids([document_id]) or []
        return self._mended(lambda: self._current().store.documents(ids).get(document_id))

    def duplicates(self) -> list[tuple[str, ...]]:
        """The ids of documents that are the same story again, word for word or nearly so.

        Every group of two or more, the best of it first: the oldest, those without a date last; of
        these the longest. Titles and what surrounds an article on a page do not count. Two are the
        same when at least half of the five-word sequences of both together stand in both, unless
        they differ in more than one figure in a hundred words, as two invoices do; and so are two
        that are the same as a third.

        Worked out when it is first asked for after a change: a moment for thousands of documents.
        """
        return list(self._mended(lambda: self._duplicates.groups(*self._stores())))

    def duplicates_of(self, document_id: str) -> tuple[str, ...]:
        """The ids of the other documents that are the same story as this one, the best first."""
        return self._mended(lambda: self._duplicates.others(document_id, *self._stores()))

    @property
    def status(self) -> Status:
        """What is in the index, what could not be read, and how far reading and embedding are."""
        return status_of(self._searched)

    def _current(self) -> Corpus:
        searched = self._searched
        return searched.live.current() if isinstance(searched, Keeper) else searched

    def _stores(self) -> tuple[Store, Store]:
        """The state that is searched, and where signatures are kept as soon as they are made."""
        corpus, searched = self._current(), self._searched
        return corpus.store, searched.live.store if isinstance(searched, Keeper) else corpus.store

    # Keeping in step.

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until everything is read and embedded, or for so many seconds; whether it is.

        Raises
        ------
        QAError
            Whatever stopped the work in the background, such as a full disk.
        """
        if not isinstance(self._searched, Keeper):
            return True
        return self._keeper().wait_for_vectors(seconds, lambda _: None)

    def sync(
        self,
        progress: ProgressCallback | None = None,
        *,
        wait: bool | float | None = None,
        dry_run: bool = False,
    ) -> Changes:
        """Read what changed in the folder, forget what is gone.

        Parameters
        ----------
        wait : bool or float, optional
            Whether to wait until it is embedded, and for how many seconds; as the index was opened
            by default. It is read in any case.
        dry_run : bool
            Only say what would be done; nothing is written. `qa.preview` says it of an index that
            is not open.

        Raises
        ------
        IndexBusy
            When another process is writing this index and does not finish in time.
        StoreError
            When it cannot be written; what was written before stays, and is whole.
        ValueError
            For an index in memory, which follows no folder.
        """
        keeper, report = self._keeper(), progress or (lambda _: None)
        if dry_run:
            return keeper.compare(report)
        return keeper.sync(report, _or_as_opened(wait, keeper))

    @property
    def changes(self) -> Changes:
        """What was done when the folder was last read, by opening the index for example."""
        return self._searched.changes if isinstance(self._searched, Keeper) else Changes()

    def watch(self, report: Callable[[Followed], None] | None = None) -> Watch:
        """Follow the folder from now on, in the background: `sync` whenever files are whole.

        Stop it with its `stop`, by leaving its ``with``, or by closing the index.

        Parameters
        ----------
        report : callable, optional
            Told what was done, and what is in the way, from a thread of its own.

        Raises
        ------
        ValueError
            For an index in memory, which follows no folder.
        """
        return Watch(self._keeper(), report or (lambda _: None))

    def add(
        self,
        paths: Iterable[str | Path],
        progress: ProgressCallback | None = None,
        *,
        wait: bool | float | None = None,
    ) -> Changes:
        """Copy files into the index's own uploads folder, and index them.

        A file of a name that is taken gets a number; the folder that is indexed is not touched.
        What cannot be read is named in the result, and the rest goes on.

        Raises
        ------
        IndexBusy, StoreError
            As for `sync`.
        """
        keeper = self._keeper()
        return keeper.add(paths, progress or (lambda _: None), _or_as_opened(wait, keeper))

    def forget(self, document_id: str) -> Changes:
        """Delete one uploaded file, and its documents.

        Raises
        ------
        ValueError
            When the id is not of an uploaded file.
        IndexBusy, StoreError
            As for `sync`.
        """
        keeper = self._keeper()
        return keeper.forget(document_id, keeper.wait)

    def _keeper(self) -> Keeper:
        if not isinstance(self._searched, Keeper):
            raise ValueError("an index in memory follows no folder: open one with Index.open")
        if self._searched.live.closed:
            raise ValueError("the index is closed")
        return self._searched

    def _mended(self, work: Callable[[], Result]) -> Result:
        """Do something; where the store turns out damaged, make it anew and do it again."""
        return self._searched.mended(work) if isinstance(self._searched, Keeper) else work()

    def _asked(self, work: Callable[[], Result]) -> Result:
        """Answer a question; embedding makes way for it."""
        keeper = self._searched if isinstance(self._searched, Keeper) else None
        with keeper.filling.making_way() if keeper else nullcontext():
            return self._mended(work)


def _loaded(model: str, fast: bool) -> Encoder:
    return embedding.load(model, fast=True) if fast else embedding.load(model)


def _or_as_opened(wait: Wait | None, keeper: Keeper) -> Wait:
    return keeper.wait if wait is None else wait


def _chosen(reranker: Reranker | None, encoder: Encoder | None) -> Reranker | None:
    """The reranker that was given, or the one that comes with qa beside its own encoders."""
    return reranker or (None if encoder else shared())


def _retrieve(
    corpus: Corpus, question: str, k: int, ids: list[str] | None, reranker: Reranker | None
) -> list[Hit]:
    most = max(1, len(corpus.derived.lexical))
    return search.retrieve(corpus, question, min(k, most), documents=ids, reranker=reranker)
