"""An index moves as one file; whatever that file suffers, nothing is replaced by damage."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sqlite3
import threading
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import HashingEncoder
from worker import hits, remove_index

import qa
from qa import portable
from qa.directory import STORE, IndexDirectory
from qa.portable import file_format

ARTICLES = {
    "truce.txt": "The envoy refused a truce on Monday.\n\nHe said the cease-fire came too late.",
    "comet.md": "# Comet\n\nThe comet Hale was seen from the observatory on 7 May 1997.",
    "more/bread.txt": "Bakers ask for flour.\n\nThe price of yeast rose by 12 per cent in Homs.",
}
QUESTIONS = ["Who refused a truce?", "When was the comet seen?", "yeast price", '"cease-fire"']


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "articles")


def written(folder: Path) -> Path:
    for name, text in ARTICLES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def place(folder: Path, tmp_path: Path) -> Path:
    upload = tmp_path / "Who? Where: #1.txt"
    upload.write_text("The ferry to the island was launched by the miners.")
    with opened(folder, tmp_path / "index") as index:
        index.add([upload])
    return tmp_path / "index"


@pytest.fixture
def file(place: Path, tmp_path: Path) -> Path:
    portable.pack(place, tmp_path / "articles.qa", name="articles")
    return tmp_path / "articles.qa"


def opened(folder: Path, place: Path, encoder: HashingEncoder | None = None) -> qa.Index:
    return qa.Index.open(folder, directory=place, encoder=encoder or HashingEncoder())


def opened_alone(place: Path, encoder: HashingEncoder | None = None) -> qa.Index:
    return qa.Index.open_imported(place, encoder=encoder or HashingEncoder())


def everything(index: qa.Index) -> list[Any]:
    return [hits(index, QUESTIONS), {d.id: (d.text, d.title, d.date) for d in index.documents}]


def all_files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in found
        if not path.name.endswith((".lock", "-shm", "-wal"))
    }


# To and fro.


def test_an_index_moves_to_another_folder_and_embeds_nothing(
    folder: Path, place: Path, file: Path, tmp_path: Path
) -> None:
    with opened(folder, place) as index:
        before = everything(index)
    shutil.rmtree(folder)
    remove_index(place)
    elsewhere = written(tmp_path / "elsewhere" / "texts")
    portable.unpack(file, tmp_path / "new")
    encoder = HashingEncoder()
    with opened(elsewhere, tmp_path / "new", encoder) as index:
        assert everything(index) == before
        paths = {document.path for document in index.documents}
        assert elsewhere / "truce.txt" in paths
        assert tmp_path / "new" / "uploads" / "Who? Where: #1.txt" in paths
    assert encoder.embedded == 0


def test_an_index_can_be_asked_without_its_folder(
    folder: Path, place: Path, file: Path, tmp_path: Path
) -> None:
    with opened(folder, place) as index:
        before = everything(index)
    shutil.rmtree(folder)
    portable.unpack(file, tmp_path / "new")
    encoder = HashingEncoder()
    for _ in range(2):
        with opened_alone(tmp_path / "new", encoder) as index:
            assert everything(index) == before
            with pytest.raises(ValueError, match="follows no folder"):
                index.sync()
    assert encoder.embedded == 0


def test_the_manifest_says_what_is_in_the_file(place: Path, tmp_path: Path) -> None:
    made = portable.pack(place, tmp_path / "a.qa", name="articles")
    assert (made.documents, made.passages, made.vectors) == (4, 4, 4)
    assert (made.name, made.model, made.schema) == ("articles", "hashing", 2)
    with zipfile.ZipFile(tmp_path / "a.qa") as packed:
        told = json.loads(packed.read("manifest.json"))
        for part, member in zip(told["parts"], ["store.sqlite3", "uploads/1"], strict=True):
            data = packed.read(member)
            assert part["bytes"] == len(data)
            assert part["sha256"] == hashlib.sha256(data).hexdigest()
    assert told["sha256"] == made.sha256
    assert portable.unpack(tmp_path / "a.qa", tmp_path / "new") == made


def test_what_was_deleted_is_not_in_the_file(folder: Path, place: Path, tmp_path: Path) -> None:
    (folder / "truce.txt").unlink()
    opened(folder, place).close()
    portable.pack(place, tmp_path / "a.qa")
    with zipfile.ZipFile(tmp_path / "a.qa") as packed:
        assert b"refused a truce" not in packed.read(STORE)


def test_an_index_is_exported_while_it_is_open_and_written(
    folder: Path, place: Path, tmp_path: Path
) -> None:
    with opened(folder, place) as index, IndexDirectory(place).writing():
        (folder / "late.txt").write_text("A late report.")
        portable.pack(place, tmp_path / "a.qa")
        assert len(index.documents) == 4
    portable.unpack(tmp_path / "a.qa", tmp_path / "new")
    with opened_alone(tmp_path / "new") as index:
        assert len(index.documents) == 4


def test_half_embedded_it_moves_as_far_as_it_is(folder: Path, place: Path, tmp_path: Path) -> None:
    with opened(folder, place) as index:
        before = everything(index)
    with closing(sqlite3.connect(place / STORE)) as connection, connection:
        connection.execute("DELETE FROM vectors WHERE rowid % 2")
    made = portable.pack(place, tmp_path / "a.qa")
    assert made.vectors == 2
    portable.unpack(tmp_path / "a.qa", tmp_path / "new")
    encoder = HashingEncoder()
    with opened_alone(tmp_path / "new", encoder) as index:
        assert everything(index) == before
    assert encoder.embedded == 2
    with opened_alone(tmp_path / "new", encoder) as index:
        assert everything(index) == before
    assert encoder.embedded == 2


# What is there already.


def test_a_file_that_is_there_is_replaced_only_by_force(place: Path, tmp_path: Path) -> None:
    (tmp_path / "a.qa").write_text("mine")
    with pytest.raises(qa.StoreError, match="--force"):
        portable.pack(place, tmp_path / "a.qa")
    assert (tmp_path / "a.qa").read_text() == "mine"
    portable.pack(place, tmp_path / "a.qa", force=True)
    portable.unpack(tmp_path / "a.qa", tmp_path / "new")


def test_an_index_that_is_there_is_replaced_only_by_force(
    folder: Path, place: Path, file: Path, tmp_path: Path
) -> None:
    with opened_alone(place) as index:
        before = everything(index)
    other = tmp_path / "other"
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "one.txt").write_text("Only one report, of a zeppelin.")
    with opened(tmp_path / "few", other) as index:
        index.add([tmp_path / "few" / "one.txt"])
        kept = all_files(other)
        with pytest.raises(qa.StoreError, match="--force replaces it"):
            portable.unpack(file, other)
        assert all_files(other) == kept
        portable.unpack(file, other, force=True)
    assert sorted(path.name for path in (other / "uploads").iterdir()) == ["Who? Where: #1.txt"]
    with opened_alone(other) as index:
        assert everything(index) == before


def test_who_has_the_index_open_finds_the_new_one_next(
    folder: Path, place: Path, file: Path, tmp_path: Path
) -> None:
    """And the search indexes of the state that it had gone on to are not taken for the new one's:
    it was exported at a revision that it has reached in another way since.
    """
    with opened(folder, place) as index:
        before = everything(index)
        (folder / "truce.txt").write_text("Quite another report, of a zeppelin over the glacier.")
        index.sync()
        assert everything(index) != before
        portable.unpack(file, place, force=True)
        assert everything(index) == before
        with opened_alone(place) as other:
            assert everything(other) == before


def test_a_damaged_index_is_replaced_by_force(place: Path, file: Path) -> None:
    with opened_alone(place) as index:
        before = everything(index)
    (place / STORE).write_bytes(b"no database" * 1_000)
    with pytest.raises(qa.StoreError, match="--force"):
        portable.unpack(file, place)
    portable.unpack(file, place, force=True)
    with opened_alone(place) as index:
        assert everything(index) == before


def test_a_writer_is_waited_for(place: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.directory.WAIT_SECONDS", 0.1)
    begun, end = threading.Event(), threading.Event()

    def write() -> None:
        with IndexDirectory(place).writing():
            begun.set()
            end.wait(30)

    thread = threading.Thread(target=write)
    thread.start()
    begun.wait(30)
    try:
        with pytest.raises(qa.IndexBusy, match="try again later"):
            portable.unpack(file, place, force=True)
    finally:
        end.set()
        thread.join()
    portable.unpack(file, place, force=True)


def test_there_must_be_an_index(tmp_path: Path) -> None:
    with pytest.raises(qa.StoreError, match="there is no index in"):
        portable.pack(tmp_path, tmp_path / "a.qa")
    with pytest.raises(qa.StoreError, match="there is no index in"):
        opened_alone(tmp_path)
    with pytest.raises(qa.StoreError, match=r"cannot import .*No such file"):
        portable.unpack(tmp_path / "a.qa", tmp_path / "new")


def test_a_damaged_index_is_not_exported(place: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(place / STORE)) as connection, connection:
        connection.execute("UPDATE documents SET text = replace(text, 'truce', 'bruce')")
    with pytest.raises(qa.StoreError, match="has changed; `qa doctor --fix` mends the index"):
        portable.pack(place, tmp_path / "a.qa")
    assert not list(tmp_path.glob("a.qa*"))
    assert not list(tmp_path.glob(".a.qa*"))


def test_a_store_of_the_first_version_moves_too(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parent / "data" / "index-v1", tmp_path / "old")
    place = IndexDirectory(tmp_path / "old")
    place.open_store().close()
    made = portable.pack(tmp_path / "old", tmp_path / "a.qa")
    assert portable.unpack(tmp_path / "a.qa", tmp_path / "new").documents == made.documents == 3


def test_another_model_is_named(place: Path) -> None:
    encoder = HashingEncoder()
    encoder.name = "an other"
    with pytest.raises(qa.StoreError, match="made by the model hashing, not by an other"):
        opened_alone(place, encoder)


def test_damage_to_an_index_without_its_folder_is_said(place: Path) -> None:
    data = bytearray((place / STORE).read_bytes())
    data[:4096] = bytes(4096)
    (place / STORE).write_bytes(data)
    with pytest.raises(qa.StoreError, match=r"is damaged: .*; without its folder: import it again"):
        opened_alone(place)
    assert (place / STORE).read_bytes() == data


# What the file may suffer.


def repacked(file: Path, change: Any) -> None:
    """The file with its manifest, and the members' contents, changed; sealed again."""
    with zipfile.ZipFile(file) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    told = json.loads(members.pop("manifest.json"))
    change(told, members)
    told.pop("sha256")
    seal = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    members["manifest.json"] = json.dumps(told | {"sha256": seal}).encode()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)


def newer_format(told: Any, members: Any) -> None:
    told["format"] = 2


def newer_schema(told: Any, members: Any) -> None:
    told["schema"] = 99


def way_out(told: Any, members: Any) -> None:
    told["parts"][1]["name"] = "uploads/../../escaped.txt"


def absolute_way_out(told: Any, members: Any) -> None:
    told["parts"][1]["name"] = "/tmp/escaped.txt"


def hidden_upload(told: Any, members: Any) -> None:
    told["parts"][1]["name"] = "uploads/.part"


def other_member(told: Any, members: Any) -> None:
    members["../escaped.txt"] = b"x"


def missing_member(told: Any, members: Any) -> None:
    del members["uploads/1"]


def other_name(told: Any, members: Any) -> None:
    told["parts"][0]["name"] = "writer.lock"


def larger_than_told(told: Any, members: Any) -> None:
    members[STORE] += bytes(10_000_000)


def bomb(told: Any, members: Any) -> None:
    members[STORE] = bytes(file_format.LEAST_BYTES + 1)
    told["parts"][0] |= {
        "bytes": len(members[STORE]),
        "sha256": hashlib.sha256(members[STORE]).hexdigest(),
    }


def larger_than_any_disk(told: Any, members: Any) -> None:
    told["parts"][0]["bytes"] = 10**18


def no_number(told: Any, members: Any) -> None:
    told["parts"][0]["bytes"] = "many"


def fewer_documents(told: Any, members: Any) -> None:
    told["documents"] -= 1


def no_parts(told: Any, members: Any) -> None:
    del told["parts"]


def another_key(told: Any, members: Any) -> None:
    told["surprise"] = 1


def sealed_store(change: str) -> Any:
    """A store that was changed and sealed again: the file's check sums are right, its own not."""

    def change_store(told: Any, members: Any) -> None:
        path = Path(told["name"])  # the test's own folder
        path.write_bytes(members[STORE])
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(change)
        members[STORE] = path.read_bytes()
        path.unlink()
        digest = hashlib.sha256(members[STORE]).hexdigest()
        told["parts"][0] |= {"bytes": len(members[STORE]), "sha256": digest}

    change_store.__name__ = change
    return change_store


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (newer_format, "made by a newer version of qa"),
        (newer_schema, "made by a newer version of qa"),
        (way_out, "no part of an index"),
        (absolute_way_out, "no part of an index"),
        (hidden_upload, "no part of an index"),
        (other_member, "does not hold what its manifest names"),
        (missing_member, "does not hold what its manifest names"),
        (other_name, "does not hold what its manifest names"),
        (larger_than_told, "'store.sqlite3' in it is damaged"),
        (bomb, "far more than an index does"),
        (larger_than_any_disk, "far more than an index does"),
        (no_number, "none of ours"),
        (no_parts, "none of ours"),
        (another_key, "none of ours"),
        (sealed_store("UPDATE documents SET title = 'A lie'"), "has changed"),
        (sealed_store("UPDATE passages SET start = start + 1"), "has changed"),
        (sealed_store("UPDATE vectors SET vector = zeroblob(1024)"), "a vector has changed"),
        (sealed_store("DELETE FROM passages"), "0 passages of"),
        (sealed_store("DELETE FROM documents"), "belongs to none of 'documents'"),
        (fewer_documents, "its store is not what its manifest says"),
        (sealed_store("DROP TABLE signatures"), "its tables are not those"),
        (sealed_store("PRAGMA user_version = 99"), "newer version"),
        (sealed_store("PRAGMA user_version = 0"), "damaged"),
        (
            sealed_store("CREATE TRIGGER t AFTER DELETE ON meta BEGIN DELETE FROM files; END"),
            "its tables are not those of an index",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", None) if callable(value) else None,
)
def test_a_file_that_is_not_what_it_says_is_refused_in_one_line(
    file: Path, tmp_path: Path, change: Any, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_format, "LEAST_BYTES", 20_000_000)

    def changed(told: Any, members: Any) -> None:
        name, told["name"] = told["name"], str(tmp_path / "scratch.sqlite3")
        change(told, members)
        told["name"] = name

    other = written(tmp_path / "few")
    with opened(other, tmp_path / "there") as index:
        before = everything(index)
    kept = all_files(tmp_path / "there")
    repacked(file, changed)
    for place in (tmp_path / "new", tmp_path / "there"):
        with pytest.raises(qa.StoreError, match=says) as caught:
            portable.unpack(file, place, force=True)
        assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("escaped.txt"))
    assert all_files(tmp_path / "there") == kept
    assert not [path for path in all_files(tmp_path / "new") if path != STORE]
    with opened(other, tmp_path / "there") as index:
        assert everything(index) == before


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all", bytes(100_000)])
def test_a_file_that_is_no_zip_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.qa").write_bytes(content)
    with pytest.raises(qa.StoreError, match="no exported index, or damaged") as caught:
        portable.unpack(tmp_path / "a.qa", tmp_path / "new")
    assert "\n" not in str(caught.value)


def refusal(file: Path, place: Path) -> str:
    try:
        portable.unpack(file, place, force=True)
    except qa.StoreError as error:
        return str(error)
    return ""


def test_every_edit_of_the_file_is_refused_or_changes_nothing(
    file: Path, place: Path, tmp_path: Path
) -> None:
    data, choice = file.read_bytes(), random.Random(20160213)
    with opened_alone(place) as index:
        before = everything(index)
    refused = 0
    for number in range(200):
        position = choice.randrange(len(data))
        if number % 4 == 0:
            edited = data[:position]
        else:
            edited = bytearray(data)
            edited[position] ^= 1 << choice.randrange(8)
        file.write_bytes(edited)
        if line := refusal(file, tmp_path / "new"):
            assert "\n" not in line
            refused += 1
            continue
        with opened_alone(tmp_path / "new") as index:
            assert everything(index) == before
    assert refused > 150


def test_a_file_that_packs_very_densely_is_written_so_that_it_is_taken(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_format, "LEAST_BYTES", 1_000)
    monkeypatch.setattr(file_format, "LARGEST_RATIO", 2)
    portable.pack(place, tmp_path / "a.qa")
    portable.unpack(tmp_path / "a.qa", tmp_path / "new")


@pytest.mark.model
def test_the_real_models_hits_are_the_same_to_the_last_digit(tmp_path: Path) -> None:
    folder = written(tmp_path / "articles")
    with qa.Index.open(folder, directory=tmp_path / "index") as index:
        before = hits(index, QUESTIONS)
        encoder = index._keeper().live.encoder
    portable.pack(tmp_path / "index", tmp_path / "a.qa")
    portable.unpack(tmp_path / "a.qa", tmp_path / "new")

    class Forbidden:
        def __getattr__(self, name: str) -> Any:
            assert name != "encode_passages"
            return getattr(encoder, name)

    with qa.Index.open_imported(tmp_path / "new", encoder=Forbidden()) as index:
        alone = hits(index, QUESTIONS)
    with qa.Index.open_imported(tmp_path / "index", encoder=encoder) as index:
        assert alone == hits(index, QUESTIONS)
    moved = written(tmp_path / "elsewhere")
    with qa.Index.open(moved, directory=tmp_path / "new") as index:
        assert hits(index, QUESTIONS) == before
    assert np.isfinite(before[0][0][0])
