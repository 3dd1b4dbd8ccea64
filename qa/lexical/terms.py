"""Which index terms a text has: lower-case stems, with joined forms beside them.

So that "cease-fire" is found by "ceasefire" and "U.S." by "US".
"""

from __future__ import annotations

import re
from functools import cache

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

from qa import quotation

VERSION = 2  # raise it when the same text gives other terms: search indexes are then made anew
LONGEST_WORD = 60  # characters; longer ones are data, not words

_NAME = "name"  # before a name that is spelled like a function word

_ACRONYM = re.compile(r"\b(?:[^\W\d_]\.){2,}")
_CAPITALS = re.compile(r"\b[A-Z]{2,}\b")
_COMPOUND = re.compile(r"\b\w+(?:[-\u2010\u2011]\w+)+")
_GROUPED = re.compile(r"\b\d+(?:[.,]\d+)+")
_CONTRACTED = re.compile(r"\b\w+n't\b", re.IGNORECASE)  # "won't" is not "won"
_POSSESSIVE = re.compile(r"'s\b", re.IGNORECASE)


def terms(text: str) -> list[str]:
    """The index terms of a text, in order, repeats kept: lower-case stems and joined forms."""
    tokens: list[str] = analyzer().analyze(with_joined_forms(text))
    return tokens


def content_terms(text: str) -> list[str]:
    """The terms of a text without function words ("who", "did", "the"), each once, in order."""
    kept = (
        term
        for term in terms(text)
        if (len(term) > 1 or not term.isascii() or term.isdigit()) and term not in _function_terms()
    )
    return list(dict.fromkeys(kept))


@cache
def analyzer() -> TextAnalyzer:
    """Makes terms of words: what Tantivy indexes with."""
    builder = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(LONGEST_WORD))
    folded = builder.filter(Filter.lowercase()).filter(Filter.ascii_fold())
    return folded.filter(Filter.stemmer("english")).build()


def with_joined_forms(text: str) -> str:
    """The text without possessive endings, and behind it "US" for "U.S.", "ceasefire" for
    "cease-fire" and "245000" for "245,000".

    A function word in capitals ("US", "IS", "WHO") is a name, and a term apart from the word,
    unless all of several words are in capitals.
    """
    text = _without_endings(text)
    joints = " ".join(word for word in text.split() if not word.isalnum())  # few, and all there are
    acronyms = [found.replace(".", "") for found in _ACRONYM.findall(joints)]
    parts = [*_COMPOUND.findall(joints), *_GROUPED.findall(joints)]
    compounds = [re.sub(r"\W", "", found) for found in parts]
    joined = " ".join([text, *acronyms, *compounds])
    shouted = text.isupper() and len(text.split()) > 1
    return joined if shouted else _CAPITALS.sub(_name, joined)


def _without_endings(text: str) -> str:
    text = quotation.plain(text)
    return _CONTRACTED.sub("not", _POSSESSIVE.sub("", text)) if "'" in text else text


def phrase_runs(phrase: str) -> list[list[list[str]]]:
    """The phrase's words as runs of neighbours that are indexed, each word as the terms that it
    may be: a function word can stand in the text as a name.
    """
    runs: list[list[list[str]]] = [[]]
    for word in _splitter().analyze(_without_endings(phrase)):
        spelled = [word, f"{_NAME}{word}"] if word.lower() in _function_words() else [word]
        found = [term for form in spelled for term in analyzer().analyze(form)]
        if found and not quotation.UNSPACED.search(word):
            runs[-1].append(found)
        else:
            runs.append([])
    return [run for run in runs if run]


@cache
def _splitter() -> TextAnalyzer:
    return TextAnalyzerBuilder(Tokenizer.simple()).build()


def _name(found: re.Match[str]) -> str:
    return f"{_NAME}{found[0]}" if found[0].lower() in _function_words() else found[0]


@cache
def _function_words() -> frozenset[str]:
    return frozenset(_FUNCTION_WORDS.split())


@cache
def _function_terms() -> frozenset[str]:
    return frozenset(term for word in _function_words() for term in analyzer().analyze(word))


# Closed classes only (articles, pronouns, prepositions, conjunctions, auxiliaries, question
# words) and what a question is wrapped in ("tell me about"): none of them is what is asked for.
_FUNCTION_WORDS = """
a an the this that these those such some any each every both either neither no not nor
i me my mine myself we us our ours ourselves you your yours yourself he him his himself she her
hers herself it its itself they them their theirs themselves one
who whom whose which what when where why how whether
and or but if then else than so because as while until though although since unless
of at by for with about against between among into through during before after above below to from
up down in out on off over under again further upon within without toward towards per via
am is are was were be been being have has had having do does did doing done can could will would
shall should may might must ought
there here just only also too very more most much many
ll ve re
please tell say says said according
"""
