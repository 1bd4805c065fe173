"""A random walk of loads and accidents: after every step the tables are what they must be.

A command that does not make them so says why, and changes nothing. ``SPECPROD_COPY_WALK_ROUNDS``
sets the number of steps (``make test-faults``: 200), ``SPECPROD_COPY_WALK_SEED`` which ones.
"""

from __future__ import annotations

import os
import random

from astropy.io import fits
from support.changing import Case, iron, loaded
from support.walk_model import File, Model
from support.walk_steps import Walk

__all__ = ["iron", "loaded"]

ROUNDS = int(os.environ.get("SPECPROD_COPY_WALK_ROUNDS", "20"))
SEED = int(os.environ.get("SPECPROD_COPY_WALK_SEED", "1"))


def rows_of(case: Case, query: str, path, hdu: int, *columns: str) -> dict[object, int]:
    """Return where rows of a table are in their file, by some columns."""
    table = fits.getdata(path, hdu)
    names = [[str(v).strip() for v in table[column].tolist()] for column in columns]
    places = {values: row for row, values in enumerate(zip(*names, strict=True))}
    found = {key: tuple(map(str, values)) for key, *values in case.query(query)}
    return {key: places[values] for key, values in found.items() if values in places}


def files_of(case: Case) -> list[File]:
    """Return the files that change on the walk."""
    pix, ztile, tiles = case.files.zall_pix(), case.files.zall_tilecumulative(), case.files.tiles()
    zpix = "SELECT id, targetid, survey, program FROM iron.zpix"
    of_tiles = "SELECT id, targetid, tileid FROM iron.ztile"
    assigned = "SELECT id, targetid, location FROM iron.fiberassign"
    some = sorted(case.root.rglob("fiberassign-*.fits*"))[:2]
    tiles.with_suffix(".csv").unlink()  # It would take the place of a FITS file that is gone.
    return [
        File(pix, "zpix", "z", rows_of(case, zpix, pix, 1, "TARGETID", "SURVEY", "PROGRAM")),
        File(ztile, "ztile", "z", rows_of(case, of_tiles, ztile, 1, "TARGETID", "TILEID")),
        File(
            tiles,
            "tile",
            "exptime",
            rows_of(case, "SELECT tileid, tileid FROM iron.tile", tiles, 1, "TILEID"),
        ),
        *(
            File(
                path,
                "fiberassign",
                "pmra",
                rows_of(
                    case,
                    f"{assigned} WHERE tileid = {int(path.name[12:18])}",
                    path,
                    1,
                    "TARGETID",
                    "LOCATION",
                ),
                others=("potential",),
            )
            for path in some
        ),
    ]


def test_random_walk(loaded):
    print(f"SPECPROD_COPY_WALK_SEED={SEED} SPECPROD_COPY_WALK_ROUNDS={ROUNDS}")
    walk = Walk(Model(loaded, files_of(loaded)), random.Random(SEED))
    for number in range(ROUNDS):
        said = walk.step()
        print(f"{number + 1}. {said}")
        walk.check()
