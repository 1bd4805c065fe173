"""The files of photometry of potential targets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from specprod_copy.demo import sky
from specprod_copy.demo.imaging import in_tractor
from specprod_copy.demo.job import Batch, Job
from specprod_copy.demo.layouts import Array, Layout, RowValues, has_column
from specprod_copy.demo.plan import PlannedTile

TRACTOR_NSIDE, MAIN_NSIDE = 4, 2
#: Infrared fluxes as measured at the time of the survey, relative to the last ones: the rows of an
#: object differ from survey to survey.
CALIBRATION = {"cmx": 0.97, "sv1": 0.98, "sv2": 0.99, "sv3": 0.995, "special": 1.0, "main": 1.0}
#: The production with a stack beside the files per survey, and the one without names of objects.
STACKED, UNNAMED = "guadalupe", ("fuji", "daily")


def write_photometry(job: Job, batch: Batch) -> None:
    """Write the Tractor row of objects and their targeting row for each of their tiles."""
    layout = job.layouts["tractorphot"]
    for path, rows in _tractor_rows(job, batch):
        job.outputs.append(path, layout, layout.pack(RowValues(batch.columns, rows), len(rows)))
    for number, tile in enumerate(batch.objects.tiles):
        members = np.flatnonzero(batch.objects.member[:, number])
        for paths, rows in _target_rows(job, batch, tile, members):
            layout = target_layout(job, tile.survey)
            records = layout.pack(_target_columns(batch, number, rows), len(rows))
            for path in paths:
                job.outputs.append(path, layout, records)


def target_layout(job: Job, survey: str) -> Layout:
    """Return the columns of the targetphot file that holds a survey.

    A stack of all surveys has all bitmasks, a file of one survey those of that survey.
    """
    production = job.paths.production

    def keep(name: str) -> bool:
        if name == "DESINAME":
            return production.name not in UNNAMED
        return production.target_summary or has_column(name, (survey,))

    return job.layouts["targetphot"].where(keep)


def _tractor_rows(job: Job, batch: Batch) -> Iterator[tuple[Path, Array]]:
    rows = in_tractor(batch.objects)
    if job.computed:
        for number, tile in enumerate(batch.objects.tiles):
            path = job.paths.tile_tractorphot(tile.tileid)
            yield path, rows[batch.objects.member[rows, number]]
        return
    for pixel, inside in _by_pixel(batch, rows, TRACTOR_NSIDE):
        yield job.paths.tractorphot(pixel), inside


def _target_rows(
    job: Job, batch: Batch, tile: PlannedTile, rows: Array
) -> Iterator[tuple[list[Path], Array]]:
    """Yield the files that rows of a tile go into, and the rows."""
    paths, production = job.paths, job.paths.production
    if job.computed:
        yield [paths.targetphot(str(tile.tileid))], rows
    elif production.target_summary:
        yield [paths.targetphot(production.name)], rows
    elif production.name == STACKED:
        alone = paths.targetphot(tile.survey, production.name)
        yield [alone, paths.targetphot(production.name)], rows
    elif tile.survey == "main":
        for pixel, inside in _by_pixel(batch, rows, MAIN_NSIDE):
            parts = (f"nside{MAIN_NSIDE}", f"hp{pixel:02d}", tile.survey, production.name)
            yield [paths.targetphot(*parts)], inside
    else:
        yield [paths.targetphot(tile.survey, production.name)], rows


def _by_pixel(batch: Batch, rows: Array, nside: int) -> Iterator[tuple[int, Array]]:
    pixels = sky.healpix(batch.objects.ra[rows], batch.objects.dec[rows], nside)
    for pixel in np.unique(pixels).tolist():
        yield pixel, rows[pixels == pixel]


def _target_columns(batch: Batch, number: int, rows: Array) -> RowValues:
    tile = batch.objects.tiles[number]
    infrared = {
        name: np.float32(CALIBRATION[tile.survey]) * batch.columns[name][rows]
        for name in ("FLUX_W1", "FLUX_W2")
    }
    own = {"TILEID": tile.tileid, **infrared}
    return RowValues(batch.by_tile[number] | batch.columns, rows, own)
