"""Look an index over, and change nothing: its store, files, vectors, search indexes and models.

It works on what cannot be opened. What is merely behind, because the folder has gone on or
embedding has not ended, is harmless: opening the index sees to it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from qa import embedding, preview
from qa.directory import STORE, default_directory
from qa.doctor import agreement
from qa.doctor.finding import Finding, together
from qa.doctor.surroundings import abandoned, damaged_models, disk_findings
from qa.embedding import Encoder
from qa.errors import IndexBusy, ModelError, QAError, StoreError
from qa.models import DEFAULT_MODEL
from qa.store import Store, rows, soundness
from qa.store.database import DamagedStore, Database
from qa.store.soundness import Step, no_step

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
        ids = store.all_passage_ids()
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
