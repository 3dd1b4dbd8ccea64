"""Killed at any write, exporting, importing and mending leave what was there, or what was to be."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from care_worker import CareWorker
from damaging import ARTICLES, QUESTIONS, make
from fakes import HashingEncoder
from worker import hits, remove_index

import qa
from qa import doctor, portable
from qa.directory import STORE

pytestmark = pytest.mark.kill

EVERY = 5  # how many writes lie between two kills of what writes very often
MOST = 400  # writes: far more than there are


@pytest.fixture(scope="module")
def worker() -> Iterator[CareWorker]:
    worker = CareWorker()
    yield worker
    worker.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make(tmp_path / "folder", tmp_path / "index", log=False)
    upload = tmp_path / "upload.txt"
    upload.write_text("The uploaded zeppelin met the uploaded violin.")
    with opened(tmp_path) as index:
        index.add([upload])
    return tmp_path


def opened(root: Path) -> qa.Index:
    return qa.Index.open(root / "folder", directory=root / "index", encoder=HashingEncoder())


def alone(place: Path) -> list[Any]:
    with qa.Index.open_imported(place, encoder=HashingEncoder()) as index:
        return [hits(index, QUESTIONS, 5), [document.text for document in index.documents]]


def alone_or_none(place: Path) -> list[Any] | None:
    """What an index says; None where there is none, which is said too."""
    try:
        return alone(place)
    except qa.StoreError as error:
        if "there is no index" in str(error) or "is empty" in str(error):
            return None
        raise


def kills(worker: CareWorker, every: int, **settings: Any) -> Iterator[int]:
    """Do it, killed at one write later each time, until it is not killed any more."""
    for write in itertools.count(1, every):
        assert write < MOST
        killed, said = worker.told(kill=write, **settings)
        if not killed:
            assert write > 10, "the kills fell beside the work"
            assert said is not None
            return
        yield write


def test_killed_at_any_write_an_export_leaves_a_whole_file_or_none(
    root: Path, worker: CareWorker
) -> None:
    expected, file = alone(root / "index"), root / "a.qa"
    for _ in kills(worker, 1, work="export", place=root / "index", file=file):
        if file.exists():
            portable.unpack(file, root / "new", force=True)
            assert alone(root / "new") == expected
            file.unlink()
        assert alone(root / "index") == expected
    portable.unpack(file, root / "new", force=True)
    assert alone(root / "new") == expected


def test_killed_at_any_write_an_export_leaves_the_file_that_was_there_or_the_new_one(
    root: Path, worker: CareWorker
) -> None:
    file = root / "a.qa"
    portable.pack(root / "index", file)
    before = file.read_bytes()
    (root / "folder" / "late.txt").write_text("A late report.")
    opened(root).close()
    whole = 0
    for _ in kills(worker, 2, work="export", place=root / "index", file=file):
        if file.read_bytes() != before:
            whole += 1
            assert portable.unpack(file, root / "new", force=True).documents == len(ARTICLES) + 2
            file.write_bytes(before)
    assert whole < 5, "it was replaced before it was whole"


def test_killed_at_any_write_an_import_leaves_no_index_or_a_whole_one(
    root: Path, worker: CareWorker
) -> None:
    expected, file, new = alone(root / "index"), root / "a.qa", root / "new"
    portable.pack(root / "index", file)
    for _ in kills(worker, 2, work="import", place=new, file=file):
        assert alone_or_none(new) in (None, expected)
        remove_index(new)
    assert alone(new) == expected
    assert [path.name for path in (new / "uploads").iterdir()] == ["upload.txt"]


def test_killed_at_any_write_an_import_over_an_index_leaves_the_old_one_or_the_new_one(
    root: Path, worker: CareWorker
) -> None:
    expected, file, there = alone(root / "index"), root / "a.qa", root / "there"
    portable.pack(root / "index", file)
    (root / "few").mkdir()
    (root / "few" / "one.txt").write_text("Only one report, of a glacier and an envoy.")
    qa.Index.open(root / "few", directory=root / "old", encoder=HashingEncoder()).close()
    before = alone(root / "old")
    ends = []
    shutil.copytree(root / "old", there)
    for _ in kills(worker, 2, work="import", place=there, file=file, force=True):
        found = alone(there)
        assert found in (before, expected)
        ends.append(found == expected)
        assert not worker.told(work="import", place=there, file=file, force=True)[0]
        assert alone(there) == expected  # whatever the kill had left
        remove_index(there)
        shutil.copytree(root / "old", there)
    assert alone(there) == expected
    assert ends == sorted(ends), "once it is the new one, it stays so"
    assert set(ends) == {False, True}


def damage_a_row(place: Path) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(place / STORE)) as connection, connection:
        connection.execute("UPDATE documents SET title = 'A lie'")


def damage_the_header(place: Path) -> None:
    data = (place / STORE).read_bytes()
    (place / STORE).write_bytes(bytes(4096) + data[4096:])


def damage_vectors(place: Path) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(place / STORE)) as connection, connection:
        connection.execute("UPDATE vectors SET check_sum = 0")
    (path,) = place.glob("vectors-*.faiss")
    path.write_bytes(b"nothing")


@pytest.mark.parametrize("damage", [damage_a_row, damage_the_header, damage_vectors])
def test_killed_at_any_write_mending_ends_well_the_next_time(
    root: Path, worker: CareWorker, damage: Any
) -> None:
    expected, place, folder = alone(root / "index"), root / "copy", root / "folder"
    shutil.copytree(root / "index", place)
    damage(place)
    for _ in kills(worker, EVERY, work="mend", place=place, folder=folder):
        for _ in range(3):  # what is left over is told, and deleted, once all is well
            found = doctor.check(folder, directory=place, encoder=HashingEncoder())
            doctor.mend(found, folder, directory=place, encoder=HashingEncoder())
        assert doctor.check(folder, directory=place, encoder=HashingEncoder()) == []
        assert alone(place) == expected
        remove_index(place)
        shutil.copytree(root / "index", place)
        damage(place)
    assert alone(place) == expected
