import datetime
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_documents import BODY

from qa.documents import Document, Failure, read_all
from qa.errors import UnreadableFile
from qa.formats import epub, hypertext
from qa.formats.parts import Inner

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/>'
    "</rootfiles></container>"
)
METADATA = (
    "<dc:title>Bridges of the valley</dc:title><dc:creator>Anna Miller</dc:creator>"
    "<dc:date>2016-02-12</dc:date>"
)
NAV = (
    '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><body>'
    '<nav epub:type="toc"><ol>{}</ol></nav></body></html>'
)


def chapter(body: str, *, title: str = "<title/>") -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
        f'<html xmlns="http://www.w3.org/1999/xhtml"><head>{title}<script src="x"/></head>'
        f'<body><a id="top"/>{body}</body></html>'
    )


def book(
    chapters: dict[str, str],
    *,
    contents: dict[str, str] | None = None,
    ncx: bool = False,
    metadata: str = METADATA,
    more: dict[str, str] | None = None,
) -> bytes:
    items = "".join(
        f'<item id="c{number}" href="{name}" media-type="application/xhtml+xml"/>'
        for number, name in enumerate(chapters)
    )
    files = {f"OEBPS/{name}": text for name, text in chapters.items()} | (more or {})
    if contents is not None and ncx:
        items += '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
        points = "".join(
            f"<navPoint><navLabel><text>{label}</text></navLabel><content src='{href}'/></navPoint>"
            for href, label in contents.items()
        )
        files["OEBPS/toc.ncx"] = (
            f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{points}</navMap></ncx>'
        )
    elif contents is not None:
        items += (
            '<item id="n" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'
        )
        links = "".join(
            f'<li><a href="{href}">{label}</a></li>' for href, label in contents.items()
        )
        files["OEBPS/nav.xhtml"] = NAV.format(links)
    spine = "".join(f'<itemref idref="c{number}"/>' for number in range(len(chapters)))
    files["OEBPS/book.opf"] = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">{metadata}</metadata>'
        f"<manifest>{items}</manifest><spine>{spine}<itemref idref='n'/></spine></package>"
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        package.writestr("META-INF/container.xml", CONTAINER)
        for name, text in files.items():
            package.writestr(name, text)
    return made.getvalue()


def documents_of(folder: Path, data: bytes) -> tuple[list[Document], list[Failure]]:
    (folder / "a.epub").write_bytes(data)
    return read_all(folder / "a.epub", id="a.epub")


def complaint(folder: Path, data: bytes) -> str:
    with pytest.raises(UnreadableFile) as caught:
        documents_of(folder, data)
    assert "a.epub" in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


TWO = {
    "one.xhtml": chapter(f"<h1>The flood</h1><p>{BODY[0]}</p><p>Caf&eacute;&nbsp;x.</p>"),
    "two.xhtml": chapter(f"<h1>The repair</h1><p>{BODY[1]}</p>"),
}
LABELS = {"one.xhtml": "1. The flood", "two.xhtml#top": "2. The repair"}


@pytest.mark.parametrize("ncx", [False, True])
def test_a_book_gives_a_document_for_each_chapter(tmp_path: Path, ncx: bool) -> None:
    (first, second), failures = documents_of(tmp_path, book(TWO, contents=LABELS, ncx=ncx))
    assert failures == []
    assert (first.id, second.id) == ("a.epub/OEBPS/one.xhtml", "a.epub/OEBPS/two.xhtml#top")
    assert first.title == "Bridges of the valley: 1. The flood"
    assert second.title == "Bridges of the valley: 2. The repair"
    assert first.text == f"# The flood\n\n{BODY[0]}\n\nCafé\xa0x."
    assert (first.format, first.source) == ("markdown", "Anna Miller")
    assert first.date == datetime.date(2016, 2, 12)


def test_without_a_table_of_contents_headings_name_the_chapters(tmp_path: Path) -> None:
    found, _ = documents_of(tmp_path, book(TWO))
    assert [one.title.partition(": ")[2] for one in found] == ["The flood", "The repair"]


def test_what_the_table_of_contents_does_not_name_belongs_to_the_chapter_before(
    tmp_path: Path,
) -> None:
    files = {"one.xhtml": TWO["one.xhtml"], "one_2.xhtml": chapter(f"<p>{BODY[2]}</p>")}
    data = book(files | {"two.xhtml": TWO["two.xhtml"]}, contents=LABELS)
    first, second = documents_of(tmp_path, data)[0]
    assert first.text.endswith(BODY[2])
    assert second.title.endswith("The repair")


def test_several_chapters_in_one_file_are_told_apart_by_their_anchors(tmp_path: Path) -> None:
    body = f'<h2 id="a">First</h2><p>{BODY[0]}</p><div><h2 id="b">Second</h2><p>{BODY[1]}</p></div>'
    labels = {"all.xhtml#a": "First", "all.xhtml#b": "Second"}
    first, second = documents_of(tmp_path, book({"all.xhtml": chapter(body)}, contents=labels))[0]
    assert (first.id, second.id) == ("a.epub/OEBPS/all.xhtml#a", "a.epub/OEBPS/all.xhtml#b")
    assert (first.text, second.text) == (f"## First\n\n{BODY[0]}", f"## Second\n\n{BODY[1]}")


def test_no_word_of_a_book_is_lost_or_read_twice(tmp_path: Path) -> None:
    files = {f"{n}.xhtml": chapter(f"<p>Word{n}a</p><p id='x'>Word{n}b</p>") for n in range(9)}
    labels = {"1.xhtml": "One", "3.xhtml#x": "Three", "7.xhtml#gone": "Seven", "99.xhtml": "None"}
    found, _ = documents_of(tmp_path, book(files, contents=labels))
    words = " ".join(one.text for one in found).split()
    assert words == [f"Word{number}{letter}" for number in range(9) for letter in "ab"]


def test_a_damaged_chapter_costs_only_itself(tmp_path: Path) -> None:
    data = bytearray(book(TWO, contents=LABELS))
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        member = package.getinfo("OEBPS/one.xhtml")
    data[member.header_offset + 60] ^= 0xFF
    (found,), (failure,) = documents_of(tmp_path, bytes(data))
    assert found.title.endswith("The repair")
    assert failure.path == "a.epub/OEBPS/one.xhtml"


def test_a_chapter_that_is_no_xml_is_read_all_the_same(tmp_path: Path) -> None:
    broken = f"<html xmlns='http://www.w3.org/1999/xhtml'><body><p>{BODY[0]}<p>Tom & Ann<br></body>"
    (found,), _ = documents_of(tmp_path, book({"one.xhtml": broken}))
    assert found.text == f"{BODY[0]}\n\nTom & Ann"


def test_an_old_encoding_of_a_chapter_is_used(tmp_path: Path) -> None:
    text = TWO["one.xhtml"].replace("utf-8", "windows-1251").replace(BODY[0], "Мост починят.")
    made = io.BytesIO(book({"one.xhtml": "x"}))
    with zipfile.ZipFile(made) as before:
        members = {name: before.read(name) for name in before.namelist()}
    members["OEBPS/one.xhtml"] = text.encode("cp1251")
    again = io.BytesIO()
    with zipfile.ZipFile(again, "w") as after:
        for name, data in members.items():
            after.writestr(name, data)
    assert "Мост починят." in documents_of(tmp_path, again.getvalue())[0][0].text


@pytest.mark.parametrize(
    ("metadata", "day"),
    [
        ("<dc:date>2016</dc:date>", None),
        ('<dc:date opf:event="modification" xmlns:opf="o">2016-02-12</dc:date>', None),
        ('<dc:date opf:event="publication" xmlns:opf="o">2016-02-12</dc:date>', (2016, 2, 12)),
        ("", None),
    ],
)
def test_only_a_day_of_publication_is_a_book_s_date(
    tmp_path: Path, metadata: str, day: tuple[int, int, int] | None
) -> None:
    found, _ = documents_of(tmp_path, book(TWO, metadata=metadata))
    assert found[0].date == (datetime.date(*day) if day else None)


# --- abuse ---------------------------------------------------------------------------------------


def test_a_protected_book_says_so_and_hidden_fonts_do_no_harm(tmp_path: Path) -> None:
    def locking(file: str) -> dict[str, str]:
        reference = f'<enc:CipherReference xmlns:enc="e" URI="{file}"/>'
        return {"META-INF/encryption.xml": f"<encryption>{reference}</encryption>"}

    assert "DRM" in complaint(tmp_path, book(TWO, more=locking("OEBPS/two.xhtml")))
    assert len(documents_of(tmp_path, book(TWO, more=locking("OEBPS/font.ttf")))[0]) == 2


def test_entities_are_neither_fetched_nor_multiplied(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("SECRET")
    head = (
        f'<!DOCTYPE html [<!ENTITY s SYSTEM "file://{tmp_path}/secret.txt"><!ENTITY a "ha">'
        + "".join(f'<!ENTITY a{n} "&a{n - 1 or ""};&a{n - 1 or ""};">' for n in range(1, 40))
        + "]>"
    )
    text = TWO["one.xhtml"].replace("<!DOCTYPE html>", head).replace(BODY[0], "&s; &a39; words")
    found, _ = documents_of(tmp_path, book({"one.xhtml": text}))
    assert "words" in found[0].text
    assert "SECRET" not in found[0].text
    assert len(found[0].text) < 5_000


def test_a_book_that_unfolds_without_measure_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epub, "BOOK_BYTES", 500)
    assert "limit is" in complaint(tmp_path, book(TWO))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "damaged"),
        (b"words", "damaged"),
        (book(TWO)[:-40], "damaged"),
        (book({}), "no readable document"),
        (book({"one.xhtml": chapter("<img src='x'/>")}), "no readable document"),
    ],
)
def test_a_book_without_a_word_says_so(tmp_path: Path, data: bytes, words: str) -> None:
    assert words in complaint(tmp_path, data)


@given(share=st.floats(0, 1), at=st.floats(0, 1), noise=st.binary(max_size=30))
def test_cut_and_overwritten_books_are_read_or_unreadable(
    share: float, at: float, noise: bytes
) -> None:
    data = bytearray(book(TWO, contents=LABELS))
    del data[round(share * len(data)) :]
    place = round(at * len(data))
    data[place : place + len(noise)] = noise
    try:
        parts = list(epub.read(io.BytesIO(bytes(data)), "a"))
    except UnreadableFile as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
        return
    for part in parts:
        assert not isinstance(part, Inner) or part.content.text.encode()


# --- all the text of HTML ------------------------------------------------------------------------


@given(st.recursive(st.just("word"), lambda inner: st.lists(inner, max_size=4), max_leaves=30))
def test_every_word_of_nested_elements_is_read_once_in_order(nested: object) -> None:
    words: list[str] = []

    def element(value: object, depth: int) -> str:
        if isinstance(value, str):
            words.append(f"w{len(words)}")
            return words[-1]
        tag = ("div", "li", "td", "tr", "b", "blockquote", "pre", "h2")[depth % 8]
        inner = " ".join(element(part, depth + 1) for part in value)  # type: ignore[attr-defined]
        return f"<{tag}>{inner} </{tag}>"

    source = f"<html xmlns='http://www.w3.org/1999/xhtml'><body>{element(nested, 0)}</body></html>"
    found = hypertext.text_of(source).text
    assert [word for word in found.split() if word not in ("-", "|", "##")] == words


@pytest.mark.parametrize("tag", ["div", "b", "blockquote", "table><tr><td"])
@pytest.mark.parametrize("depth", [100, 300, 1_500, 5_000, 50_000])
def test_words_are_found_however_deep_they_lie(tag: str, depth: int) -> None:
    assert hypertext.text_of(f"<p>Two</p>{f'<{tag}>' * depth}words").text.split() == [
        "Two",
        "words",
    ]


def test_a_table_of_very_many_rows_is_read_in_one_go() -> None:
    rows = "".join(f"<tr><td>{number}</td><td>x</td></tr>" for number in range(50_000))
    found = hypertext.text_of(f"<table>{rows}</table>").text
    assert found.count("\n") == 49_999
    assert found.endswith("| 49999 | x |")
