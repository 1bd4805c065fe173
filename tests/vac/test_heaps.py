"""A catalogue of arrays of any length: drafted, loaded, verified, put into quarantine, queried."""

from __future__ import annotations

import struct

import numpy as np
import polars as pl
from astropy.io import fits
from support.catalogues import Catalogues
from support.heaps import HeapColumn, write_heap

import specprod_copy as sc

ROWS = 20
BAD = 7


def columns() -> list[HeapColumn]:
    rng = np.random.default_rng(5)
    sizes = [n % 6 for n in range(ROWS)]
    return [
        HeapColumn("SPEC", "E", [rng.normal(size=n).astype("f4").tolist() for n in sizes]),
        HeapColumn("MASK", "L", [(rng.random(n) < 0.5).tolist() for n in sizes], "Q"),
        HeapColumn("NAME", "A", [[*"abcde"][:n] for n in sizes]),
        HeapColumn("BIG", "K0", [[2**64 - 1, n] for n in range(ROWS)]),
    ]


def values(vac: Catalogues) -> list[tuple]:
    frame = sc.query(
        "SELECT spec, mask, name, big FROM vac.tab ORDER BY file_row", dsn=vac.conninfo
    )
    return frame.rows()


def test_from_draft_to_query(tmp_path, database):
    vac, made = Catalogues(tmp_path, database), columns()
    path = write_heap(tmp_path / "plain.fits", made)
    description = vac.draft(path)
    vac.load(description)
    vac.verify()
    frame = pl.DataFrame([column.series for column in made])
    rows = frame.cast({"BIG": pl.List(pl.Decimal(20, 0))}).rows()
    assert values(vac) == rows
    # A row says that its array lies elsewhere: it is refused, or put into quarantine.
    with fits.open(path) as opened:
        row = opened[1].fileinfo()["datLoc"] + BAD * opened[1].header["NAXIS1"]
    content = bytearray(path.read_bytes())
    content[row : row + 8] = struct.pack(">ii", 9, 10**6)
    path.write_bytes(content)
    message = vac.refuse_load(description, "--overwrite")
    assert "column SPEC: row 7 holds an array that is not within the heap" in message
    bad = tmp_path / "bad"
    options = ("--overwrite", "--on-error", "quarantine", "--quarantine", bad)
    assert "rows in quarantine: 1 of tab" in vac.load(description, *options, code=3)
    vac.verify()
    [file] = bad.iterdir()
    assert pl.read_parquet(file)["value"].to_list() == ["9 elements from byte 1000000 on"]
    assert values(vac) == rows[:BAD] + rows[BAD + 1 :]
    # One bit of the heap is another file.
    place = content.rindex(struct.pack(">f", made[0].arrays[ROWS - 1][0]))
    content[place + 3] ^= 1
    path.write_bytes(content)
    assert "changed since it was loaded" in vac.run("verify", "--schema", "vac", code=1)
