"""Inputs that know the tiles, of which there are files to look for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl
import psycopg

from specprod_copy.errors import InputError
from specprod_copy.plan.changed_files import refuse_changed_others
from specprod_copy.plan.ledger import TABLE as LEDGER_TABLE
from specprod_copy.plan.ledger import Ledger
from specprod_copy.plan.looks import Looks
from specprod_copy.postgres import catalog
from specprod_copy.postgres.schema import Schema
from specprod_copy.reader import read_table
from specprod_copy.tables import Inputs, TableSource, tile


def with_tiles(
    inputs: Inputs,
    sources: Sequence[TableSource],
    connection: psycopg.Connection | None,
    found: Schema,
    looks: Looks,
) -> Inputs:
    """Return inputs that know the tiles: those in the tile table, or on their way there.

    Tiles in quarantine count as well, as when their file is loaded together with those of fibers.

    Inputs that know them already stay as they are.

    Parameters
    ----------
    inputs : Inputs
    sources : sequence of TableSource
        What is to be loaded.
    connection : psycopg.Connection, optional
        None where there is no server.
    found : Schema
        What the server has.
    looks : Looks
    """
    if inputs.tileids:
        return inputs
    if tile.SOURCE in sources:
        return with_tiles_of_file(inputs)
    if connection is None:
        return inputs
    tiles: set[int] = set()
    if tile.SOURCE.table in found.tables:
        tiles.update(catalog.integers(connection, found.name, tile.SOURCE.table, "tileid"))
    if LEDGER_TABLE in found.tables:
        tiles.update(_refused_tiles(inputs, Ledger(connection, found.name), looks))
    return replace(inputs, tileids=tuple(sorted(tiles)))


def with_tiles_of_file(inputs: Inputs) -> Inputs:
    """Return inputs that know the tiles of the tiles file."""
    return replace(inputs, tileids=tuple(_tileids(inputs).drop_nulls().sort()))


def _tileids(inputs: Inputs) -> pl.Series:
    """Return the tile of each row of the tiles file; null where the load finds no whole number."""
    path = inputs.tiles()
    tileids = read_table(path, tile.SOURCE.hdus, ["TILEID"])["TILEID"]
    if tileids.dtype.is_nested():
        raise InputError(f"is {tileids.dtype}, no number", path=path, column="TILEID")
    return tileids.cast(pl.Int64, strict=False)


def _refused_tiles(inputs: Inputs, ledger: Ledger, looks: Looks) -> list[int]:
    """Return the tiles that are in quarantine."""
    refused = ledger.quarantine(tile.SOURCE.table, tile.SOURCE.stage)
    rows = [refusal.row for refusals in refused.values() for refusal in refusals]
    if not rows:
        return []
    refuse_changed_others(tile.SOURCE, inputs, ledger, looks)
    return _tileids(inputs).gather(rows).drop_nulls().to_list()
