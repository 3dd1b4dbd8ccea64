"""An index made by the first released version, opened by this one.

`data/index-v1/store.sqlite3` was written by qa 0.1.0 (schema 1) with its default model:
``qa.Index.open("/home/somebody/articles", directory=...)`` over the files that lie in
`data/index-v1-articles`, last written on 1 May 2024; then checkpointed (``PRAGMA
wal_checkpoint(TRUNCATE)``) and vacuumed. The search indexes derived from it are left out. It is
never made again: it is what people have on their disks.
"""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fakes import HashingEncoder

import qa
from qa import embedding
from qa.directory import STORE
from qa.onnx_model import Vectors
from qa.store import DamagedStore, FileState, Store

DATA = Path(__file__).parent / "data"
ANSWERS = {  # as it answered when it was made: document, start of the passage, score
    "Who keeps sheep and lost none?": [
        ("wolves.txt", 70, 1.0),
        ("notes/harvest.md", 18, 0.013817146),
        ("bridge.txt", 76, 0.0),
    ],
    "How long is the bridge over the Arnsund?": [
        ("bridge.txt", 76, 1.0),
        ("wolves.txt", 70, 0.064018788),
        ("notes/harvest.md", 18, 0.0),
    ],
    "When were the pears picked?": [
        ("notes/harvest.md", 18, 1.0),
        ("wolves.txt", 70, 0.015954943),
        ("bridge.txt", 76, 0.0),
    ],
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The old index, where it may be changed."""
    shutil.copytree(DATA / "index-v1", tmp_path / "index")
    return tmp_path / "index"


@pytest.mark.model
def test_an_index_of_the_first_version_answers_as_it_did(place: Path) -> None:
    with qa.Index.open(DATA / "index-v1-articles", directory=place) as index:
        for question, expected in ANSWERS.items():
            hits = index.retrieve(question, 3, rerank=False)
            assert [(hit.document.id, hit.passage.start) for hit in hits] == [
                (id, start) for id, start, _ in expected
            ]
            assert [hit.score for hit in hits] == pytest.approx([s for *_, s in expected], abs=1e-4)


class CountingEncoder:
    """An encoder that counts what it embeds."""

    def __init__(self, encoder: qa.Encoder) -> None:
        self._encoder = encoder
        self.embedded = 0

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        self.embedded += len(texts)
        return self._encoder.encode_passages(texts)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)


@pytest.mark.model
def test_an_index_of_the_first_version_is_brought_forward_without_embedding_anything(
    place: Path,
) -> None:
    encoder = CountingEncoder(embedding.load())
    with qa.Index.open(DATA / "index-v1-articles", directory=place, encoder=encoder) as index:
        assert encoder.embedded == 0
        assert index.status.documents == index.status.embedded == 3
        assert [failure.path for failure in index.status.failures] == ["empty.txt"]


def test_everything_that_the_first_version_kept_is_kept(place: Path) -> None:
    connection = sqlite3.connect(place / STORE)
    passages = connection.execute("SELECT * FROM passages").fetchall()
    vectors = connection.execute("SELECT * FROM vectors").fetchall()
    texts = dict(connection.execute("SELECT id, text FROM documents"))
    states = connection.execute("SELECT id, bytes, modified_ns, sha256 FROM documents").fetchall()
    states += connection.execute("SELECT id, bytes, modified_ns, sha256 FROM failures").fetchall()
    connection.close()
    with closing(Store(place / STORE)) as store:
        assert {id: document.text for id, document in store.documents().items()} == texts
        assert {id: document.path for id, document in store.documents().items()} == {
            id: Path("/home/somebody/articles", id) for id in texts
        }
        expected = {id: FileState(size, modified, sha) for id, size, modified, sha in states}
        assert store.states() == expected
        assert len(store.passages([row[0] for row in passages])) == len(passages) == 3
        assert len(list(store.entries())) == 3
        assert [outline.characters for outline in store.outlines()] == [
            len(texts[id]) for id in sorted(texts)
        ]
    connection = sqlite3.connect(place / STORE)
    assert connection.execute("SELECT * FROM passages").fetchall() == passages
    assert connection.execute("SELECT * FROM vectors").fetchall() == vectors
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def test_an_index_brought_forward_has_the_tables_of_a_new_one(place: Path) -> None:
    def tables(path: Path) -> dict[str, str]:
        with closing(Store(path)):
            pass
        with closing(sqlite3.connect(path)) as connection:
            found = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name")
            return {
                name: " ".join((sql or "").replace('"', "").split()).replace("( ", "(")
                for name, sql in found
            }

    assert tables(place / STORE) == tables(place / "new")


def test_a_document_that_goes_takes_its_passages_along_after_a_migration(place: Path) -> None:
    with closing(Store(place / STORE)) as store:
        store.remove("wolves.txt")
        assert store.counts() == (2, 2)
        store.start_recipe("other")
        assert (store.counts(), store.states(), store.failures()) == ((0, 0), {}, ())


def change(place: Path, *statements: str) -> None:
    with closing(sqlite3.connect(place / STORE)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE documents SET text = replace(text, 'Nine wolves', 'Ten wolves')",
        "UPDATE documents SET text = CAST(text AS BLOB)",
        "UPDATE documents SET date = '2001-01-01'",
        "ALTER TABLE documents RENAME COLUMN sha256 TO sha512",
        "DROP TABLE failures",
        "PRAGMA user_version = -1",
    ],
)
def test_damage_is_not_brought_forward(place: Path, damage: str) -> None:
    change(place, damage)
    before = (place / STORE).read_bytes()
    with pytest.raises(DamagedStore, match="is damaged"):
        Store(place / STORE)
    assert (place / STORE).read_bytes() == before


def test_a_damaged_index_of_the_first_version_is_made_anew_from_the_files(place: Path) -> None:
    change(place, "UPDATE documents SET text = replace(text, 'Nine wolves', 'Ten wolves')")
    encoder = HashingEncoder()
    with qa.Index.open(DATA / "index-v1-articles", directory=place, encoder=encoder) as index:
        assert "Nine wolves" in index.retrieve("How many wolves were counted?")[0].passage.text
    assert (place / f"{STORE}.damaged").exists()


@pytest.mark.parametrize("moment", ["_run", "_rows_of_schema_1"])
def test_killed_while_it_is_brought_forward_it_is_as_before(place: Path, moment: str) -> None:
    code = f"""
import os, signal, sys
from pathlib import Path
from qa.store import migrations
from qa.store import Store
original, calls = migrations.{moment}, []
def dying(*arguments):
    calls.append(1)
    result = original(*arguments)
    result = list(result) if result else result
    if len(calls) == 2 or result:
        os.kill(os.getpid(), signal.SIGKILL)
    return result
migrations.{moment} = dying
Store(Path(sys.argv[1]))
"""
    ran = subprocess.run(
        [sys.executable, "-c", code, str(place / STORE)],
        cwd=Path(__file__).parent.parent,
        check=False,
    )
    assert ran.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(place / STORE)) as connection:
        assert connection.execute("PRAGMA user_version").fetchall() == [(1,)]
    with closing(Store(place / STORE)) as store:
        assert store.counts() == (3, 3)
        assert len(list(store.entries())) == 3


def test_processes_that_meet_an_old_index_at_once_bring_it_forward_once(place: Path) -> None:
    code = """
import sys, time
from pathlib import Path
from qa.directory import IndexDirectory
print("started", flush=True)
sys.stdin.readline()
print(IndexDirectory(Path(sys.argv[1])).open_store().counts())
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(place)],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "started\n"
    assert [process.communicate("go\n")[0] for process in processes] == 3 * ["(3, 3)\n"]
    assert not (place / f"{STORE}.damaged").exists()
