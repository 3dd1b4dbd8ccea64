"""The server behind the page: its endpoints, and what it refuses."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import HashingEncoder, fake_reranker
from gradio_client import Client
from gradio_client.exceptions import AppError
from typer.testing import CliRunner

import app
import qa
from qa import cli, embedding

# Gradio's own: it leaves event loops open (each with a pair of sockets), and its queue calls
# pandas in an outdated way.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket.*family=1,:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio.queueing"),
]

ARTICLES = {
    "harbour.txt": (
        "Harbour closed after crane falls\n\n"
        "The harbour master of Port Ellery closed the east pier on Tuesday after a crane fell.\n\n"
        "Nobody was hurt, and the ferry to the islands left from the west pier instead.\n"
    ),
    "bakery.txt": (
        "A new bakery opens in Mill Lane\n\n"
        "The bakery in Mill Lane sells rye bread, which is baked there every morning at four.\n"
    ),
    "ferry.md": (
        "---\ntitle: Ferry timetable\ndate: 2016-02-13\nsource: Island Gazette\n---\n\n"
        "In winter the ferry to the islands will leave at noon from the west pier.\n"
    ),
}


@pytest.fixture(scope="module", autouse=True)
def collect_event_loops() -> Iterator[None]:
    """So that none is found open during somebody else's test."""
    yield
    asyncio.set_event_loop(None)  # Gradio leaves one of its own here
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("articles")
    for name, text in ARTICLES.items():
        (made / name).write_text(text, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def address(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("index")

    def open_index(progress: qa.ProgressCallback) -> qa.Index:
        return qa.Index.open(
            folder,
            directory=directory,
            encoder=HashingEncoder(),
            reranker=fake_reranker(),
            progress=progress,
        )

    blocks = app.build(folder, open_index=open_index)
    yield app.start(blocks, port=free())
    blocks.close(verbose=False)


@pytest.fixture(scope="module")
def client(address: str) -> Client:
    return Client(address, verbose=False, analytics_enabled=False)


def free() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def status(address: str, path: str, **headers: str) -> int:
    request = urllib.request.Request(address + path, headers=headers)
    try:
        with urllib.request.urlopen(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_retrieve_is_an_endpoint_that_returns_plain_json(client: Client) -> None:
    hits = client.predict("Who closed the east pier?", 2, None, api_name="/retrieve")
    assert [hit["rank"] for hit in hits] == [1, 2]
    best = hits[0]
    assert best["document"]["id"] == "harbour.txt"
    assert ARTICLES["harbour.txt"][best["start"] : best["end"]] == best["text"]
    parts = sum(best[name] for name in ("lexical", "semantic", "matched", "read"))
    assert parts == pytest.approx(best["score"])


@pytest.mark.parametrize("endpoint", ["/retrieve", "/ask"])
def test_passages_are_read_unless_the_caller_wants_them_at_once(
    client: Client, endpoint: str
) -> None:
    def hits(**settings: bool) -> list[dict[str, float]]:
        said = client.predict("Who closed the east pier?", api_name=endpoint, **settings)
        return list(said["hits"] if endpoint == "/ask" else said)

    assert hits()[0]["matched"] > 0
    assert hits()[0]["read"] > 0
    assert {(hit["matched"], hit["read"]) for hit in hits(rerank=False)} == {(0, 0)}


def test_ask_is_an_endpoint_with_history_and_a_choice_of_documents(client: Client) -> None:
    history = [{"role": "user", "content": "Who closed the east pier?"}]
    said = client.predict(
        question="What does the bakery sell?",
        history=history,
        documents=["bakery.txt"],
        api_name="/ask",
    )
    assert said["status"] == "answered"
    assert "rye bread" in said["sentences"][0]["text"]
    assert {hit["document"]["id"] for hit in said["hits"]} == {"bakery.txt"}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"after": "2016-02-13", "before": "2016-02-13"}, {"ferry.md"}),
        ({"before": "2016-02-12"}, set()),
        ({"source": "gazette"}, {"ferry.md"}),
    ],
)
def test_days_and_a_source_narrow_both_endpoints(
    client: Client, wanted: dict[str, str], found: set[str]
) -> None:
    question = "When does the ferry to the islands leave?"
    hits = client.predict(question, api_name="/retrieve", **wanted)
    assert {hit["document"]["id"] for hit in hits} == found
    said = client.predict(question, api_name="/ask", **wanted)
    assert {hit["document"]["id"] for hit in said["hits"]} == found


def test_a_day_that_is_none_comes_back_in_plain_words(client: Client) -> None:
    with pytest.raises(AppError, match=r"'13\.2\.2016' is no date: write it as 2016-02-13"):
        client.predict("Who?", after="13.2.2016", api_name="/ask")


def test_both_endpoints_tell_how_much_could_be_found_by_its_meaning(client: Client) -> None:
    hits = client.predict("Who closed the east pier?", api_name="/retrieve")
    said = client.predict("Who closed the east pier?", api_name="/ask")
    assert {hit["coverage"] for hit in hits} == {1.0}
    assert said["coverage"] == 1.0


def test_a_question_alone_is_enough(client: Client) -> None:
    said = client.predict("Who won the 2014 World Cup?", api_name="/ask")
    assert said["status"] == "not_found"
    assert said["sentences"] == []
    assert "2014" in said["missing"]


@pytest.mark.parametrize(("question", "k"), [("   ", 5), ("x" * 100_000, 5), ("Who?", 0)])
def test_a_callers_mistake_comes_back_in_plain_words(client: Client, question: str, k: int) -> None:
    with pytest.raises(qa.QuestionError) as expected:
        qa.Index.from_documents([], encoder=HashingEncoder()).retrieve(question, k)
    with pytest.raises(AppError, match=re.escape(str(expected.value))):
        client.predict(question, k, None, api_name="/retrieve")


def test_nothing_but_the_two_endpoints_is_public(client: Client) -> None:
    named = client.view_api(return_format="dict", print_info=False)
    assert set(named["named_endpoints"]) == {"/retrieve", "/ask"}
    assert not named["unnamed_endpoints"]


@pytest.mark.parametrize("route", ["/gradio_api/file=", "/file=", "/gradio_api/file/"])
def test_no_file_is_served_by_its_path(address: str, folder: Path, route: str) -> None:
    assert status(address, f"{route}{folder / 'harbour.txt'}") == 404
    assert status(address, f"{route}/etc/hostname") == 404


def test_a_request_by_another_name_is_refused(address: str) -> None:
    assert status(address, "/", Host="evil.example") == 403
    assert status(address, "/") == 200


def test_the_page_asks_no_other_host_and_says_so_to_the_browser(address: str) -> None:
    with urllib.request.urlopen(address) as response:
        policy = response.headers["Content-Security-Policy"]
        page = response.read().decode()
    assert "default-src 'self'" in policy
    assert "http:" not in policy
    for other in ("fonts.googleapis", "cdnjs", "unpkg", "jsdelivr", "gstatic"):
        assert other not in page
    assert 'lang="en"' in page


def test_the_article_function_finds_documents_by_id_only(address: str, client: Client) -> None:
    with urllib.request.urlopen(f"{address}/config") as response:
        config = json.loads(response.read())
    dialog = next(one for one in config["components"] if one["props"].get("elem_id") == "qa-dialog")

    def opened(document: object) -> str:
        body = {
            "component_id": dialog["id"],
            "fn_name": "open_article",
            "session_hash": client.session_hash,
            "data": {"document": document},
        }
        request = urllib.request.Request(
            f"{address}/gradio_api/component_server",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as response:
            return str(json.loads(response.read()))

    assert "rye bread" in opened("bakery.txt")
    for wrong in ("/etc/hostname", "../bakery.txt", None, {"path": "/etc/hostname"}):
        assert "no longer there" in opened(wrong)


def test_an_empty_folder_is_served_and_says_that_nothing_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []

    def load(model: str, *, fast: bool = False) -> HashingEncoder:
        loaded.append((model, fast))
        return HashingEncoder()

    monkeypatch.setattr(embedding, "load", load)
    (tmp_path / "empty").mkdir()
    settings = {"directory": tmp_path / "index", "model": "small", "fast": True}
    blocks = app.build(tmp_path / "empty", **settings)  # type: ignore[arg-type]
    client = Client(app.start(blocks, port=free()), verbose=False, analytics_enabled=False)
    assert client.predict("Who closed the east pier?", api_name="/retrieve") == []
    said = client.predict("Who closed the east pier?", api_name="/ask")
    assert (said["status"], said["hits"]) == ("not_found", [])
    assert loaded == [("small", True)]
    blocks.close(verbose=False)


@pytest.mark.parametrize("fast", [True, False])
def test_serve_is_told_whether_to_embed_in_8_bits(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    served: list[tuple[Path, bool]] = []
    monkeypatch.setattr(
        app, "serve", lambda folder, *, fast, **_: served.append((folder, fast)) or None
    )
    result = CliRunner().invoke(cli.app, ["serve", str(folder), *(["--fast"] if fast else [])])
    assert result.exit_code == 0
    assert served == [(folder.resolve(), fast)]


def test_a_taken_port_is_said_in_one_plain_line(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(qa.QAError, match=f"port {port} is in use on 127.0.0.1"):
            app.serve(folder, port=port, directory=folder.parent)


def test_a_missing_folder_ends_the_command_with_one_plain_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, app.__file__, str(tmp_path / "nowhere")],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(app.__file__).parent)},
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "no such folder" in done.stderr
