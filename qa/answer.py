"""Choose the answering sentences; decide whether the articles answer at all."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from qa import lexical
from qa.passages import Sentence
from qa.repetition import nearly_identical
from qa.retrieval import Corpus, Hit, matched_weight, sentence_scores

Status = Literal["answered", "uncertain", "not_found"]

SENTENCES = 3  # marked as answering, at most
HIT_WEIGHT = 0.25  # in a sentence's score: the score of the passage that it stands in
ANSWERED, NOT_FOUND = 0.5, 0.1  # confidence from which, and below which, to say so
INTERCEPT, COSINE, COVERAGE = -7.3, 6.9, 5.1  # of the confidence; benchmarks/answers.py fits them

_WORD = re.compile(r"\w+(?:[-.'\u2019]\w+)*")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the articles say to a question.

    Parameters
    ----------
    question : str
        As it was asked.
    query : str
        What was searched: the question, or a follow-up completed from the history.
    status : {"answered", "uncertain", "not_found"}
    confidence : float
        In [0, 1]: how likely it is that the articles answer the question.
    sentences : list of Sentence
        The answering sentences, verbatim, best first; empty when the status is "not_found".
    hits : list of Hit
        The passages behind it, best first. When the status is "not_found": merely the nearest.
    text : str
        What a face shows first: the best sentence and where it stands, or that the articles do
        not say.
    missing : tuple of str
        Words of the question that none of the hits mentions, as the question spells them.
    """

    question: str
    query: str
    status: Status
    confidence: float
    sentences: list[Sentence]
    hits: list[Hit]
    text: str
    missing: tuple[str, ...] = ()


def answer(corpus: Corpus, question: str, query: str, hits: Sequence[Hit]) -> Answer:
    """What these hits say to the question.

    Parameters
    ----------
    query : str
        What the hits were retrieved for.
    hits : sequence of Hit
        Best first.
    """
    weights = corpus.weights(query)
    ranked = ranked_sentences(corpus, query, hits, weights)
    confidence = _confidence(ranked, hits, weights)
    status = _status(confidence) if ranked else "not_found"
    sentences = _different(ranked, SENTENCES) if status != "not_found" else []
    missing = _missing(query, hits)
    return Answer(
        question=question,
        query=query,
        status=status,
        confidence=confidence,
        sentences=sentences,
        hits=list(hits),
        text=_text(status, sentences, missing),
        missing=missing,
    )


@dataclass(frozen=True, slots=True)
class ScoredSentence:
    """A sentence, how near it is to the question in meaning, and how well it answers."""

    sentence: Sentence
    cosine: float
    score: float


def ranked_sentences(
    corpus: Corpus, query: str, hits: Sequence[Hit], weights: Mapping[str, float]
) -> list[ScoredSentence]:
    """Every sentence of the hits, best first."""
    candidates = [(sentence, hit) for hit in hits for sentence in hit.sentences()]
    if not candidates:
        return []
    cosines, scores = sentence_scores(corpus, query, [s for s, _ in candidates], weights)
    scored = [
        ScoredSentence(sentence, cosine, score + HIT_WEIGHT * hit.score)
        for (sentence, hit), cosine, score in zip(
            candidates, cosines.tolist(), scores.tolist(), strict=True
        )
    ]
    return sorted(scored, key=lambda s: -s.score)


def _different(ranked: Sequence[ScoredSentence], n: int) -> list[Sentence]:
    """The best n that do not repeat a better one."""
    chosen: list[Sentence] = []
    for scored in ranked:
        if not any(nearly_identical(scored.sentence.text, other.text) for other in chosen):
            chosen.append(scored.sentence)
        if len(chosen) == n:
            break
    return chosen


def _confidence(
    ranked: Sequence[ScoredSentence], hits: Sequence[Hit], weights: Mapping[str, float]
) -> float:
    """How likely it is that the articles answer: a logistic rule of two signals.

    Its coefficients are fitted by ``benchmarks/answers.py``.
    """
    cosine, coverage = signals(ranked, hits, weights)
    return 1 / (1 + math.exp(-(INTERCEPT + COSINE * cosine + COVERAGE * coverage)))


def signals(
    ranked: Sequence[ScoredSentence], hits: Sequence[Hit], weights: Mapping[str, float]
) -> tuple[float, float]:
    """What the confidence is computed from.

    Returns
    -------
    cosine : float
        The similarity in meaning of the question and the sentence nearest to it.
    coverage : float
        The share of the question's words, by their rarity, in the passage that has most of them.
    """
    cosine = max((scored.cosine for scored in ranked), default=0.0)
    total = sum(weights.values())
    said = [matched_weight(f"{hit.document.title} {hit.passage.text}", weights) for hit in hits]
    return cosine, max(said, default=0.0) / total if total else 0.0


def _status(confidence: float) -> Status:
    if confidence >= ANSWERED:
        return "answered"
    return "uncertain" if confidence >= NOT_FOUND else "not_found"


def _missing(query: str, hits: Sequence[Hit]) -> tuple[str, ...]:
    """The question's content words that stand in none of the hits or their titles."""
    said: set[str] = set()
    for hit in hits:
        said |= set(lexical.terms(f"{hit.document.title} {hit.passage.text}"))
    content = set(lexical.content_terms(query))
    words = dict.fromkeys(_WORD.findall(query))
    return tuple(w for w in words if content & set(lexical.terms(w)) and not _mentions(said, w))


def _mentions(said: set[str], word: str) -> bool:
    """Whether a word, all the parts of a compound, or its joined form are among these terms."""
    parts = set(lexical.content_terms(re.sub(r"\W", " ", word)))
    return parts <= said or bool((set(lexical.content_terms(word)) - parts) & said)


def _text(status: Status, sentences: Sequence[Sentence], missing: Sequence[str]) -> str:
    if status == "not_found":
        unsaid = f" None of the nearest passages mentions: {', '.join(missing)}." if missing else ""
        return f"These articles do not say.{unsaid}"
    best = sentences[0]
    where = best.document.title or best.document.id
    sentence = " ".join(best.text.split())
    unsure = "The articles may not answer this. The nearest they say is: "
    return f"{unsure if status == 'uncertain' else ''}{sentence} ({where})"
