"""A store in which everything is as it was written, and what a manifest says of it.

Knows nothing of the file that it is packed into, or was unpacked from.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from qa.store import soundness
from qa.store.database import DamagedStore, Database
from qa.store.soundness import Step


def summary(store: Path, step: Step) -> dict[str, Any]:
    """What a manifest says of a store, in which everything is as it was written."""
    with closing(Database(store, create=False)) as database:
        fault = next(soundness.faults(database, step), None)
        bad = None if fault else next(soundness.bad_vectors(database, step=step), None)
        if fault or bad:
            what = fault or (bad and f"a vector {bad.why}")
            raise DamagedStore(str(what))
        counted = {
            table: database.rows(f"SELECT count(*) FROM {table}")[0][0]
            for table in ("documents", "passages", "vectors")
        }
        recipe = database.rows("SELECT value FROM meta WHERE key = 'recipe'")[0][0]
        schema = database.rows("PRAGMA user_version")[0][0]
    return counted | {"recipe": recipe, "schema": schema}
