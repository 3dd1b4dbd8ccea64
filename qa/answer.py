"""Choose the answering sentences; decide whether the articles answer at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from qa import exact, lexical, quotation
from qa.confidence import confidence, signals
from qa.context import leans_on_previous
from qa.corpus import Corpus
from qa.hits import Hit
from qa.passages import Sentence
from qa.reader import SentenceReading
from qa.repetition import nearly_identical
from qa.skim import skim
from qa.trimming import trimmed

Status = Literal["answered", "uncertain", "not_found"]

SENTENCES = 3  # marked as answering, at most
ANSWERED, NOT_FOUND = 0.5, 0.1  # confidence from which, and below which, to say so
CERTAINTY = 0.2  # of a sentence's score: how likely its exact words are
RELEVANCE = 0.1  # of the passage that it stands in
HIT_SCORE = 2.0  # that passage's score

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
        Words of the question that none of the hits mentions, as the question spells them; where
        there are no hits because of the phrases that it quotes, those phrases.
    coverage : float
        In [0, 1]: the share of the passages searched that have a vector, and so could be found by
        their meaning; the others, while they are being embedded, by their words alone.
    """

    question: str
    query: str
    status: Status
    confidence: float
    sentences: list[Sentence]
    hits: list[Hit]
    text: str
    missing: tuple[str, ...] = ()
    coverage: float = 1.0


def answer(
    corpus: Corpus, question: str, query: str, hits: Sequence[Hit], coverage: float = 1.0
) -> Answer:
    """What these hits say to the question.

    Parameters
    ----------
    query : str
        What the hits were retrieved for.
    hits : sequence of Hit
        Best first, whole.
    coverage : float
        The share of the passages searched that could be found by their meaning.
    """
    read = skim(corpus, query, hits)
    probability = confidence(signals(read))
    shown = trimmed(read, query)
    ranked = ranked_sentences(shown)
    status = _status(probability) if ranked else "not_found"
    sentences = _different(ranked, SENTENCES) if status != "not_found" else []
    missing = _missing(query, hits)
    return Answer(
        question=question,
        query=query,
        status=status,
        confidence=probability,
        sentences=[_finished(scored, question, status) for scored in sentences],
        hits=shown,
        text=_text(status, [scored.sentence for scored in sentences], missing),
        missing=missing,
        coverage=coverage,
    )


@dataclass(frozen=True, slots=True)
class ScoredSentence:
    """A sentence, how well it answers, and the one before it in its passage."""

    sentence: Sentence
    score: float
    previous: Sentence | None = None


def ranked_sentences(hits: Sequence[Hit]) -> list[ScoredSentence]:
    """Every sentence of the hits that were read or skimmed, best first."""
    scored = []
    for hit in hits:
        if hit.reading:
            previous: Sentence | None = None
            for sentence, read in zip(hit.sentences(), hit.reading.sentences, strict=True):
                scored.append(ScoredSentence(sentence, _score(hit, read), previous))
                previous = sentence
    return sorted(scored, key=lambda s: -s.score)


def _score(hit: Hit, read: SentenceReading) -> float:
    assert hit.reading is not None  # it has this sentence
    relevance = 0.0 if hit.reading.skimmed else hit.reading.relevance
    return read.score + CERTAINTY * read.certainty + RELEVANCE * relevance + HIT_SCORE * hit.score


def _different(ranked: Sequence[ScoredSentence], n: int) -> list[ScoredSentence]:
    """The best n that do not repeat a better one, nor come along with it as its lead-in."""
    chosen: list[ScoredSentence] = []
    said: list[Sentence] = []
    for scored in ranked:
        text = scored.sentence.text
        if not any(nearly_identical(text, other.text) for other in said):
            chosen.append(scored)
            said += [s for s in (scored.sentence, _lead_in(scored)) if s]
        if len(chosen) == n:
            break
    return chosen


def _finished(scored: ScoredSentence, question: str, status: Status) -> Sentence:
    """A sentence with the one before it, where it needs that, and its exact words, when sure."""
    sentence = scored.sentence
    if status == "answered" and (found := exact.exact(question, sentence.text)):
        sentence = replace(sentence, exact=(sentence.start + found[0], sentence.start + found[1]))
    if before := _lead_in(scored):
        return replace(sentence, start=before.start, lead_in=(before.start, before.end))
    return sentence


def _lead_in(scored: ScoredSentence) -> Sentence | None:
    """The sentence before, where this one needs it."""
    return scored.previous if leans_on_previous(scored.sentence.text) else None


def _status(confidence: float) -> Status:
    if confidence >= ANSWERED:
        return "answered"
    return "uncertain" if confidence >= NOT_FOUND else "not_found"


def _missing(query: str, hits: Sequence[Hit]) -> tuple[str, ...]:
    """The question's content words that stand in none of the hits or their titles.

    Where there are no hits because of the phrases that it quotes: those phrases.
    """
    if not hits and (phrases := quotation.quoted(query)):
        return phrases
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
