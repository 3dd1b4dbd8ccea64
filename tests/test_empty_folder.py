"""A folder in which nothing can be read: opened where that is allowed, followed, never emptied."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes import HashingEncoder, fake_reranker

import qa
from qa.folder import Walk
from qa.following import hearing, watch

DEADLINE = 60.0  # seconds: far more than it takes, and of no other meaning
TRUCE = "The envoy refused a truce in the northern hills on Monday.\n"
QUESTION = "Who refused a truce?"


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "QUIET_SECONDS", 0.2)
    monkeypatch.setattr(hearing, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(watch, "LATER_SECONDS", (0.1, 0.2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


def opened(folder: Path, *, wait: bool, allow_empty: bool = True) -> qa.Index:
    return qa.Index.open(
        folder,
        directory=folder.with_name("index"),
        encoder=HashingEncoder(),
        reranker=fake_reranker(),
        wait=wait,
        allow_empty=allow_empty,
    )


def emptied(folder: Path) -> None:
    """An index of one article, which is not in the folder any more."""
    (folder / "truce.txt").write_text(TRUCE)
    opened(folder, wait=True).close()
    (folder / "truce.txt").rename(folder.with_name("truce.txt"))


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def ids(index: qa.Index) -> list[str]:
    return [outline.id for outline in index.outlines]


@pytest.mark.parametrize("wait", [True, False])
def test_a_folder_with_nothing_in_it_finds_nothing_and_says_so(folder: Path, wait: bool) -> None:
    with opened(folder, wait=wait) as index:
        assert index.wait()
        status = index.status
        assert (status.documents, status.passages, status.embedded) == (0, 0, 0)
        assert (status.stage, status.coverage, status.error) == ("ready", 1.0, "")
        assert index.retrieve(QUESTION) == []
        answer = index.ask(f'{QUESTION} "a truce"')
        assert (answer.status, answer.sentences, answer.hits) == ("not_found", [], [])
        assert (index.documents, index.outlines, index.duplicates()) == ((), (), [])


@pytest.mark.parametrize("wait", [True, False])
def test_without_leave_such_a_folder_is_refused(folder: Path, wait: bool) -> None:
    opened(folder, wait=wait).close()
    with pytest.raises(qa.FolderError, match="no readable documents"):
        opened(folder, wait=wait, allow_empty=False)


def test_what_cannot_be_read_in_it_is_named_until_it_is_gone(folder: Path) -> None:
    (folder / "scan.pdf").write_bytes(b"no pdf at all")
    with opened(folder, wait=True) as index:
        assert [failure.path for failure in index.status.failures] == ["scan.pdf"]
    (folder / "scan.pdf").unlink()
    with opened(folder, wait=True) as index:  # no document was lost, so no disk is missing
        assert index.status.failures == ()


def test_uploads_come_and_go_where_there_is_nothing_else(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "truce.txt").write_text(TRUCE)
    with opened(folder, wait=False) as index:
        assert index.add([tmp_path / "truce.txt"], wait=True).added == ("uploads/truce.txt",)
        assert index.ask(QUESTION).status == "answered"
    with opened(folder, wait=True, allow_empty=False) as index:
        assert ids(index) == ["uploads/truce.txt"]
        assert index.forget("uploads/truce.txt").removed == ("uploads/truce.txt",)
        assert index.retrieve(QUESTION) == []
    with opened(folder, wait=True) as index:
        assert index.status.documents == 0


def test_it_is_followed_from_empty_to_empty(folder: Path) -> None:
    with opened(folder, wait=False) as index, index.watch() as following:
        (folder / "truce.txt").write_text(TRUCE)
        until(lambda: ids(index) == ["truce.txt"])
        assert index.retrieve(QUESTION)[0].document.id == "truce.txt"
        (folder / "truce.txt").unlink()
        until(lambda: ids(index) == [])
        assert following.trouble == ""


# --- a disk that is not mounted ----------------------------------------------------------


@pytest.mark.parametrize("allow_empty", [True, False])
def test_a_folder_that_had_documents_is_not_taken_for_an_empty_one(
    folder: Path, allow_empty: bool
) -> None:
    emptied(folder)
    with pytest.raises(qa.FolderError, match=r"where there were 1: is its disk mounted\?"):
        opened(folder, wait=True, allow_empty=allow_empty)


def test_neither_following_nor_syncing_empties_an_index_whose_folder_was_empty_when_it_was_opened(
    folder: Path,
) -> None:
    emptied(folder)
    with opened(folder, wait=False) as index, index.watch() as following:
        until(lambda: "is its disk mounted?" in following.trouble)
        with pytest.raises(qa.FolderError, match="is its disk mounted"):
            index.sync()
        assert ids(index) == ["truce.txt"]
        folder.with_name("truce.txt").rename(folder / "truce.txt")
        until(lambda: following.trouble == "")
        (folder / "truce.txt").unlink()  # of which one knows now that it was there
        until(lambda: ids(index) == [])


def test_uploading_meanwhile_leaves_what_was_in_the_folder(folder: Path, tmp_path: Path) -> None:
    emptied(folder)
    (tmp_path / "bread.txt").write_text("Bakers raised the price of bread.\n")
    with opened(folder, wait=False) as index:
        assert index.add([tmp_path / "bread.txt"]).added == ("uploads/bread.txt",)
        assert ids(index) == ["truce.txt", "uploads/bread.txt"]
        assert index.forget("uploads/bread.txt").removed == ("uploads/bread.txt",)
        assert ids(index) == ["truce.txt"]


# --- before anything is made -------------------------------------------------------------


def test_opening_goes_through_the_folder_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "truce.txt").write_text(TRUCE)
    everything, walked = Walk.everything, []

    def walk(self: Walk) -> Iterator[str]:
        walked.append(self._top)
        return everything(self)

    monkeypatch.setattr(Walk, "everything", walk)
    opened(folder, wait=True).close()
    assert walked == [str(folder)]


def test_a_wrong_folder_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(qa.FolderError, match="no folder"):
        opened(tmp_path / "nowhere", wait=True)
    assert list(tmp_path.iterdir()) == []
