import datetime
import io
import mailbox
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_documents import BODY, docx_file, page, pdf

from qa import lines
from qa.documents import Document, Failure, read_all
from qa.errors import UnreadableFile
from qa.formats import mbox, suffixes
from qa.formats.encoding import decode_declared
from qa.formats.parts import Inner

FEBRUARY = datetime.date(2016, 2, 12)
HEAD = b"From: a@b.org\r\nSubject: Bridge\r\n"


def documents_of(folder: Path, name: str, data: bytes) -> tuple[list[Document], list[Failure]]:
    (folder / name).write_bytes(data)
    return read_all(folder / name, id=name)


def complaint(folder: Path, name: str, data: bytes) -> str:
    with pytest.raises(UnreadableFile) as caught:
        documents_of(folder, name, data)
    message = str(caught.value)
    assert name in message
    assert "\n" not in message
    return message


def mail(
    text: str | None = BODY[0], *, html: str | None = None, subject: str = "The bridge"
) -> EmailMessage:
    made = EmailMessage()
    made["From"] = "Anna Müller <anna@valley.org>"
    made["To"] = "council@valley.org"
    made["Subject"] = subject
    made["Date"] = "Fri, 12 Feb 2016 23:30:00 -0500"
    made["Message-ID"] = f"<{subject.replace(' ', '-')}@valley.org>"
    if text is not None:
        made.set_content(text, cte="quoted-printable")
    if html is not None and text is not None:
        made.add_alternative(html, subtype="html")
    elif html is not None:
        made.set_content(html, subtype="html", cte="base64")
    return made


def body_of(folder: Path, data: bytes) -> str:
    (found,), failures = documents_of(folder, "a.eml", data)
    assert failures == []
    return found.text


# --- messages ------------------------------------------------------------------------------------


def test_a_message_gives_its_text_subject_sender_and_the_day_it_was_sent(tmp_path: Path) -> None:
    data = mail("Größe: 4 Mio. €\n\nEine sehr lange Zeile. " + "Wort " * 40).as_bytes()
    (found,), failures = documents_of(tmp_path, "a.eml", data)
    assert failures == []
    assert (found.id, found.title) == ("a.eml", "The bridge")
    assert (found.date, found.source) == (FEBRUARY, "Anna Müller")
    assert found.text.startswith("Größe: 4 Mio. €\n\nEine sehr lange Zeile. Wort Wort")
    assert found.path == tmp_path / "a.eml"


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        (b"=?utf-8?Q?Gr=C3=B6=C3=9Fe?= der =?utf-8?B?QnLDvGNrZQ==?=", "Größe der Brücke"),
        (
            b"=?utf-8?B?R3LDtsOf?=\r\n =?utf-8?B?ZSBkZXI=?= =?utf-8?Q?_Br=C3=BCcke?=",
            "Größe der Brücke",
        ),
        (b"=?iso-8859-1?Q?Gr=F6=DFe?=", "Größe"),
        (b"=?nonsense?Q?Bridge?=", "Bridge"),
        (b"=?utf-8?B?QnLDvGNr?= =?utf-8?B?!!!?=", "Brück"),
        ("Größe der Brücke".encode(), "Größe der Brücke"),
        ("Größe der Brücke".encode("latin-1"), "Größe der Brücke"),
        (b"A subject\r\n that is folded\r\n\tin three", "A subject that is folded in three"),
        (b"Plain =?broken", "Plain =?broken"),
    ],
)
def test_a_subject_is_decoded_however_it_is_written(
    tmp_path: Path, raw: bytes, subject: str
) -> None:
    data = b"From: a@b.org\r\nSubject: " + raw + b"\r\n\r\nThe text.\r\n"
    assert documents_of(tmp_path, "a.eml", data)[0][0].title == subject


@pytest.mark.parametrize(
    ("sender", "source"),
    [
        (b'"Miller, Anna" <anna@b.org>', "Miller, Anna"),
        (b"anna@b.org", "anna@b.org"),
        (b"=?utf-8?Q?M=C3=BCller=2C_Anna?= <anna@b.org>", "Müller, Anna"),
        ("Anna Müller <anna@b.org>".encode("latin-1"), "Anna Müller"),
        (b"A <a@b.org>, B <b@b.org>", "A, B"),
        (b"", ""),
        (b"<<<>>>,;:", ""),
    ],
)
def test_the_sender_is_the_source(tmp_path: Path, sender: bytes, source: str) -> None:
    data = b"From: " + sender + b"\r\nSubject: x\r\n\r\nThe text.\r\n"
    assert documents_of(tmp_path, "a.eml", data)[0][0].source == source


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("Fri, 12 Feb 2016 23:59:59 +1300", FEBRUARY),
        ("12 Feb 16 10:00 GMT", FEBRUARY),
        ("2016-02-12 10:00:00", FEBRUARY),
        ("Fri, 31 Feb 2016 10:00:00 +0000", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_the_date_is_the_sender_s(tmp_path: Path, written: str, day: datetime.date | None) -> None:
    data = HEAD + f"Date: {written}\r\n\r\nThe text.\r\n".encode()
    assert documents_of(tmp_path, "a.eml", data)[0][0].date == day


@pytest.mark.parametrize(
    ("declared", "data", "text"),
    [
        ("utf-8", "déjà vu".encode(), "déjà vu"),
        ("us-ascii", "déjà vu".encode(), "déjà vu"),
        ("iso-8859-1", "déjà vu".encode(), "déjà vu"),
        ("iso-8859-1", "“déjà” €".encode("cp1252"), "“déjà” €"),
        ("utf-8", "“déjà vu”".encode("cp1252"), "“déjà vu”"),
        ("nonsense", "déjà vu".encode(), "déjà vu"),
        ("koi8-r", "мост".encode("koi8-r"), "мост"),
        ("base64", b"words", "words"),
        ("", b"words", "words"),
    ],
)
def test_a_declared_character_set_is_believed_if_it_can_be(
    declared: str, data: bytes, text: str
) -> None:
    assert decode_declared(data, declared) == text


def test_of_a_text_and_its_html_the_text_is_taken(tmp_path: Path) -> None:
    html = f"<html><body><p>{BODY[0]}</p></body></html>"
    assert body_of(tmp_path, mail(html=html).as_bytes()).strip() == BODY[0]


def test_a_stub_of_a_text_gives_way_to_the_html(tmp_path: Path) -> None:
    html = f"<html><body>{''.join(f'<p>{sentence}</p>' for sentence in BODY)}</body></html>"
    data = mail("Please use a mail program that shows HTML.", html=html).as_bytes()
    assert body_of(tmp_path, data) == "\n\n".join(BODY)


def test_a_message_in_html_only_is_read_whole(tmp_path: Path) -> None:
    html = (
        "<html><head><style>p {color: red}</style><title>no</title></head><body>"
        '<div style="display:none">seen by nobody</div><h1>News</h1>'
        "<table><tr><td><p>Tom &amp; Ann<br>wrote.</p></td><td><p>Aside.</p></td></tr></table>"
        "<ul><li>stone</li><li>wood</li></ul><script>no()</script></body></html>"
    )
    (found,), _ = documents_of(tmp_path, "a.eml", mail(None, html=html).as_bytes())
    assert found.text == "# News\n\nTom & Ann\nwrote.\n\nAside.\n\n- stone\n- wood"
    assert found.format == "markdown"


def test_attachments_are_documents_of_their_own(tmp_path: Path) -> None:
    made = mail()
    made.add_attachment(pdf(), maintype="application", subtype="pdf", filename="Größe.pdf")
    made.add_attachment(docx_file(), maintype="application", subtype="x", filename="C:\\d\\a.docx")
    made.add_attachment("Attached words.", filename="../../notes.txt")
    made.add_attachment("More words.", filename="notes.txt")
    made.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="logo.png")
    made.add_attachment(pdf()[:3000], maintype="application", subtype="pdf", filename="torn.pdf")
    found, failures = documents_of(tmp_path, "a.eml", made.as_bytes())
    assert [one.id for one in found] == [
        "a.eml",
        "a.eml/Größe.pdf",
        "a.eml/a.docx",
        "a.eml/notes.txt",
        "a.eml/notes-2.txt",
    ]
    assert found[1].title == "Bridges of the valley"
    assert found[3].text.strip() == "Attached words."
    assert [failure.path for failure in failures] == ["a.eml/torn.pdf"]
    assert "a.eml/torn.pdf" in failures[0].reason


def test_a_message_that_is_only_its_attachment_is_no_failure(tmp_path: Path) -> None:
    made = mail("\n")
    made.add_attachment(pdf(), maintype="application", subtype="pdf", filename="a.pdf")
    found, failures = documents_of(tmp_path, "a.eml", made.as_bytes())
    assert ([one.id for one in found], failures) == (["a.eml/a.pdf"], [])


def test_an_attachment_without_a_name_is_known_by_its_kind(tmp_path: Path) -> None:
    made = mail()
    made.add_attachment(pdf(), maintype="application", subtype="pdf")
    found, _ = documents_of(tmp_path, "a.eml", made.as_bytes())
    assert found[1].id == "a.eml/attachment 1.pdf"


def test_a_forwarded_message_is_a_document_with_its_own_sender_and_date(tmp_path: Path) -> None:
    inner = mail("The older text.", subject="Old/news")
    inner.add_attachment("Attached words.", filename="notes.txt")
    made = EmailMessage()
    made["From"] = "b@b.org"
    made["Subject"] = "Fwd"
    made.set_content("See below.")
    made.add_attachment(inner)
    found, _ = documents_of(tmp_path, "a.eml", made.as_bytes())
    assert [one.id for one in found] == [
        "a.eml",
        "a.eml/Old-news.eml",
        "a.eml/Old-news.eml/notes.txt",
    ]
    assert (found[1].title, found[1].source, found[1].date) == ("Old/news", "Anna Müller", FEBRUARY)


def test_messages_nested_without_end_are_followed_only_so_far(tmp_path: Path) -> None:
    data = b"Subject: innermost\r\n\r\nThe text.\r\n"
    for number in range(300):
        head = f"Subject: {number}\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n"
        data = head.encode() + data
    assert "nested 8 deep" in complaint(tmp_path, "a.eml", data)
    multipart = b"Subject: x\r\n"
    for number in range(300):
        multipart += b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (
            number,
            number,
        )
    complaint(tmp_path, "b.eml", multipart)


def test_a_message_of_very_many_parts_ends(tmp_path: Path) -> None:
    part = b"--b\r\nContent-Type: text/plain\r\n\r\nWords.\r\n"
    data = (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 20_000 + b"--b--\r\n"
    )
    assert body_of(tmp_path, data).count("Words.") < 1_001


def test_a_message_whose_boundary_is_missing_is_read_as_text(tmp_path: Path) -> None:
    for kind in (b"multipart/mixed; boundary=b", b"multipart/alternative;"):
        data = HEAD + b"Content-Type: " + kind + b"\r\n\r\nThe text.\r\n"
        assert body_of(tmp_path, data).strip() == "The text."


def test_damaged_encodings_cost_only_themselves(tmp_path: Path) -> None:
    for encoding in (b"base64", b"quoted-printable", b"x-unknown", b"8bit"):
        data = HEAD + b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\nThe text =ZZ here."
        (found,), _ = documents_of(tmp_path, "a.eml", data)
        assert found.title == "Bridge"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "e-mail"),
        (b"Just some words.\n\nMore of them.", "does not begin as an e-mail does"),
        (pdf(pages=1), "does not begin as an e-mail does"),
        (HEAD + b"\r\n \r\n", "no text in the message"),
        (HEAD + b"Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n", "encrypted"),
    ],
)
def test_what_is_no_message_or_says_nothing_is_unreadable(
    tmp_path: Path, data: bytes, words: str
) -> None:
    assert words in complaint(tmp_path, "a.eml", data)


def test_only_a_saved_web_page_needs_the_reader_of_web_pages(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(mail(None, html="<p>The text.</p>").as_bytes())
    (tmp_path / "b.csv").write_text("text\nwords\n")
    (tmp_path / "c.jsonl").write_text('{"text": "words"}\n')
    code = (
        "import pathlib, sys; from qa.documents import read_all\n"
        "for name in sys.argv[1:]: read_all(pathlib.Path(name), id=name)\n"
        "print([name for name in ('trafilatura', 'pypdf', 'docx', 'lxml') if name in sys.modules])"
    )

    def loaded(*names: str) -> str:
        command = [sys.executable, "-c", code, *(str(tmp_path / name) for name in names)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert loaded("b.csv", "c.jsonl") == "[]"
    assert loaded("a.eml") == "['lxml']"


# --- mailboxes -----------------------------------------------------------------------------------


def box(folder: Path, *messages: EmailMessage) -> bytes:
    path = folder / "made.box"
    path.unlink(missing_ok=True)
    made = mailbox.mbox(path)
    for message in messages:
        made.add(message)
    made.close()
    return path.read_bytes()


def test_a_mailbox_gives_each_message_under_its_message_id(tmp_path: Path) -> None:
    text = "First.\n\nFrom here on it is one message.\n\n>From there too.\n"
    data = box(tmp_path, mail(text, subject="One"), mail(subject="Two"), mail(subject="Three"))
    found, failures = documents_of(tmp_path, "a.mbox", data)
    assert failures == []
    assert [one.id for one in found] == [
        f"a.mbox/{name}@valley.org" for name in ("One", "Two", "Three")
    ]
    assert [one.title for one in found] == ["One", "Two", "Three"]
    assert "\nFrom here on it is one message." in found[0].text


def test_ids_stay_when_messages_are_added_or_taken_away(tmp_path: Path) -> None:
    nameless = mail("No id here.", subject="Four")
    del nameless["Message-ID"]
    three = box(tmp_path, mail(subject="One"), nameless, mail(subject="Three"))
    two = box(tmp_path, nameless, mail(subject="Three"), mail(subject="Five"))
    before = {one.id for one in documents_of(tmp_path, "a.mbox", three)[0]}
    after = {one.id for one in documents_of(tmp_path, "a.mbox", two)[0]}
    assert len(before) == len(after) == 3
    assert len(before & after) == 2


def test_the_same_message_twice_has_two_ids(tmp_path: Path) -> None:
    data = box(tmp_path, mail(subject="One"), mail(subject="One"))
    found, _ = documents_of(tmp_path, "a.mbox", data)
    assert [one.id for one in found] == ["a.mbox/One@valley.org", "a.mbox/One@valley.org-2"]


def test_a_line_that_only_begins_like_a_message_does_not_end_one(tmp_path: Path) -> None:
    data = (
        b"From MAILER-DAEMON Fri Feb 12 10:00:00 2016\nSubject: One\n\nIt begins.\n\n"
        b"From the bridge one sees the mill.\n\nFrom a@b.org Fri Feb 12 10:00:00 2016\n"
        b"Subject: Two\n\nAnother.\n"
    )
    found, _ = documents_of(tmp_path, "a.mbox", data)
    assert [one.title for one in found] == ["One", "Two"]
    assert "From the bridge" in found[0].text


def test_bad_messages_are_failures_and_many_of_them_are_summed_up(tmp_path: Path) -> None:
    empty = b"From a@b.org Fri Feb 12 10:00:00 2016\nSubject: x\nMessage-ID: <%d>\n\n\n\n"
    data = b"".join(empty % number for number in range(500)) + box(tmp_path, mail())
    found, failures = documents_of(tmp_path, "a.mbox", data)
    assert len(found) == 1
    assert len(failures) == 21
    assert failures[-1] == Failure("a.mbox", "cannot read 480 more of what is in 'a.mbox'")
    assert len({failure.path for failure in failures}) == 21


def test_a_message_that_is_too_large_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mbox, "MESSAGE_BYTES", 2_000)
    data = box(tmp_path, mail("Many words. " * 1_000, subject="Big"), mail(subject="Small"))
    (found,), (failure,) = documents_of(tmp_path, "a.mbox", data)
    assert found.title == "Small"
    assert "larger than" in failure.reason


def test_what_is_no_mailbox_says_so(tmp_path: Path) -> None:
    for data in (b"", b"Subject: x\n\ntext", pdf(pages=1)):
        assert "no mailbox" in complaint(tmp_path, "a.mbox", data)


# --- saved web pages -----------------------------------------------------------------------------


def mhtml(html: str, *, location: str = "https://www.valley.org/bridge") -> bytes:
    made = EmailMessage()
    made["From"] = "<Saved by Blink>"
    made["Snapshot-Content-Location"] = location
    made["Subject"] = "Bridges"
    made["Date"] = "Sat, 13 Feb 2021 10:00:00 -0000"
    made.set_content("", subtype="css")
    made.make_related()
    made.add_related(html, subtype="html", cte="quoted-printable")
    list(made.iter_parts())[-1]["Content-Location"] = location
    made.add_related(b"\x89PNG", maintype="image", subtype="png")
    return made.as_bytes()


@pytest.mark.parametrize("name", ["a.mhtml", "a.MHT"])
def test_a_saved_web_page_is_read_as_the_page_it_is(tmp_path: Path, name: str) -> None:
    (found,), _ = documents_of(tmp_path, name, mhtml(page(body="<p>Größe: 4 Mio. €</p>")))
    assert found.id == name
    assert found.title == "The bridge will be mended"
    assert "Größe: 4 Mio. €" in found.text
    assert "Sport" not in found.text
    assert found.date is None  # the day it was saved is not the day it was published
    assert found.source == "valley.org"


@pytest.mark.parametrize(
    ("html", "source"),
    [
        (f"<!-- saved from url=(0029)https://www.valley.org/bridge -->\n{page()}", "valley.org"),
        (page(head='<link rel="canonical" href="https://news.valley.org/1">'), "news.valley.org"),
        (page(head='<meta property="og:site_name" content="The Valley">'), "The Valley"),
        (page(head='<meta name="author" content="Anna Miller">'), "Anna Miller"),
        (page(), ""),
    ],
)
def test_a_page_s_source_is_its_site_or_where_it_was_saved_from(
    tmp_path: Path, html: str, source: str
) -> None:
    (found,), _ = documents_of(tmp_path, "a.html", html.encode())
    assert found.source == source


@pytest.mark.parametrize("data", [b"", b"words", HEAD + b"\r\nNo page here.", mhtml(page())[:300]])
def test_what_holds_no_page_says_so(tmp_path: Path, data: bytes) -> None:
    complaint(tmp_path, "a.mhtml", data)


# --- damaged on purpose --------------------------------------------------------------------------


def whole(suffix: str) -> bytes:
    made = mail(html=page())
    made.add_attachment(mail(subject="Inner"))
    made.add_attachment("Attached words.", filename="notes.txt")
    start = b"From a@b.org Fri Feb 12 10:00:00 2016\n" if suffix == ".mbox" else b""
    return mhtml(page()) if suffix == ".mhtml" else start + made.as_bytes()


@pytest.mark.parametrize("suffix", [".eml", ".mbox"])
@given(share=st.floats(0, 1), at=st.floats(0, 1), noise=st.binary(max_size=30))
def test_cut_and_overwritten_mail_is_read_or_unreadable(
    suffix: str, share: float, at: float, noise: bytes
) -> None:
    data = bytearray(whole(suffix))
    del data[round(share * len(data)) :]
    place = round(at * len(data))
    data[place : place + len(noise)] = noise
    try:
        parts = list(suffixes.SEVERAL[suffix](io.BytesIO(bytes(data)), "a"))
    except UnreadableFile as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
        return
    for part in parts:
        if isinstance(part, Inner):
            part.content.text.encode()
            lines.blocks(part.content.text, format=part.content.format, title=part.content.title)
