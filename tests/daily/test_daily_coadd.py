"""The coaddition of a fibermap: against real files, and against the rules taken one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specprod_copy.demo import write_production
from specprod_copy.reader import read_table
from specprod_copy.tiles.coadd import EXPOSURE_COLUMNS, SPECFLUX, coadd

REDROCK = "spectro/redux/iron/tiles/cumulative/80613/20210324/redrock-4-80613-thru20210324.fits"
MADE_FROM_IT = "spectro/redux/iron/zcatalog/v1/ztile-sv1-bright-cumulative.fits"

MASKS = (0x6F0B04, 0xAF0B04, 0x12F0B04)
#: Good; harmless bits; bad in one camera each; bad in all.
STATUSES = [
    0,
    1 << 1,
    1 << 10 | 1 << 20,
    1 << 22,
    1 << 23,
    1 << 24,
    7 << 22,
    1 << 2,
    1 << 11,
    1 << 9,
]


@pytest.fixture
def real(shared) -> Path:
    if not (shared / "real" / "iron").is_dir():
        pytest.skip(f"no real files in {shared}")
    return shared / "real" / "iron"


def test_real_file_coadds_to_its_fibermap(real):
    made = coadd(read_table(real / REDROCK, ("EXP_FIBERMAP",)))
    fibermap = read_table(real / REDROCK, ("FIBERMAP",))
    # The file is older than the factor cos(dec) in STD_FIBER_RA, and the MJD columns.
    same = [n for n in made.columns if n in fibermap.columns and n != "STD_FIBER_RA"]
    assert len(same) == 16
    for name in same:
        assert made.schema[name] == fibermap.schema[name]
        if name != "MEAN_FIBER_RA":
            assert made[name].to_list() == fibermap[name].to_list(), name
    # Right ascensions were averaged without a detour over 360 degrees then.
    assert made["MEAN_FIBER_RA"][0] == pytest.approx(fibermap["MEAN_FIBER_RA"][0], rel=1e-15)


def test_real_file_coadds_to_the_catalog_made_from_it(real):
    made = coadd(read_table(real / REDROCK, ("EXP_FIBERMAP",)))
    catalog = read_table(real / MADE_FROM_IT, ("ZCATALOG",), made.columns)
    assert made.equals(catalog)


def test_demo_files_hold_their_own_coadd(tmp_path):
    """What the demo generator adds up by code of its own; some targets have several exposures."""
    write_production(tmp_path, "daily", tiles=2, targets=60)
    files = sorted(tmp_path.rglob("redrock-*.fits"))
    several = 0
    for path in files:
        made = coadd(read_table(path, ("EXP_FIBERMAP",)))
        fibermap = read_table(path, ("FIBERMAP",))
        both = fibermap.select("TARGETID").join(made, on="TARGETID", how="left")
        several += (both["COADD_NUMEXP"] > 1).sum()
        for name in made.columns:
            if name in fibermap.columns and not name.endswith("MJD"):
                a, b = both[name].to_numpy(), fibermap[name].to_numpy()
                assert np.allclose(a, b, rtol=1e-6, atol=1e-7), (path, name)
    assert len(files) > 5
    assert several > 10


# The rules, one target at a time ----------------------------------------------------------------


def expected(rows: pl.DataFrame) -> dict[str, object]:
    """Coadd the exposures of one target as the rules say it."""
    status = rows["FIBERSTATUS"].to_numpy()
    good = np.any([status & mask == 0 for mask in MASKS], axis=0)
    used = good if good.any() else np.ones_like(good)
    x = {name: rows[name].to_numpy() for name in rows.columns}
    known = (x["FIBER_RA"] != 0) | (x["FIBER_DEC"] != 0)
    placed = next(choice for choice in (used & known, known, used) if choice.any())
    ra, dec = x["FIBER_RA"][placed], x["FIBER_DEC"][placed]
    offset = 180.0 if ra.max() - ra.min() > 180 else 0.0
    ra = (ra + 180) % 360 if offset else ra
    reduce = np.bitwise_and.reduce(status[good]) if good.any() else np.bitwise_or.reduce(status)
    mjd = x["MJD"][used]
    f4 = np.float32
    return {
        "COADD_FIBERSTATUS": reduce,
        "COADD_NUMEXP": good.sum(),
        "COADD_EXPTIME": f4(x["EXPTIME"][good].sum()),
        "COADD_NUMNIGHT": len(set(x["NIGHT"][good])),
        "COADD_NUMTILE": len(set(x["TILEID"][good])),
        **{
            f"MEAN_{n}": f4(np.mean(x[n][used]))
            for n in ("DELTA_X", "DELTA_Y", "FIBER_X", "FIBER_Y", SPECFLUX)
        },
        **{f"RMS_{n}": f4(np.sqrt(np.mean(x[n][used] ** 2))) for n in ("DELTA_X", "DELTA_Y")},
        "MIN_MJD": np.min(mjd),
        "MAX_MJD": np.max(mjd),
        "MEAN_MJD": np.mean(mjd),
        "MEAN_FIBER_RA": (np.mean(ra) - offset + 360) % 360,
        "STD_FIBER_RA": f4(np.std(ra) * np.cos(np.radians(np.mean(dec))) * 3600),
        "MEAN_FIBER_DEC": np.mean(dec),
        "STD_FIBER_DEC": f4(np.std(dec) * 3600),
    }


position = st.sampled_from(
    [(0.0, 0.0), (0.0, 0.001), (359.9999, -0.1), (0.0002, -0.1), (0.1, np.nan), (0.3, -0.0999)]
)
offset = st.one_of(st.floats(-1, 1), st.just(np.nan))
exposure = st.fixed_dictionaries(
    {
        "TARGETID": st.sampled_from([39627634575377250, 7, -3]),
        "NIGHT": st.integers(20210514, 20210517),
        "TILEID": st.integers(1, 2),
        "MJD": st.floats(59000, 60000),
        "EXPTIME": st.floats(0, 2000),
        "FIBERSTATUS": st.sampled_from(STATUSES),
        **dict.fromkeys(("FIBER_X", "FIBER_Y", "DELTA_X", "DELTA_Y"), offset),
        "AT": position,
        SPECFLUX: st.floats(0, 1),
    }
)


@given(st.lists(exposure, min_size=1, max_size=30))
def test_equals_the_rules_bit_for_bit(rows):
    frame = pl.DataFrame(
        [{**row, "FIBER_RA": row["AT"][0], "FIBER_DEC": row["AT"][1]} for row in rows],
        schema_overrides={"FIBERSTATUS": pl.Int32, "NIGHT": pl.Int32, "TILEID": pl.Int32},
    ).drop("AT")
    made = coadd(frame)
    assert made["TARGETID"].to_list() == list(dict.fromkeys(frame["TARGETID"]))
    for row in made.iter_rows(named=True):
        wanted = expected(frame.filter(pl.col("TARGETID") == row["TARGETID"]))
        assert row.keys() - {"TARGETID"} == wanted.keys()
        for name, value in wanted.items():
            np.testing.assert_array_equal(row[name], value, err_msg=name)


def test_without_specflux_and_without_rows():
    types = dict.fromkeys(EXPOSURE_COLUMNS, pl.Float64) | dict.fromkeys(
        ("TARGETID", "NIGHT", "TILEID", "FIBERSTATUS"), pl.Int64
    )
    one = pl.DataFrame([dict.fromkeys(EXPOSURE_COLUMNS, 1)], schema=types)
    made = coadd(one)
    assert made["MEAN_PSF_TO_FIBER_SPECFLUX"].to_list() == [0.0]
    assert coadd(one.clear()).schema == made.schema
