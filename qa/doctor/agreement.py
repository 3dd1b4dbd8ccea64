"""Whether what must agree does: the store with the files, vectors with texts, the search indexes
with the store. Changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from qa import derived, lexical
from qa.derived import Derived
from qa.doctor.finding import Finding, together
from qa.embedding import Encoder
from qa.ingest import embedded_texts, recipe
from qa.onnx_model import Vectors
from qa.store import Store, soundness
from qa.store.database import Database
from qa.store.rows import FileState
from qa.store.soundness import BadVector, Step

SAME = 0.999  # cosine, at least, of a vector with the one that is made of its text now
_FOUND = 0.99  # cosine, at least, of a vector with itself as the search index has it, in 8 bits too
_TOGETHER = 32  # passages at once

_OPENING = "opening the index (`qa index`) sees to it"


# The store and the files.


def file_findings(
    store: Store, files: Mapping[str, Path], everything: bool, step: Step
) -> Iterator[Finding]:
    """What opening the index would do; with `everything`, what it would not notice, too."""
    known = store.states()
    both = sorted(files.keys() & known.keys())
    written = [id for id in both if _is_written(files[id], known[id])]
    lists = {
        "new": sorted(files.keys() - known.keys()),
        "gone": sorted(known.keys() - files.keys()),
        "changed": [id for id in written if _sha256(files[id]) != known[id].sha256],
    }
    for word, ids in lists.items():
        if ids:
            what = f"{len(ids):,} {word} since they were read ({together(ids)})"
            means = "the index is behind its folder"
            yield Finding("files", what, means, _OPENING, "open", harmless=True)
    if everything and (ids := unnoticed(files, known, step)):
        what = f"{len(ids):,} changed with the size and time that they had ({together(ids)})"
        means = "what was in them before is found"
        yield Finding("files", what, means, "--fix reads them again", "read")


def unnoticed(files: Mapping[str, Path], known: Mapping[str, FileState], step: Step) -> list[str]:
    """The files that have changed, though they look as they did when they were read."""
    both = sorted(files.keys() & known.keys())
    found = []
    for number, id in enumerate(both, 1):
        if not _is_written(files[id], known[id]) and _sha256(files[id]) != known[id].sha256:
            found.append(id)
        step("files", number, len(both))
    return found


def _is_written(path: Path, known: FileState) -> bool:
    """Whether a file was written since, perhaps with what was in it."""
    try:
        stat = path.stat()
    except OSError:
        return True
    return (known.bytes, known.modified_ns) != (stat.st_size, stat.st_mtime_ns)


def _sha256(path: Path) -> str:
    """As `qa.sync` notes it: nothing of what cannot be opened."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


# Vectors and texts.


def vector_findings(
    database: Database, store: Store, encoder: Encoder, ids: Sequence[int], step: Step
) -> Iterator[Finding]:
    """What is wrong with vectors; those of the named passages are made again and compared."""
    if store.recipe() != recipe(encoder):
        what = f"it was made as {store.recipe()!r}, not as {recipe(encoder)!r}"
        means = "its files are read again, and embedded if the model is another"
        yield Finding("vectors", what, means, _OPENING, "open", harmless=True)
        return
    anew = "--fix embeds them again"
    if bad := list(soundness.bad_vectors(database, encoder.name, encoder.dimensions, step)):
        what = f"{len(bad):,} are damaged; the first {bad[0].why}"
        yield Finding("vectors", what, "they are not searched", anew, "embed")
    if off := differing(database, store, encoder, ids, step):
        what = f"{len(off):,} of {len(ids):,} are not those of their texts; the first {off[0].why}"
        yield Finding("vectors", what, "passages are found that mean something else", anew, "embed")
    if missing := soundness.without_vector(database, encoder.name):
        what = f"{missing:,} passages have none yet"
        means = "they may be found by their words alone"
        mends = "--fix embeds them now"
        yield Finding("vectors", what, means, mends, "publish", harmless=True)
    if orphans := soundness.orphans(database):
        what, means = f"{orphans:,} are of no passage", "they take up room"
        yield Finding("vectors", what, means, "--fix deletes them", "tidy", harmless=True)


def differing(
    database: Database, store: Store, encoder: Encoder, ids: Sequence[int], step: Step
) -> list[BadVector]:
    """The vectors of these passages that are not what the encoder makes of their texts."""
    found = []
    for start in range(0, len(ids), _TOGETHER):
        some = ids[start : start + _TOGETHER]
        kept = soundness.vectors_of(database, some, encoder.name, encoder.dimensions)
        texts = embedded_texts(store, list(kept), encoder)
        made = encoder.encode_passages(list(texts.values())) if texts else ()
        for id, vector in zip(texts, made, strict=True):
            key, before = kept[id]
            cosine = float(before @ vector)
            if not cosine > SAME:
                found.append(BadVector(encoder.name, key, f"has a cosine of {cosine:.3f}"))
        step("passages", min(start + _TOGETHER, len(ids)), len(ids))
    return found


# The search indexes and the store.


def search_findings(
    database: Database, store: Store, encoder: Encoder, directory: Path, ids: Sequence[int]
) -> Iterator[Finding]:
    """What is wrong with the search indexes; the named passages are searched in them."""
    anew, slow = "--fix makes them anew", "they are made anew at every opening"
    faults = derived.faults(directory, store.version())
    for fault in faults:
        if fault.damage:
            yield Finding("search", f"they {fault.why}", slow, anew, "publish")
    behind = any(not fault.damage for fault in faults)
    if behind and not soundness.without_vector(database, encoder.name):
        means = "they are made when the index is opened next"
        what = "they are not made yet, or of an earlier state"
        yield Finding("search", what, means, _OPENING, "open", harmless=True)
    if not faults and store.recipe() == recipe(encoder):
        both = derived.load(store, encoder, directory)
        if both is None:
            yield Finding("search", "they cannot be opened", slow, anew, "publish")
        elif wrong := list(_disagreeing(both, database, store, encoder, ids)):
            means = "questions are answered with too little"
            yield Finding("search", together(wrong), means, anew, "publish")


def _disagreeing(
    both: Derived, database: Database, store: Store, encoder: Encoder, ids: Sequence[int]
) -> Iterator[str]:
    """What search indexes whose check sums are right say otherwise than the store."""
    passages = store.counts()[1]
    if len(both.lexical) != passages:
        yield f"words of {len(both.lexical):,} passages, not of {passages:,}"
    if len(both.vectors) != passages:
        yield f"vectors of {len(both.vectors):,} passages, not of {passages:,}"
    vectors = soundness.vectors_of(database, ids, encoder.name, encoder.dimensions)
    for id, (document, passage) in store.passages(ids).items():
        found, _ = both.lexical.search(passage.text, 1, among=[id])
        if lexical.terms(passage.text) and list(found) != [id]:
            yield f"a passage of {document.id!r} is not found by its words"
        if id in vectors and not _cosine(both, id, vectors[id][1]) > _FOUND:
            yield f"a passage of {document.id!r} is not found by its vector"


def _cosine(both: Derived, id: int, vector: Vectors) -> float:
    return float(both.vectors.cosines(vector, [id])[0])
