"""The directive ``columns``: what is to be known of a table and of each of its columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from tables import all_tables

from specprod_copy.metadata.described import DescribedColumn

_HEAD = ("Column", "Type", "Unit", "Description", "UCD", "In the files")
_WIDTHS = (15, 11, 8, 34, 18, 18)
_SOMETIMES = "In some productions only, where their files have them"


class ColumnsDirective(SphinxDirective):
    """Shows a table whose name is the argument."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the nodes."""
        found = all_tables()[self.arguments[0]]
        table = found.always
        facts = [table.description + "."]
        if table.sources:
            facts.append(f"From HDU {', '.join(table.sources)}.")
        if table.position:
            facts.append(f"Searched on the sky by {table.position}.")
        made: list[nodes.Node] = [nodes.paragraph(text=fact) for fact in facts]
        made.append(_table(table.columns))
        if found.sometimes:
            made += [nodes.rubric(text=_SOMETIMES), _table(found.sometimes)]
        return made


def _table(columns: Sequence[DescribedColumn]) -> nodes.Node:
    group = nodes.tgroup(cols=len(_HEAD))
    group += [nodes.colspec(colwidth=width) for width in _WIDTHS]
    group += nodes.thead("", _row(nodes.Text(text) for text in _HEAD))
    group += nodes.tbody("", *(_column(column) for column in columns))
    return nodes.table("", group, classes=["columns"])


def _column(column: DescribedColumn) -> nodes.row:
    row = _row(
        (
            nodes.literal(text=column.name),
            nodes.Text(column.type),
            nodes.Text(column.unit),
            nodes.Text(column.description),
            _breakable(column.ucd),
            nodes.Text(column.source),
        )
    )
    row["ids"].append(nodes.make_id(column.name))
    return row


def _breakable(ucd: str) -> nodes.Node:
    """Return a UCD that may go over to the next line behind a semicolon."""
    words = ucd.split(";")
    shown = nodes.inline()
    for word in words[:-1]:
        shown += [nodes.Text(f"{word};"), nodes.raw("", "<wbr>", format="html")]
    shown += nodes.Text(words[-1])
    return shown


def _row(cells: Iterable[nodes.Node]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("columns", ColumnsDirective)
    return {"parallel_read_safe": True}
