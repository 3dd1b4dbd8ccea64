"""What is kept: written whole or not at all, and checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa import cache


def test_a_file_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new" / "file"
    cache.write_atomically(path, b"old")

    def full_disk(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="no space"):
        cache.write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_check_sum_changes_with_one_bit_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "file"
    data = bytearray(3 << 20)
    path.write_bytes(data)
    before = cache.check_sum(path)
    data[-1] ^= 1
    path.write_bytes(data)
    assert cache.check_sum(path) != before
