"""Draw what the measuring scripts recorded: the README's pictures, and one page with all figures.

    .venv/bin/pip install -c constraints.txt -e '.[benchmarks]'
    .venv/bin/python benchmarks/report.py

Reads ``benchmarks/figures/*.json``, which ``retrieval.py`` and ``confidence.py`` write. Makes
``docs/quality.png``, ``latency.png``, ``risk.png`` and ``reliability.png``, and
``benchmarks/report.html``: a page that needs no other file, with a table beside every picture.
Measures nothing; a picture whose figures are missing is left out, and that is said.
"""

from __future__ import annotations

import argparse
import base64
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pictures
from matplotlib.figure import Figure
from pictures import short
from recorded import KINDS, STAGES, Confidences, Retrieval, read_confidences, read_retrieval
from sklearn.metrics import roc_auc_score

from qa.evaluation import Estimate, calibration_error, refused_at, reliability, risk_coverage

HERE = Path(__file__).parent
PIXELS_PER_INCH = 200
RISKS = (0.05, 0.1)  # at which a table says the coverage
QUALITY = (
    "Ranking quality of each stage, nDCG@10 with 95 % bootstrap intervals: "
    "both searches alone, fused, and with the best passages read."
)
LATENCY = "What each stage gains and costs: nDCG@10 against the median time of a question."
RISK = (
    "How many answers are wrong when ever more questions are answered, the most confident first: "
    "the first marked sentence does not hold the answer, or the articles do not give one."
)
RELIABILITY = (
    "How often the articles do answer, against the confidence that they do; "
    "on the dashed line both are the same."
)
STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 105rem; margin: 2rem auto; padding: 0 1rem }
section { display: flex; flex-wrap: wrap; gap: 1.5rem 2.5rem; align-items: start; margin: 3rem 0 }
figure { margin: 0; flex: 1 1 30rem; max-width: 56rem }
img { width: 100%; height: auto; border-radius: 6px }
div { flex: 1 1 46rem; overflow-x: auto }
table { border-collapse: collapse; font-size: 12.5px; font-variant-numeric: tabular-nums }
th, td { padding: .15rem .7rem .15rem 0; text-align: left; vertical-align: bottom }
td { white-space: nowrap }
tr { border-bottom: 1px solid color-mix(in srgb, currentColor 18%, transparent) }
p.conditions { font-size: 13px; opacity: .8; margin: .2rem 0 }
"""


@dataclass(frozen=True, slots=True)
class Table:
    """Text cells, row by row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A picture, what it shows, and its figures."""

    name: str
    caption: str
    png: bytes
    table: Table


def main() -> None:
    """Draw all there is and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figures", type=Path, default=HERE / "figures")
    parser.add_argument("--pictures", type=Path, default=HERE.parent / "docs")
    parser.add_argument("--page", type=Path, default=HERE / "report.html")
    arguments = parser.parse_args()
    found, confidences = read_retrieval(arguments.figures), read_confidences(arguments.figures)
    drawn = parts(found, confidences)
    for part in drawn:
        path = arguments.pictures / f"{part.name}.png"
        path.write_bytes(part.png)
        print(f"{path}: {part.caption}")
    for missing, script in ((not found, "retrieval"), (not confidences, "confidence")):
        if missing:
            print(f"no {script}-*.json in {arguments.figures}: run benchmarks/{script}.py")
    arguments.page.write_text(page(drawn, [one.conditions for one in found]), "utf-8")
    print(arguments.page)


def parts(found: Sequence[Retrieval], confidences: Sequence[Confidences]) -> list[Part]:
    """The pictures for which there are figures."""
    drawn = []
    if found:
        drawn += [
            part("quality", QUALITY, pictures.quality, found, quality_table),
            part("latency", LATENCY, pictures.latency, found, latency_table),
        ]
    if confidences:
        drawn += [
            part("risk", RISK, pictures.risk, confidences, risk_table),
            part("reliability", RELIABILITY, pictures.calibration, confidences, reliability_table),
        ]
    return drawn


def part(
    name: str,
    caption: str,
    draw: Callable[[Any], Figure],
    figures: Sequence[Any],
    tabulate: Callable[[Any], Table],
) -> Part:
    """One picture and its table."""
    return Part(name, caption, png(draw(figures)), tabulate(figures))


def png(figure: Figure) -> bytes:
    """A picture as a file; of the same figures, the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=PIXELS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def quality_table(figures: Sequence[Retrieval]) -> Table:
    """All measures of all stages; below them, what reranking gains and how surely."""
    names = list(figures[0].gain)
    rows = []
    for one in figures:
        for stage in one.stages:
            cells = [interval(stage.measures[name]) for name in names]
            rows.append((one.title, STAGES[stage.name], *cells))
        gains = [one.gain[name] for name in names]
        cells = [f"{gain.difference.value:+.3f}, p = {gain.p:.4f}" for gain in gains]
        rows.append((one.title, "reranked less fused", *cells))
    return Table(("questions", "stage", *names), tuple(rows))


def latency_table(figures: Sequence[Retrieval]) -> Table:
    """Milliseconds a question."""
    rows = [
        (
            one.title,
            f"{one.documents:,}",
            STAGES[stage.name],
            f"{stage.latency.median_ms:.1f}",
            f"{stage.latency.p95_ms:.1f}",
        )
        for one in figures
        for stage in one.stages
    ]
    return Table(("questions", "documents", "stage", "ms, median", "ms, 95 % below"), tuple(rows))


def risk_table(figures: Sequence[Confidences]) -> Table:
    """How well the confidence orders the questions."""
    head = (
        "questions",
        "kind",
        "answerable / others",
        "area under ROC",
        "others refused at 95 % answered",
        "risk of answering all",
        *(f"coverage at risk {100 * risk:.0f} %" for risk in RISKS),
    )
    return Table(head, tuple(map(_risk_row, figures)))


def _risk_row(one: Confidences) -> tuple[str, ...]:
    yes, no = one.confidence[one.answerable], one.confidence[~one.answerable]
    told_apart = len(yes) and len(no)
    return (
        one.title,
        KINDS[one.kind],
        f"{len(yes)} / {len(no)}",
        short(roc_auc_score(one.answerable, one.confidence)) if told_apart else "",
        short(refused_at(yes, no)) if told_apart else "",
        short(float(np.mean(~one.correct))),
        *(short(coverage_at(one, risk)) for risk in RISKS),
    )


def coverage_at(one: Confidences, most: float) -> float:
    """The largest share of the questions that can be answered at a risk of at most this."""
    coverage, risk = risk_coverage(one.confidence, one.correct)
    return float(np.max(coverage[risk <= most], initial=0.0))


def reliability_table(figures: Sequence[Confidences]) -> Table:
    """The points of the diagrams, least confident first: confidence, share, questions."""
    head = [
        f"{one.title}: {KINDS[one.kind].lower()}; calibration error "
        f"{short(calibration_error(one.confidence, one.answerable, pictures.BINS))} "
        "(confidence: share of questions)"
        for one in figures
    ]
    return Table(tuple(head), tuple(zip_longest(*map(_points, figures), fillvalue="")))


def _points(one: Confidences) -> list[str]:
    found = reliability(one.confidence, one.answerable, pictures.BINS)
    points = zip(found.confidence, found.correct, found.count, strict=True)
    return [f"{short(mean)}: {short(share)} of {count}" for mean, share, count in points]


def interval(estimate: Estimate) -> str:
    """A figure and its 95 % interval."""
    return f"{short(estimate.value)} ({short(estimate.low)}–{short(estimate.high)})"


def page(drawn: Iterable[Part], conditions: Sequence[str]) -> str:
    """All of it in HTML, pictures included."""
    sections = "\n".join(map(_section, drawn))
    measured = "\n".join(f'<p class="conditions">{escape(line)}</p>' for line in conditions)
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>How good qa is</title>\n<style>{STYLE}</style>\n"
        f"<h1>How good it is</h1>\n{measured}\n{sections}\n</html>\n"
    )


def _section(part: Part) -> str:
    data = base64.b64encode(part.png).decode()
    picture = f'<img alt="{escape(part.caption)}" src="data:image/png;base64,{data}">'
    caption = f"<figcaption>{escape(part.caption)}</figcaption>"
    return f"<section>\n<figure>{picture}{caption}</figure>\n{_html(part.table)}\n</section>"


def _html(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.head)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    return f"<div><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"


if __name__ == "__main__":
    main()
