"""The files in which the spectra of targets lie, as their rows in the tables tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from specprod_copy.desi import spectra_files
from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.catalog import require_schema
from specprod_copy.postgres.connection import translated_errors
from specprod_copy.postgres.names import parametrized
from specprod_copy.postgres.schema_from_server import read_schema


@dataclass(frozen=True)
class TargetFile:
    """A file with something of a target."""

    targetid: int
    table: str
    kind: str
    """``coadd``, ``redrock`` or ``fiberassign``."""
    path: str
    """Below the folder of the production, but for fiberassign files: their name."""


def files_of(
    connection: psycopg.Connection, schema: str, targetids: Sequence[int]
) -> list[TargetFile]:
    """Return the files of some targets.

    Returns
    -------
    list of TargetFile
        Of tables zpix and ztile, as far as they are there. Whether a file exists is not looked at.

    Raises
    ------
    DatabaseError
        If there is neither table, or a group of spectra is not known.
    """
    found = read_schema(connection, schema)
    if not {"zpix", "ztile"} & {*found.tables}:
        require_schema(connection, schema)
        raise DatabaseError(f"schema {schema} has neither a table zpix nor ztile")
    files: list[TargetFile] = []
    with translated_errors(f"cannot read schema {schema}"):
        if "zpix" in found.tables:
            files += _of_pixels(connection, schema, targetids)
        if "ztile" in found.tables:
            files += _of_tiles(connection, schema, targetids, "fiberassign" in found.tables)
    return files


def _of_pixels(
    connection: psycopg.Connection, schema: str, targetids: Sequence[int]
) -> Iterator[TargetFile]:
    query = sql.SQL(
        """SELECT targetid, survey, program, spgrp, spgrpval FROM {}
           WHERE targetid = ANY(%s) ORDER BY 1, 2, 3"""
    ).format(parametrized(schema, "zpix"))
    for targetid, *group in connection.execute(query, (list(targetids),)):
        try:
            paths = [*spectra_files.of_pixel(*group)]
        except KeyError:
            raise DatabaseError(
                f"target {targetid} of {schema}.zpix: where spectra of group {group[2]} lie is "
                "not known"
            ) from None
        for kind, path in zip(spectra_files.KINDS, paths, strict=True):
            yield TargetFile(targetid, "zpix", kind, str(path))


def _of_tiles(
    connection: psycopg.Connection, schema: str, targetids: Sequence[int], assigned: bool
) -> Iterator[TargetFile]:
    fiber: sql.Composable = sql.SQL("NULL::integer")
    if assigned:
        fiber = sql.SQL(
            "(SELECT min(fiber) FROM {} f WHERE f.targetid = z.targetid AND f.tileid = z.tileid)"
        ).format(parametrized(schema, "fiberassign"))
    query = sql.SQL(
        """SELECT targetid, tileid, spgrpval, {} FROM {} AS z
           WHERE targetid = ANY(%s) ORDER BY 1, 2, 3"""
    ).format(fiber, parametrized(schema, "ztile"))
    for targetid, tileid, night, number in connection.execute(query, (list(targetids),)):
        name = f"fiberassign-{tileid:06d}.fits.gz"
        yield TargetFile(targetid, "ztile", "fiberassign", name)
        if number is not None:
            petal = number // spectra_files.FIBERS_OF_A_PETAL
            paths = spectra_files.of_tile(tileid, night, petal)
            for kind, path in zip(spectra_files.KINDS, paths, strict=True):
                yield TargetFile(targetid, "ztile", kind, str(path))
