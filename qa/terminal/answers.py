"""What the terminal shows: answers, and the tables of `qa eval`. Knows no command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

import qa
from qa.plain import by_document, score_parts, unmentioned
from qa.terminal.printing import console, count

if TYPE_CHECKING:  # slow to import, and needed by `qa eval` alone
    from qa import evaluation

FIRST_COLUMN = 28  # characters, of each table of a report
ANSWERING = "green"  # a sentence, in its passage
LEAD_IN = "italic"  # the sentence before, which it needs
EXACT = "bold underline"  # the words that answer
MEASURES = {
    "nDCG@10": "relevant in ten, high up",
    "R@10": "share of relevant in ten",
    "RR@10": "1 / rank of first relevant",
    "P@1": "first is relevant",
}


def print_answer(answer: qa.Answer) -> None:
    """The answering sentences, where they stand, and the passages behind them."""
    out = console()
    lines = [Text(_lead(answer), "bold")]
    for number, sentence in enumerate(answer.sentences, 1):
        lines += [Text(), _quotation(number, sentence), Text(f"   {_place(sentence)}", "dim")]
    lines += [Text(), Text(_heading(answer), "bold")]
    for hit in answer.hits:
        lines += [Text(), *_card(hit, answer.sentences)]
    for line in lines:
        out.print(line, soft_wrap=True)


def _lead(answer: qa.Answer) -> str:
    if answer.status == "not_found":
        return answer.text
    sure = f"confidence {answer.confidence:.0%}"
    if answer.status == "uncertain":
        missing = unmentioned(answer)
        return f"The articles may not answer this ({sure}){f': {missing}' if missing else ''}."
    return f"The articles say ({sure}):"


def _quotation(number: int, sentence: qa.Sentence) -> Text:
    text = Text(sentence.text)
    _mark(text, sentence, sentence.start, answering="")
    return Text.assemble(f"{number}. ", text)


def _mark(text: Text, sentence: qa.Sentence, offset: int, *, answering: str) -> None:
    """Style a sentence in a stretch of its document that starts at `offset`."""
    styled = [((sentence.start, sentence.end), answering)]
    if sentence.lead_in:
        styled = [((sentence.lead_in[1], sentence.end), answering), (sentence.lead_in, LEAD_IN)]
    if sentence.exact:
        styled.append((sentence.exact, EXACT))
    for (start, end), style in styled:
        text.stylize(style, max(start - offset, 0), max(end - offset, 0))


def _heading(answer: qa.Answer) -> str:
    return "Nearest passages, not answers" if answer.status == "not_found" else "Passages"


def _place(sentence: qa.Sentence) -> str:
    document = sentence.document
    named = [document.title, document.source, str(document.date or ""), document.id]
    return f"{' · '.join(dict.fromkeys(name for name in named if name))}:{sentence.start}"


def _card(hit: qa.Hit, sentences: list[qa.Sentence]) -> Iterator[Text]:
    yield Text(f"[{hit.rank}] {hit.document.title or hit.document.id}", "cyan")
    yield Text(
        f"    {hit.document.id}:{hit.passage.start}-{hit.passage.end} · {_score(hit)}",
        "dim",
    )
    text = Text(hit.passage.text)
    for sentence in sentences:
        if sentence.document.id == hit.document.id:
            _mark(text, sentence, hit.passage.start, answering=ANSWERING)
    yield text
    for first, *more in by_document(hit.also_in):
        places = f" and {count(len(more), 'more place')}" if more else ""
        yield Text(f"    also in {_place(first)}{places}", "dim")


def _score(hit: qa.Hit) -> str:
    parts = "".join(
        f" {'-' if part.value < 0 else '+'} {part.words} {abs(part.value):.2f}"
        for part in score_parts(hit)
    )
    return f"score {hit.score:.2f} = {parts.removeprefix(' + ')}"


def print_report(report: evaluation.Report) -> None:
    """What `qa eval` measured, as tables."""
    size = f"{count(report.documents, 'document')}, {count(report.passages, 'passage')}"
    tables = [_measures(report)]
    if report.comparison:
        tables.append(_comparison(report.comparison))
    if report.answers:
        tables += _answers(report.answers)
    out = console()
    how = "reranked" if report.rerank else "not reranked"
    out.print(Text(f"{report.folder}: {size}, model {report.model}, {how}"), soft_wrap=True)
    for table in tables:
        out.print()
        out.print(table)


def _measures(report: evaluation.Report) -> Table:
    asked = count(report.questions, "question")
    table = _table(f"retrieval, {asked}", "mean", "95 % interval", "")
    for name, estimate in report.measures.items():
        table.add_row(name, *_cells(estimate), Text(MEASURES[name], "dim"))
    table.add_row("ms a question", *_milliseconds(report.latency))
    table.columns[-1].justify = "left"
    return table


def _comparison(comparison: evaluation.Comparison) -> Table:
    asked = count(comparison.questions, "question")
    table = _table(f"earlier run, {asked}", "better by", "95 % interval", "p")
    for name, found in comparison.measures.items():
        table.add_row(name, *_cells(found.difference, "+.3f"), f"{found.p:.4f}")
    return table


def _answers(answers: evaluation.Answers) -> Iterator[Table]:
    if answers.marked:
        yield _marked(answers.marked, answers.latency)
    yield _statuses(answers)
    kinds = {"unanswerable": answers.unanswerable, "answers removed": answers.removed}
    refusals = {name: found for name, found in kinds.items() if found}
    if refusals:
        yield _refusals(refusals)


def _marked(marked: evaluation.Marked, latency: evaluation.Latency) -> Table:
    asked = count(marked.questions, "question")
    table = _table(f"answers, {asked}", "share", "95 % interval", "")
    gold = {"by place": marked.by_offsets, "by words": marked.questions - marked.by_offsets}
    where = ", ".join(f"{number:,} {how}" for how, number in gold.items() if number)
    table.add_row("gold in first sentence", *_cells(marked.first), Text(where, "dim"))
    table.add_row("gold in first three", *_cells(marked.first_three))
    table.add_row("ms a question", *_milliseconds(latency))
    table.columns[-1].justify = "left"
    return table


def _statuses(answers: evaluation.Answers) -> Table:
    table = _table("status", "questions", "answered", "uncertain", "not found")
    kinds = {
        "answerable": answers.answerable,
        "unanswerable": answers.unanswerable and answers.unanswerable.asked,
        "answers removed": answers.removed and answers.removed.asked,
    }
    for name, asked in kinds.items():
        if asked:
            shares = (f"{share:.3f}" for share in asked.statuses.values())
            table.add_row(name, f"{asked.questions:,}", *shares)
    return table


def _refusals(refusals: dict[str, evaluation.Refusals]) -> Table:
    table = _table("told from the answerable", *refusals)
    found = refusals.values()
    table.add_row("area under the ROC curve", *(f"{r.area.value:.3f}" for r in found))
    table.add_row("  95 % interval", *(_cells(r.area)[1] for r in found))
    table.add_row("calibration error", *(f"{r.calibration_error:.3f}" for r in found))
    table.add_row("precision of refusals", *(_or_dash(r.precision) for r in found))
    table.add_row("recall of refusals", *(f"{r.recall:.3f}" for r in found))
    table.add_row("recall at 95 % answered", *(f"{r.refused_at_95:.3f}" for r in found))
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first, min_width=FIRST_COLUMN)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _cells(estimate: evaluation.Estimate, form: str = ".3f") -> tuple[str, str]:
    return f"{estimate.value:{form}}", f"{estimate.low:{form}} to {estimate.high:{form}}"


def _milliseconds(latency: evaluation.Latency) -> tuple[str, str, Text]:
    return f"{latency.median_ms:,.1f}", "", Text(f"95 % below {latency.p95_ms:,.1f}", "dim")


def _or_dash(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"
