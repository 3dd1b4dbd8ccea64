"""Following a folder: what is read, what is embedded, what is forgotten."""

import logging
import os
import time
from pathlib import Path

import pytest
from fakes import HashingEncoder

import qa
from qa import derived, documents, sync
from qa.corpus import Corpus
from qa.filling import fill_all
from qa.store import Store
from qa.sync import files_in, synchronise

SENTENCES = [
    "The envoy refused a truce in the northern hills.",
    "Bakers in the harbour town raised the price of bread.",
    "A comet was seen above the observatory on Tuesday.",
    "The orchestra moved its rehearsals to a disused hangar.",
]


def article(*sentences: str) -> str:
    """A text in which every sentence becomes a passage of its own."""
    return "\n\n".join(" ".join([sentence] * 20) for sentence in sentences)


class Folder:
    """A folder of old files, its store, and what reading and embedding it took."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.store = Store(None)
        self.encoder = HashingEncoder()
        self.read: list[str] = []
        self.hashed: list[str] = []
        path.mkdir()
        read, digest = documents.read_all, sync.hashlib.file_digest

        def counting_read(path: Path, *, id: str) -> tuple[list[qa.Document], list[qa.Failure]]:
            self.read.append(id)
            return read(path, id=id)

        def counting_digest(stream, name):
            self.hashed.append(Path(stream.name).name)
            return digest(stream, name)

        monkeypatch.setattr(sync.documents, "read_all", counting_read)
        monkeypatch.setattr(sync.hashlib, "file_digest", counting_digest)

    def write(self, name: str, text: str | bytes, age: float = 100.0) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.age(name, age)
        return path

    def age(self, name: str, seconds: float) -> None:
        then = time.time() - seconds
        os.utime(self.path / name, (then, then))

    def sync(self) -> qa.Changes:
        self.read, self.hashed, self.encoder.embedded = [], [], 0
        changes = synchronise(self.store, files_in(self.path), self.encoder)
        assert self.encoder.embedded == 0
        corpus = Corpus(self.store, derived.build(self.store, self.encoder), self.encoder)
        fill_all(corpus, self.store, lambda _: None)
        return changes

    def texts(self) -> dict[str, str]:
        return {id: document.text for id, document in self.store.documents().items()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    return Folder(tmp_path / "folder", monkeypatch)


def test_an_unchanged_file_is_not_opened_again(folder: Folder) -> None:
    folder.write("a.txt", article(*SENTENCES[:2]))
    assert folder.sync() == qa.Changes(added=("a.txt",))
    assert folder.sync() == qa.Changes()
    assert (folder.read, folder.hashed, folder.encoder.embedded) == ([], [], 0)


def test_a_touched_file_is_neither_read_nor_embedded(folder: Folder) -> None:
    folder.write("a.txt", article(*SENTENCES[:2]))
    folder.sync()
    folder.age("a.txt", 50)
    assert folder.sync() == qa.Changes()
    assert (folder.read, folder.hashed, folder.encoder.embedded) == ([], ["a.txt"], 0)
    folder.sync()
    assert folder.hashed == []


def test_of_a_changed_file_only_the_changed_passages_are_embedded(folder: Folder) -> None:
    folder.write("a.txt", "Headline\n\n" + article(*SENTENCES))
    folder.sync()
    passages = folder.store.counts()[1]
    first = folder.encoder.embedded
    changed = article(*SENTENCES).replace("Tuesday", "Sunday")
    folder.write("a.txt", "Headline\n\n" + changed, age=50)
    assert folder.sync() == qa.Changes(changed=("a.txt",))
    assert 0 < folder.encoder.embedded < first
    assert folder.store.counts() == (1, passages)
    assert "Sunday" in folder.texts()["a.txt"]
    assert "Tuesday" not in "".join(text for *_, text in folder.store.entries())


@pytest.mark.parametrize("headline", ["Headline\n\n", ""])
def test_a_renamed_file_embeds_nothing(folder: Folder, headline: str) -> None:
    folder.write("a.txt", headline + article(*SENTENCES))
    folder.sync()
    (folder.path / "sub").mkdir()
    (folder.path / "a.txt").rename(folder.path / "sub" / "b.txt")
    assert folder.sync() == qa.Changes(
        added=("sub/b.txt",), removed=("a.txt",), renamed=(("a.txt", "sub/b.txt"),)
    )
    assert folder.encoder.embedded == 0
    assert list(folder.texts()) == ["sub/b.txt"]
    assert folder.store.documents()["sub/b.txt"].path == folder.path / "sub" / "b.txt"


def test_two_copies_are_embedded_once(folder: Folder) -> None:
    folder.write("a.txt", "Headline\n\n" + article(SENTENCES[0]))
    folder.write("b.txt", "Headline\n\n" + article(SENTENCES[0]))
    folder.sync()
    assert folder.encoder.embedded * 2 == folder.store.counts()[1]


def test_a_deleted_file_is_forgotten_with_its_passages_and_vectors(folder: Folder) -> None:
    folder.write("a.txt", article(SENTENCES[0]))
    folder.write("b.txt", article(SENTENCES[1]))
    folder.sync()
    (folder.path / "a.txt").unlink()
    assert folder.sync() == qa.Changes(removed=("a.txt",))
    assert list(folder.texts()) == ["b.txt"]
    assert {id for _, id, _, _ in folder.store.entries()} == {"b.txt"}
    folder.write("a.txt", article(SENTENCES[0]))
    folder.sync()
    assert folder.encoder.embedded > 0


def test_a_folder_that_was_empty_for_a_while_is_not_embedded_again(folder: Folder) -> None:
    folder.write("a.txt", article(*SENTENCES))
    folder.sync()
    (folder.path / "a.txt").rename(folder.path.parent / "away.txt")
    assert folder.sync() == qa.Changes(removed=("a.txt",))
    assert folder.texts() == {}
    (folder.path.parent / "away.txt").rename(folder.path / "a.txt")
    assert folder.sync() == qa.Changes(added=("a.txt",))
    assert folder.encoder.embedded == 0


def test_a_second_write_within_one_tick_of_the_clock_is_noticed(folder: Folder) -> None:
    path = folder.write("a.txt", article(SENTENCES[0]), age=0)
    written = path.stat().st_mtime_ns
    folder.sync()
    path.write_text(article(SENTENCES[0]).replace("envoy", "miner"))
    os.utime(path, ns=(written, written))
    assert folder.sync() == qa.Changes(changed=("a.txt",))
    assert "miner" in folder.texts()["a.txt"]


def test_a_file_from_the_future_is_compared_by_its_content(folder: Folder) -> None:
    folder.write("a.txt", article(SENTENCES[0]), age=-10_000)
    folder.sync()
    assert folder.sync() == qa.Changes()
    assert (folder.read, folder.hashed) == ([], ["a.txt"])


def test_a_clock_that_went_backwards_hides_no_change(folder: Folder) -> None:
    folder.write("a.txt", article(SENTENCES[0]), age=100)
    folder.sync()
    folder.write("a.txt", article(SENTENCES[1]), age=5_000)
    assert folder.sync() == qa.Changes(changed=("a.txt",))


def test_an_unreadable_file_is_reported_once_and_tried_again_when_it_changes(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write("good.txt", article(SENTENCES[0]))
    folder.write("bad.txt", b"  ")
    (failure,) = folder.sync().failed
    assert failure.path == "bad.txt"
    assert "empty" in failure.reason
    assert "bad.txt" in caplog.text
    caplog.clear()
    assert folder.sync() == qa.Changes()
    assert (folder.read, caplog.text) == ([], "")
    assert folder.store.failures() == (failure,)
    folder.age("bad.txt", 50)
    assert folder.sync() == qa.Changes()
    assert folder.read == []
    folder.write("bad.txt", article(SENTENCES[1]), age=20)
    assert folder.sync() == qa.Changes(added=("bad.txt",))
    assert folder.store.failures() == ()


def test_a_file_that_cannot_be_opened_is_tried_every_time_but_reported_once(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = folder.write("locked.txt", article(SENTENCES[0]))
    folder.write("good.txt", article(SENTENCES[1]))
    opened = Path.open

    def refusing(self, *args, **kwargs):
        if self == path:
            raise PermissionError(13, "Permission denied")
        return opened(self, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refusing)
        (failure,) = folder.sync().failed
        assert "permission denied" in failure.reason
        version = folder.store.version()
        caplog.clear()
        assert folder.sync() == qa.Changes()
        assert caplog.text == ""
        assert folder.store.version() == version
        assert folder.store.failures() == (failure,)
    assert folder.sync() == qa.Changes(added=("locked.txt",))


def test_a_document_whose_file_becomes_unreadable_goes(folder: Folder) -> None:
    folder.write("a.txt", article(SENTENCES[0]))
    folder.write("b.txt", article(SENTENCES[1]))
    folder.sync()
    folder.write("a.txt", b"", age=50)
    changes = folder.sync()
    assert [failure.path for failure in changes.failed] == ["a.txt"]
    assert changes.removed == ("a.txt",)
    assert list(folder.texts()) == ["b.txt"]


def test_a_failed_file_that_is_deleted_is_forgotten_without_a_new_version(folder: Folder) -> None:
    folder.write("a.txt", article(SENTENCES[0]))
    folder.write("bad.txt", b"")
    folder.sync()
    version = folder.store.version()
    (folder.path / "bad.txt").unlink()
    assert folder.sync() == qa.Changes()
    assert folder.store.failures() == ()
    assert folder.store.version() == version


def test_whatever_a_format_library_raises_is_one_files_failure(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("a.txt", article(SENTENCES[0]))
    folder.write("b.txt", article(SENTENCES[1]))
    read = documents.read_all

    def exploding(path: Path, *, id: str) -> tuple[list[qa.Document], list[qa.Failure]]:
        if id == "a.txt":
            raise RecursionError("too deep\nin a second line")
        return read(path, id=id)

    monkeypatch.setattr(sync.documents, "read_all", exploding)
    changes = folder.sync()
    assert changes == qa.Changes(
        added=("b.txt",),
        failed=(qa.Failure("a.txt", "cannot read 'a.txt': RecursionError: too deep"),),
    )


def test_a_file_name_that_is_no_utf8_is_indexed_and_can_be_opened(folder: Folder) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    try:
        folder.write(name, article(SENTENCES[0]))
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert folder.sync() == qa.Changes(added=("caf\\xe9.txt",))
    path = folder.store.documents()["caf\\xe9.txt"].path
    assert path is not None
    assert path.read_text() == article(SENTENCES[0])


def test_a_folder_that_was_moved_keeps_everything_but_the_paths(folder: Folder) -> None:
    folder.write("a.txt", article(SENTENCES[0]))
    folder.sync()
    version = folder.store.version()
    folder.path = folder.path.rename(folder.path.with_name("moved"))
    assert folder.sync() == qa.Changes()
    assert (folder.read, folder.encoder.embedded) == ([], 0)
    assert folder.store.documents()["a.txt"].path == folder.path / "a.txt"
    assert folder.store.version() != version


def test_another_recipe_cuts_and_embeds_everything_anew(folder: Folder) -> None:
    folder.write("a.txt", article(SENTENCES[0]))
    folder.sync()
    folder.encoder.name = "another"
    assert folder.sync() == qa.Changes(added=("a.txt",))
    assert folder.encoder.embedded > 0
    ((ids, _),) = folder.store.vectors.of_passages("another", folder.encoder.dimensions)
    assert len(ids) == folder.store.counts()[1]


def test_an_error_in_the_middle_keeps_what_was_done(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        folder.write(f"{number:02}.txt", f"{number} gulls.\n\n{article(*SENTENCES)}")
    count = folder.encoder.count_tokens

    def failing(texts):
        if any(text.startswith("25") for text in texts):
            raise RuntimeError("out of order")
        return count(texts)

    with monkeypatch.context() as patched:
        patched.setattr(folder.encoder, "count_tokens", failing)
        with pytest.raises(RuntimeError, match="out of order"):
            folder.sync()
    assert folder.store.counts()[0] == 25
    assert len(folder.sync().added) == 15
    assert folder.store.counts()[0] == 40


def test_progress_counts_up_to_the_end(folder: Folder) -> None:
    for number in range(5):
        folder.write(f"{number}.txt", article(*SENTENCES) + str(number))
    reports: list[qa.Progress] = []
    synchronise(folder.store, files_in(folder.path), folder.encoder, reports.append)
    assert {report.stage for report in reports} == {"reading"}
    assert reports[0].documents_total == reports[-1].documents_done == 5
    assert reports[-1].passages_done == folder.store.counts()[1] > 0
    assert reports[-1].seconds_left == 0
    done = [report.documents_done for report in reports]
    assert done == sorted(done)


def test_nothing_is_written_when_nothing_changed(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write("a.txt", article(SENTENCES[0]))
    folder.sync()
    caplog.set_level(logging.DEBUG)

    def refuse(self):
        raise AssertionError("a transaction was begun")

    monkeypatch.setattr(Store, "transaction", refuse)
    assert folder.sync() == qa.Changes()


def test_a_file_of_several_documents_is_followed_as_one(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parts(path: Path, *, id: str) -> tuple[list[qa.Document], list[qa.Failure]]:
        found = path.read_text().split("\n---\n")
        read = [qa.Document(f"{id}/{n}", part, path=path) for n, part in enumerate(found) if part]
        empty = [
            qa.Failure(f"{id}/{n}", f"{id}/{n} is empty") for n, p in enumerate(found) if not p
        ]
        return read, empty

    monkeypatch.setattr(sync.documents, "read_all", parts)
    folder.write("a.txt", "\n---\n".join([article(SENTENCES[0]), "", article(SENTENCES[1])]))
    failure = qa.Failure("a.txt/1", "a.txt/1 is empty")
    assert folder.sync() == qa.Changes(added=("a.txt/0", "a.txt/2"), failed=(failure,))
    assert folder.sync() == qa.Changes()
    assert {d.path for d in folder.store.documents().values()} == {folder.path / "a.txt"}
    folder.write("a.txt", "\n---\n".join([article(SENTENCES[0]), "", article(SENTENCES[2])]), 50)
    assert folder.sync() == qa.Changes(changed=("a.txt/2",))
    folder.write("a.txt", article(SENTENCES[0]), 20)
    assert folder.sync() == qa.Changes(removed=("a.txt/2",))
    assert folder.store.failures() == ()
    (folder.path / "a.txt").unlink()
    assert folder.sync() == qa.Changes(removed=("a.txt/0",))
    assert folder.store.states() == {}


def test_what_is_about_some_files_leaves_the_others_as_they_are(folder: Folder) -> None:
    for name in ("changed.txt", "gone.txt", "other.txt", "lost.txt", "moved.txt"):
        folder.write(name, article(f"{name} was {SENTENCES[0]}"))
    folder.sync()
    for name in ("changed.txt", "other.txt"):
        folder.write(name, article(SENTENCES[1]), age=50)
    for name in ("gone.txt", "lost.txt"):
        (folder.path / name).unlink()
    (folder.path / "moved.txt").rename(folder.path / "now.txt")
    about = ["changed.txt", "gone.txt", "moved.txt", "now.txt", "never.txt"]
    files = {id: path for id, path in files_in(folder.path).items() if id in about}
    folder.read = []
    changes = synchronise(folder.store, files, folder.encoder, among=about)
    assert changes == qa.Changes(
        added=("now.txt",),
        changed=("changed.txt",),
        removed=("gone.txt", "moved.txt"),
        renamed=(("moved.txt", "now.txt"),),
    )
    assert folder.read == ["changed.txt", "now.txt"]
    assert folder.sync() == qa.Changes(changed=("other.txt",), removed=("lost.txt",))
