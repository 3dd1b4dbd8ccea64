"""Exact words inside the answering sentence, against SQuAD's gold spans.

``python benchmarks/exact.py --data squad_v2_dev_half``: the gold sentence is given, so that this
measures the marking alone. Coefficients were set on the questions whose sha1 ends in an even byte
(``--half tune``); report on the others.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qa.exact import exact
from qa.expected import expected
from qa.mentions import mentions
from qa.sentences import Span, sentence_spans

ARTICLES = re.compile(r"\b(?:a|an|the)\b")
Spotter = Callable[[str], list[Span]]


@dataclass(frozen=True, slots=True)
class Case:
    """A question, the sentence with its answer, and the gold spans in characters of that."""

    question: str
    sentence: str
    golds: list[Span]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="squad_v2_dev_half")
    parser.add_argument("--root", type=Path, default=Path("../shared/data"))
    parser.add_argument("--half", choices=("tune", "report"), default="report")
    parser.add_argument("--spotters", action="store_true", help="compare with dateparser")
    arguments = parser.parse_args()
    found = list(cases(arguments.root / arguments.data, arguments.half))
    if arguments.spotters:
        spotters(found)
    else:
        table(found)


def cases(folder: Path, half: str) -> Iterator[Case]:
    """The answerable questions of one half whose gold span lies in one sentence."""
    texts = {row["_id"]: row["text"] for row in rows(folder / "corpus.jsonl")}
    for query in rows(folder / "queries.jsonl"):
        even = hashlib.sha1(query["_id"].encode()).digest()[-1] % 2 == 0
        if query["metadata"]["is_impossible"] or even != (half == "tune"):
            continue
        text = texts[query["metadata"]["gold_passage"]]
        spans = [(s, s + len(t)) for t, s in query["metadata"]["answer_starts"]]
        for start, end in sentence_spans(text, 0, len(text)):
            inside = [(s - start, e - start) for s, e in spans if start <= s and e <= end]
            if inside:
                yield Case(query["text"], text[start:end], inside)
                break


def rows(path: Path) -> Iterator[dict]:
    """The objects of a file of JSON lines."""
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def table(found: list[Case]) -> None:
    """Print, by what is asked: the share marked, and how well."""
    scores: dict[str, list[tuple[bool, bool, float] | None]] = defaultdict(list)
    for case in found:
        asks = expected(case.question)
        if asks is not None:
            span = exact(case.question, case.sentence)
            scores[asks.asked].append(score(case, span) if span else None)
    scores["all"] = [one for several in scores.values() for one in several]
    for asked, several in sorted(scores.items(), key=lambda item: -len(item[1])):
        marked = [one for one in several if one]
        means = [sum(column) / len(marked) for column in zip(*marked, strict=True)]
        print(f"{asked:10} of {len(several):4} marked {len(marked) / len(several):.2f}", end=" ")
        print("equal {:.2f} overlap {:.2f} F1 {:.2f}".format(*means) if means else "")


def score(case: Case, span: Span) -> tuple[bool, bool, float]:
    """Whether a span equals, or overlaps, a gold span, and its best token F1."""
    text = case.sentence[slice(*span)]
    golds = [case.sentence[slice(*gold)] for gold in case.golds]
    overlaps = any(span[0] < end and start < span[1] for start, end in case.golds)
    same = any(words(text) == words(gold) for gold in golds)
    return same, overlaps, max(f1(words(text), words(gold)) for gold in golds)


def words(text: str) -> list[str]:
    """As SQuAD's own evaluation compares: lower case, no punctuation, no articles."""
    return ARTICLES.sub(" ", re.sub(r"[^\w\s]", "", text.lower())).split()


def f1(one: list[str], other: list[str]) -> float:
    """Harmonic mean of token precision and recall."""
    return 2 * sum((Counter(one) & Counter(other)).values()) / ((len(one) + len(other)) or 1)


def spotters(found: list[Case]) -> None:
    """How many gold dates are among the dates that are spotted, here and by dateparser."""
    from dateparser.search import search_dates

    def by_dateparser(sentence: str) -> list[Span]:
        found = [text for text, _ in search_dates(sentence, languages=["en"]) or []]
        return [(sentence.find(t), sentence.find(t) + len(t)) for t in found]

    def by_patterns(sentence: str) -> list[Span]:
        return [(m.start, m.end) for m in mentions(sentence) if m.kind in ("date", "clock")]

    dates = [c for c in found if (a := expected(c.question)) and a.asked in ("when", "year")]
    for name, spot in (("dateparser", by_dateparser), ("qa.mentions", by_patterns)):
        best = [[score(case, span) for span in spot(case.sentence)] for case in dates]
        equal, overlap = (sum(any(s[i] for s in several) for several in best) for i in (0, 1))
        print(f"{name}: of {len(dates)} gold dates {equal} equal, {overlap} overlapping")


if __name__ == "__main__":
    main()
