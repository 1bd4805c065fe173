"""The fiberassign files: fibres, targets and potential assignments of a tile."""

from __future__ import annotations

import numpy as np

from specprod_copy.demo.fibers import FIBERS, MM_PER_DEGREE, device_of, location_of, petal_of
from specprod_copy.demo.fitsfile import Hdu
from specprod_copy.demo.job import Batch, FieldJob
from specprod_copy.demo.layouts import Array, Layout, RowValues, mask_names
from specprod_copy.demo.plan import PlannedTile

#: Part of the targets that a second fibre can reach.
SECOND_REACH = 0.1


def fiber_columns(batch: Batch, tile: int | Array, rows: Array) -> dict[str, Array]:
    """Return the columns that describe the fibres of k objects, shape (k,).

    `tile` is the tile of the field, for all of them or for each.
    """
    tile = np.broadcast_to(tile, rows.shape)
    fiber = batch.fiber[rows, tile]
    x, y = focal_plane(batch, tile, rows)
    return {
        "FIBER": fiber,
        "PETAL_LOC": petal_of(fiber),
        "DEVICE_LOC": device_of(fiber),
        "LOCATION": location_of(fiber),
        "FIBERASSIGN_X": x,
        "FIBERASSIGN_Y": y,
        "TILEID": np.array([t.tileid for t in batch.objects.tiles])[tile],
    }


def focal_plane(batch: Batch, tile: Array, rows: Array) -> tuple[Array, Array]:
    """Return where objects lie in the focal plane of tiles, x and y in mm, shape (k,)."""
    tile_ra = np.array([t.ra for t in batch.objects.tiles])[tile]
    tile_dec = np.array([t.dec for t in batch.objects.tiles])[tile]
    ra, dec = batch.objects.ra[rows], batch.objects.dec[rows]
    east = (ra - tile_ra + 180) % 360 - 180
    return -MM_PER_DEGREE * east * np.cos(np.radians(dec)), MM_PER_DEGREE * (dec - tile_dec)


def collect(work: FieldJob, batch: Batch) -> None:
    """Keep the rows of objects for the fiberassign files of the field's tiles."""
    for number, tile in enumerate(batch.objects.tiles):
        columns = batch.by_tile[number] | batch.columns
        members = np.flatnonzero(batch.objects.member[:, number])
        assigned = np.flatnonzero(batch.fiber[:, number] >= 0)
        own = fiber_columns(batch, number, assigned)
        for name, rows, more in (("targets", members, None), ("fiberassign", assigned, own)):
            layout = _layout(work, name, tile)
            records = layout.pack(RowValues(columns, rows, more), len(rows))
            work.pieces[number, name].append(records)
        work.pieces[number, "potential"].append(_potential(work, batch, number, members))


def _potential(work: FieldJob, batch: Batch, number: int, members: Array) -> Array:
    fiber, n = batch.fiber[members, number], len(members)
    reached = np.where(fiber >= 0, fiber, batch.rng.integers(FIBERS, size=n))
    again = np.flatnonzero(batch.rng.random(n) < SECOND_REACH)
    another = (reached[again] + batch.rng.integers(1, FIBERS, len(again))) % FIBERS
    fibers = np.concatenate([reached, another])
    columns = {
        "TARGETID": batch.objects.targetid[np.concatenate([members, members[again]])],
        "FIBER": fibers,
        "LOCATION": location_of(fibers),
    }
    return work.job.layouts["potential"].pack(columns, len(fibers))


def _layout(work: FieldJob, name: str, tile: PlannedTile) -> Layout:
    return work.job.layouts[name].renamed(mask_names(tile.survey))


def write_fiberassign(work: FieldJob) -> None:
    """Write the fiberassign files of a field, rows in the order of the fibres."""
    for number, tile in enumerate(work.field.tiles):
        keywords: dict[str, str | int | float] = {
            "TILEID": tile.tileid,
            "TILERA": tile.ra,
            "TILEDEC": tile.dec,
            "FA_SURV": tile.survey,
            "FAPRGRM": tile.flavor[0],
            "FAFLAVOR": tile.flavor[1],
        }
        fibers = work.piece(number, "fiberassign")
        potential = work.piece(number, "potential")
        ordered = {
            "fiberassign": fibers[np.argsort(fibers["FIBER"])],
            "targets": work.piece(number, "targets"),
            "potential": potential[np.argsort(potential["FIBER"], kind="stable")],
        }
        hdus = [
            Hdu(_layout(work, name, tile), records, {"TILEID": tile.tileid})
            for name, records in ordered.items()
        ]
        work.job.outputs.whole(work.job.paths.fiberassign(tile.tileid), hdus, keywords)
