"""What the page says, from qa's values to HTML and Markdown."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import html
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fakes import HashingEncoder
from hypothesis import given
from hypothesis import strategies as st

import qa
from qa.page import (
    article,
    collection,
    conversation,
    evidence,
    examples,
    export,
    lookup,
    standing,
    welcome,
)
from qa.page import opening as opened
from qa.page.blocks import NOTHING_NEW, Page
from qa.page.guard import Guard
from qa.page.ports import free_port
from qa.page.shelf import Shelf, Wanted, shelf_of
from qa.page.transcript import copied, transcript
from qa.page.turn import Turn, history
from qa.page.wording import (
    Marks,
    counted,
    duration,
    escaped,
    marked,
    marks_of,
    percent,
    quoted,
    united,
)
from qa.plain import plain_answer, plain_hit, unmentioned
from qa.reader import Reading

HOSTILE = (
    'He said <script>alert("1")</script> & <img src=x onerror=alert(2)> **a** $x$ [a](http://b)'
)
TEXT = f"{HOSTILE}. A second sentence follows here."
DOCUMENT = qa.Document(
    id="a & b.txt",
    text=TEXT,
    title="Storm <b>hits</b>",
    date=datetime.date(2016, 2, 5),
    source="The Daily",
)
OTHER = qa.Document(id="other.txt", text="A second sentence follows here.")
FIRST = qa.Sentence(DOCUMENT, 0, len(HOSTILE) + 1)


def hit(rank: int = 1, **fields: Any) -> qa.Hit:
    passage = qa.Passage(0, len(TEXT), TEXT, ((0, len(HOSTILE) + 1),))
    parts = fields.pop("parts", qa.Explanation(lexical=0.5, semantic=0.25, bm25=7.0, cosine=0.6))
    return qa.Hit(rank, parts.score, passage, DOCUMENT, parts, **fields)


def reranked(matched: float, read: float) -> qa.Explanation:
    return qa.Explanation(0.25, 0.125, 7.0, 0.6, similarity=0.4, matched=matched, read=read)


def told(score: str) -> str:
    """The words of a card's score."""
    return " ".join(shown(score[score.index("<p>") :]).split())


def answer(status: str = "answered", **fields: Any) -> qa.Answer:
    sentences = () if status == "not_found" else (FIRST,)
    values = {"question": "What?", "query": "What?", "confidence": 0.9, "hits": (hit(),)}
    return qa.Answer(**{**values, "sentences": sentences, "text": "t", **fields}, status=status)  # type: ignore[arg-type]


def shown(markup: str) -> str:
    """The characters a browser would show."""
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


SPANS = st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)))


def opening(index: qa.Index | None = None, error: Exception | None = None) -> opened.Opening:
    def open_index(_: qa.ProgressCallback) -> qa.Index:
        if index is None:
            raise error or qa.QAError("no such folder")
        return index

    return opened.Opening(open_index)


def until(done: Callable[[], bool]) -> None:
    """Wait for something to be so, which takes a moment."""
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def seen(index: qa.Index) -> opened.Opening:
    """An opening whose articles have been looked at."""
    ready = opening(index)
    ready.wait()
    ready.refresh(index.status)
    return ready


@pytest.fixture(scope="module")
def index() -> Iterable[qa.Index]:
    made = qa.Index.from_documents(
        [
            qa.Document(
                id="harbour.txt",
                title="Harbour closed after crane falls",
                text=(
                    "The harbour master of Port Ellery closed the east pier on Tuesday.\n\n"
                    "More than 1,200 people were evacuated in Ellery during the afternoon.\n\n"
                    "“The crane fell without warning,” said Anna Quist, the harbour master.\n\n"
                    "Engineers launched an inquiry into the cables of the crane."
                ),
            ),
            qa.Document(
                id="bakery.txt",
                title="A new bakery opens",
                text="The bakery in Mill Lane sells rye bread. Bread is baked there every morning.",
            ),
        ],
        encoder=HashingEncoder(),
    )
    yield made
    made.close()


class TestWording:
    @given(st.text(), st.integers(0, 50), SPANS, SPANS, SPANS)
    def test_marking_changes_no_character(
        self,
        text: str,
        offset: int,
        sentences: list[tuple[int, int]],
        lead_ins: list[tuple[int, int]],
        exact: list[tuple[int, int]],
    ) -> None:
        text = text.replace("\r", "")
        marks = Marks(tuple(sentences), tuple(lead_ins), tuple(exact))
        markup = marked(text, offset, marks)
        bare = re.sub(r'</?(?:mark|strong)(?: class="lead-in")?>', "", markup)
        assert "<" not in bare
        assert html.unescape(bare) == html.unescape(escaped(text))

    def test_a_mark_covers_exactly_its_span(self) -> None:
        marks = Marks(sentences=((14, 17),))
        assert marked("one two three", 10, marks) == "one <mark>two</mark> three"

    def test_exact_words_are_strong_within_the_mark_of_their_sentence(self) -> None:
        marks = Marks(sentences=((4, 13),), exact=((8, 13), (0, 3)))
        expected = "one <mark>two <strong>three</strong></mark>"
        assert marked("one two three", 0, marks) == expected

    def test_a_lead_in_that_answers_too_is_marked_as_answering(self) -> None:
        marks = Marks(sentences=((0, 3),), lead_ins=((0, 7),))
        expected = '<mark>one</mark><mark class="lead-in"> two</mark> three'
        assert marked("one two three", 0, marks) == expected

    def test_a_sentence_is_marked_without_the_one_that_leads_in(self) -> None:
        document = qa.Document("d", "Quist came.\n\nShe stayed 3 days. Then she left.")
        sentence = qa.Sentence(document, 0, 31, lead_in=(0, 11), exact=(24, 30))
        assert marked(document.text, 0, marks_of([sentence])) == (
            '<mark class="lead-in">Quist came.</mark>\n\n'
            "<mark>She stayed <strong>3 days</strong>.</mark> Then she left."
        )
        assert quoted(sentence) == (
            '<span class="lead-in">Quist came.</span>\n\nShe stayed <strong>3 days</strong>.'
        )

    def test_overlapping_marks_become_one(self) -> None:
        assert united([(5, 9), (0, 6), (12, 13)]) == [(0, 9), (12, 13)]

    def test_escaping_leaves_nothing_that_a_browser_would_run(self) -> None:
        assert escaped("<script>'\"&") == "&lt;script&gt;&#x27;&quot;&amp;"
        assert "\0" not in escaped("a\0b")

    def test_numbers_agree_with_their_noun(self) -> None:
        assert (counted(1, "article"), counted(1200, "article")) == ("1 article", "1,200 articles")


class TestTranscript:
    def test_the_answering_sentence_is_shown_word_for_word_with_its_publisher(self) -> None:
        page = transcript([Turn(1, "What?", answer())])
        assert f"<blockquote><p>{html.escape(FIRST.text)}</p></blockquote>" in page
        assert "The Daily, 5 February 2016: Storm <b>hits</b> [1]" in shown(page)

    def test_no_word_of_a_document_or_a_question_becomes_markup(self) -> None:
        page = transcript([Turn(1, HOSTILE, answer(missing=("<i>x</i>",), status="uncertain"))])
        for dangerous in ("<script", "<img", "<i>", "<b>"):
            assert dangerous not in page
        assert HOSTILE in shown(page)

    def test_each_further_sentence_refers_to_its_card(self) -> None:
        second = qa.Sentence(DOCUMENT, len(HOSTILE) + 2, len(TEXT))
        page = transcript([Turn(3, "What?", answer(sentences=(FIRST, second)))])
        assert page.count('data-evidence="3" data-rank="1"') == 2
        assert html.escape(second.text) in page

    def test_not_found_says_so_and_quotes_nothing(self) -> None:
        page = transcript([Turn(1, "Who won?", answer("not_found", missing=("won",)))])
        assert "The articles do not say: " in shown(page)
        assert "no passage mentions “won”." in shown(page)
        assert "blockquote" not in page
        assert "1 nearest passage can be read, but it does not answer it." in shown(page)

    def test_an_uncertain_answer_does_not_look_like_a_sure_one(self) -> None:
        assert 'class="reply uncertain"' in transcript([Turn(1, "What?", answer("uncertain"))])
        assert "may not answer this" in transcript([Turn(1, "What?", answer("uncertain"))])
        assert "may not answer this" not in transcript([Turn(1, "What?", answer())])

    def test_an_uncertain_answer_quotes_the_words_that_are_not_mentioned(self) -> None:
        doubted = answer("uncertain", missing=("blue", "<moon>"), hits=(hit(1), hit(2)))
        page = transcript([Turn(1, "What?", doubted)])
        expected = "may not answer this: none of the passages found mentions “blue” or “<moon>”."
        assert expected in shown(page)
        assert unmentioned(answer("uncertain")) == ""

    def test_the_exact_words_are_strong_in_the_quotation(self) -> None:
        exact = qa.Sentence(DOCUMENT, 0, len(HOSTILE) + 1, exact=(0, 15))
        page = transcript([Turn(1, "What?", answer(sentences=(exact,)))])
        assert "<blockquote><p><strong>He said &lt;script</strong>&gt;alert" in page

    def test_an_error_keeps_the_way_to_the_passages_found_first(self) -> None:
        page = transcript([Turn(1, "What?", error="out of memory", first=(hit(),))])
        assert "out of memory" in page
        assert "What was found can be read all the same: 1 passage." in shown(page)

    def test_the_log_is_a_live_region_and_busy_while_waiting(self) -> None:
        page = transcript([Turn(1, "What?", waiting="Searching…")])
        assert 'role="log" aria-live="polite"' in page
        assert 'aria-busy="true"' in page

    def test_an_endless_question_is_cut_where_it_is_shown_but_asked_again_whole(self) -> None:
        page = transcript([Turn(1, "x" * 5000, error="too long")])
        assert len(shown(page)) < 1000
        assert f'data-question="{"x" * 5000}"' in page

    def test_an_answer_from_part_of_the_passages_says_so_and_can_be_asked_again(self) -> None:
        page = transcript([Turn(1, "What?", answer(coverage=0.384))])
        assert "Asked when semantic search covered 38 %." in page
        assert page.count("data-again") == 1
        assert 'data-covered="38" hidden' in page
        assert "data-covered" not in transcript([Turn(1, "What?", answer())])

    def test_before_semantic_search_began_words_alone_were_searched(self) -> None:
        page = transcript([Turn(1, "What?", answer(coverage=0.0))])
        assert "only words were searched" in page

    def test_history_is_what_was_asked_and_answered(self) -> None:
        turns = [Turn(1, "What?", answer()), Turn(2, "And?", error="no")]
        assert history(turns) == [
            {"role": "user", "content": "What?"},
            {"role": "assistant", "content": "t"},
        ]

    def test_what_is_copied_names_its_sources(self) -> None:
        text = copied(Turn(1, "What?", answer()))
        assert text == f"What?\n\n{FIRST.text}\n(Storm <b>hits</b>; The Daily, 5 February 2016)"


class TestEvidence:
    def test_a_card_marks_the_answering_sentence_and_nothing_else(self) -> None:
        card = evidence.card(1, hit(), [FIRST, qa.Sentence(OTHER, 0, 8)])
        assert re.findall("<mark>(.*?)</mark>", card) == [html.escape(FIRST.text)]

    def test_the_parts_of_the_score_are_words_too(self) -> None:
        assert told(evidence.score(hit())) == "Score 0.75 = words 0.50 + meaning 0.25"

    def test_all_four_parts_are_told_of_a_passage_that_was_read(self) -> None:
        read = hit(parts=reranked(0.25, 0.0), reading=Reading(-8.0, -9.0, ()))
        assert told(evidence.score(read)) == (
            "Score 0.62 = words 0.25 + meaning 0.12 + words in context 0.25 + read 0.00"
        )

    @pytest.mark.parametrize("reading", [None, Reading(0.0, 0.0, (), skimmed=True)])
    def test_a_passage_put_below_those_that_were_read_is_said_to_be(
        self, reading: Reading | None
    ) -> None:
        below = evidence.score(hit(parts=reranked(0.25, -0.125), reading=reading))
        assert told(below) == (
            "Score 0.50 = words 0.25 + meaning 0.12 + words in context 0.25 − not read 0.12"
        )
        widths = [float(width) for width in re.findall(r"width:([\d.]+)%", below)]
        assert sum(widths) == pytest.approx(50, abs=0.2)

    def test_passages_that_are_still_to_be_read_are_shown_unmarked(self) -> None:
        panel = evidence.evidence(Turn(2, "What?", waiting="Reading…", first=(hit(),)))
        assert 'class="evidence reading" data-turn="2"' in panel
        assert "Passages found" in panel
        assert TEXT in shown(panel)
        assert "<mark" not in panel

    def test_without_any_passage_the_panel_says_what_belongs_there(self) -> None:
        for turn in (None, Turn(1, "What?", error="no")):
            assert "appear here" in evidence.evidence(turn)

    def test_a_folded_sentence_links_to_its_other_article(self) -> None:
        card = evidence.card(1, hit(also_in=(qa.Sentence(OTHER, 0, 31),)))
        assert "Also in: other.txt" in shown(card)
        opens = json.loads(html.unescape(card.split('data-open="')[1].split('"')[0]))
        assert (opens["document"], opens["passage"]) == ("other.txt", [0, 31])
        assert opens["marks"] == {"sentences": [[0, 31]], "lead_ins": [], "exact": []}
        assert opens["text"] == OTHER.text

    def test_articles_that_say_the_same_are_named_once_each_by_what_tells_them_apart(self) -> None:
        copy = dataclasses.replace(hit().document, id="copy.txt")
        repeated = [qa.Sentence(some, *span) for span in ((5, 9), (0, 4)) for some in (copy, OTHER)]
        card = evidence.card(1, hit(also_in=tuple(repeated)))
        assert "Also in: copy.txt, other.txt" in shown(card)
        opens = json.loads(html.unescape(card.split('data-open="')[1].split('"')[0]))
        assert (opens["passage"], opens["marks"]["sentences"]) == ([0, 4], [[0, 4], [5, 9]])

    def test_nearest_passages_are_called_that_and_bear_no_mark(self) -> None:
        panel = evidence.evidence(Turn(1, "What?", answer("not_found")))
        assert "Nearest passages, not answers" in panel
        assert "<mark>" not in panel

    def test_a_hostile_document_stays_text(self) -> None:
        panel = evidence.evidence(Turn(1, HOSTILE, answer()))
        assert "<script" not in panel
        assert "<img" not in panel
        assert HOSTILE in shown(panel)


class TestArticle:
    def test_the_whole_article_is_there_word_for_word(self) -> None:
        page = article.article(DOCUMENT, (0, 20), Marks(sentences=((3, 7),)))
        assert TEXT in shown(page)
        assert "<script" not in page
        assert "<mark>said</mark>" in page

    def test_of_an_enormous_article_the_part_around_the_passage_is_shown_and_said(self) -> None:
        text = "word " * 100_000 + "needle" + " word" * 100_000
        where = text.index("needle")
        page = article.article(
            qa.Document(id="big", text=text),
            (where, where + 6),
            Marks(sentences=((where, where + 6),)),
        )
        assert "<mark>needle</mark>" in page
        assert len(page) < 1.2 * article.SHOWN_CHARACTERS
        assert "1,000,006 characters" in page

    def reopened(self, text: str) -> str:
        """An article of this text, opened at the second sentence of `DOCUMENT`."""
        start = TEXT.index("A second")
        request = {
            "document": "d",
            "passage": [start, len(TEXT)],
            "marks": {"sentences": [[start, len(TEXT)]]},
            "text": TEXT[start:],
            "was": evidence.checksum(TEXT),
        }
        with qa.Index.from_documents([qa.Document("d", text)], encoder=HashingEncoder()) as made:
            ready = opening(made)
            ready.wait()
            return lookup.open_article(ready, request)

    def test_a_passage_of_an_article_that_is_as_it_was_is_marked_without_a_word(self) -> None:
        page = self.reopened(TEXT)
        assert "<mark>A second sentence follows here.</mark>" in page
        assert "changed" not in page

    def test_a_passage_that_moved_is_marked_where_it_stands_now(self) -> None:
        page = self.reopened(f"Corrected.\n\n{TEXT}")
        assert "has changed since it was quoted. The passage still stands" in page
        assert "<mark>A second sentence follows here.</mark>" in page

    def test_a_passage_that_is_not_in_the_article_any_more_is_told_and_nothing_marked(self) -> None:
        page = self.reopened("A third sentence follows here, and others after it do as well.")
        assert "does not stand in it any more" in page
        assert "A second sentence follows here." in page
        assert "<mark" not in page
        assert 'class="found"' not in page

    def test_of_an_article_that_is_gone_what_was_quoted_stays(self, index: qa.Index) -> None:
        ready = opening(index)
        ready.wait()
        page = lookup.open_article(ready, {"document": "<i>.txt", "text": HOSTILE})
        assert "no longer there" in page
        assert HOSTILE in shown(page)
        assert "<script" not in page
        assert "<i>" not in page

    @pytest.mark.parametrize("passage", [(5, 5), (10**9, 10**9 + 5), (0, 10**9)])
    def test_a_passage_outside_the_article_does_no_harm(self, passage: tuple[int, int]) -> None:
        assert TEXT in shown(article.article(DOCUMENT, passage, Marks(sentences=(passage,))))


def outline(identity: str, **fields: Any) -> qa.Outline:
    known = {"title": "", "date": None, "source": "", "path": None, "characters": 1}
    return qa.Outline(**{"id": identity, "file": identity, **known, **fields})


STORM = outline("a & b.txt", title=DOCUMENT.title, date=DOCUMENT.date, source=DOCUMENT.source)
PLAIN = outline("other.txt")


def ids(found: Iterable[qa.Outline]) -> list[str]:
    return [one.id for one in found]


class TestShelf:
    def test_the_filter_wants_every_word(self) -> None:
        shelf = shelf_of([STORM, PLAIN])
        assert ids(shelf.listed(Wanted("DAILY storm"))) == ["a & b.txt"]
        assert ids(shelf.listed(Wanted("february other"))) == []

    @pytest.mark.parametrize(
        ("order", "expected"),
        [
            ("file", ["a", "b10", "b9", "c"]),
            ("newest", ["b9", "a", "b10", "c"]),
            ("oldest", ["b10", "a", "b9", "c"]),
            ("title", ["b9", "b10", "c", "a"]),
            ("source", ["b9", "a", "c", "b10"]),
            ("nonsense", ["a", "b10", "b9", "c"]),
        ],
    )
    def test_the_list_is_sorted_as_wanted_what_has_no_date_or_source_last(
        self, order: str, expected: list[str]
    ) -> None:
        shelf = shelf_of(
            [
                outline("a", title="“Zoo” opens", date=datetime.date(2016, 2, 5), source="Daily"),
                outline("b10", title="Part 10", date=datetime.date(2015, 1, 1)),
                outline("b9", title="part 9", date=datetime.date(2017, 1, 1), source="daily"),
                outline("c", title="Pier", source="Gazette"),
            ]
        )
        assert ids(shelf.listed(Wanted(order=order))) == expected

    def test_days_are_both_included_and_what_has_no_date_is_on_none(self) -> None:
        shelf = shelf_of([STORM, PLAIN])
        day = datetime.date(2016, 2, 5)
        assert ids(shelf.listed(Wanted(after=day, before=day))) == ["a & b.txt"]
        assert ids(shelf.listed(Wanted(after=day + datetime.timedelta(1)))) == []
        assert ids(shelf.listed(Wanted(before=day - datetime.timedelta(1)))) == []

    def test_a_source_is_chosen_by_its_whole_name(self) -> None:
        shelf = shelf_of([STORM, outline("c", source="The Daily Mail")])
        assert ids(shelf.listed(Wanted(source="The Daily"))) == ["a & b.txt"]


class TestCollection:
    def test_only_uploads_can_be_removed(self) -> None:
        assert "data-forget" in collection.row(outline("uploads/a.txt"))
        assert "data-forget" not in collection.row(PLAIN)

    def test_a_row_names_the_others_that_tell_the_same_story(self) -> None:
        twins = [outline("a.txt", title="<b>Storm</b>"), outline("b & c.txt", title="<b>Storm</b>")]
        shelf = shelf_of([*twins, PLAIN], groups=[["b & c.txt", "a.txt"]])
        rows = collection.rows(3, shelf.outlines, stories=shelf.stories).split("</li>")
        assert "Same story as b & c.txt" in shown(rows[0])  # the title is the same
        assert "Same story as a.txt" in shown(rows[1])
        assert "Same story" not in rows[2]
        assert "<b>" not in "".join(rows)
        other = outline("d.txt", title="Gale <i>")
        named = collection.row(twins[0], [twins[0], other])
        assert "Same story as Gale <i>" in shown(named)
        assert "<i>" not in named
        copies = collection.row(other, [other, *twins])  # which bear one title
        assert "Same story as a.txt b & c.txt" in shown(copies)

    def test_of_a_story_told_very_often_the_rest_is_counted(self) -> None:
        story = [outline(f"{number}.txt", title=f"Take {number}") for number in range(1000)]
        row = shown(collection.row(story[1], story))
        assert "Same story as Take 0 Take 2 Take 3 and 996 more" in row

    def test_a_story_whose_others_are_gone_is_told_by_nobody_else(self) -> None:
        assert shelf_of([PLAIN], groups=[[PLAIN.id, "gone.txt"]]).stories == {}

    def test_of_very_many_articles_a_filter_finds_the_rest(self) -> None:
        shelf = shelf_of(outline(f"{number}.txt") for number in range(1000))
        rows = collection.rows(1000, shelf.outlines, first=["987.txt"])
        assert rows.count("<li>") == collection.LISTED
        assert rows.index("987.txt") < rows.index("0.txt")
        assert "800 more" in rows
        assert "987.txt" in collection.rows(1000, shelf.listed(Wanted("987")))

    def test_what_is_listed_can_be_searched_alone(self) -> None:
        shelf, wanted = shelf_of([STORM, PLAIN]), Wanted("storm")
        assert "Search only these 1" in collection.listed(shelf, [STORM], wanted)
        assert "1 of 2 articles" in collection.listed(shelf, [STORM], wanted)
        assert collection.listed(shelf, shelf.outlines, Wanted()) == ""
        assert "Search only" not in collection.listed(shelf, shelf.outlines, Wanted("txt"))

    def test_when_nothing_matches_what_was_asked_for_is_said(self) -> None:
        wanted = Wanted("<b>", source="A & B", after=datetime.date(2016, 5, 1))
        told = collection.listed(shelf_of([STORM]), [], wanted)
        said = "No article from “A & B” dated 1 May 2016 or later matches “<b>”."
        assert said in shown(told)
        assert "<b>" not in told
        assert "data-unfilter" in told

    def test_dates_and_sources_are_offered_only_where_there_are_any(self) -> None:
        plain = collection.choices(shelf_of([PLAIN, outline("b")]))
        assert "Newest" not in plain
        assert "article-source" not in plain
        assert "article-after" not in plain
        rich = collection.choices(shelf_of([STORM, outline("b", source="<i>")]))
        assert "Newest" in rich
        assert "&lt;i&gt; (1)" in rich
        assert "article-after" in rich
        assert collection.choices(Shelf()) == ""

    def test_the_scope_tells_all_from_some(self) -> None:
        assert "all 2 articles" in collection.scope(2)
        assert "1 of 2 articles" in collection.scope(2, 1)
        assert "No articles yet" in collection.scope(0)

    def test_ticked_articles_that_are_gone_are_told_of(self) -> None:
        assert collection.lost(1, 2) == "One ticked article is no longer in the folder."
        assert "All articles are searched again" in collection.lost(2, 0)

    def test_failures_name_the_file_once_and_the_reason(self) -> None:
        told = collection.unread(
            [qa.Failure("a<b.txt", "is empty"), qa.Failure("c.pdf", "cannot read 'c.pdf': locked")]
        )
        assert "a<b.txt: is empty" in shown(told)
        assert shown(told).count("c.pdf") == 1

    def test_where_there_is_nothing_else_they_are_unfolded(self) -> None:
        failures = [qa.Failure("a.txt", "is empty")]
        assert "<details open" not in collection.unread(failures).replace(' class="unread"', "")
        unfolded = collection.unread(failures, unfolded=True)
        assert "<details open" in unfolded.replace(' class="unread"', "")

    def test_an_upload_tells_what_was_added_and_what_was_not(self) -> None:
        changes = qa.Changes(
            added=("uploads/a.txt",), failed=(qa.Failure("uploads/b.txt", "is empty"),)
        )
        told = shown(collection.added(changes))
        assert "Added 1 article: a.txt." in told
        assert "uploads/b.txt: is empty" in told


class TestWelcome:
    def test_progress_is_a_bar_with_figures(self) -> None:
        page = welcome.opening(qa.Progress("reading", 3, 12, 40, 917.2, 95.0))
        assert 'aria-valuenow="25"' in page
        assert "Reading: 3 of 12 files, 40 passages, 917 a second, 2 min left." in page

    def test_an_index_that_is_waited_for_tells_of_its_passages(self) -> None:
        page = welcome.opening(qa.Progress("embedding", 0, 0, 10, 17.2, 4.0, 40))
        assert 'aria-valuenow="25"' in page
        assert "Embedding: 10 of 40 passages, 17 passages a second, 4 s left." in page

    def test_before_anything_is_known_no_share_is_claimed(self) -> None:
        assert "aria-valuenow" not in welcome.opening(qa.Progress("preparing"))

    def test_times_left_are_rough(self) -> None:
        assert [duration(seconds) for seconds in (0.2, 59, 100, 4200)] == [
            "1 s",
            "59 s",
            "2 min",
            "1 h 10 min",
        ]

    def test_an_empty_folder_says_what_to_do_about_it(self) -> None:
        assert "add them under “Articles”" in shown(welcome.empty())
        assert "could not be read" not in welcome.empty()
        assert "2 files could not be read" in welcome.empty(2)

    def test_a_folder_that_is_missing_something_says_why_and_takes_no_uploads(self) -> None:
        page = welcome.missing("no readable documents in '<i>': is its disk mounted?")
        assert "no readable documents in '<i>'" in shown(page)
        assert "<i>" not in page
        assert "add them" not in page

    def test_a_failure_shows_its_reason(self) -> None:
        assert "no such folder: &#x27;x&#x27;" in welcome.failed("no such folder: 'x'")


def state(**fields: Any) -> qa.Status:
    known = {"documents": 5, "passages": 1000, "failures": (), "model": "m", "stage": "embedding"}
    return qa.Status(**{**known, **fields})


class TestStanding:
    def test_how_far_semantic_search_is_stands_in_one_line_with_a_bar(self) -> None:
        line = standing.standing(state(embedded=384, passages_per_second=17.3, seconds_left=170.0))
        assert 'aria-valuenow="38"' in line
        assert shown(line) == (
            "Semantic search covers 38 % of the passages so far · 17 a second · 3 min left. "
            "Words are searched in full."
        )

    def test_while_more_files_are_read_their_number_is_told(self) -> None:
        line = standing.standing(state(stage="reading", files_done=400, files_total=5183))
        assert "Read 400 of 5,183 files. What has been read can be asked." in shown(line)

    @pytest.mark.parametrize(
        "status",
        [
            state(stage="ready", embedded=1000),
            state(embedded=980),
            state(stage="reading", files_done=0, files_total=2),
            state(stage="stopped", documents=0, error="no readable documents"),
        ],
    )
    def test_what_is_done_or_over_in_a_moment_is_not_worth_a_line(self, status: qa.Status) -> None:
        assert standing.standing(status) == ""

    def test_what_stopped_says_why_and_offers_to_go_on(self) -> None:
        line = standing.standing(state(stage="stopped", embedded=384, error="disk full: </p>"))
        assert 'role="alert"' in line
        assert "stopped at 38 % of the passages: disk full: </p> Words are" in shown(line)
        assert line.count("</p>") == 1
        assert "data-retry" in line

    def test_a_folder_that_cannot_be_followed_is_told_of(self) -> None:
        assert "is its disk mounted?" in standing.standing(
            state(stage="ready"), "is its disk mounted?"
        )

    def test_a_screen_reader_is_told_when_it_changes_not_how_far_it_is(self) -> None:
        told = {standing.announcement(state(embedded=done)) for done in (1, 200, 900)}
        assert len(told) == 1
        assert standing.announcement(state(stage="ready", embedded=1000)).startswith("Ready")

    def test_a_share_is_none_or_all_only_where_it_is_just_that(self) -> None:
        assert [percent(share) for share in (0, 0.001, 0.384, 0.999, 1)] == [0, 1, 38, 99, 100]


class TestExport:
    def test_markdown_shows_the_articles_words_as_they_stand(self) -> None:
        text = export.markdown([Turn(1, "# What?", answer())])
        assert "## \\# What?" in text
        assert "\\<script\\>" in text
        assert "\\*\\*a\\*\\* \\$x\\$ \\[a\\]\\(http\\://b\\)" in text
        assert "The Daily, 5 February 2016" in text

    def test_a_line_that_looks_like_a_list_stays_a_line(self) -> None:
        assert export.literal("2016. It was") == "2016\\. It was"

    def test_a_quotation_is_verbatim_even_where_exact_words_are_known(self) -> None:
        exact = qa.Sentence(OTHER, 0, 31, exact=(2, 8))
        text = export.markdown([Turn(1, "Which?", answer(sentences=(exact,)))])
        assert "> A second sentence follows here.\n" in text

    def test_an_uncertain_answer_is_exported_as_one_with_what_is_not_mentioned(self) -> None:
        text = export.markdown([Turn(1, "What?", answer("uncertain", missing=("blue",)))])
        assert "*The articles may not answer this\\: no passage mentions “blue”.*" in text

    def test_an_answer_from_part_of_the_passages_is_exported_as_one(self) -> None:
        text = export.markdown([Turn(1, "What?", answer(coverage=0.384))])
        assert "*Asked when semantic search covered 38 %.*" in text
        assert "semantic search" not in export.markdown([Turn(1, "What?", answer())])

    def test_a_refusal_is_exported_as_one(self) -> None:
        refused = answer("not_found", text="These articles do not say.")
        assert "These articles do not say." in export.markdown([Turn(1, "Who won?", refused)])


class TestLookup:
    def test_an_article_is_found_by_its_id_only(self, index: qa.Index) -> None:
        ready = opening(index)
        ready.wait()
        assert "rye bread" in lookup.open_article(ready, {"document": "bakery.txt"})
        for wrong in ("/etc/passwd", "../bakery.txt", None, 5, ["bakery.txt"]):
            assert "no longer there" in lookup.open_article(ready, {"document": wrong})

    @pytest.mark.parametrize(
        "request_", [None, [], "x", {"first": 3, "words": 4}, {"first": [None, {}], "after": "x"}]
    )
    def test_a_malformed_request_is_passed_over(self, index: qa.Index, request_: Any) -> None:
        ready = seen(index)
        assert "bakery.txt" in json.loads(lookup.find_articles(ready, request_))["rows"]
        assert lookup.ticked_articles(ready, request_) == []
        assert json.loads(lookup.still_there(ready, request_)) == {"gone": [], "note": ""}
        assert set(json.loads(lookup.look(ready, request_))["parts"]) >= {"welcome", "scope"}

    def test_a_look_gives_only_what_has_changed_since(self, index: qa.Index) -> None:
        ready = seen(index)
        first = json.loads(lookup.look(ready, {"chosen": 0}))
        marks = {name: part["mark"] for name, part in first["parts"].items()}
        assert first["covered"] == 100
        assert "all 2 articles" in first["parts"]["scope"]["html"]
        again = json.loads(lookup.look(ready, {"chosen": 0, "seen": marks}))
        assert again["parts"] == {}
        assert again["version"] == first["version"]
        ticked = json.loads(lookup.look(ready, {"chosen": 1, "seen": marks}))
        assert set(ticked["parts"]) == {"scope"}

    def test_the_number_of_articles_is_told_before_very_many_are_listed(
        self, index: qa.Index, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ready = seen(index)
        ready.shelf = shelf_of(index.outlines[:1], 7)  # as it was while files were read
        monkeypatch.setattr(ready, "refresh", lambda _: ready.shelf)
        parts = json.loads(lookup.look(ready, {"chosen": 0}))["parts"]
        assert "all 2 articles" in parts["scope"]["html"]
        assert "2 articles loaded" in parts["welcome"]["html"]

    def test_rows_and_ids_are_those_that_are_wanted(self, index: qa.Index) -> None:
        ready, wanted = seen(index), {"words": "crane", "order": "title"}
        said = json.loads(lookup.find_articles(ready, wanted))
        assert "harbour.txt" in said["rows"]
        assert "bakery.txt" not in said["rows"]
        assert "1 of 2 articles" in said["listed"]
        assert json.loads(lookup.listed_ids(ready, wanted)) == ["harbour.txt"]

    def test_what_is_gone_of_the_ticked_articles_is_told(self, index: qa.Index) -> None:
        said = json.loads(
            lookup.still_there(seen(index), {"documents": ["bakery.txt", "nowhere.txt"]})
        )
        assert said["gone"] == ["nowhere.txt"]
        assert "One ticked article" in said["note"]

    @pytest.mark.parametrize("value", [None, [1], [2, 1], [-1, 2], ["0", 2], [True, 2], "ab"])
    def test_what_is_not_a_span_is_none(self, value: Any) -> None:
        assert lookup.span(value) is None

    def test_only_articles_that_there_are_can_be_ticked(self, index: qa.Index) -> None:
        ready = seen(index)
        request = {"documents": ["nowhere.txt", "bakery.txt"]}
        assert lookup.ticked_articles(ready, request) == ["bakery.txt"]


class Recording:
    """An index that remembers what it was asked; asking it raises `error`, where there is one."""

    folder = None

    def __init__(self, index: qa.Index, error: Exception | None = None) -> None:
        self.status, self.index, self.error = index.status, index, error
        self.outlines: tuple[qa.Outline, ...] = ()
        self.searched: list[str] = []
        self.histories: list[object] = []

    def retrieve(self, question: str, k: int, **settings: Any) -> list[qa.Hit]:
        assert settings["rerank"] is False
        self.searched.append(question)
        return self.index.retrieve(question, k, **settings)

    def ask(self, question: str, earlier: object, **settings: object) -> qa.Answer:
        self.histories.append(earlier)
        if self.error:
            raise self.error
        return answer()


def broken(*_: object, **__: object) -> list[qa.Hit]:
    raise qa.QAError("no search")


class TestConversation:
    def test_a_question_is_shown_at_once_and_then_answered(self, index: qa.Index) -> None:
        ready = opening(index)
        ready.wait()
        *_, before, between, after = conversation.asked(ready, [], 1, "Who closed the east pier?")
        assert "Searching 2 articles" in before[0].waiting
        assert before[0].first == ()
        assert between[0].waiting == conversation.READING
        assert "closed the east pier" in between[0].first[0].passage.text
        assert after[0].answer is not None
        assert after[0].first == ()
        assert "closed the east pier" in after[0].answer.sentences[0].text

    def test_asking_before_the_index_is_ready_waits_for_it(self, index: qa.Index) -> None:
        release = threading.Event()

        def slowly(_: qa.ProgressCallback) -> qa.Index:
            assert release.wait(30)
            return index

        states = conversation.asked(opened.Opening(slowly), [], 1, "Who closed the pier?")
        assert "answered after that" in next(states)[0].waiting
        release.set()
        assert [*states][-1][0].answer is not None

    def test_a_users_mistake_is_told_in_its_own_words(self, index: qa.Index) -> None:
        *_, last = conversation.asked(opening(index), [], 1, "   ")
        assert last[0].answer is None
        assert last[0].error

    def test_a_broken_index_answers_every_question_with_its_reason(self) -> None:
        *_, last = conversation.asked(opening(error=qa.QAError("gone: 'x'")), [], 1, "Who?")
        assert last[0].error == "gone: 'x'"

    def test_asking_again_replaces_the_turn_in_its_place(self, index: qa.Index) -> None:
        turns = [Turn(1, "Old?", error="no"), Turn(2, "Later?", error="no")]
        *_, last = conversation.asked(opening(index), turns, 1, "Where is rye bread sold?")
        assert [turn.number for turn in last] == [1, 2]
        assert last[0].answer is not None
        assert last[1] == turns[1]

    def test_a_follow_up_is_searched_and_asked_with_what_came_before(self, index: qa.Index) -> None:
        stub = Recording(index)
        turns = [Turn(1, "Who closed the pier?", answer())]
        list(conversation.asked(opening(stub), turns, 2, "When?"))  # type: ignore[arg-type]
        assert stub.searched == ["Who closed the pier? When?"]
        assert stub.histories == [history(turns)]

    @pytest.mark.parametrize("asked", ["before it was cleared", "again, and only then taken up"])
    def test_nothing_of_a_conversation_that_was_cleared_comes_back(
        self, index: qa.Index, asked: str
    ) -> None:
        page = object.__new__(Page)
        page.opening = opening(index)
        talk = conversation.Talk()
        event = SimpleNamespace(_data={})
        if asked == "before it was cleared":
            states = page.respond("Who closed the pier?", [], talk, [], event)  # type: ignore[arg-type]
            assert next(states)[0][0].question == "Who closed the pier?"
            page.begin_anew(talk)
        else:
            event._data = {"question": "Who closed the pier?", "turn": 1}
            states = page.respond("", [], talk, [], event)  # type: ignore[arg-type]
        assert list(states) == [NOTHING_NEW]

    def test_when_reading_fails_the_passages_stay_and_the_error_is_said(
        self, index: qa.Index
    ) -> None:
        stub = Recording(index, qa.QAError("the reader is broken"))
        *_, last = conversation.asked(opening(stub), [], 1, "Who closed the pier?")  # type: ignore[arg-type]
        assert last[0].error == "the reader is broken"
        assert not last[0].waiting
        assert last[0].first
        assert 'class="evidence unread"' in evidence.evidence(last[0])

    def test_when_only_the_first_search_fails_there_is_an_answer_all_the_same(
        self, index: qa.Index
    ) -> None:
        stub = Recording(index)
        stub.retrieve = broken  # type: ignore[method-assign]
        *_, last = conversation.asked(opening(stub), [], 1, "Who closed the pier?")  # type: ignore[arg-type]
        assert last[0].answer is not None

    def test_only_the_chosen_articles_are_searched(self, index: qa.Index) -> None:
        chosen = ["bakery.txt"]
        *_, last = conversation.asked(opening(index), [], 1, "Who closed the pier?", chosen=chosen)
        assert last[0].answer is not None
        assert {hit.document.id for hit in last[0].answer.hits} == {"bakery.txt"}

    def test_where_there_are_no_articles_there_is_nothing_to_ask_yet(self) -> None:
        with qa.Index.from_documents([], encoder=HashingEncoder()) as empty:
            *_, last = conversation.asked(opening(empty), [], 1, "Who closed the pier?")
        assert (last[0].answer, last[0].error) == (None, "")
        for told in (transcript(last), export.markdown(last)):
            assert "There is nothing to ask yet" in shown(told)
        assert 'class="reply error"' not in transcript(last)


class TestOpening:
    def test_which_articles_tell_the_same_story_is_found_after_the_list_is_there(self) -> None:
        text = "The harbour master of Port Ellery closed the east pier on Tuesday at noon."
        copies = [qa.Document(id=f"{n}.txt", text=text, title=f"Copy {n}") for n in range(2)]
        with qa.Index.from_documents(copies, encoder=HashingEncoder()) as index:
            ready = opening(index)
            ready.wait()
            reading = dataclasses.replace(index.status, stage="reading")
            ready.refresh(reading)
            assert ready.shelf.stories == {}  # not known before everything is read
            assert len(ready.shelf.outlines) == 2
            before = ready.shelf.version
            until(lambda: bool(ready.refresh(index.status).stories))
            assert ready.shelf.version > before  # so that pages list again
            said = json.loads(lookup.find_articles(ready, {}))
            assert "Same story as Copy 1" in shown(said["rows"])

    def test_questions_are_suggested_when_there_is_something_to_ask(self, tmp_path: Path) -> None:
        folder = tmp_path / "folder"
        folder.mkdir()
        with qa.Index.open(
            folder, directory=tmp_path / "index", encoder=HashingEncoder(), allow_empty=True
        ) as index:
            ready = seen(index)
            until(lambda: ready.finished)
            assert "nothing to read" in lookup.look(ready, {})
            assert ready.examples == ()
            (folder / "bread.txt").write_text("Rye bread\n\nAt least 3 bakers were hurt in Ellery.")
            index.sync()
            until(lambda: ready.refresh(index.status).ids == {"bread.txt"} and ready.finished)
            until(lambda: bool(ready.examples))

    def test_a_folder_whose_disk_is_not_there_is_opened_when_it_is(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(opened, "EMPTY_SECONDS", 0.05)
        folder, away = tmp_path / "folder", tmp_path / "away.txt"
        folder.mkdir()

        def open_index(_: qa.ProgressCallback) -> qa.Index:
            place = tmp_path / "index"
            return qa.Index.open(
                folder, directory=place, encoder=HashingEncoder(), allow_empty=True
            )

        (folder / "bread.txt").write_text("Rye bread is sold in Mill Lane.")
        open_index(print).close()
        (folder / "bread.txt").rename(away)
        waiting = opened.Opening(open_index, folder)
        assert waiting.wait(60)
        assert "is its disk mounted?" in shown(lookup.look(waiting, {}))
        away.rename(folder / "bread.txt")
        until(lambda: waiting.index is not None)
        with waiting.ready() as index:
            until(lambda: waiting.finished)
            assert [outline.id for outline in index.outlines] == ["bread.txt"]

    def test_an_unexpected_error_is_logged_and_shown_plainly(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        broken = opening(error=ZeroDivisionError("inner detail"))
        broken.wait()
        assert "inner detail" not in broken.error
        assert "ZeroDivisionError" in caplog.text

    def test_work_reports_as_it_goes_and_gives_its_result_last(self) -> None:
        def work(report: qa.ProgressCallback) -> str:
            report(qa.Progress("reading", 1, 2))
            return "done"

        assert [*opened.reported(work)] == [qa.Progress("reading", 1, 2), "done"]

    def test_an_error_in_the_work_reaches_the_caller(self) -> None:
        def work(_: qa.ProgressCallback) -> str:
            raise qa.QAError("disk full")

        with pytest.raises(qa.QAError, match="disk full"):
            list(opened.reported(work))


class TestExamples:
    @pytest.mark.parametrize(
        ("question", "plain"),
        [
            ("Who wrote a [contribution guide](https?", False),
            ("Who called `open`?", False),
            ("Who called print(x) first?", False),
            ("Who wrote to quist@ellery.example?", False),
            ("Who is " + "Anna " * 40 + "?", False),
            ("Who accused Moscow of targeting moderate (and other) groups?", True),
            ("Htmldate: Find the Date – of Web Pages: what is this about?", True),
        ],
    )
    def test_nobody_would_ask_in_markup_or_code(self, question: str, plain: bool) -> None:
        assert examples.is_plain(question) is plain

    def test_every_example_is_answered_with_the_sentence_it_was_made_from(
        self, index: qa.Index
    ) -> None:
        offered = examples.examples(index)
        assert (
            examples.Example("How many people were evacuated in Ellery?", "harbour.txt") in offered
        )
        assert all(index.ask(one.question).status == "answered" for one in offered)

    @pytest.mark.parametrize(
        ("sentence", "question"),
        [
            ("At least 3 men were hurt in Ellery.", "How many men were hurt in Ellery?"),
            ("Some 3 million Syrian refugees fled.", ""),
            ("2016 was a hard year.", ""),
        ],
    )  # fmt: skip
    def test_amounts_become_how_many(self, sentence: str, question: str) -> None:
        assert examples.amount(sentence) == question

    @pytest.mark.parametrize(
        ("sentence", "question"),
        [
            ("Moscow accused Turkey of shelling it, again.", ""),
            ("Moscow accused Turkey of firing, again.", "Who accused Turkey of firing?"),
            ("Moscow accused them of shelling the border.", ""),
            ("It was accused of shelling the border.", ""),
        ],
    )  # fmt: skip
    def test_deeds_become_who_unless_something_dangles(self, sentence: str, question: str) -> None:
        assert examples.deed(sentence) == question

    def test_a_person_with_a_role_becomes_who_is(self) -> None:
        assert examples.person("“No,” said Anna Quist, the harbour master.") == "Who is Anna Quist?"
        assert examples.person("Anna Quist, the harbour master, said no.") == "Who is Anna Quist?"
        assert examples.person("Port Ellery, a town on the coast, was quiet.") == ""

    def test_a_folder_without_such_sentences_is_asked_by_its_headlines(self) -> None:
        recipe = qa.Document(
            id="r.txt",
            title="Rye bread with caraway",
            text="Rye bread with caraway seeds is kneaded, then left to rise overnight.",
        )
        with qa.Index.from_documents([recipe], encoder=HashingEncoder()) as one:
            asked = "Rye bread with caraway: what is this about?"
            assert examples.examples(one) == (examples.Example(asked, "r.txt"),)

    def test_a_file_without_a_headline_is_not_asked_about(self) -> None:
        number = qa.Document(id="4983.txt", title="4983", text="Rye bread is kneaded with 4983.")
        with qa.Index.from_documents([number], encoder=HashingEncoder()) as one:
            assert examples.examples(one) == ()

    def test_an_empty_folder_offers_nothing(self) -> None:
        with qa.Index.from_documents([], encoder=HashingEncoder()) as empty:
            assert examples.examples(empty) == ()


class TestPlain:
    def test_an_answer_is_plain_json_without_any_path(self) -> None:
        said = json.loads(json.dumps(plain_answer(answer())))
        assert said["sentences"][0]["text"] == FIRST.text
        assert said["sentences"][0]["lead_in"] is said["sentences"][0]["exact"] is None
        assert said["hits"][0]["document"] == {
            "id": "a & b.txt",
            "title": "Storm <b>hits</b>",
            "source": "The Daily",
            "date": "2016-02-05",
        }

    def test_offsets_of_lead_in_and_exact_words_are_told_and_no_score_of_a_sentence(self) -> None:
        marked = qa.Sentence(DOCUMENT, 0, 30, lead_in=(0, 7), exact=(8, 15))
        said = plain_answer(answer(sentences=(marked,)))["sentences"][0]
        assert (said["lead_in"], said["exact"]) == ([0, 7], [8, 15])
        assert set(said) == {"text", "start", "end", "lead_in", "exact", "document"}

    def test_the_parts_of_a_score_add_up_to_it(self) -> None:
        said = plain_hit(hit(parts=reranked(0.25, -0.125), reading=Reading(0.0, 0.0, ())))
        parts = (said[name] for name in ("lexical", "semantic", "matched", "read"))
        assert sum(parts) == said["score"]
        assert "reading" not in said


class TestGuard:
    @staticmethod
    def status(path: str, host: str, *, local_only: bool = True) -> int:
        sent: list[Any] = []

        async def application(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {}

        scope = {"type": "http", "path": path, "headers": [(b"host", host.encode())]}
        asyncio.run(Guard(application, local_only=local_only)(scope, receive, send))
        return int(sent[0]["status"])

    @pytest.mark.parametrize(
        "path",
        [
            "/gradio_api/file=/etc/passwd",
            "/file=x",
            "/gradio_api/proxy=http://x",
            "/gradio_api/runs",
        ],
    )
    def test_files_and_proxies_are_refused(self, path: str) -> None:
        assert self.status(path, "127.0.0.1:7860") == 404

    def test_only_loopback_names_are_answered(self) -> None:
        assert self.status("/", "localhost:7860") == 200
        assert self.status("/", "[::1]:7860") == 200
        assert self.status("/", "evil.example") == 403
        assert self.status("/", "evil.example", local_only=False) == 200


class TestPorts:
    def test_a_taken_port_that_was_asked_for_is_a_plain_error(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(qa.QAError, match=f"port {port} is in use"):
                free_port("127.0.0.1", port)

    def test_when_none_was_asked_for_the_next_free_port_is_taken(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            monkeypatch.setattr("qa.page.ports.PORT", port)
            assert port < free_port("127.0.0.1") < port + 20

    def test_a_host_that_is_not_this_machines_is_a_plain_error(self) -> None:
        with pytest.raises(qa.QAError, match="cannot serve on"):
            free_port("203.0.113.7", 7860)
