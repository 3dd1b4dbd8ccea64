"""The index on disk: one SQLite file, the truth that everything else is derived from."""

from qa.documents import Failure
from qa.store.database import DamagedStore
from qa.store.rows import FileState, Outline, StoredPassage, vector_key
from qa.store.store import Store

__all__ = [
    "DamagedStore",
    "Failure",
    "FileState",
    "Outline",
    "Store",
    "StoredPassage",
    "vector_key",
]
