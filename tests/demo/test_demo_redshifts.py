"""Redshifts of a demo: catalogs and redrock files."""

from __future__ import annotations

import polars as pl
import pytest
from astropy.io import fits
from support.demo_productions import CATALOGS, NOT_SKY, SV, read

from specprod_copy.desi.desiname import desiname

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
