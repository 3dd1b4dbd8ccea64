"""Following a folder: real files, real events, a stand-in for the model."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import watchfiles
from fakes import HashingEncoder

import qa
from qa.folder import disks
from qa.following import Followed, Watch, hearing, watch
from qa.following.looking import Look

DEADLINE = 60.0  # seconds: far more than it takes, and of no other meaning
TRUCE = "The envoy refused a truce in the northern hills, the ministry said on Monday.\n"
BREAD = "Bakers in the harbour town raised the price of bread by a tenth this week.\n"
COMET = "A comet was seen above the observatory on Tuesday by three astronomers.\n"


class Told:
    """What was told; waits for what is to come."""

    def __init__(self) -> None:
        self.all: list[Followed] = []
        self._changed = threading.Condition()

    def __call__(self, followed: Followed) -> None:
        with self._changed:
            self.all.append(followed)
            self._changed.notify_all()

    def until(self, done: Callable[[], bool]) -> None:
        """Wait for something to be so; it is looked at whenever something is told."""
        end = time.monotonic() + DEADLINE
        with self._changed:
            while not done():
                assert time.monotonic() < end, self.all
                self._changed.wait(0.1)

    @property
    def troubles(self) -> list[str]:
        return [followed.trouble for followed in self.all if followed.trouble]

    def ids(self, kind: str) -> list[Any]:
        return [id for followed in self.all for id in getattr(followed.changes, kind)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    write(folder / "truce.txt", TRUCE)
    return folder


@pytest.fixture
def encoder() -> HashingEncoder:
    return HashingEncoder()


@pytest.fixture
def index(
    folder: Path, tmp_path: Path, encoder: HashingEncoder, monkeypatch: pytest.MonkeyPatch
) -> Iterator[qa.Index]:
    monkeypatch.setattr(watch, "QUIET_SECONDS", 0.2)
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.2)
    monkeypatch.setattr(hearing, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(watch, "LATER_SECONDS", (0.1, 0.2))
    with qa.Index.open(folder, directory=tmp_path / "index", encoder=encoder) as index:
        yield index


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def following(index: qa.Index, told: Told) -> Iterator[Watch]:
    with index.watch(told) as following:
        yield following
    assert not following.active


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{path.stem.title()} in the news\n\n{text}", "utf-8")


def texts(index: qa.Index) -> dict[str, str]:
    return {document.id: document.text.partition("\n\n")[2] for document in index.documents}


def at_each_look(monkeypatch: pytest.MonkeyPatch, work: Callable[[int], None]) -> None:
    """Something that happens in the folder just before each look at it, by the look's number."""
    look, looks = Watch._look, iter(range(1_000_000))

    def looking(self: Watch) -> Look:
        work(next(looks))
        return look(self)

    monkeypatch.setattr(Watch, "_look", looking)


# --- what happens to files ---------------------------------------------------------------


def test_new_edited_and_deleted_files_are_followed(
    folder: Path, index: qa.Index, told: Told, following: Watch
) -> None:
    write(folder / "deep" / "bread.md", BREAD)
    told.until(lambda: "deep/bread.md" in texts(index))
    write(folder / "deep" / "bread.md", COMET)
    told.until(lambda: texts(index).get("deep/bread.md") == COMET)
    (folder / "truce.txt").unlink()
    told.until(lambda: list(texts(index)) == ["deep/bread.md"])
    told.until(lambda: told.ids("removed") == ["truce.txt"])
    assert told.ids("added") == ["deep/bread.md"]
    assert told.ids("changed") == ["deep/bread.md"]
    assert index.retrieve("Who saw the comet?", 1)[0].document.id == "deep/bread.md"


def test_a_renamed_file_and_a_moved_folder_embed_nothing(
    folder: Path, index: qa.Index, told: Told, following: Watch, encoder: HashingEncoder
) -> None:
    write(folder / "old" / "bread.txt", BREAD)
    told.until(lambda: "old/bread.txt" in texts(index) and index.status.coverage == 1)
    before = encoder.embedded
    (folder / "truce.txt").rename(folder / "peace.txt")
    (folder / "old").rename(folder / "v1.2")
    told.until(lambda: list(texts(index)) == ["peace.txt", "v1.2/bread.txt"])
    index.wait()
    assert encoder.embedded == before
    renamed = [("old/bread.txt", "v1.2/bread.txt"), ("truce.txt", "peace.txt")]
    told.until(lambda: sorted(told.ids("renamed")) == renamed)


def test_what_an_editor_does_to_save_a_file_is_one_change(
    folder: Path, index: qa.Index, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[Callable[[], object]] = [
        lambda: (folder / ".truce.txt.swp").write_bytes(b"\0"),
        lambda: (folder / "truce.txt").rename(folder / "truce.txt~"),  # as vim does
        lambda: write(folder / "truce.txt", COMET),
        lambda: (folder / "truce.txt~").unlink(),
        lambda: (folder / "~$letter.docx").write_bytes(b"\0"),  # as Word does
    ]
    at_each_look(monkeypatch, lambda look: steps[look]() if look < len(steps) else None)
    with index.watch(told):
        told.until(lambda: texts(index) == {"truce.txt": COMET})
    told.until(lambda: told.ids("changed") == ["truce.txt"])
    assert not told.ids("removed")
    assert not told.ids("failed")


def test_a_qaignore_is_obeyed_from_when_it_is_written_until_it_goes(
    folder: Path, index: qa.Index, told: Told, following: Watch
) -> None:
    write(folder / "drafts" / "bread.txt", BREAD)
    told.until(lambda: "drafts/bread.txt" in texts(index))
    (folder / ".qaignore").write_text("drafts/\n", "utf-8")
    told.until(lambda: list(texts(index)) == ["truce.txt"])
    (folder / ".qaignore").unlink()
    told.until(lambda: "drafts/bread.txt" in texts(index))


def test_a_file_that_cannot_be_read_is_told_once_and_the_others_are_followed(
    folder: Path, index: qa.Index, told: Told, following: Watch
) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    told.until(lambda: bool(told.ids("failed")))
    write(folder / "bread.txt", BREAD)
    told.until(lambda: "bread.txt" in texts(index))
    assert [failure.path for failure in told.ids("failed")] == ["broken.pdf"]


# --- what is whole -----------------------------------------------------------------------


def test_a_file_is_read_when_nothing_more_is_written_to_it(
    folder: Path, index: qa.Index, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = [f"Line {number} of the ledger names the clerk.\n" for number in range(8)]

    def write_more(look: int) -> None:
        if look < len(pieces):
            with (folder / "ledger.txt").open("a") as file:
                file.write(pieces[look])

    at_each_look(monkeypatch, write_more)
    with index.watch(told):
        told.until(lambda: "ledger.txt" in told.ids("added"))
    (document,) = [document for document in index.documents if document.id == "ledger.txt"]
    assert document.text == "".join(pieces)
    assert not told.ids("changed")


def test_a_file_that_never_stops_growing_is_read_now_and_then_and_delays_no_other(
    folder: Path, index: qa.Index, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "BURST_SECONDS", 0.5)
    monkeypatch.setattr(watch, "GROWING_SECONDS", 2.0)

    def write_more(_: int) -> None:
        with (folder / "log.txt").open("a") as file:
            file.write("Something happened again.\n")

    at_each_look(monkeypatch, write_more)
    with index.watch(told):
        write(folder / "bread.txt", BREAD)
        told.until(lambda: "log.txt" in told.ids("added"))
        told.until(lambda: "log.txt" in told.ids("changed"))
    added = told.ids("added")
    assert added.index("bread.txt") < added.index("log.txt")


def test_an_empty_file_is_waited_for(
    folder: Path, index: qa.Index, told: Told, following: Watch
) -> None:
    write(folder / "bread.txt", BREAD)
    told.until(lambda: "bread.txt" in texts(index))
    (folder / "comet.txt").touch()
    (folder / "truce.txt").write_bytes(b"")
    (folder / "bread.txt").unlink()
    told.until(lambda: "bread.txt" in told.ids("removed"))
    assert list(texts(index)) == ["truce.txt"]  # as it was
    write(folder / "comet.txt", COMET)
    told.until(lambda: "comet.txt" in texts(index))
    assert not told.ids("failed")


def test_an_empty_file_that_stays_empty_is_told_in_the_end(
    folder: Path, index: qa.Index, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "GROWING_SECONDS", 0.5)
    with index.watch(told):
        write(folder / "bread.txt", BREAD)
        told.until(lambda: "bread.txt" in texts(index))
        (folder / "comet.txt").touch()
        told.until(lambda: bool(told.ids("failed")))


def test_many_files_that_come_together_are_one_change(
    folder: Path, index: qa.Index, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "BURST_SECONDS", DEADLINE)

    def bring(look: int) -> None:
        for number in range(30 if look < 10 else 0):
            write(folder / f"{look}" / f"{number}.txt", f"Report {look} {number}. {BREAD}")

    at_each_look(monkeypatch, bring)
    with index.watch(told):
        told.until(lambda: bool(told.all))
    assert [len(followed.changes.added) for followed in told.all] == [300]


# --- what is in the way ------------------------------------------------------------------


def test_a_folder_that_vanishes_empties_no_index(
    folder: Path, index: qa.Index, told: Told, following: Watch
) -> None:
    away = folder.with_name("away")
    folder.rename(away)
    told.until(lambda: bool(following.trouble))
    assert "is not there any more" in following.trouble
    folder.mkdir()  # a mount point with nothing mounted
    told.until(lambda: "no readable documents" in following.trouble)
    assert "is its disk mounted?" in following.trouble
    assert texts(index) == {"truce.txt": TRUCE}
    write(away / "bread.txt", BREAD)
    away.rename(folder)  # in the place of the empty one, so that it is not gone in between
    told.until(lambda: "bread.txt" in texts(index))
    told.until(lambda: following.trouble == "")
    write(folder / "comet.txt", COMET)  # of which the system tells again
    told.until(lambda: "comet.txt" in texts(index))
    assert len(told.troubles) == len(set(told.troubles))
    assert not told.ids("removed")


def test_the_last_file_of_a_folder_can_be_deleted(
    folder: Path, index: qa.Index, told: Told, following: Watch
) -> None:
    (folder / "truce.txt").unlink()
    told.until(lambda: told.ids("removed") == ["truce.txt"])
    assert index.retrieve("Who refused a truce?") == []
    write(folder / "bread.txt", BREAD)
    told.until(lambda: list(texts(index)) == ["bread.txt"])


def test_an_index_is_not_emptied_by_opening_it_where_its_folder_is_empty(
    folder: Path, tmp_path: Path
) -> None:
    def opened() -> qa.Index:
        encoder = HashingEncoder()
        with qa.Index.open(folder, directory=tmp_path / "index", encoder=encoder) as index:
            assert encoder.embedded == embedded
            return index

    embedded = 1
    opened()
    (folder / "truce.txt").rename(tmp_path / "truce.txt")
    with pytest.raises(qa.FolderError, match=r"where there were 1: is its disk mounted\?"):
        opened()
    (tmp_path / "truce.txt").rename(folder / "truce.txt")
    embedded = 0
    opened()


def test_trouble_is_told_once_and_tried_again(
    folder: Path, index: qa.Index, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = index._keeper()
    sync, tries = keeper.sync, iter(range(1_000_000))

    def failing(*args: Any, **settings: Any) -> qa.Changes:
        if next(tries) < 3:
            raise qa.StoreError("the disk is full: cannot write the index")
        return sync(*args, **settings)

    monkeypatch.setattr(keeper, "sync", failing)
    write(folder / "bread.txt", BREAD)
    with index.watch(told) as following:
        told.until(lambda: "bread.txt" in texts(index))
        assert following.active
        told.until(lambda: len(told.all) == 2)
        assert following.trouble == ""
    assert told.troubles == ["the disk is full: cannot write the index"]


def test_something_unforeseen_does_not_end_the_following(
    folder: Path, index: qa.Index, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(look: int) -> None:
        if look < 2:
            raise RuntimeError("the moon is full")

    at_each_look(monkeypatch, fail)
    with index.watch(told):
        write(folder / "bread.txt", BREAD)
        told.until(lambda: "bread.txt" in texts(index))
    assert told.troubles == ["RuntimeError: the moon is full"]


def test_whoever_is_told_may_fail(folder: Path, index: qa.Index, told: Told) -> None:
    def tell(followed: Followed) -> None:
        told(followed)
        raise ValueError("no")

    with index.watch(tell):
        write(folder / "bread.txt", BREAD)
        told.until(lambda: "bread.txt" in texts(index))
        write(folder / "comet.txt", COMET)
        told.until(lambda: "comet.txt" in texts(index))


def test_somebody_else_who_writes_the_index_is_waited_for(
    folder: Path, index: qa.Index, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "BUSY_SECONDS", 0.1)
    with index.watch(told) as following:
        with index._keeper().live.place.writing():
            write(folder / "bread.txt", BREAD)
            told.until(lambda: "is being written by somebody else" in following.trouble)
        told.until(lambda: "bread.txt" in texts(index))


# --- where no events come ----------------------------------------------------------------


def test_a_folder_is_polled_where_events_do_not_come(
    folder: Path, index: qa.Index, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: Any, **__: Any) -> Any:
        raise OSError("OS file watch limit reached")

    monkeypatch.setattr(watchfiles, "watch", nothing)
    with index.watch(told):
        write(folder / "bread.txt", BREAD)
        told.until(lambda: "bread.txt" in texts(index))
        (folder / "bread.txt").unlink()
        told.until(lambda: list(texts(index)) == ["truce.txt"])
    assert not told.troubles


def test_what_went_unheard_is_found_in_the_end(
    folder: Path, index: qa.Index, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "UNHEARD_SECONDS", 0.2)
    monkeypatch.setattr(watch, "LOOK_SHARE", 1.0)
    monkeypatch.setattr(hearing, "place_of", lambda *_: None)
    with index.watch(told):
        write(folder / "bread.txt", BREAD)
        told.until(lambda: "bread.txt" in texts(index))
        write(folder / "bread.txt", COMET)
        told.until(lambda: texts(index)["bread.txt"] == COMET)
        (folder / "bread.txt").unlink()
        told.until(lambda: list(texts(index)) == ["truce.txt"])


@pytest.mark.parametrize(
    ("root", "kind"),
    [("/home/user/articles", "ext4"), ("/mnt/a share/deep", "nfs4"), ("/mnt/b", "cifs")],
)
def test_the_kind_of_a_disk_is_that_of_the_nearest_mount(
    root: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "41 22 0:38 / /mnt/a\\040share rw shared:2 - nfs4 server:/a rw,vers=4.2\n"
        "42 22 0:39 / /mnt/b rw - autofs systemd-1 rw\n"
        "43 42 0:40 / /mnt/b rw master:3 - cifs //server/b rw\n"
    )
    monkeypatch.setattr(disks, "_MOUNTS", mounts)
    assert disks.kind_of_disk(Path(root)) == kind
    assert disks.has_no_events(Path(root)) == (kind != "ext4")
    monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "1")
    assert disks.has_no_events(Path(root))


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("a.txt", "a.txt"),
        ("deep/b.PDF", "deep/b.PDF"),
        ("folder", "folder"),
        ("v1.2", "v1.2"),
        ("", ""),
        (".qaignore", ""),
        ("deep/.qaignore", "deep"),
        ("deep/store.sqlite3", "deep"),
        ("picture.png", None),
        (".git/c.txt", None),
        ("~$d.docx", "~$d.docx"),
        (".e.txt.swp", None),
        ("own/derived.json", None),
        ("../elsewhere.txt", None),
    ],
)
def test_only_where_a_document_can_be_is_looked(folder: Path, name: str, place: str | None) -> None:
    (folder / "picture.png").touch()
    path = folder.parent / "elsewhere.txt" if name.startswith("..") else folder / name
    assert hearing.place_of(path, folder, folder / "own") == place


# --- beside questions, and the end -------------------------------------------------------


def test_questions_see_whole_states_while_a_folder_is_followed(
    folder: Path, index: qa.Index, told: Told, following: Watch
) -> None:
    def write_state(state: int) -> None:
        lines = [f"Line {n} of the ledger names clerk{state} for the day." for n in range(40)]
        for name in ("east", "west"):
            (folder / f"{name}.txt").write_text("\n\n".join(lines), "utf-8")

    def clerks() -> set[str]:
        found: set[str] = set()
        for name in ("east.txt", "west.txt"):
            hits = index.retrieve("Which clerk does the ledger name?", 100, documents=[name])
            text = " ".join(hit.passage.text for hit in hits)
            named = {word for word in text.split() if word.startswith("clerk")}
            assert len({hit.document for hit in hits}) <= 1
            assert len(named) <= 1
            assert all(
                hit.passage.text == hit.document.text[hit.passage.start : hit.passage.end]
                for hit in hits
            )
            found |= named
        return found

    for state in range(3):
        write_state(state)
        told.until(lambda now=f"clerk{state}": clerks() == {now})


def test_closing_the_index_ends_the_following(
    folder: Path, tmp_path: Path, encoder: HashingEncoder
) -> None:
    index = qa.Index.open(folder, directory=tmp_path / "index", encoder=encoder)
    following = index.watch()
    index.close()
    following._thread.join(DEADLINE)
    assert not following.active
    with pytest.raises(ValueError, match="closed"):
        index.watch()


def test_a_stop_does_not_wait_for_all_the_files(
    folder: Path, index: qa.Index, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = threading.Event()
    follow = index.watch(told)
    read = watch.Watch._ended_here

    def note(self: Watch, progress: qa.Progress) -> None:
        reading.set()
        follow._stopping.set()
        read(self, progress)

    monkeypatch.setattr(watch.Watch, "_ended_here", note)
    for number in range(20):
        write(folder / f"{number}.txt", BREAD)
    assert reading.wait(DEADLINE)
    follow.stop()
    assert not told.all
    assert len(texts(index)) < 21
    index.sync()
    assert len(texts(index)) == 21


def test_an_index_in_memory_follows_nothing(encoder: HashingEncoder) -> None:
    index = qa.Index.from_documents([qa.Document("a", TRUCE)], encoder=encoder)
    with pytest.raises(ValueError, match="follows no folder"):
        index.watch()


def test_a_folder_copied_in_from_elsewhere_is_one_change(
    folder: Path, index: qa.Index, told: Told, following: Watch, tmp_path: Path
) -> None:
    for number in range(30):
        write(tmp_path / "elsewhere" / f"{number}.txt", f"Report {number}. {BREAD}")
    shutil.move(tmp_path / "elsewhere", folder / "sub")
    told.until(lambda: bool(told.all))
    assert len(told.ids("added")) == 30
    assert len(texts(index)) == 31
