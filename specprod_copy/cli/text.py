"""All that people read on a terminal, and programs in a pipe, is printed here."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from textwrap import wrap
from typing import Any, Final

from specprod_copy.errors import SpecprodCopyError
from specprod_copy.words import escaped

_WIDTH_OF_FILES: Final = 120
"""Files and pipes have no width of their own."""

_GAP: Final = 2


def say(text: str, *, err: bool = False, bold: bool = False) -> None:
    """Print a line for people."""
    stream = sys.stderr if err else sys.stdout
    line = escaped(text)
    print(f"\x1b[1m{line}\x1b[0m" if bold and stream.isatty() else line, file=stream, flush=True)


def warn(text: str) -> None:
    """Print a line that is no result."""
    say(text, err=True)


def put(text: str, *, only_result: bool = True) -> None:
    """Print a result for programs, as it is.

    Parameters
    ----------
    text : str
    only_result : bool
        Whether the command was run for this text: it has failed if it cannot be written.

    Raises
    ------
    SpecprodCopyError
    """
    print(text, end="" if text.endswith("\n") else "\n", flush=True)
    lost = getattr(sys.stdout, "lost", None)
    if only_result and lost is not None and not isinstance(lost, BrokenPipeError):
        raise SpecprodCopyError(f"standard output: {lost.strerror}")


def to_json(value: object) -> str:
    """Return a value, or the fields of a dataclass, as JSON in ASCII."""
    return json.dumps(value, default=_plain, indent=2)


def _plain(value: Any) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return sorted(value) if isinstance(value, set) else str(value)


def line_width(*, err: bool = False) -> int:
    """Return how long a line may be."""
    stream = sys.stderr if err else sys.stdout
    if not stream.isatty():
        return _WIDTH_OF_FILES
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() else os.get_terminal_size(stream.fileno()).columns
    return width or _WIDTH_OF_FILES


def table_lines(
    headings: Sequence[str], rows: Iterable[Sequence[str]], *, labels: int, width: int
) -> Iterator[str]:
    """Yield the lines of a table; of what does not fit, a row takes several lines.

    No cell is ever cut.

    Parameters
    ----------
    headings : sequence of str
    rows : iterable of sequence of str
    labels : int
        So many columns come first, to the left; the others are numbers.
    width : int
        How long a line may be.
    """
    table = [[escaped(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    left, numbers = widths[:labels], widths[labels:]
    indent = sum(left) + _GAP * len(left)
    for lines in range(1, len(numbers) + 1):
        per_line = -(-len(numbers) // lines)
        columns = [max(numbers[n::per_line]) for n in range(per_line)]
        if indent + sum(columns) + _GAP * (per_line - 1) <= width:
            break
    for row in table:
        first = "".join(f"{cell:<{w + _GAP}}" for cell, w in zip(row, left, strict=False))
        cells = row[labels:]
        for start in range(0, len(cells), per_line):
            line = cells[start : start + per_line]
            shown = (" " * _GAP).join(
                f"{cell:>{w}}" for cell, w in zip(line, columns, strict=False)
            )
            yield f"{'' if start else first:<{indent}}{shown}".rstrip()


def entry_lines(label: str, text: str, *, indent: int, width: int) -> Iterator[str]:
    """Yield the lines of an entry: a label, and a text that is wrapped beside it between words."""
    room = max(width - indent, _WIDTH_OF_FILES // 3)
    parts = wrap(escaped(text), room, break_long_words=False, break_on_hyphens=False) or [""]
    for number, part in enumerate(parts):
        yield f"{'' if number else escaped(label):<{indent}}{part}".rstrip()
