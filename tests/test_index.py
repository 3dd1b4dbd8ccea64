"""`Index`: opening, following a folder, uploads, and what happens to a damaged store."""

import logging
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from fakes import HashingEncoder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worker import remove_index

import qa
from qa import Index, derived
from qa.directory import STORE, default_directory
from qa.seeds import default_folder

ARTICLES = {
    "truce.txt": "Hill talks fail\n\nThe envoy refused a truce in the northern hills on Monday. "
    "Shelling went on until dawn, said a doctor in the valley.",
    "bread.txt": "Bread grows dearer\n\nBakers in the harbour town raised the price of bread by "
    "four coins. Flour from the south had not arrived for a week.",
    "sky/comet.txt": "Comet over the bay\n\nA comet was seen above the observatory on Tuesday. "
    "Two students measured its tail with a borrowed camera.",
}
QUESTIONS = ["Who refused a truce?", "What does bread cost?", "Who measured the comet's tail?"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    for name, text in ARTICLES.items():
        write(folder / name, text)
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "index"


def write(path: Path, text: str, age: float = 100.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    then = time.time() - age
    os.utime(path, (then, then))


def opened(folder: Path, place: Path, encoder: HashingEncoder | None = None) -> Index:
    return Index.open(folder, directory=place, encoder=encoder or HashingEncoder())


def hits(index: Index) -> list[list[tuple[float, str, str]]]:
    return [
        [(hit.score, hit.document.id, hit.passage.text) for hit in index.retrieve(question)]
        for question in QUESTIONS
    ]


def found(index: Index, question: str) -> set[str]:
    return {hit.document.id for hit in index.retrieve(question) if hit.explanation.bm25}


# Opening.


def test_a_folder_is_indexed_once_and_opened_afterwards(folder: Path, place: Path) -> None:
    with opened(folder, place) as index:
        first = hits(index)
        assert first[0][0][1] == "truce.txt"
        assert index.status.documents == 3
    encoder = HashingEncoder()
    with opened(folder, place, encoder) as index:
        assert encoder.embedded == 0
        assert hits(index) == first


def test_opening_follows_what_changed_meanwhile(folder: Path, place: Path) -> None:
    opened(folder, place).close()
    write(folder / "bread.txt", "Bakers now sell bread for nine coins.")
    write(folder / "new.txt", "A ferry to the islands was launched.")
    (folder / "truce.txt").unlink()
    with opened(folder, place) as index:
        assert [document.id for document in index.documents] == [
            "bread.txt",
            "new.txt",
            "sky/comet.txt",
        ]
        assert found(index, "Who refused a truce?") == set()
        assert found(index, "When was the ferry launched?") == {"new.txt"}
        assert "nine coins" in index.retrieve("What does bread cost?")[0].passage.text


def test_sync_changes_what_is_found(folder: Path, place: Path) -> None:
    with opened(folder, place) as index:
        write(folder / "new.txt", "A ferry to the islands was launched.")
        (folder / "bread.txt").unlink()
        assert index.sync() == qa.Changes(added=("new.txt",), removed=("bread.txt",))
        assert found(index, "When was the ferry launched?") == {"new.txt"}
        assert found(index, "What do bakers ask for bread?") == set()
        assert index.sync() == qa.Changes()


def test_progress_ends_with_ready_and_the_counts(folder: Path, place: Path) -> None:
    reports: list[qa.Progress] = []
    encoder = HashingEncoder()
    with Index.open(folder, directory=place, encoder=encoder, progress=reports.append):
        assert reports[0].stage == "preparing"
        assert [r.stage for r in reports].count("ready") == 1
        assert reports[-1].stage == "ready"
        assert reports[-1].documents_done == reports[-1].documents_total == 3
        assert reports[-1].passages_done == encoder.embedded > 0


def test_an_index_survives_the_move_of_its_folder(folder: Path, place: Path) -> None:
    opened(folder, place).close()
    moved = folder.rename(folder.with_name("moved"))
    encoder = HashingEncoder()
    with opened(moved, place, encoder) as index:
        assert encoder.embedded == 0
        hit = index.retrieve("Who refused a truce?")[0]
        assert hit.document.path == moved / "truce.txt"


def test_an_index_inside_its_own_folder_does_not_read_itself(folder: Path) -> None:
    with opened(folder, folder / "index") as index:
        upload = folder.parent / "ferry.txt"
        write(upload, "A ferry to the islands was launched.")
        index.add([upload])
        assert [d.id for d in index.documents if "ferry" in d.id] == ["uploads/ferry.txt"]
        assert index.sync() == qa.Changes()


def test_another_encoder_makes_the_index_anew(folder: Path, place: Path) -> None:
    opened(folder, place).close()
    other = HashingEncoder()
    other.name, other.dimensions = "other", 64
    with opened(folder, place, other) as index:
        assert other.embedded > 0
        assert hits(index)[0][0][1] == "truce.txt"


def test_where_an_index_lies_depends_on_the_whole_path_and_is_plainly_spelt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QA_CACHE_DIR", str(tmp_path))
    one, other = default_directory(Path("/a/notes")), default_directory(Path("/b/notes"))
    assert one != other
    assert one.parent == other.parent == tmp_path / "indexes"
    odd = default_directory(Path("/a") / (os.fsdecode(b"caf\xe9 ") + "x" * 300))
    assert odd.name.startswith("caf__xxx")
    assert len(odd.name) < 100


def test_the_folder_is_seeds_when_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (default_folder() / "000_e833d2b9ff24ed80.txt").is_file()
    (tmp_path / "seeds").mkdir()
    assert default_folder() == tmp_path / "seeds"
    assert default_folder("notes") == tmp_path / "notes"


# Damage.


def test_search_indexes_are_made_anew_when_they_are_missing_or_damaged(
    folder: Path, place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(folder, place) as index:
        before = hits(index)
    names = [path.relative_to(place) for path in place.rglob("*") if path.is_file()]
    made = [name for name in names if "store" not in name.name and name.suffix != ".lock"]
    made = [name for name in made if not name.name.startswith(".")]
    assert len(made) > 5
    for name in made:
        (place / name).write_bytes(b"\0" * 10)
        caplog.clear()
        caplog.set_level(logging.INFO)
        encoder = HashingEncoder()
        with opened(folder, place, encoder) as index:
            assert hits(index) == before
        assert "making the search indexes" in caplog.text
        assert encoder.embedded == 0


def flipped(path: Path, positions: list[int], random_numbers: random.Random) -> None:
    data = bytearray(path.read_bytes())
    for position in positions:
        data[position] ^= random_numbers.randrange(1, 256)
    path.write_bytes(data)


def damage(path: Path, kind: str) -> None:
    random_numbers = random.Random(kind)
    size = path.stat().st_size
    if kind.startswith("truncated"):
        os.truncate(path, {"truncated": size // 2, "truncated to nothing": 0}.get(kind, size - 700))
    elif kind == "header of zeroes":
        path.write_bytes(bytes(100) + path.read_bytes()[100:])
    elif kind == "middle of zeroes":
        data = path.read_bytes()
        path.write_bytes(data[: size // 2] + bytes(4096) + data[size // 2 + 4096 :])
    elif kind == "random middle":
        data = path.read_bytes()
        path.write_bytes(
            data[: size // 3] + random_numbers.randbytes(8192) + data[size // 3 + 8192 :]
        )
    else:
        path.write_bytes(random_numbers.randbytes(size))


KINDS = [
    "truncated",
    "truncated by 700 bytes",
    "header of zeroes",
    "middle of zeroes",
    "random middle",
    "random",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_store_is_put_aside_and_made_anew(
    folder: Path, place: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(60):
        write(folder / f"{number}.txt", f"Filler number {number} on hens. " * 30)
    with opened(folder, place) as index:
        before = hits(index)
    damage(place / STORE, kind)
    with opened(folder, place) as index:
        assert hits(index) == before
        assert index.documents
        assert hits(index) == before
    if (place / f"{STORE}.damaged").exists():
        assert "making it anew" in caplog.text
    with opened(folder, place) as index:
        assert hits(index) == before
        assert index.status.documents == 63


def test_a_store_cut_to_nothing_is_filled_again(folder: Path, place: Path) -> None:
    with opened(folder, place) as index:
        before = hits(index)
    damage(place / STORE, "truncated to nothing")
    with opened(folder, place) as index:
        assert hits(index) == before


def test_damage_while_an_index_is_open_is_mended_by_the_question_that_meets_it(
    folder: Path, place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(folder, place) as index:
        before = hits(index)
    encoder = HashingEncoder()
    with opened(folder, place, encoder) as index:
        store = place / STORE
        position = store.read_bytes().index(b"refused a truce in the northern")
        flipped(store, [position + 3], random.Random(1))
        assert hits(index) == before
        assert encoder.embedded == 0
        assert "took" in caplog.text
        assert hits(index) == before
    assert (place / f"{STORE}.damaged").exists()


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_no_edit_of_the_bytes_on_disk_leads_to_a_wrong_quotation(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    original = built_once(tmp_path_factory)
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(original, copy / "index", dirs_exist_ok=True)
    store = copy / "index" / STORE
    size = store.stat().st_size
    positions = data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=20))
    flipped(store, positions, random.Random(len(positions)))
    with (
        suppress(qa.QAError),  # one clear line is right too
        opened(original.parent / "articles", copy / "index") as index,
    ):
        assert hits(index) == EXPECTED[original]
        assert {document.id: document.text for document in index.documents} == ARTICLES
    remove_index(copy)


EXPECTED: dict[Path, list[list[tuple[float, str, str]]]] = {}


def built_once(factory: pytest.TempPathFactory) -> Path:
    if not EXPECTED:
        folder = factory.mktemp("original")
        for name, text in ARTICLES.items():
            write(folder / "articles" / name, text)
        with opened(folder / "articles", folder / "index") as index:
            EXPECTED[folder / "index"] = hits(index)
    return next(iter(EXPECTED))


def test_an_index_whose_files_are_deleted_under_it_goes_on_and_is_made_again(
    folder: Path, place: Path
) -> None:
    with opened(folder, place) as index:
        before = hits(index)
        remove_index(place)
        assert hits(index) == before
        index.sync()
        assert hits(index) == before
        assert (place / STORE).exists()
    with opened(folder, place) as index:
        assert hits(index) == before


def test_an_index_of_a_newer_version_is_not_touched(folder: Path, place: Path) -> None:
    import sqlite3

    opened(folder, place).close()
    with sqlite3.connect(place / STORE) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = (place / STORE).read_bytes()
    with pytest.raises(qa.StoreError, match="newer version"):
        opened(folder, place)
    assert (place / STORE).read_bytes() == before


def test_a_reader_publishes_what_a_killed_writer_did_not(folder: Path, place: Path) -> None:
    with opened(folder, place) as reader, opened(folder, place) as writer:
        live = writer._keeper().live
        live.store.remove("bread.txt")  # and then, we say, its process is killed
        assert found(reader, "What do bakers ask for bread?") == set()
        assert len(reader.documents) == 2


def test_a_reader_stays_with_its_model_when_another_process_takes_another(
    folder: Path, place: Path
) -> None:
    other = HashingEncoder()
    other.name, other.dimensions = "other", 64
    with opened(folder, place) as reader:
        before = hits(reader)
        opened(folder, place, other).close()
        assert hits(reader) == before
        reader.sync()
        assert hits(reader) == before


# Uploads.


def test_an_uploaded_file_is_found_and_survives(folder: Path, place: Path, tmp_path: Path) -> None:
    write(tmp_path / "ferry.txt", "A ferry to the islands was launched.")
    with opened(folder, place) as index:
        assert index.add([tmp_path / "ferry.txt"]).added == ("uploads/ferry.txt",)
        (tmp_path / "ferry.txt").unlink()
        assert found(index, "When was the ferry launched?") == {"uploads/ferry.txt"}
    assert sorted(path.name for path in folder.iterdir()) == ["bread.txt", "sky", "truce.txt"]
    with opened(folder, place) as index:
        assert found(index, "When was the ferry launched?") == {"uploads/ferry.txt"}
        assert index.forget("uploads/ferry.txt").removed == ("uploads/ferry.txt",)
        assert found(index, "When was the ferry launched?") == set()


def test_files_of_one_name_are_all_kept(folder: Path, place: Path, tmp_path: Path) -> None:
    write(folder / "uploads" / "a.txt", "The folder has a place of that name too.")
    for number in range(3):
        write(tmp_path / str(number) / "a.txt", f"Letter number {number} arrived.")
    with opened(folder, place) as index:
        changes = index.add([tmp_path / str(number) / "a.txt" for number in range(3)])
        assert changes.added == ("uploads/a-2.txt", "uploads/a-3.txt", "uploads/a-4.txt")
        texts = {document.id: document.text for document in index.documents}
        assert texts["uploads/a-3.txt"] == "Letter number 1 arrived."
        assert texts["uploads/a.txt"].startswith("The folder")


def test_an_upload_makes_way_for_a_later_file_of_the_folder(
    folder: Path, place: Path, tmp_path: Path
) -> None:
    write(tmp_path / "a.txt", "A ferry was launched.")
    with opened(folder, place) as index:
        index.add([tmp_path / "a.txt"])
        write(folder / "uploads" / "a.txt", "The folder has a place of that name too.")
        index.sync()
        texts = {document.id: document.text for document in index.documents}
        assert texts["uploads/a-2.txt"] == "A ferry was launched."
        assert texts["uploads/a.txt"].startswith("The folder")
        index.forget("uploads/a-2.txt")
        assert "uploads/a.txt" in {document.id for document in index.documents}


def test_uploads_that_cannot_be_read_are_named_and_the_rest_goes_on(
    folder: Path, place: Path, tmp_path: Path
) -> None:
    write(tmp_path / "good.txt", "A ferry to the islands was launched.")
    write(tmp_path / ".hidden.txt", "A hidden file given on purpose.")
    write(tmp_path / "tool.exe", "MZ")
    write(tmp_path / "empty.txt", "")
    (tmp_path / "folder.txt").mkdir()
    names = ["missing.txt", "tool.exe", "folder.txt", "empty.txt", "..", ".hidden.txt", "good.txt"]
    with opened(folder, place) as index:
        changes = index.add([tmp_path / name for name in names])
        assert changes.added == ("uploads/good.txt", "uploads/hidden.txt")
        reasons = {failure.path: failure.reason for failure in changes.failed}
        assert set(reasons) == {
            "missing.txt",
            "tool.exe",
            "folder.txt",
            "..",
            "uploads/empty.txt",
        }
        assert "no such file" in reasons["missing.txt"]
        assert ".pdf" in reasons["tool.exe"]
        index.forget("uploads/empty.txt")
        assert index.status.failures == ()


@pytest.mark.parametrize(
    "id",
    [
        "truce.txt",
        "../folder/truce.txt",
        "uploads/../store.sqlite3",
        "uploads/../../folder/truce.txt",
        "uploads/..",
        "uploads/",
        "uploads",
        "",
        "/etc/hostname",
        "uploads/none.txt",
        "uploads/\0",
        "uploads/\ud800",
    ],
)
def test_only_uploaded_documents_can_be_forgotten(folder: Path, place: Path, id: str) -> None:
    write(place / "uploads" / "kept.txt", "A ferry to the islands was launched.")
    with opened(folder, place) as index:
        with pytest.raises(ValueError, match="not an uploaded document"):
            index.forget(id)
        assert len(index.documents) == 4
        assert index.sync() == qa.Changes()


def test_a_link_in_the_uploads_leads_nowhere_else(folder: Path, place: Path) -> None:
    (place / "uploads").mkdir(parents=True)
    (place / "uploads" / "link.txt").symlink_to(folder / "truce.txt")
    with opened(folder, place) as index:
        assert "uploads/link.txt" not in {document.id for document in index.documents}
        with pytest.raises(ValueError, match="not an uploaded document"):
            index.forget("uploads/link.txt")
    assert (folder / "truce.txt").exists()


def test_threads_that_upload_one_name_lose_nothing(
    folder: Path, place: Path, tmp_path: Path
) -> None:
    for number in range(6):
        write(tmp_path / str(number) / "a.txt", f"Letter number {number} arrived.")
    with opened(folder, place) as index:
        threads = [
            threading.Thread(target=index.add, args=[[tmp_path / str(number) / "a.txt"]])
            for number in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        letters = [d.text for d in index.documents if d.id.startswith("uploads/")]
        assert sorted(letters) == [f"Letter number {number} arrived." for number in range(6)]


# Threads and closing.


class SlowEncoder(HashingEncoder):
    def encode_passages(self, texts):
        if threading.current_thread() is threading.main_thread():
            time.sleep(0.01 * len(texts))
        return super().encode_passages(texts)


def test_questions_are_answered_from_whole_states_while_another_thread_syncs(
    folder: Path, place: Path
) -> None:
    """Every document of one state says the same number."""

    def write_state(number: int) -> None:
        for name in "abcdefgh":
            words = random.Random(name)
            lines = [
                f"Line {line} of ledger {name} {words.randbytes(40).hex(' ', 4)} clerk{number}."
                for line in range(30)
            ]
            write(folder / f"{name}.txt", "\n\n".join(lines), age=1_000 - number)

    def clerks(index: Index) -> list[set[str]]:
        found = [hit.document.text for hit in index.retrieve("Whose line is in the ledger?", 20)]
        states = [{word for word in text.split() if word.startswith("clerk")} for text in found]
        return [state for state in states if state]

    write_state(0)
    failed: list[BaseException] = []
    answered = [0]
    with opened(folder, place, SlowEncoder()) as index:
        done = threading.Event()

        def ask() -> None:
            try:
                while not done.is_set():
                    states = clerks(index)
                    assert len(states) >= 5
                    assert len(set().union(*states)) == 1, states
                    index.ask("Who refused a truce?")
                    answered[0] += 1
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(1, 3):
            write_state(number)
            index.sync()
            assert clerks(index)[0] == {f"clerk{number}."}
        done.set()
        for thread in threads:
            thread.join()
    assert not failed
    assert answered[0] > 4


def test_a_question_does_not_wait_for_the_search_indexes_of_the_next_state(
    folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = threading.Event()
    publishing = threading.Event()
    publish = derived.publish

    def slow_publish(*arguments):
        publishing.set()
        assert published.wait(60)
        return publish(*arguments)

    with opened(folder, place) as index:
        before = hits(index)
        monkeypatch.setattr(derived, "publish", slow_publish)
        write(folder / "new.txt", "A ferry to the islands was launched.")
        syncing = threading.Thread(target=index.sync)
        syncing.start()
        assert publishing.wait(60)
        during: list[object] = []
        asking = threading.Thread(target=lambda: during.append(hits(index)))
        asking.start()
        asking.join(30)
        published.set()
        syncing.join()
        asking.join()
        assert during == [before]
        assert found(index, "When was the ferry launched?") == {"new.txt"}


def test_threads_that_meet_damage_mend_it_together(folder: Path, place: Path) -> None:
    with opened(folder, place) as index:
        before = hits(index)
    answers: list[object] = []
    with opened(folder, place) as index:
        data = (place / STORE).read_bytes()
        (place / STORE).write_bytes(data.replace(b"refused a truce", b"agreed a truce!"))
        threads = [threading.Thread(target=lambda: answers.append(hits(index))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == 6 * [before]


def test_a_closed_index_says_so(folder: Path, place: Path) -> None:
    index = opened(folder, place)
    index.close()
    index.close()
    for use in (
        lambda: index.retrieve("Who?"),
        lambda: index.ask("Who?"),
        lambda: index.documents,
        lambda: index.status,
        index.sync,
        lambda: index.add([]),
        lambda: index.forget("uploads/a.txt"),
    ):
        with pytest.raises(ValueError, match="the index is closed"):
            use()


def test_closing_an_index_that_threads_use_breaks_nothing(folder: Path, place: Path) -> None:
    index = opened(folder, place)
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            while True:
                index.retrieve("Who refused a truce?")
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    index.close()
    for thread in threads:
        thread.join()
    assert [(type(error), str(error)) for error in raised] == 4 * [
        (ValueError, "the index is closed")
    ]


def test_an_open_index_lets_go_of_states_that_nobody_reads(folder: Path, place: Path) -> None:
    def connections() -> int:
        links = [link for link in Path("/proc/self/fd").iterdir() if link.exists()]
        return sum(link.readlink() == place / STORE for link in links)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no /proc to count open files in")
    with opened(folder, place) as index:
        for number in range(15):
            write(folder / "new.txt", f"Ferry number {number} was launched.", age=50 - number)
            index.sync()
            assert index.retrieve("Which ferry was launched?")
        assert connections() <= 5  # SQLite keeps one or two for the next to open
    assert connections() == 0


# What is not imported.


def loaded_modules(code: str, cache: Path) -> set[str]:
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    environment = {**os.environ, "QA_CACHE_DIR": str(cache)}
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=Path(__file__).parent.parent,
    )
    return set(result.stdout.split())


HEAVY = {"torch", "transformers", "sentence_transformers", "gradio", "huggingface_hub", "sklearn"}


def test_importing_qa_loads_no_heavy_library(tmp_path: Path) -> None:
    assert not HEAVY & loaded_modules("import qa", tmp_path)


def test_using_an_index_that_is_there_loads_no_heavy_library(
    folder: Path, place: Path, tmp_path: Path
) -> None:
    opened(folder, place).close()
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import qa
from fakes import HashingEncoder
index = qa.Index.open({str(folder)!r}, directory={str(place)!r}, encoder=HashingEncoder())
assert index.ask("Who refused a truce?").hits
"""
    assert not HEAVY & loaded_modules(code, tmp_path)


def test_what_qa_exports_is_sorted_and_complete() -> None:
    assert list(qa.__all__) == sorted(qa.__all__)
    for name in qa.__all__:
        assert getattr(qa, name) is not None
    public = {
        name
        for name, value in vars(qa).items()
        if getattr(value, "__module__", "").startswith("qa.") and not name.startswith("_")
    }
    assert public <= set(qa.__all__)
    for error in ("FolderError", "UnreadableFile", "QuestionError", "ModelError", "StoreError"):
        assert issubclass(getattr(qa, error), qa.QAError)


def test_waiting_for_another_writer_has_an_end(
    folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.directory.WAIT_SECONDS", 0.05)
    with opened(folder, place) as index, opened(folder, place) as other:
        place_of_index = index._keeper().live.place
        with place_of_index.writing(), pytest.raises(qa.IndexBusy, match="being written"):
            other.sync()
        assert other.sync() == qa.Changes()


def test_waiting_for_another_thread_has_an_end(
    folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.directory.WAIT_SECONDS", 0.05)
    raised: list[BaseException] = []

    def sync() -> None:
        try:
            index.sync()
        except qa.IndexBusy as error:
            raised.append(error)

    with opened(folder, place) as index:
        thread = threading.Thread(target=sync)
        with index._keeper().live.place.writing():
            thread.start()
            thread.join()
        assert len(raised) == 1
        assert index.sync() == qa.Changes()


def test_a_document_is_found_by_its_id(folder: Path, place: Path) -> None:
    with opened(folder, place) as index:
        for document in index.documents:
            assert index.document(document.id) == document
        assert index.document("nowhere.txt") is None
        assert index.document("\ud800") is None
