"""Find the passages for a question: two searches, fused; near-identical finds folded into one."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qa import lexical
from qa.derived import Derived
from qa.documents import Document
from qa.embedding import Encoder
from qa.errors import QuestionError
from qa.onnx_model import Vectors
from qa.passages import Passage, Sentence
from qa.repetition import nearly_identical
from qa.store import Store

SEMANTIC_WEIGHT = 0.3  # of the fused score; BM25 has the rest
CANDIDATES = 100  # taken from each of the two searches
LONGEST_QUESTION = 5_000  # characters: a page of text, far more than the encoder reads
COSINE_WEIGHT = 0.40  # of a sentence's score: its similarity in meaning to the question
COVERAGE_WEIGHT = 0.35  # the share of the question's words that it has, by their rarity
FOLD_INTO = 100  # better hits; repeats stand close together, and comparing all would take minutes
SAME_CONTENT = 0.8  # of a passage, that a better hit has already said


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a hit stands where it stands: ``lexical + semantic == score``.

    Parameters
    ----------
    lexical, semantic : float
        The two parts of the fused score, each already weighted; in [0, 1].
    bm25 : float
        The passage's BM25 score for the question; 0 where no word matches.
    cosine : float
        Cosine similarity of the question's and the passage's vectors; in [-1, 1].
    """

    lexical: float
    semantic: float
    bm25: float
    cosine: float


@dataclass(frozen=True, slots=True)
class Hit:
    """One retrieved passage.

    Parameters
    ----------
    rank : int
        From 1.
    score : float
        In [0, 1], higher is better; comparable within one question only.
    passage : Passage
    document : Document
        Where the passage stands.
    explanation : Explanation
        The parts of the score.
    also_in : tuple of Sentence
        Near-identical sentences in other articles, folded into this hit.
    """

    rank: int
    score: float
    passage: Passage
    document: Document
    explanation: Explanation
    also_in: tuple[Sentence, ...] = ()

    def sentences(self) -> list[Sentence]:
        """The passage's sentences, in order."""
        return [Sentence(self.document, start, end) for start, end in self.passage.sentences]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Everything that is searched, in one unchanging state."""

    store: Store
    derived: Derived
    encoder: Encoder

    def weights(self, question: str) -> dict[str, float]:
        """The question's content terms and how rare each is here: its inverse document frequency.

        References
        ----------
        Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009.
        """
        size = len(self.derived.lexical)
        found = {t: self.derived.lexical.passages_with(t) for t in lexical.content_terms(question)}
        return {t: math.log(1 + (size - n + 0.5) / (n + 0.5)) for t, n in found.items()}


def retrieve(
    corpus: Corpus, question: str, k: int = 5, *, documents: Collection[str] | None = None
) -> list[Hit]:
    """The k best passages, best first; fewer when there are not so many different ones.

    BM25 and cosine similarity are fused by a convex combination of their scores, each scaled to
    [0, 1] for the question. A passage that only repeats what a better one says is folded into it.

    Parameters
    ----------
    documents : ids of the documents to search in; None for all

    Raises
    ------
    QuestionError
        For an empty or over-long question, or k below 1.

    References
    ----------
    Bruch, Gai and Ingber, An Analysis of Fusion Functions for Hybrid Retrieval, 2023.
    """
    check_question(question)
    if k < 1:
        raise QuestionError(f"k is {k}: ask for at least 1 passage")
    hits: list[Hit] = []
    weights = corpus.weights(question)
    for hit in _in_order(corpus, _candidates(corpus, question, k, documents), k):
        if not _fold(corpus, question, hit, hits, weights):
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


@dataclass(frozen=True, slots=True)
class _Candidate:
    id: int
    explanation: Explanation

    @property
    def score(self) -> float:
        return self.explanation.lexical + self.explanation.semantic


def _candidates(
    corpus: Corpus, question: str, k: int, documents: Collection[str] | None
) -> list[_Candidate]:
    """Both searches' best passages with the scores of both, best first."""
    depth = max(CANDIDATES, 2 * k)
    words, neighbours = corpus.derived.lexical, corpus.derived.vectors
    query = corpus.encoder.encode_question(question)  # (d,)
    among = None if documents is None else corpus.store.passage_ids(documents)
    near, _ = neighbours.search(query, depth, among=among)
    matching, scores = words.search(question, depth, documents=documents)
    bm25 = dict(zip(matching.tolist(), scores.tolist(), strict=True))
    ids = list(bm25.keys() | set(near.tolist()))
    cosines = neighbours.cosines(query, ids)
    return _fused(ids, [bm25.get(id, 0.0) for id in ids], cosines.tolist())


def _fused(ids: Sequence[int], bm25: Sequence[float], cosines: Sequence[float]) -> list[_Candidate]:
    if not ids:
        return []
    highest = max(bm25) or 1.0
    least, most = min(cosines), max(cosines)
    semantic = np.ones(len(ids)) if most == least else (np.array(cosines) - least) / (most - least)
    candidates = [
        _Candidate(
            id,
            Explanation(
                lexical=(1 - SEMANTIC_WEIGHT) * score / highest,
                semantic=SEMANTIC_WEIGHT * float(scaled),
                bm25=score,
                cosine=cosine,
            ),
        )
        for id, score, cosine, scaled in zip(ids, bm25, cosines, semantic, strict=True)
    ]
    return sorted(candidates, key=lambda candidate: -candidate.score)


def _in_order(corpus: Corpus, candidates: list[_Candidate], k: int) -> Iterator[Hit]:
    """Hits, not yet ranked, fetched from the store a few at a time."""
    for first in range(0, len(candidates), 2 * k):
        some = candidates[first : first + 2 * k]
        found = corpus.store.passages([candidate.id for candidate in some])
        hits = [
            Hit(0, c.score, passage, document, c.explanation)
            for c in some
            if c.id in found
            for document, passage in [found[c.id]]
        ]
        yield from sorted(hits, key=lambda hit: (-hit.score, hit.document.id, hit.passage.start))


def _fold(
    corpus: Corpus, question: str, hit: Hit, better: list[Hit], weights: Mapping[str, float]
) -> bool:
    """Fold a hit into a better one that says the same, if there is one; whether it was."""
    for position in range(max(0, len(better) - FOLD_INTO), len(better)):
        kept = better[position]
        repeated = _repeated(hit, kept)
        if repeated and _says_no_more(corpus, question, hit, repeated, weights):
            elsewhere = [s for s in repeated if s.document.id != kept.document.id]
            better[position] = replace(kept, also_in=(*kept.also_in, *elsewhere))
            return True
    return False


def _repeated(hit: Hit, kept: Hit) -> list[Sentence]:
    """The sentences of `hit` that stand nearly identically in `kept`."""
    theirs = [sentence.text for sentence in kept.sentences()]
    return [s for s in hit.sentences() if any(nearly_identical(s.text, t) for t in theirs)]


def _says_no_more(
    corpus: Corpus, question: str, hit: Hit, repeated: list[Sentence], weights: Mapping[str, float]
) -> bool:
    """Whether these sentences are nearly all of a hit, or hold the one that answers best."""
    length = sum(end - start for start, end in hit.passage.sentences)
    if sum(s.end - s.start for s in repeated) >= SAME_CONTENT * length:
        return True
    sentences = hit.sentences()
    _, scores = sentence_scores(corpus, question, sentences, weights)
    return sentences[int(np.argmax(scores))] in repeated


def sentence_scores(
    corpus: Corpus, question: str, sentences: Sequence[Sentence], weights: Mapping[str, float]
) -> tuple[Vectors, Vectors]:
    """How well each sentence answers, whatever passage it stands in.

    Parameters
    ----------
    weights : the question's, by `Corpus.weights`

    Returns
    -------
    cosines : array of shape (n,)
        The similarity in meaning of the question and each sentence.
    scores : array of shape (n,)
        That and the share of the question's words, by their rarity, in the sentence, weighted.
    """
    vectors = corpus.encoder.encode_passages([sentence.text for sentence in sentences])
    cosines = vectors @ corpus.encoder.encode_question(question)  # (n,)
    total = sum(weights.values()) or 1.0
    coverage = [matched_weight(sentence.text, weights) / total for sentence in sentences]
    return cosines, COSINE_WEIGHT * cosines + COVERAGE_WEIGHT * np.array(coverage, np.float32)


def matched_weight(text: str, weights: Mapping[str, float]) -> float:
    """The summed weight of the terms that stand in a text."""
    present = set(lexical.terms(text))
    return sum(weight for term, weight in weights.items() if term in present)
