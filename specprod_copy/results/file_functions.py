"""The files in which the spectra of a row lie, as functions in SQL: columns of any query."""

from __future__ import annotations

from typing import Final

from psycopg import sql

from specprod_copy.desi import spectra_files
from specprod_copy.postgres.own_functions import Function, numbered
from specprod_copy.postgres.own_views import MARK

_OF_PIXEL: Final = """CASE WHEN {kind} IN ({kinds}) THEN
    CASE {group} {folders} END || '/' || {survey} || '/' || {program} || '/'
    || ({pixel} / 100)::text || '/' || {pixel}::text || '/'
    || {kind} || '-' || {survey} || '-' || {program} || '-' || {pixel}::text || '.fits' END"""

_OF_TILE: Final = """CASE WHEN {kind} IN ({kinds}) THEN
    'tiles/cumulative/' || {tile}::text || '/' || {night}::text || '/'
    || {kind} || '-' || {petal}::text || '-' || {tile}::text || '-thru' || {night}::text
    || '.fits' END"""

_FIBERASSIGN: Final = (
    "'fiberassign-' || lpad({0}::text, greatest(6, length({0}::text)), '0') || '.fits.gz'"
)


def file_functions() -> list[Function]:
    """Return the functions; they give null for a kind or a group that is not known."""
    kinds = sql.SQL(", ").join(map(sql.Literal, spectra_files.KINDS))
    of_kinds = " or ".join(spectra_files.KINDS)
    folders = sql.SQL(" ").join(
        sql.SQL("WHEN {} THEN {}").format(sql.Literal(group), sql.Literal(folder))
        for group, folder in spectra_files.FOLDERS.items()
    )
    kind, survey, program, group, pixel = numbered(5)
    _, tile, night, petal = numbered(4)
    return [
        Function(
            "spectra_file",
            ("kind", "survey", "program", "spgrp", "spgrpval"),
            "bigint",
            "text",
            sql.SQL(_OF_PIXEL).format(
                kind=kind,
                kinds=kinds,
                group=group,
                folders=folders,
                survey=survey,
                program=program,
                pixel=pixel,
            ),
            f"File of kind {of_kinds} of a row of zpix, below the folder of the production {MARK}",
            texts=4,
        ),
        Function(
            "spectra_file",
            ("kind", "tileid", "lastnight", "petal"),
            "bigint",
            "text",
            sql.SQL(_OF_TILE).format(kind=kind, kinds=kinds, tile=tile, night=night, petal=petal),
            f"File of kind {of_kinds} of a row of ztile (its spgrpval is the last night; petal is "
            f"fiber / {spectra_files.FIBERS_OF_A_PETAL}), below the folder of the production "
            f"{MARK}",
            texts=1,
        ),
        Function(
            "fiberassign_file",
            ("tileid",),
            "bigint",
            "text",
            sql.SQL(_FIBERASSIGN).format(*numbered(1)),
            f"Name of the fiberassign file of a tile {MARK}",
        ),
    ]
