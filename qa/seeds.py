"""`qa.retrieve`: asking without an `Index`, and without naming a folder."""

from __future__ import annotations

import functools
from pathlib import Path

from qa.arguments import checked_question
from qa.hits import Hit
from qa.index import Index

SEEDS = "seeds"  # asked when no folder is named


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
    checked_question(question, k)
    return _opened_once(default_folder(folder)).retrieve(question, k)


def default_folder(folder: str | Path | None = None) -> Path:
    """The folder meant when none is named: ``seeds`` here, or beside this package."""
    if folder is not None:
        return Path(folder).expanduser().resolve()
    beside = Path(__file__).parents[1] / SEEDS
    return beside if not Path(SEEDS).is_dir() and beside.is_dir() else Path(SEEDS).resolve()
