"""The page's components in reading order, and what happens between them.

With `app.py` the only module that knows Gradio; what the page says is made by its neighbours here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import api

from qa import plain
from qa.errors import QAError
from qa.page import collection, conversation, evidence, export, lookup, welcome
from qa.page.opening import Opening, plainly, reported
from qa.page.transcript import transcript
from qa.page.turn import Turn
from qa.progress import Progress

POLL_SECONDS = 0.5

# Every handler of the page is the page's own; only `retrieve` and `ask` are for others.
PRIVATE: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "concurrency_limit": None,
}
AT_ONCE: dict[str, Any] = {**PRIVATE, "queue": False}


def _html(value: str = "", *, name: str, script: str | None = None, **settings: Any) -> gr.HTML:
    """A place for HTML made by `qa.page`, without Gradio's own styling."""
    return gr.HTML(
        value, elem_id=f"qa-{name}", js_on_load=script, apply_default_css=False, **settings
    )


def _for_script(function: Callable[[Opening, Any], str], opening: Opening) -> Callable[[Any], str]:
    """The function as one that the page's script can call by its name."""

    def called(request: Any) -> str:
        return function(opening, request)

    called.__name__ = function.__name__
    return called


class Page:
    """The components in reading order, and what happens between them."""

    def __init__(self, blocks: gr.Blocks, folder_name: str, opening: Opening) -> None:
        self.opening = opening
        self.turns = gr.State([])
        self.chosen = gr.State([])
        self.timer = gr.Timer(POLL_SECONDS)
        self.exported = gr.Textbox(visible=False)
        with gr.Column(elem_id="qa"):
            with gr.Row(elem_id="qa-header"):
                self._lay_out_header(folder_name)
            with gr.Row(elem_id="qa-columns"):
                with gr.Column(elem_id="qa-chat", min_width=0):
                    self._lay_out_chat()
                with gr.Column(elem_id="qa-side", min_width=0):
                    self._lay_out_side()
            _html(
                '<dialog aria-labelledby="article-title"></dialog>',
                name="dialog",
                script="qaPage.dialog(element, server)",
                server_functions=[_for_script(lookup.open_article, self.opening)],
            )
        self._connect_conversation()
        self._connect_collection(blocks)
        self._connect_interface()

    # -- what stands where

    def _lay_out_header(self, folder_name: str) -> None:
        _html(welcome.heading(folder_name), name="heading")
        self.export = gr.Button("Export", elem_id="qa-export", size="sm", scale=0)
        self.clear = gr.Button("Clear", elem_id="qa-clear", size="sm", scale=0)

    def _lay_out_chat(self) -> None:
        with gr.Column(elem_id="qa-scroll"):
            self.welcome = _html(
                welcome.opening(Progress("preparing")),
                name="welcome",
                script="qaPage.welcome(element, trigger)",
            )
            self.transcript = _html(
                transcript([]),
                name="transcript",
                script="qaPage.transcript(element, trigger)",
            )
        with gr.Row(elem_id="qa-composer"):
            self.question = gr.Textbox(
                label="Your question",
                show_label=False,
                placeholder="Ask about these articles",
                max_lines=5,
                container=False,
                elem_id="qa-question",
            )
            self.ask = gr.Button("Ask", variant="primary", elem_id="qa-ask", scale=0, min_width=80)
        self.scope = _html(name="scope", script="qaPage.scope(element)")

    def _lay_out_side(self) -> None:
        _html(welcome.tabs(), name="tabs", script="qaPage.tabs(element)")
        with gr.Column(elem_id="qa-panel-evidence"):
            self.evidence = _html(
                evidence.evidence(None),
                name="evidence",
                script="qaPage.evidence(element, props, watch)",
                html_template="",  # the script shows it, and keeps the reader's place
            )
        with gr.Column(elem_id="qa-panel-articles"):
            self.articles = _html(
                collection.collection([]),
                name="articles",
                script="qaPage.articles(element, trigger, server, watch)",
                server_functions=[_for_script(lookup.find_articles, self.opening)],
            )
            _html(collection.invitation(), name="invitation")
            self.report = _html(name="report")
            self.files = gr.File(
                label="Add articles",
                show_label=False,
                file_count="multiple",
                height=84,
                elem_id="qa-upload",
            )

    # -- the conversation

    def _connect_conversation(self) -> None:
        # The evidence first: the script measures it while nothing else has moved.
        shown = [self.turns, self.evidence, self.transcript, self.question]
        gr.on(
            [self.question.submit, self.ask.click, self.welcome.submit, self.transcript.submit],
            self.respond,
            [self.question, self.turns, self.chosen],
            shown,
            trigger_mode="always_last",  # what is asked meanwhile is asked next
            **PRIVATE,
        )
        self.transcript.select(self.show_evidence, [self.turns], [self.evidence], **AT_ONCE)
        self.clear.click(
            lambda: ([], evidence.evidence(None), transcript([]), ""), None, shown, **AT_ONCE
        ).then(None, js="() => qaPage.cleared()", **PRIVATE)
        self.export.click(export.markdown, [self.turns], [self.exported], **AT_ONCE).then(
            None, [self.exported], js="text => qaPage.download(text)", **PRIVATE
        )

    def respond(
        self, typed: str, turns: list[Turn], chosen: list[str], event: gr.EventData
    ) -> Iterator[tuple[Any, ...]]:
        """A question typed, clicked or asked again: the page before, while and after."""
        said = lookup.fields(event._data)
        clicked, again = said.get("question"), said.get("turn")
        question = clicked if isinstance(clicked, str) else typed
        if not question.strip():
            yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
            return
        left = gr.skip() if isinstance(clicked, str) else ""
        number = again if isinstance(again, int) else len(turns) + 1
        for conversed in conversation.asked(self.opening, turns, number, question, chosen=chosen):
            current = next(turn for turn in conversed if turn.number == number)
            unknown = current.waiting and not current.first
            cards = gr.skip() if unknown else evidence.evidence(current)
            yield conversed, cards, transcript(conversed), left
            left = gr.skip()  # what is typed meanwhile stays

    def show_evidence(self, turns: list[Turn], event: gr.EventData) -> Any:
        """The evidence of an earlier turn."""
        number = lookup.fields(event._data).get("turn")
        found = next((turn for turn in turns if turn.number == number), None)
        return evidence.evidence(found) if found else gr.skip()

    # -- the articles

    def _connect_collection(self, blocks: gr.Blocks) -> None:
        overview = [self.welcome, self.articles, self.scope]
        gr.on(
            [blocks.load, self.timer.tick],
            self.look,
            [self.chosen],
            [*overview, self.timer],
            **AT_ONCE,
        )
        self.articles.select(self.choose, None, [self.chosen, self.scope], **AT_ONCE)
        self.articles.delete(
            self.forget, [self.chosen], [self.chosen, self.report, *overview], **PRIVATE
        )
        self.files.upload(
            self.add, [self.files, self.chosen], [self.files, self.report, *overview], **PRIVATE
        )

    def overview(self, chosen: Sequence[str]) -> tuple[str, str, str]:
        """Welcome, list of articles and scope, as they are now."""
        opening, index = self.opening, self.opening.index
        if opening.error:
            return welcome.failed(opening.error), collection.collection([]), ""
        if index is None:
            return welcome.opening(opening.progress), collection.collection([]), ""
        documents = index.documents
        return (
            welcome.welcome(len(documents), opening.examples, looking=not opening.finished),
            collection.collection(documents, chosen, index.status.failures),
            collection.scope(documents, chosen),
        )

    def look(self, chosen: list[str]) -> tuple[Any, ...]:
        """The overview now; no more looking once all is there."""
        finished = self.opening.finished
        return *self.overview(chosen), gr.Timer(POLL_SECONDS, active=not finished)

    def choose(self, event: gr.EventData) -> tuple[list[str], str]:
        """Search only the ticked articles from now on."""
        chosen = lookup.ticked_articles(self.opening, event._data)
        return chosen, collection.scope(lookup.documents(self.opening), chosen)

    def forget(self, chosen: list[str], event: gr.EventData) -> tuple[Any, ...]:
        """Remove an uploaded article."""
        identity = str(lookup.fields(event._data).get("document"))
        kept = [document for document in chosen if document != identity]
        try:
            if identity.startswith(collection.UPLOADS):
                self.opening.ready().forget(identity)
            report = collection.removed(identity)
        except Exception as error:
            report = collection.refused(plainly(error))
        return kept, report, *self.overview(kept)

    def add(self, paths: list[str] | None, chosen: list[str]) -> Iterator[tuple[Any, ...]]:
        """Index uploaded files; Gradio's own copies are deleted, the index keeps its own."""
        waiting = (gr.skip(), gr.skip(), gr.skip())
        uploaded = [Path(path) for path in paths or []]
        try:
            yield gr.skip(), collection.adding(Progress("preparing")), *waiting
            index = self.opening.ready()
            report = ""
            for news in reported(partial(index.add, uploaded)):
                if isinstance(news, Progress):
                    yield gr.skip(), collection.adding(news), *waiting
                else:
                    report = collection.added(news)
        except Exception as error:
            report = collection.refused(plainly(error))
        finally:
            for path in uploaded:
                path.unlink(missing_ok=True)
        yield None, report, *self.overview(chosen)

    # -- for other programs

    def _connect_interface(self) -> None:
        api(self.retrieve_plain, api_name="retrieve", concurrency_limit=4)
        api(self.ask_plain, api_name="ask", concurrency_limit=4)

    def retrieve_plain(
        self,
        question: str,
        k: int = 5,
        documents: list[str] | None = None,
        rerank: bool = True,
    ) -> list[dict[str, Any]]:
        """Passages for a question, best first.

        Waits for an index that is not ready yet. `documents` are the ids to search in; without
        `rerank` whole passages come at once, in the order of the two searches.
        """
        with _told_to_caller():
            index = self.opening.ready()
            hits = index.retrieve(question, k, documents=documents, rerank=rerank)
        return [plain.plain_hit(hit) for hit in hits]

    def ask_plain(
        self,
        question: str,
        history: list[dict[str, str]] | None = None,
        k: int = 5,
        documents: list[str] | None = None,
        rerank: bool = True,
    ) -> dict[str, Any]:
        """The answer to a question, with its sentences and the passages behind it.

        `history` holds the earlier messages, each with "role" and "content".
        """
        with _told_to_caller():
            index = self.opening.ready()
            answer = index.ask(question, history or (), k=k, documents=documents, rerank=rerank)
        return plain.plain_answer(answer)


@contextmanager
def _told_to_caller() -> Iterator[None]:
    """A user's mistake reaches the API's caller in its own words."""
    try:
        yield
    except QAError as error:
        raise gr.Error(str(error), print_exception=False) from error
