"""What the views over several productions are, and what their columns mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.own_views import MARK
from specprod_copy.postgres.schema import Schema

POSITIONS: Final = "photometry"
"""Table that has the position of each target."""

VIEWS: Final = {
    "all": (
        "Rows of {table} in {productions}. A target is counted several times: in each production "
        "that has it, and in each of its rows there. Productions share exposures, so its rows are "
        "no independent measurements"
    ),
    "best": (
        "Each target once: its primary row of {table} (zcat_primary) in the newest of "
        "{productions} that has one. Sums over targets are right; productions that were reduced "
        "in different ways are mixed, see production"
    ),
    "change": (
        "Primary rows of {table} (zcat_primary) in {old} and in {new} side by side, for targets "
        "that both have: each once. Targets of one of the two alone are not here"
    ),
}
"""What the views of a table are."""

SIDE_BY_SIDE: Final = ("id", "survey", "program", "z", "zerr", "zwarn", "spectype", "deltachi2")
"""Columns that the views of changes have twice."""


def comments(
    kind: str, found: Mapping[str, Schema], columns: Sequence[Column], change: tuple[str, str]
) -> list[tuple[str, str, str]]:
    """Return view, column (empty for the view itself) and comment of whatever there is."""
    old, new = change
    listed = ", ".join(found)
    of_view = {
        view: f"{text.format(table=kind, productions=listed, old=old, new=new)} {MARK}"
        for view, text in VIEWS.items()
    }
    made = [(f"{kind}_{view}", "", text) for view, text in of_view.items()]
    positions = {c.name: c for c in found[new].tables[POSITIONS].columns}
    sky = [(name, positions[name].comment) for name in ("ra", "dec")]
    production = [("production", "Production of the row: its schema (UCD meta.dataset)")]
    own = [(c.name, _where_it_is(kind, found, c).comment) for c in columns]
    made += [
        (f"{kind}_{view}", name, text)
        for view in ("all", "best")
        for name, text in (*production, *own, *sky)
    ]
    by_name = {column.name: column for column in columns}
    sides = [
        (f"{side}_{name}", _of(by_name[name], label).comment)
        for side, label in (("old", old), ("new", new))
        for name in SIDE_BY_SIDE
    ]
    target = [("targetid", by_name["targetid"].comment)]
    return made + [(f"{kind}_change", name, text) for name, text in (*target, *sides, *sky)]


def _where_it_is(kind: str, found: Mapping[str, Schema], column: Column) -> Column:
    """Return a column whose description says which productions do not have it."""
    without = [
        name
        for name, schema in found.items()
        if column.name not in {c.name for c in schema.tables[kind].columns}
    ]
    if not without:
        return column
    return replace(column, description=f"{column.description}; null in {', '.join(without)}")


def _of(column: Column, production: str) -> Column:
    return replace(column, description=f"{column.description}, in {production}")
