from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from fakes import FakeMatcher, FakeReader, fake_reranker
from hypothesis import given
from hypothesis import strategies as st

from qa import rerank
from qa.errors import ModelError
from qa.hits import Explanation
from qa.reader import Page, Reading
from qa.rerank import MATCHED, READ, Ranked, Reranker

WHOLE = 1 + rerank.MATCH_WEIGHT + rerank.READ_WEIGHT


@dataclass
class Given:
    """A matcher and a reader that say what they were told to, of as many as they have time for."""

    matches: Sequence[float]
    relevances: Sequence[float]
    in_time: int = 1_000_000
    matched: int = 0

    def match(self, question: str, pages: Sequence[Page], *, seconds: float) -> list[float]:
        begun = pages[: self.in_time - self.matched]
        self.matched += len(begun)
        return [self.matches[page.start] for page in begun]

    def read(self, question: str, pages: Sequence[Page], *, seconds: float) -> list[Reading]:
        begun = pages[: max(1, self.in_time)]
        return [Reading(self.relevances[page.start], 0.0, ()) for page in begun]


def numbered(count: int) -> list[Page]:
    """Pages that are told apart by where they start."""
    return [Page("", f"page {number}", number, ()) for number in range(count)]


def reranked(fused: Sequence[Explanation], said: Given) -> list[Ranked]:
    pages = numbered(len(fused))[:MATCHED]
    both = Reranker(lambda: said, lambda: said, seconds=60)
    return rerank.rerank(both, "Who?", fused, pages)


def explanation(lexical: float, semantic: float = 0.0) -> Explanation:
    return Explanation(lexical, semantic, bm25=10 * lexical, cosine=semantic)


EXPLANATIONS = st.builds(explanation, st.floats(0, 0.6), st.floats(0, 0.4))
FUSED = st.lists(EXPLANATIONS, min_size=1, max_size=40).map(
    lambda found: sorted(found, key=lambda e: -e.score)
)
SCORES = st.lists(st.floats(-1, 1), min_size=60, max_size=60)
LOGITS = st.lists(st.floats(-12, 12), min_size=60, max_size=60)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Explanation], Given]:
    said = Given(draw(SCORES), draw(LOGITS), draw(st.integers(0, 45)))
    return draw(FUSED), said


@given(cases())
def test_every_passage_is_in_the_new_order_once_and_the_order_is_by_score(
    case: tuple[list[Explanation], Given],
) -> None:
    fused, said = case
    ranked = reranked(fused, said)
    assert sorted(r.position for r in ranked) == list(range(len(fused)))
    scores = [r.explanation.score for r in ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(-1e-9 <= score <= 1 + 1e-9 for score in scores)


@given(cases())
def test_what_the_searches_said_keeps_its_share_and_the_rest_is_added(
    case: tuple[list[Explanation], Given],
) -> None:
    fused, said = case
    for r in reranked(fused, said):
        before, after = fused[r.position], r.explanation
        assert (after.bm25, after.cosine) == (before.bm25, before.cosine)
        assert after.lexical == pytest.approx(before.lexical / WHOLE)
        assert after.semantic == pytest.approx(before.semantic / WHOLE)
        assert 0 <= after.matched <= rerank.MATCH_WEIGHT / WHOLE + 1e-9
        assert after.read <= rerank.READ_WEIGHT / WHOLE + 1e-9
        assert after.score == pytest.approx(
            after.lexical + after.semantic + after.matched + after.read
        )


@given(cases())
def test_what_was_not_read_is_never_above_what_was(
    case: tuple[list[Explanation], Given],
) -> None:
    fused, said = case
    ranked = reranked(fused, said)
    was_read = [r.reading is not None for r in ranked]
    assert was_read == sorted(was_read, reverse=True)
    expected = min(len(fused), READ, max(1, said.in_time))
    assert sum(was_read) == expected
    for r in ranked:
        if r.reading:
            assert r.reading.relevance == said.relevances[r.position]
        else:
            assert r.explanation.read <= 0


@given(cases())
def test_only_the_best_are_matched_and_each_has_its_own_match(
    case: tuple[list[Explanation], Given],
) -> None:
    fused, said = case
    for r in reranked(fused, said):
        if r.position < min(MATCHED, said.in_time):
            assert r.explanation.similarity == said.matches[r.position]
        else:
            assert (r.explanation.similarity, r.explanation.matched) == (0, 0)


@given(FUSED)
def test_without_time_one_page_is_read_and_the_rest_keeps_its_order_below(
    fused: list[Explanation],
) -> None:
    reader, matcher = FakeReader(), FakeMatcher()
    both = Reranker(lambda: matcher, lambda: reader, seconds=0)
    ranked = rerank.rerank(both, "Who?", fused, numbered(len(fused)))
    assert [r.position for r in ranked] == list(range(len(fused)))
    assert [r.reading is not None for r in ranked] == [True, *[False] * (len(fused) - 1)]
    assert len(reader.pages) == 1
    assert not matcher.matched
    scores = [r.explanation.score for r in ranked]
    assert scores == sorted(scores, reverse=True)


def test_nothing_found_is_nothing_reranked_and_no_model_is_loaded() -> None:
    refuse = Reranker(lambda: pytest.fail("loaded"), lambda: pytest.fail("loaded"))
    assert rerank.rerank(refuse, "Who?", [], []) == []


def test_a_model_is_loaded_when_it_is_needed_and_once() -> None:
    loaded: list[str] = []

    def matcher() -> FakeMatcher:
        loaded.append("matcher")
        return FakeMatcher()

    def reader() -> FakeReader:
        loaded.append("reader")
        return FakeReader()

    both = Reranker(matcher, reader)
    assert loaded == []
    for _ in range(2):
        rerank.rerank(both, "Who?", [explanation(0.5)], numbered(1))
        assert loaded == ["matcher", "reader"]


def test_a_matcher_that_is_too_slow_leaves_the_time_to_the_reader() -> None:
    tried: list[int] = []

    class Slow(FakeMatcher):
        def match(
            self, question: str, pages: Sequence[Page], *, seconds: float = float("inf")
        ) -> list[float]:
            tried.append(len(pages))
            clock.append(clock[-1] + 0.1 * len(pages))  # all that are begun are done
            return super().match(question, pages, seconds=seconds)

    clock = [0.0]
    reader = FakeReader()
    fused = [explanation(0.6 - 0.02 * number) for number in range(MATCHED)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rerank, "time", SimpleNamespace(monotonic=lambda: clock[-1]))
        both = Reranker(Slow, lambda: reader, seconds=1.0)
        ranked = rerank.rerank(both, "Who?", fused, numbered(MATCHED))
    assert tried == [rerank.TRIED]
    assert [r.explanation.matched for r in ranked] == [0.0] * MATCHED
    assert len(reader.pages) == READ


def test_loading_the_models_costs_no_question_its_time() -> None:
    clock = [0.0]

    class Reader(FakeReader):
        def read(
            self, question: str, pages: Sequence[Page], *, seconds: float = float("inf")
        ) -> list[Reading]:
            left.append(seconds)
            return super().read(question, pages, seconds=seconds)

    def slowly(loaded: type) -> object:
        clock.append(clock[-1] + 10)
        return loaded()

    left: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rerank, "time", SimpleNamespace(monotonic=lambda: clock[-1]))
        both = Reranker(lambda: slowly(FakeMatcher), lambda: slowly(Reader), seconds=1.0)
        rerank.rerank(both, "Who?", [explanation(0.5)], numbered(1))
    assert left == [1.0]


def test_all_indexes_of_a_process_share_one_reranker() -> None:
    assert rerank.shared() is rerank.shared()
    assert fake_reranker() is not fake_reranker()


def test_of_equally_good_passages_the_one_that_matches_and_is_read_best_comes_first() -> None:
    fused = [explanation(0.5)] * 3
    assert [r.position for r in reranked(fused, Given([0.2, 0.4, 0.3], [0.0, 0.0, 0.0]))] == [
        1,
        2,
        0,
    ]
    assert [r.position for r in reranked(fused, Given([0.3, 0.3, 0.3], [-3.0, 1.0, 5.0]))] == [
        2,
        1,
        0,
    ]


def test_a_passage_far_down_is_brought_up_when_it_matches_and_is_read_well() -> None:
    fused = [explanation(0.6 - 0.02 * number) for number in range(25)]
    matches, relevances = [0.5] * 25, [-5.0] * 25
    matches[MATCHED - 1], relevances[MATCHED - 1] = 0.9, 8.0
    first = reranked(fused, Given(matches, relevances))[0]
    assert first.position == MATCHED - 1
    assert first.explanation.matched == pytest.approx(rerank.MATCH_WEIGHT / WHOLE)
    assert first.explanation.read == pytest.approx(rerank.READ_WEIGHT / WHOLE)


def test_one_signal_is_not_the_judge() -> None:
    """An exact match that both searches put first survives a reader that likes another better."""
    fused = [explanation(0.6, 0.4), explanation(0.1)]
    assert reranked(fused, Given([0.6, 0.6], [1.0, 2.0]))[0].position == 0


def test_both_are_loaded_once_though_they_are_needed_while_they_are_loaded() -> None:
    loaded: list[str] = []
    begun, go = threading.Event(), threading.Event()

    def load_matcher() -> FakeMatcher:
        begun.set()
        assert go.wait(10)
        loaded.append("matcher")
        return FakeMatcher()

    def load_reader() -> FakeReader:
        loaded.append("reader")
        return FakeReader()

    reranker = Reranker(load_matcher, load_reader)
    reranker.prepare()
    assert begun.wait(10)
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(lambda: reranker.matcher) for _ in range(2)]
        go.set()
        assert asked[0].result(10) is asked[1].result(10) is reranker.matcher
    assert reranker.reader is reranker.reader
    assert loaded == ["matcher", "reader"]


def test_what_cannot_be_loaded_is_told_to_who_asks() -> None:
    def load() -> FakeMatcher:
        raise ModelError("its wheel is not installed")

    reranker = Reranker(load)
    reranker.prepare()  # pytest fails on an exception that a thread lets go
    for thread in threading.enumerate():
        if thread.name == "qa-models":
            thread.join(10)
    with pytest.raises(ModelError, match="wheel"):
        _ = reranker.matcher
