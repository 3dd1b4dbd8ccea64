"""The figures that `peers.py` measures, as a table that says where qa is behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of a row.

    Parameters
    ----------
    key : str
        In the JSON.
    title : str
        In the table.
    more_is_better : bool
    digits : int
        After the point.
    of_index : bool
        Whether it is of the index, not of how that is asked.
    """

    key: str
    title: str
    more_is_better: bool = False
    digits: int = 0
    of_index: bool = False


COLUMNS = (
    Column("passages_per_second", "indexing, passages/s", True, 1, of_index=True),
    Column("first_seconds", "process start to first answer, s", digits=2),
    Column("median_ms", "ms a question, median", digits=1),
    Column("p95_ms", "ms a question, 95 % below", digits=1),
    Column("index_peak_mb", "peak memory indexing, MB", of_index=True),
    Column("ask_peak_mb", "peak memory asking, MB"),
    Column("disk_mb", "index on disk, MB", digits=1, of_index=True),
)


QUALITY = Column("nDCG@10", "nDCG@10", True, 3)


def table(figures: dict[str, Any]) -> str:
    """In Markdown: the conditions, a row for each, who failed, and where qa is behind."""
    data, kind = figures["data"], figures["machine"]
    titles = ["", "searches by", *(column.title for column in COLUMNS), QUALITY.title]
    lines = [
        f"`{figures['command']}`: {data['documents']:,} documents, {data['passages']:,} passages, "
        f"{data['questions']} questions; medians of {figures['rounds']} rounds, "
        f"but questions that are read are asked in the first only; "
        f"{kind['cores']} cores ({', '.join(kind['flags'])}), {kind['system']}, "
        f"Python {kind['python']}, load {kind['load']} before the start, {figures['date']}.",
        "",
        f"| {' | '.join(titles)} |",
        "|---" * len(titles) + "|",
        *(line(row, figures["against_qa"].get(row["name"])) for row in figures["rows"]),
        "",
        *behind(figures["rows"]),
    ]
    return "\n".join(lines)


def line(row: dict[str, Any], difference: dict[str, Any] | None) -> str:
    """One row of the table; with how much better it ranks than qa does, where that is known."""
    name = f"**{row['name']}**" if row["ours"] else row["name"]
    if "failure" in row:
        return f"| {name} | {row['how']}; {row['failure']} |" + " |" * (len(COLUMNS) + 1)
    cells = [shown(row, column) for column in (*COLUMNS, QUALITY)]
    if difference:
        cells[-1] += f" ({difference['difference']['value']:+.3f}, p {difference['p']:.2g})"
    return f"| {' | '.join([name, row['how'], *cells])} |"


def behind(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Where a peer does better than qa's row of its kind, a line for each figure."""
    ran = [row for row in rows if "failure" not in row]
    ours = [row for row in ran if row["ours"]]
    if not ours:
        return ["qa itself was not measured."]
    found = []
    for mine in ours:
        others = [row for row in ran if not row["ours"] and row["reads"] == mine["reads"]]
        for column in (*COLUMNS, QUALITY):
            better = [row for row in others if is_better(row, mine, column)]
            if better and not (mine["reads"] and column.of_index):  # one index, told once
                said = ", ".join(f"{row['name']} {shown(row, column)}" for row in better)
                found.append(f"- {column.title}: {mine['name']} {shown(mine, column)}; {said}")
    return ["Where qa is behind:", "", *found] if found else ["qa is behind in none of these."]


def is_better(row: dict[str, Any], than: dict[str, Any], column: Column) -> bool:
    """Whether a row does better than another in one figure."""
    a, b = value(row, column), value(than, column)
    return a > b if column.more_is_better else a < b


def shown(row: dict[str, Any], column: Column) -> str:
    """A figure as the table has it."""
    return f"{value(row, column):,.{column.digits}f}"


def value(row: dict[str, Any], column: Column) -> float:
    """A figure of a row that ran."""
    found: float = row[QUALITY.key]["value"] if column is QUALITY else row["medians"][column.key]
    return found
