"""Results for people (Markdown), for programs (JSON), and as a chart (PNG)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarking.rounds import Figures, summary
from benchmarking.targets import LIMIT, TARGETS, Medians

Cells = Sequence[str]


def markdown(head: Cells, body: Sequence[Cells]) -> str:
    """Return a table in Markdown that reads well as it is; the first column is text."""
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    rules = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]

    def line(cells: Cells) -> str:
        first, *others = cells
        padded = [first.ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        return f"| {' | '.join(padded)} |"

    return "\n".join(map(line, (head, rules, *body)))


def number(value: float | None, digits: int = 2) -> str:
    """Return a number for a table, a dash for None."""
    return "-" if value is None else f"{value:,.{digits}f}"


@dataclass
class Result:
    """What a comparison has found.

    Parameters
    ----------
    subject : str
        What was loaded.
    table : str
        Name of the table, empty for a whole production.
    rows : int
        Number of rows.
    circumstances : mapping of str to str
        Machine, versions, settings, command.
    figures : mapping of str to Figures
        Contender to its figures.
    notes : list of str
        What a reader must know, e.g. which contender is missing and why.
    """

    subject: str
    table: str
    rows: int
    circumstances: Mapping[str, str]
    figures: Mapping[str, Figures]
    notes: list[str] = field(default_factory=list)

    @property
    def medians(self) -> Medians:
        """Medians of all figures."""
        return {
            (contender, name): summary(values)[0]
            for contender, figures in self.figures.items()
            for name, values in figures.items()
        }

    def text(self) -> str:
        """Return everything for people."""
        blocks = [f"{self.subject}", *(f"{k}: {v}" for k, v in self.circumstances.items())]
        blocks += [self._contenders(), self._parts(), self._targets()]
        blocks += [f"* {note}" for note in self.notes]
        return "\n\n".join(filter(None, blocks))

    def _contenders(self) -> str:
        head = ["contender", "until", "median s", "least", "most", "of limit", "rows/s"]
        head += ["CPU s per 10⁶ rows", "largest process MB", "all processes MB"]
        medians = self.medians
        body = []
        for contender, figures in self.figures.items():
            for name in ("start", "rows", "ready"):
                if name not in figures:
                    continue
                median, least, most = summary(figures[name])
                limit = medians.get((LIMIT, name))
                cpu = medians.get((contender, f"{name} cpu"))
                body.append(
                    [
                        contender,
                        name,
                        *map(number, (median, least, most)),
                        number(median / limit if limit else None),
                        number(self.rows / median, 0) if name != "start" else "-",
                        number(cpu * 1e6 / self.rows if cpu is not None else None),
                        number(medians.get((contender, f"{name} largest MB")), 0),
                        number(medians.get((contender, f"{name} together MB")), 0),
                    ]
                )
        return markdown(head, body)

    def _parts(self) -> str:
        """Return the parts of the limit: each COPY, index, key."""
        figures = self.figures.get(LIMIT, {})
        parts = {name: values for name, values in figures.items() if " " in name}
        body = [[name, *map(number, summary(values))] for name, values in parts.items()]
        return markdown(["part of the limit", "median s", "least", "most"], body) if body else ""

    def _targets(self) -> str:
        body = []
        for target in TARGETS:
            if target.tables and self.table not in target.tables:
                continue
            value = target.reached(self.medians, self.rows)
            verdict = "not measured" if value is None else "yes" if target.met(value) else "no"
            body.append([target.what, number(value), target.text, verdict])
        return markdown(["figure", "reached", "target", "met"], body)

    def write_json(self, path: Path) -> None:
        """Write all figures of all runs."""
        document = {
            "subject": self.subject,
            "table": self.table,
            "rows": self.rows,
            "circumstances": self.circumstances,
            "figures": self.figures,
            "notes": self.notes,
        }
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
