import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_documents import BODY, docx_file, page, pdf
from test_formats_mail import mail

from qa import reading
from qa.documents import Document, Failure, read_all
from qa.errors import UnreadableFile
from qa.formats import archive, suffixes
from qa.formats.parts import Inner

Members = dict[str, bytes | str]


def zipped(members: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as package:
        for name, data in members.items():
            package.writestr(name, data)
    return made.getvalue()


def documents_of(folder: Path, data: bytes) -> tuple[list[Document], list[Failure]]:
    (folder / "a.zip").write_bytes(data)
    return read_all(folder / "a.zip", id="a.zip")


def ids(folder: Path, members: Members) -> list[str]:
    return [one.id for one in documents_of(folder, zipped(members))[0]]


def complaint(folder: Path, data: bytes) -> str:
    with pytest.raises(UnreadableFile) as caught:
        documents_of(folder, data)
    assert "a.zip" in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_readable_file_in_a_zip_is_a_document(tmp_path: Path) -> None:
    members: Members = {
        "folder/b.txt": BODY[0],
        "folder/deep/c.pdf": pdf(),
        "d.docx": docx_file(),
        "e.html": page(),
        "f.jsonl": '{"id": 1, "text": "One."}\n{"id": 2, "text": "Two."}',
        "g.eml": mail().as_bytes(),
        "picture.png": b"\x89PNG",
        "empty/": "",
    }
    found, failures = documents_of(tmp_path, zipped(members))
    assert failures == []
    assert [one.id for one in found] == [
        "a.zip/folder/b.txt",
        "a.zip/folder/deep/c.pdf",
        "a.zip/d.docx",
        "a.zip/e.html",
        "a.zip/f.jsonl/1",
        "a.zip/f.jsonl/2",
        "a.zip/g.eml",
    ]
    assert {one.path for one in found} == {tmp_path / "a.zip"}
    assert found[0].text == BODY[0]
    assert [one.title for one in found[:2]] == ["b", "Bridges of the valley"]


def test_what_a_folder_would_hide_a_zip_hides_too(tmp_path: Path) -> None:
    names = [".a.txt", "x/.git/b.txt", "__MACOSX/c.txt", "~$d.docx", "e.txt"]
    assert ids(tmp_path, dict.fromkeys(names, "words")) == ["a.zip/e.txt"]


def test_one_bad_member_is_a_failure_and_the_others_are_read(tmp_path: Path) -> None:
    members: Members = {
        "good.txt": BODY[0],
        "empty.txt": "",
        "torn.pdf": pdf()[:3000],
        "inner.zip": zipped({"b.txt": "words"}),
        "table.csv": "year,cost\n1,2\n",
    }
    found, failures = documents_of(tmp_path, zipped(members))
    assert [one.id for one in found] == ["a.zip/good.txt"]
    assert {failure.path: failure.reason.partition(": ")[2][:20] for failure in failures} == {
        "a.zip/empty.txt": "it is empty",
        "a.zip/torn.pdf": "the PDF is damaged; ",
        "a.zip/inner.zip": "it is a zip file in ",
        "a.zip/table.csv": "no column or field i",
    }


def test_names_that_try_to_leave_the_zip_stay_in_it(tmp_path: Path) -> None:
    names = [
        "../../etc/a.txt",
        "/abs/b.txt",
        "C:\\c\\d.txt",
        "..\\e.txt",
        "x/./y//f.txt",
        "g\n.txt",
    ]
    assert ids(tmp_path, dict.fromkeys(names, "words")) == [
        "a.zip/etc/a.txt",
        "a.zip/abs/b.txt",
        "a.zip/c/d.txt",
        "a.zip/e.txt",
        "a.zip/x/y/f.txt",
        "a.zip/g_.txt",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_two_documents(tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as package:
        for text in ("One.", "Two.", "Three."):
            package.writestr("b.txt", text)
    found, _ = documents_of(tmp_path, made.getvalue())
    assert [one.id for one in found] == ["a.zip/b.txt", "a.zip/b-2.txt", "a.zip/b-3.txt"]


def test_names_in_utf_8_that_do_not_say_so_are_read_as_they_are_meant(tmp_path: Path) -> None:
    data = zipped({"Groesse.txt": "words"}).replace(b"Groesse", "Größe".encode())
    assert documents_of(tmp_path, data)[0][0].id == "a.zip/Größe.txt"


# --- abuse ---------------------------------------------------------------------------------------


def test_a_member_that_unfolds_without_measure_is_not_unfolded(tmp_path: Path) -> None:
    data = zipped({"bomb.txt": b"a" * 19_000_000, "good.txt": BODY[0]})
    (found,), (failure,) = documents_of(tmp_path, data)
    assert found.id == "a.zip/good.txt"
    assert "more than 300 times its size" in failure.reason


def test_a_member_that_is_too_large_is_not_unfolded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suffixes, "TEXT_BYTES", 1_000)
    data = zipped({"big.txt": BODY[0] * 20, "good.txt": BODY[0]}, zipfile.ZIP_STORED)
    (found,), (failure,) = documents_of(tmp_path, data)
    assert found.id == "a.zip/good.txt"
    assert "limit is" in failure.reason


def test_a_size_that_lies_is_no_way_around_the_limit(tmp_path: Path) -> None:
    data = bytearray(zipped({"b.txt": b"words " * 10_000}))
    place = data.index(b"PK\x01\x02")
    struct.pack_into("<L", data, place + 24, 100)  # the size, in the directory
    complaint(tmp_path, bytes(data))


def test_many_large_members_stop_at_the_limit_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "COLLECTION_CHARACTERS", 10 * len(BODY[0]))
    data = zipped({f"{number}.txt": BODY[0] for number in range(50)})
    found, (failure,) = documents_of(tmp_path, data)
    assert len(found) == 10
    assert failure.path == "a.zip"
    assert "only a part" in failure.reason


def test_thousands_of_bad_members_are_summed_up(tmp_path: Path) -> None:
    members: Members = {f"{number}.pdf": b"" for number in range(3_000)}
    found, failures = documents_of(tmp_path, zipped(members | {"good.txt": "words"}))
    assert len(found) == 1
    assert len(failures) == 21
    assert "2,980 more" in failures[-1].reason


def test_very_many_tiny_members_are_read_or_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = zipped({f"{number}.png": b"" for number in range(100_000)} | {"a.txt": "words"})
    assert len(documents_of(tmp_path, data)[0]) == 1
    monkeypatch.setattr(archive, "MEMBERS", 1_000)
    assert "100,001 files, the limit is 1,000" in complaint(tmp_path, data)


def test_a_list_of_members_that_is_too_long_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = zipped({f"{number}.txt": "words" for number in range(100)})
    monkeypatch.setattr(archive, "DIRECTORY_BYTES", 1_000)
    monkeypatch.setattr(archive.zipfile, "ZipFile", None)
    assert "lists too many files" in complaint(tmp_path, data)


def test_a_protected_member_is_named(tmp_path: Path) -> None:
    data = bytearray(zipped({"b.txt": "words"}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    assert "protected by a password" in complaint(tmp_path, bytes(data))


def test_a_packing_that_is_not_known_is_named(tmp_path: Path) -> None:
    data = bytearray(zipped({"b.txt": "words"}))
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.index(mark) + place] = 9  # Deflate64
    assert "packed in a way" in complaint(tmp_path, bytes(data))


def test_a_damaged_member_is_a_failure(tmp_path: Path) -> None:
    data = bytearray(zipped({"b.txt": BODY[0], "c.txt": "good"}, zipfile.ZIP_STORED))
    data[data.index(BODY[0].encode())] ^= 1
    (found,), (failure,) = documents_of(tmp_path, bytes(data))
    assert (found.id, failure.path) == ("a.zip/c.txt", "a.zip/b.txt")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "damaged"),
        (b"words", "damaged"),
        (zipped({"a.txt": "words"})[:-30], "damaged"),
        (zipped({}), "no readable document"),
        (zipped({"a.png": b"x"}), "no readable document"),
        (zipped({"a.txt": ""}), "it is empty"),
    ],
)
def test_a_zip_with_nothing_to_read_says_so(tmp_path: Path, data: bytes, words: str) -> None:
    assert words in complaint(tmp_path, data)


def test_a_zip_in_a_mail_is_read_and_a_mail_in_a_zip_but_no_deeper(tmp_path: Path) -> None:
    made = mail()
    inner = zipped({"b.txt": "words", "c.zip": zipped({"d.txt": "words"})})
    made.add_attachment(inner, maintype="application", subtype="zip", filename="b.zip")
    (tmp_path / "a.eml").write_bytes(made.as_bytes())
    found, failures = read_all(tmp_path / "a.eml", id="a.eml")
    assert [one.id for one in found] == ["a.eml", "a.eml/b.zip/b.txt"]
    assert [failure.path for failure in failures] == ["a.eml/b.zip/c.zip"]
    found, failures = documents_of(tmp_path, zipped({"m.eml": made.as_bytes()}))
    assert [one.id for one in found] == ["a.zip/m.eml"]
    assert "too deep" in failures[0].reason


@given(share=st.floats(0, 1), at=st.floats(0, 1), noise=st.binary(max_size=30))
def test_cut_and_overwritten_zips_are_read_or_unreadable(
    share: float, at: float, noise: bytes
) -> None:
    data = bytearray(zipped({"b.txt": BODY[0], "c/d.jsonl": '{"text": "x"}'}))
    del data[round(share * len(data)) :]
    place = round(at * len(data))
    data[place : place + len(noise)] = noise
    try:
        parts = list(archive.read(io.BytesIO(bytes(data)), "a"))
    except UnreadableFile as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
        return
    assert not any(isinstance(part, Inner) for part in parts)
