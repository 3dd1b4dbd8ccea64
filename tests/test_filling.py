"""Words first, vectors after: what can be asked meanwhile, and how the rest is finished."""

from __future__ import annotations

import datetime
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from fakes import HashingEncoder

import qa
from qa import filling, ingest, keeping, live
from qa.directory import STORE
from qa.live import LiveCorpus
from qa.onnx_model import Vectors

WORDS = [
    "truce",
    "envoy",
    "harbour",
    "baker",
    "comet",
    "hangar",
    "orchestra",
    "ferry",
    "quay",
    "oak",
]


class GatedEncoder(HashingEncoder):
    """Embeds so many windows as it is let, and keeps their texts."""

    def __init__(self, windows: int = 0) -> None:
        super().__init__()
        self.windows: list[list[str]] = []
        self._gate = threading.Semaphore(windows)
        self._open = threading.Event()

    def let(self, windows: int) -> None:
        self._gate.release(windows)

    def open(self) -> None:
        self._open.set()
        self._gate.release()

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        if threading.current_thread().name == "qa-filling" and not self._open.is_set():
            self._gate.acquire(timeout=20)  # a test that failed must be able to close its index
        self.windows.append(list(texts))
        return super().encode_passages(texts)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    for number in range(40):
        word = WORDS[number % 10]
        write(folder / f"{number:02}.txt", f"The {word} of number{number} was seen by {number}.")
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def encoder() -> Iterator[GatedEncoder]:
    encoder = GatedEncoder()
    yield encoder
    encoder.open()


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (time.time() - 100, time.time() - 100))


def opened(folder: Path, place: Path, encoder: HashingEncoder, wait: bool | float) -> qa.Index:
    return qa.Index.open(folder, directory=place, encoder=encoder, wait=wait)


def until(true: object) -> None:
    while not true():  # type: ignore[operator]
        time.sleep(0.005)


# Asking meanwhile.


def test_words_are_found_before_anything_is_embedded(
    folder: Path, place: Path, encoder: GatedEncoder
) -> None:
    with opened(folder, place, encoder, wait=False) as index:
        until(lambda: index.status.stage == "embedding")
        status = index.status
        assert (status.embedded, status.passages) == (0, 40)
        assert status.coverage == 0.0
        hit = index.retrieve("Who saw number17?")[0]
        assert hit.document.id == "17.txt"
        assert hit.explanation.cosine is None
        assert hit.score == hit.explanation.lexical + hit.explanation.semantic == 1.0
        assert index.ask("Who saw number17?").coverage == 0.0
        encoder.open()
        assert index.wait()
        assert index.status.stage == "ready"
        assert index.ask("Who saw number17?").coverage == 1.0
        assert isinstance(index.retrieve("Who saw number17?")[0].explanation.cosine, float)


def test_when_it_is_done_answers_are_those_of_an_index_that_was_waited_for(
    folder: Path, place: Path, tmp_path: Path, encoder: GatedEncoder
) -> None:
    questions = [f"Who saw the {word}?" for word in WORDS]
    with opened(folder, place, encoder, wait=False) as index:
        index.retrieve(questions[3])
        encoder.open()
        assert index.wait()
        meanwhile = [index.retrieve(question) for question in questions]
    with opened(folder, tmp_path / "other", HashingEncoder(), wait=True) as index:
        assert [index.retrieve(question) for question in questions] == meanwhile


def test_what_was_asked_for_is_embedded_first_then_the_newest(
    place: Path, tmp_path: Path, encoder: GatedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "WINDOW_PASSAGES", 4)
    monkeypatch.setattr(filling, "YIELD_SECONDS", 0.0)
    for number in range(20):
        day = f"{number + 1} March 2016"
        write(tmp_path / "dated" / f"{number:02}.txt", f"News\n\n{day}\n\nItem{number} arrived.")
    with opened(tmp_path / "dated", place, encoder, wait=False) as index:
        until(lambda: index._keeper().filling.active)
        assert index.retrieve("item5")
        encoder.let(3)
        until(lambda: len(encoder.windows) >= 3)
        embedded = [text.split()[-2] for window in encoder.windows for text in window]
        assert set(embedded[:12]) == {"Item5", *(f"Item{number}" for number in range(9, 20))}
        encoder.open()  # or closing would wait for the window that it holds back


def test_coverage_is_that_of_the_documents_asked_of(
    folder: Path, place: Path, encoder: GatedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "WINDOW_PASSAGES", 10)
    with opened(folder, place, encoder, wait=False) as index:
        encoder.let(1)
        until(lambda: index.status.embedded == 10)
        assert index.status.coverage == index.ask("truce").coverage == 0.25
        assert index.ask("truce", documents=["00.txt", "01.txt"]).coverage == 1.0
        assert index.ask("truce", documents=["01.txt", "30.txt"]).coverage == 0.5
        assert index.ask("truce", documents=["nowhere"]).coverage == 1.0
        encoder.open()  # or closing would wait for the window that it holds back


def test_while_somebody_asks_windows_are_small(
    folder: Path, place: Path, encoder: GatedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "YIELD_SECONDS", 0.0)
    with opened(folder, place, encoder, wait=False) as index:
        until(lambda: index._keeper().filling.active)
        with index._keeper().filling.making_way():
            encoder.open()
            assert index.wait()
    assert len(encoder.windows[0]) <= filling.WINDOW_PASSAGES
    assert {len(w) for w in encoder.windows[1:-1]} <= {filling.ASKED_WINDOW_PASSAGES}


def test_a_large_folder_can_be_asked_while_it_is_read(
    folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "PUBLISH_SECONDS", 0.0)
    monkeypatch.setattr(keeping, "PUBLISH_SHARE", 1.0)
    read_on = threading.Event()

    class SlowReader(HashingEncoder):
        def count_tokens(self, texts: Sequence[str]) -> list[int]:
            if any("number20" in text for text in texts):
                assert read_on.wait(60)
            return super().count_tokens(texts)

    with opened(folder, place, SlowReader(), wait=False) as index:
        until(lambda: index.status.documents == 20)
        status = index.status
        assert (status.stage, status.files_total) == ("reading", 40)
        assert index.retrieve("Who saw number1?")
        assert "30.txt" not in {outline.id for outline in index.outlines}
        read_on.set()
        assert index.wait()
        assert index.retrieve("Who saw number30?")[0].document.id == "30.txt"
        assert index.status.stage == "ready"


def test_an_index_that_is_there_answers_from_its_last_state_while_the_folder_is_read(
    folder: Path, place: Path
) -> None:
    opened(folder, place, HashingEncoder(), wait=True).close()
    read_on = threading.Event()

    class SlowReader(HashingEncoder):
        def count_tokens(self, texts: Sequence[str]) -> list[int]:
            if any("gulls" in text for text in texts):
                assert read_on.wait(60)
            return super().count_tokens(texts)

    write(folder / "new.txt", "The gulls came back.")
    with opened(folder, place, SlowReader(), wait=False) as index:
        assert index.retrieve("Who saw number30?")[0].document.id == "30.txt"
        assert len(index.outlines) == 40
        read_on.set()
        assert index.wait()
        assert index.retrieve("Did the gulls return?")[0].document.id == "new.txt"


# Stopping and going on.


def test_closed_in_the_middle_it_goes_on_from_there(
    folder: Path, place: Path, encoder: GatedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "WINDOW_PASSAGES", 10)
    with opened(folder, place, encoder, wait=False) as index:
        encoder.let(2)
        until(lambda: index.status.embedded == 20)
        closing = threading.Thread(target=index.close)
        closing.start()
        until(lambda: index._keeper is not None and index._searched.live.closed)
        encoder.let(1)
        closing.join(60)
        assert not closing.is_alive()
    again = HashingEncoder()
    with opened(folder, place, again, wait=True) as index:
        assert encoder.embedded + again.embedded == index.status.passages == 40


def test_a_number_waits_for_so_long_and_the_rest_goes_on(
    folder: Path, place: Path, encoder: GatedEncoder
) -> None:
    with opened(folder, place, encoder, wait=0.05) as index:
        assert index.status.stage == "embedding"
        assert index.wait(0.05) is False
        encoder.open()
        assert index.wait() is True


def test_what_goes_wrong_ends_in_the_status_and_is_tried_again(
    folder: Path, place: Path, encoder: GatedEncoder, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(HashingEncoder):
        broken = True

        def encode_passages(self, texts: Sequence[str]) -> Vectors:
            if self.broken and threading.current_thread().name == "qa-filling":
                raise qa.StoreError("the disk is full: cannot write")
            return super().encode_passages(texts)

    failing = Failing()
    with opened(folder, place, failing, wait=False) as index:
        until(lambda: index.status.error)
        assert (index.status.stage, index.status.embedded) == ("stopped", 0)
        assert "the disk is full" in index.status.error
        assert "embedding stopped" in caplog.text
        with pytest.raises(qa.StoreError, match="disk is full"):
            index.wait()
        assert index.retrieve("Who saw number17?")[0].document.id == "17.txt"
        failing.broken = False
        index.sync(wait=True)
        assert (index.status.stage, index.status.error) == ("ready", "")


def test_who_waits_is_told_what_went_wrong(folder: Path, place: Path) -> None:
    class Failing(HashingEncoder):
        def encode_passages(self, texts: Sequence[str]) -> Vectors:
            raise qa.StoreError("the disk is full: cannot write")

    with pytest.raises(qa.StoreError, match="disk is full"):
        opened(folder, place, Failing(), wait=True)


def test_a_folder_that_cannot_be_read_is_said_at_once(tmp_path: Path, place: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(qa.FolderError, match="no readable documents"):
        opened(tmp_path / "empty", place, HashingEncoder(), wait=False)
    with pytest.raises(qa.FolderError, match="no folder"):
        opened(tmp_path / "nowhere", place, HashingEncoder(), wait=False)


def test_a_vector_that_changed_on_the_disk_is_embedded_again_and_no_other(
    folder: Path, place: Path
) -> None:
    with opened(folder, place, HashingEncoder(), wait=True) as index:
        before = index.retrieve("Who saw number17?")
    with sqlite3.connect(place / STORE) as connection:
        connection.execute("UPDATE vectors SET vector = zeroblob(1024) WHERE rowid IN (3, 4)")
        connection.execute("DELETE FROM vectors WHERE rowid = 7")
    connection.close()
    for path in place.glob("vectors*"):
        path.unlink()
    encoder = HashingEncoder()
    with opened(folder, place, encoder, wait=True) as index:
        assert encoder.embedded == 3
        assert index.retrieve("Who saw number17?") == before


def test_a_passage_with_another_key_than_its_text_stops_it_with_a_word(
    folder: Path, place: Path, encoder: GatedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(folder, place, encoder, wait=False) as index:
        monkeypatch.setattr(ingest, "embedded_text", lambda title, passage: "something else")
        index._keeper().filling._thread.join(0.1)
        encoder.open()
        until(lambda: not index._keeper().filling.active)
        index._keeper().filling.start()
        with pytest.raises(qa.StoreError, match="would be now"):
            index.wait()


def test_a_change_in_the_middle_is_finished_with_the_rest(
    folder: Path, place: Path, encoder: GatedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "WINDOW_PASSAGES", 5)
    with opened(folder, place, encoder, wait=False) as index:
        encoder.let(2)
        until(lambda: index.status.embedded == 10)
        (folder / "05.txt").unlink()
        write(folder / "new.txt", "The gulls came back.")
        changes = index.sync()
        assert (changes.added, changes.removed) == (("new.txt",), ("05.txt",))
        assert index.retrieve("Did the gulls return?")[0].document.id == "new.txt"
        encoder.open()
        assert index.wait()
        assert encoder.embedded == 41
        assert index.status.embedded == index.status.passages == 40


def test_the_log_beside_the_store_does_not_grow_with_the_vectors(
    folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "WINDOW_PASSAGES", 1)
    monkeypatch.setattr(live, "LOG_BYTES", (50_000, 50_000))
    sizes: list[int] = []
    renew = LiveCorpus.renew

    def noting(self: LiveCorpus, state: object) -> None:
        renew(self, state)
        sizes.append((place / f"{STORE}-wal").stat().st_size)

    monkeypatch.setattr(LiveCorpus, "renew", noting)
    with opened(folder, place, HashingEncoder(), wait=True):
        assert len(sizes) > 5
        assert sizes[-1] <= sizes[2]


def test_a_program_that_ends_without_closing_ends_soon_and_loses_nothing(
    folder: Path, place: Path
) -> None:
    code = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
import qa
from fakes import HashingEncoder
class Slow(HashingEncoder):
    def encode_passages(self, texts):
        time.sleep(0.2)
        return super().encode_passages(texts)
from qa import filling
filling.WINDOW_PASSAGES = 2
index = qa.Index.open({str(folder)!r}, directory={str(place)!r}, encoder=Slow(), wait=False)
while not index.status.embedded:
    time.sleep(0.01)
print(index.status.embedded)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parent.parent,
        check=True,
    )
    assert ran.stderr == ""
    encoder = HashingEncoder()
    with opened(folder, place, encoder, wait=True) as index:
        assert 0 < encoder.embedded <= index.status.passages - int(ran.stdout) < 40


# Which documents.

SAID = {
    "a": "Aleppo, after three days of rain,",
    "b": "a crowded hall of the old exchange",
    "c": "her letter to the miners' union",
    "d": "front of forty cameras, visibly tired,",
}


@pytest.fixture
def dated() -> qa.Index:
    def document(id: str, day: int | None, source: str) -> qa.Document:
        date = datetime.date(2016, 2, day) if day else None
        text = f"In {SAID[id]} the envoy spoke."
        return qa.Document(id, text, date=date, source=source)

    return qa.Index.from_documents(
        [
            document("a", 1, "BBC News"),
            document("b", 13, "Straße Heute"),
            document("c", 20, "bbc.co.uk"),
            document("d", None, "BBC News"),
        ],
        encoder=HashingEncoder(),
    )


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"after": "2016-02-13"}, "bc"),
        ({"before": datetime.date(2016, 2, 13)}, "ab"),
        ({"after": "2016-02-02", "before": datetime.datetime(2016, 2, 19, 12)}, "b"),
        ({"after": "2016-02-20", "before": "2016-02-01"}, ""),
        ({"source": "bbc"}, "acd"),
        ({"source": "STRASSE"}, "b"),
        ({"source": " "}, "abcd"),
        ({"source": "bbc", "after": "2016-02-02"}, "c"),
        ({"documents": ["a", "c"], "source": "news"}, "a"),
        ({"documents": [], "source": "bbc"}, ""),
    ],
)
def test_documents_are_chosen_by_day_and_source(
    dated: qa.Index, chosen: dict[str, object], expected: str
) -> None:
    found = dated.retrieve("Who spoke?", **chosen)
    assert sorted(hit.document.id for hit in found) == list(expected)
    assert sorted(hit.document.id for hit in dated.ask("Who spoke?", **chosen).hits) == list(
        expected
    )


@pytest.mark.parametrize(
    ("chosen", "error", "message"),
    [
        ({"after": "13 February"}, ValueError, "'13 February' is no date: write it as 2016-02-13"),
        ({"before": 2016}, TypeError, "the date is a int"),
        ({"source": ["bbc"]}, TypeError, "the source is a list"),
    ],
)
def test_what_is_no_day_or_source_is_refused(
    dated: qa.Index, chosen: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        dated.retrieve("Who spoke?", **chosen)
