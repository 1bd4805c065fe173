"""Surveys and programs that a production has tiles of, and no redshift catalog.

A copy without all files of a survey looks like a production without that survey. The tiles file
knows better.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from specprod_copy.desi.programs import catalog_program
from specprod_copy.desi.redshift_catalogs import SURVEYS, is_of_survey, survey_program_from_name
from specprod_copy.errors import BadRowsError, InputError
from specprod_copy.reader import read_table
from specprod_copy.tables import Inputs, TableSource, tile


def check_catalogs(source: TableSource, files: Sequence[Path], inputs: Inputs) -> Iterator[str]:
    """Check that joined catalogs per survey and program are those of all tiles with spectra.

    Yields notes: what is left out because it may be, and whether the tiles are not known.

    Raises
    ------
    InputError
        If catalogs are missing and `skip_missing` does not allow it; names all of them.
    """
    if not source.joined or not files or not all(map(is_of_survey, files)):
        return
    there = {survey_program_from_name(path) for path in files}
    try:
        tiles = inputs.tiles()
    except InputError:
        yield (
            f"{files[0]}: one of several catalogs; without a tiles file it is not known whether "
            "those of all surveys are there"
        )
        return
    try:
        observed = _observed(tiles)
    except BadRowsError as error:  # With quarantine such a tile is left out, and nothing else.
        yield f"{error}: so it is not known whether the {source.table} catalogs of all are there"
        return
    absent = [pair for pair in observed if pair not in there]
    if not absent:
        return
    names = ", ".join("-".join(pair) for pair in absent)
    message = (
        f"has tiles of {names}, and there are no {source.table} catalogs of that. The copy is not "
        "complete"
    )
    if not inputs.skip_missing:
        raise InputError(f"{message}; --skip-missing loads the others", path=tiles)
    yield f"{tiles}: {message}: left out"


def _observed(tiles: Path) -> list[tuple[str, str]]:
    """Return survey and program of tiles with spectra, as catalogs call them."""
    columns = ["SURVEY", "PROGRAM", tile.EFFTIME]
    found = read_table(tiles, tile.SOURCE.hdus, columns, {tile.EFFTIME: pl.Float64()})
    found = found.filter(pl.col("SURVEY").is_in(SURVEYS), tile.HAS_SPECTRA)
    pairs = {(survey, catalog_program(program)) for survey, program, _ in found.iter_rows()}
    return sorted(pairs, key=lambda pair: (SURVEYS.index(pair[0]), pair[1]))
