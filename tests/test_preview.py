"""What a synchronisation would do is what it then does, and telling it writes nothing."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from fakes import HashingEncoder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import qa
from qa.preview import preview

TRUCE = "Truce\n\nThe envoy refused a truce in the northern hills, the ministry said.\n"
BREAD = "Bread\n\nBakers in the harbour town raised the price of bread by a tenth.\n"
COMET = "Comet\n\nA comet was seen above the observatory by three astronomers.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "truce.txt").write_text(TRUCE)
    (folder / "bread.txt").write_text(BREAD)
    (folder / "empty.txt").touch()
    return folder


def opened(folder: Path, place: Path) -> qa.Index:
    return qa.Index.open(folder, directory=place, encoder=HashingEncoder())


def previewed(folder: Path, place: Path) -> qa.Changes:
    return preview(folder, directory=place, encoder=HashingEncoder())


def on_disk(*folders: Path) -> dict[str, str]:
    """Everything there is, with check sums."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for folder in folders
        for path in [folder, *sorted(folder.rglob("*"))]
    }


def test_where_there_is_no_index_none_is_made(folder: Path, tmp_path: Path) -> None:
    before = on_disk(tmp_path)
    changes = preview(folder, directory=tmp_path / "a" / "b")
    assert changes.added == ("bread.txt", "truce.txt")
    assert [failure.path for failure in changes.failed] == ["empty.txt"]
    assert on_disk(tmp_path) == before
    assert opened(folder, tmp_path / "a" / "b").changes == changes


def test_an_index_is_only_read(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "index"
    opened(folder, place).close()
    (folder / "bread.txt").rename(folder / "loaf.txt")
    (folder / "truce.txt").write_text(COMET)
    before = on_disk(tmp_path)
    changes = previewed(folder, place)
    assert changes == qa.Changes(
        added=("loaf.txt",),
        changed=("truce.txt",),
        removed=("bread.txt",),
        renamed=(("bread.txt", "loaf.txt"),),
    )
    assert on_disk(tmp_path) == before


def test_an_open_index_says_it_too_and_stays_as_it_is(folder: Path, tmp_path: Path) -> None:
    with opened(folder, tmp_path / "index") as index:
        (folder / "comet.txt").write_text(COMET)
        expected = qa.Changes(added=("comet.txt",))
        assert index.sync(dry_run=True) == expected
        assert previewed(folder, tmp_path / "index") == expected  # beside one who has it open
        assert len(index.documents) == 2
        assert index.sync() == expected
        assert index.sync(dry_run=True) == qa.Changes()


def test_another_model_and_a_damaged_store_mean_reading_all_again(
    folder: Path, tmp_path: Path
) -> None:
    place = tmp_path / "index"
    opened(folder, place).close()

    class Other(HashingEncoder):
        name = "other"

    every = ("bread.txt", "truce.txt")
    assert preview(folder, directory=place, encoder=Other()).added == every
    assert previewed(folder, place).added == ()
    (place / "store.sqlite3").write_bytes(b"no database at all, but long enough" * 100)
    assert previewed(folder, place).added == every


def test_an_index_of_the_first_version_is_left_as_it_is(tmp_path: Path) -> None:
    data = Path(__file__).parent / "data"
    shutil.copytree(data / "index-v1", tmp_path / "index")
    shutil.copytree(data / "index-v1-articles", tmp_path / "articles")
    before = on_disk(tmp_path)
    assert previewed(tmp_path / "articles", tmp_path / "index").added
    assert on_disk(tmp_path) == before


def test_a_folder_that_is_not_there_is_a_plain_mistake(tmp_path: Path) -> None:
    with pytest.raises(qa.FolderError, match="nowhere"):
        previewed(tmp_path / "nowhere", tmp_path / "index")
    assert not (tmp_path / "index").exists()


NAMES = st.sampled_from(["a.txt", "b.txt", "sub/a.txt", "sub/c.md"])
STATES = st.dictionaries(NAMES, st.sampled_from([TRUCE, BREAD, COMET, ""]), min_size=1)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=st.lists(STATES, min_size=1, max_size=4))
def test_what_would_be_done_is_done(tmp_path_factory: pytest.TempPathFactory, states: list) -> None:
    folder = tmp_path_factory.mktemp("folder")
    place = folder.with_name(f"{folder.name}-index")
    (folder / "kept.txt").write_text(TRUCE)
    with opened(folder, place) as index:
        for state in states:
            for path in sorted(folder.rglob("*"), reverse=True):
                if path.is_file() and path.name != "kept.txt":
                    path.unlink()
            for name, text in state.items():
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_text(text)
            expected = index.sync(dry_run=True)
            assert index.sync() == expected
            assert index.sync() == qa.Changes()
