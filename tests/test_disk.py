"""Full and read-only disks: exporting, importing, mending and checking say it in one line."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from care_worker import CareWorker
from damaging import ARTICLES, QUESTIONS, make
from fakes import HashingEncoder
from worker import hits

import qa
from qa import doctor, portable
from qa.directory import STORE, IndexDirectory
from qa.doctor.finding import Finding
from qa.portable import file_format


@pytest.fixture(scope="module")
def worker() -> Iterator[CareWorker]:
    worker = CareWorker()
    yield worker
    worker.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make(tmp_path / "folder", tmp_path / "index", log=False)
    return tmp_path


def alone(place: Path) -> list[Any]:
    with qa.Index.open_imported(place, encoder=HashingEncoder()) as index:
        return [hits(index, QUESTIONS, 5), [document.text for document in index.documents]]


def examined(root: Path, place: Path) -> list[Finding]:
    return doctor.check(root / "folder", directory=place, encoder=HashingEncoder())


def check_line(said: Any) -> None:
    kind, message = said
    assert kind == "StoreError"
    assert "\n" not in message
    assert any(word in message for word in ("disk", "large", "space", "No space"))


def leftovers(place: Path) -> list[str]:
    return [path.name for path in place.glob("*") if path.name.endswith(".part")]


@pytest.mark.parametrize("kilobytes", [0, 4, 16, 40, 90])
def test_an_export_that_finds_no_room_says_so_and_leaves_nothing(
    root: Path, worker: CareWorker, kilobytes: int
) -> None:
    expected = alone(root / "index")
    portable.pack(root / "index", root / "a.qa")
    before = (root / "a.qa").read_bytes()
    limit = min(kilobytes * 1024, len(before) - 1) if kilobytes > 40 else kilobytes * 1024
    work: dict[str, Any] = {"work": "export", "place": root / "index", "file": root / "a.qa"}
    check_line(worker.told(**work, file_bytes=limit)[1])
    assert (root / "a.qa").read_bytes() == before
    assert not leftovers(root)
    assert worker.told(**work) == (False, len(ARTICLES))
    assert alone(root / "index") == expected


@pytest.mark.parametrize("kilobytes", [0, 4, 16, 60])
def test_an_import_that_finds_no_room_says_so_and_what_was_there_stays(
    root: Path, worker: CareWorker, kilobytes: int
) -> None:
    expected = alone(root / "index")
    portable.pack(root / "index", root / "a.qa")
    (root / "few").mkdir()
    (root / "few" / "one.txt").write_text("Only one report, of a glacier and an envoy.")
    qa.Index.open(root / "few", directory=root / "there", encoder=HashingEncoder()).close()
    before = alone(root / "there")
    for place in (root / "there", root / "new"):
        work = {"work": "import", "place": place, "file": root / "a.qa", "force": True}
        check_line(worker.told(**work, file_bytes=kilobytes * 1024)[1])
        assert not leftovers(place)
        if place.name == "there":
            assert alone(place) == before
        assert worker.told(**work) == (False, len(ARTICLES))
        assert alone(place) == expected


@pytest.mark.parametrize("kilobytes", [0, 16, 60])
def test_mending_that_finds_no_room_says_so_and_ends_well_the_next_time(
    root: Path, worker: CareWorker, kilobytes: int
) -> None:
    expected = alone(root / "index")
    data = (root / "index" / STORE).read_bytes()
    (root / "index" / STORE).write_bytes(bytes(4096) + data[4096:])
    work = {"work": "mend", "place": root / "index", "folder": root / "folder"}
    check_line(worker.told(**work, file_bytes=kilobytes * 1024)[1])
    assert not worker.told(**work)[0]
    assert not [f for f in examined(root, root / "index") if not f.harmless]
    assert alone(root / "index") == expected


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    portable.pack(root / "index", root / "a.qa")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(qa.StoreError, match="the disk is too full to import"):
        portable.unpack(root / "a.qa", root / "new")
    assert not (root / "new").exists()


def test_an_error_of_the_disk_while_reading_the_file_is_told_in_one_line(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    portable.pack(root / "index", root / "a.qa")

    def fail(*_: object, **__: object) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(file_format, "copied", fail)
    with pytest.raises(qa.StoreError, match=r"cannot import .*Input/output error") as caught:
        portable.unpack(root / "a.qa", root / "new")
    assert "\n" not in str(caught.value)


# Small and read-only disks, where they can be mounted.


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    if not sys.platform.startswith("linux") or not mounted("-t", "tmpfs", "-o", "size=1m", place):
        pytest.skip("a small disk can be mounted only by root, on Linux")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def mounted(*options: str | Path) -> bool:
    *rest, place = map(str, options)
    device = ["none"] if "tmpfs" in rest else []
    try:
        subprocess.run(["mount", *rest, *device, place], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def fill(disk: Path) -> None:
    """Take all the room that there is."""
    with (disk / "ballast").open("wb") as ballast:
        while (free := os.statvfs(disk)).f_bavail:
            ballast.write(bytes(free.f_bavail * free.f_frsize))
            ballast.flush()


def test_on_a_full_disk_exporting_and_importing_say_so(root: Path, disk: Path) -> None:
    expected = alone(root / "index")
    portable.pack(root / "index", root / "a.qa")
    shutil.copytree(root / "index", disk / "index")
    before = alone(disk / "index")
    fill(disk)
    for work in (
        lambda: portable.pack(root / "index", disk / "a.qa"),
        lambda: portable.unpack(root / "a.qa", disk / "index", force=True),
        lambda: portable.unpack(root / "a.qa", disk / "new"),
    ):
        with pytest.raises(qa.StoreError) as caught:
            work()
        assert "\n" not in str(caught.value)
    assert alone(disk / "index") == before == expected
    assert not list(disk.glob("*a.qa*"))
    assert examined(root, disk / "index")[0].part == "directory"  # little room
    (disk / "ballast").unlink()
    portable.unpack(root / "a.qa", disk / "index", force=True)
    assert alone(disk / "index") == expected


def test_an_index_on_a_read_only_disk_is_asked_exported_and_checked(root: Path, disk: Path) -> None:
    expected = alone(root / "index")
    shutil.copytree(root / "index", disk / "index")
    assert mounted("-o", "remount,ro", disk)
    assert alone(disk / "index") == expected
    found = examined(root, disk / "index")
    wrong = [finding.part for finding in found if not finding.harmless]
    assert wrong == ["directory", "search"]  # Tantivy wants to lock: its index is made in memory
    assert "may not be written" in str(next(f for f in found if not f.harmless))
    for work in (
        lambda: portable.pack(disk / "index", disk / "a.qa"),
        lambda: portable.unpack(root / "a.qa", disk / "index", force=True),
    ):
        with pytest.raises(qa.StoreError) as caught:
            work()
        assert "\n" not in str(caught.value)
    portable.pack(disk / "index", root / "b.qa")
    portable.unpack(root / "b.qa", root / "new")
    assert alone(root / "new") == expected


# Two at once.


def test_mending_waits_for_a_writer_or_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.directory.WAIT_SECONDS", 0.1)
    (root / "index" / "derived.json").write_text("{}")
    found = examined(root, root / "index")
    begun, end = threading.Event(), threading.Event()

    def write() -> None:
        with IndexDirectory(root / "index").writing():
            begun.set()
            end.wait(60)

    thread = threading.Thread(target=write)
    thread.start()
    begun.wait(60)
    try:
        assert [finding.part for finding in examined(root, root / "index")] == ["search"]
        with pytest.raises(qa.IndexBusy, match="try again later"):
            doctor.mend(found, root / "folder", directory=root / "index", encoder=HashingEncoder())
    finally:
        end.set()
        thread.join()
    doctor.mend(found, root / "folder", directory=root / "index", encoder=HashingEncoder())
    assert examined(root, root / "index") == []


def test_threads_that_mend_and_import_at_once_leave_a_whole_index(root: Path) -> None:
    expected = alone(root / "index")
    portable.pack(root / "index", root / "a.qa")
    failed: list[Exception] = []

    def work(number: int) -> None:
        try:
            if number % 2:
                portable.unpack(root / "a.qa", root / "index", force=True)
            else:
                (root / "index" / "vectors.json").unlink(missing_ok=True)
                encoder = HashingEncoder()
                found = doctor.check(root / "folder", directory=root / "index", encoder=encoder)
                doctor.mend(found, root / "folder", directory=root / "index", encoder=encoder)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert alone(root / "index") == expected
    with qa.Index.open(
        root / "folder", directory=root / "index", encoder=HashingEncoder()
    ) as index:
        assert hits(index, QUESTIONS, 5) == expected[0]
