"""Spectra, tiles and nights of a production, each table read once and grouped on the server."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import numpy as np
import polars as pl
import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.connection import translated_errors
from specprod_copy.postgres.names import parametrized
from specprod_copy.progress import ProgressListener

RA_CELLS: Final = 360
DEC_CELLS: Final = 180
"""Cells of the sky map have equal areas: this many in right ascension and in sin(declination)."""

REDSHIFT_BINS: Final = 20
"""Bins of redshift per unit."""

TABLES: Final = ("zpix", "ztile")
"""Tables with redshifts; the first one that there is counts each target once a program."""


@dataclass(frozen=True)
class Tile:
    """A tile on the sky."""

    tileid: int
    survey: str
    program: str
    ra: float
    """Right ascension of its centre [deg]."""
    dec: float
    """Declination of its centre [deg]."""


@dataclass(frozen=True)
class Spectra:
    """Spectra of one table."""

    table: str
    sky: np.ndarray
    """Spectra in each cell, shape (`DEC_CELLS`, `RA_CELLS`), from the south and from 0 deg on."""
    unplaced: int
    """Spectra without a position."""
    redshifts: pl.DataFrame
    """survey, program, spectype, z (lower edge of a bin), spectra; those with ZWARN = 0."""
    without_redshift: int
    """Spectra with ZWARN other than 0, or with a redshift below -1 or above 20."""


@dataclass(frozen=True)
class Nights:
    """What was observed and reduced by night."""

    exposures: pl.DataFrame
    """night (a date), program, exposures, exptime and efftime [s]."""
    spectra: pl.DataFrame | None
    """night (a date), survey, spectra: rows of ztile by their last night; None without ztile."""


def tiles(connection: psycopg.Connection, schema: str, listener: ProgressListener) -> list[Tile]:
    """Return all tiles."""
    with listener.step("reading table tile"):
        rows = _ask(
            connection,
            schema,
            "tile",
            "SELECT tileid, survey, program, tilera, tiledec FROM {table} ORDER BY tileid",
        )
    return [Tile(*row) for row in rows]


def spectra(
    connection: psycopg.Connection,
    schema: str,
    tables: Collection[str],
    listener: ProgressListener,
) -> Spectra | None:
    """Return the spectra of the first of `TABLES` that there is."""
    table = next((name for name in TABLES if name in tables), None)
    if table is None:
        return None
    with listener.step(f"reading table {table}"):
        rows = _ask(
            connection,
            schema,
            table,
            """SELECT grouping(cell) = 0, cell, survey, program, spectype, bin, count(*)
               FROM (
                   SELECT survey, program,
                          CASE WHEN zwarn = 0 THEN spectype END AS spectype,
                          CASE WHEN zwarn = 0 AND z BETWEEN -1 AND 20 THEN
                              floor(z * %(bins)s)::integer
                          END AS bin,
                          CASE WHEN mean_fiber_ra BETWEEN 0 AND 360
                                    AND mean_fiber_dec BETWEEN -90 AND 90 THEN
                              least(floor(mean_fiber_ra / 360 * %(ra_cells)s), %(ra_cells)s - 1)
                              + %(ra_cells)s * least(
                                  floor((sind(mean_fiber_dec) + 1) / 2 * %(dec_cells)s),
                                  %(dec_cells)s - 1)
                          END::integer AS cell
                   FROM {table}
               ) AS rows
               GROUP BY GROUPING SETS ((cell), (survey, program, spectype, bin))""",
            bins=REDSHIFT_BINS,
            ra_cells=RA_CELLS,
            dec_cells=DEC_CELLS,
        )
    sky = np.zeros(RA_CELLS * DEC_CELLS, dtype=np.int64)
    unplaced = without_redshift = 0
    redshifts = []
    for of_sky, cell, survey, program, spectype, number, count in rows:
        if of_sky and cell is None:
            unplaced = count
        elif of_sky:
            sky[cell] = count
        elif number is None:
            without_redshift += count
        else:
            redshifts.append((survey, program, spectype, number / REDSHIFT_BINS, count))
    frame = pl.DataFrame(
        redshifts,
        schema={
            "survey": pl.String,
            "program": pl.String,
            "spectype": pl.String,
            "z": pl.Float64,
            "spectra": pl.Int64,
        },
        orient="row",
    )
    return Spectra(table, sky.reshape(DEC_CELLS, RA_CELLS), unplaced, frame, without_redshift)


def nights(
    connection: psycopg.Connection,
    schema: str,
    tables: Collection[str],
    listener: ProgressListener,
) -> Nights | None:
    """Return what was observed and reduced by night, None without a table of exposures."""
    if "exposure" not in tables:
        return None
    with listener.step("reading table exposure"):
        # Unknown times are 0 or -9999.
        exposures = pl.DataFrame(
            _ask(
                connection,
                schema,
                "exposure",
                """SELECT night, program, count(*), coalesce(sum(exptime), 0),
                          coalesce(sum(efftime_spec) FILTER (WHERE efftime_spec > 0), 0)
                   FROM {table} GROUP BY night, program ORDER BY night, program""",
            ),
            schema={
                "night": pl.Int64,
                "program": pl.String,
                "exposures": pl.Int64,
                "exptime": pl.Float64,
                "efftime": pl.Float64,
            },
            orient="row",
        )
    if "ztile" not in tables:
        return Nights(_dated(exposures), None)
    with listener.step("reading table ztile"):
        found = pl.DataFrame(
            _ask(
                connection,
                schema,
                "ztile",
                """SELECT lastnight, survey, count(*) FROM {table}
                   GROUP BY lastnight, survey ORDER BY lastnight, survey""",
            ),
            schema={"night": pl.Int64, "survey": pl.String, "spectra": pl.Int64},
            orient="row",
        )
    return Nights(_dated(exposures), _dated(found))


def _dated(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with dates as nights; a number that is no date is left out."""
    night = pl.col("night").cast(pl.String).str.to_date("%Y%m%d", strict=False)
    return frame.with_columns(night).drop_nulls("night")


def _ask(
    connection: psycopg.Connection,
    schema: str,
    table: str,
    query: LiteralString,
    **values: object,
) -> list[tuple[Any, ...]]:
    """Run a query over a table.

    Raises
    ------
    DatabaseError
        If the table lacks a column; says how to get it.
    """
    statement = sql.SQL(query).format(table=parametrized(schema, table))
    with translated_errors(f"cannot read table {schema}.{table}"):
        try:
            return connection.execute(statement, values).fetchall()
        except psycopg.errors.UndefinedColumn as error:
            # Without the server's hint, which is a column that is called alike.
            raise DatabaseError(
                f"cannot read table {schema}.{table}: {error.diag.message_primary}. "
                f"'specprod-copy diff --schema {shlex.quote(schema)}' prints what it lacks; a load "
                "with --overwrite makes and fills the table again"
            ) from error
