"""Killed at any moment, an index loses nothing that was committed, and the next open finishes."""

import os
import random
import re
import signal
import sqlite3
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import HashingEncoder
from worker import Worker, hits, remove_index

import qa
from qa.directory import STORE

pytestmark = pytest.mark.kill

WORDS = re.findall(
    r"\w+",
    "truce envoy harbour baker comet observatory orchestra hangar ferry ledger clerk miner valley "
    "doctor student camera flour island rehearsal bridge senator archive glacier lantern orchard "
    "parliament quarry rudder saddle tunnel violin warehouse yeast zeppelin ambush barley",
)
QUESTIONS = [
    "Who saw the comet from the observatory?",
    "Did the senator visit the quarry with the miner?",
    "When was the ferry to the island launched?",
    "What did the notary write about the warehouse?",
    "envoy truce valley doctor",
    "Is there yeast in the lighthouse?",
]


def write_article(folder: Path, name: str, sentences: int = 90) -> None:
    """Four or five passages of words in an order that the name decides."""
    choice = random.Random(name)
    text = f"Report {name}\n\n" + "\n\n".join(
        " ".join(
            f"The {choice.choice(WORDS)} of the {choice.choice(WORDS)} met the "
            f"{choice.choice(WORDS)}."
            for _ in range(6)
        )
        for _ in range(sentences // 6)
    )
    write(folder / name, text)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    then = time.time() - 1_000 + (path.stat().st_size % 97)
    os.utime(path, (then, then))


def change_some(folder: Path) -> None:
    """Of every eight files one changes, one goes, one gets another name; some are new."""
    for number, path in enumerate(sorted(folder.glob("*.txt"))):
        if number % 8 == 0:
            write(path, path.read_text().replace("envoy", "consul") + "\n\nThe end came soon.")
        elif number % 8 == 1:
            path.unlink()
        elif number % 8 == 2:
            path.rename(path.with_name(f"renamed-{path.name}"))
    for number in range(20):
        write_article(folder, f"new-{number}.txt")
    write(folder / "bad.txt", "   ")


def contents(place: Path) -> dict[str, list[Any]]:
    """All that the store says, but for its own name and its revision."""
    with sqlite3.connect(place / STORE) as connection:
        found = {
            table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr)
            for table in ("files", "documents", "passages", "failures")
        }
        columns = "model, key, vector, check_sum"
        vectors = connection.execute(f"SELECT {columns} FROM vectors ORDER BY model, key")
        found["vectors"] = vectors.fetchall()
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    return found


def embedded_in(place: Path) -> int:
    """How many passages have a vector for a process that comes now."""
    if not (place / STORE).exists():
        return 0
    connection = sqlite3.connect(place / STORE)
    try:
        sql = "SELECT count(*) FROM passages WHERE key IN (SELECT key FROM vectors)"
        return int(connection.execute(sql).fetchone()[0])
    except sqlite3.OperationalError:  # killed before the tables were made
        return 0
    finally:
        connection.close()


def documents_in(place: Path) -> int:
    connection = sqlite3.connect(place / STORE)
    try:
        return int(connection.execute("SELECT count(*) FROM documents").fetchone()[0])
    finally:
        connection.close()


def check_equals_clean_build(folder: Path, place: Path, clean: Path) -> None:
    remove_index(clean)
    found = []
    for directory in (place, clean):
        with qa.Index.open(folder, directory=directory, encoder=HashingEncoder()) as index:
            status = replace(index.status, files_done=0, files_total=0)  # of this opening
            found.append((hits(index, QUESTIONS), status))
    assert found[0] == found[1]
    assert all(found[0][0])
    assert contents(place) == contents(clean)
    left_over = {path.name for path in place.iterdir() if path.name.endswith(".part")}
    assert not left_over
    assert len(list(place.glob("lexical-*"))) == len(list(place.glob("vectors-*"))) == 1


def test_killed_again_and_again_it_ends_as_a_clean_build(tmp_path: Path) -> None:
    folder, place, clean = tmp_path / "folder", tmp_path / "index", tmp_path / "clean"
    for number in range(160):
        write_article(folder, f"{number:03}.txt")
    moments = random.Random(20160213)
    least, kills, patience = 0, 0, 1.0
    while kills < 12 or least == 0:
        with Worker(folder, place, seconds=0.2) as worker:
            time.sleep(moments.uniform(0.02, 0.5) * patience)
            kills += worker.kill() == -signal.SIGKILL
        assert embedded_in(place) >= least
        least = embedded_in(place)
        patience *= 1.2 if least == 0 else 1.0  # this machine is busy
    passages = 160 * 4
    assert 0 < least < passages, "the kills fell beside the work: change the delays"
    encoder = HashingEncoder()
    with qa.Index.open(folder, directory=place, encoder=encoder) as index:
        assert encoder.embedded == index.status.passages - least, "something was embedded twice"
    check_equals_clean_build(folder, place, clean)

    change_some(folder)
    for _ in range(6):
        with Worker(folder, place, seconds=0.2) as worker:
            time.sleep(moments.uniform(0.02, 0.5))
            worker.kill()
        assert documents_in(place) >= 140  # renamed, changed, deleted: never many gone at once
    check_equals_clean_build(folder, place, clean)


MOMENTS = [
    ("qa.store.database:Database._set_up", 1, True),
    ("qa.store:Store._create_or_check", 1, True),
    ("qa.store:Store.start_recipe", 1, True),
    ("qa.store:Store._raise_revision", 5, False),
    ("qa.store:Store._raise_revision", 5, True),
    ("qa.store:Store._put_file", 6, True),
    ("qa.store:Store._insert", 6, True),
    ("qa.store:Store.put", 7, True),
    ("qa.store.vector_table:VectorTable.put", 1, False),
    ("qa.store.vector_table:VectorTable.put", 2, True),
    ("qa.store.vector_table:VectorTable._put_rows", 2, True),
    ("qa.store.vector_table:VectorTable.drop_unused", 1, False),
    ("qa.store.vector_table:VectorTable.drop_unused", 1, True),
    ("qa.lexical.segments:_write_one", 1, False),
    ("qa.lexical.segments:_write_one", 1, True),
    ("qa.lexical.segments:_put_together", 1, True),
    ("qa.derived:_write_words", 1, True),
    ("qa.derived:_clear", 1, True),
    ("qa.derived:_vectors", 1, True),
    ("qa.derived:VectorIndex.save", 1, False),
    ("qa.derived:VectorIndex.save", 1, True),
    ("qa.derived:write_atomically", 1, False),  # the words' manifest
    ("qa.derived:write_atomically", 1, True),
    ("qa.derived:write_atomically", 2, False),  # the vectors'
    ("qa.derived:write_atomically", 2, True),
    ("qa.live:LiveCorpus.complete", 1, False),
    ("qa.live:LiveCorpus.complete", 1, True),
    ("qa.live:LiveCorpus.renew", 1, True),
]


@pytest.mark.parametrize(("name", "call", "after"), MOMENTS)
def test_killed_at_a_given_step_it_ends_as_a_clean_build(
    tmp_path: Path, name: str, call: int, after: bool
) -> None:
    folder, place = tmp_path / "folder", tmp_path / "index"
    for number in range(60):
        write_article(folder, f"{number:03}.txt", sentences=30)
    kill = {"name": name, "call": call, "after": after}
    with Worker(folder, place, kill=kill, log_bytes=100_000) as worker:
        assert worker.answer() is None
        assert worker.end() == -signal.SIGKILL
    check_equals_clean_build(folder, place, tmp_path / "clean")


@pytest.mark.parametrize(
    ("name", "call", "after"),
    [
        ("qa.store:Store.put", 1, True),
        ("qa.store:Store.remove", 1, False),
        ("qa.store:Store.remove", 2, True),
        ("qa.store.vector_table:VectorTable.put", 1, True),
        ("qa.store.vector_table:VectorTable.drop_unused", 1, False),
        ("qa.lexical.segments:_take_over", 1, True),
        ("qa.derived:write_atomically", 1, False),
        ("qa.live:LiveCorpus.complete", 1, False),
    ],
)
def test_killed_while_it_follows_changes_it_ends_as_a_clean_build(
    tmp_path: Path, name: str, call: int, after: bool
) -> None:
    folder, place = tmp_path / "folder", tmp_path / "index"
    for number in range(24):
        write_article(folder, f"{number:03}.txt", sentences=30)
    qa.Index.open(folder, directory=place, encoder=HashingEncoder()).close()
    change_some(folder)
    with Worker(folder, place, kill={"name": name, "call": call, "after": after}) as worker:
        assert worker.answer() is None
        assert worker.end() == -signal.SIGKILL
    check_equals_clean_build(folder, place, tmp_path / "clean")


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("qa.directory:IndexDirectory._put_aside", False),
        ("qa.directory:IndexDirectory._put_aside", True),
        ("qa.store.vector_table:VectorTable.take_from", True),
        ("pathlib:Path.rename", True),
    ],
)
def test_killed_while_mending_it_ends_as_a_clean_build(
    tmp_path: Path, name: str, after: bool
) -> None:
    folder, place = tmp_path / "folder", tmp_path / "index"
    for number in range(24):
        write_article(folder, f"{number:03}.txt", sentences=30)
    qa.Index.open(folder, directory=place, encoder=HashingEncoder()).close()
    data = (place / STORE).read_bytes()
    (place / STORE).write_bytes(bytes(4096) + data[4096:])
    with Worker(folder, place, kill={"name": name, "call": 1, "after": after}) as worker:
        assert worker.answer() is None
        assert worker.end() == -signal.SIGKILL
    check_equals_clean_build(folder, place, tmp_path / "clean")
