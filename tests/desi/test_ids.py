"""Ids against plain integer arithmetic, documented values and the reference databases."""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clusters import SHARED

from specprod_copy.desi import ids

REFERENCE = SHARED / "reference"
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the reference productions are not beside this checkout"
)

col = pl.col
int64 = st.integers(-(2**63), 2**63 - 1)
surveys = st.sampled_from(list(ids.SURVEYS))
programs = st.sampled_from(list(ids.PROGRAMS))
groups = st.sampled_from(list(ids.SPECTRA_GROUPS))
tileids = st.integers(0, 2**32 - 1)
locations = st.integers(0, 2**30 - 1)
spgrpvals = st.integers(0, 2**27 - 1)


def evaluate(expr: pl.Expr, **columns: object) -> list:
    """Values of an expression over a small frame."""
    return pl.DataFrame(columns).select(x=expr)["x"].to_list()


def sampled(**strategies: st.SearchStrategy) -> st.SearchStrategy[list[dict]]:
    return st.lists(st.fixed_dictionaries(strategies), min_size=1, max_size=40)


# The formulas once more, on Python integers: (function, arguments, formula).
FORMULAS = {
    "targetphotid": (
        {"survey": surveys, "tileid": tileids, "targetid": int64},
        lambda survey, tileid, targetid: ids.SURVEYS[survey] << 96 | tileid << 64 | targetid,
    ),
    "zpixid": (
        {"program": programs, "survey": surveys, "targetid": int64},
        lambda program, survey, targetid: (
            ids.PROGRAMS[program] << 96 | ids.SURVEYS[survey] << 64 | targetid
        ),
    ),
    "ztileid": (
        {"spgrp": groups, "spgrpval": spgrpvals, "tileid": tileids, "targetid": int64},
        lambda spgrp, spgrpval, tileid, targetid: (
            (ids.SPECTRA_GROUPS[spgrp] << 27 | spgrpval) << 96 | tileid << 64 | targetid
        ),
    ),
    "fiberassignid": (
        {"location": locations, "tileid": tileids, "targetid": int64},
        lambda location, tileid, targetid: location << 96 | tileid << 64 | targetid,
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_packed_ids_are_the_integer_formulas(name: str) -> None:
    strategies, formula = FORMULAS[name]
    function, decoder = getattr(ids, name), getattr(ids, f"decode_{name}")

    @settings(max_examples=60, deadline=None)
    @given(sampled(**strategies))
    def check(rows: list[dict]) -> None:
        expected = [formula(**row) for row in rows]
        columns = {key: [row[key] for row in rows] for key in strategies}
        packed = pl.DataFrame(columns).select(id=function(**{key: col(key) for key in strategies}))
        assert packed.schema == {"id": pl.Decimal(38, 0)}
        assert [int(value) for value in packed["id"]] == expected
        assert function(**rows[0]) == expected[0]
        assert type(function(**rows[0])) is int

        lost = dict.fromkeys(strategies)
        decoded = [
            row if row["targetid"] >= 0 else lost | {"targetid": row["targetid"]} for row in rows
        ]
        assert packed.select(x=decoder(col("id")))["x"].to_list() == decoded
        assert decoder(expected[0]) == decoded[0]

    check()


@settings(max_examples=60, deadline=None)
@given(sampled(expid=st.integers(0, 21474836), camera=st.sampled_from(list(ids.CAMERAS))))
def test_frameid(rows: list[dict]) -> None:
    expected = [
        100 * row["expid"] + 10 * "brz".index(row["camera"][0]) + int(row["camera"][1])
        for row in rows
    ]
    frame = pl.DataFrame(rows).select(id=ids.frameid(col("expid"), col("camera")))
    assert frame.schema == {"id": pl.Int32}
    assert frame["id"].to_list() == expected
    assert ids.frameid(**rows[0]) == expected[0]
    assert frame.select(x=ids.decode_frameid(col("id")))["x"].to_list() == rows
    assert ids.decode_frameid(expected[0]) == rows[0]


@settings(max_examples=60, deadline=None)
@given(
    sampled(
        release=st.integers(-(2**15), 2**15 - 1),
        brickid=st.integers(-(2**31), 2**31 - 1),
        objid=st.integers(-(2**31), 2**31 - 1),
    )
)
def test_ls_id(rows: list[dict]) -> None:
    expected = [row["release"] << 40 | row["brickid"] << 16 | row["objid"] for row in rows]
    frame = pl.DataFrame(rows).select(id=ids.ls_id(col("release"), col("brickid"), col("objid")))
    assert frame.schema == {"id": pl.Int64}
    assert frame["id"].to_list() == expected
    assert ids.ls_id(**rows[0]) == expected[0]


@settings(max_examples=60, deadline=None)
@given(st.integers(-(2**15), 2**15 - 1), st.integers(0, 2**24 - 1), st.integers(0, 2**16 - 1))
def test_ls_id_is_decoded(release: int, brickid: int, objid: int) -> None:
    packed = ids.ls_id(release, brickid, objid)
    parts = {"release": release, "brickid": brickid, "objid": objid}
    assert ids.decode_ls_id(packed) == parts
    assert evaluate(ids.decode_ls_id(col("x")), x=[packed]) == [parts]


@settings(max_examples=100, deadline=None)
@given(st.lists(int64, min_size=1, max_size=40))
def test_targetid_fields_and_sky(targetids: list[int]) -> None:
    fields = [
        {name: (t >> first) & (2**bits - 1) for name, (first, bits) in ids.TARGETID_FIELDS.items()}
        for t in targetids
    ]
    assert evaluate(ids.decode_targetid(col("t")), t=targetids) == fields
    assert ids.decode_targetid(targetids[0]) == fields[0]
    targets = [t > 0 and not t & 2**59 for t in targetids]
    assert evaluate(ids.no_sky(col("t")), t=targetids) == targets
    assert ids.no_sky(targetids[0]) is targets[0]


def test_no_sky_looks_at_no_other_bit() -> None:
    targetids = [0, 1, -1, 2**59, 2**59 - 1, 2**58, 2**60, 2**59 + 2**60, -(2**63)]
    kept = [False, True, False, False, True, True, True, False, False]
    assert evaluate(ids.no_sky(col("t")), t=targetids) == kept


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda: ids.ls_id(-1, 1, 8), -1099511562232),
        (lambda: ids.ls_id(9010, 1, -1), -1),
        (lambda: ids.surveyid("main"), 6),
        (lambda: ids.programid("dark1b"), 6),
        (lambda: ids.spgrpid("healpix"), 7),
        (lambda: ids.cameraid("z9"), 29),
        (lambda: ids.frameid(1234, "b0"), 123400),
        (lambda: ids.frameid(np.int32(21474836), "z9"), 2147483629),
        (lambda: ids.zpixid("dark", "main", -1), -1),
        (lambda: ids.zpixid(survey="main", program="dark", targetid=5), 3 << 96 | 6 << 64 | 5),
        (
            lambda: ids.decode_zpixid(np.int64(-7)),
            {"program": None, "survey": None, "targetid": -7},
        ),
        (lambda: ids.decode_zpixid(5), {"program": None, "survey": None, "targetid": 5}),
        (lambda: ids.decode_frameid(123430), {"expid": 1234, "camera": None}),
    ],
)
def test_documented_values(call, value) -> None:
    assert call() == value
    assert type(call()) is type(value)


def test_code_tables() -> None:
    """Ids in published databases depend on these numbers."""
    assert dict(ids.SURVEYS) == {
        "cmx": 1, "special": 2, "sv1": 3, "sv2": 4, "sv3": 5, "main": 6,
    }  # fmt: skip
    assert dict(ids.PROGRAMS) == {
        "backup": 1, "bright": 2, "dark": 3, "other": 4, "bright1b": 5, "dark1b": 6,
    }  # fmt: skip
    assert dict(ids.SPECTRA_GROUPS) == {
        "1x_depth": 1, "4x_depth": 2, "cumulative": 3, "lowspeed": 4, "perexp": 5, "pernight": 6,
        "healpix": 7,
    }  # fmt: skip
    assert len(ids.CAMERAS) == 30
    with pytest.raises(TypeError):
        ids.SURVEYS["x"] = 7  # type: ignore[index]


def test_decoding_accepts_text_and_128_bit_columns() -> None:
    packed = ids.ztileid("cumulative", 20210324, 80613, 7)
    parts = {"spgrp": "cumulative", "spgrpval": 20210324, "tileid": 80613, "targetid": 7}
    for ids_column in (
        pl.Series([str(packed)]),
        pl.Series([packed], dtype=pl.Int128),
        pl.Series([Decimal(packed)], dtype=pl.Decimal(38, 0)),
    ):
        assert evaluate(ids.decode_ztileid(col("x")), x=ids_column) == [parts]
    text = pl.Series(["nonsense", "-1", str(2**63)])
    assert evaluate(ids.decode_fiberassignid(col("x")), x=text) == [
        {"location": None, "tileid": None, "targetid": None},
        {"location": None, "tileid": None, "targetid": -1},
        {"location": 0, "tileid": 0, "targetid": None},  # bit 63 belongs to no field
    ]


def test_128_bit_integers_stay_inside() -> None:
    """Results reach Arrow, also of an empty and of a lazily streamed frame."""
    frame = pl.DataFrame({"s": ["main", "sv1"], "t": [5, -6], "x": [10.5, 20.5]})
    packed = ids.targetphotid(col("s"), 1000, col("t"))
    expressions = {
        "id": packed,
        "parts": ids.decode_targetphotid(packed),
        "ls": ids.decode_ls_id(ids.ls_id(9010, col("t"), 1)),
        "name": ids.desiname(col("x"), col("x")),
    }
    eager = frame.select(**expressions)
    assert eager.schema == {
        "id": pl.Decimal(38, 0),
        "parts": pl.Struct({"survey": pl.String, "tileid": pl.Int64, "targetid": pl.Int64}),
        "ls": pl.Struct({"release": pl.Int64, "brickid": pl.Int64, "objid": pl.Int64}),
        "name": pl.String,
    }
    assert eager.to_arrow()["id"].to_pylist() == [Decimal(6 << 96 | 1000 << 64 | 5), Decimal(-6)]
    assert frame.lazy().select(**expressions).collect(engine="streaming").equals(eager)
    assert frame.clear().select(**expressions).schema == eager.schema


@needs_reference
@pytest.mark.parametrize("case", ["fuji", "iron", "daily", "daily-night2"])
def test_ids_of_the_reference_databases(case: str) -> None:
    folder = REFERENCE / f"{case}-expected"
    targetid, tileid = col("targetid"), col("tileid")
    key = {
        "target": ids.targetphotid(col("survey"), tileid, targetid),
        "zpix": ids.zpixid(col("program"), col("survey"), targetid),
        "zpixpatch": ids.zpixid(col("program"), col("survey"), targetid),
        "ztile": ids.ztileid(col("spgrp"), col("spgrpval"), tileid, targetid),
        "ztilepatch": ids.ztileid("cumulative", col("spgrpval"), tileid, targetid),
        "fiberassign": ids.fiberassignid(col("location"), tileid, targetid),
        "potential": ids.fiberassignid(col("location"), tileid, targetid),
    }
    compared = 0
    for table, expr in key.items():
        path = folder / f"{table}.parquet"
        if path.exists():
            frame = pl.read_parquet(path)
            assert frame.select(id=expr.cast(pl.String))["id"].equals(frame["id"]), table
            assert frame.select(ids.no_sky(targetid).all()).item(), table
            compared += frame.height
    assert compared > 500

    ztile = pl.read_parquet(folder / "ztile.parquet")
    photid = ids.targetphotid(col("survey"), tileid, targetid).cast(pl.String)
    assert ztile.select(x=photid)["x"].equals(ztile["targetphotid"], check_names=False)
    frames = pl.read_parquet(folder / "frame.parquet")
    frameid = frames.select(frameid=ids.frameid(col("expid"), col("camera")))
    assert frameid["frameid"].equals(frames["frameid"])
    photometry = pl.read_parquet(folder / "photometry.parquet")
    ls_id = photometry.select(ls_id=ids.ls_id(col("release"), col("brickid"), col("brick_objid")))
    assert ls_id["ls_id"].equals(photometry["ls_id"])


def test_every_function_has_a_docstring_and_is_exported() -> None:
    public = {name for name in vars(ids) if not name.startswith("_")}
    made_here = {name for name in public if getattr(vars(ids)[name], "__wrapped__", None)}
    assert made_here <= set(ids.__all__) <= public
    assert all(re.match(r"Return ", getattr(ids, name).__doc__) for name in made_here)
