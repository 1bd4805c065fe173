"""Patch files: what they hold of a catalog, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from support.coeff_patch_tools import (
    COEFFICIENTS,
    catalog,
    change_once_open,
    run,
    target_rows,
    zall_files,
)

from specprod_copy.coeff_patch import extract
from specprod_copy.errors import ConfigurationError, InputError
from specprod_copy.reader.selection import CHUNK_ROWS

pytest_plugins = ("support.coeff_patch_fixtures",)


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("zpix", ["TARGETID", "SURVEY", "PROGRAM", "HEALPIX", "DESINAME"]),
        ("ztile", ["TARGETID", "TILEID", "SPGRPVAL", "DESINAME"]),
    ],
)
def test_patch_file_has_the_values_of_the_catalog(zall, tmp_path, table, columns):
    expected = target_rows(zall[table])
    (one,) = extract([zall[table]], tmp_path)
    assert one.path == tmp_path / f"{zall[table].stem}-coeff-patch.fits"
    assert (one.table, one.rows_kept) == (table, len(expected))
    assert one.rows_read == len(fits.getdata(zall[table], 1)) > one.rows_kept > 0
    with fits.open(one.path, checksum=True) as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "COEFF_PATCH"]
        got = hdus[1].data
        assert got.names == [*columns, *(name.upper() for name in COEFFICIENTS)]
        formats = {"SURVEY": "7A", "PROGRAM": "8A", "DESINAME": "22A", "TARGETID": "K"}
        formats |= dict.fromkeys(["HEALPIX", "TILEID", "SPGRPVAL"], "J")
        assert got.columns.formats == [formats.get(name, "D") for name in got.names]
        for name in columns:
            assert got[name].tolist() == expected[name].tolist()
        for n in range(10):  # every bit: NaN, infinities and -0.0 are kept
            bits = [np.array(v, dtype="f8").view("i8") for v in (got[f"COEFF_{n}"],)]
            assert bits[0].tolist() == (
                np.array(expected["COEFF"][:, n], dtype="f8").view("i8").tolist()
            )


def test_names_of_value_added_catalogs(shared, tmp_path):
    files = zall_files(shared / "reference" / "fuji", "fuji")
    assert [path.name for path in files.values()] == [
        "zall-pix-edr-vac.fits",
        "zall-tilecumulative-edr-vac.fits",
    ]
    names = [one.path.name for one in extract(list(files.values()), tmp_path)]
    assert names == [
        "zall-pix-edr-vac-coeff-patch.fits",
        "zall-tilecumulative-edr-vac-coeff-patch.fits",
    ]


def test_order_is_kept_over_many_chunks(tmp_path):
    n = 2 * CHUNK_ROWS + 5
    targetid = np.random.default_rng(1).permutation(n) + 39627634575377250
    targetid[::7] |= 1 << 59  # sky
    targetid[3::7] *= -1
    path = catalog(tmp_path / "zall-pix-big.fits", n, TARGETID=targetid)
    (one,) = extract([path], tmp_path)
    got, expected = fits.getdata(one.path, "COEFF_PATCH"), target_rows(path)
    assert (one.rows_read, one.rows_kept) == (n, len(expected))
    for name in ("TARGETID", "HEALPIX"):
        assert np.array_equal(got[name], expected[name])
    assert np.array_equal(got["COEFF_9"], expected["COEFF"][:, 9])


def test_a_catalog_without_targets_makes_an_empty_patch_file(tmp_path):
    path = catalog(tmp_path / "sky.fits", 3, TARGETID=np.array([-1, 0, 1 << 59]))
    (one,) = extract([path], tmp_path)
    assert (one.rows_read, one.rows_kept) == (3, 0)
    assert len(fits.getdata(one.path, "COEFF_PATCH")) == 0


def test_desiname_is_computed_where_the_catalog_has_none(tmp_path):
    ra, dec = np.array([123.45678, 0.05, 0.0, 359.99999]), np.array([1.23456, -0.05, -4e-5, -90.0])
    names = ["DESI J123.4567+01.2345", "DESI J000.0500-00.0500", "DESI J000.0000+00.0000"]
    names.append("DESI J359.9999-90.0000")
    path = catalog(tmp_path / "zall-pix-old.fits", 4, TARGET_RA=ra, TARGET_DEC=dec)
    (one,) = extract([path], tmp_path)
    assert fits.getdata(one.path, 1)["DESINAME"].tolist() == names
    given = np.array([b"N/A", b"", b"x y", b"DESI"], "S22")
    path = catalog(tmp_path / "named.fits", 4, TARGET_RA=ra + np.nan, DESINAME=given)
    (one,) = extract([path], tmp_path)
    assert fits.getdata(one.path, 1)["DESINAME"].tolist() == ["N/A", "", "x y", "DESI"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"HEALPIX": None}, "not a catalog of coefficients: it must have column HEALPIX (zpix) or"),
        ({"TILEID": np.arange(3)}, "must have column HEALPIX (zpix) or TILEID (ztile), and not"),
        ({"COEFF": None}, "no column COEFF_0, COEFF_1, COEFF_2"),
        ({"TARGET_RA": None}, "no column DESINAME, TARGET_RA, which table zpixpatch needs"),
        (
            {"TARGET_RA": np.array([1, np.nan, 2])},
            "column TARGET_RA+TARGET_DEC: NULL in a NOT NULL",
        ),
        ({"SURVEY": np.array(["main", "sv9", "sv1"], "S4")}, "column SURVEY: none of cmx, special"),
        ({"PROGRAM": np.array(["dark", "x", ""], "S4")}, "(row 1: 'x', row 2: ''; rows counted"),
        ({"DESINAME": np.array(["x" * 23] * 3, "S23")}, "longer than 22 characters (row 0: 'xxx"),
        ({"DESINAME": np.array(["a", "é".encode(), "b"], "S2")}, "text that is not ASCII cannot"),
    ],
)
def test_catalogs_that_are_refused(tmp_path, columns, message):
    path = catalog(tmp_path / "zall-pix-bad.fits", 3, **columns)
    with pytest.raises(InputError) as caught:
        extract([path], tmp_path / "out")
    assert str(caught.value).startswith(f"{path}[ZCATALOG]")
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_only_cumulative_spectra_are_in_ztile(tmp_path):
    path = catalog(
        tmp_path / "zall-tilepernight.fits",
        2,
        HEALPIX=None,
        TILEID=np.array([1, 2]),
        SPGRPVAL=np.array([20210401, 20210402]),
        DESINAME=np.array(["a", "b"], "S22"),
    )
    extract([path], tmp_path / "out")
    with fits.open(path, mode="update") as hdus:
        hdus[1].header["SPGRP"] = "pernight"
    with pytest.raises(InputError, match="column SPGRP: only cumulative spectra are in ztile"):
        extract([path], tmp_path / "out2")


def test_existing_patch_files_are_refused(zall, tmp_path):
    first = run("", "extract", *zall.values(), "-o", tmp_path)
    assert first.exit_code == 0
    expected = [fits.getdata(path, 1) for path in zall.values()]
    for path, data, table in zip(zall.values(), expected, zall, strict=True):
        patch = tmp_path / f"{path.stem}-coeff-patch.fits"
        line = f"wrote {patch}: {len(target_rows(path)):,} of {len(data):,} rows, for {table}\n"
        assert line in first.output
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(before) == 2
    written = [fits.getdata(path, 1).tobytes() for path in before]
    next(iter(before)).write_bytes(b"precious")
    refused = run("", "extract", *zall.values(), "-o", tmp_path)
    assert refused.exit_code == 1
    assert isinstance(refused.exception, InputError)
    assert "already; add --overwrite to replace them" in str(refused.exception)
    assert next(iter(before)).read_bytes() == b"precious"
    assert run("", "extract", *zall.values(), "-o", tmp_path, "--overwrite").exit_code == 0
    again = [fits.getdata(path, 1) for path in before]
    assert [data.tobytes() for data in again] == written


def test_a_failure_leaves_older_patch_files(zall, tmp_path):
    extract(list(zall.values()), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    broken = tmp_path / "other" / zall["ztile"].name
    broken.parent.mkdir()
    broken.write_bytes(zall["ztile"].read_bytes()[:-50_000])
    with pytest.raises(InputError, match=broken.name):
        extract([zall["zpix"], broken], tmp_path, overwrite=True)
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["other"]


def test_two_catalogs_of_one_name_are_refused(zall, tmp_path):
    other = tmp_path / zall["zpix"].name
    other.symlink_to(zall["zpix"])
    with pytest.raises(ConfigurationError, match="2 catalogs would be written to zall-pix-iron-co"):
        extract([zall["zpix"], other], tmp_path)


def test_a_catalog_that_changes_while_it_is_read(tmp_path, monkeypatch):
    path = catalog(tmp_path / "zall-pix-iron.fits", 3)
    change_once_open(monkeypatch, path)
    with pytest.raises(InputError) as caught:
        extract([path], tmp_path / "out")
    assert str(caught.value) == f"{path}: the file changed while it was read; run the command again"
    assert not (tmp_path / "out").exists()
