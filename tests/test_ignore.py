import logging
import shutil
import subprocess
from pathlib import Path

import pytest

from qa.documents import find
from qa.folder.ignoring import _warn

ALL = [
    "a.txt",
    "b.md",
    "doc/a.txt",
    "doc/b.txt",
    "doc/deep/a.txt",
    "doc/deep/c.html",
    "x/doc/a.txt",
]


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    for name in ALL:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    _warn.cache_clear()
    return tmp_path


def found(articles: Path) -> list[str]:
    return [path.relative_to(articles).as_posix() for path in find(articles)]


def ignoring(articles: Path, patterns: str, below: str = ".") -> list[str]:
    (articles / below / ".qaignore").write_text(patterns)
    return [name for name in ALL if name not in found(articles)]


@pytest.mark.parametrize(
    ("patterns", "left_out"),
    [
        ("", []),
        ("# a comment\n\n", []),
        ("*.md\n", ["b.md"]),
        ("a.txt", ["a.txt", "doc/a.txt", "doc/deep/a.txt", "x/doc/a.txt"]),
        ("/a.txt", ["a.txt"]),
        ("doc/a.txt", ["doc/a.txt"]),
        ("doc/", ["doc/a.txt", "doc/b.txt", "doc/deep/a.txt", "doc/deep/c.html", "x/doc/a.txt"]),
        ("/doc/", ["doc/a.txt", "doc/b.txt", "doc/deep/a.txt", "doc/deep/c.html"]),
        ("**/deep/*.txt", ["doc/deep/a.txt"]),
        ("a.txt\n!/a.txt", ["doc/a.txt", "doc/deep/a.txt", "x/doc/a.txt"]),
        ("!/a.txt\na.txt", ["a.txt", "doc/a.txt", "doc/deep/a.txt", "x/doc/a.txt"]),
        ("/doc/\n!/doc/a.txt", ["doc/a.txt", "doc/b.txt", "doc/deep/a.txt", "doc/deep/c.html"]),
        ("/doc/*\n!/doc/a.txt", ["doc/b.txt", "doc/deep/a.txt", "doc/deep/c.html"]),
        ("\ufeff*.md\r\n*.html\r\n", ["b.md", "doc/deep/c.html"]),
    ],
)
def test_what_a_qaignore_names_is_left_out(
    articles: Path, patterns: str, left_out: list[str]
) -> None:
    assert ignoring(articles, patterns) == left_out


def test_a_qaignore_in_a_folder_is_about_that_folder(articles: Path) -> None:
    assert ignoring(articles, "/a.txt\n", below="doc") == ["doc/a.txt"]


def test_the_inner_qaignore_has_the_last_word(articles: Path) -> None:
    (articles / ".qaignore").write_text("a.txt\n")
    assert ignoring(articles, "!a.txt\n", below="doc") == ["a.txt", "x/doc/a.txt"]


def test_nothing_comes_back_out_of_a_folder_that_is_left_out(articles: Path) -> None:
    (articles / ".qaignore").write_text("/doc\n")
    assert "doc/a.txt" in ignoring(articles, "!a.txt\n", below="doc")


def test_hidden_files_stay_hidden_whatever_a_qaignore_says(articles: Path) -> None:
    (articles / ".secret.txt").write_text("x")
    assert ignoring(articles, "!.secret.txt\n!*\n") == []
    assert ".secret.txt" not in found(articles)


def test_a_line_that_is_no_pattern_is_named_once_and_the_others_hold(
    articles: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert ignoring(articles, "!\n*.md\n") == ["b.md"]
    (record,) = caplog.records
    assert "line 1" in record.getMessage()
    assert ".qaignore" in record.getMessage()


@pytest.mark.parametrize("data", [b"\0\1\2*.md", b"*.md\n" * 300_000], ids=["binary", "endless"])
def test_a_qaignore_that_is_no_list_of_patterns_is_a_warning(
    articles: Path, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    (articles / ".qaignore").write_bytes(data)
    with caplog.at_level(logging.WARNING):
        assert sorted(found(articles)) == sorted(ALL)
    assert "is not obeyed" in caplog.text


def test_a_qaignore_that_is_a_folder_is_none(
    articles: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (articles / ".qaignore").mkdir()
    assert sorted(found(articles)) == sorted(ALL)
    assert caplog.records == []


def test_a_qaignore_that_may_not_be_read_is_a_warning(
    articles: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    (articles / ".qaignore").write_text("*.md")
    monkeypatch.setattr(Path, "open", refuse)
    assert sorted(found(articles)) == sorted(ALL)
    assert "Permission denied" in caplog.text


def test_an_index_that_lies_in_its_folder_is_no_part_of_it(articles: Path) -> None:
    (articles / "index" / "uploads").mkdir(parents=True)
    for name in ("store.sqlite3", "derived.json", "uploads/a.txt"):
        (articles / "index" / name).write_text("{}")
    assert sorted(found(articles)) == sorted(ALL)


@pytest.mark.skipif(shutil.which("git") is None, reason="asks git itself")
@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("doc/**\n!*.txt\n", "!*.txt\n"),
        ("?.txt\n", "!deep\n"),
        ("*/\n!doc\n", "*/\n!a.txt\n"),
        ("*\n!*/\n!*.html\n", ""),
        ("/doc/deep\n!doc/deep/a.txt\n", "!deep/\n"),
        ("[ab].txt\n!/doc/**/a.txt\n \\!x\n", "# no\n\\#no\nb.txt  \n"),
        ("**/doc\n!/doc\n", "deep/**\n"),
    ],
)
def test_what_is_found_is_what_git_would_find(articles: Path, outer: str, inner: str) -> None:
    for name in (".qaignore", ".gitignore"):
        (articles / name).write_text(outer)
        (articles / "doc" / name).write_text(inner)
    subprocess.run(["git", "init", "-q"], cwd=articles, check=True)
    command = ["git", "ls-files", "-o", "--exclude-standard", "*.txt", "*.md", "*.html"]
    done = subprocess.run(command, cwd=articles, capture_output=True, text=True, check=True)
    assert sorted(found(articles)) == sorted(done.stdout.split())
