"""What a comparison of contenders has found, and its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarking.report import Document, markdown, number
from benchmarking.rounds import Figures, summary
from benchmarking.targets import LIMIT, TARGETS, Medians


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

    def document(self) -> Document:
        """Return everything for people and programs."""
        tables = [self._contenders(), self._parts(), self._targets()]
        figures = {"table": self.table, "rows": self.rows, "contenders": self.figures}
        return Document(self.subject, self.circumstances, tables, figures, self.notes)

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
        return markdown(head, body, texts=2)

    def _parts(self) -> str:
        """Return the parts of the limit: each COPY, index, key; their sums for many tables."""
        parts: dict[str, list[list[float]]] = {}
        for name, values in self.figures.get(LIMIT, {}).items():
            if " " in name:
                parts.setdefault(name if self.table else name.split()[0], []).append(values)
        body = [
            [name, *map(number, summary([sum(run) for run in zip(*values, strict=True)]))]
            for name, values in parts.items()
        ]
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
