"""The doctor finds every kind of damage, says it in one line each, and mends it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from fakes import HashingEncoder
from worker import hits

import qa
from qa import derived, doctor
from qa.directory import DAMAGED, STORE
from qa.doctor import surroundings
from qa.doctor.finding import Finding
from qa.store import Store

ARTICLES = {
    "truce.txt": "The envoy refused a truce on Monday.\n\nHe said the cease-fire came too late.",
    "comet.txt": "The comet Hale was seen from the observatory on 7 May 1997.",
    "bread.txt": "Bakers ask for flour.\n\nThe price of yeast rose by 12 per cent in Homs.",
}
QUESTIONS = ["Who refused a truce?", "When was the comet seen?", "yeast price"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    then = time.time() - 1_000
    for name, text in ARTICLES.items():
        (folder / name).write_text(text)
        os.utime(folder / name, (then, then))
    return folder


@pytest.fixture
def place(folder: Path, tmp_path: Path) -> Path:
    opened(folder, tmp_path / "index").close()
    return tmp_path / "index"


def opened(folder: Path, place: Path, encoder: HashingEncoder | None = None) -> qa.Index:
    return qa.Index.open(folder, directory=place, encoder=encoder or HashingEncoder())


def examined(folder: Path | None, place: Path, *, everything: bool = False) -> list[Finding]:
    found = doctor.check(folder, directory=place, encoder=HashingEncoder(), everything=everything)
    assert not any("\n" in str(finding) for finding in found)
    return found


def mended(folder: Path | None, place: Path, found: list[Finding]) -> int:
    """How many texts were embedded for it."""
    encoder = HashingEncoder()
    doctor.mend(found, folder, directory=place, encoder=encoder)
    return encoder.embedded


def wrong(found: list[Finding]) -> list[str]:
    return [finding.part for finding in found if not finding.harmless]


def answers(folder: Path, place: Path) -> list[object]:
    with opened(folder, place) as index:
        return hits(index, QUESTIONS)


def sql(place: Path, statement: str) -> None:
    with closing(sqlite3.connect(place / STORE)) as connection, connection:
        connection.execute(statement)


def test_all_is_well_with_an_index_that_was_just_made(folder: Path, place: Path) -> None:
    assert examined(folder, place) == []
    assert examined(folder, place, everything=True) == []
    assert examined(None, place, everything=True) == []


def test_checking_changes_nothing(folder: Path, place: Path) -> None:
    (folder / "new.txt").write_text("A new report.")
    sql(place, "UPDATE vectors SET check_sum = 0")

    def contents() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in place.rglob("*") if path.is_file()}

    before = contents()
    assert examined(folder, place, everything=True)
    assert contents() == before


# The store.

STORE_DAMAGES = {
    "another letter": "UPDATE documents SET text = replace(text, 'truce', 'bruce')",
    "another title": "UPDATE documents SET title = 'A lie' WHERE id = 'comet.txt'",
    "another date": "UPDATE documents SET date = '1999-01-01'",
    "a passage elsewhere": "UPDATE passages SET start = start + 1",
    "other sentences": "UPDATE passages SET sentences = '[[0, 3]]'",
    "a passage gone": "DELETE FROM passages WHERE document = 'comet.txt'",
    "a file gone": "DELETE FROM files WHERE id = 'comet.txt'",
    "a size that is none": "UPDATE files SET bytes = 'many'",
    "a sum that is none": "UPDATE files SET sha256 = 'xyz'",
    "no revision": "DELETE FROM meta WHERE key = 'revision'",
    "no table": "DROP TABLE signatures",
    "a trigger": "CREATE TRIGGER t AFTER DELETE ON meta BEGIN DELETE FROM files; END",
    "a signature": "INSERT OR REPLACE INTO signatures VALUES ('comet.txt', x'00', 0)",
}


@pytest.mark.parametrize("damage", STORE_DAMAGES)
def test_rows_that_have_changed_are_found_and_made_anew_without_embedding(
    folder: Path, place: Path, damage: str
) -> None:
    before = answers(folder, place)
    sql(place, STORE_DAMAGES[damage])
    found = examined(folder, place)
    assert wrong(found) == ["store"]
    assert "--fix puts it aside" in str(found[0])
    assert mended(folder, place, found) == 0
    found = examined(folder, place)
    assert wrong(found) == []
    assert [finding.part for finding in found] == ["leftovers"]
    assert answers(folder, place) == before
    mended(folder, place, found)
    assert examined(folder, place, everything=True) == []
    assert not (place / DAMAGED).exists()


@pytest.mark.parametrize(
    "content", [b"", b"no database at all" * 500, bytes(8192), "head", "middle", "end"]
)
def test_a_store_that_does_not_even_open_is_found_and_made_anew(
    folder: Path, place: Path, content: bytes | str
) -> None:
    before = answers(folder, place)
    data = (place / STORE).read_bytes()
    edits = {
        "head": bytes(512) + data[512:],
        "middle": data[:8192] + bytes(8192) + data[16384:],
        "end": data[: len(data) // 2],
    }
    (place / STORE).write_bytes(edits[content] if isinstance(content, str) else content)
    found = examined(folder, place)
    assert wrong(found) == ["store"]
    mended(folder, place, found)
    assert wrong(examined(folder, place, everything=True)) == []
    assert answers(folder, place) == before


def test_an_index_of_a_newer_version_is_left_alone(folder: Path, place: Path) -> None:
    sql(place, "PRAGMA user_version = 99")
    found = examined(folder, place)
    assert "upgrade qa" in str(found[0])
    before = (place / STORE).read_bytes()
    mended(folder, place, found)
    assert (place / STORE).read_bytes() == before


def test_an_index_of_an_earlier_version_is_brought_forward_by_opening_it(tmp_path: Path) -> None:
    data = Path(__file__).parent / "data"
    shutil.copytree(data / "index-v1", tmp_path / "index")
    found = examined(data / "index-v1-articles", tmp_path / "index")
    assert [(finding.part, finding.harmless) for finding in found] == [("store", True)]
    mended(data / "index-v1-articles", tmp_path / "index", found)
    assert examined(data / "index-v1-articles", tmp_path / "index") == []


def test_where_there_is_no_index_that_is_said_and_one_is_made(folder: Path, tmp_path: Path) -> None:
    for place in (tmp_path / "nowhere", tmp_path / "empty"):
        found = examined(folder, place)
        assert wrong(found) == ["store"]
        assert "there is no index in" in str(found[0])
        mended(folder, place, found)
        assert examined(folder, place) == []


def test_damage_to_an_index_without_its_folder_is_said_and_nothing_is_lost(place: Path) -> None:
    sql(place, STORE_DAMAGES["another letter"])
    before = (place / STORE).read_bytes()
    found = examined(None, place)
    assert wrong(found) == ["store"]
    assert "import it again" in str(found[0])
    mended(None, place, found)
    assert (place / STORE).read_bytes() == before


def test_neither_folder_nor_directory_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="name one of them"):
        doctor.check(None)


# Files.


def test_what_opening_would_do_is_told_and_harmless(folder: Path, place: Path) -> None:
    (folder / "new.txt").write_text("A new report.")
    (folder / "truce.txt").write_text("Another report.")
    (folder / "comet.txt").unlink()
    os.utime(folder / "bread.txt")  # written again, the same
    found = examined(folder, place)
    assert wrong(found) == []
    told = [finding.what for finding in found]
    assert told == [
        "1 new since they were read (new.txt)",
        "1 gone since they were read (comet.txt)",
        "1 changed since they were read (truce.txt)",
    ]
    mended(folder, place, found)
    assert examined(folder, place, everything=True) == []


def test_a_file_that_changed_with_the_time_it_had_is_found_by_reading_everything(
    folder: Path, place: Path
) -> None:
    stat = (folder / "truce.txt").stat()
    (folder / "truce.txt").write_text(ARTICLES["truce.txt"].replace("Monday", "Friday"))
    os.utime(folder / "truce.txt", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert examined(folder, place) == []
    found = examined(folder, place, everything=True)
    assert wrong(found) == ["files"]
    mended(folder, place, found)
    assert examined(folder, place, everything=True) == []
    with opened(folder, place) as index:
        assert "Friday" in index.documents[-1].text


def test_a_folder_that_is_not_there_is_said(folder: Path, place: Path) -> None:
    shutil.rmtree(folder)
    assert wrong(examined(folder, place)) == ["files"]


# Vectors.


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE vectors SET check_sum = 0",
        "UPDATE vectors SET vector = zeroblob(1024)",
        "UPDATE vectors SET vector = x'00000000'",
    ],
)
def test_damaged_vectors_are_found_and_embedded_again(
    folder: Path, place: Path, change: str
) -> None:
    before = answers(folder, place)
    sql(place, change)
    found = examined(folder, place)
    assert wrong(found) == ["vectors"]
    assert "they are not searched" in str(found[0])
    assert mended(folder, place, found) >= 3
    assert examined(folder, place, everything=True) == []
    assert answers(folder, place) == before


def test_vectors_that_are_of_another_text_are_found_and_embedded_again(
    folder: Path, place: Path
) -> None:
    """Their check sums are right: a model that is not what its name says could have made them."""
    before = answers(folder, place)
    turn_vectors(place)
    found = examined(folder, place)
    assert wrong(found) == ["vectors", "search"]
    assert "not those of their texts" in str(found[0])
    mended(folder, place, found)
    assert examined(folder, place, everything=True) == []
    assert answers(folder, place) == before


def turn_vectors(place: Path) -> None:
    encoder = HashingEncoder()
    with closing(Store(place / STORE)) as store:
        keys = [key for _, key in sorted(store.keys(store.all_passage_ids()).items())]
        made = store.vectors.named(encoder.name, keys, encoder.dimensions)
        turned = dict(zip(keys, [made[key] for key in [*keys[1:], keys[0]]], strict=True))
        store.vectors.put(encoder.name, turned)


@pytest.mark.parametrize("length", [0.5, 2.0, float("nan")])
def test_vectors_that_are_not_of_unit_length_are_found(
    folder: Path, place: Path, length: float
) -> None:
    encoder = HashingEncoder()
    with closing(Store(place / STORE)) as store:
        keys = list(store.keys(store.all_passage_ids()).values())
        made = store.vectors.named(encoder.name, keys, encoder.dimensions)
        longer = {key: (vector * length).astype("float32") for key, vector in made.items()}
        store.vectors.put(encoder.name, longer)
    found = examined(folder, place)
    assert "is of length" in found[0].what
    mended(folder, place, found)
    assert examined(folder, place, everything=True) == []


def test_missing_vectors_are_harmless_and_made(folder: Path, place: Path) -> None:
    sql(place, "DELETE FROM vectors")
    found = examined(folder, place)
    assert (wrong(found), found[0].what) == ([], "3 passages have none yet")
    mended(folder, place, found)
    assert examined(folder, place, everything=True) == []


def test_vectors_of_no_passage_are_harmless_and_deleted(folder: Path, place: Path) -> None:
    encoder = HashingEncoder()
    with closing(Store(place / STORE)) as store:
        vectors = encoder.encode_passages([f"text {n}" for n in range(3)])
        store.vectors.put(encoder.name, {bytes([n] * 32): v for n, v in enumerate(vectors)})
    found = examined(folder, place)
    assert [(f.what, f.harmless) for f in found] == [("3 are of no passage", True)]
    assert mended(folder, place, found) == 0
    assert examined(folder, place, everything=True) == []


def test_an_index_of_another_model_is_told(folder: Path, place: Path) -> None:
    encoder = HashingEncoder()
    encoder.name = "another"
    found = doctor.check(folder, directory=place, encoder=encoder)
    assert [(finding.part, finding.harmless) for finding in found] == [("vectors", True)]


# Search indexes.


def edit_every(pattern: str) -> Callable[[Path], None]:
    def edit(place: Path) -> None:
        for path in place.glob(pattern):
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 255
            path.write_bytes(data)

    return edit


def publish_another(place: Path) -> None:
    """Search indexes of another folder, whose check sums and version are right."""
    encoder = HashingEncoder()
    with closing(Store(place / STORE)) as store, closing(Store(None)) as empty:
        empty.version = store.version  # type: ignore[method-assign]
        derived.publish(empty, encoder, place)


@pytest.mark.parametrize(
    "damage",
    [
        edit_every("derived.json"),
        edit_every("vectors.json"),
        edit_every("vectors-*.faiss"),
        edit_every("lexical-*/*.idx"),
        edit_every("lexical-*/meta.json"),
        publish_another,
    ],
)
def test_damaged_search_indexes_are_found_and_made_anew(
    folder: Path, place: Path, damage: Callable[[Path], None]
) -> None:
    before = answers(folder, place)
    damage(place)
    found = examined(folder, place)
    assert set(wrong(found)) == {"search"}
    assert mended(folder, place, found) == 0
    assert examined(folder, place, everything=True) == []
    assert answers(folder, place) == before


def test_search_indexes_that_were_never_made_are_harmless(folder: Path, place: Path) -> None:
    derived.withdraw(place)
    found = examined(folder, place)
    assert {(finding.part, finding.harmless) for finding in found} == {("search", True)}
    mended(folder, place, found)
    assert examined(folder, place) == []


# Around it.


def test_what_killed_processes_left_is_told_and_deleted(folder: Path, place: Path) -> None:
    old = time.time() - 10_000
    for name in ("import-x.part", "derived.json.77.part"):
        (place / name).write_text("half")
        os.utime(place / name, (old, old))
    (place / "export-now.part").mkdir()
    found = examined(folder, place)
    assert [(finding.part, finding.harmless) for finding in found] == [("leftovers", True)]
    mended(folder, place, found)
    assert examined(folder, place) == []
    assert [path.name for path in place.glob("*.part")] == ["export-now.part"]


def test_damaged_models_in_the_cache_are_told_and_deleted(
    folder: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QA_CACHE_DIR", str(tmp_path / "cache"))
    models = tmp_path / "cache" / "models"
    (models / "abc-v3").mkdir(parents=True)
    (models / "abc-v3" / "model.json").write_text('{"check_sum": 1, "model": "{}"}')
    (models / "old-v1").mkdir()
    (models / "old-v1" / "model.json").write_text('{"dimensions": 384}')  # not used any more
    (models / "def-graph-v1.onnx").write_bytes(b"graph")
    (models / "def-graph-v1.crc").write_text("1")
    found = examined(folder, place)
    assert wrong(found) == ["models"]
    assert "abc-v3, def-graph-v1.onnx in the cache" in str(found[0])
    mended(folder, place, found)
    assert examined(folder, place) == []


def test_a_model_that_is_not_there_is_told_and_the_rest_is_checked(
    folder: Path, place: Path, tmp_path: Path
) -> None:
    sql(place, STORE_DAMAGES["another letter"])
    (tmp_path / "model").mkdir()
    found = doctor.check(folder, directory=place, model=str(tmp_path / "model"))
    assert wrong(found) == ["models", "store"]


def test_little_room_is_told(folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "LEAST_FREE_BYTES", 1 << 60)
    (finding,) = examined(folder, place)
    assert (finding.part, finding.harmless) == ("directory", True)


def test_a_directory_that_everybody_may_write_is_told(folder: Path, place: Path) -> None:
    place.chmod(0o777)
    (finding,) = examined(folder, place)
    assert "anybody on this machine" in str(finding)


def test_empty_space_is_told_and_given_back(folder: Path, place: Path) -> None:
    (folder / "large.csv").write_text("text\n" + "\n".join(f"{n} sentence." for n in range(3_000)))
    (folder / "large.txt").write_text("A long report.\n\n" * 100_000)
    opened(folder, place).close()
    for name in ("large.csv", "large.txt"):
        (folder / name).unlink()
    opened(folder, place).close()
    size = (place / STORE).stat().st_size
    found = examined(folder, place)
    assert [(finding.part, finding.harmless) for finding in found] == [("store", True)]
    mended(folder, place, found)
    assert (place / STORE).stat().st_size < size / 2
    assert examined(folder, place) == []


def test_the_progress_is_told(folder: Path, place: Path) -> None:
    told = []
    doctor.check(
        folder,
        directory=place,
        encoder=HashingEncoder(),
        everything=True,
        step=lambda *step: told.append(step),
    )
    assert {what for what, _, _ in told} == {"documents", "vectors", "files", "passages"}
    assert all(0 < done <= total for _, done, total in told)


@pytest.mark.model
def test_the_real_models_vectors_are_those_of_their_texts(folder: Path, tmp_path: Path) -> None:
    qa.Index.open(folder, directory=tmp_path / "index").close()
    assert doctor.check(folder, directory=tmp_path / "index", everything=True) == []
