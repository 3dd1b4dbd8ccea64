"""Find the passages for a question: two searches, fused; the best read; repeats folded into one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from qa import fusion, rerank
from qa.corpus import Corpus
from qa.errors import QuestionError
from qa.folding import fold
from qa.hits import Hit
from qa.reader import Page
from qa.rerank import Ranked, Reranker

LONGEST_QUESTION = 5_000  # characters: a page of text, far more than the encoder reads


def retrieve(
    corpus: Corpus,
    question: str,
    k: int = 5,
    *,
    documents: Collection[str] | None = None,
    reranker: Reranker | None = None,
) -> list[Hit]:
    """The k best passages, best first; fewer when there are not so many different ones.

    A passage that only repeats what a better one says is folded into it.

    Parameters
    ----------
    documents : ids of the documents to search in; None for all
    reranker : matches the best in context and reads them; None for the fused order

    Raises
    ------
    QuestionError
        For an empty or over-long question, or k below 1.
    """
    check_question(question)
    if k < 1:
        raise QuestionError(f"k is {k}: ask for at least 1 passage")
    found = fusion.candidates(corpus, question, k, documents)
    ids = [candidate.id for candidate in found]
    ranked = [Ranked(i, candidate.explanation) for i, candidate in enumerate(found)]
    if reranker:
        ranked = _reranked(corpus, reranker, question, ranked, ids)
    weights = corpus.weights(question)
    hits: list[Hit] = []
    for hit in _hits(corpus, ranked, ids, k):
        if not fold(hit, hits, weights):
            hits.append(replace(hit, rank=len(hits) + 1))
        if len(hits) == k:
            break
    return hits


def check_question(question: str) -> None:
    """Raise QuestionError for a question that cannot be asked."""
    if not question.strip():
        raise QuestionError("the question is empty: ask in a few words or a sentence")
    if len(question) > LONGEST_QUESTION:
        raise QuestionError(
            f"the question has {len(question):,} characters: {LONGEST_QUESTION:,} at most"
        )


def _reranked(
    corpus: Corpus, reranker: Reranker, question: str, fused: list[Ranked], ids: list[int]
) -> list[Ranked]:
    some = ids[: rerank.MATCHED]
    found = corpus.store.passages(some)
    pages = [
        Page(document.title, passage.text, passage.start, passage.sentences)
        for document, passage in (found[id] for id in some)
    ]
    return rerank.rerank(reranker, question, [r.explanation for r in fused], pages)


def _hits(corpus: Corpus, ranked: list[Ranked], ids: list[int], k: int) -> Iterator[Hit]:
    """Hits, not yet ranked, fetched from the store a few at a time."""
    for first in range(0, len(ranked), 2 * k):
        some = ranked[first : first + 2 * k]
        found = corpus.store.passages([ids[r.position] for r in some])
        hits = [
            Hit(0, r.explanation.score, passage, document, r.explanation, reading=r.reading)
            for r in some
            if ids[r.position] in found
            for document, passage in [found[ids[r.position]]]
        ]
        yield from sorted(hits, key=_place)


def _place(hit: Hit) -> tuple[float, bool, str, int]:
    """What hits are sorted by: of the same score one that was read comes first."""
    return -hit.score, hit.reading is None, hit.document.id, hit.passage.start
