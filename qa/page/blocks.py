"""The page's components in reading order, and what happens between them.

With `app.py` the only module that knows Gradio; what the page says is made by its neighbours here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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

# Every handler of the page is the page's own; only `retrieve` and `ask` are for others.
PRIVATE: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "concurrency_limit": None,
}
AT_ONCE: dict[str, Any] = {**PRIVATE, "queue": False}
NOTHING_NEW = (gr.skip(), gr.skip(), gr.skip(), gr.skip())  # of the conversation


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

    def __init__(self, folder_name: str, opening: Opening) -> None:
        self.opening = opening
        self.turns = gr.State([])
        self.talk = gr.State(conversation.Talk())
        self.chosen = gr.State([])
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
        self._connect_collection()
        self._connect_interface()

    # -- what stands where

    def _lay_out_header(self, folder_name: str) -> None:
        _html(welcome.heading(folder_name), name="heading")
        self.export = gr.Button("Export", elem_id="qa-export", size="sm", scale=0)
        self.clear = gr.Button("Clear", elem_id="qa-clear", size="sm", scale=0)

    def _lay_out_chat(self) -> None:
        with gr.Column(elem_id="qa-scroll"):
            self.welcome = _html(
                welcome.purpose(), name="welcome", script="qaPage.welcome(element, trigger)"
            )
            self.transcript = _html(
                transcript([]),
                name="transcript",
                script="qaPage.transcript(element, trigger)",
            )
        with gr.Row(elem_id="qa-composer"):
            # Nothing of what the script puts in is Python's to change: it looks for itself.
            _html(
                '<div class="standing"></div><div class="lost" role="status"></div>'
                '<div class="visually-hidden announcement" role="status"></div>',
                name="standing",
                script="qaPage.standing(element, server)",
                server_functions=[
                    _for_script(lookup.look, self.opening),
                    _for_script(lookup.try_again, self.opening),
                ],
            )
            self.question = gr.Textbox(
                label="Your question",
                show_label=False,
                placeholder="Ask about these articles",
                max_lines=5,
                container=False,
                elem_id="qa-question",
            )
            self.ask = gr.Button("Ask", variant="primary", elem_id="qa-ask", scale=0, min_width=80)
        _html(name="scope", script="qaPage.scope(element)")

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
                collection.collection(),
                name="articles",
                script="qaPage.articles(element, trigger, server)",
                server_functions=[
                    _for_script(lookup.find_articles, self.opening),
                    _for_script(lookup.listed_ids, self.opening),
                    _for_script(lookup.still_there, self.opening),
                ],
            )
            _html(collection.invitation(), name="invitation")
            self.report = _html(name="report", script="qaPage.report(watch)")
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
        asking = gr.on(
            [self.question.submit, self.ask.click, self.welcome.submit, self.transcript.submit],
            self.respond,
            [self.question, self.turns, self.talk, self.chosen],
            shown,
            trigger_mode="always_last",  # what is asked meanwhile is asked next
            **PRIVATE,
        )
        self.transcript.select(self.show_evidence, [self.turns], [self.evidence], **AT_ONCE)
        self.clear.click(
            self.begin_anew,
            [self.talk],
            [*shown, self.talk],
            cancels=[asking],  # or its answer would come back
            **AT_ONCE,
        ).then(  # once more: on a busy machine the browser can be behind with what was cancelled
            lambda: (evidence.evidence(None), transcript([])),
            None,
            [self.evidence, self.transcript],
            **AT_ONCE,
        ).then(None, js="() => qaPage.cleared()", **PRIVATE)
        self.export.click(export.markdown, [self.turns], [self.exported], **AT_ONCE).then(
            None, [self.exported], js="text => qaPage.download(text)", **PRIVATE
        )

    def respond(
        self,
        typed: str,
        turns: list[Turn],
        talk: conversation.Talk,
        chosen: list[str],
        event: gr.EventData,
    ) -> Iterator[tuple[Any, ...]]:
        """A question typed, clicked or asked again: the page before, while and after."""
        said = lookup.fields(event._data)
        clicked, again = said.get("question"), said.get("turn")
        question = clicked if isinstance(clicked, str) else typed
        cleared = isinstance(again, int) and again > len(turns)  # since it was asked again
        if cleared or not question.strip():
            yield NOTHING_NEW
            return
        left = gr.skip() if isinstance(clicked, str) else ""
        number = again if isinstance(again, int) else len(turns) + 1
        for conversed in conversation.asked(self.opening, turns, number, question, chosen=chosen):
            if talk.cleared:
                yield NOTHING_NEW  # else Gradio would send once more what was yielded last
                return
            current = next(turn for turn in conversed if turn.number == number)
            unknown = current.waiting and not current.first
            cards = gr.skip() if unknown else evidence.evidence(current)
            yield conversed, cards, transcript(conversed), left
            left = gr.skip()  # what is typed meanwhile stays

    def begin_anew(self, talk: conversation.Talk) -> tuple[Any, ...]:
        """Clear the conversation: nothing that was asked in it comes back."""
        talk.cleared = True
        return [], evidence.evidence(None), transcript([]), "", conversation.Talk()

    def show_evidence(self, turns: list[Turn], event: gr.EventData) -> Any:
        """The evidence of an earlier turn."""
        number = lookup.fields(event._data).get("turn")
        found = next((turn for turn in turns if turn.number == number), None)
        return evidence.evidence(found) if found else gr.skip()

    # -- the articles

    def _connect_collection(self) -> None:
        self.articles.select(self.choose, None, [self.chosen], **AT_ONCE)
        self.articles.delete(self.forget, [self.chosen], [self.chosen, self.report], **PRIVATE)
        self.files.upload(self.add, [self.files], [self.files, self.report], **PRIVATE)

    def choose(self, event: gr.EventData) -> list[str]:
        """Search only the ticked articles from now on."""
        return lookup.ticked_articles(self.opening, event._data)

    def forget(self, chosen: list[str], event: gr.EventData) -> tuple[list[str], str]:
        """Remove an uploaded article."""
        identity = str(lookup.fields(event._data).get("document"))
        kept = [document for document in chosen if document != identity]
        try:
            if identity.startswith(collection.UPLOADS):
                self.opening.ready().forget(identity)
            report = collection.removed(identity)
        except Exception as error:
            report = collection.refused(plainly(error))
        return kept, report

    def add(self, paths: list[str] | None) -> Iterator[tuple[Any, str]]:
        """Index uploaded files; Gradio's own copies are deleted, the index keeps its own."""
        uploaded = [Path(path) for path in paths or []]
        try:
            yield gr.skip(), collection.adding(Progress("preparing"))
            index = self.opening.ready()
            report = ""
            for news in reported(partial(index.add, uploaded)):
                if isinstance(news, Progress):
                    yield gr.skip(), collection.adding(news)
                else:
                    report = collection.added(news)
        except Exception as error:
            report = collection.refused(plainly(error))
        finally:
            for path in uploaded:
                path.unlink(missing_ok=True)
        yield None, report

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
        after: str | None = None,
        before: str | None = None,
        source: str | None = None,
    ) -> list[dict[str, Any]]:
        """Passages for a question, best first.

        Waits until there is something to search. `documents` are the ids to search in; `after` and
        `before` the first and the last day, as "2016-02-13"; `source` is what stands in the
        source's name. Without `rerank` whole passages come at once, in the order of the two
        searches. With each passage comes "coverage", the share of all passages that could be found
        by their meaning: the others are still being embedded.
        """
        chosen: dict[str, Any] = {"documents": documents, "after": after, "before": before}
        with _told_to_caller():
            index = self.opening.ready()
            coverage = index.status.coverage
            hits = index.retrieve(question, k, rerank=rerank, source=source, **chosen)
        return [{**plain.plain_hit(hit), "coverage": coverage} for hit in hits]

    def ask_plain(
        self,
        question: str,
        history: list[dict[str, str]] | None = None,
        k: int = 5,
        documents: list[str] | None = None,
        rerank: bool = True,
        after: str | None = None,
        before: str | None = None,
        source: str | None = None,
    ) -> dict[str, Any]:
        """The answer to a question, with its sentences and the passages behind it.

        `history` holds the earlier messages, each with "role" and "content"; the rest is as for
        `retrieve`. "coverage" is of the passages that were searched.
        """
        chosen: dict[str, Any] = {"documents": documents, "after": after, "before": before}
        with _told_to_caller():
            index = self.opening.ready()
            answer = index.ask(question, history or (), k=k, rerank=rerank, source=source, **chosen)
        return plain.plain_answer(answer)


@contextmanager
def _told_to_caller() -> Iterator[None]:
    """A user's mistake reaches the API's caller in its own words."""
    try:
        yield
    except (QAError, ValueError) as error:  # the latter: a day that is none
        raise gr.Error(str(error), print_exception=False) from error
