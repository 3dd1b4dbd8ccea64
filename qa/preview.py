"""What bringing an index up to date would do, told without writing anything anywhere.

An index that is not there is not made, and one that is there is only read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from qa import embedding
from qa import folder as folders
from qa.directory import STORE, default_directory
from qa.embedding import Encoder
from qa.ingest import recipe
from qa.models import DEFAULT_MODEL
from qa.progress import ProgressCallback
from qa.store import DamagedStore, Store
from qa.sync import Changes, compare, files_in, paths_in
from qa.uploads import PREFIX, UPLOADS


def preview(
    folder: str | Path,
    *,
    directory: str | Path | None = None,
    model: str = DEFAULT_MODEL,
    fast: bool = False,
    encoder: Encoder | None = None,
    progress: ProgressCallback | None = None,
) -> Changes:
    """What `Index.open` would add, change and remove, and what it could not read.

    Parameters
    ----------
    folder, directory, model, fast, encoder
        As for `Index.open`. A model is loaded only where there is an index to be compared with.
    progress : callable, optional
        Told how far the reading of new and changed files has come.

    Raises
    ------
    FolderError
        When there is no such folder.
    StoreError
        When there is an index, and it cannot be read.
    """
    root = Path(folder).expanduser().resolve()
    place = Path(directory).expanduser().resolve() if directory else default_directory(root)

    def load() -> Encoder:
        if encoder is not None:
            return encoder
        return embedding.load(model, fast=True) if fast else embedding.load(model)

    folders.check(root)  # before a model is loaded
    with closing(_kept(place / STORE, load)) as store:
        return compare(store, files(root, place), progress)


def _kept(path: Path, load: Callable[[], Encoder]) -> Store:
    """The store, if what it holds would be kept; else an empty one."""
    if not path.exists():
        return Store(None)
    try:
        store = Store.read_only(path)
    except DamagedStore:  # it would be put aside
        return Store(None)
    if store is None:  # of an earlier version: all is read again
        return Store(None)
    if store.recipe() == recipe(load()):
        return store
    store.close()
    return Store(None)


def files(root: Path, directory: Path) -> dict[str, Path]:
    """All files that an index is made of, by id: those of its folder, and those uploaded to it."""
    own = directory / UPLOADS
    uploaded = files_in(own, PREFIX) if own.is_dir() else {}
    found = paths_of_folder(root, directory)
    return uploaded | {id: Path(path) for id, path in found.items()}


def paths_of_folder(root: Path, directory: Path) -> dict[str, str]:
    """The readable files of a folder by id, without the uploads of an index that lies in it."""
    return without_uploads(paths_in(root), directory)


def without_uploads(found: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Files without those that were uploaded to an index."""
    own = f"{directory / UPLOADS}{os.sep}"
    return {id: path for id, path in found.items() if not path.startswith(own)}
