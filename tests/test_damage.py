"""Whatever happens to the bytes of an index, or to the clock: a right answer or one clear line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from damaging import answered, in_a_process, make
from fakes import HashingEncoder
from worker import ROOT, hits

import qa
from qa import doctor

EDITS = 150  # a process; benchmarks/fuzz.py makes 20,000


@pytest.mark.kill
@pytest.mark.parametrize("log", [False, True], ids=["closed", "killed"])
@pytest.mark.parametrize("seed", [1, 2])
def test_every_edit_of_an_indexs_bytes_ends_in_the_right_answer_or_one_clear_line(
    tmp_path: Path, log: bool, seed: int
) -> None:
    make(tmp_path / "folder", tmp_path / "index", log=log)
    found = in_a_process(
        tmp_path / "folder", tmp_path / "index", tmp_path / "copy", seed, EDITS, seconds=900
    )
    assert found["wrong"] == []
    assert sum(found["ends"].values()) == EDITS
    assert found["ends"]["right"] > EDITS / 2


def test_an_edit_that_gave_another_answer_would_be_noticed(tmp_path: Path) -> None:
    """The test above can fail: a store whose check sums fit another text answers otherwise."""
    from damaging import outcome

    make(tmp_path / "folder", tmp_path / "index", log=False)
    expected = [answered(None, tmp_path / "index")]
    assert outcome(None, tmp_path / "index", expected) == "right"
    article = next(iter(sorted((tmp_path / "folder").glob("*.txt"))))
    article.write_text("Another report.")
    qa.Index.open(
        tmp_path / "folder", directory=tmp_path / "index", encoder=HashingEncoder()
    ).close()
    assert outcome(None, tmp_path / "index", expected).startswith("a wrong answer")
    (tmp_path / "index" / "store.sqlite3").write_bytes(b"nothing")
    assert outcome(None, tmp_path / "index", expected) == "told"


# The clock.


def write(path: Path, text: str, seconds: float) -> None:
    """A file that was last written so many seconds after 1970."""
    path.write_text(text)
    os.utime(path, (seconds, seconds))


def opened(folder: Path, place: Path, encoder: HashingEncoder) -> qa.Index:
    return qa.Index.open(folder, directory=place, encoder=encoder)


@pytest.mark.parametrize("years", [-80, -20, 20, 200], ids=lambda years: f"{years} years")
def test_files_from_the_past_and_the_future_are_followed(tmp_path: Path, years: int) -> None:
    folder, encoder = tmp_path / "folder", HashingEncoder()
    folder.mkdir()
    then = time.time() + years * 365.25 * 86_400
    write(folder / "a.txt", "The envoy refused a truce.", then)
    write(folder / "b.txt", "The comet was seen from Arnsund.", then)
    with opened(folder, tmp_path / "index", encoder) as index:
        assert encoder.embedded == 2
        assert index.sync() == qa.Changes()
        write(folder / "a.txt", "The envoy accepted a truce.", then)  # longer, of the same time
        write(folder / "b.txt", "The comet was seen from Arnsund.", then - 1_000)  # as before
        assert index.sync().changed == ("a.txt",)
        assert index.retrieve("Who accepted a truce?", 1)[0].document.id == "a.txt"
        assert index.sync() == qa.Changes()
    assert encoder.embedded == 3
    assert doctor.check(folder, directory=tmp_path / "index", encoder=encoder) == []


def test_a_file_of_the_future_is_followed_though_size_and_time_stay(tmp_path: Path) -> None:
    """Its time proves nothing: the clock was wrong when it was written, and may be so again."""
    folder, encoder = tmp_path / "folder", HashingEncoder()
    folder.mkdir()
    then = time.time() + 86_400
    write(folder / "a.txt", "The envoy met the clerk.", then)
    with opened(folder, tmp_path / "index", encoder) as index:
        write(folder / "a.txt", "The envoy met the baker.", then)
        assert index.sync().changed == ("a.txt",)


CLOCKED = """
import json, sys, time
real, steps = time.time_ns, json.loads(sys.argv[3])
calls = [0]
def time_ns():
    calls[0] += 1
    return real() + int(1e9 * steps[min(calls[0] * len(steps) // 40, len(steps) - 1)])
time.time_ns = time_ns
time.time = lambda: time_ns() / 1e9
from pathlib import Path
from fakes import HashingEncoder
from worker import hits
import qa
folder, encoder = Path(sys.argv[1]), HashingEncoder()
with qa.Index.open(folder, directory=sys.argv[2], encoder=encoder) as index:
    found = [hits(index, ["the envoy", "the comet"])]
    for number in range(6):
        (folder / f"{number}.txt").write_text(f"Report {number}: the envoy met the comet.")
        (folder / "kept.txt").write_text(f"The clerk writes {number} letters.")
        changes = index.sync()
        assert (changes.added, changes.changed) == ((f"{number}.txt",), ("kept.txt",)), changes
        assert index.sync() == qa.Changes()
    found.append(hits(index, ["the envoy", "the comet", "letters of the clerk"]))
print(json.dumps([found, encoder.embedded, calls[0]]))
"""


@pytest.mark.parametrize(
    "steps",
    [[0], [0, -3_600], [0, -3_600, 7_200, -86_400 * 365], [-86_400 * 365 * 30, 0], [0, 1e9, -1e9]],
    ids=["steady", "back an hour", "to and fro", "from long ago", "thirty years"],
)
def test_a_clock_that_jumps_makes_nothing_missed_and_nothing_run_on(
    tmp_path: Path, steps: list[float]
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "kept.txt").write_text("The clerk writes.")
    found = said(tmp_path, steps)
    (tmp_path / "steady").mkdir()
    (tmp_path / "steady" / "folder").mkdir()
    (tmp_path / "steady" / "folder" / "kept.txt").write_text("The clerk writes.")
    assert found[:2] == said(tmp_path / "steady", [0])[:2]
    with opened(tmp_path / "folder", tmp_path / "index", HashingEncoder()) as index:
        questions = ["the envoy", "the comet", "letters of the clerk"]
        assert json.loads(json.dumps(hits(index, questions))) == found[0][1]


def said(root: Path, steps: list[float]) -> Any:
    arguments = [str(root / "folder"), str(root / "index"), json.dumps(steps)]
    ran = subprocess.run(
        [sys.executable, "-c", CLOCKED, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)])},
        capture_output=True,
        timeout=300,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout.splitlines()[-1])
    assert result[2] > 10, "the clock was not asked"
    return result
