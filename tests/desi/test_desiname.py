"""Names of objects from their positions."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clusters import SHARED

from specprod_copy.desi import ids
from specprod_copy.desi.ids import desiname

REFERENCE = SHARED / "reference"

col = pl.col


def names(expr: pl.Expr, values: list[float | None]) -> list[str | None]:
    return pl.DataFrame({"x": values}).select(name=expr)["name"].to_list()


def name_of(ra: float, dec: float) -> str:
    """Name by integer and text arithmetic on one position."""
    a, d = math.trunc(10000.0 * ra), math.trunc(10000.0 * dec)
    sign, d = "-" if d < 0 else "+", abs(d)
    return f"DESI J{a // 10000:03d}.{a % 10000:04d}{sign}{d // 10000:02d}.{d % 10000:04d}"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"ra": st.floats(0, 360, exclude_max=True), "dec": st.floats(-90, 90)}
        ),
        min_size=1,
        max_size=40,
    )
)
def test_desiname(rows: list[dict]) -> None:
    expected = [name_of(**row) for row in rows]
    assert pl.DataFrame(rows).select(x=desiname(col("ra"), col("dec")))["x"].to_list() == expected
    assert desiname(**rows[0]) == expected[0]
    assert {len(name) for name in expected} == {22}


def test_desiname_of_every_ten_thousandth_of_a_degree() -> None:
    """Just at the steps, where one bit decides; in double precision as NumPy computes it."""
    dec = np.arange(-900000, 900001) / 10000.0
    ra = (np.arange(len(dec)) * 2 % 3600000) / 10000.0
    made = pl.DataFrame({"ra": ra, "dec": dec}).select(x=desiname(col("ra"), col("dec")))["x"]
    a, d = np.trunc(10000.0 * ra).astype(int), np.trunc(10000.0 * dec).astype(int)
    pieces = made.str.extract_groups(r"^DESI J(\d{3})\.(\d{4})([+-])(\d{2})\.(\d{4})$").struct
    ra_degrees, ra_fraction, sign, degrees, fraction = (pieces[str(i)] for i in range(1, 6))
    assert (ra_degrees.cast(pl.Int64) * 10000 + ra_fraction.cast(pl.Int64)).to_list() == a.tolist()
    assert (degrees.cast(pl.Int64) * 10000 + fraction.cast(pl.Int64)).to_list() == abs(d).tolist()
    assert (sign == "-").to_list() == (d < 0).tolist()


@pytest.mark.parametrize(
    ("ra", "dec", "name"),
    [
        (123.45678, 1.23456, "DESI J123.4567+01.2345"),
        (0.05, -0.05, "DESI J000.0500-00.0500"),
        (0, -0.00004, "DESI J000.0000+00.0000"),
        (-0.0, -0.0, "DESI J000.0000+00.0000"),
        (math.nextafter(360, 0), -90, "DESI J359.9999-90.0000"),
        (np.float32(1.5), np.float64(90), "DESI J001.5000+90.0000"),
    ],
)
def test_documented_names(ra: float, dec: float, name: str) -> None:
    assert desiname(ra, dec) == name
    assert type(desiname(ra, dec)) is str


@pytest.mark.parametrize(
    ("ra", "dec", "message"),
    [
        (360, 0, "ra 360 is not in [0.0, 360.0)"),
        (math.nan, 0, "ra nan is not in [0.0, 360.0)"),
        (0, math.inf, "dec inf is not in [-90.0, 90.0]"),
        (0, -90.00001, "dec -90.00001 is not in [-90.0, 90.0]"),
    ],
)
def test_bad_plain_positions(ra: float, dec: float, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        desiname(ra, dec)
    assert caught.value.args == (message,)


def test_desiname_out_of_range_is_null() -> None:
    bad = [360.0, -1e-300, math.nan, math.inf, -math.inf, -9999.0, None]
    assert names(desiname(col("x"), 0), [*bad, 0.0]) == [None] * 7 + ["DESI J000.0000+00.0000"]
    bad = [90.00000000000001 + 1e-13, -90.1, math.nan, math.inf, -math.inf, -9999.0, None]
    assert names(desiname(0, col("x")), [*bad, 90.0]) == [None] * 7 + ["DESI J000.0000+90.0000"]


@pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the reference productions are not beside this checkout"
)
@pytest.mark.parametrize(
    ("table", "file"),
    [
        ("fuji-expected/zpix", "fuji/vac/edr/zcat/fuji/v1.0/zall-pix-edr-vac.fits"),
        ("iron-expected/zpix", "iron/spectro/redux/iron/zcatalog/v1/zall-pix-iron.fits"),
    ],
)
def test_names_of_the_reference_databases(table: str, file: str) -> None:
    catalog = fits.getdata(REFERENCE / file, "ZCATALOG")
    frame = pl.DataFrame(
        {
            "targetid": np.asarray(catalog["TARGETID"], dtype="i8"),
            "survey": [str(x) for x in catalog["SURVEY"]],
            "program": [str(x) for x in catalog["PROGRAM"]],
            "ra": np.asarray(catalog["TARGET_RA"], dtype="f8"),
            "dec": np.asarray(catalog["TARGET_DEC"], dtype="f8"),
        }
    ).filter(ids.no_sky(col("targetid")))
    made = frame.select(
        id=ids.zpixid(col("program"), col("survey"), col("targetid")).cast(pl.String),
        desiname=desiname(col("ra"), col("dec")),
    )
    expected = pl.read_parquet(REFERENCE / f"{table}.parquet").select("id", "desiname")
    assert made.sort("id").equals(expected.sort("id"))
