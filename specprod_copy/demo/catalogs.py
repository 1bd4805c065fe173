"""The redshift catalogs."""

from __future__ import annotations

from collections.abc import Sequence

from specprod_copy.demo.exposed import exposed_rows
from specprod_copy.demo.fiberassign import fiber_columns
from specprod_copy.demo.job import Job
from specprod_copy.demo.layouts import Columns, RowValues
from specprod_copy.demo.plan import PlannedTile
from specprod_copy.demo.spectra import Observation, Spectra, SpectraGroup, add_up, primary_flags


def write_catalogs(job: Job, observation: Observation) -> None:
    """Write the spectra of observed objects to the catalogs of tiles and of HEALPixels."""
    tiles, n = observation.batch.objects.tiles, len(observation.batch.objects)
    for kind, groups in (("tilecumulative", each_tile(tiles)), ("pix", each_program(tiles))):
        layout = job.layout(f"zall_{kind}", *job.surveys)
        spectra = add_up(observation, groups)
        for one, flags in zip(spectra, primary_flags(spectra, n), strict=True):
            columns = catalog_columns(observation, one, flags, kind)
            if job.zall:
                records = layout.pack(columns, len(one.rows))
                job.outputs.append(job.paths.zall(kind), layout, records)
        if job.per_survey:
            _write_per_survey(job, kind, observation, spectra)


def each_tile(tiles: Sequence[PlannedTile]) -> list[SpectraGroup]:
    """Return the groups of cumulative tile spectra."""
    return [SpectraGroup(tile.survey, tile.catalog_program, (t,)) for t, tile in enumerate(tiles)]


def each_program(tiles: Sequence[PlannedTile]) -> list[SpectraGroup]:
    """Return the groups of HEALPix spectra."""
    programs: dict[tuple[str, str], list[int]] = {}
    for number, tile in enumerate(tiles):
        programs.setdefault((tile.survey, tile.catalog_program), []).append(number)
    return [SpectraGroup(*program, tuple(numbers)) for program, numbers in programs.items()]


def catalog_columns(
    observation: Observation, spectra: Spectra, flags: Columns, kind: str
) -> Columns:
    """Return all columns that catalogs and redrock files have for spectra.

    Those of a single tile (fibres, nights) are those of the group's first tile.
    """
    batch, first = observation.batch, spectra.group.tiles[0]
    tile = batch.objects.tiles[first]
    healpix = batch.columns["HPXPIXEL"][spectra.rows]
    columns = {
        **spectra.columns,
        **flags,
        **fiber_columns(batch, first, spectra.rows),
        "PROGRAM": spectra.group.program.encode(),
        "FIRSTNIGHT": tile.firstnight,
        "LASTNIGHT": tile.lastnight,
        "HEALPIX": healpix,
        "SPGRPVAL": healpix if kind == "pix" else tile.lastnight,
    }
    return RowValues(batch.by_tile[first] | batch.columns, spectra.rows, columns)


def _write_per_survey(
    job: Job, kind: str, observation: Observation, spectra: Sequence[Spectra]
) -> None:
    """Write the catalogs per survey and program; each counts its own spectra only."""
    name = {"pix": "zpix", "tilecumulative": "ztile"}[kind]
    exposures = job.layouts["zcatalog_exp_fibermap"]
    for survey, program in dict.fromkeys(one.group[:2] for one in spectra):
        path = getattr(job.paths, name)(survey, program)
        layout = job.layout(name, survey)
        file = job.outputs.table(path, [layout, exposures], {"SURVEY": survey, "PROGRAM": program})
        same = [one for one in spectra if one.group[:2] == (survey, program)]
        all_flags = primary_flags(same, len(observation.batch.objects))
        for one, flags in zip(same, all_flags, strict=True):
            columns = catalog_columns(observation, one, flags, kind)
            file.append(
                layout.pack(columns, len(one.rows)), exposed_rows(observation, one, exposures)
            )
