"""Looking at some places of a folder, and taking what is there, ends as looking everywhere does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes import HashingEncoder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import qa
from qa.folder import InDoubt, Walk
from qa.following import Watch, looking, watch
from qa.following.hearing import EVERYWHERE, place_of
from qa.following.looking import Sight, State

SENTENCES = [
    "The envoy refused a truce in the northern hills.",
    "Bakers in the harbour town raised the price of bread.",
    "A comet was seen above the observatory on Tuesday.",
    "",
]
PATTERNS = ["", "*.md\n", "b/\n", "/a.txt\n", "*\n!*/\n!a.txt\n", "a\n"]


class Tree:
    """A folder in which things happen, and what the system would tell of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index = path / "own"  # where the index is, or would be
        self.told: set[str] = set()
        path.mkdir()

    def tell(self, *paths: Path) -> None:
        places = (place_of(path, self.path, self.index) for path in paths)
        self.told |= {place for place in places if place is not None}

    def make_way(self, path: Path) -> bool:
        """Make the folders that it lies in; whether it can lie there."""
        missing = [parent for parent in path.parents if not os.path.lexists(parent)]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError:  # a file is in the way
            return False
        self.tell(*missing[-1:])  # the system may not be quick enough for those inside
        return not path.parent.is_symlink()

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        if self.make_way(path) and not path.is_dir():
            path = path.resolve()  # of a link the system does not tell
            path.write_text(text)
            self.tell(path)

    def rename(self, name: str, other: str) -> None:
        path, to = self.path / name, self.path / other
        if os.path.lexists(path) and self.make_way(to):
            try:
                path.rename(to)
            except OSError:  # into itself, or a folder is in the way
                return
            self.tell(path, to)

    def exchange(self, name: str, other: str) -> None:
        self.rename(name, "exchanged.txt")
        self.rename(other, name)
        self.rename("exchanged.txt", other)

    def delete(self, name: str, _: str) -> None:
        path = self.path / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif os.path.lexists(path):
            path.unlink()
        self.tell(path)

    def link(self, name: str, other: str) -> None:
        path = self.path / name
        if self.make_way(path) and not os.path.lexists(path):
            path.symlink_to(self.path / other)
            self.tell(path)

    def link_hard(self, name: str, other: str) -> None:
        path, to = self.path / name, self.path / other
        if to.is_file() and self.make_way(path) and not os.path.lexists(path):
            os.link(to, path)
            self.tell(path)

    def touch(self, name: str, _: str) -> None:
        path = self.path / name
        if path.exists():
            os.utime(path, (1_000_000_000, 1_000_000_000))
            self.tell(path.resolve())


NAMES = ["a.txt", "b.md", "a/a.txt", "a/b/a.txt", "a/b/c.txt", "b/a.txt", "b/b.md", "b/.h/a.txt"]
FOLDERS = ["a", "b", "a/b", "c", "a/c.txt", "b/.h", "~$a"]
PLACES = st.sampled_from([*NAMES, *FOLDERS, "a/~$b.txt", "c/A.txt", "a/b.png"])
MOVES = [Tree.rename, Tree.exchange, Tree.delete, Tree.touch, Tree.link, Tree.link_hard]
EDITS = st.one_of(
    st.tuples(st.just(Tree.write), st.sampled_from(NAMES), st.sampled_from(SENTENCES)),
    st.tuples(st.sampled_from([Tree.rename, Tree.delete, *MOVES]), PLACES, PLACES),
    st.tuples(
        st.just(Tree.write),
        st.sampled_from([".qaignore", "a/.qaignore", "a/b/.qaignore", "b/store.sqlite3"]),
        st.sampled_from(PATTERNS),
    ),
    st.tuples(
        st.just(Tree.delete),
        st.sampled_from([".qaignore", "a/.qaignore", "b/store.sqlite3"]),
        st.just(""),
    ),
)
ROUNDS = st.lists(st.lists(EDITS, min_size=1, max_size=4), min_size=1, max_size=6)
thorough = settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])


def made(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    tree = Tree(tmp_path_factory.mktemp("tree") / "folder")
    for number, name in enumerate(NAMES):
        tree.write(name, f"{number}. {SENTENCES[number % 3]}")
    tree.told.clear()
    return tree


def completely(sight: Sight) -> dict[str, State | None]:
    return sight.everything().states


def partly(sight: Sight, tree: Tree, known: dict[str, State | None]) -> dict[str, State | None]:
    """What is known brought up to date where the system told of something."""
    try:
        look = sight.some(tree.told, {id: state for id, state in known.items() if state})
    except InDoubt:
        look = sight.everything()
    tree.told.clear()
    states = look.states if look.complete else known | look.states
    return {id: state for id, state in states.items() if state}


@thorough
@given(rounds=ROUNDS)
def test_looking_at_some_places_sees_what_looking_everywhere_sees(
    tmp_path_factory: pytest.TempPathFactory, rounds: list
) -> None:
    tree = made(tmp_path_factory)
    sight, other = Sight(tree.path, tree.index), Sight(tree.path, tree.index)
    known = completely(sight)
    for edits in rounds:
        for edit, *what in edits:
            edit(tree, *what)
        known = partly(sight, tree, known)
        assert known == completely(other)


class Stepped(Watch):
    """A watch that takes a step when it is told where to look."""

    def _run(self) -> None:
        self.meanwhile: Callable[[], set[str]] = set  # what is told while it waits

    def _hear(self, seconds: float) -> None:
        self._places |= self.meanwhile()

    def step(self, places: set[str]) -> qa.Changes:
        self._thread.join()
        self._places = {*places}
        return self._take_what_is_whole()


def contents(index: qa.Index) -> object:
    store = index._keeper().live.store
    return store.documents(), store.states(), store.failures(), store.paths()


@settings(thorough, max_examples=30)
@given(rounds=ROUNDS)
def test_an_index_that_is_told_where_to_look_is_the_one_that_looks_everywhere(
    tmp_path_factory: pytest.TempPathFactory, rounds: list
) -> None:
    tree = made(tmp_path_factory)
    everywhere = tree.path.with_name("everywhere")
    told = qa.Index.open(tree.path, directory=tree.index, encoder=HashingEncoder())
    other = qa.Index.open(tree.path, directory=everywhere, encoder=HashingEncoder())
    with (
        pytest.MonkeyPatch.context() as patch,
        told,
        other,
        Stepped(told._keeper(), print) as steps,
    ):
        patch.setattr(watch, "GROWING_SECONDS", 0.0)  # an empty file is not waited for
        steps.step({EVERYWHERE})
        for edits in rounds:
            for edit, *what in edits:
                edit(tree, *what)
            assert steps.step(tree.told) == other.sync()
            assert contents(told) == contents(other)
            tree.told.clear()


# --- what changes without being named ----------------------------------------------------


@pytest.fixture
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return made(tmp_path_factory)


def check(tree: Tree, *edits: tuple) -> None:
    """Hold a look at what was told of against a complete one, after every edit."""
    sight = Sight(tree.path, tree.index)
    known = completely(sight)
    for edit, *what in edits:
        edit(tree, *what)
        assert tree.told
        known = partly(sight, tree, known)
        assert known == completely(Sight(tree.path, tree.index))


def test_a_link_is_looked_at_with_what_it_leads_to(tree: Tree) -> None:
    tree.link("link.txt", "a.txt")
    check(tree, (Tree.write, "a.txt", "An article of another length."))


def test_a_link_that_is_new_is_looked_at_from_then_on(tree: Tree) -> None:
    edits = [(Tree.link, "link.txt", "a.txt"), (Tree.write, "a.txt", "Of another length.")]
    check(tree, *edits, (Tree.delete, "a.txt", ""), (Tree.write, "a.txt", "It is back."))


def test_a_link_that_led_nowhere_is_looked_at_when_there_is_something(tree: Tree) -> None:
    tree.link("a/link.txt", "c/new.txt")
    check(tree, (Tree.write, "c/new.txt", SENTENCES[0]))


def test_a_file_of_two_names_is_looked_at_under_both(tree: Tree) -> None:
    edit = (Tree.write, "b/second.txt", "An article of another length.")
    check(tree, (Tree.link_hard, "b/second.txt", "a.txt"), edit)
    check(tree, (Tree.write, "a.txt", "Of yet another."))


def doubtful(tree: Tree, *places: str) -> None:
    sight = Sight(tree.path, tree.index)
    known = completely(sight)
    with pytest.raises(InDoubt):
        sight.some(places, {id: state for id, state in known.items() if state})


def test_what_lies_behind_a_link_to_a_folder_is_in_doubt(tree: Tree) -> None:
    (tree.path / "link").symlink_to(tree.path / "b")
    doubtful(tree, "link/a.txt")


def test_a_name_that_may_be_another_in_capital_letters_is_in_doubt(tree: Tree) -> None:
    os.link(tree.path / "a.txt", tree.path / "A.TXT")
    doubtful(tree, "a.txt")


@pytest.mark.parametrize("place", [EVERYWHERE, "caf\\xe9.txt", "caf\ufffd.txt", "uploads/a.txt"])
def test_a_place_that_may_stand_for_others_is_in_doubt(tree: Tree, place: str) -> None:
    doubtful(tree, place)


def test_very_many_places_are_in_doubt(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "MOST_PLACES", 2)
    doubtful(tree, "a.txt", "b.md", "c.txt")


def test_another_folder_of_the_same_name_is_in_doubt(tree: Tree) -> None:
    sight = Sight(tree.path, tree.index)
    sight.everything()
    tree.path.rename(tree.path.with_name("away"))
    tree.path.mkdir()
    with pytest.raises(InDoubt):
        sight.some({"a.txt"}, {})


# --- taking what is there ----------------------------------------------------------------


@pytest.fixture
def index(tree: Tree) -> Iterator[qa.Index]:
    place = tree.path.with_name("index")
    with qa.Index.open(tree.path, directory=place, encoder=HashingEncoder()) as index:
        yield index


@pytest.fixture
def steps(index: qa.Index) -> Iterator[Stepped]:
    with Stepped(index._keeper(), lambda _: None) as steps:
        steps.step({EVERYWHERE})
        yield steps


@pytest.fixture
def walks(steps: Stepped, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The complete walks that there were since."""
    everything, walks = Walk.everything, []

    def walk(self: Walk) -> Iterator[str]:
        walks.append(self._top)
        return everything(self)

    monkeypatch.setattr(Walk, "everything", walk)
    return walks


def test_one_edit_goes_through_no_folder(tree: Tree, steps: Stepped, walks: list[str]) -> None:
    tree.write("a/b/c.txt", "Of another length.")
    tree.rename("b/a.txt", "b/c.txt")
    tree.rename("a.txt", "peace.txt")
    assert steps.step(tree.told) == qa.Changes(
        added=("b/c.txt", "peace.txt"),
        changed=("a/b/c.txt",),
        removed=("a.txt", "b/a.txt"),
        renamed=(("a.txt", "peace.txt"), ("b/a.txt", "b/c.txt")),
    )
    assert walks == []


def test_two_files_that_exchange_names_are_two_changes(
    tree: Tree, index: qa.Index, steps: Stepped, walks: list[str]
) -> None:
    before = {document.id: document.text for document in index.documents}
    tree.exchange("a.txt", "b/a.txt")
    changes = qa.Changes(changed=("a.txt", "b/a.txt"))
    assert steps.step(tree.told) == changes
    after = {document.id: document.text for document in index.documents}
    assert (after["a.txt"], after["b/a.txt"]) == (before["b/a.txt"], before["a.txt"])
    assert walks == []


def test_a_file_that_becomes_a_folder_and_back(
    tree: Tree, steps: Stepped, walks: list[str]
) -> None:
    tree.delete("a.txt", "")
    tree.write("a.txt/b.txt", SENTENCES[1])
    changes = steps.step(tree.told)
    assert (changes.added, changes.removed) == (("a.txt/b.txt",), ("a.txt",))
    tree.delete("a.txt", "")
    tree.write("a.txt", SENTENCES[0])
    changes = steps.step({"a.txt"})
    assert (changes.added, changes.removed) == (("a.txt",), ("a.txt/b.txt",))
    assert walks == []


def test_of_a_file_that_holds_several_documents_all_go_with_it(
    tree: Tree, steps: Stepped, walks: list[str]
) -> None:
    row = '{"id": "%s", "text": "%s"}\n'
    tree.write("c.jsonl", "".join(row % item for item in zip("xyz", SENTENCES[:3], strict=True)))
    assert steps.step(tree.told).added == ("c.jsonl/x", "c.jsonl/y", "c.jsonl/z")
    tree.rename("c.jsonl", "d.jsonl")
    changes = steps.step(tree.told)
    assert changes.renamed == tuple((f"c.jsonl/{name}", f"d.jsonl/{name}") for name in "xyz")
    assert walks == []


def test_files_that_come_one_after_the_other_are_one_change(
    tree: Tree, steps: Stepped, walks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "BURST_SECONDS", float("inf"))
    coming = iter(range(10))

    def bring() -> set[str]:
        for number in coming:
            tree.write(f"new/{number}.txt", f"{number}. {SENTENCES[0]}")
            return tree.told
        return set()

    steps.meanwhile = bring
    assert len(steps.step(bring()).added) == 10
    assert walks == []


def test_a_file_that_grows_is_left_until_it_is_still(
    tree: Tree, index: qa.Index, steps: Stepped, walks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "BURST_SECONDS", 0.0)
    lines: list[str] = []

    def grow() -> set[str]:
        lines.append(f"Line {len(lines)} of the ledger names the clerk.\n")
        tree.write("ledger.txt", "".join(lines))
        return tree.told

    tree.write("b.md", SENTENCES[2])
    steps.meanwhile = grow
    assert steps.step(grow()).changed == ("b.md",)
    assert steps.step({"ledger.txt"}) == qa.Changes()
    steps.meanwhile = set
    assert steps.step(set()).added == ("ledger.txt",)
    assert index.document("ledger.txt").text == "".join(lines)
    assert walks == []


def test_where_no_file_would_be_left_everything_is_looked_at(
    tree: Tree, index: qa.Index, steps: Stepped, walks: list[str]
) -> None:
    for name in ("a", "b", "a.txt", "b.md"):
        tree.delete(name, "")
    assert len(steps.step(tree.told).removed) == 7
    assert walks != []
    assert index.documents == ()


def test_an_index_that_others_have_written_is_held_against_all_files(
    index: qa.Index, tree: Tree, steps: Stepped, walks: list[str]
) -> None:
    index._keeper().live.store.remove("b.md")  # by another process, say
    tree.write("a.txt", "Of another length.")
    assert steps.step(tree.told) == qa.Changes(added=("b.md",), changed=("a.txt",))
    assert walks != []


def test_an_index_that_was_deleted_is_made_of_all_files(
    index: qa.Index, tree: Tree, steps: Stepped
) -> None:
    for path in index.directory.glob("store.sqlite3*"):
        path.unlink()
    tree.write("a.txt", "Of another length.")
    assert len(steps.step(tree.told).added) == 7


def test_a_file_that_goes_between_the_look_and_the_reading_is_left_for_the_next_look(
    tree: Tree, steps: Stepped, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Stepped._files_of

    def going(self: Stepped, ids: set[str]) -> dict[str, str]:
        tree.delete("a.txt", "")
        return files(self, ids)

    tree.write("a.txt", "Of another length.")
    with monkeypatch.context() as patch:
        patch.setattr(Stepped, "_files_of", going)
        assert steps.step(tree.told) == qa.Changes()
    assert steps.step(tree.told).removed == ("a.txt",)


def test_a_file_that_went_while_it_was_written_to_is_forgotten(
    tree: Tree, index: qa.Index, steps: Stepped, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.write("a.txt", "")  # about to be written
    tree.write("b.md", "Of another length.")
    assert steps.step(tree.told).changed == ("b.md",)
    assert "a.txt" in index._keeper().live.store.states()
    tree.delete("a.txt", "")
    monkeypatch.setattr(watch, "GROWING_SECONDS", 0.0)
    assert steps.step(set()).removed == ("a.txt",)


def test_uploads_of_an_index_inside_its_folder_stay(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "upload.txt").write_text(SENTENCES[2])
    index = qa.Index.open(tree.path, directory=tree.index, encoder=HashingEncoder())
    with index, Stepped(index._keeper(), lambda _: None) as steps:
        steps.step({EVERYWHERE})
        index.add([tmp_path / "upload.txt"])
        tree.write("a.txt", "Of another length.")
        tree.tell(tree.index, tree.index / "uploads")
        assert steps.step(tree.told | {"own", "own/uploads"}).changed == ("a.txt",)
        tree.write("uploads/upload.txt", SENTENCES[1])
        changes = steps.step(tree.told)
        assert (changes.added, changes.changed) == (
            ("uploads/upload-2.txt",),
            ("uploads/upload.txt",),
        )
