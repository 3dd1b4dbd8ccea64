"""Whether an index is sound: its store, its files, vectors, search indexes and models.

`check` changes nothing, and works on what cannot be opened; `mend` mends what it found. What is
merely behind, because the folder has gone on or embedding has not ended, is harmless: opening the
index sees to it.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from qa import agreement, derived, embedding, preview, rows, soundness
from qa.database import DamagedStore, Database
from qa.directory import STORE, IndexDirectory, default_directory
from qa.embedding import Encoder
from qa.errors import IndexBusy, ModelError, QAError, StoreError
from qa.finding import Finding, Remedy, together
from qa.index import Index
from qa.models import DEFAULT_MODEL
from qa.progress import ProgressCallback
from qa.soundness import Step, no_step
from qa.store import Store
from qa.surroundings import abandoned, damaged_models, delete, disk_findings

SAMPLE = 20  # passages that are embedded and searched again
_FREE_SHARE, _FREE_BYTES = 4, 1 << 20  # of a store: more empty space than that is told

_OPENING = "opening the index (`qa index`) sees to it"
_MADE_ANEW = "--fix puts it aside and makes it anew from the files; vectors are kept"


def check(
    folder: Path | None,
    *,
    directory: Path | None = None,
    model: str = DEFAULT_MODEL,
    fast: bool = False,
    encoder: Encoder | None = None,
    everything: bool = False,
    step: Step = no_step,
) -> list[Finding]:
    """What is wrong with an index; nothing, where all is well.

    Parameters
    ----------
    folder : Path or None
        What it is the index of; None for an imported one, whose folder is not here.
    directory : Path, optional
        Where it lies; by default where the folder's does.
    model, fast, encoder
        As for `Index.open`.
    everything : bool
        Whether every passage is embedded and searched again and every file read, not a sample.
    step : callable, optional
        Told what is being done, how much of it is done, and how much there is.

    Raises
    ------
    ValueError
        When neither a folder nor a directory is named.
    """
    place = place_of(folder, directory)
    return list(_Examination(folder, place, model, fast, encoder, everything, step).findings())


def place_of(folder: Path | None, directory: Path | None) -> Path:
    """Where an index lies."""
    if directory is not None:
        return directory.expanduser().resolve()
    if folder is None:
        raise ValueError("neither a folder nor a directory: name one of them")
    return default_directory(folder.expanduser().resolve())


@dataclass(slots=True)
class _Examination:
    folder: Path | None
    place: Path
    model: str
    fast: bool
    encoder: Encoder | None
    everything: bool
    step: Step

    def findings(self) -> Iterator[Finding]:
        if not self.place.is_dir():
            yield self._missing()
            return
        yield from disk_findings(self.place)
        yield from self._left_over()
        yield from self._models()
        if not (self.place / STORE).exists():
            yield self._missing()
            return
        try:
            with closing(soundness.opened(self.place / STORE)) as database:
                database.hold()
                yield from self._store(database)
        except DamagedStore as error:
            yield self._damaged(str(error))
        except (StoreError, IndexBusy) as error:
            yield Finding("store", str(error), "questions are not answered", "mend that first")

    def _missing(self) -> Finding:
        what = f"there is no index in {str(self.place)!r}"
        if self.folder is None:
            return Finding("store", what, "there is nothing to ask", "import it again")
        return Finding("store", what, "the folder cannot be asked yet", _OPENING, "open")

    def _damaged(self, what: str) -> Finding:
        means = "what it says there is not answered with"
        if self.folder is None:
            return Finding("store", what, means, "import it again: its folder is not here")
        return Finding("store", what, means, _MADE_ANEW, "rebuild")

    def _left_over(self) -> Iterator[Finding]:
        if found := abandoned(self.place):
            size = sum(path.stat().st_size for path in found if path.is_file()) >> 20
            what = f"{together([path.name for path in found])} ({size:,} MB)"
            means = "left by damage that was mended, or by a process that was killed"
            yield Finding("leftovers", what, means, "--fix deletes them", "tidy", harmless=True)

    def _models(self) -> Iterator[Finding]:
        if found := damaged_models():
            what = f"{together([path.name for path in found])} in the cache are not as written"
            means = "they are not used, but made again when they are needed"
            yield Finding("models", what, means, "--fix deletes them", "tidy")
        if self.encoder is None:
            try:
                self.encoder = embedding.load(self.model, fast=self.fast)
            except ModelError as error:
                means = "nothing is found by its meaning, and vectors are not checked"
                yield Finding("models", str(error), means, "mend that first")

    # The store.

    def _store(self, database: Database) -> Iterator[Finding]:
        version = database.rows("PRAGMA user_version")[0][0]
        if version > rows.SCHEMA_VERSION:
            what = f"it was made by a newer version of qa (schema {version})"
            yield Finding("store", what, "this version cannot read it", "upgrade qa")
            return
        if 0 < version < rows.SCHEMA_VERSION:
            what = f"it was made by an earlier version of qa (schema {version})"
            means = "it cannot be checked yet"
            yield Finding("store", what, means, _OPENING, "open", harmless=True)
            return
        if found := list(soundness.faults(database, self.step)):
            yield self._damaged(together(found))
            return
        yield from self._space(database)
        yield from self._agreement(database)

    def _space(self, database: Database) -> Iterator[Finding]:
        free, size = soundness.free_bytes(database), (self.place / STORE).stat().st_size
        if free > max(_FREE_BYTES, size / _FREE_SHARE):
            what = f"{free >> 20:,} MB of it are empty"
            means = "it takes up more room than it needs"
            yield Finding("store", what, means, "--fix gives them back", "tidy", harmless=True)

    def _agreement(self, database: Database) -> Iterator[Finding]:
        """What holds of a store that is sound."""
        with closing(_reading(self.place / STORE)) as store:
            yield from self._files(store)
            if self.encoder is None:
                return
            ids = self._sample(store)
            yield from agreement.vector_findings(database, store, self.encoder, ids, self.step)
            yield from agreement.search_findings(
                database, store, self.encoder, self.place, ids if self.everything else ids[:SAMPLE]
            )

    def _files(self, store: Store) -> Iterator[Finding]:
        if self.folder is None:
            return
        try:
            files = preview.files(self.folder.expanduser().resolve(), self.place)
        except QAError as error:
            means = "the index cannot be held against its files"
            yield Finding("files", str(error), means, "make the folder available")
            return
        yield from agreement.file_findings(store, files, self.everything, self.step)

    def _sample(self, store: Store) -> list[int]:
        ids = store.newest_first()
        return ids if self.everything or len(ids) <= SAMPLE else random.sample(ids, SAMPLE)


def _reading(path: Path) -> Store:
    try:
        with closing(Store(path, create=False)) as store:
            return store.snapshot()
    except DamagedStore:
        raise
    except StoreError:
        if (kept := Store.read_only(path)) is None:
            raise
        return kept


def mend(
    findings: Iterable[Finding],
    folder: Path | None,
    *,
    directory: Path | None = None,
    model: str = DEFAULT_MODEL,
    fast: bool = False,
    encoder: Encoder | None = None,
    progress: ProgressCallback | None = None,
    step: Step = no_step,
) -> None:
    """Mend what `check` found, as far as that can be done; the same arguments.

    Parameters
    ----------
    progress : callable, optional
        Told how far the indexing has come.

    Raises
    ------
    QAError
        Where that fails. What was there before is whole, or is damaged as it was.
    """
    if remedies := {finding.remedy for finding in findings if finding.remedy}:
        place = IndexDirectory(place_of(folder, directory))
        _Mending(folder, place, encoder or embedding.load(model, fast=fast), step).run(
            remedies, progress
        )


@dataclass(slots=True)
class _Mending:
    folder: Path | None
    place: IndexDirectory
    encoder: Encoder
    step: Step

    def run(self, remedies: Collection[Remedy], progress: ProgressCallback | None) -> None:
        with self.place.writing():
            if "rebuild" in remedies:
                self._rebuild()
            elif (self.place.path / STORE).exists():
                self._in_store(remedies)
            if {"publish", "embed"}.intersection(remedies):
                derived.withdraw(self.place.path)
        self._open(progress)
        if "tidy" in remedies:
            self._tidy_up()

    def _rebuild(self) -> None:
        """Put the store aside, unless somebody else has done so meanwhile."""
        try:
            damaged = Store(self.place.path / STORE, create=False)
        except DamagedStore:
            damaged = None
        self.place.replace(damaged).close()
        if damaged is not None:
            damaged.close()

    def _in_store(self, remedies: Collection[Remedy]) -> None:
        with closing(Store(self.place.path / STORE, create=False)) as store:
            if "read" in remedies and self.folder is not None:
                self._forget_times(store, self.folder)
            if "embed" in remedies:
                self._drop_bad_vectors(store)
            if "tidy" in remedies:
                with store.transaction():
                    store.vectors.note_unused()
                store.vectors.drop_unused()

    def _forget_times(self, store: Store, folder: Path) -> None:
        """Have files read again that look as they did."""
        files = preview.files(folder.expanduser().resolve(), self.place.path)
        known = store.states()
        for id in agreement.unnoticed(files, known, self.step):
            store.touch(id, replace(known[id], modified_ns=-1))

    def _drop_bad_vectors(self, store: Store) -> None:
        name, dimensions = self.encoder.name, self.encoder.dimensions
        with closing(Database(self.place.path / STORE, create=False)) as database:
            found = list(soundness.bad_vectors(database, name, dimensions, self.step))
            for bad in found:
                store.vectors.drop(bad.model, [bad.key])
            every = store.newest_first()
            off = agreement.differing(database, store, self.encoder, every, self.step)
        store.vectors.drop(name, [bad.key for bad in off])

    def _open(self, progress: ProgressCallback | None) -> None:
        if self.folder is None:
            Index.open_imported(self.place.path, encoder=self.encoder, progress=progress).close()
            return
        place, encoder = self.place.path, self.encoder
        Index.open(self.folder, directory=place, encoder=encoder, progress=progress).close()

    def _tidy_up(self) -> None:
        for path in [*damaged_models(), *abandoned(self.place.path)]:
            delete(path)
        with self.place.writing(), self.place.filling() as mine:
            if mine:  # else somebody reads the vectors by the numbers that this would change
                with closing(Database(self.place.path / STORE, create=False)) as database:
                    database.execute("VACUUM")
