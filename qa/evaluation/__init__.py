"""`qa eval`: how well an index answers the questions of a collection whose answers are known."""

from qa.evaluation.abstention import (
    Reliability,
    calibration_error,
    refused_at,
    reliability,
    risk_coverage,
)
from qa.evaluation.answers import Answers, Asked, Marked, Refusals, holds_gold
from qa.evaluation.asking import Asker, Latency
from qa.evaluation.beir import Collection, half_of, read, sample
from qa.evaluation.gold import Query, Span, says, without_answers
from qa.evaluation.ranking import Comparison, compare, document_scores, measured, rank
from qa.evaluation.report import Report, evaluate, open_index, plain_report
from qa.evaluation.resampling import Difference, Estimate, bootstrap, difference, mean
from qa.evaluation.runs import Run, read_run, write_run

__all__ = [
    "Answers",
    "Asked",
    "Asker",
    "Collection",
    "Comparison",
    "Difference",
    "Estimate",
    "Latency",
    "Marked",
    "Query",
    "Refusals",
    "Reliability",
    "Report",
    "Run",
    "Span",
    "bootstrap",
    "calibration_error",
    "compare",
    "difference",
    "document_scores",
    "evaluate",
    "half_of",
    "holds_gold",
    "mean",
    "measured",
    "open_index",
    "plain_report",
    "rank",
    "read",
    "read_run",
    "refused_at",
    "reliability",
    "risk_coverage",
    "sample",
    "says",
    "without_answers",
    "write_run",
]
