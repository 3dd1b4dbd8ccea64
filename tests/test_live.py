"""An index that stays open for long: what it leaves on the disk."""

import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from fakes import HashingEncoder

import qa
from qa import keeping, live
from qa.directory import STORE

BYTES = 300_000  # of the one file that is written again and again


def write(folder: Path, number: int) -> None:
    dice = random.Random(number)
    said = (f"Line {line} says {dice.randbytes(100).hex(' ', 4)}." for line in range(BYTES // 240))
    (folder / "log.txt").write_text("\n\n".join(said))
    os.utime(folder / "log.txt", (1e9 + number, 1e9 + number))


@pytest.mark.parametrize("readers", [0, 1])
def test_the_log_of_an_index_that_is_always_read_does_not_grow_with_every_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, readers: int
) -> None:
    monkeypatch.setattr(live, "LOG_BYTES", (200_000, 200_000))
    folder, place = tmp_path / "folder", tmp_path / "index"
    folder.mkdir()
    write(folder, 0)

    def opened() -> qa.Index:
        return qa.Index.open(folder, directory=place, encoder=HashingEncoder())

    log = place / f"{STORE}-wal"
    with opened() as index:
        others = [opened() for _ in range(readers)]
        sizes = []
        for number in range(1, 16):
            write(folder, number)
            index.sync()
            for one in (index, *others):
                assert one.retrieve("What does line 7 say?")
            sizes.append(log.stat().st_size)
        for other in others:
            other.close()
    assert max(sizes) <= 3 * sizes[0]


def test_the_log_of_a_large_folder_is_begun_again_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOG_BYTES", (200_000, 200_000))
    monkeypatch.setattr(keeping, "PUBLISH_SECONDS", 0.0)
    monkeypatch.setattr(keeping, "PUBLISH_SHARE", 1.0)
    folder, place = tmp_path / "folder", tmp_path / "index"
    for number in range(10):
        (folder / str(number)).mkdir(parents=True)
        write(folder / str(number), number)
    sizes = [0]

    class Looking(HashingEncoder):
        def count_tokens(self, texts: Sequence[str]) -> list[int]:
            sizes.append((place / f"{STORE}-wal").stat().st_size)
            return super().count_tokens(texts)

    with qa.Index.open(folder, directory=place, encoder=Looking()) as index:
        assert index.status.documents == 10
    assert max(sizes) < 3_000_000  # of 7
