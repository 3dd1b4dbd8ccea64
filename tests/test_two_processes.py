"""Two processes on one index: readers see whole states, writers take turns."""

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from subprocess import PIPE

import pytest
from fakes import HashingEncoder
from worker import ROOT, Gate, Worker, hits

import qa
from qa.directory import STORE, IndexDirectory
from qa.live import LiveCorpus

NAMES = [f"ledger-{number}.txt" for number in range(12)]
LINES = 60
QUESTIONS = ["Whose line is in the ledger?", "What does ledger-3 say in line 7?"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    write_state(folder, 0)
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "index"


def write_state(folder: Path, number: int) -> None:
    """Every line of every file names the same clerk."""
    for name in NAMES:
        words = random.Random(name)
        lines = [
            f"Line {line} of {name[:-4]} {words.randbytes(40).hex(' ', 4)} clerk{number}."
            for line in range(LINES)
        ]
        (folder / name).write_text("\n\n".join(lines))
        then = time.time() - 1_000 + number
        os.utime(folder / name, (then, then))


def opened(folder: Path, place: Path) -> qa.Index:
    return qa.Index.open(folder, directory=place, encoder=HashingEncoder())


def clerks(text: str) -> set[str]:
    return {word for word in text.split() if word.startswith("clerk")}


def check_whole(index: qa.Index) -> set[str]:
    """Ask; every document must be of one state and have all its passages. The states found."""
    name = random.choice(NAMES)
    found = index.retrieve(f"Which line of {name[:-4]}?", 1_000, documents=[name])
    (document,) = {hit.document for hit in found} or {None}
    if document is None:  # not yet indexed
        return set()
    passages = sorted((hit.passage.start, hit.passage.end) for hit in found)
    lines = sum(document.text[start:end].count("Line ") for start, end in passages)
    assert lines == LINES
    assert len(clerks(document.text)) == 1
    everything = index.retrieve(QUESTIONS[0], 20)
    assert all(h.passage.text == h.document.text[h.passage.start : h.passage.end] for h in found)
    for hit in everything:
        assert len(clerks(hit.document.text)) == 1
    return set().union(*(clerks(hit.document.text) for hit in everything))


def test_a_reader_sees_the_old_state_until_the_new_one_is_whole(folder: Path, place: Path) -> None:
    changed: list[int] = []
    with opened(folder, place) as reader, Worker(folder, place, seconds=0.15) as writer:
        assert writer.answer() == ["open", 0, len(NAMES)]
        for number in range(1, 4):
            write_state(folder, number)
            states = [check_whole(reader)]
            waiting = threading.Thread(target=lambda: changed.append(writer.ask("sync")))
            waiting.start()
            while waiting.is_alive():
                states.append(check_whole(reader))
            assert changed == number * [len(NAMES)]
            old, new = {f"clerk{number - 1}."}, {f"clerk{number}."}
            assert states[0] == old
            assert all(state in (old, new) for state in states)
            assert check_whole(reader) == new


def test_who_opens_an_index_that_is_being_built_waits_for_it_or_is_told(
    folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.directory.WAIT_SECONDS", 0.2)
    with (
        IndexDirectory(place).writing(),  # as if by another process, that has just begun
        pytest.raises(qa.IndexBusy, match="being written by somebody else: try again later"),
    ):
        opened(folder, place)
    monkeypatch.setattr("qa.directory.WAIT_SECONDS", 30.0)
    with Worker(folder, place, seconds=0.4) as writer:
        with opened(folder, place) as index:
            assert check_whole(index) == {"clerk0."}
        assert writer.answer()[0] == "open"


def test_who_opens_an_index_that_is_being_changed_gets_whole_documents_at_once(
    folder: Path,
    place: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened(folder, place).close()
    write_state(folder, 1)
    monkeypatch.setattr("qa.keeping._SHORT_WAIT_SECONDS", 0.1)
    with IndexDirectory(place).writing():  # as if by another process, that is reading
        encoder = HashingEncoder()
        with qa.Index.open(folder, directory=place, encoder=encoder) as reader:
            assert check_whole(reader) == {"clerk0."}
            assert encoder.embedded == 0
            assert "using what is there" in caplog.text
    with opened(folder, place) as reader:
        assert check_whole(reader) == {"clerk1."}


def until_read(index: qa.Index) -> None:
    while index.status.stage == "reading":
        time.sleep(0.01)


def test_only_one_process_embeds_and_the_others_take_over_its_vectors(
    folder: Path, place: Path, tmp_path: Path
) -> None:
    gate = Gate(tmp_path)
    with Worker(folder, place, gate=str(tmp_path), wait=False, questions=QUESTIONS) as one:
        assert one.answer()[0] == "open"
        gate.wait_for_somebody()
        encoder = HashingEncoder()
        with qa.Index.open(folder, directory=place, encoder=encoder, wait=False) as other:
            until_read(other)
            assert other.status.stage == "embedding"
            assert check_whole(other) == {"clerk0."}
            gate.open()
            assert other.wait()
            assert other.status.stage == "ready"
            assert encoder.embedded == 0
            assert one.ask("wait") == [True, other.status.passages]
            assert one.ask("hits") == hits(other, QUESTIONS)


def test_where_the_process_that_embeds_is_killed_another_goes_on(
    folder: Path, place: Path, tmp_path: Path
) -> None:
    gate = Gate(tmp_path)
    with Worker(folder, place, seconds=0.5, gate=str(tmp_path), wait=False) as one:
        assert one.answer()[0] == "open"
        gate.wait_for_somebody()
        encoder = HashingEncoder()
        with qa.Index.open(folder, directory=place, encoder=encoder, wait=False) as other:
            gate.open()
            while other.status.embedded == 0:
                time.sleep(0.01)
            one.kill()
            assert other.wait(60)
            assert 0 < encoder.embedded < other.status.passages


def test_who_follows_another_that_embeds_does_not_keep_the_log_from_beginning_again(
    folder: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.live.LOG_BYTES", (0, 0))
    renewed: list[str] = []
    renew = LiveCorpus.renew
    monkeypatch.setattr(
        LiveCorpus, "renew", lambda self, state: (renewed.append(state.version), renew(self, state))
    )
    gate = Gate(tmp_path)
    with Worker(folder, place, seconds=0.2, gate=str(tmp_path), wait=False) as one:
        assert one.answer()[0] == "open"
        gate.wait_for_somebody()
        encoder = HashingEncoder()
        with qa.Index.open(folder, directory=place, encoder=encoder, wait=False) as other:
            until_read(other)
            before = len(renewed)
            gate.open()
            assert other.wait()
            assert len(renewed) > before
            assert encoder.embedded == 0


def test_a_second_writer_waits_for_its_turn(folder: Path, place: Path) -> None:
    with opened(folder, place) as index, Worker(folder, place, seconds=0.1) as other:
        other.answer()
        write_state(folder, 1)
        other.tell("sync")
        changed = len(index.sync().changed)
        assert changed + other.answer() == len(NAMES)
        assert check_whole(index) == {"clerk1."}


def test_many_processes_that_open_a_new_folder_at_once_embed_it_once(
    folder: Path, place: Path
) -> None:
    workers = [Worker(folder, place, questions=QUESTIONS) for _ in range(4)]
    try:
        answers = [worker.answer() for worker in workers]
        assert {answer[0] for answer in answers} == {"open"}
        assert sum(answer[1] > 0 for answer in answers) == 1
        found = [worker.ask("hits") for worker in workers]
        assert found == 4 * [found[0]]
    finally:
        for worker in workers:
            worker.kill()


def test_many_processes_that_make_one_index_at_once_do_not_disturb_each_other(
    tmp_path: Path,
) -> None:
    script = """
import sys, time
from pathlib import Path
from qa.directory import IndexDirectory
print("started", flush=True)
start = float(sys.stdin.readline())
for number in range(30):
    while time.time() < start + number / 10:
        pass
    IndexDirectory(Path(sys.argv[1], str(number))).open_store().counts()
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    makers = [
        subprocess.Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True)
        for _ in range(5)
    ]
    assert [maker.stdout.readline() for maker in makers if maker.stdout] == 5 * ["started\n"]
    for maker in makers:
        assert maker.stdin
        maker.stdin.write(f"{time.time() + 0.2}\n")
        maker.stdin.flush()
    assert [maker.communicate()[1] for maker in makers] == 5 * [""]


def test_processes_that_meet_damage_mend_it_once(folder: Path, place: Path) -> None:
    with opened(folder, place) as index:
        expected = hits(index, QUESTIONS)
    store = (place / STORE).read_bytes()
    workers = [Worker(folder, place, questions=QUESTIONS) for _ in range(3)]
    try:
        assert all(worker.answer() == ["open", 0, len(NAMES)] for worker in workers)
        (place / STORE).write_bytes(store.replace(b"clerk0", b"clerk7"))
        for worker in workers:
            worker.tell("hits")
        for worker in workers:
            assert worker.answer() == expected
        write_state(folder, 1)
        assert workers[0].ask("sync") == len(NAMES)
        new = workers[0].ask("hits")
        assert new != expected
        assert [worker.ask("hits") for worker in workers] == 3 * [new]
    finally:
        for worker in workers:
            worker.kill()
    with opened(folder, place) as index:
        assert hits(index, QUESTIONS) == new
