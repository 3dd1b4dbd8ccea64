import csv
import datetime
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa import reading
from qa.documents import Document, Failure, read, read_all
from qa.errors import UnreadableFile
from qa.formats import objects, records, suffixes
from qa.formats.content import clean
from qa.formats.parts import Inner

FEBRUARY = datetime.date(2016, 2, 12)
TABLE = """ID;Headline;Article Text;Pub Date;URL
b-7;The bridge;"It will be mended,
says ""the council"" at last.";2016-02-12;https://www.valley.org/bridge
b-8;The mill;The mill stands still.;12.02.2016;
"""


def documents_of(
    folder: Path, name: str, data: bytes | str
) -> tuple[list[Document], list[Failure]]:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_all(path, id=name)


def complaint(folder: Path, name: str, data: bytes | str) -> str:
    with pytest.raises(UnreadableFile) as caught:
        documents_of(folder, name, data)
    message = str(caught.value)
    assert name in message
    assert "\n" not in message
    return message


def jsonl(*values: object) -> str:
    return "\n".join(map(json.dumps, values))


# --- tables --------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_a_table_s_columns_are_known_by_their_names(tmp_path: Path, encoding: str) -> None:
    found, failures = documents_of(tmp_path, "t.csv", TABLE.encode(encoding))
    assert failures == []
    first, second = found
    assert (first.id, first.title, first.date) == ("t.csv/b-7", "The bridge", FEBRUARY)
    assert first.text == 'It will be mended,\nsays "the council" at last.'
    assert (first.source, first.path) == ("valley.org", tmp_path / "t.csv")
    assert (second.id, second.date, second.source) == ("t.csv/b-8", FEBRUARY, "")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_out(tmp_path: Path, separator: str) -> None:
    out = io.StringIO()
    rows = [("text", "title"), ("One, two; three | four.", "A"), ("Five\nsix.", "B, C")]
    csv.writer(out, delimiter=separator).writerows(rows)
    found, _ = documents_of(tmp_path, "t.csv", out.getvalue())
    assert [(one.text, one.title) for one in found] == [(text, title) for text, title in rows[1:]]


def test_in_a_tsv_a_quotation_mark_may_be_just_one(tmp_path: Path) -> None:
    table = 'id\ttext\n1\t"Never," he said.\n2\tA 5" pipe.\n3\t"Open\n4\tLast.\n'
    found, failures = documents_of(tmp_path, "t.tsv", table)
    assert [one.text for one in found] == ['"Never," he said.', 'A 5" pipe.', '"Open', "Last."]
    assert failures == []


def test_a_text_may_be_longer_than_what_csv_takes_by_itself(tmp_path: Path) -> None:
    text = "A long sentence about bridges. " * 10_000
    assert documents_of(tmp_path, "t.csv", f"text,id\n{text},1\n")[0][0].text == text


def test_rows_without_an_id_are_numbered_and_ids_that_come_again_too(tmp_path: Path) -> None:
    found, _ = documents_of(tmp_path, "t.csv", "text\nOne.\nTwo.\n")
    assert [one.id for one in found] == ["t.csv/1", "t.csv/2"]
    found, _ = documents_of(tmp_path, "t.csv", "id,text\na,One.\na,Two.\na-2,Three.\na,Four.\n")
    assert [one.id for one in found] == ["t.csv/a", "t.csv/a-2", "t.csv/a-2-2", "t.csv/a-3"]


def test_empty_and_uneven_rows_are_counted_in_one_failure(tmp_path: Path) -> None:
    table = "id,text\n1,One.\n2,\n3,\n,\n\n4,Two, and more.\n5,Three.\n"
    found, failures = documents_of(tmp_path, "t.csv", table)
    assert [one.text for one in found] == ["One.", "Three."]
    (failure,) = failures
    assert failure.path == "t.csv"
    assert "of 6 records, 1 cannot be read (the first: line 7 has 3 columns" in failure.reason
    assert "3 empty" in failure.reason


def test_a_table_without_a_text_says_which_columns_it_has(tmp_path: Path) -> None:
    message = complaint(tmp_path, "t.csv", "year,cost\n1912,2 million\n")
    assert "it has 'year', 'cost'" in message
    assert "'text', 'body'" in message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"text\n", "no readable document"),
        (b"text\n\n \n", "1 empty"),
        (b"\x00\x01\x02\x03" * 10, "binary"),
    ],
)
def test_a_table_with_nothing_in_it_says_so(tmp_path: Path, data: bytes, words: str) -> None:
    assert words in complaint(tmp_path, "t.csv", data)


cells = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1).filter(str.strip)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=5), st.sampled_from(",;\t"))
def test_what_csv_writes_is_read_the_same(rows: list[tuple[str, str]], separator: str) -> None:
    out = io.StringIO()
    table = [("key", "text"), *rows]
    csv.writer(out, delimiter=separator, quoting=csv.QUOTE_ALL).writerows(table)
    parts = suffixes.SEVERAL[".csv"](io.BytesIO(out.getvalue().encode()), "t.csv")
    texts = [part.content.text for part in parts if isinstance(part, Inner)]
    kept = [text for _, text in rows if text.strip("\ufeff\u200b \xa0")]
    if not any(records.hypertext.looks_like_html(text) for text in kept):
        assert texts == [clean(text) for text in kept]


# --- JSON ----------------------------------------------------------------------------------------


def test_json_lines_give_a_document_each(tmp_path: Path) -> None:
    lines = jsonl(
        {
            "_id": "d1",
            "title": "Bridge",
            "text": "Mended.",
            "date": "2016-02-12",
            "source": "Valley",
        },
        {
            "_id": 2,
            "title": None,
            "text": "The mill\n\nIt stands still.",
            "author": {"name": "Ann"},
        },
    )
    for name in ("a.jsonl", "a.ndjson", "a.json"):
        (first, second), failures = documents_of(tmp_path, name, lines)
        assert failures == []
        assert (first.id, first.title, first.text) == (f"{name}/d1", "Bridge", "Mended.")
        assert (first.date, first.source) == (FEBRUARY, "Valley")
        assert (second.id, second.source) == (f"{name}/2", "Ann")


def test_a_broken_line_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    good = [{"text": f"Text {number}."} for number in range(40)]
    lines = [*map(json.dumps, good), '{"text": "cut of', '["a list"]', "7", "", '{"text": ""}']
    found, (failure,) = documents_of(tmp_path, "a.jsonl", "\n".join(lines))
    assert [one.text for one in found] == [record["text"] for record in good]
    assert failure.path == "a.jsonl"
    assert "of 44 records, 3 cannot be read (the first: line 41, column" in failure.reason
    assert "1 empty" in failure.reason


def test_thousands_of_broken_lines_are_one_failure(tmp_path: Path) -> None:
    found, failures = documents_of(tmp_path, "a.jsonl", '{"text": "x"}\n' + "{\n" * 5_000)
    assert (len(found), len(failures)) == (1, 1)
    assert "5,000 cannot be read" in failures[0].reason


@pytest.mark.parametrize(
    "value",
    [
        [{"text": "One."}, {"text": "Two."}],
        {"articles": [{"body": "One."}, {"body": "Two."}], "count": 2, "tags": [{"name": "x"}]},
        {"response": {"status": "ok", "results": [{"content": "One."}, {"content": "Two."}]}},
        {
            "hits": {
                "hits": [{"_id": 1, "_source": {"text": "One."}}, {"_source": {"text": "Two."}}]
            }
        },
        {"first": {"abstract": "One."}, "second": {"abstract": "Two."}},
        [{"fields": {"bodyText": "One."}}, {"fields": {"bodyText": "Two."}}],
        [{"description": "One."}, {"description": "Two."}],
    ],
    ids=["list", "object", "response", "hits", "keyed", "fields", "descriptions"],
)
def test_records_are_found_where_programs_put_them(tmp_path: Path, value: object) -> None:
    found, failures = documents_of(tmp_path, "a.json", json.dumps(value, indent=1))
    assert [one.text for one in found] == ["One.", "Two."]
    assert failures == []


def test_keys_of_an_object_of_records_are_their_ids(tmp_path: Path) -> None:
    value = {"first": {"text": "One."}, "second": {"text": "Two."}}
    found, _ = documents_of(tmp_path, "a.json", json.dumps(value))
    assert [one.id for one in found] == ["a.json/first", "a.json/second"]


def test_a_json_file_of_one_article_is_one_document(tmp_path: Path) -> None:
    value = {"title": "Bridge", "text": "Mended.", "url": "https://news.valley.org/1", "tags": []}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value))
    found = read(path, id="a.json")
    assert (found.id, found.title, found.text) == ("a.json", "Bridge", "Mended.")
    assert found.source == "news.valley.org"


def test_remarks_on_an_article_and_articles_with_a_remark_are_told_apart(tmp_path: Path) -> None:
    remarks = [{"text": "Fine."}, {"text": "Well."}]
    article = {"text": "The bridge will be mended before the winter.", "comments": remarks}
    found, _ = documents_of(tmp_path, "a.json", json.dumps(article))
    assert [one.id for one in found] == ["a.json"]
    articles = {"message": "success", "data": [article, article]}
    found, _ = documents_of(tmp_path, "a.json", json.dumps(articles))
    assert [one.id for one in found] == ["a.json/1", "a.json/2"]


@pytest.mark.parametrize(
    "value",
    [
        {"name": "page", "version": "1.0", "description": "A page.", "dependencies": {"a": "1"}},
        {"compilerOptions": {"strict": True}},
        [1, 2, 3],
        ["a", "b"],
        "text",
        7,
        None,
        {},
        [],
    ],
)
def test_json_that_is_no_records_is_refused_in_a_few_words(tmp_path: Path, value: object) -> None:
    message = complaint(tmp_path, "a.json", json.dumps(value))
    assert "known for a text" in message or "no list of records" in message
    assert len(message) < 300


@pytest.mark.parametrize(
    "data", [b"{", b'{"text": ', b"\xff\xfe\x00", b"[" * 100_000, b'{"text": "a"} and', b"nothing"]
)
def test_broken_json_is_refused(tmp_path: Path, data: bytes) -> None:
    message = complaint(tmp_path, "a.json", data)
    assert "JSON" in message


def test_a_jsonl_that_is_a_list_after_all_is_read_as_one(tmp_path: Path) -> None:
    found, _ = documents_of(tmp_path, "a.jsonl", ' [\n{"text": "One."},\n{"text": "Two."}]')
    assert [one.text for one in found] == ["One.", "Two."]


def test_a_list_of_strings_is_joined(tmp_path: Path) -> None:
    sentences, paragraphs = ["One.", "Two."], ["A long one. " * 30, "Another one. " * 30]
    lines = jsonl({"abstract": sentences}, {"paragraphs": paragraphs})
    (first, second), _ = documents_of(tmp_path, "a.jsonl", lines)
    assert first.text == "One. Two."
    assert second.text == "\n\n".join(paragraph.strip() for paragraph in paragraphs)


def test_a_field_in_html_is_read_as_a_reader_sees_it(tmp_path: Path) -> None:
    value = {"text": "<h2>Costs</h2><p>Four &amp; <b>no</b> more.</p><p>x &lt; y</p>"}
    (found,), _ = documents_of(tmp_path, "a.jsonl", json.dumps(value))
    assert (found.text, found.format) == ("## Costs\n\nFour & no more.\n\nx < y", "markdown")


def test_a_less_than_sign_makes_no_html(tmp_path: Path) -> None:
    text = "For a < b and b > c see <Smith 1912> & others."
    assert documents_of(tmp_path, "a.jsonl", json.dumps({"text": text}))[0][0].text == text


@pytest.mark.parametrize(
    "value", [1455235200, 1455235200.5, "1455235200", 1455235200123, {"$date": "2016-02-12T00:00Z"}]
)
def test_a_date_may_be_seconds_since_1970(tmp_path: Path, value: object) -> None:
    line = json.dumps({"text": "x", "created_utc": value, "_id": {"$oid": "5f"}})
    (found,), _ = documents_of(tmp_path, "a.jsonl", line)
    assert (found.date, found.id) == (FEBRUARY, "a.jsonl/5f")


@pytest.mark.parametrize("value", [2016, True, 0, "soon", "03/04/2016", None, [], 10**30, -1])
def test_a_date_is_not_guessed(tmp_path: Path, value: object) -> None:
    line = json.dumps({"text": "x", "date": value})
    assert documents_of(tmp_path, "a.jsonl", line)[0][0].date is None


def test_the_day_of_publication_comes_before_the_day_of_making(tmp_path: Path) -> None:
    line = json.dumps({"created_at": "2019-01-01", "text": "x", "published": "2016-02-12"})
    assert documents_of(tmp_path, "a.jsonl", line)[0][0].date == FEBRUARY


def test_surrogates_and_control_characters_can_be_stored(tmp_path: Path) -> None:
    line = '{"text": "a\\ud800b\\u0000c", "id": "x\\ny\\u0007", "title": "t\\ud800"}'
    (found,), _ = documents_of(tmp_path, "a.jsonl", line)
    assert found.text == "a\ufffdbc"
    assert found.id == "a.jsonl/x y_"
    found.title.encode()


def test_a_line_without_end_is_not_held_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "LINE_CHARACTERS", 1_000)
    data = json.dumps({"text": "x" * 5_000}) + '\n{"text": "Next."}\n'
    (found,), (failure,) = documents_of(tmp_path, "a.jsonl", data)
    assert found.text == "Next."
    assert "longer than 1,000 characters" in failure.reason


def test_what_is_too_much_for_one_file_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "COLLECTION_CHARACTERS", 100)
    lines = jsonl(*({"text": "x" * 40} for _ in range(5)))
    found, (failure,) = documents_of(tmp_path, "a.jsonl", lines)
    assert len(found) == 2
    assert "only a part of 'a.jsonl' is read" in failure.reason


def test_a_file_of_several_is_not_one_document(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(jsonl({"text": "One."}, {"text": "Two."}))
    with pytest.raises(UnreadableFile, match="it holds 2"):
        read(path, id="a.jsonl")


texts = st.text(min_size=1).filter(lambda text: text.strip() and "<" not in text)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
def test_what_json_writes_is_read_the_same(rows: list[tuple[str, str]]) -> None:
    lines = "\n".join(json.dumps({"title": title, "text": text}) for title, text in rows)
    parts = list(suffixes.SEVERAL[".jsonl"](io.BytesIO(lines.encode()), "a.jsonl"))
    found = [part.content.text for part in parts if isinstance(part, Inner)]
    wanted = [clean(text) for _, text in rows]
    assert found == [text for text in wanted if text.strip("\ufeff\u200b \t\r\n\v\f\xa0")]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json", ".jsonl"])
@given(st.binary(max_size=300))
def test_random_bytes_are_read_or_unreadable(suffix: str, data: bytes) -> None:
    try:
        for part in suffixes.SEVERAL[suffix](io.BytesIO(data), "a"):
            assert not isinstance(part, Inner) or part.content.text.encode()
    except UnreadableFile as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
