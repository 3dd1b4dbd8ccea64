"""Mend what an examination found, as far as that can be done from the files and the store."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from qa import derived, embedding, preview
from qa.directory import STORE, IndexDirectory
from qa.doctor import agreement
from qa.doctor.examination import place_of
from qa.doctor.finding import Finding, Remedy
from qa.doctor.surroundings import abandoned, damaged_models, delete
from qa.embedding import Encoder
from qa.index import Index
from qa.models import DEFAULT_MODEL
from qa.progress import ProgressCallback
from qa.store import DamagedStore, Store, soundness
from qa.store.database import Database
from qa.store.soundness import Step, no_step


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
            every = store.all_passage_ids()
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
