"""Results for people (Markdown) and for programs (JSON)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Cells = Sequence[str]


def markdown(head: Cells, body: Sequence[Cells], *, texts: int = 1) -> str:
    """Return a table in Markdown that reads well as it is.

    Parameters
    ----------
    head : sequence of str
    body : sequence of sequence of str
    texts : int
        Number of columns that hold text; numbers follow.
    """
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    rules = [
        "-" * width if n < texts else f"{'-' * (width - 1)}:" for n, width in enumerate(widths)
    ]

    def line(cells: Cells) -> str:
        padded = [
            cell.ljust(width) if n < texts else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    return "\n".join(map(line, (head, rules, *body)))


def number(value: float | None, digits: int = 2) -> str:
    """Return a number for a table, a dash for None."""
    return "-" if value is None else f"{value:,.{digits}f}"


@dataclass
class Document:
    """What a measurement has found.

    Parameters
    ----------
    subject : str
        What was measured.
    circumstances : mapping of str to str
        Machine, versions, settings, command.
    tables : sequence of str
        Markdown tables.
    figures : object
        All figures of all runs, as JSON has it.
    notes : list of str
        What a reader must know, e.g. which contender is missing and why.
    """

    subject: str
    circumstances: Mapping[str, str]
    tables: Sequence[str]
    figures: object
    notes: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return everything in Markdown."""
        circumstances = [f"* {what}: {text}" for what, text in self.circumstances.items()]
        notes = [f"* {note}" for note in self.notes]
        blocks = [f"## {self.subject}", "\n".join(circumstances), *self.tables, "\n".join(notes)]
        return "\n\n".join(filter(None, blocks)) + "\n"

    def write_json(self, path: Path) -> None:
        """Write figures and circumstances for programs."""
        document = {
            "subject": self.subject,
            "circumstances": self.circumstances,
            "figures": self.figures,
            "notes": self.notes,
        }
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
