"""Catalogs of the second format with something wrong: one clear error, and nothing is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
import psycopg
import pytest
from support.catalogs_v2 import PRODUCTION, Catalog, below, inputs_of, make_catalog, zall
from support.clusters import fresh_database

from specprod_copy.errors import InputError
from specprod_copy.loading.api import LoadOptions, load
from specprod_copy.loading.dry_run import plan_load

PLAIN = replace(PRODUCTION, photometry="v1.0")
OPTIONS = LoadOptions(("redshift",), "loa", roles=())


@pytest.fixture(scope="module")
def database(module_database):
    yield module_database
    with psycopg.connect(module_database) as connection:
        query = "SELECT count(*) FROM pg_class WHERE relname = 'zpix'"
        assert connection.execute(query).fetchone() == (0,)


@pytest.fixture
def root(tmp_path):
    make_catalog("tile").write(zall(tmp_path, "tile"))
    return tmp_path


def refused(database: str, root, message: str, options: LoadOptions = OPTIONS) -> InputError:
    """Load, and return the error, which has to match."""
    with pytest.raises(InputError, match=message) as caught:
        load(database, inputs_of(root, PLAIN), options)
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


def spoiled(**columns: tuple[str, int, object]) -> Callable[[Catalog], None]:
    """Return what puts values into rows: column to (part, row, value)."""

    def spoil(catalog: Catalog) -> None:
        for name, (part, row, value) in columns.items():
            values = getattr(catalog, part)[name] = getattr(catalog, part)[name].copy()
            values[row] = value

    return spoil


def cut_extra(catalog: Catalog) -> None:
    catalog.extra = {name: values[:-1] for name, values in catalog.extra.items()}


def turned(catalog: Catalog) -> None:
    catalog.extra = {name: values[::-1] for name, values in catalog.extra.items()}


@pytest.mark.parametrize(
    ("spoil", "uniqpix", "message"),
    [
        (
            cut_extra,
            False,
            r"pix-loa-extra.fits\[ZCATALOG_EXTRA\].*has 39 rows, and .* has 40: one of",
        ),
        (
            turned,
            False,
            r"-extra.fits\[ZCATALOG_EXTRA\], column TARGETID: row 0 is about \d+, and that",
        ),
        (
            spoiled(TARGETID=("extra", 39, 5)),
            False,
            r"column TARGETID: row 39 is about 5, and that of .*pix-loa.fits\[ZCATALOG\] about "
            r".*\(1 of these 40 rows differ\)",
        ),
        (
            spoiled(UNIQPIX=("core", 3, 17)),
            True,
            r"loa.fits\[ZCATALOG\], column UNIQPIX: not HEALPIX \+ 4 NSIDE\^2 \(row 3: 17;",
        ),
        (
            spoiled(NSIDE=("extra", 4, 16)),
            True,
            r"column UNIQPIX.*not HEALPIX \+ 4 NSIDE\^2",
        ),
        (
            spoiled(SPGRPVAL=("extra", 5, 1)),
            True,
            r"-extra.fits\[ZCATALOG_EXTRA\], column SPGRPVAL: not UNIQPIX, though SPGRP is",
        ),
        (
            spoiled(SPGRPVAL=("extra", 5, 1)),
            False,
            "column SPGRPVAL.*not HEALPIX, though SPGRP is 'healpix'",
        ),
    ],
    ids=["fewer rows", "other order", "last row", "UNIQPIX", "NSIDE", "SPGRPVAL", "not HEALPIX"],
)
def test_what_does_not_belong_together(database, root, spoil, uniqpix, message):
    catalog = make_catalog(uniqpix=uniqpix)
    spoil(catalog)
    catalog.write(zall(root, "pix"))
    refused(database, root, message)


@pytest.mark.parametrize("quarantine", [False, True])
def test_tiles_are_compared_as_well(database, root, quarantine):
    """No row is to blame, so none goes into quarantine."""
    make_catalog().write(zall(root, "pix"))
    catalog = make_catalog("tile")
    spoiled(TILEID=("extra", 39, 5))(catalog)
    catalog.write(zall(root, "tile"))
    options = replace(OPTIONS, max_quarantined=10 if quarantine else None)
    refused(database, root, "column TILEID: row 39 is about 5, and that of", options)


@pytest.mark.parametrize("kind", ["pix", "tile"])
def test_a_missing_extra_file(database, root, kind):
    for one in ("pix", "tile"):
        make_catalog(one).write(zall(root, one))
    path = zall(root, kind)
    extra = path.with_name(path.name.replace(".fits", "-extra.fits"))
    extra.unlink()
    message = f"{extra}.*not there, and {path.name} is.*copy is not complete"
    refused(database, root, message)


def test_a_missing_core_file(database, root):
    """Though catalogs of surveys are there, they do not stand in for it."""
    make_catalog(zall=False).write(below(root, "pix", "main", "dark"))
    path = make_catalog().write(zall(root, "pix"))
    path.unlink()
    refused(
        database, root, f"{path}: not there, and {path.stem}-extra.fits is, which belongs to it"
    )


def test_a_survey_that_is_not_complete(database, root):
    for survey in ("main", "sv1"):
        for kind in ("pix", "tile"):
            make_catalog(kind, zall=False, surveys=(survey,)).write(
                below(root, kind, survey, "dark")
            )
    path = below(root, "pix", "sv1", "dark")
    path.unlink()
    refused(database, root, f"{path}: not there, and other catalogs of that survey and program are")
    path.with_name("zpix-sv1-dark-extra.fits").unlink()
    path.with_name("zpix-sv1-dark-imaging.fits").unlink()
    refused(database, root, f"{path}: not there, and other catalogs of that survey and program are")


def test_files_of_another_production(database, root):
    catalog = make_catalog()
    catalog.header["SPECPROD"] = "kibo"
    catalog.write(zall(root, "pix"))
    refused(database, root, "SPECPROD is 'kibo' in its header, and the production is 'loa'")
    own = make_catalog()
    path = own.write(zall(root, "pix"))
    core = path.read_bytes()
    catalog.write(path)
    path.write_bytes(core)
    refused(database, root, "extra.fits.*SPECPROD is 'kibo' in its header, and 'loa' in that of")


def test_an_unknown_group_of_spectra(database, root):
    catalog = make_catalog()
    catalog.header["SPGRP"] = "perexp"
    catalog.write(zall(root, "pix"))
    refused(database, root, "SPGRP is 'perexp', not 'healpix' or 'uniqpix'")


@pytest.mark.parametrize("suffix", ["", "-extra"])
def test_a_truncated_file(database, root, suffix):
    path = make_catalog().write(zall(root, "pix"))
    path = path.with_name(path.name.replace(".fits", f"{suffix}.fits"))
    path.write_bytes(path.read_bytes()[:9000])
    refused(database, root, f"{path}.*the file ends|truncated|is cut")


def test_catalogs_of_two_formats(database, root):
    catalog = make_catalog()
    for name in [name for name in catalog.core if name.endswith("_BEST")]:
        del catalog.core[name]
    catalog.write(zall(root, "pix"))
    refused(database, root, r"pix-loa.fits\[ZCATALOG\]: has no Z_BEST, and .*loa.fits has")


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("ZERR_BEST", "no column ZERR_BEST, which table zpix needs"),
        ("SPECTYPE_BEST", "no column SPECTYPE_BEST, which table zpix needs"),
        ("CHI2_BEST", "no column CHI2_BEST: catalogs have all of ZWARN_BEST, CHI2_BEST, DELTACHI2"),
        ("Z", "no column Z, which table zpix needs"),
    ],
)
def test_values_of_another_fit_do_not_stand_in(database, root, lost, message):
    """But for those three that catalogs of the old QuasarNET lack, which comments say."""
    catalog = make_catalog()
    (catalog.extra if lost == "Z" else catalog.core).pop(lost)
    catalog.write(zall(root, "pix"))
    refused(database, root, message)


def test_catalogs_of_the_old_quasarnet_among_others(database, tmp_path):
    for survey in ("main", "sv1"):
        for kind in ("pix", "tile"):
            catalog = make_catalog(kind, zall=False, surveys=(survey,), old_qn=survey == "sv1")
            catalog.write(below(tmp_path, kind, survey, "dark"))
    message = "has (a|no) best ZWARN, and .*-dark.* has (none|one): redshift catalogs of two"
    refused(database, tmp_path, message)


def test_rows_that_are_to_blame_go_into_quarantine(tmp_path, cluster):
    """A bad UNIQPIX, a position without a name; columns of all files are kept."""
    catalog = make_catalog(uniqpix=True)
    spoiled(UNIQPIX=("core", 3, 17), TARGET_RA=("core", 5, np.nan))(catalog)
    catalog.write(zall(tmp_path, "pix"))
    make_catalog("tile").write(zall(tmp_path, "tile"))
    folder = tmp_path / "bad"
    options = replace(OPTIONS, max_quarantined=10, quarantine_folder=folder)
    with fresh_database(cluster) as conninfo:
        summary = load(conninfo, inputs_of(tmp_path, PLAIN), options)
    assert summary.rows_refused == 2
    found = pl.read_parquet(folder / "loa.redshift.zpix.parquet").sort("row")
    assert found.select("row", "column", "UNIQPIX").rows() == [
        (3, "UNIQPIX", 17),
        (5, "TARGET_RA", int(catalog.core["UNIQPIX"][5])),
    ]
    assert found["CHI2"].to_list() == [catalog.extra["CHI2"][n].item() for n in (3, 5)]


def test_nothing_is_planned_either(root):
    catalog = make_catalog()
    cut_extra(catalog)
    catalog.write(zall(root, "pix"))
    with pytest.raises(InputError, match="has 39 rows"):
        plan_load(None, inputs_of(root, PLAIN), OPTIONS)
