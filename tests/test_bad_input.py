"""Everything a user or a program can get wrong, through the public names of qa."""

import datetime
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from fakes import HashingEncoder
from fpdf import FPDF
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worker import Worker

import qa
from qa.directory import STORE

GOOD = "Hill talks fail\n\nThe envoy refused a truce in the northern hills on Monday. "
QUESTION = "Who refused a truce?"


def opened(folder: Path, place: Path) -> qa.Index:
    return qa.Index.open(folder, directory=place, encoder=HashingEncoder())


def in_memory(*documents: qa.Document) -> qa.Index:
    return qa.Index.from_documents(documents, encoder=HashingEncoder())


@pytest.fixture(scope="module")
def index() -> qa.Index:
    return in_memory(
        qa.Document(id="truce.txt", text=GOOD, title="Hill talks fail"),
        qa.Document(id="bread.txt", text="Bakers raised the price of bread by four coins."),
    )


def check_hits(index: qa.Index, question: str, k: int = 5) -> list[qa.Hit]:
    """Every hit quotes its document word for word."""
    documents = {document.id: document for document in index.documents}
    hits = index.retrieve(question, k)
    for rank, hit in enumerate(hits, 1):
        assert hit.rank == rank
        assert hit.document == documents[hit.document.id]
        assert hit.passage.text == hit.document.text[hit.passage.start : hit.passage.end]
        for sentence in hit.sentences():
            assert hit.passage.start <= sentence.start < sentence.end <= hit.passage.end
    return hits


# Folders.


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(qa.FolderError, match=r"no folder .*nowhere"):
        opened(tmp_path / "nowhere", tmp_path / "index")
    assert not (tmp_path / "index").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(GOOD)
    with pytest.raises(qa.FolderError, match=r"a\.txt' is a file, not a folder"):
        opened(tmp_path / "a.txt", tmp_path / "index")


@pytest.mark.parametrize("names", [[], ["notes.xyz", "picture.png"], ["empty.txt", "blank.md"]])
def test_a_folder_without_anything_readable_says_what_was_looked_for(
    tmp_path: Path, names: list[str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in names:
        (folder / name).write_text("  \n")
    with pytest.raises(qa.FolderError, match=r"no readable documents in .*\.pdf") as caught:
        opened(folder, tmp_path / "index")
    assert "\n" not in str(caught.value)
    if "empty.txt" in names:
        assert "2 could not be read, the first: cannot read 'blank.md'" in str(caught.value)
    (folder / "good.txt").write_text(GOOD)
    with opened(folder, tmp_path / "index") as index:
        assert check_hits(index, QUESTION)


def make_pdf(password: str | None = None, text: str = "") -> bytes:
    made = FPDF()
    made.add_page()
    made.set_font("helvetica", size=12)
    if text:
        made.multi_cell(0, text=text)
    if password:
        made.set_encryption(owner_password="owner", user_password=password)
    return bytes(made.output())


def test_bad_files_among_good_ones_are_named_with_their_reasons(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    good = {
        "plain.txt": GOOD.encode(),
        "western.txt": "Café owners of the Größe quarter met on Tuesday. ".encode("cp1252") * 3,
        "wide.txt": "The miners of the valley returned on Friday. ".encode("utf-16") * 1,
        "broken.txt": "Naïve clerks — all of them — signed the".encode() + b"\xff\xfe ledger.",
    }
    bad = {
        "empty.txt": (b"", "empty"),
        "blank.txt": (b" \n\t ", "empty"),
        "binary.txt": (bytes(range(256)) * 40, "binary|text"),
        "huge.txt": (b"word " * 10_000_000, "50.0 MB"),
        "locked.pdf": (make_pdf("secret", text=GOOD), "password"),
        "scan.pdf": (make_pdf(), "text|picture|image"),
        "torn.pdf": (make_pdf(text=GOOD)[:200], "damaged|PDF"),
        "not.docx": (b"PK but no archive", "Word|damaged|docx"),
    }
    for name, data in good.items() | {name: data for name, (data, _) in bad.items()}.items():
        (folder / name).write_bytes(data)
    with opened(folder, tmp_path / "index") as index:
        assert {document.id for document in index.documents} == set(good)
        reasons = {failure.path: failure.reason for failure in index.status.failures}
        assert set(reasons) == set(bad)
        for name, (_, expected) in bad.items():
            assert name in reasons[name]
            assert "\n" not in reasons[name]
            assert any(word in reasons[name] for word in expected.split("|")), reasons[name]
        for question, name in [
            (QUESTION, "plain.txt"),
            ("Who owns the café?", "western.txt"),
            ("When did the miners return?", "wide.txt"),
            ("What did the clerks sign?", "broken.txt"),
        ]:
            assert check_hits(index, question)[0].document.id == name


# Questions.


@pytest.mark.parametrize("question", ["", " ", "\n\t\u3000", "x" * 100_000, "\u00a0"])
@pytest.mark.parametrize("ask", ["retrieve", "ask"])
def test_a_question_that_cannot_be_asked_is_refused(
    index: qa.Index, ask: str, question: str
) -> None:
    with pytest.raises(qa.QuestionError, match=r"the question (is empty|has 100,000 characters)"):
        getattr(index, ask)(question)


@pytest.mark.parametrize("question", [None, 5, b"Who?", ["Who?"], 1.5])
@pytest.mark.parametrize("ask", ["retrieve", "ask"])
def test_a_question_that_is_no_text_is_a_type_error(
    index: qa.Index, ask: str, question: object
) -> None:
    with pytest.raises(TypeError, match=r"the question is a \w+: give a str"):
        getattr(index, ask)(question)


@pytest.mark.parametrize("k", [0, -1, -(10**30)])
@pytest.mark.parametrize("ask", ["retrieve", "ask"])
def test_k_below_one_is_refused(index: qa.Index, ask: str, k: int) -> None:
    with pytest.raises(ValueError, match=f"k is {k}: ask for at least 1 passage"):
        getattr(index, ask)(QUESTION, k=k)


@pytest.mark.parametrize("k", [True, False, 2.0, "5", None])
@pytest.mark.parametrize("ask", ["retrieve", "ask"])
def test_k_that_is_no_whole_number_is_a_type_error(index: qa.Index, ask: str, k: object) -> None:
    with pytest.raises(TypeError, match="k is "):
        getattr(index, ask)(QUESTION, k=k)


@pytest.mark.parametrize("k", [1, 2, 3, 10**9, 10**30])
def test_k_beyond_the_corpus_gives_what_there_is(index: qa.Index, k: int) -> None:
    assert len(check_hits(index, QUESTION, k)) == min(k, 2)
    assert index.ask(QUESTION, k=k).hits


def test_the_function_of_the_package_checks_before_it_opens_anything(tmp_path: Path) -> None:
    for question, k, error in [
        ("", 5, qa.QuestionError),
        (QUESTION, 0, qa.QuestionError),
        (None, 5, TypeError),
        (QUESTION, True, TypeError),
    ]:
        with pytest.raises(error):
            qa.retrieve(question, k, folder=tmp_path / "nowhere")
    with pytest.raises(qa.FolderError, match="nowhere"):
        qa.retrieve(QUESTION, folder=tmp_path / "nowhere")


@pytest.mark.parametrize(
    "question",
    [
        "谁拒绝了停火？",
        "Кто отказался от перемирия?",
        "من رفض الهدنة؟",
        "🕊️🔥❓",
        "?!.,;:—…«»",
        "who is the of and to",
        "\0",
        "truce\0refused",
        "half a \ud83d character",
        "\udc00",
        "\u202e\u200b truce",
        "e\u0301" * 2_000,
        "AND OR NOT",
        'truce" OR text:*',
        "(((((",
        "id:1^9~ [a TO z] {",
        "x" * 5_000,
        "refused " * 600,
    ],
)
def test_a_question_in_any_script_gets_hits_or_none(index: qa.Index, question: str) -> None:
    check_hits(index, question)
    answer = index.ask(question)
    assert answer.status in ("answered", "uncertain", "not_found")
    assert 0 <= answer.confidence <= 1
    answer.text.encode()


@given(question=st.text(st.characters(), min_size=1, max_size=80), k=st.integers(1, 4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_question_breaks_anything(index: qa.Index, question: str, k: int) -> None:
    if question.strip():
        assert len(check_hits(index, question, k)) <= k
        index.ask(question, k=k)
    else:
        with pytest.raises(qa.QuestionError):
            index.retrieve(question, k)


def test_a_follow_up_to_an_overlong_question_is_asked_alone(index: qa.Index) -> None:
    history = [{"role": "user", "content": "truce " * 830}, {"role": "assistant", "content": "?"}]
    answer = index.ask("And what about the price of bread?", history)
    assert answer.hits[0].document.id == "bread.txt"


# Which documents to search in.


@pytest.mark.parametrize(
    "documents", [[], ["unknown"], ["\ud800"], ["\0"], set(), (), ["", "x" * 100_000]]
)
def test_documents_that_are_not_there_match_nothing(index: qa.Index, documents: list[str]) -> None:
    assert index.retrieve(QUESTION, documents=documents) == []
    answer = index.ask(QUESTION, documents=documents)
    assert (answer.status, answer.hits) == ("not_found", [])


@pytest.mark.parametrize(
    "documents", [["bread.txt", "unknown"], {"bread.txt"}, iter(["bread.txt"]), ["bread.txt"] * 9]
)
def test_only_the_documents_asked_for_are_searched(index: qa.Index, documents: list[str]) -> None:
    hits = index.retrieve("bread or truce", documents=documents)
    assert {hit.document.id for hit in hits} == {"bread.txt"}


def test_very_many_documents_can_be_named(index: qa.Index) -> None:
    names = [f"unknown {number}" for number in range(50_000)]
    hits = index.retrieve(QUESTION, documents=[*names, "truce.txt"])
    assert [hit.document.id for hit in hits] == ["truce.txt"]


@pytest.mark.parametrize("documents", ["truce.txt", [1], [None], 5])
def test_documents_that_are_no_list_of_ids_are_a_type_error(
    index: qa.Index, documents: object
) -> None:
    with pytest.raises(TypeError):
        index.retrieve(QUESTION, documents=documents)


# Documents made by hand.


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\0",
        "\n" * 1_000,
        "\ud800",
        "He said \udc80 that \ud83d it ended.",
        "truce\0refused\0by the envoy.",
        "x" * 1_000_000,
        "ab " * 100_000,
        "." * 10_000,
        "\r\r\n\x0b\x0c\x1c\x85\u2028\u2029",
        "e\u0301" * 5_000,
        "\u202e\ufeff\u200b",
        "#" * 3_000,
        "- \n" * 3_000,
    ],
    ids=range(15),
)
def test_any_text_can_be_indexed_beside_others(text: str) -> None:
    with in_memory(
        qa.Document(id="odd", text=text),
        qa.Document(id="good", text=GOOD, title="Hill talks fail"),
    ) as index:
        assert len(index.documents[1].text) == len(text)
        assert "good" in {hit.document.id for hit in check_hits(index, QUESTION)}
        check_hits(index, "What is odd?", 10**9)


def test_a_title_of_any_length_can_be_indexed() -> None:
    for title in ("word " * 2_000, "x" * 10_000, "\ud83d half", "\0", " \n "):
        with in_memory(qa.Document(id="a", text=GOOD, title=title)) as index:
            assert check_hits(index, QUESTION)
            index.ask(QUESTION).text.encode()


def test_no_documents_make_an_index_that_finds_nothing() -> None:
    with in_memory() as index:
        assert index.retrieve(QUESTION) == []
        assert index.ask(QUESTION).status == "not_found"
        assert index.documents == ()
        assert index.status.documents == 0


def test_two_documents_of_one_id_are_refused() -> None:
    document = qa.Document(id="same", text=GOOD)
    with pytest.raises(ValueError, match="two documents with the id 'same'"):
        in_memory(document, document)


@pytest.mark.parametrize(
    ("document", "error", "message"),
    [
        ("a text", TypeError, "not a qa.Document but a str"),
        (qa.Document(id="\ud800", text=GOOD), ValueError, "lone surrogate"),
        (qa.Document(id=5, text=GOOD), TypeError, "the id of document 5 is a int"),
        (qa.Document(id="a", text=None), TypeError, "the text of document 'a' is a NoneType"),
        (qa.Document(id="a", text=GOOD, title=None), TypeError, "the title of document 'a'"),
    ],
)
def test_a_document_that_was_not_made_as_it_must_be_is_refused(
    document: qa.Document, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        in_memory(document)


def test_an_index_in_memory_follows_no_folder(index: qa.Index, tmp_path: Path) -> None:
    for use in (index.sync, lambda: index.add([tmp_path]), lambda: index.forget("truce.txt")):
        with pytest.raises(ValueError, match=r"an index in memory follows no folder.*Index\.open"):
            use()


WORDS = st.sampled_from(
    ["truce", "bread", "He", "said", "U.S.", "\n\n", ".", "?”", "\0", "é", "他"]
)
TEXTS = st.one_of(
    st.text(st.characters(), max_size=200),
    st.lists(WORDS, max_size=60).map(" ".join),
)


@given(texts=st.lists(TEXTS, min_size=1, max_size=4), question=TEXTS.filter(str.strip))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_the_texts_are_every_hit_quotes_them(texts: list[str], question: str) -> None:
    documents = [
        qa.Document(
            id=f"{number}",
            text=text,
            title=text[:20],
            date=datetime.date(2016, 2, 12),
            format="markdown" if number % 2 else "text",
        )
        for number, text in enumerate(texts)
    ]
    with in_memory(*documents) as index:
        check_hits(index, question, 50)
        for sentence in index.ask(question).sentences:
            assert sentence.text == sentence.document.text[sentence.start : sentence.end] != ""


@given(texts=st.lists(TEXTS, min_size=1, max_size=4), question=TEXTS.filter(str.strip))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_an_index_finds_the_same_after_it_was_closed_and_opened(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], question: str
) -> None:
    root = tmp_path_factory.mktemp("saved")
    (root / "folder").mkdir()
    for number, text in enumerate([*texts, GOOD]):
        (root / "folder" / f"{number}.txt").write_bytes(text.encode("utf-8", "replace"))
    with opened(root / "folder", root / "index") as index:
        first = check_hits(index, question, 50)
        documents = index.documents
    with opened(root / "folder", root / "index") as index:
        assert check_hits(index, question, 50) == first
        assert index.documents == documents
    with in_memory(*documents) as index:
        again = check_hits(index, question, 50)
    assert [hit.passage for hit in again] == [hit.passage for hit in first]
    assert np.allclose([hit.score for hit in again], [hit.score for hit in first])


# The disk.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    then = time.time() - 1_000
    for number in range(80):
        text = "\n\n".join(
            f"Line {line} of report {number}: {os.urandom(60).hex(' ', 4)}." for line in range(120)
        )
        (folder / f"{number}.txt").write_text(text)
        os.utime(folder / f"{number}.txt", (then, then))
    (folder / "good.txt").write_text(GOOD)
    return folder


def check_complete(folder: Path, place: Path) -> None:
    encoder = HashingEncoder()
    with qa.Index.open(folder, directory=place, encoder=encoder) as index:
        assert index.status.documents == 81
        assert check_hits(index, QUESTION)[0].document.id == "good.txt"
        assert index.status.embedded == index.status.passages >= encoder.embedded


@pytest.mark.parametrize("kilobytes", [2, 20, 40, 150, 300, 1_500, 3_000])  # it takes 3,368
def test_where_no_more_can_be_written_one_clear_line_says_so_and_the_rest_is_done_later(
    folder: Path, tmp_path: Path, kilobytes: int
) -> None:
    place = tmp_path / "index"
    with Worker(folder, place, file_bytes=kilobytes * 1024) as worker:
        kind, message = worker.answer()[:2]
        assert kind == "StoreError"
        assert "disk" in message
        assert "\n" not in message
        assert worker.end() == 0
    check_complete(folder, place)


def mounted(path: Path, *options: str) -> bool:
    path.mkdir(exist_ok=True)
    try:
        subprocess.run(["mount", *options, str(path)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


@pytest.fixture
def small_disk(tmp_path: Path):
    place = tmp_path / "disk"
    if not sys.platform.startswith("linux") or not mounted(
        place, "-t", "tmpfs", "-o", "size=1m", "none"
    ):
        pytest.skip("a small disk can be mounted only by root, on Linux")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_on_a_full_disk_one_clear_line_says_so_and_the_rest_is_done_later(
    folder: Path, small_disk: Path
) -> None:
    with pytest.raises(qa.StoreError, match="disk") as caught:
        opened(folder, small_disk)
    assert "\n" not in str(caught.value)
    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    check_complete(folder, small_disk)


def test_questions_are_answered_though_the_disk_fills_up(
    folder: Path, small_disk: Path, tmp_path: Path
) -> None:
    few = tmp_path / "few"
    few.mkdir()
    (few / "good.txt").write_text(GOOD)
    with opened(few, small_disk) as index:
        (small_disk / "ballast").write_bytes(bytes(small_disk_free(small_disk)))
        (few / "more.txt").write_text("\n\n".join(f"Line {n} on ferries." * 9 for n in range(900)))
        with pytest.raises(qa.StoreError, match="disk"):
            index.sync()
        assert check_hits(index, QUESTION)[0].document.id == "good.txt"
        with pytest.raises(qa.StoreError, match="No space left"):
            index.add([few / "more.txt"])
        (small_disk / "ballast").unlink()
        subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
        assert index.sync().added == ("more.txt",)
        assert check_hits(index, "Which line is on ferries?")[0].document.id == "more.txt"


def small_disk_free(path: Path) -> int:
    stats = os.statvfs(path)
    return stats.f_bavail * stats.f_frsize


def test_a_full_disk_for_the_search_indexes_alone_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("qa.derived.write_atomically", full)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "good.txt").write_text(GOOD)
    with opened(tmp_path / "folder", tmp_path / "index") as index:
        assert check_hits(index, QUESTION)
    assert {path.name for path in (tmp_path / "index").iterdir()} == {
        STORE,
        "filling.lock",
        "open.lock",
        "writer.lock",
    }
    assert "only in memory: [Errno 28] No space left on device" in caplog.text


def test_a_read_only_place_is_refused_in_one_line(
    folder: Path, small_disk: Path, tmp_path: Path
) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for place in (small_disk, small_disk / "deeper"):
        with pytest.raises(qa.StoreError, match="name another place with --index") as caught:
            opened(folder, place)
        assert "\n" not in str(caught.value)


def test_an_index_that_becomes_read_only_goes_on_answering(
    small_disk: Path, tmp_path: Path
) -> None:
    few = tmp_path / "few"
    few.mkdir()
    (few / "good.txt").write_text(GOOD)
    with opened(few, small_disk) as index:
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=False)
        assert check_hits(index, QUESTION)


def test_a_file_where_the_index_should_be_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "good.txt").write_text(GOOD)
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(qa.StoreError, match="name another place with --index"):
            opened(tmp_path / "folder", place)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_where_the_store_should_be_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "good.txt").write_text(GOOD)
    (tmp_path / "index" / STORE).mkdir(parents=True)
    with pytest.raises(qa.StoreError, match="cannot be opened") as caught:
        opened(tmp_path / "folder", tmp_path / "index")
    assert "\n" not in str(caught.value)
