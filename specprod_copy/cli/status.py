"""``specprod-copy status``: how far a schema is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import click
from click.core import ParameterSource

from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.cli.options import JSON, SchemaOptions
from specprod_copy.cli.progress import make_listener
from specprod_copy.cli.text import line_width, put, say, table_lines, to_json
from specprod_copy.plan.failures import Failure
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.waits import watched
from specprod_copy.status import Status, TilesStatus, schema_status
from specprod_copy.vac.files import inputs_of
from specprod_copy.vac.stored import merged, stored

_MOST = 10
"""Tiles of each kind, and causes of failures, that are named."""


@click.command()
@options_of(
    SchemaOptions,
    schema="Schema to look at.  [default: name of the production]",
    root="Folder of the production's files: open them, to find out what is missing.",
)
@JSON
@options_of(ServerOptions)
@click.pass_context
def status(context: click.Context, as_json: bool, **values: Any) -> None:
    """Show what of a production is loaded, what is missing, and who loads at the moment.

    Without --root the ledger alone is asked; with it the files are opened as well.

    \b
      specprod-copy status --schema iron
      specprod-copy status --specprod iron --root /global/cfs/cdirs/desi/public/dr1 --json
    """
    where = make(SchemaOptions, values)
    if not where.name:
        raise click.UsageError("name the schema: --schema NAME, or --specprod NAME")
    given = context.get_parameter_source("root") is ParameterSource.COMMANDLINE
    root = where.root if given else None
    conninfo = make(ServerOptions, values).to_read()
    with watched(conninfo, make_listener(0)) as conninfo, connect(conninfo) as connection:
        catalogues = stored(connection, where.name)
        if catalogues and root is not None:
            inputs, catalogue = inputs_of(catalogues[0].description, root), merged(catalogues)
            found = schema_status(connection, where.name, inputs, catalogue)
        else:
            found = schema_status(connection, where.name, None if catalogues else where.inputs())
    found = replace(found, catalogues=[*map(str, catalogues)])
    if as_json:
        put(to_json(found))
    else:
        for line in status_lines(found, width=line_width()):
            say(line)


def status_lines(found: Status, *, width: int) -> Iterator[str]:
    """Yield the state of a schema, a line per source of a table."""
    headings = ("files", "units", "rows", "missing", "rows/s", "steps", "loaded")
    rows = []
    for row in found.progress:
        done, missing = (
            len(steps.get(row.table, [])) for steps in (found.steps_done, found.steps_missing)
        )
        shown = (
            row.table,
            row.stage,
            f"{row.files_loaded:,}",
            f"{row.units_loaded:,}",
            f"{row.rows_kept:,}",
            "?" if row.rows_missing is None else f"{row.rows_missing:,}",
            f"{row.rows_per_second:,.0f}" if row.rows_per_second else "",
            f"{done}/{done + missing}",
            row.last.strftime("%Y-%m-%d %H:%M") if row.last else "",
        )
        rows.append(shown)
    for catalogue in found.catalogues:
        yield f"catalogue {catalogue}"
    yield from table_lines(("table", "stage", *headings), rows, labels=2, width=width)
    for row in found.progress:
        if row.rows_quarantined:
            rejected = f"{row.rows_quarantined:,} of {row.table}, stage {row.stage}"
            yield f"rows in quarantine: {rejected}"
    if found.tiles:
        yield from _tile_lines(found.tiles)
    yield from _first(_failed_lines(found))
    for changed in found.changed:
        yield f"changed since it was loaded: {changed}"
    for table, names in found.derived.items():
        yield f"columns of {table} are derived by {', '.join(names)}"
    for lost in found.lost.values():
        yield f"not what is loaded: {lost}"
    for table, conflicts in found.conflicts.items():
        yield f"not as it is defined: {table}: {', '.join(conflicts)}"
    yield from _upgrade_lines(found)
    for table, columns in found.own_columns.items():
        yield f"columns of users in {table}: {', '.join(columns)}"
    for table, references in found.partial.items():
        yield f"no foreign key, for rows may be missing there: {table}, {', '.join(references)}"
    for holder in found.at_work:
        yield f"at work: {holder}"
    programs = sorted({name for row in found.progress for name in row.loaded_by})
    if programs:
        yield f"loaded by {', '.join(programs)}"


def _tile_lines(found: TilesStatus) -> Iterator[str]:
    """Yield what there is of tiles, a line for each that is not as it should be."""
    counts = [f"{found.loaded:,} loaded", f"{len(found.failed):,} failed"]
    lists = {"changed": found.changed, "missing": found.missing, "others": found.others}
    counts += [f"{len(tiles):,} {name}" for name, tiles in lists.items() if tiles is not None]
    yield f"tiles: {', '.join(counts)}"
    failed = [
        f"failed at {tile.at:%Y-%m-%d %H:%M}: tile {tile.tileid}: {tile.why}"
        for tile in found.failed
    ]
    missing = [f"tile {tileid}: not loaded yet" for tileid in found.missing or ()]
    for listed in (failed, found.changed or (), found.others or (), missing):
        yield from _first(listed)


def _upgrade_lines(found: Status) -> Iterator[str]:
    """Yield what tables lack of their definition, and which command gives it to them."""
    advice = "'specprod-copy upgrade' mends"
    # A load that was interrupted has not come to these.
    if not found.tiles and {*found.upgrades} == {*found.unfinished}:
        if found.at_work:
            return
        advice = (
            "run the load again (or, if an earlier version has completed it, "
            "'specprod-copy upgrade')"
        )
    for table, lacks in found.upgrades.items():
        yield f"{advice}: {table}: {', '.join(lacks)}"


def _failed_lines(found: Status) -> list[str]:
    """Return why the last load failed: a line for each cause, which several parts may share.

    It may have failed before it came to tables that are complete: these are not named.
    """
    wanting = {(row.table, row.stage) for row in found.progress if row.rows_missing}
    causes: dict[str, list[Failure]] = {}
    for one in found.failed:
        causes.setdefault(one.why, []).append(one)
    lines = []
    for why, alike in causes.items():
        at = f"{max(one.at for one in alike if one.at):%Y-%m-%d %H:%M}"
        lacking = [
            f"{one.table}, {one.entry}"
            for one in alike
            if one.table in found.steps_missing
            or one.table in found.lost
            or one.table not in found.steps_done
            or (one.table, one.stage) in wanting
        ]
        if lacking:
            lines.append(f"failed at {at}: {'; '.join(lacking)}: {why}")
        else:
            lines.append(f"last attempt at {at} ended with: {why}")
    return lines


def _first(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_MOST]
    if len(lines) > _MOST:
        yield f"and {len(lines) - _MOST:,} more; --json has all"
