"""The demo productions: everything that a real production guarantees, checked from the files."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from datetime import date
from functools import cache
from importlib.resources import files as resources
from itertools import pairwise
from pathlib import Path

import fitsio
import numpy as np
import polars as pl
import pytest
from astropy.io import fits
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from specprod_copy.cli.demo import demo
from specprod_copy.demo import sky, write_production
from specprod_copy.desi.desiname import desiname
from specprod_copy.desi.production import ProductionFiles, find_production, load_configuration
from specprod_copy.errors import ConfigurationError

SV = ["sv1", "sv2", "sv3"]
CATALOGS = pytest.mark.parametrize(
    "made", [name for name in load_configuration() if name != "daily"], indirect=True
)
#: The productions whose files differ in form; those of jura, kibo and loa are like iron's.
LAYOUTS = pytest.mark.parametrize("made", ["fuji", "guadalupe", "iron", "daily"], indirect=True)
NOT_SKY = (pl.col("TARGETID") > 0) & (pl.col("TARGETID") // 2**59 % 2 == 0)


class Made:
    """A production, with its files as the loader finds them."""

    def __init__(self, root: Path, name: str, **options) -> None:
        write_production(root, name, **{"tiles": 8, "targets": 120, "chunk": 150, **options})
        self.root, self.name, self.daily = root, name, name == "daily"
        self.files = ProductionFiles(find_production(name), root)
        self.redux = root / "spectro" / "redux" / name
        self.tiles = read([self.redux / f"tiles-{name}.fits"], 1)
        self.surveys = set(self.tiles["SURVEY"])

    def one_of_each(self) -> list[Path]:
        """One file of each name, numbers aside."""
        paths = sorted(self.root.rglob("*.fits*"), reverse=True)
        return list({re.sub(r"\d+", "", path.name): path for path in paths}.values())

    def targetphot(self, *columns: str) -> pl.DataFrame:
        return read(self.files.targetphot(), "TARGETPHOT", *columns)

    def tractorphot(self, *columns: str) -> pl.DataFrame:
        return read(self.files.tractorphot(), "TRACTORPHOT", *columns)

    def catalog(self, kind: str, *columns: str) -> pl.DataFrame:
        paths = {"pix": self.files.zall_pix(), "tile": self.files.zall_tilecumulative()}
        return read([paths[kind]], "ZCATALOG", *columns)

    def redrock(self) -> list[Path]:
        return sorted(self.redux.rglob("redrock-*.fits"))

    def fiberassign(self) -> list[Path]:
        found = self.files.fiberassign(self.tiles["TILEID"])
        assert None not in found.values()
        return list(found.values())


@cache
def table(path: Path, hdu: str | int) -> tuple[np.ndarray, int | None]:
    """Read a table, and the tile of a fiberassign file from its header."""
    with fitsio.FITS(str(path)) as file:
        named = path.name.startswith("fiberassign")
        return file[hdu].read(), file[hdu].read_header()["TILEID"] if named else None


def read(paths: list[Path], hdu: str | int, *columns: str) -> pl.DataFrame:
    """Return columns (all by default) of a table that is spread over files."""
    frames = []
    for path in paths:
        data, tileid = table(path, hdu)
        frame = pl.DataFrame({name: native(data[name]) for name in columns or data.dtype.names})
        frames.append(frame if tileid is None else frame.with_columns(TILEID=pl.lit(tileid)))
    return pl.concat(frames)


def native(array: np.ndarray) -> np.ndarray | list[str]:
    return [text.rstrip() for text in array.tolist()] if array.dtype.kind == "U" else array


def tree_hashes(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module", params=list(load_configuration()))
def made(request, tmp_path_factory) -> Made:
    return Made(tmp_path_factory.mktemp(request.param), request.param, per_survey=True)


@pytest.fixture(scope="module")
def daily(tmp_path_factory) -> Made:
    return Made(tmp_path_factory.mktemp("daily"), "daily", tiles=4)


def test_a_run_is_reproduced_byte_for_byte(tmp_path):
    for name in ("fuji", "daily"):
        for copy in "ab":
            write_production(tmp_path / copy, name, tiles=5, targets=40)
    write_production(tmp_path / "c", "fuji", tiles=5, targets=40, seed=2)
    first, second, other = (tree_hashes(tmp_path / copy) for copy in "abc")
    assert first == second
    assert "spectro/redux/fuji/tiles-fuji.csv" in other
    assert not set(first.items()) & set(other.items()) - {("demo-fuji.txt", first["demo-fuji.txt"])}


def test_written_rows_are_those_in_the_files(tmp_path):
    written = write_production(tmp_path, "guadalupe", tiles=4, targets=50, per_survey=True)
    found = {}
    for path in tmp_path.rglob("*.fits*"):
        with fits.open(path) as hdus:
            found |= {(path, hdu.name): hdu.header["NAXIS2"] for hdu in hdus[1:]}
    csv = tmp_path / "spectro/redux/guadalupe/tiles-guadalupe.csv"
    assert {(w.path, w.hdu): w.rows for w in written} == {**found, (csv, ""): 4}


@LAYOUTS
def test_files_are_standard(made):
    for path in made.one_of_each():
        with fits.open(path) as hdus:
            hdus.verify("exception")
            shapes = [(hdu.name, hdu.header["NAXIS2"]) for hdu in hdus[1:]]
        with fitsio.FITS(str(path)) as hdus:
            assert [(h.get_extname(), h.get_nrows()) for h in hdus[1:]] == shapes
        if path.suffix == ".fits":
            assert path.stat().st_size % 2880 == 0


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


COMMON = ("TARGETID", "SURVEY", "PROGRAM", "TARGET_RA", "TARGET_DEC", "DESINAME", "SPGRPVAL")


def check_names_and_sky(rows: pl.DataFrame) -> pl.DataFrame:
    """Check what both catalogs have in common, return the rows that are to be loaded."""
    kept = rows.filter(NOT_SKY)
    assert kept.select(pl.col("TARGET_RA", "TARGET_DEC").is_finite().all()).row(0) == (True, True)
    named = kept.select(desiname(pl.col("TARGET_RA"), pl.col("TARGET_DEC")) == pl.col("DESINAME"))
    assert named.to_series().all()
    dropped = rows.filter(~NOT_SKY)
    assert (dropped["TARGETID"] < 0).any()
    assert (dropped["TARGETID"] > 0).any()
    assert dropped["TARGET_RA"].is_nan().any()
    assert 0.05 < len(dropped) / len(rows) < 0.4
    return kept


@CATALOGS
def test_tile_redshifts_belong_to_targets(made):
    rows = made.catalog("tile", *COMMON, "TILEID", "FIRSTNIGHT", "LASTNIGHT", "FIBER", "LOCATION")
    kept = check_names_and_sky(rows)
    assert rows.select("TARGETID", "TILEID").is_unique().all()
    targets = made.targetphot("TARGETID", "SURVEY", "TILEID")
    assert kept.join(targets, on=["TARGETID", "SURVEY", "TILEID"], how="anti").is_empty()
    nights = (
        read([made.files.exposures()], "EXPOSURES", "TILEID", "NIGHT")
        .group_by("TILEID")
        .agg(FIRST=pl.col("NIGHT").min(), LAST=pl.col("NIGHT").max())
    )
    joined = rows.join(nights, on="TILEID", validate="m:1")
    assert joined.select(
        (pl.col("FIRST") == pl.col("FIRSTNIGHT")).all()
        & (pl.col("LAST") == pl.col("LASTNIGHT")).all()
        & (pl.col("SPGRPVAL") == pl.col("LASTNIGHT")).all()
    ).item()
    fibers = read(made.fiberassign(), "FIBERASSIGN", "TARGETID", "FIBER", "LOCATION")
    keys = ["TILEID", "TARGETID", "FIBER", "LOCATION"]
    assert rows.join(fibers, on=keys, how="anti").is_empty()


@CATALOGS
def test_healpix_redshifts_belong_to_targets(made):
    rows = made.catalog("pix", *COMMON, "HEALPIX", "COADD_NUMTILE", "MIN_MJD", "MAX_MJD")
    kept = check_names_and_sky(rows)
    assert rows.select("TARGETID", "SURVEY", "PROGRAM").is_unique().all()
    assert rows["HEALPIX"].equals(rows["SPGRPVAL"].rename("HEALPIX"))
    targets = made.targetphot("TARGETID", "HPXPIXEL").unique()
    joined = kept.join(targets, on="TARGETID", how="left", validate="m:1")
    assert joined["HEALPIX"].cast(pl.Int64).to_list() == joined["HPXPIXEL"].to_list()
    assert kept["COADD_NUMTILE"].max() > 1
    assert (rows["MIN_MJD"] <= rows["MAX_MJD"]).all()


@CATALOGS
def test_redshifts_are_plausible(made):
    rows = made.catalog(
        "pix",
        "TARGETID",
        "Z",
        "ZWARN",
        "CHI2",
        "DELTACHI2",
        "SPECTYPE",
        "SUBTYPE",
        "TSNR2_LRG",
    )
    assert rows.select((pl.col("CHI2") > 0).all() & (pl.col("DELTACHI2") >= 0).all()).item()
    assert 0.85 < (rows["ZWARN"] == 0).mean() < 0.99
    ranges = {"STAR": (-0.01, 0.01), "GALAXY": (-0.01, 1.75), "QSO": (0.49, 3.51)}
    for kind, (low, high) in ranges.items():
        z = rows.filter(SPECTYPE=kind)["Z"]
        assert len(z) > 10
        assert low < z.min()
        assert z.max() < high
    assert (rows.filter(SPECTYPE="STAR")["SUBTYPE"] != "").all()
    assert (rows.filter(pl.col("SPECTYPE") != "STAR")["SUBTYPE"] == "").all()


@CATALOGS
@pytest.mark.parametrize("kind", ["pix", "tile"])
def test_primary_spectra_follow_the_rule(made, kind):
    columns = ["TARGETID", "SURVEY", "ZWARN", "TSNR2_LRG", "ZCAT_NSPEC", "ZCAT_PRIMARY"]
    scopes = {"ZCAT": sorted(made.surveys)}
    for scope, surveys in (("SV", SV), ("MAIN", ["main"])):
        if made.surveys & set(surveys):
            scopes[scope] = surveys
            columns += [f"{scope}_NSPEC", f"{scope}_PRIMARY"]
    rows = made.catalog(kind, *columns).with_row_index()
    assert rows.select("TARGETID", "TSNR2_LRG").is_unique().all()
    for scope, surveys in scopes.items():
        inside = rows.filter(pl.col("SURVEY").is_in(surveys))
        best = (
            inside.sort(pl.col("ZWARN") != 0, -pl.col("TSNR2_LRG").cast(pl.Float64))
            .group_by("TARGETID")
            .agg(pl.first("index"), n=pl.len())
        )
        assert best["n"].max() > 1
        primary = rows.filter(pl.col(f"{scope}_PRIMARY"))
        assert set(primary["index"]) == set(best["index"])
        counted = inside.join(best, on="TARGETID", validate="m:1")
        assert (counted[f"{scope}_NSPEC"] == counted["n"]).all()
        outside = rows.filter(~pl.col("SURVEY").is_in(surveys))
        assert (outside[f"{scope}_NSPEC"] == 0).all()


@CATALOGS
def test_catalogs_per_survey_hold_the_same_spectra(made):
    for kind, paths, keys in (
        ("pix", made.files.zpix_survey_program(), ["TARGETID"]),
        ("tile", made.files.ztile_survey_program(), ["TARGETID", "TILEID"]),
    ):
        whole = made.catalog(kind, *keys, "SURVEY", "PROGRAM", "Z", "TSNR2_LRG")
        assert len(paths) == whole.select("SURVEY", "PROGRAM").n_unique()
        for path in paths:
            header = fits.getheader(path, "ZCATALOG")
            own = whole.filter(SURVEY=header["SURVEY"], PROGRAM=header["PROGRAM"])
            rows = read([path], "ZCATALOG", *keys, "Z", "TSNR2_LRG", "ZCAT_NSPEC", "ZCAT_PRIMARY")
            assert rows.select([*keys, "Z", "TSNR2_LRG"]).equals(own.drop("SURVEY", "PROGRAM"))
            assert rows["ZCAT_PRIMARY"].sum() == rows["TARGETID"].n_unique()
            exposed = read([path], "EXP_FIBERMAP", "TARGETID", "TILEID")
            assert set(exposed["TARGETID"]) == set(rows["TARGETID"])


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


def test_redrock_files_agree_with_their_exposures(daily):
    masks = {"b": 0x6F0B04, "r": 0xAF0B04, "z": 0x12F0B04}
    for path in daily.redrock()[::5]:
        tables = {name: read([path], name) for name in ("REDSHIFTS", "FIBERMAP", "TSNR2")}
        coadd, exposed = tables["FIBERMAP"], read([path], "EXP_FIBERMAP")
        ids = coadd["TARGETID"].to_list()
        assert all(table["TARGETID"].to_list() == ids for table in tables.values())
        assert exposed["TARGETID"].unique(maintain_order=True).to_list() == ids
        good = pl.any_horizontal((pl.col("FIBERSTATUS") & mask) == 0 for mask in masks.values())
        exposed = exposed.with_columns(good=good)
        exposed = exposed.with_columns(used=pl.col("good") | ~pl.col("good").any().over("TARGETID"))
        used = pl.col("used")
        sums = exposed.group_by("TARGETID", maintain_order=True).agg(
            COADD_NUMEXP=pl.col("good").sum(),
            COADD_EXPTIME=pl.col("EXPTIME").filter("good").sum(),
            COADD_NUMNIGHT=pl.col("NIGHT").filter("good").n_unique(),
            MEAN_DELTA_X=pl.col("DELTA_X").filter(used).mean(),
            RMS_DELTA_Y=pl.col("DELTA_Y").filter(used).pow(2).mean().sqrt(),
            MEAN_FIBER_DEC=pl.col("FIBER_DEC").filter(used).mean(),
            STD_FIBER_DEC=3600 * pl.col("FIBER_DEC").filter(used).std(ddof=0),
            MIN_MJD=pl.col("MJD").filter(used).min(),
            MEAN_MJD=pl.col("MJD").filter(used).mean(),
            COADD_FIBERSTATUS=pl.when(pl.col("good").any())
            .then(pl.col("FIBERSTATUS").filter("good").bitwise_and())
            .otherwise(pl.col("FIBERSTATUS").bitwise_or()),
        )
        for name in sums.columns:
            assert coadd[name].to_numpy() == pytest.approx(
                sums[name].to_numpy(), rel=1e-6, abs=1e-6
            )
        header = fits.getheader(path)
        name = f"redrock-{header['PETAL']}-{header['TILEID']}-thru{header['NIGHT']}.fits"
        assert path.name == name
        assert set(coadd["PETAL_LOC"]) == {header["PETAL"]}


def test_redrock_files_hold_targets_of_their_tile(daily):
    rows = read(daily.redrock(), "FIBERMAP", "TARGETID", "TILEID", "TARGET_RA", "TARGET_DEC")
    targets = daily.targetphot("TARGETID", "TILEID")
    assert rows.filter(NOT_SKY).join(targets, on=["TARGETID", "TILEID"], how="anti").is_empty()
    tractor = daily.tractorphot("TARGETID")["TARGETID"]
    counts = targets["TARGETID"].value_counts().join(tractor.value_counts(name="n"), on="TARGETID")
    assert counts["count"].equals(counts["n"].rename("count"))  # in all of its tiles, or in none
    tiles = daily.tiles
    for tileid, night in tiles.select("TILEID", "LASTNIGHT").iter_rows():
        assert 9 <= len(daily.files.petals(tileid, night)) <= 10


def packaged_layouts() -> dict[str, dict]:
    return tomllib.loads(resources("specprod_copy.demo").joinpath("layouts.toml").read_text())


def packaged_columns(layouts: dict[str, dict], name: str) -> list[tuple[str, str, str]]:
    entry = layouts[name]
    base = packaged_columns(layouts, entry["like"]) if "like" in entry else []
    own = [tuple(column) for column in entry.get("columns", [])]
    return [column for column in base if column[0] not in entry.get("without", [])] + own


#: Layout, and where the data model describes it: kind and HDU.
DESCRIBED = {
    "tiles": ("tiles_fits", "TILE_COMPLETENESS"),
    "exposures": ("exposures", "EXPOSURES"),
    "frames": ("exposures", "FRAMES"),
    "tractorphot": ("tractorphot", "TRACTORPHOT"),
    "targetphot": ("targetphot", "TARGETPHOT"),
    "fiberassign": ("fiberassign", "FIBERASSIGN"),
    "targets": ("fiberassign", "TARGETS"),
    "potential": ("fiberassign", "POTENTIAL_ASSIGNMENTS"),
    "zall_pix": ("zall_pix", "ZCATALOG"),
    "zall_tilecumulative": ("zall_tilecumulative", "ZCATALOG"),
    "zpix": ("zpix_survey_program", "ZCATALOG"),
    "ztile": ("ztile_survey_program_cumulative", "ZCATALOG"),
    "zcatalog_exp_fibermap": ("zpix_survey_program", "EXP_FIBERMAP"),
    "redshifts": ("redrock_tile", "REDSHIFTS"),
    "fibermap": ("redrock_tile", "FIBERMAP"),
    "exp_fibermap": ("redrock_tile", "EXP_FIBERMAP"),
    "tsnr2": ("redrock_tile", "TSNR2"),
}


@pytest.mark.parametrize("name", DESCRIBED)
def test_packaged_layouts_are_those_of_the_data_model(shared, name):
    model = json.loads((shared / "datamodel" / "inputs.json").read_text())
    kind, extname = DESCRIBED[name]
    hdus = next(entry["hdus"] for entry in model["kinds"] if entry["kind"] == kind)
    columns = next(hdu["columns"] for hdu in hdus if hdu["extname"] == extname)
    layouts = packaged_layouts()
    packaged = packaged_columns(layouts, name)
    assert layouts[name]["extname"] == extname
    assert [c[0] for c in packaged] == [c["name"] for c in columns]
    early = {"float32": "E", "float64": "D", None: ""}
    edr = {}
    for (_, tform, unit), column in zip(packaged, columns, strict=True):
        assert tform == column["tform"] or column["tform"].startswith("nA"), column["name"]
        assert unit == (column["unit"] or "")
        tags = column.get("documented_type_by_datamodel_tag")
        if kind == "exposures" and tags and tags["23.1"] in early:
            edr[column["name"]] = early[tags["23.1"]]
    differing = {c[0]: edr[c[0]] for c in packaged if c[0] in edr and edr[c[0]] != c[1]}
    assert layouts[name].get("edr", {}) == differing
    described = {c["name"] for c in columns if c.get("optional")}
    if "like" not in layouts[name]:
        assert set(layouts[name].get("optional", [])) == described


@LAYOUTS
def test_columns_are_those_of_the_packaged_layouts(made):
    layouts = packaged_layouts()
    edr = made.name in ("fuji", "guadalupe")
    for path in made.one_of_each():
        with fits.open(path) as hdus:
            for hdu in hdus[1:]:
                stem = path.name.split("-")[0]
                name = {
                    "EXP_FIBERMAP": "exp_fibermap" if made.daily else "zcatalog_exp_fibermap",
                    "ZCATALOG": stem if stem != "zall" else f"zall_{path.name.split('-')[1]}",
                    "TILE_COMPLETENESS": "tiles",
                    "POTENTIAL_ASSIGNMENTS": "potential",
                }.get(hdu.name, hdu.name.lower())
                check_columns(layouts, name, hdu, edr)


def check_columns(layouts: dict, name: str, hdu: fits.BinTableHDU, edr: bool) -> None:
    packaged = packaged_columns(layouts, name)
    old = layouts[name].get("edr", {}) if edr else {}
    expected = [(n, old.get(n, tform), unit) for n, tform, unit in packaged if old.get(n) != ""]
    found = [(c.name, c.format, c.unit or "") for c in hdu.columns]
    if name in ("fiberassign", "targets"):  # bitmasks are named after the survey
        assert len(expected) - 3 <= len(found) <= len(expected)
        expected = [c for c in expected if not c[0].endswith("_TARGET")]
        found = [c for c in found if not c[0].endswith("_TARGET") or c[0] == "FA_TARGET"]
        expected.insert([c[0] for c in found].index("FA_TARGET"), ("FA_TARGET", "K", ""))
    assert [c for c in expected if c in found] == found
    base = layouts[name].get("like", name)
    optional = {*layouts[name].get("optional", []), *layouts[base].get("optional", [])}
    assert {c[0] for c in expected} - {c[0] for c in found} <= optional


@pytest.mark.parametrize("chunk", [40, 5000])
def test_chunks_do_not_change_what_is_guaranteed(tmp_path, chunk):
    made = Made(tmp_path, "iron", tiles=4, targets=200, chunk=chunk)
    targets = made.targetphot("TARGETID", "SURVEY", "TILEID")
    tractor = made.tractorphot("TARGETID")
    assert targets.is_unique().all()
    assert tractor.is_unique().all()
    assert 160 < len(targets) / 4 < 240
    for kind in ("pix", "tile"):
        rows = made.catalog(kind, "TARGETID", "ZCAT_NSPEC", "ZCAT_PRIMARY")
        counts = rows.group_by("TARGETID").agg(
            pl.len(), pl.col("ZCAT_NSPEC").unique(), pl.col("ZCAT_PRIMARY").sum()
        )
        assert counts["ZCAT_NSPEC"].to_list() == [[n] for n in counts["len"]]
        assert (counts["ZCAT_PRIMARY"] == 1).all()
        assert rows.filter(NOT_SKY).join(targets, on="TARGETID", how="anti").is_empty()


def test_size_follows_tiles_and_targets(tmp_path):
    small = write_production(tmp_path / "a", "fuji", tiles=4, targets=100)
    large = write_production(tmp_path / "b", "fuji", tiles=8, targets=300)
    rows = [sum(w.rows for w in written if w.hdu == "TARGETPHOT") for written in (small, large)]
    assert rows[0] == pytest.approx(400, rel=0.15)
    assert rows[1] == pytest.approx(2400, rel=0.15)


def test_an_existing_demo_is_kept_or_replaced_as_a_whole(tmp_path):
    write_production(tmp_path, "fuji", tiles=5, targets=60)
    before = tree_hashes(tmp_path)
    with pytest.raises(ConfigurationError) as error:
        write_production(tmp_path, "fuji", tiles=4, targets=50)
    assert str(error.value) == (
        f"{tmp_path} already holds a demo of fuji; "
        "choose another folder, or replace it with --overwrite"
    )
    assert tree_hashes(tmp_path) == before
    mine = tmp_path / "spectro/redux/fuji/notes.txt"
    mine.write_text("mine")
    write_production(tmp_path, "fuji", tiles=4, targets=50, overwrite=True)
    write_production(tmp_path / "fresh", "fuji", tiles=4, targets=50)
    replaced = {k: v for k, v in tree_hashes(tmp_path).items() if not k.startswith("fresh")}
    assert replaced.pop("spectro/redux/fuji/notes.txt") == hashlib.sha256(b"mine").hexdigest()
    assert replaced == tree_hashes(tmp_path / "fresh")


def test_files_of_others_are_never_replaced(tmp_path):
    write_production(tmp_path, "guadalupe", tiles=4, targets=50)
    before = tree_hashes(tmp_path)
    # iron has the same version of the tiles, so its fiberassign files have the same names
    with pytest.raises(ConfigurationError) as error:
        write_production(tmp_path, "iron", tiles=4, targets=50, overwrite=True)
    shared_file = tmp_path / "target/fiberassign/tiles/tags/1.1/001/fiberassign-001000.fits"
    assert str(error.value) == (
        f"{shared_file} exists and was not written by a demo of this production; "
        "choose another folder"
    )
    assert tree_hashes(tmp_path) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"specprod": "nippon"}, "unknown production 'nippon'"),
        ({"tiles": 0}, "tiles=0"),
        ({"targets": 9}, "targets=9"),
        ({"targets": 50001}, "targets=50001"),
        ({"tiles": 4000}, "no more tile numbers for survey sv1: ask for fewer tiles"),
        ({"specprod": "iron", "tiles": 4000}, "the sky has room for 2812 tiles, not for 4000"),
    ],
)
def test_impossible_wishes_are_refused(tmp_path, options, message):
    with pytest.raises(ConfigurationError, match=message):
        write_production(tmp_path / "none", **options)
    assert not (tmp_path / "none").exists()


def test_command_writes_and_says_what_comes_next(tmp_path):
    steps = []
    write_production(
        tmp_path / "api", "loa", tiles=6, targets=40, progress=lambda *done: steps.append(done)
    )
    assert steps == [(1, 2), (2, 2)]
    command = [str(tmp_path / "cli"), "--specprod", "loa", "--tiles", "6", "--targets", "40"]
    result = CliRunner().invoke(demo, command, catch_exceptions=False)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == [
        "kind",
        "exposures",
        "fiberassign",
        "targetphot",
        "tiles",
        "tractorphot",
        "zall",
        "all",
    ]
    assert lines[2].split()[1] == "6"
    assert lines[-1] == (
        f"Load it: specprod-copy load all --specprod loa --root {tmp_path / 'cli'}"
    )
    assert tree_hashes(tmp_path / "cli") == tree_hashes(tmp_path / "api")
    with pytest.raises(ConfigurationError, match="already holds a demo of loa"):
        CliRunner().invoke(demo, command, catch_exceptions=False)
    assert CliRunner().invoke(demo, [*command, "--overwrite"]).exit_code == 0


def test_command_explains_itself():
    text = CliRunner().invoke(demo, ["--help"]).stdout
    assert "specprod-copy demo demo --specprod daily" in text
    for option in demo.params[1:]:
        assert option.opts[-1] in text


def test_healpix_pixels_are_those_of_healpy():
    # from healpy 1.18: ang2pix(64, ra, dec, nest=True, lonlat=True)
    ra = np.array([10.0, 200.0, 359.9, 83.0, 250.0])
    dec = np.array([0.5, -60.0, 75.0, 89.0, 41.9])
    assert sky.healpix(ra, dec, 64).tolist() == [18071, 41707, 15839, 4093, 9641]


@given(st.lists(st.tuples(st.floats(0, 360, exclude_max=True), st.floats(-90, 90)), min_size=1))
def test_healpix_pixels_are_nested(positions):
    ra, dec = np.array(positions).T
    pixels = [sky.healpix(ra, dec, nside) for nside in (1, 2, 4, 8, 64, 1024)]
    assert ((pixels[-1] >= 0) & (pixels[-1] < 12 * 1024**2)).all()
    for (coarse, fine), factor in zip(pairwise(pixels), (4, 4, 4, 64, 256), strict=True):
        assert (fine // factor == coarse).all()


def test_bricks_are_those_of_the_legacy_surveys():
    number, name = sky.bricks(np.array([105.4898, 0.0, 0.0]), np.array([56.6693, -90.0, 90.0]))
    assert number.tolist() == [607466, 1, 662174]
    assert name.tolist() == [b"1054p567", b"1800m900", b"1800p900"]
