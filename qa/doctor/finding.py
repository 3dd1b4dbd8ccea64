"""What the doctor finds: what is wrong, what it means, and what mends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

TOLD = 3  # of many of one kind, so many are told

Part = Literal["directory", "store", "files", "vectors", "search", "models", "leftovers"]
Remedy = Literal["", "open", "rebuild", "embed", "publish", "read", "tidy"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    Parameters
    ----------
    part : str
        Of what: "directory", "store", "files", "vectors", "search", "models" or "leftovers".
    what : str
        What is wrong.
    means : str
        What follows from it.
    mends : str
        What mends it.
    remedy : str
        What `doctor.mend` does about it: "open" the index, "rebuild" the store, "embed" again,
        "publish" the search indexes anew, "read" files again, or "tidy" up; "" for nothing.
    harmless : bool
        Whether all is well all the same.
    """

    part: Part
    what: str
    means: str
    mends: str
    remedy: Remedy = ""
    harmless: bool = False

    def __str__(self) -> str:
        """One line."""
        return f"{self.part}: {self.what}: {self.means}; {self.mends}"


def together(things: Sequence[str]) -> str:
    """The first of many, and how many more there are."""
    more = len(things) - TOLD
    return ", ".join(things[:TOLD]) + (f" and {more:,} more" if more > 0 else "")
