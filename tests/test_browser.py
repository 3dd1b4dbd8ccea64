"""The page in a real headless Chromium.

Every test fails on a request to any other host, a console error, an error in the page, or a
response that is one: see `page`.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import re
import shutil
import socket
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from fakes import FakeMatcher, HashingEncoder
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

import app
import qa
from qa.onnx_model import Vectors
from qa.reader import Page as Read
from qa.reader import Reading, SentenceReading
from qa.rerank import Reranker

pytestmark = [
    pytest.mark.browser,
    # Gradio's own: it leaves event loops open (each with a pair of sockets), and its queue calls
    # pandas in an outdated way.
    pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket.*family=1,:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio.queueing"),
]

SEEDS = Path(__file__).parents[1] / "seeds"
HOSTILE = (
    '<script>window.hacked = 1</script> <img src=x onerror="window.hacked = 2"> '
    "**bold** _it_ $x^2$ `code` [link](http://example.org) ${value} {{value}} &amp; \\(a\\)"
)
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
KILLED = "How many people have been killed in Syria?"
KILLED_SENTENCES = re.compile(
    "More than 2[46][05],000 people have been killed in Syria since .*", re.DOTALL
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        reason = f"no browser on the PATH: looked for {', '.join(names)}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield chromium
        chromium.close()


Serve = Callable[[Path, Callable[[qa.ProgressCallback], qa.Index]], str]


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """Starts a server for an index; all are stopped at the end."""
    started = []

    def start(folder: Path, open_index: Callable[[qa.ProgressCallback], qa.Index]) -> str:
        blocks = app.build(folder, open_index=open_index)
        started.append(blocks)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        return app.start(blocks, port=port)

    yield start
    for blocks in started:
        blocks.close(verbose=False)
    started.clear()
    asyncio.set_event_loop(None)  # Gradio leaves one of its own here
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="module")
def address(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The five seeds and one article that tries to be code."""
    folder = tmp_path_factory.mktemp("articles")
    for path in SEEDS.glob("*.txt"):
        shutil.copy(path, folder)
    hostile = (
        f"Hostile <b>headline</b> of an article\n\nThe zeppelin hangar sign reads {HOSTILE}.\n"
    )
    (folder / "hostile <i>name.txt").write_text(hostile, encoding="utf-8")
    directory = tmp_path_factory.mktemp("index")
    return serve(
        folder,
        lambda progress: qa.Index.open(
            folder, directory=directory, encoder=HashingEncoder(), progress=progress
        ),
    )


@pytest.fixture
def wrongs() -> list[str]:
    """What the page did wrong, as it happens."""
    return []


@pytest.fixture
def new_page(browser: Browser, wrongs: list[str]) -> Iterator[Callable[..., Page]]:
    contexts = []

    def make(**settings: object) -> Page:
        # Reduced motion: scrolling arrives at once, so what is in view can be asked at once.
        context = browser.new_context(**{"reduced_motion": "reduce", **settings})  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda said: said.type == "error" and wrongs.append(said.text))
        page.on("pageerror", lambda error: wrongs.append(str(error)))
        page.on("dialog", lambda dialog: wrongs.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: is_foreign(request.url) and wrongs.append(request.url))
        page.on(
            "response",
            lambda response: (
                response.status >= 400 and wrongs.append(f"{response.status} {response.url}")
            ),
        )
        return page

    yield make
    for context in contexts:
        context.close()
    assert wrongs == []


def is_foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "data:", "blob:"))


@pytest.fixture
def page(new_page: Callable[..., Page], address: str) -> Page:
    """The page as a visitor first sees it, ready to be asked."""
    made = new_page(viewport={"width": 1280, "height": 800})
    made.goto(address)
    expect(made.locator(".loaded")).to_contain_text("articles loaded")
    return made


def ask(page: Page, question: str) -> Locator:
    """Type a question, send it with Enter, and wait for its turn to be answered."""
    before = page.locator(".turn").count()
    page.get_by_role("textbox", name="Your question").fill(question)
    page.keyboard.press("Enter")
    turn = page.locator(".turn").nth(before)
    expect(turn).to_have_attribute("aria-busy", "false")
    read = page.locator(f'.evidence:not(.reading)[data-turn="{before + 1}"]')
    expect(read).to_be_visible()
    return turn


class HeldReader:
    """Reads when it is let; likes best what was found last, and in it the second sentence."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.error: Exception | None = None

    def read(
        self, question: str, pages: Sequence[Read], *, seconds: float = float("inf")
    ) -> list[Reading]:
        assert self.let.wait(60)
        if self.error:
            raise self.error
        return [
            Reading(
                float(place),
                9.0,
                tuple(SentenceReading(4.0 if i == 1 else -9.0) for i in range(len(one.sentences))),
            )
            for place, one in enumerate(pages)
        ]


PIERS = {
    f"{name.lower()}.txt": f"The {name} pier\n\n"
    + f"The pier of {name} is known for its {name.lower()} kiosk. "
    + f"In spring the council of {name} closed the pier for repairs. "
    + f"People of {name} walk there in the evening and look at the boats. " * 12
    for name in ("Eastport", "Westport", "Northport", "Southport", "Midport")
}


@pytest.fixture(scope="module")
def pier_server(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, HeldReader]:
    """Five articles alike, read by a reader that can be held."""
    folder = tmp_path_factory.mktemp("piers")
    for name, text in PIERS.items():
        (folder / name).write_text(text, encoding="utf-8")
    reader, directory = HeldReader(), tmp_path_factory.mktemp("piers-index")
    reader.let.set()
    address = serve(
        folder,
        lambda progress: qa.Index.open(
            folder,
            directory=directory,
            encoder=HashingEncoder(),
            reranker=Reranker(FakeMatcher, lambda: reader),
            progress=progress,
        ),
    )
    return address, reader


@pytest.fixture
def held(pier_server: tuple[str, HeldReader]) -> Iterator[HeldReader]:
    """The reader, which waits until it is let."""
    _, reader = pier_server
    yield reader
    reader.let.set()
    reader.error = None


CLOSED = "Who closed the pier?"


def found_first(page: Page, reader: HeldReader, address: str) -> Locator:
    """Ask, and wait for the passages that are still to be read."""
    page.goto(address)
    expect(page.locator(".examples, .loaded").first).to_be_visible()
    expect(page.get_by_text("Looking for questions")).to_have_count(0)
    reader.let.clear()
    page.get_by_role("textbox", name="Your question").fill(CLOSED)
    page.keyboard.press("Enter")
    expect(page.locator(".evidence.reading .card")).to_have_count(5)
    return page.locator(".turn")


def documents_shown(page: Page) -> list[str]:
    """The ids of the documents on the cards, in order."""
    return page.eval_on_selector_all(".card", "cards => cards.map(card => card.dataset.document)")  # type: ignore[no-any-return]


def test_passages_are_there_at_once_and_the_answer_when_they_are_read(
    new_page: Callable[..., Page], pier_server: tuple[str, HeldReader], held: HeldReader
) -> None:
    page = new_page(viewport={"width": 1280, "height": 800})
    turn = found_first(page, held, pier_server[0])
    expect(turn.locator(".reply")).to_have_text("Reading the passages…")
    expect(turn).to_have_attribute("aria-busy", "true")
    expect(page.locator(".evidence mark")).to_have_count(0)
    expect(page.locator(".score").first).not_to_contain_text("read")
    before = documents_shown(page)
    held.let.set()
    expect(turn).to_have_attribute("aria-busy", "false")
    expect(turn.locator("blockquote").first).to_have_text(re.compile("^In spring the council"))
    expect(page.locator(".evidence.reading")).to_have_count(0)
    expect(page.locator(".score").first).to_contain_text("words in context")
    after = documents_shown(page)
    assert sorted(before) == sorted(after)
    assert before != after
    expect(page.get_by_role("textbox", name="Your question")).to_be_focused()


@pytest.mark.parametrize("width", [1280, 390])
def test_reading_does_not_move_the_passage_that_one_reads_already(
    new_page: Callable[..., Page],
    pier_server: tuple[str, HeldReader],
    held: HeldReader,
    width: int,
) -> None:
    page = new_page(viewport={"width": width, "height": 800})
    found_first(page, held, pier_server[0])
    third = page.locator(".card").nth(2)
    name = third.get_attribute("data-document")
    third.get_by_role("button", name="Show in article").focus()
    third.hover()
    page.mouse.wheel(0, 1)  # the reader's own hand, which the page must not take it from
    third.evaluate("card => card.scrollIntoView({block: 'start', behavior: 'instant'})")
    place = third.bounding_box()
    held.let.set()
    expect(page.locator(".turn")).to_have_attribute("aria-busy", "false")
    expect(page.locator(".evidence.reading")).to_have_count(0)
    same = page.locator(f'.card[data-document="{name}"]')
    expect(same.get_by_role("button", name="Show in article")).to_be_focused()
    assert place
    assert same.bounding_box()["y"] == pytest.approx(place["y"], abs=2)  # type: ignore[index]


def test_an_article_opened_before_the_answer_stays_open_and_gives_the_focus_back(
    new_page: Callable[..., Page], pier_server: tuple[str, HeldReader], held: HeldReader
) -> None:
    page = new_page(viewport={"width": 1280, "height": 800})
    turn = found_first(page, held, pier_server[0])
    card = page.locator(".card").nth(1)
    name = card.get_attribute("data-document")
    card.get_by_role("button", name="Show in article").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    held.let.set()
    expect(turn).to_have_attribute("aria-busy", "false")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    same = page.locator(f'.card[data-document="{name}"]')
    expect(same.get_by_role("button", name="Show in article")).to_be_focused()


def test_when_reading_fails_the_passages_stay_and_the_error_is_said(
    new_page: Callable[..., Page], pier_server: tuple[str, HeldReader], held: HeldReader
) -> None:
    page = new_page(viewport={"width": 1280, "height": 800})
    turn = found_first(page, held, pier_server[0])
    held.error = qa.QAError("the reader is broken: install it again")
    held.let.set()
    expect(turn.locator(".reply.error")).to_contain_text("he reader is broken")
    expect(page.locator(".evidence.unread .card")).to_have_count(5)
    turn.get_by_role("button", name="5 passages").click()
    expect(page.locator("#hit-1-1")).to_be_focused()
    held.error = None
    turn.get_by_role("button", name="Ask again").click()
    expect(turn.locator("blockquote").first).to_contain_text("In spring the council")
    expect(turn.get_by_role("button", name="Ask again")).to_be_focused()


def test_what_is_asked_while_the_passages_are_read_is_asked_next(
    new_page: Callable[..., Page], pier_server: tuple[str, HeldReader], held: HeldReader
) -> None:
    page = new_page(viewport={"width": 1280, "height": 800})
    found_first(page, held, pier_server[0])
    page.get_by_role("textbox", name="Your question").fill("What is Midport known for?")
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Your question").fill("half a question")
    held.let.set()
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".turn").nth(1)).to_have_attribute("aria-busy", "false")
    expect(page.locator('.evidence[data-turn="2"]')).to_be_visible()


def in_view(locator: Locator) -> bool:
    """Whether the element's place is what one sees there, not merely scrolled past or covered."""
    return bool(
        locator.evaluate(
            """element => {
                const box = element.getClientRects()[0];
                const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
                const seen = document.elementFromPoint(x, y);
                return element === seen || element.contains(seen);
            }"""
        )
    )


def test_an_answer_is_quoted_word_for_word_and_marked_in_its_passage(page: Page) -> None:
    turn = ask(page, KILLED)
    quoted = turn.locator("blockquote").first.inner_text()
    assert KILLED_SENTENCES.fullmatch(quoted)
    assert any(quoted in path.read_text("utf-8") for path in SEEDS.glob("*.txt"))
    expect(page.locator(".card mark").filter(has_text=quoted)).to_be_visible()
    expect(turn.locator(".attribution")).to_contain_text("yria")
    expect(page.locator(".card").first).to_contain_text(
        re.compile(r"Score \d\.\d\d =\s+words \d\.\d\d\s+\+ meaning \d\.\d\d")
    )


def test_a_reference_leads_to_its_card(page: Page) -> None:
    turn = ask(page, KILLED)
    button = turn.locator(".reference").last
    rank = button.get_attribute("data-rank")
    button.click()
    expect(page.locator(f"#hit-1-{rank}")).to_be_focused()
    assert in_view(page.locator(f"#hit-1-{rank} mark").first)


def test_the_whole_article_opens_at_the_marked_sentence(page: Page) -> None:
    turn = ask(page, KILLED)
    quoted = turn.locator("blockquote").first.inner_text()
    card = page.locator(".card").filter(has=page.locator("mark", has_text=quoted))
    card.get_by_role("button", name="Show in article").click()
    article = page.get_by_role("dialog")
    expect(article).to_be_visible()
    expect(article.locator("mark", has_text=quoted)).to_be_in_viewport()
    assert in_view(article.locator("mark", has_text=quoted))
    whole = article.locator(".article-text").inner_text()
    assert whole in {path.read_text("utf-8").strip() for path in SEEDS.glob("*.txt")}
    page.keyboard.press("Escape")
    expect(article).to_be_hidden()
    expect(card.get_by_role("button", name="Show in article")).to_be_focused()


def test_a_question_that_the_articles_do_not_answer_is_refused_plainly(page: Page) -> None:
    turn = ask(page, "Who baked the quiche of Wimbledon?")
    expect(turn.locator(".verdict")).to_have_text(
        "The articles do not say: none of the passages found mentions “baked”, “quiche” or "
        "“Wimbledon”."
    )
    expect(turn.locator("blockquote")).to_have_count(0)
    expect(page.get_by_role("heading", name="Nearest passages, not answers")).to_be_visible()
    expect(page.locator(".evidence mark")).to_have_count(0)


def test_an_example_question_is_answered_when_clicked(page: Page) -> None:
    example = page.locator(".examples button").first
    question = example.inner_text()
    example.click()
    expect(page.locator(".turn .question")).to_contain_text(question)
    expect(page.locator(".reply.answered")).to_be_visible()


def test_a_question_in_the_address_is_asked_on_load(
    new_page: Callable[..., Page], address: str
) -> None:
    page = new_page()
    page.goto(f"{address}?q=How%20many%20people%20have%20been%20killed%20in%20Syria%3F")
    expect(page.locator(".turn .question")).to_contain_text(KILLED)
    expect(page.locator(".reply.answered blockquote").first).to_have_text(KILLED_SENTENCES)
    expect(page.locator(".turn")).to_have_count(1)


def test_an_answer_can_be_copied_and_linked(new_page: Callable[..., Page], address: str) -> None:
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(address)
    turn = ask(page, KILLED)
    turn.get_by_role("button", name="Copy", exact=True).click()
    expect(turn.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert turn.locator("blockquote").first.inner_text() in copied
    turn.get_by_role("button", name="Copy link").click()
    page.wait_for_function(
        "async url => (await navigator.clipboard.readText()).startsWith(url)", arg=f"{address}/?q="
    )
    page.goto(page.evaluate("navigator.clipboard.readText()"))
    expect(page.locator(".turn .question")).to_contain_text(KILLED)


def test_asking_again_replaces_the_answer_and_clearing_starts_anew(page: Page) -> None:
    turn = ask(page, KILLED)
    turn.get_by_role("button", name="Ask again").click()
    expect(page.locator(".reply.answered")).to_be_visible()
    expect(page.locator(".turn")).to_have_count(1)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.locator(".examples")).to_be_visible()
    expect(page.get_by_role("textbox", name="Your question")).to_be_focused()


def test_the_evidence_of_an_earlier_answer_comes_back(page: Page) -> None:
    first = ask(page, KILLED)
    ask(page, "Who baked the quiche of Wimbledon?")
    first.locator(".reference").first.click()
    rank = first.locator(".reference").first.get_attribute("data-rank")
    expect(page.locator(f"#hit-1-{rank}")).to_be_focused()
    expect(page.locator("#qa-evidence")).to_contain_text(KILLED)


def test_the_conversation_is_exported_as_markdown(page: Page) -> None:
    turn = ask(page, KILLED)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    assert download.value.suggested_filename == "questions-and-answers.md"
    exported = Path(download.value.path()).read_text("utf-8")
    assert exported.startswith("# Questions and answers\n\n## How many people")
    assert f"> {turn.locator('blockquote').first.inner_text()}\n" in exported


def test_only_the_ticked_articles_are_searched(page: Page) -> None:
    box = page.get_by_role("checkbox", name=re.compile("Kremlin says concerned"))
    page.get_by_role("searchbox", name="Filter articles").fill("kremlin")
    expect(page.locator(".rows li")).to_have_count(1)
    box.check()
    expect(page.locator("#qa-scope")).to_contain_text("Searching 1 of 6 articles")
    ask(page, "What did Peskov call unacceptable?")
    sources = page.locator(".card .source").all_inner_texts()
    assert sources
    assert all("001_297b44c24d4f81b1.txt" in source for source in sources)
    page.get_by_role("button", name="Search all").click()
    expect(page.locator("#qa-scope")).to_contain_text("Searching all 6 articles")
    page.get_by_role("tab", name="Articles").click()
    expect(box).not_to_be_checked()


def test_an_uploaded_file_is_asked_and_removed_again(page: Page, tmp_path: Path) -> None:
    note = tmp_path / "pier.txt"
    note.write_text(
        "Pier closed at Ellery\n\nHarbour master Anna Quist closed the ellery pier on Tuesday "
        "because a crane had toppled onto the walkway.\n"
    )
    (tmp_path / "nothing.txt").write_text("")
    page.locator("#qa-upload input[type=file]").set_input_files([note, tmp_path / "nothing.txt"])
    report = page.locator("#qa-report")
    expect(report).to_contain_text("Added 1 article: pier.txt.")
    expect(report.locator(".failed")).to_contain_text("nothing.txt")
    turn = ask(page, "Who closed the Ellery pier?")
    expect(turn.locator("blockquote").first).to_contain_text("Anna Quist closed the ellery pier")
    page.get_by_role("tab", name="Articles").click()
    page.get_by_role("button", name="Remove: Pier closed at Ellery").click()
    expect(report).to_contain_text("Removed pier.txt.")
    page.locator(".unread summary").click()
    page.get_by_role("button", name="Remove: uploads/nothing.txt").click()
    expect(page.locator(".rows li")).to_have_count(6)
    expect(page.locator(".unread")).to_have_count(0)
    cache = Path(os.environ["GRADIO_TEMP_DIR"])
    assert not [path for path in cache.rglob("*") if path.is_file() and path.stat().st_size]


def test_an_article_of_code_is_shown_as_the_characters_it_is(page: Page) -> None:
    expect(page.locator(".rows")).to_contain_text("hostile <i>name.txt")
    turn = ask(page, "What does the zeppelin hangar sign read?")
    expect(turn.locator("blockquote").first).to_contain_text(HOSTILE)
    expect(page.locator(".card .passage").first).to_contain_text(HOSTILE)
    expect(page.locator(".card h3").first).to_contain_text("ostile <")
    page.get_by_role("button", name="Show in article").first.click()
    expect(page.get_by_role("dialog")).to_contain_text(HOSTILE)
    assert page.evaluate("window.hacked") is None
    for tag in ("script", "img", "i", "b:not(.score b)", "a", "code", "em", "strong"):
        expect(page.locator(f"#qa :is(.log, .rows, .cards, dialog) {tag}")).to_have_count(0)


def test_a_question_of_code_is_shown_as_the_characters_it_is(page: Page) -> None:
    turn = ask(page, HOSTILE)
    expect(turn.locator(".question")).to_contain_text(HOSTILE)
    expect(page.locator("#qa-evidence .about")).to_contain_text("<script>window.hacked")
    assert page.evaluate("window.hacked") is None


def test_an_over_long_question_is_told_so_and_the_next_one_is_answered(page: Page) -> None:
    page.get_by_role("textbox", name="Your question").fill("long " * 20_000)
    page.keyboard.press("Enter")
    expect(page.locator(".reply.error")).to_contain_text(re.compile("character", re.IGNORECASE))
    expect(ask(page, KILLED).locator("blockquote").first).to_have_text(KILLED_SENTENCES)


def test_an_empty_question_asks_nothing(page: Page) -> None:
    page.get_by_role("textbox", name="Your question").fill("   ")
    page.keyboard.press("Enter")
    ask(page, KILLED)
    expect(page.locator(".turn")).to_have_count(1)


def test_on_a_phone_there_is_one_column_and_the_evidence_is_below(
    new_page: Callable[..., Page], address: str
) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto(address)
    expect(page.locator(".loaded")).to_be_visible()
    turn = ask(page, KILLED)
    turn.get_by_role("button", name="Evidence", exact=True).tap()
    expect(page.locator("#hit-1-1")).to_be_in_viewport()
    assert page.locator("#qa-side").bounding_box()["x"] == 0  # type: ignore[index]
    page.get_by_role("button", name="Show in article").first.tap()
    expect(page.get_by_role("dialog").locator("mark, .found").first).to_be_in_viewport()
    page.get_by_role("button", name="Close").tap()
    page.get_by_role("tab", name="Articles").tap()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_everything_works_from_the_keyboard(page: Page) -> None:
    def tab_to(locator: Locator) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if locator.evaluate("element => element === document.activeElement"):
                outline = locator.evaluate("element => getComputedStyle(element).outlineStyle")
                assert outline != "none"
                return
        pytest.fail("Tab does not reach it")

    page.locator("body").press("Tab")
    tab_to(page.get_by_role("textbox", name="Your question"))
    page.keyboard.type(KILLED)
    page.keyboard.press("Enter")
    expect(page.locator(".turn")).to_have_attribute("aria-busy", "false")
    page.keyboard.press("Shift+Tab")
    tab_to(page.get_by_role("tab", name="Evidence"))
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Articles")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#qa-panel-articles")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    opener = page.get_by_role("button", name="Show in article").first
    tab_to(opener)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(opener).to_be_focused()


def test_a_screen_reader_finds_names_headings_and_a_live_conversation(page: Page) -> None:
    ask(page, KILLED)
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.title().startswith("Ask the articles in ")
    expect(page.get_by_role("log", name="Conversation")).to_have_attribute("aria-live", "polite")
    expect(page.get_by_role("tabpanel", name="Evidence")).to_be_visible()
    levels = page.evaluate(
        "[...document.querySelectorAll('#qa :is(h1,h2,h3,h4)')]"
        ".filter(h => h.checkVisibility()).map(h => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    unnamed = page.evaluate(
        "[...document.querySelectorAll('#qa :is(button,input,textarea)')]"
        ".filter(e => e.checkVisibility() && !(e.ariaLabel || e.textContent.trim()"
        " || e.labels?.[0]?.textContent.trim())).map(e => e.outerHTML)"
    )
    assert unnamed == []


CONTRASTS = """() => {
    const channels = color => (color.match(/[\\d.]+/g) || []).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
    const behind = element => {
        for (let at = element; at; at = at.parentElement) {
            const color = channels(getComputedStyle(at).backgroundColor);
            if (color.length === 3 || color[3] === 1) return color;
        }
        return [255, 255, 255];
    };
    const low = [];
    for (const element of document.querySelectorAll('#qa *')) {
        const words = [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim());
        if (!words || !element.checkVisibility() || element.closest('.visually-hidden')) continue;
        const [a, b] = [light(channels(getComputedStyle(element).color)), light(behind(element))];
        const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${element.outerHTML}`);
    }
    return low;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_words_have_enough_contrast(
    new_page: Callable[..., Page], address: str, scheme: str
) -> None:
    page = new_page(color_scheme=scheme)
    page.goto(address)
    expect(page.locator(".examples")).to_be_visible()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 23, 26)"
    assert dark == (scheme == "dark")
    assert page.evaluate(CONTRASTS) == []
    ask(page, "Who baked the quiche of Wimbledon?")
    ask(page, KILLED)
    assert page.evaluate(CONTRASTS) == []
    page.get_by_role("button", name="Show in article").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate(CONTRASTS) == []


def test_while_it_indexes_the_page_shows_progress_and_keeps_a_question(
    new_page: Callable[..., Page], serve: Serve, tmp_path: Path
) -> None:
    first, release = threading.Event(), threading.Event()

    def open_slowly(progress: qa.ProgressCallback) -> qa.Index:
        progress(qa.Progress("preparing"))
        assert first.wait(60)
        progress(qa.Progress("reading", 2, 5, 24, 170.4, 95.0))
        assert release.wait(60)
        return qa.Index.open(SEEDS, directory=tmp_path, encoder=HashingEncoder())

    page = new_page()
    page.goto(serve(SEEDS, open_slowly))
    bar = page.get_by_role("progressbar", name="Indexing")
    expect(bar).to_be_visible()
    expect(page.locator("#qa-welcome")).to_contain_text("loading the model")
    first.set()
    expect(bar).to_have_attribute("aria-valuenow", "40")
    expect(page.locator("#qa-welcome")).to_contain_text(
        "2 of 5 files, 24 passages, 170 a second, 2 min left"
    )
    page.get_by_role("textbox", name="Your question").fill(KILLED)
    page.keyboard.press("Enter")
    expect(page.locator(".reply.waiting")).to_contain_text("answered after that")
    release.set()
    expect(page.locator(".reply.answered blockquote").first).to_have_text(KILLED_SENTENCES)
    expect(page.locator(".rows li")).to_have_count(5)


def test_an_index_that_cannot_be_opened_says_why_on_the_page(
    new_page: Callable[..., Page], serve: Serve, tmp_path: Path
) -> None:
    def fail(_: qa.ProgressCallback) -> qa.Index:
        raise qa.QAError("the disk is full: make room on '/data'")

    page = new_page()
    page.goto(serve(tmp_path, fail))
    expect(page.get_by_role("alert")).to_contain_text("the disk is full: make room on '/data'")
    page.get_by_role("textbox", name="Your question").fill("Who?")
    page.keyboard.press("Enter")
    expect(page.locator(".reply.error")).to_contain_text("the disk is full")


class HeldEncoder(HashingEncoder):
    """Embeds passages when it is let, so many batches; raises `error`, where there is one."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Semaphore(0)
        self.error: Exception | None = None

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        if threading.current_thread().name == "qa-filling":  # not the sentences of an answer
            assert self.let.acquire(timeout=60)
            if self.error:
                raise self.error
        return super().encode_passages(texts)


def write(folder: Path, name: str, text: str, **about: str) -> Path:
    """A Markdown file whose front matter says what it is about."""
    said = "".join(f"{key}: {value}\n" for key, value in about.items())
    path = folder / name
    path.write_text(f"---\n{said}---\n\n{text}\n", encoding="utf-8")
    return path


def add_notes(folder: Path, numbers: Iterable[int]) -> None:
    """Notes with dates in January and February, of two sources."""
    for number in numbers:
        write(
            folder,
            f"note {number:02}.md",
            f"The lamp of lighthouse {number} is lit by keeper number {number}.",
            title=f"Lighthouse {number}",
            date=f"2016-0{1 + number % 2}-{1 + number % 28:02}",
            source="Coast Gazette" if number % 3 else "Island & Sea",
        )


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A folder of sixty notes."""
    folder = tmp_path / "library"
    folder.mkdir()
    add_notes(folder, range(60))
    return folder


def served(serve: Serve, folder: Path, tmp_path: Path, encoder: HashingEncoder) -> str:
    return serve(
        folder,
        lambda progress: qa.Index.open(
            folder,
            directory=tmp_path / "index",
            encoder=encoder,
            progress=progress,
            wait=False,
            allow_empty=True,
        ),
    )


@pytest.fixture
def coast(new_page: Callable[..., Page], serve: Serve, library: Path, tmp_path: Path) -> Page:
    """The page over the library, which it follows, all embedded."""
    page = new_page(viewport={"width": 1280, "height": 800})
    page.goto(served(serve, library, tmp_path, HashingEncoder()))
    expect(page.locator("#qa-scope")).to_contain_text("all 60 articles")
    expect(page.locator(".rows li")).to_have_count(60)
    return page


def test_a_page_is_asked_while_it_indexes_and_says_how_far_that_is(
    new_page: Callable[..., Page], serve: Serve, library: Path, tmp_path: Path
) -> None:
    encoder = HeldEncoder()
    add_notes(library, range(60, 140))
    page = new_page(viewport={"width": 1280, "height": 800})
    page.goto(served(serve, library, tmp_path, encoder))
    bar = page.get_by_role("progressbar", name="Semantic search")
    expect(bar).to_be_visible()
    expect(page.locator("#qa-standing")).to_contain_text("Words are searched in full.")
    encoder.let.release()
    expect(bar).not_to_have_attribute("aria-valuenow", "0")
    turn = ask(page, "Who lights the lamp of lighthouse 7?")
    expect(turn.locator("blockquote").first).to_contain_text("keeper number 7.")
    expect(turn.locator(".covered")).to_contain_text(
        re.compile(r"Asked when semantic search covered \d+ %\.")
    )
    again = turn.get_by_role("button", name="Ask again")
    expect(again).to_be_hidden()
    encoder.let.release(60)
    expect(bar).to_have_count(0)
    expect(page.locator(".announcement")).to_contain_text("Ready")
    again.click()
    expect(turn.locator(".covered")).to_have_count(0)
    expect(turn.locator("blockquote").first).to_contain_text("keeper number 7.")
    expect(again).to_be_focused()


def test_what_stopped_says_why_and_goes_on_when_told_to(
    new_page: Callable[..., Page], serve: Serve, library: Path, tmp_path: Path
) -> None:
    encoder = HeldEncoder()
    encoder.error = qa.QAError("the disk is <full>: make room")
    encoder.let.release(60)
    page = new_page()
    page.goto(served(serve, library, tmp_path, encoder))
    alert = page.locator("#qa-standing").get_by_role("alert")
    expect(alert).to_contain_text("stopped at 0 % of the passages: the disk is <full>: make room")
    ask(page, "Who lights the lamp of lighthouse 7?")
    encoder.error = None
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_have_count(0)
    expect(page.locator(".covered").get_by_role("button", name="Ask again")).to_be_visible()


def test_the_list_follows_the_folder_and_leaves_the_reader_alone(
    coast: Page, library: Path
) -> None:
    coast.get_by_role("combobox", name="Sort by").select_option("Title")
    coast.get_by_role("searchbox", name="Filter articles").fill("lighthouse")
    coast.locator(".listed").get_by_text("60 of 60 articles").wait_for()
    for number in (30, 31):
        coast.get_by_role("checkbox", name=f"Search only: Lighthouse {number}", exact=True).check()
    expect(coast.locator("#qa-scope")).to_contain_text("Searching 2 of 60 articles")
    held = coast.get_by_role("checkbox", name="Search only: Lighthouse 31", exact=True)
    held.evaluate("box => box.closest('li').scrollIntoView({block: 'center'})")
    place = held.bounding_box()
    write(library, "a <i>new one.md", "The new lamp.", title="Lighthouse 0 <b>anew</b>")
    expect(coast.locator("#qa-scope")).to_contain_text("of 61 articles")
    expect(coast.locator(".rows")).to_contain_text("Lighthouse 0 <b>anew</b>")
    (library / "note 30.md").unlink()
    (library / "note 00.md").unlink()
    expect(coast.locator(".lost")).to_have_text("One ticked article is no longer in the folder.")
    expect(coast.locator("#qa-scope")).to_contain_text("Searching 1 of 59 articles")
    expect(coast.locator(".rows li")).to_have_count(59)
    expect(held).to_be_checked()
    expect(held).to_be_focused()
    assert place
    assert held.bounding_box()["y"] == pytest.approx(place["y"], abs=2)  # type: ignore[index]
    assert coast.get_by_role("searchbox", name="Filter articles").input_value() == "lighthouse"
    assert coast.get_by_role("combobox", name="Sort by").input_value() == "title"
    turn = ask(coast, "Who lights the lamp of lighthouse 31?")
    expect(turn.locator("blockquote").first).to_contain_text("keeper number 31.")
    assert set(documents_shown(coast)) == {"note 31.md"}
    expect(coast.locator(".lost")).to_be_empty()


def test_files_that_cannot_be_read_are_told_of_as_they_come_and_go(
    coast: Page, library: Path
) -> None:
    expect(coast.locator(".unread")).to_have_count(0)
    (library / "torn.pdf").write_bytes(b"%PDF-1.4 torn")
    expect(coast.locator(".unread")).to_contain_text("1 file could not be read")
    coast.locator(".unread summary").click()
    (library / "torn too.pdf").write_bytes(b"%PDF-1.4 torn")
    expect(coast.locator(".unread")).to_contain_text("2 files could not be read")
    expect(coast.locator(".unread li").first).to_be_visible()
    for path in library.glob("*.pdf"):
        path.unlink()
    expect(coast.locator(".unread")).to_have_count(0)


def test_a_passage_of_a_file_that_changed_or_went_says_so_when_it_is_opened(
    coast: Page, library: Path
) -> None:
    turn = ask(coast, "Who lights the lamp of lighthouse 7?")
    card = coast.locator('.card[data-document="note 07.md"]')
    dialog = coast.get_by_role("dialog")

    def opened() -> Locator:
        card.get_by_role("button", name="Show in article").click()
        expect(dialog).to_be_visible()
        return dialog.get_by_role("note")

    expect(opened()).to_have_count(0)
    coast.keyboard.press("Escape")
    write(library, "note 07.md", "Nobody lights lamp 7 any more.", title="Lighthouse 7, dark")
    coast.get_by_role("tab", name="Articles").click()
    expect(coast.locator(".rows")).to_contain_text("Lighthouse 7, dark")
    turn.locator(".reference").first.click()
    expect(opened()).to_contain_text("does not stand in it any more")
    expect(dialog.get_by_role("note")).to_contain_text("lit by keeper number 7.")
    expect(dialog.locator(".article-text")).to_contain_text("Nobody lights lamp 7")
    expect(dialog.locator("mark, .found")).to_have_count(0)
    coast.keyboard.press("Escape")
    (library / "note 07.md").unlink()
    expect(coast.locator("#qa-scope")).to_contain_text("all 59 articles")
    expect(opened()).to_contain_text("lit by keeper number 7.")
    expect(dialog).to_contain_text("no longer there")


def test_the_list_is_narrowed_by_source_and_days_and_searched_alone(coast: Page) -> None:
    first = coast.locator(".rows li").first
    coast.get_by_role("combobox", name="Sort by").select_option("Newest first")
    expect(first).to_contain_text("28 February 2016")
    coast.get_by_role("combobox", name="Source").select_option(label="Island & Sea (20)")
    expect(coast.locator(".rows li")).to_have_count(20)
    coast.get_by_label("From").fill("2016-02-01")
    expect(coast.locator(".listed")).to_contain_text("10 of 60 articles")
    coast.get_by_role("button", name="Search only these 10").click()
    expect(coast.locator("#qa-scope")).to_contain_text("Searching 10 of 60 articles")
    coast.get_by_label("To", exact=True).fill("2015-12-31")
    expect(coast.locator(".listed")).to_contain_text(
        "There is no article from “Island & Sea” dated 1 February 2016 to 31 December 2015."
    )
    expect(coast.locator(".rows li")).to_have_count(0)
    coast.get_by_role("button", name="Show all").click()
    expect(coast.locator(".rows li")).to_have_count(60)
    expect(coast.get_by_role("searchbox", name="Filter articles")).to_be_focused()
    expect(coast.locator(".rows :checked")).to_have_count(10)
    ask(coast, "Who lights the lamp of lighthouse 7?")
    assert coast.locator(".card").count() > 0
    expect(coast.locator(".card .source").filter(has_not_text="Island & Sea")).to_have_count(0)


NOTHING = "nothing to read in this folder yet"


def test_an_empty_folder_takes_questions_uploads_and_what_is_put_into_it(
    new_page: Callable[..., Page], serve: Serve, tmp_path: Path
) -> None:
    folder = tmp_path / "nothing"
    folder.mkdir()
    (folder / "scan.pdf").write_bytes(b"no pdf at all")
    (tmp_path / "ferry.txt").write_text("Jon Berg closed the Ellery pier in spring.")
    page = new_page()
    page.goto(served(serve, folder, tmp_path, HashingEncoder()))
    expect(page.locator("#qa-welcome")).to_contain_text(NOTHING)
    expect(page.locator("#qa-welcome")).to_contain_text("1 file could not be read")
    expect(page.locator(".rows")).to_have_text("There are no articles yet.")
    expect(page.locator(".unread li")).to_contain_text("scan.pdf")
    expect(page.locator(".unread li")).to_be_visible()
    page.get_by_role("textbox", name="Your question").fill("Who closed the Ellery pier?")
    page.keyboard.press("Enter")
    turn = page.locator(".turn")
    expect(turn.locator(".reply")).to_contain_text("There is nothing to ask yet.")
    expect(turn.locator(".reply.error")).to_have_count(0)

    page.locator("#qa-upload input[type=file]").set_input_files(tmp_path / "ferry.txt")
    expect(page.locator("#qa-report")).to_contain_text("Added 1 article: ferry.txt")
    turn.get_by_role("button", name="Ask again").click()
    expect(turn.locator("blockquote, .verdict").first).to_contain_text("Jon Berg")
    expect(turn).to_have_attribute("aria-busy", "false")
    expect(page.locator(".evidence:not(.reading)")).to_be_visible()
    page.get_by_role("tab", name="Articles").click()
    page.get_by_role("button", name=re.compile("^Remove")).click()
    expect(page.locator(".rows")).to_have_text("There are no articles yet.")

    write(folder, "pier.md", "Anna Quist closed the Ellery pier.", title="Pier closed")
    expect(page.locator(".rows")).to_contain_text("Pier closed")
    turn = ask(page, "Who closed the Ellery pier?")
    expect(turn.locator("blockquote").first).to_contain_text("Anna Quist closed")
    (folder / "pier.md").unlink()
    expect(page.locator(".rows")).to_have_text("There are no articles yet.")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#qa-welcome")).to_contain_text(NOTHING)


def test_articles_that_tell_the_same_story_name_each_other(
    new_page: Callable[..., Page], serve: Serve, tmp_path: Path
) -> None:
    folder = tmp_path / "news"
    folder.mkdir()
    story = "Anna Quist closed the Ellery pier on Tuesday, and the ferry left from the west pier. "
    hostile = '<img src=x onerror="window.hacked = 2"> &amp; ${value} {{value}}'
    (folder / f"{hostile}.txt").write_text(story * 3)
    page = new_page(viewport={"width": 1280, "height": 800})
    page.goto(served(serve, folder, tmp_path, HashingEncoder()))
    expect(page.locator(".rows")).to_contain_text(hostile)
    expect(page.locator(".same")).to_have_count(0)
    (folder / "times.txt").write_text(story * 3)
    expect(page.locator(".same")).to_have_count(2)
    times = page.locator(".rows li").filter(has=page.locator("[value='times.txt']"))
    expect(times.locator(".same")).to_have_text(f"Same story as {hostile}")
    times.locator(".same button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("h2")).to_have_text(hostile)
    page.keyboard.press("Escape")
    expect(times.locator(".same button")).to_be_focused()
    write(folder, "bread.md", "The bakery sells rye bread.", title="Bread")  # listed anew
    expect(page.locator(".rows li")).to_have_count(3)
    expect(times.locator(".same button")).to_be_focused()
    (folder / f"{hostile}.txt").unlink()
    expect(page.locator(".same")).to_have_count(0)
    assert page.evaluate("window.hacked") is None
