import datetime
import errno
import io
import logging
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import docx
import pytest
from fpdf import FPDF
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from qa import lines
from qa.documents import Document, decode, find, read
from qa.errors import FolderError, UnreadableFile
from qa.formats import content, suffixes, word
from qa.lines import dates

SEEDS = Path(__file__).parent.parent / "seeds"
FEBRUARY = datetime.date(2016, 2, 12)
BODY = (
    "The council met on Thursday and agreed to mend the bridge before the winter comes again.",
    "Nobody knows yet what it will cost, but the engineers speak of four million at the least.",
    "The old bridge was built in 1912, and was last repaired after the great flood of 1954.",
)


def written(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def document(folder: Path, name: str, data: bytes | str) -> Document:
    return read(written(folder, name, data), id=name)


def complaint(folder: Path, name: str, data: bytes | str) -> str:
    with pytest.raises(UnreadableFile) as caught:
        document(folder, name, data)
    message = str(caught.value)
    assert name in message
    assert "\n" not in message
    return message


@cache
def pdf(*, pages: int = 4, password: str | None = None, picture: bool = False) -> bytes:
    made = FPDF()
    made.set_title("Bridges of the valley")
    made.set_creation_date(datetime.datetime(2016, 2, 12, 10, tzinfo=datetime.UTC))
    for number in range(1, pages + 1):
        made.add_page()
        made.set_font("helvetica", size=11)
        if picture:
            made.image(Image.new("RGB", (8, 8), "red"), x=10, y=10)
            continue
        made.cell(0, 10, "The Valley Report", new_x="LMARGIN", new_y="NEXT")
        for sentence in BODY:
            made.multi_cell(0, 5, f"On sheet {number} we read: {sentence} " * (number + 1))
            made.ln(4)
        made.set_y(-30)
        made.cell(0, 10, f"Page {number} of {pages}")
    if password is not None:
        made.set_encryption(owner_password="owner", user_password=password)
    return bytes(made.output())


@cache
def docx_file(*, headings: bool = True, title: str = "", created: bool = True) -> bytes:
    made = docx.Document()
    made.core_properties.title = title
    if created:
        made.core_properties.created = datetime.datetime(2016, 2, 12, 9, 30)
    if headings:
        made.add_heading("Bridges of the valley", 0)
    made.add_paragraph(BODY[0])
    if headings:
        made.add_heading("Costs", 1)
    made.add_paragraph("stone", "List Bullet")
    table = made.add_table(2, 2)
    for cell, text in zip(table._cells, ["year", "cost", "1912", "2 million"], strict=True):
        cell.text = text
    made.add_paragraph(BODY[1])
    data = io.BytesIO()
    made.save(data)
    return data.getvalue()


def page(*, head: str = "", body: str = "") -> str:
    paragraphs = "".join(f"<p>{sentence}</p>" for sentence in BODY)
    return (
        f"<!doctype html><html><head><title>Bridges | The Valley</title>{head}</head><body>"
        '<nav><a href="/">Home</a> <a href="/sport">Sport</a></nav>'
        f"<article><h1>The bridge will be mended</h1>{paragraphs}{body}</article>"
        "<footer>All rights reserved</footer></body></html>"
    )


# --- finding files -------------------------------------------------------------------------------


def test_a_folder_s_readable_files_are_found_in_order_of_their_paths(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    names = ["b.txt", "a.MD", "deep/x.pdf", "deep/er/y.docx", "z.htm", "w.html", "v.markdown"]
    for name in [*names, "image.png", "deep/notes.doc", "txt"]:
        written(tmp_path, name, "x")
    assert find(tmp_path) == sorted(tmp_path / name for name in names)


def test_hidden_files_folders_and_word_s_lock_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for name in [".git/a.txt", ".b.txt", "~$c.docx", "d.txt"]:
        written(tmp_path, name, "x")
    assert find(tmp_path) == [tmp_path / "d.txt"]


def test_a_link_is_followed_only_inside_the_folder(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "inside").mkdir()
    secret = written(tmp_path / "outside", "secret.txt", "x")
    kept = written(tmp_path / "inside", "kept.txt", "x")
    (tmp_path / "inside" / "leads-out.txt").symlink_to(secret)
    (tmp_path / "inside" / "folder").symlink_to(tmp_path / "outside")
    (tmp_path / "inside" / "leads-in.txt").symlink_to(kept)
    (tmp_path / "inside" / "nowhere.txt").symlink_to(tmp_path / "gone")
    found = [path.name for path in find(tmp_path / "inside")]
    assert found == ["kept.txt", "leads-in.txt"]


@pytest.mark.parametrize(
    ("number", "told"), [(errno.EIO, "raised"), (errno.EACCES, "warned"), (errno.ENOENT, "nothing")]
)
def test_a_folder_inside_that_fails_is_not_taken_for_an_empty_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    number: int,
    told: str,
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.txt").write_text("A text.")
    scandir = os.scandir

    def failing(path: str) -> object:
        if Path(path).name == "sub":
            raise OSError(number, os.strerror(number), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing)
    if told == "raised":
        with pytest.raises(FolderError, match=r"sub.*try again"):
            find(tmp_path)
        return
    assert find(tmp_path) == [tmp_path / "a.txt"]
    assert ("left out" in caplog.text) == (told == "warned")


def test_a_missing_folder_and_a_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="no folder"):
        find(tmp_path / "missing")
    with pytest.raises(FolderError, match="is a file"):
        find(written(tmp_path, "a.txt", "x"))


# --- text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(SEEDS.glob("*.txt")), ids=lambda path: path.name[:3])
def test_a_seed_is_read_character_for_character_and_its_title_is_its_headline(path: Path) -> None:
    read_as = read(path, id=path.name)
    assert read_as.text == path.read_bytes().decode("utf-8")
    assert read_as.title in read_as.text.split("\n")
    assert read_as.title != "Share"
    assert read_as.date is None
    assert (read_as.id, read_as.path, read_as.format) == (path.name, path, "text")


def test_line_ends_are_kept_and_only_the_byte_order_mark_goes(tmp_path: Path) -> None:
    assert document(tmp_path, "a.txt", "\ufeffOne.\r\nTwo.\r\n").text == "One.\r\nTwo.\r\n"


@pytest.mark.parametrize(
    ("data", "text", "encoding"),
    [
        ("naïve".encode(), "naïve", "utf-8"),
        ("naïve".encode("utf-8-sig"), "naïve", "utf-8-sig"),
        ("naïve".encode("utf-16"), "naïve", "utf-16"),
        ("a naïve word".encode("utf-16-be"), "a naïve word", "utf-16-be"),
        ("a naïve word".encode("utf-16-le"), "a naïve word", "utf-16-le"),
        ("the “naïve” café".encode("cp1252"), "the “naïve” café", "cp1252"),
        ("déjà vu, œuvre".encode() + b"\xff ok", "déjà vu, œuvre\ufffd ok", "utf-8"),
        ("déjà vu".encode() + b"\xe2\x80", "déjà vu\ufffd", "utf-8"),
        (b"", "", "utf-8"),
    ],
)
def test_bytes_are_decoded_by_what_they_are(data: bytes, text: str, encoding: str) -> None:
    assert decode(data) == (text, encoding)


def test_another_script_in_an_old_encoding_is_recognised() -> None:
    text = "Привет, мир! Совет решил починить мост до наступления зимы. " * 5
    assert decode(text.encode("cp1251"))[0] == text


@given(st.text())
def test_what_is_written_as_utf_8_is_read_the_same(text: str) -> None:
    if "\0" not in text and not text.startswith("\ufeff"):
        assert decode(text.encode())[0] == text


@given(st.binary())
def test_any_bytes_decode_to_text_that_can_be_stored(data: bytes) -> None:
    decode(data)[0].encode("utf-8")


def test_the_file_s_name_is_the_title_where_the_text_has_none(tmp_path: Path) -> None:
    assert document(tmp_path, "annual_report-2016.txt", BODY[0]).title == "annual report 2016"
    assert document(tmp_path, "2016-02-12_bridge.txt", BODY[0]).title == "2016-02-12 bridge"


def test_markdown_s_front_matter_gives_title_date_and_source(tmp_path: Path) -> None:
    text = "---\ntitle: Bridges\ndate: 2016-02-12\npublisher: The Valley\n---\n\n# Other\n\nText.\n"
    found = document(tmp_path, "a.md", text)
    assert (found.title, found.date, found.source) == ("Bridges", FEBRUARY, "The Valley")
    assert (found.text, found.format) == (text, "markdown")


@pytest.mark.parametrize(
    ("front", "source"),
    [
        (
            "---\ntitle: Bridges\npublishDate: 12 February 2016\nauthors: [Ann, Bo]\n---\n",
            "Ann, Bo",
        ),
        (
            "---\r\nTitle: Bridges\r\npublished: 2016-02-12 10:00\r\nsite: Valley\r\n---\r\n",
            "Valley",
        ),
        ('+++\ntitle = "Bridges"\ndate = 2016-02-12T10:00:00Z\npublisher = "V"\n+++\n', "V"),
        ("\ufeff---\ntitle: Bridges\ndate: 2016-02-12\nauthor: {name: Ann}\n...\n", "Ann"),
    ],
)
def test_front_matter_is_read_as_different_programs_write_it(
    tmp_path: Path, front: str, source: str
) -> None:
    found = document(tmp_path, "a.md", f"{front}\n# Other\n\nText.\n")
    assert (found.title, found.date, found.source) == ("Bridges", FEBRUARY, source)


def test_broken_front_matter_costs_nothing_but_itself(tmp_path: Path) -> None:
    for yaml in ("title: [", "- a\n- b", "date: 2016-13-45", "title: {a: b}\nx: !!python/name:os"):
        found = document(tmp_path, "a.md", f"---\n{yaml}\n---\n\n# Bridges\n\nText.\n")
        assert (found.title, found.date) == ("Bridges", None)


# --- HTML ----------------------------------------------------------------------------------------


def test_a_web_page_gives_its_article_without_menu_and_markup(tmp_path: Path) -> None:
    found = document(tmp_path, "a.html", page(body="<p>Tom &amp; Ann wrote &lt;b&gt; here.</p>"))
    assert found.title == "The bridge will be mended"
    assert "Tom & Ann wrote <b> here." in found.text
    for sentence in BODY:
        assert sentence in found.text
    for part in ("Sport", "<p>", "All rights reserved"):
        assert part not in found.text


@pytest.mark.parametrize(
    "head",
    [
        '<meta property="article:published_time" content="2016-02-12T10:00:00Z">',
        '<meta name="DC.date" content="12 February 2016">',
        '<script type="application/ld+json">{"datePublished": "2016-02-12T10:00"}</script>',
    ],
)
def test_a_web_page_s_date_is_the_one_marked_as_that_of_publication(
    tmp_path: Path, head: str
) -> None:
    assert document(tmp_path, "a.html", page(head=head)).date == FEBRUARY


@pytest.mark.parametrize(
    "head",
    ["", '<meta name="date" content="03/04/2016">', '<meta name="date" content="2016">'],
)
def test_a_web_page_s_date_is_not_invented(tmp_path: Path, head: str) -> None:
    body = (
        '<p>It happened on 3 March 2014.</p><footer><time datetime="2012-01-02">x</time></footer>'
    )
    assert document(tmp_path, "a.html", page(head=head, body=body)).date is None


def test_linked_data_says_who_published_a_page(tmp_path: Path) -> None:
    data = (
        '{"@context": "https://schema.org", "@type": "NewsArticle", "datePublished": "2016-02-12",'
        '"author": {"@type": "Person", "name": "Anna Miller"},'
        '"publisher": {"@type": "Organization", "name": "Valley News"}}'
    )
    found = document(
        tmp_path, "a.html", page(head=f'<script type="application/ld+json">{data}</script>')
    )
    assert (found.source, found.date) == ("Valley News", FEBRUARY)


def test_a_web_page_says_who_published_it(tmp_path: Path) -> None:
    head = '<meta property="og:site_name" content="The Valley">'
    assert document(tmp_path, "a.html", page(head=head)).source == "The Valley"


def test_a_page_is_not_titled_after_its_menu_or_its_help(tmp_path: Path) -> None:
    help_first = page().replace("<nav>", "<h2>Keyboard shortcuts</h2><h1>The Handbook</h1><nav>")
    titled = help_first.replace("Bridges | The Valley", "On mending bridges - The Handbook")
    bare = titled.replace("<h1>The bridge will be mended</h1>", "")
    assert document(tmp_path, "a.html", bare).title == "On mending bridges"


def test_a_web_page_s_declared_encoding_is_used(tmp_path: Path) -> None:
    source = (
        '<html><head><meta charset="windows-1251"></head><body><p>Мост починят</p></body></html>'
    )
    assert "Мост починят" in document(tmp_path, "a.html", source.encode("cp1251")).text


# --- PDF -----------------------------------------------------------------------------------------


def test_a_pdf_gives_its_text_title_and_day_of_making(tmp_path: Path) -> None:
    found = document(tmp_path, "a.pdf", pdf())
    assert (found.title, found.date) == ("Bridges of the valley", FEBRUARY)
    one_line = " ".join(found.text.split())
    for number in range(1, 5):
        assert f"On sheet {number} we read: {BODY[2]}" in one_line


@pytest.mark.parametrize(
    ("author", "source"),
    [
        ("Anna Miller", "Anna Miller"),
        ("Greenpeace", "Greenpeace"),
        ("amiller", ""),
        ("Administrator", ""),
        ("Microsoft Office User", ""),
        ("", ""),
    ],
)
def test_who_made_a_pdf_or_word_file_is_its_source_unless_it_is_an_account(
    tmp_path: Path, author: str, source: str
) -> None:
    made = FPDF()
    made.set_author(author)
    made.add_page()
    made.set_font("helvetica", size=11)
    made.multi_cell(0, 5, BODY[0])
    assert document(tmp_path, "a.pdf", bytes(made.output())).source == source
    word_file = docx.Document()
    word_file.core_properties.author = author
    word_file.add_paragraph(BODY[0])
    data = io.BytesIO()
    word_file.save(data)
    assert document(tmp_path, "a.docx", data.getvalue()).source == source


def test_a_pdf_s_newer_properties_speak_where_the_older_are_silent(tmp_path: Path) -> None:
    made = FPDF()
    made.set_xmp_metadata(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
        'syntax-ns#"><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>'
        '<rdf:Alt><rdf:li xml:lang="x-default">Bridges</rdf:li></rdf:Alt></dc:title><dc:publisher>'
        "<rdf:Bag><rdf:li>The Valley</rdf:li></rdf:Bag></dc:publisher></rdf:Description></rdf:RDF>"
        "</x:xmpmeta>"
    )
    made.add_page()
    made.set_font("helvetica", size=11)
    made.multi_cell(0, 5, BODY[0])
    found = document(tmp_path, "a.pdf", bytes(made.output()))
    assert (found.title, found.source) == ("Bridges", "The Valley")


def test_a_pdf_s_running_header_and_page_numbers_are_left_out(tmp_path: Path) -> None:
    text = document(tmp_path, "a.pdf", pdf()).text
    assert "The Valley Report" not in text
    assert "of 4" not in text


def test_a_pdf_of_two_pages_loses_no_line(tmp_path: Path) -> None:
    assert document(tmp_path, "a.pdf", pdf(pages=2)).text.count("The Valley Report") == 2


def test_a_pdf_that_is_encrypted_without_a_password_is_read(tmp_path: Path) -> None:
    assert "engineers" in document(tmp_path, "a.pdf", pdf(password="")).text


def test_ligatures_are_letters_and_no_surrogate_or_control_character_stays() -> None:
    assert content.clean("ﬁnd the ﬂood\x00\x07 \ud800\tx\n") == "find the flood \ufffd\tx\n"


@pytest.mark.parametrize(
    "given_title",
    ["Microsoft Word - report.doc", "untitled", "report.indd", "Document1", "C:\\a\\b"],
)
def test_a_title_that_a_program_made_up_is_not_used(tmp_path: Path, given_title: str) -> None:
    data = docx_file(headings=False, title=given_title)
    assert document(tmp_path, "river_bridges.docx", data).title == "river bridges"


# --- Word ----------------------------------------------------------------------------------------


def test_a_word_file_gives_headings_lists_and_tables_in_order(tmp_path: Path) -> None:
    found = document(tmp_path, "a.docx", docx_file())
    assert found.format == "markdown"
    assert found.text.split("\n\n") == [
        "# Bridges of the valley",
        BODY[0],
        "## Costs",
        "- stone",
        "| year | cost |\n| 1912 | 2 million |",
        BODY[1],
    ]
    assert (found.title, found.date) == ("Bridges of the valley", FEBRUARY)


def test_the_day_of_the_template_is_not_a_word_file_s_date(tmp_path: Path) -> None:
    assert document(tmp_path, "a.docx", docx_file(created=False)).date is None


def test_words_inserted_with_changes_tracked_are_read_and_deleted_ones_are_not(
    tmp_path: Path,
) -> None:
    made = docx.Document()
    made.add_paragraph("KEPT")
    data = io.BytesIO()
    made.save(data)
    run = '<w:r><w:t xml:space="preserve">KEPT</w:t></w:r>'
    changed = (
        '<w:ins w:id="1" w:author="a"><w:r><w:t>new</w:t></w:r></w:ins>'
        '<w:del w:id="2" w:author="a"><w:r><w:delText>old</w:delText></w:r></w:del>'
    )
    assert document(tmp_path, "a.docx", _edited(data.getvalue(), run, changed)).text == "new"


def _edited(data: bytes, old: str, new: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(made, "w") as after:
        for member in before.infolist():
            part = before.read(member)
            if member.filename == "word/document.xml":
                text = (
                    part.decode()
                    .replace(old, new)
                    .replace(old.replace(' xml:space="preserve"', ""), new)
                )
                part = text.encode()
            after.writestr(member, part)
    return made.getvalue()


# --- dates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "2016-02-12",
        "2016-02-12T10:00:00Z",
        "20160212",
        "12 February 2016",
        "Friday, 12 February 2016",
        "February 12, 2016",
        "FEB. 12, 2016",
        "12th February 2016",
        "12.02.2016",
        "12. Februar 2016",
        "12 février 2016",
        "12 de febrero de 2016",
    ],
)
def test_a_date_in_full_is_read(text: str) -> None:
    assert dates.parse(text) == FEBRUARY


@pytest.mark.parametrize(
    "text",
    ["03/04/2016", "2016", "February 2016", "12 February", "2016-13-45", "tomorrow", "", "1/2/3"],
)
def test_a_date_that_is_not_given_in_full_or_ambiguous_is_none(text: str) -> None:
    assert dates.parse(text) is None


@given(st.dates(datetime.date(1700, 1, 1), datetime.date(2100, 1, 1)))
def test_every_day_is_read_as_it_is_written(day: datetime.date) -> None:
    assert dates.parse(day.isoformat()) == day
    assert dates.parse(f"{day.day} {day:%B} {day.year}") == day
    assert dates.parse(f"{day:%B} {day.day}, {day.year}") == day


@given(st.text(max_size=40))
def test_any_text_gives_a_date_or_none(text: str) -> None:
    assert dates.parse(text) is None or isinstance(dates.parse(text), datetime.date)


@pytest.mark.parametrize(
    "line",
    [
        "Published: February 12, 2016",
        "12 February 2016",
        "2016-02-12",
        "Updated on February 12, 2016, 4:00 PM EST",
        "Publié le 12 février 2016 à 10h30",
        "Veröffentlicht am 12.02.2016",
        "Posted on February 12, 2016 by anna",
        "Time: 20160212_08:38",
    ],
)
@pytest.mark.parametrize("place", ["top", "bottom"])
def test_a_line_that_is_a_date_near_either_end_is_the_date(
    tmp_path: Path, line: str, place: str
) -> None:
    parts = ["The bridge", line, *BODY] if place == "top" else ["The bridge", *BODY, line]
    assert document(tmp_path, "a.txt", "\n\n".join(parts)).date == FEBRUARY


@pytest.mark.parametrize(
    "parts",
    [
        ["The bridge", "Updated on", *BODY],
        ["The bridge", "03/04/2016", *BODY],
        ["The bridge", *BODY, "It was opened on 12 February 2016."],
        ["The bridge", *BODY * 10, "12 February 2016", *BODY * 10],
        ["2016-02-12", BODY[0], "2016-02-13", BODY[1]],
    ],
    ids=["nothing", "ambiguous", "sentence", "middle", "diary"],
)
def test_no_other_date_in_the_text_is_taken_for_that_of_publication(
    tmp_path: Path, parts: list[str]
) -> None:
    assert document(tmp_path, "a.txt", "\n\n".join(parts)).date is None


def test_the_date_of_publication_comes_before_that_of_an_update(tmp_path: Path) -> None:
    text = "\n\n".join(["The bridge", "Updated 3 May 2018", "Published 12 February 2016", *BODY])
    assert document(tmp_path, "a.txt", text).date == FEBRUARY


def test_a_date_in_a_word_file_s_text_comes_before_the_day_it_was_made(tmp_path: Path) -> None:
    data = _edited(docx_file(), BODY[1], "Published 3 May 2015")
    assert document(tmp_path, "a.docx", data).date == datetime.date(2015, 5, 3)


# --- what cannot be read -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.txt", b"", "empty"),
        ("a.txt", b" \r\n\t", "empty"),
        ("a.txt", b"\xef\xbb\xbf", "empty"),
        ("a.txt", bytes(range(256)) * 4, "binary"),
        ("a.txt", b"\x01\x02\x03\x04 words", "binary"),
        ("a.md", pdf(pages=1)[:2000] + b"\0", "binary"),
        ("a.html", b"<html><body></body></html>", "no text in the page"),
        ("a.html", b"<p>x\0\1\2\3</p>", "binary"),
        ("a.pdf", b"hello", "damaged"),
        ("a.pdf", pdf()[:3000], "damaged"),
        ("a.pdf", pdf(password="secret"), "password"),
        ("a.pdf", pdf(picture=True), "only pictures; run OCR"),
        ("a.docx", b"PK\x03\x04 junk", "damaged"),
        ("a.docx", docx_file()[:5000], "damaged"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "password or in the old"),
        ("a.doc", b"words", "only .txt"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(
    tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    assert words in complaint(tmp_path, name, data)


def test_a_word_file_without_words_says_so(tmp_path: Path) -> None:
    data = io.BytesIO()
    docx.Document().save(data)
    assert "no text" in complaint(tmp_path, "a.docx", data.getvalue())


def test_a_zip_bomb_is_refused_before_it_unfolds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word, "UNPACKED_BYTES", 1_000_000)
    data = io.BytesIO(docx_file())
    with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/media/big.bin", bytes(5_000_000))
    assert "MB, the limit is 1 MB; take out the pictures" in complaint(
        tmp_path, "a.docx", data.getvalue()
    )


@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.pdf"])
def test_a_file_that_is_too_large_names_size_and_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(suffixes, "TEXT_BYTES", 1_000_000)
    monkeypatch.setattr(suffixes, "FILE_BYTES", 1_000_000)
    message = complaint(tmp_path, name, b"words " * 500_000)
    assert "3.0 MB" in message
    assert "limit is 1 MB" in message


def test_a_sparse_file_of_50_mb_is_refused_unread(tmp_path: Path) -> None:
    path = written(tmp_path, "a.txt", "x")
    with path.open("r+b") as file:
        file.truncate(50_000_000)
    with pytest.raises(UnreadableFile, match=r"50\.0 MB, the limit is 20 MB"):
        read(path, id="a.txt")


@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.pdf", "a.docx"])
def test_a_text_that_is_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(content, "TEXT_CHARACTERS", 40)
    data = {
        "a.txt": BODY[0].encode(),
        "a.html": page().encode(),
        "a.pdf": pdf(),
        "a.docx": docx_file(),
    }[name]
    assert "longer than 40 characters" in complaint(tmp_path, name, data)


def test_a_folder_a_dangling_link_and_a_vanished_file_are_not_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    (tmp_path / "b.txt").symlink_to(tmp_path / "gone")
    for name, words in (("a.txt", "not a file"), ("b.txt", "no longer"), ("c.txt", "no longer")):
        with pytest.raises(UnreadableFile, match=words):
            read(tmp_path / name, id=name)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(13, "Permission denied"), "permission"),
        (OSError(5, "Input/output error"), "Input/output error"),
        (FileNotFoundError(2, "No such file"), "no longer there"),
    ],
)
def test_a_file_that_the_system_does_not_give_is_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, words: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    path = written(tmp_path, "a.txt", BODY[0])
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UnreadableFile, match=words) as caught:
        read(path, id="a.txt")
    assert caught.value.__cause__ is error


def test_the_libraries_log_nothing_on_a_damaged_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for name, data in (("a.pdf", pdf()[:3000]), ("a.html", b"<html></html>")):
            complaint(tmp_path, name, data)
    assert caplog.records == []


# --- damaged on purpose --------------------------------------------------------------------------

MAKERS: dict[str, Callable[[], bytes]] = {
    "a.txt": lambda: BODY[0].encode(),
    "a.md": lambda: b"---\ntitle: x\ndate: 2016-02-12\n---\n# Head\n\ntext\n",
    "a.html": lambda: page().encode(),
    "a.pdf": lambda: pdf(pages=1),
    "a.docx": docx_file,
}
QUICK = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _readable_or_unreadable(folder: Path, name: str, data: bytes) -> None:
    """Only `UnreadableFile` may come out, and what is read can be stored and cut into blocks."""
    try:
        found = document(folder, name, data)
    except UnreadableFile as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
        return
    assert found.text.strip()
    assert found.title
    found.text.encode("utf-8")
    lines.blocks(found.text, format=found.format, title=found.title)


@pytest.mark.parametrize("name", MAKERS)
@QUICK
@given(data=st.binary(max_size=300))
def test_random_bytes_are_read_or_unreadable(tmp_path: Path, name: str, data: bytes) -> None:
    _readable_or_unreadable(tmp_path, name, data)


@pytest.mark.parametrize("name", MAKERS)
@QUICK
@given(share=st.floats(0, 1), at=st.floats(0, 1), noise=st.binary(max_size=20))
def test_cut_and_overwritten_files_are_read_or_unreadable(
    tmp_path: Path, name: str, share: float, at: float, noise: bytes
) -> None:
    whole = MAKERS[name]()
    data = bytearray(whole[: round(share * len(whole))])
    place = round(at * len(data))
    data[place : place + len(noise)] = noise
    _readable_or_unreadable(tmp_path, name, bytes(data))


# --- imports -------------------------------------------------------------------------------------


def test_importing_documents_loads_no_library_for_a_file_format() -> None:
    code = (
        "import sys, qa.documents; "
        "print([m for m in ('trafilatura', 'pypdf', 'docx', 'charset_normalizer', 'lxml', 'yaml')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
