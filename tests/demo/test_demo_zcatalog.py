"""Demo productions with redshift catalogs of the second format, in all their variants."""

from __future__ import annotations

import json
from pathlib import Path

import fitsio
import polars as pl
import pytest
from astropy.io import fits
from click.testing import CliRunner
from support.demo_productions import read, tree_hashes

from specprod_copy.cli import cli
from specprod_copy.demo import write_production
from specprod_copy.demo.layouts import load_layouts
from specprod_copy.demo.variants import Variant, optional_columns

NEWER = frozenset({"OIII_FLUX", "OIII_FLUX_IVAR", "GOOD_Z_LYA", "QAFIBERSTATUS"})
"""Columns that desispec began to write after the reference was made."""
CATALOGS = Path("spectro/redux/matterhorn/zcatalog/v2")
KINDS = {
    "v2_pix": "zall_v2_pix_core",
    "v2_pix_extra": "zall_v2_pix_extra",
    "v2_pix_imaging": "zall_v2_pix_imaging",
    "v2_pix_survey": "zpix_v2_survey_program_core",
    "v2_tile": "zall_v2_tilecumulative_core",
    "v2_tile_extra": "zall_v2_tilecumulative_extra",
    "v2_tile_imaging": "zall_v2_tilecumulative_imaging",
    "v2_tile_survey": "ztile_v2_survey_program_core",
    "v2_exp_fibermap": "zpix_v2_expfibermap",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Four tiles: of the surveys that the reference has."""
    made = tmp_path_factory.mktemp("matterhorn")
    variant = Variant(without=NEWER)
    write_production(made, "matterhorn", tiles=4, targets=100, per_survey=True, variant=variant)
    return made


@pytest.mark.parametrize("name", KINDS)
def test_layouts_are_those_of_the_data_model(shared, name):
    model = json.loads((shared / "datamodel" / "zcatalog_v2.json").read_text())
    [hdu] = next(kind["hdus"] for kind in model["kinds"] if kind["kind"] == KINDS[name])
    described = {column["name"]: column for column in hdu["columns"]}
    written = hdu["written_column_order"]
    layout = load_layouts()[name]
    assert layout.extname == hdu["extname"]
    names = [column.name for column in layout.columns]
    assert [n for n in names if n in written] == [n for n in written if n in names]
    absent = {n for n in written if n not in names}
    added = {n for n in names if n not in written}
    assert absent == set()
    assert all(n in NEWER | {"HEALPIX"} or n.endswith("_TARGET") for n in added)
    for column in layout.columns:
        if column.name in described and column.name in written:
            known = described[column.name]
            assert column.tform == known["tform_written_by_desispec_efd9676"], column.name
            assert column.unit == (known["unit"] or "")
    wide = {c.name: c.tform for c in load_layouts("wide")[name].columns}
    differing = {c.name for c in layout.columns if wide[c.name] != c.tform}
    older = {"ZERR", "ZWARN", "CHI2", "COEFF", "NPIXELS", "NCOEFF", "DELTACHI2", "SUBTYPE"}
    assert {n.removesuffix("_BEST") for n in differing} == older.intersection(
        n.removesuffix("_BEST") for n in names if not n.endswith("_NEW")
    )


def test_files_are_those_of_the_reference(root, shared):
    """Names of files, their HDUs, columns, types and keywords; the number of rows aside."""
    other = shared / "reference" / "zcatalog-v2"
    zall = sorted((other / CATALOGS / "zall").iterdir())
    survey = sorted((other / CATALOGS / "sv1").rglob("*.fits"))
    for path in [*zall, *survey]:
        own = root / path.relative_to(other)
        with fits.open(path) as theirs, fits.open(own) as ours:
            assert [hdu.name or "PRIMARY" for hdu in ours] == [hdu.name for hdu in theirs]
            assert ours[1].columns.names == theirs[1].columns.names, path.name
            assert ours[1].columns.formats == theirs[1].columns.formats, path.name
            for key in ("SPGRP", "HPXNEST", "SURVEY", "PROGRAM", "ZCATVER", "SPECPROD"):
                assert ours[1].header.get(key) == theirs[1].header.get(key), key
        with fitsio.FITS(str(own)) as hdus:
            assert hdus[1].get_nrows() > 10


@pytest.mark.parametrize("kind", ["pix", "tilecumulative"])
def test_rows_match(root, kind):
    """Those of core, extra and imaging are the same spectra, in everything and in each program."""
    keys = ["TARGETID"] if kind == "pix" else ["TARGETID", "TILEID"]
    zall = root / CATALOGS / "zall" / f"zall-{kind}-matterhorn.fits"
    core = read([zall], "ZCATALOG", *keys, "SURVEY", "PROGRAM", "Z_BEST", "EFFTIME_SPEC")
    short = {"pix": "zpix", "tilecumulative": "ztile"}[kind]
    each = []
    for path in [zall, *(root / CATALOGS).rglob(f"{short}-*.fits")]:
        if path.stem.endswith(("-extra", "-imaging", "-expfibermap")):
            continue
        rows = read([path], "ZCATALOG", *keys, "Z_BEST", "EFFTIME_SPEC")
        for part in ("extra", "imaging"):
            beside = path.with_stem(f"{path.stem}-{part}")
            assert read([beside], f"ZCATALOG_{part.upper()}", *keys).equals(rows.select(keys))
        if path != zall:
            survey, program = path.stem.split("-")[1:3]
            each.append(rows.with_columns(SURVEY=pl.lit(survey), PROGRAM=pl.lit(program)))
            name = f"{path.stem}-expfibermap.fits"
            exposed = read([path.parent / "exp_fibermap" / name], "EXP_FIBERMAP", "TARGETID")
            assert set(exposed["TARGETID"]) == set(rows["TARGETID"])
    order = [*keys, "SURVEY", "PROGRAM"]
    assert pl.concat(each).select(core.columns).sort(order).equals(core.sort(order))


def test_values(root):
    zall = root / CATALOGS / "zall" / "zall-pix-matterhorn.fits"
    core = read([zall], "ZCATALOG")
    extra = read([zall.with_stem("zall-pix-matterhorn-extra")], "ZCATALOG_EXTRA")
    assert (core["UNIQPIX"] == extra["HEALPIX"] + 4 * extra["NSIDE"].cast(pl.Int64) ** 2).all()
    assert (core["UNIQPIX"] == extra["SPGRPVAL"]).all()
    assert len(set(extra["NSIDE"])) > 1
    again = extra["IS_QSO_QN_NEW_RR"]
    assert 0 < again.sum() < len(again) / 4
    assert (core["Z_BEST"] == extra["Z_NEW"]).all()
    changed = core["Z_BEST"] != extra["Z"]
    assert (changed == again).all()
    assert set(core["SPECTYPE_BEST"]) == {"GALAXY", "QSO", "STAR"}
    assert set(core["Z_CONF"]) == {0, 1, 3}
    assert (core.filter(pl.col("TARGET_RA").is_nan())["DESINAME"] == "-" * 22).all()
    good = core.filter(pl.col("ZWARN_BEST") == 0).with_columns(
        best=pl.col("EFFTIME_SPEC") == pl.col("EFFTIME_SPEC").max().over("TARGETID")
    )
    assert (good["best"] == good["ZCAT_PRIMARY"]).all()
    ratio = core["EFFTIME_SPEC"] / extra["TSNR2_LRG"]
    assert ratio.filter(core["PROGRAM"] == "dark").is_between(12, 13).all()


def run(folder: Path, *options: str, code: int = 0) -> str:
    command = ["demo", str(folder), "--tiles", "4", "--targets", "30", *options]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == code, done.output
    return done.output


def columns(path: Path) -> dict[str, str]:
    header = fits.getheader(path, 1)
    return {header[f"TTYPE{n}"]: header[f"TFORM{n}"] for n in range(1, header["TFIELDS"] + 1)}


def test_variants_by_the_command(tmp_path):
    variant = ["--pixels", "healpix", "--types", "wide", "--old-qn", "--no-zall"]
    without = ["--without", "efftime_spec", "--without", "C_MgII"]
    output = run(tmp_path, "--specprod", "matterhorn", *variant, *without)
    assert f"--config {tmp_path / 'productions-matterhorn.toml'}\n" in output
    folder = tmp_path / CATALOGS
    assert not (folder / "zall").exists()
    core = columns(folder / "main" / "zpix-main-dark.fits")
    extra = columns(folder / "main" / "zpix-main-dark-extra.fits")
    assert fits.getval(folder / "main" / "zpix-main-dark.fits", "SPGRP", 1) == "healpix"
    assert "HEALPIX" in core
    assert {"UNIQPIX", "ZWARN_BEST", "CHI2_BEST", "DELTACHI2_BEST", "EFFTIME_SPEC"}.isdisjoint(core)
    assert {"HEALPIX", "NSIDE", "COEFF_BEST", "C_MgII"}.isdisjoint(extra)
    assert (core["ZERR_BEST"], extra["ZWARN"], extra["COEFF"]) == ("D", "K", "10D")
    assert {"Z_BEST", "SPECTYPE_BEST", "C_LYA", "GOOD_Z_LYA"} <= {*core, *extra}


def test_second_format_of_another_production(tmp_path):
    output = run(tmp_path, "--specprod", "loa", "--zcatalog", "v2")
    assert "--config" in output
    folder = tmp_path / "spectro/redux/loa/zcatalog/v2/zall"
    assert columns(folder / "zall-pix-loa-extra.fits")["CHI2"] == "D"
    assert "HEALPIX" in columns(folder / "zall-pix-loa.fits")
    assert "--config" not in run(tmp_path / "first", "--specprod", "loa")


def test_options_that_make_no_sense(tmp_path):
    assert "are for --zcatalog v2" in run(tmp_path, "--specprod", "fuji", "--old-qn", code=2)
    output = run(tmp_path, "--specprod", "matterhorn", "--without", "Z_BEST", code=2)
    assert "no optional column is called Z_BEST: Z_CONF" in output
    assert {"EFFTIME_SPEC", "COEFF_BEST", *NEWER} <= {*optional_columns(load_layouts())}
    assert list(tmp_path.iterdir()) == []


def test_chunks_change_neither_types_nor_promises(tmp_path):
    """The same bytes again; and in many chunks as many spectra of a target as they say."""
    for copy in "ab":
        write_production(tmp_path / copy, "matterhorn", tiles=4, targets=40, chunk=20)
    assert tree_hashes(tmp_path / "a") == tree_hashes(tmp_path / "b")
    path = tmp_path / "a" / CATALOGS / "zall" / "zall-tilecumulative-matterhorn.fits"
    rows = read([path], "ZCATALOG", "TARGETID", "ZCAT_NSPEC", "ZCAT_PRIMARY")
    counts = rows.group_by("TARGETID").agg(pl.len(), pl.col("ZCAT_NSPEC"), pl.col("ZCAT_PRIMARY"))
    assert all(set(n) == {length} for length, n in counts.select("len", "ZCAT_NSPEC").iter_rows())
    assert (counts["ZCAT_PRIMARY"].list.sum() == 1).all()
