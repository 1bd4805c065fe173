"""Rows of EXP_FIBERMAP: one per object and exposure."""

from __future__ import annotations

import numpy as np

from specprod_copy.demo.coadds import USELESS
from specprod_copy.demo.fiberassign import fiber_columns
from specprod_copy.demo.layouts import Array, Layout, RowValues
from specprod_copy.demo.spectra import Observation, Spectra
from specprod_copy.demo.summaries import ARMS


def exposed_rows(observation: Observation, spectra: Spectra, layout: Layout) -> Array:
    """Return the exposures that were added up to spectra."""
    fibers, batch = observation.fibers, observation.batch
    own = np.searchsorted(observation.rows, spectra.rows)
    counted = np.flatnonzero(np.isin(fibers.tile, spectra.group.tiles))
    at, which = np.nonzero(fibers.taken[np.ix_(own, counted)].T)
    exposure, row, tile = counted[at], spectra.rows[which], fibers.tile[counted[at]]
    values = {name: array[own[which], exposure] for name, array in fibers.columns.items()}
    useful = {
        f"IN_COADD_{arm.upper()}": values["FIBERSTATUS"] & mask == 0
        for arm, mask in zip(ARMS, USELESS, strict=True)
    }
    columns = {
        **fiber_columns(batch, tile, row),
        **values,
        **useful,
        "NIGHT": fibers.night[exposure],
        "EXPID": fibers.expid[exposure],
        "MJD": fibers.mjd[exposure],
        "EXPTIME": fibers.exptime[exposure],
        "NUM_ITER": 2,
    }
    shared = batch.by_tile[spectra.group.tiles[0]] | batch.columns
    return layout.pack(RowValues(shared, row, columns), len(row))
