"""Targets, their photometry, tiles and exposures: all that a real production guarantees."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from support.demo_productions import NOT_SKY, SV, Made, read, table

from specprod_copy.demo import sky


def test_targets_have_photometry(made):
    keys = made.targetphot("TARGETID", "SURVEY", "PROGRAM", "TILEID")
    assert keys.select("TARGETID", "SURVEY", "TILEID").is_unique().all()
    assert keys.select(NOT_SKY.all()).item()
    tiles = made.tiles.select("TILEID", "SURVEY", "PROGRAM")
    assert keys.join(tiles, on=["TILEID", "SURVEY", "PROGRAM"], how="anti").is_empty()
    repeats = keys.group_by("TARGETID").agg(pl.len(), pl.col("SURVEY").n_unique())
    assert 1.2 < repeats["len"].mean() < 4
    assert repeats["SURVEY"].max() > 1
    tractor = made.tractorphot("TARGETID")
    assert set(tractor["TARGETID"]) < set(keys["TARGETID"])
    assert 0.86 < tractor["TARGETID"].n_unique() / len(repeats) < 0.94
    if not made.daily:
        assert tractor["TARGETID"].is_unique().all()


def test_targetids_say_where_targets_come_from(made):
    rows = made.targetphot(
        "TARGETID",
        "RELEASE",
        "BRICKID",
        "BRICK_OBJID",
        "PHOTSYS",
        "SCND_TARGET",
        "BRICKNAME",
    ).unique("TARGETID")
    t = pl.col("TARGETID")
    rows = rows.with_columns(
        objid=t % 2**22, brick=t // 2**22 % 2**20, number=t // 2**42 % 2**16, gaia=t // 2**60
    )
    imaged = rows.filter(pl.col("RELEASE") > 0)
    assert len(imaged) > 0.9 * len(rows)
    assert imaged.select(
        (pl.col("objid") == pl.col("BRICK_OBJID")).all()
        & (pl.col("brick") == pl.col("BRICKID")).all()
        & (pl.col("number") == pl.col("RELEASE")).all()
        & pl.col("RELEASE").is_in([9010, 9011]).all()
        & (pl.col("gaia") == 0).all()
    ).item()
    others = rows.filter(pl.col("RELEASE") <= 0)
    kinds = others.group_by(
        pl.when(pl.col("gaia") == 2)
        .then(pl.lit("gaia"))
        .when(pl.col("number") == 9999)
        .then(pl.lit("opportunity"))
        .when(pl.col("number") < 1000)
        .then(pl.lit("secondary"))
        .alias("kind")
    ).agg(pl.col("PHOTSYS").unique(), pl.col("BRICK_OBJID").min(), pl.col("BRICKNAME").unique())
    assert {row["kind"]: row["PHOTSYS"] for row in kinds.to_dicts()} == {
        "gaia": ["G"],
        "opportunity": [""],
        "secondary": [""],
    }
    assert set(kinds["BRICKNAME"].explode()) == {""}
    assert others["BRICK_OBJID"].min() == -1
    parts = ("RELEASE", "BRICKID", "OBJID")
    tractor = made.tractorphot("LS_ID", *parts)
    release, brickid, objid = (pl.col(name).cast(pl.Int64) for name in parts)
    packed = release * 2**40 + brickid * 2**16 + objid
    assert tractor.select((pl.col("LS_ID") == packed).all()).item()


def test_photometry_is_plausible(made):
    rows = made.tractorphot(
        "RA",
        "DEC",
        "EBV",
        "MW_TRANSMISSION_G",
        "FLUX_R",
        "FLUX_IVAR_R",
        "PARALLAX",
        "SHAPE_E2",
        "TYPE",
        "SERSIC",
        "BRICKID",
        "BRICKNAME",
        "REF_CAT",
    )
    assert rows.select(
        pl.col("RA").is_between(0, 360, closed="left").all()
        & pl.col("DEC").is_between(-20, 80).all()
        & pl.col("EBV").is_between(0, 1).all()
        & pl.col("MW_TRANSMISSION_G").is_between(0, 1, closed="none").all()
        & (pl.col("FLUX_IVAR_R") > 0).all()
        & (pl.col("FLUX_R").median() > 0)
        & pl.col("PARALLAX").is_nan().any()
        & ((1 / pl.col("SHAPE_E2")) == -np.inf).any()  # minus zero
    ).item()
    assert set(rows["TYPE"]) == {"PSF", "REX", "EXP", "DEV", "SER"}
    assert set(rows["REF_CAT"]) == {"", "G2"}
    assert set(rows.filter(TYPE="DEV")["SERSIC"]) == {4.0}
    number, name = sky.bricks(rows["RA"].to_numpy(), rows["DEC"].to_numpy())
    assert rows["BRICKID"].to_list() == number.tolist()
    assert rows["BRICKNAME"].to_list() == [text.decode() for text in name]


def test_targets_lie_on_their_tiles(made):
    tiles = made.tiles.select("TILEID", "TILERA", "TILEDEC")
    rows = made.targetphot("TILEID", "RA", "DEC", "HPXPIXEL")
    rows = rows.join(tiles, on="TILEID", validate="m:1")
    ra, dec, tile_ra, tile_dec = np.radians(rows["RA", "DEC", "TILERA", "TILEDEC"].to_numpy()).T
    cosine = np.sin(dec) * np.sin(tile_dec) + np.cos(dec) * np.cos(tile_dec) * np.cos(ra - tile_ra)
    distance = np.degrees(np.arccos(cosine))
    assert distance.max() < 1.6
    # Spread evenly: half of the disc's area lies outside of 1.13 degrees.
    assert 0.45 < (distance > 1.6 / np.sqrt(2)).mean() < 0.55
    # One field lies on both sides of right ascension 0, and fields are far apart.
    assert (rows["RA"] < 2).any()
    assert (rows["RA"] > 358).any()
    apart = sky.separation(*tiles["TILERA", "TILEDEC"].to_numpy().T, 0.0, 0.0)
    assert apart.min() < 1
    assert apart.max() > 4
    assert (
        rows["HPXPIXEL"].to_list()
        == sky.healpix(rows["RA"].to_numpy(), rows["DEC"].to_numpy(), 64).tolist()
    )


def test_bitmasks_are_those_of_the_survey(made):
    for path in made.files.targetphot():
        names = table(path, 1)[0].dtype.names
        present = {name for name in names if name.endswith("_TARGET")}
        rows = read([path], 1, "SURVEY", *present)
        if made.name == "fuji":
            assert len(present) == 17
        for (survey,), part in rows.group_by("SURVEY"):
            own = "CMX_TARGET" if survey == "cmx" else "DESI_TARGET"
            own = f"{survey.upper()}_DESI_TARGET" if survey in SV else own
            assert (part[own] != 0).all()
            foreign = {n for n in present if n.split("_")[0].lower() in {*SV, "cmx"} - {survey}}
            assert not foreign or made.name == "fuji"
            assert all((part[name] == 0).all() for name in foreign)
            if survey in (*SV, "cmx"):
                assert (part["DESI_TARGET"] == 0).all()


def test_exposures_tiles_and_frames_agree(made):
    path = made.files.exposures()
    tiles, exposures, frames = made.tiles, read([path], "EXPOSURES"), read([path], "FRAMES")
    assert tiles["TILEID"].is_unique().all()
    assert set(exposures["TILEID"]) == set(tiles["TILEID"])
    assert exposures["EXPID"].is_unique().all()
    assert exposures.sort("MJD")["EXPID"].is_sorted()
    night = (pl.col("MJD").floor() - 1 + 678576).cast(pl.Int64)  # days of the calendar, from year 1
    nights = exposures.select(night)["MJD"].map_elements(_night_number, return_dtype=pl.Int64)
    assert nights.to_list() == exposures["NIGHT"].to_list()
    sums = exposures.group_by("TILEID").agg(
        NEXP=pl.len(),
        EFFTIME=pl.col("EFFTIME_SPEC").sum().round(1),
        LAST=pl.col("NIGHT").filter(pl.col("EFFTIME_SPEC") > 0).max(),
    )
    both = tiles.join(sums, on="TILEID", validate="1:1")
    assert both["NEXP"].to_list() == both["NEXP_right"].to_list()
    assert both["EFFTIME_SPEC"].to_list() == pytest.approx(both["EFFTIME"].to_list())
    observed = both.filter(pl.col("EFFTIME_SPEC") > 0)
    assert observed["LASTNIGHT"].to_list() == observed["LAST"].to_list()
    assert (len(observed) < len(tiles)) == made.daily
    assert frames.select("EXPID", "CAMERA").is_unique().all()
    assert set(frames["EXPID"]) == set(exposures["EXPID"])
    assert set(frames["CAMERA"]) == {f"{arm}{n}" for arm in "brz" for n in range(10)}
    assert ("UPDATED" in tiles.columns) == (made.name in ("loa", "daily"))


def _night_number(day: int) -> int:
    return int(date.fromordinal(day).strftime("%Y%m%d"))


def test_tiles_in_csv_are_those_in_fits(made):
    tiles = made.tiles
    csv = pl.read_csv(made.root / f"spectro/redux/{made.name}/tiles-{made.name}.csv")
    assert csv.columns == tiles.columns
    for name in tiles.columns:
        assert csv[name].cast(tiles[name].dtype).equals(tiles[name], null_equal=True), name
    gaps = tiles["EFFTIME_GFA"].is_nan().any()
    assert gaps == (made.name in ("jura", "daily"))


def test_fibers_look_at_targets(made):
    paths = made.fiberassign()
    assert {path.suffix for path in paths} == {".fits", ".gz"}
    fibers = read(
        paths,
        "FIBERASSIGN",
        "TARGETID",
        "FIBER",
        "LOCATION",
        "PETAL_LOC",
        "DEVICE_LOC",
        "TARGET_RA",
        "OBJTYPE",
    )
    offered = read(paths, "TARGETS", "TARGETID", "RA", "DEC")
    potential = read(paths, "POTENTIAL_ASSIGNMENTS", "TARGETID", "FIBER", "LOCATION")
    targets = made.targetphot("TARGETID", "TILEID")
    on = ["TILEID", "TARGETID"]
    for rows in (fibers, offered, potential):
        assert rows.filter(NOT_SKY).join(targets, on=on, how="anti").is_empty()
        assert (rows["TARGETID"] < 0).any()
        assert rows.filter(pl.col("TARGETID") > 0).select((~NOT_SKY).any()).item()
    assert targets.join(offered, on=on, how="anti").is_empty()
    assert targets.join(potential, on=on, how="anti").is_empty()
    assert fibers.join(potential, on=[*on, "FIBER", "LOCATION"], how="anti").is_empty()
    assert fibers.select("TILEID", "FIBER").is_unique().all()
    assert fibers.select("TILEID", "TARGETID").is_unique().all()
    assert offered.select("TILEID", "TARGETID").is_unique().all()
    assert potential.select("TILEID", "TARGETID", "LOCATION").is_unique().all()
    assert 1.05 < len(potential) / len(offered) < 1.15
    assert fibers.select(
        (
            pl.col("LOCATION") == 1000 * pl.col("PETAL_LOC").cast(pl.Int32) + pl.col("DEVICE_LOC")
        ).all()
        & (pl.col("FIBER") // 500 == pl.col("PETAL_LOC")).all()
        & pl.col("DEVICE_LOC").is_between(0, 523).all()
        & pl.col("TARGET_RA").filter(NOT_SKY).is_finite().all()
        & pl.col("TARGET_RA").is_nan().any()
    ).item()
    assert set(fibers["OBJTYPE"]) == {"TGT", "SKY"}


def test_guadalupe_has_a_stack_of_its_surveys(tmp_path):
    made = Made(tmp_path, "guadalupe")
    folder = made.files.targetphot()[0].parent
    names = sorted(path.name for path in folder.glob("targetphot-*"))
    assert names == [f"targetphot-potential-{x}guadalupe.fits" for x in ("", "main-", "special-")]
    keys = ("TARGETID", "SURVEY", "TILEID")
    parts, stack = made.targetphot(*keys), read([folder / names[0]], 1, *keys)
    assert parts.sort(*keys).equals(stack.sort(*keys))
