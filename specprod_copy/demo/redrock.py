"""The redrock files of a daily production: one per petal of a tile."""

from __future__ import annotations

import numpy as np

from specprod_copy.demo.catalogs import catalog_columns, each_tile
from specprod_copy.demo.exposed import exposed_rows
from specprod_copy.demo.fibers import petal_of
from specprod_copy.demo.fitsfile import Hdu
from specprod_copy.demo.job import FieldJob
from specprod_copy.demo.spectra import Observation, add_up

#: Tables with a row per fibre; EXP_FIBERMAP has one per fibre and exposure.
PER_FIBER = ("redshifts", "fibermap", "tsnr2")
ORDER = ("redshifts", "fibermap", "exp_fibermap", "tsnr2")


def collect_redrock(work: FieldJob, observation: Observation) -> None:
    """Keep the spectra of observed objects for the redrock files of the field's tiles."""
    tiles = observation.batch.objects.tiles
    for number, spectra in enumerate(add_up(observation, each_tile(tiles))):
        columns, n = catalog_columns(observation, spectra, {}, "tilecumulative"), len(spectra.rows)
        for name in PER_FIBER:
            layout = work.job.layout(name, tiles[number].survey)
            work.pieces[number, name].append(layout.pack(columns, n))
        rows = exposed_rows(observation, spectra, work.job.layouts["exp_fibermap"])
        work.pieces[number, "exp_fibermap"].append(rows)


def write_redrock(work: FieldJob) -> None:
    """Write the redrock files of a field.

    Rows come in the order of the fibres, those of EXP_FIBERMAP exposure by exposure.
    """
    for number, tile in enumerate(work.field.tiles):
        tables = {name: work.piece(number, name) for name in ORDER}
        fiber = tables["fibermap"]["FIBER"]
        exposed = tables["exp_fibermap"]
        order = dict.fromkeys(PER_FIBER, np.argsort(fiber))
        order["exp_fibermap"] = np.lexsort((exposed["FIBER"], exposed["EXPID"]))
        fibers = dict.fromkeys(PER_FIBER, fiber) | {"exp_fibermap": exposed["FIBER"]}
        for petal in tile.petals:
            hdus = []
            for name in ORDER:
                rows = order[name][petal_of(fibers[name][order[name]]) == petal]
                layout = work.job.layout(name, tile.survey)
                hdus.append(Hdu(layout, tables[name][rows], {}))
            if len(hdus[0].records):
                keywords: dict[str, str | int | float] = {
                    "SPGRP": "cumulative",
                    "SPGRPVAL": tile.lastnight,
                    "TILEID": tile.tileid,
                    "SPECTRO": petal,
                    "PETAL": petal,
                    "NIGHT": tile.lastnight,
                    "SURVEY": tile.survey,
                    "PROGRAM": tile.program,
                }
                path = work.job.paths.redrock(tile.tileid, tile.lastnight, petal)
                work.job.outputs.whole(path, hdus, keywords)
