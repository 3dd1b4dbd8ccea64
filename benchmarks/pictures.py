"""The pictures of the README: what was recorded, drawn. Knows neither files nor pages.

Opaque, so that they look the same on a dark page; 8.4 inches wide, so that 9 points are legible
where a README shows them. Nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import rc_context, ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from recorded import KINDS, SETS, STAGES, Confidences, Retrieval

from qa.evaluation import calibration_error, reliability, risk_coverage
from qa.evaluation.abstention import ANSWERED_SHARE, Floats

MEASURE = "nDCG@10"
WIDTH = 8.4  # inches
FEWEST = 20  # answered questions from which on a risk is drawn: fewer say nothing
BINS = 10  # of a reliability diagram

INK, GREY, RULE = "#1f2933", "#5f6b76", "#e3e7ea"
SHADES = {"bm25": "#d3dde5", "dense": "#9db4c5", "fused": "#4b83a8", "reranked": "#123f5e"}
MARKERS = {"bm25": "o", "dense": "s", "fused": "^", "reranked": "D"}
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titlepad": 12,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.12,  # inches: on a dark page the edge is seen
    "figure.constrained_layout.h_pad": 0.1,
}


@dataclass(frozen=True, slots=True)
class Line:
    """How a collection's line looks; all three tell it from the others."""

    colour: str
    dashes: str | tuple[int, tuple[int, ...]]
    marker: str


LINES = (
    Line("#0b5c8f", "-", "o"),
    Line("#b8480f", (0, (6, 2)), "s"),
    Line("#1b7a55", "-.", "^"),
    Line("#75438f", ":", "D"),
)


def quality(figures: Sequence[Retrieval]) -> Figure:
    """Quality by stage: a group of bars for each collection."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.7))
        axes = figure.subplots()
        for group, one in enumerate(figures):
            for bar, stage in enumerate(one.stages):
                _bar(axes, group + 0.22 * (bar - (len(one.stages) - 1) / 2), stage.name, one)
        axes.set_title("Quality by stage: nDCG@10 and its 95 % interval")
        titles = [f"{one.title}\n{one.questions} questions" for one in figures]
        axes.set_xticks(range(len(figures)), titles)
        axes.tick_params(axis="x", length=0)
        axes.grid(axis="x", visible=False)
        axes.set_ylim(0, 1.08)
        axes.set_yticks(np.arange(0, 1.01, 0.2))
        axes.set_ylabel(MEASURE)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        return figure


def _bar(axes: Axes, x: float, stage: str, one: Retrieval) -> None:
    """A bar with its interval, its value above and its name inside."""
    found = next(s for s in one.stages if s.name == stage).measures[MEASURE]
    dark = stage in ("fused", "reranked")
    axes.bar(x, found.value, 0.2, color=SHADES[stage])
    axes.vlines(x, found.low, found.high, color="white", linewidth=2.8)
    axes.vlines(x, found.low, found.high, color=INK, linewidth=1.2)
    axes.text(x, found.high + 0.012, short(found.value), ha="center", va="bottom", fontsize=8)
    axes.text(
        x,
        0.025,
        STAGES[stage],
        rotation=90,
        ha="center",
        va="bottom",
        color="white" if dark else INK,
    )


def latency(figures: Sequence[Retrieval]) -> Figure:
    """Quality against the time of a question: a line for each collection, a point for a stage."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 4.0))
        axes = figure.subplots()
        looks = lines([one.set for one in figures])
        for one, line in zip(figures, looks, strict=True):
            axes.plot(*_steps(one), color=line.colour, linestyle=line.dashes, linewidth=1.3)
            for x, y, stage in zip(*_steps(one), one.stages, strict=True):
                marker = MARKERS[stage.name]
                axes.plot(x, y, marker, color=line.colour, markersize=7, markeredgecolor="white")
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda ms, _: f"{ms:g}"))
        axes.xaxis.set_minor_locator(ticker.NullLocator())
        axes.set_xlabel("milliseconds a question, median, ten passages (logarithmic)")
        axes.set_ylabel(MEASURE)
        axes.set_title("Quality against time", pad=26)
        _headed(axes, figures)
        ends = [_steps(one) for one in figures]
        _label_ends(
            axes,
            [one.title for one in figures],
            [(x[-1], y[-1]) for x, y in ends],
            looks,
            gap=0.05 * float(np.ptp(axes.get_ylim())),
        )
        return figure


def _steps(one: Retrieval) -> tuple[list[float], list[float]]:
    """Milliseconds and quality, stage by stage."""
    return (
        [stage.latency.median_ms for stage in one.stages],
        [stage.measures[MEASURE].value for stage in one.stages],
    )


def _headed(axes: Axes, figures: Sequence[Retrieval]) -> None:
    """The stages' marks and names above the columns of their points."""
    times = {
        name: [s.latency.median_ms for one in figures for s in one.stages if s.name == name]
        for name in STAGES
    }
    there = [name for name in STAGES if times[name]]
    wide = float(np.ptp(np.log10(axes.get_xlim())))
    at = spread([float(np.mean(np.log10(times[name]))) for name in there], 0.115 * wide)
    for name, x in zip(there, at, strict=True):
        above: Any = {"transform": axes.get_xaxis_transform(), "clip_on": False}
        axes.plot(10**x, 1.05, MARKERS[name], color=GREY, markersize=6, **above)
        axes.text(10**x, 1.05, f"   {STAGES[name]}", va="center", **above)


def risk(figures: Sequence[Confidences]) -> Figure:
    """What is risked by answering more: a panel for each kind of unanswerable question.

    Collections that do not say where their answers stand, so that none counts as right, are left
    out.
    """
    figures = [one for one in figures if one.correct.any()]
    kinds = [kind for kind in KINDS if any(one.kind == kind for one in figures)]
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.6))
        panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
        for axes, kind in zip(panels, kinds, strict=True):
            some = [one for one in figures if one.kind == kind]
            _risk_panel(axes, some)
            axes.set_title(KINDS[kind])
        panels[0].set_ylabel("risk: share of those answered wrongly")
        return figure


def _risk_panel(axes: Axes, figures: Sequence[Confidences]) -> None:
    ends, looks = [], lines([one.set for one in figures])
    for one, line in zip(figures, looks, strict=True):
        coverage, risks = drawn_risk(one)
        axes.plot(coverage, risks, color=line.colour, linestyle=line.dashes, linewidth=1.6)
        at = int(np.searchsorted(coverage, coverage_of_answerable(one)))
        axes.plot(coverage[at], risks[at], line.marker, color=line.colour, ms=8, mec="white")
        ends.append((coverage[-1], risks[-1]))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, max(0.6, *(y for _, y in ends)) + 0.02)
    axes.xaxis.set_major_locator(ticker.MultipleLocator(0.25))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(ticker.PercentFormatter(1, decimals=0, symbol=" %"))
    axes.set_xlabel(
        "coverage: share of all questions that is answered\n"
        f"(mark: {_percent(ANSWERED_SHARE)} of the answerable ones are)"
    )
    _label_ends(axes, [one.title.split(" (")[0] for one in figures], ends, looks, gap=0.05)


def drawn_risk(one: Confidences) -> tuple[Floats, Floats]:
    """Coverage and risk, from the first `FEWEST` questions on."""
    coverage, risks = risk_coverage(one.confidence, one.correct)
    kept = coverage * len(one.confidence) >= min(FEWEST, len(one.confidence)) - 1e-9
    return coverage[kept], risks[kept]


def coverage_of_answerable(one: Confidences) -> float:
    """The coverage at which `ANSWERED_SHARE` of the answerable questions are answered."""
    falling = np.sort(one.confidence[one.answerable])[::-1]
    threshold = falling[int(np.ceil(ANSWERED_SHARE * len(falling))) - 1]
    return float(np.mean(one.confidence >= threshold)) - 1e-9


def calibration(figures: Sequence[Confidences]) -> Figure:
    """Reliability diagrams: a panel for each collection and kind."""
    columns = min(4, max(3, len(figures)))
    rows = -(-len(figures) // columns)
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.4 + (0.9 * WIDTH / columns + 0.5) * rows))
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, one in zip(panels, figures, strict=False):
            _reliability_panel(axes, one)
        for axes in panels[len(figures) :]:
            axes.set_visible(False)
        figure.supxlabel("confidence: mean of each tenth of the questions", fontsize=9)
        figure.supylabel("share that the articles answer", fontsize=9)
        return figure


def _reliability_panel(axes: Axes, one: Confidences) -> None:
    found = reliability(one.confidence, one.answerable, BINS)
    low, high = wilson(found.correct, found.count)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.vlines(found.confidence, low, high, color=SHADES["fused"], linewidth=1.2)
    axes.plot(
        found.confidence,
        found.correct,
        "o-",
        color=SHADES["reranked"],
        linewidth=1.2,
        ms=4,
        clip_on=False,
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(ticker.MultipleLocator(0.25))
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_title(f"{one.title}\n{KINDS[one.kind]}", fontsize=8.5, pad=7)
    error = calibration_error(one.confidence, one.answerable, BINS)
    axes.text(0.97, 0.05, f"calibration\nerror {short(error)}", ha="right", fontsize=8)


def wilson(share: Floats, count: ArrayLike) -> tuple[Floats, Floats]:
    """The 95 % interval of shares.

    References
    ----------
    Wilson, Probable Inference, the Law of Succession, and Statistical Inference, 1927.
    """
    z, n = 1.96, np.asarray(count, float)
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return middle - half, middle + half


def spread(values: Sequence[float], gap: float) -> list[float]:
    """Places for labels: as near to the values as can be, in their order, a gap between them."""
    order = np.argsort(values, kind="stable")
    groups: list[tuple[float, int]] = []  # middle and number of labels that touch
    for value in np.asarray(values, float)[order]:
        groups.append((float(value), 1))
        while len(groups) > 1:
            (below, few), (above, more) = groups[-2:]
            if above - below >= gap * (few + more) / 2:
                break
            groups[-2:] = [((below * few + above * more) / (few + more), few + more)]
    placed = [m + gap * (i - (n - 1) / 2) for m, n in groups for i in range(n)]
    return [placed[rank] for rank in np.argsort(order, kind="stable")]


def _label_ends(
    axes: Axes,
    texts: Sequence[str],
    ends: Sequence[tuple[float, float]],
    looks: Sequence[Line],
    gap: float,
) -> None:
    """What the lines are, right of where they end."""
    heights = spread([y for _, y in ends], gap)
    for text, (x, _), height, line in zip(texts, ends, heights, looks, strict=True):
        axes.annotate(
            text,
            (x, height),
            (9, 0),
            textcoords="offset points",
            va="center",
            color=line.colour,
            annotation_clip=False,
        )


def lines(sets: Sequence[str]) -> list[Line]:
    """How each collection's line looks: in all pictures the same."""
    order = [*SETS, *sorted(set(sets) - SETS.keys())]
    return [LINES[order.index(name) % len(LINES)] for name in sets]


def short(value: float) -> str:
    """.906, as figures are written in the README."""
    return f"{value:.3f}".removeprefix("0") if value < 1 else f"{value:.2f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
