"""Questions to click, found in the folder itself and tried before they are offered.

Sentences that have a simple shape are turned round into a question ("More than 260,000 people
have been killed in Syria" gives "How many people have been killed in Syria?"); the index is then
asked, and only what it answers with that very sentence is offered. The shapes are English; for
other languages, and for folders without such sentences, an article's headline is the question.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING

from qa.documents import Document
from qa.errors import QAError
from qa.passages import Sentence

if TYPE_CHECKING:
    from qa import Index, Outline

WANTED = 5
DOCUMENTS_LOOKED_AT = 8
TRIALS = 24  # questions asked to find the examples: about a second of work
QUESTION_CHARACTERS = 110

NAME = r"[A-Z][\w’'-]+(?: (?:al[- ]|de |von |van |bin |of )?[A-Z][\w’'-]+){0,3}"
AMOUNT = re.compile(
    r"^(?:[Mm]ore than|[Aa]t least|[Oo]ver|[Nn]early|[Aa]bout|[Ss]ome|[Aa]round)?\s*"
    r"\d[\d,.]*(?: million| billion)? "
    r"(?P<things>(?:[a-z]+ )?(?:people|men|women|children|[a-z]+s)) "
    r"(?P<verb>(?:have been|had been|were|are|have|had) [a-z]+)(?P<where> (?:in|by|at|from|on) "
    + NAME
    + r")?"
)
DEED = re.compile(
    rf"^(?:The )?(?P<who>{NAME}) (?P<deed>(?:(?:has|had|have) )?"
    r"(?:accused|acquired|agreed|announced|appointed|approved|blamed|called|criticised|criticized|"
    r"declared|denied|discovered|founded|introduced|invented|killed|launched|opened|ordered|"
    r"pledged|proposed|published|rebuffed|refused|rejected|released|seized|signed|slammed|urged|"
    r"vowed|warned|won|wrote)\b [^,.;:“”\"?!]{15,80})"
)
FULL_NAME = r"(?P<who>[A-Z][\w’'-]+ (?:al-)?[A-Z][\w’'-]+)"
ROLE = r", (?:the|a|an) [^,.;“”]{8,90}"
PERSON = re.compile(
    rf"\b(?:said|says|told|added) {FULL_NAME}{ROLE}(?:,|\.$)"
    rf"|{FULL_NAME.replace('who', 'whom')}{ROLE}, (?:said|says|told|called|warned|added|wrote)\b"
)
# More than a file's name: words; where these are not set apart, letters that only words have.
HEADLINE = re.compile(r"[^\W\d_]{2}.*\s[^\W\d_]{2}|[^\W\d_\x00-\x7f]{4}")
SPOKEN = re.compile(rf"{FULL_NAME} (?:said|told|warned|added)\b")
MARKUP = re.compile(r"[\[\]<>{}|`*_#\\]|://|\w[(@]\w")  # or code: nobody would ask so
DANGLING = re.compile(r"\b(?:he|his|him|she|her|they|their|them|it|its|this|that|these|those|we)\b")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question and the sentence it was made from, which should answer it."""

    question: str
    sentence: Sentence
    shape: str


@dataclass(frozen=True, slots=True)
class Example:
    """A question to click, and the id of the document that answers it."""

    question: str
    document: str


def examples(index: Index, wanted: int = WANTED) -> tuple[Example, ...]:
    """Questions that the index answers with the sentence they were made from.

    Parameters
    ----------
    index : Index
    wanted : int
        How many at most.

    Returns
    -------
    tuple of Example
        May be empty: no question is better than one without an answer.
    """
    looked_at = spread(index.outlines, DOCUMENTS_LOOKED_AT)
    documents = [found for one in looked_at if (found := index.document(one.id))]
    sentences = [sentences_of(index, document) for document in documents]
    shaped = varied(interleaved([list(candidates(some)) for some in sentences]))
    headlines = [
        Candidate(headline_question(document), some[0], "headline")
        for document, some in zip(documents, sentences, strict=True)
        if some and HEADLINE.search(document.title) and is_plain(document.title)
    ]
    tried = islice(distinct(chain(shaped, headlines)), TRIALS)
    good = islice((one for one in tried if answered(index, one)), wanted)
    return tuple(Example(one.question, one.sentence.document.id) for one in good)


def spread(documents: Sequence[Outline], number: int) -> list[Outline]:
    """At most `number` documents, evenly from the whole sequence."""
    step = max(1, len(documents) // number)
    return list(documents[::step][:number])


def sentences_of(index: Index, document: Document) -> list[Sentence]:
    """The sentences of a document's passages nearest to its own headline."""
    hits = index.retrieve(document.title or document.id, 4, documents=[document.id], rerank=False)
    return [Sentence(document, start, end) for hit in hits for start, end in hit.passage.sentences]


def candidates(sentences: Iterable[Sentence]) -> Iterator[Candidate]:
    """Questions made from the sentences that have one of the shapes, best shape first."""
    known = list(sentences)
    for shape in (amount, deed, person, spoken):
        for sentence in known:
            question = shape(" ".join(sentence.text.split()))
            if question and is_plain(question):
                yield Candidate(question, sentence, shape.__name__)


def is_plain(question: str) -> bool:
    """Whether it is short, and of words alone."""
    return len(question) <= QUESTION_CHARACTERS and not MARKUP.search(question)


def amount(sentence: str) -> str:
    """``How many people have been killed in Syria?``, or ``""``."""
    found = AMOUNT.match(sentence)
    if not found:
        return ""
    return f"How many {found['things']} {found['verb']}{found['where'] or ''}?"


def deed(sentence: str) -> str:
    """``Who accused Moscow of targeting moderate groups?``, or ``""``."""
    found = DEED.match(sentence)
    if not found or DANGLING.search(found["deed"]):
        return ""
    return f"Who {found['deed'].strip()}?"


def person(sentence: str) -> str:
    """``Who is Alexei Malashenko?``, or ``""``."""
    found = PERSON.search(sentence)
    return f"Who is {found['who'] or found['whom']}?" if found else ""


def spoken(sentence: str) -> str:
    """``What did Riad Hijab say?``, or ``""``."""
    found = SPOKEN.search(sentence)
    return f"What did {found['who']} say?" if found else ""


def headline_question(document: Document) -> str:
    """A question that any headline makes."""
    return f"{' '.join(document.title.split()).rstrip('.?!')}: what is this about?"


def interleaved(groups: Sequence[Sequence[Candidate]]) -> Iterator[Candidate]:
    """One of each group in turn, so that the examples come from different articles."""
    for together in zip_longest(*groups):
        yield from filter(None, together)


def varied(some: Iterable[Candidate]) -> list[Candidate]:
    """The first of each shape, then the second of each, and so on."""
    seen: Counter[str] = Counter()
    turns = []
    for candidate in some:
        turns.append((seen[candidate.shape], candidate))
        seen[candidate.shape] += 1
    return [candidate for _, candidate in sorted(turns, key=lambda turn: turn[0])]


def distinct(some: Iterable[Candidate]) -> Iterator[Candidate]:
    """Each question once."""
    seen: set[str] = set()
    for candidate in some:
        if candidate.question not in seen:
            seen.add(candidate.question)
            yield candidate


def answered(index: Index, candidate: Candidate) -> bool:
    """Whether the index answers with the sentence (or article) the question was made from."""
    try:
        answer = index.ask(candidate.question)
    except QAError:
        return False
    return answer.status == "answered" and any(
        overlap(sentence, candidate.sentence)
        or (candidate.shape == "headline" and sentence.document == candidate.sentence.document)
        for sentence in answer.sentences[:2]
    )


def overlap(one: Sentence, other: Sentence) -> bool:
    """Whether two sentences share characters of one document."""
    same_document = one.document.id == other.document.id
    return same_document and one.start < other.end and other.start < one.end
