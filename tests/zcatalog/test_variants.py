"""Every variant of catalogs of the second format against an independent join of the files."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from support.catalogs_v2 import FIT, PRODUCTION, inputs_of, make_catalog, zall

from specprod_copy.loading.api import LoadOptions, load
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.tables import layout_of, offered_columns, specprod_catalogue
from specprod_copy.verification import VerifyOptions, verify

PLAIN = replace(PRODUCTION, photometry="v1.0")
OPTIONS = LoadOptions(("redshift",), "loa", roles=())

ALWAYS = ["z_rr", "zerr_rr", "zwarn_rr", "chi2_rr", "spectype_rr", "subtype_rr", "deltachi2_rr"]
MADE = [
    *ALWAYS,
    "coeff_best",
    "coeff_new",
    "z_conf",
    "target_ra",
    "target_dec",
    "good_spec",
    "efftime_spec",
]
"""Optional columns that the made-up catalogs have."""

VARIANTS = {
    "healpix": {},
    "uniqpix": {"uniqpix": True},
    "wide": {"wide": True},
    "old QN": {"old_qn": True},
    "old QN, uniqpix, wide": {"old_qn": True, "uniqpix": True, "wide": True},
}


def joined(path: Path) -> tuple[dict[str, np.ndarray], fits.Header]:
    """Return the columns of core and extra of the science rows, and the header."""
    columns: dict[str, np.ndarray] = {}
    for suffix in ("-extra", ""):
        with fits.open(path.with_name(path.name.replace(".fits", f"{suffix}.fits"))) as file:
            data, header = file[1].data, file[1].header
            columns |= {name: np.array(data[name]) for name in data.names}
    science = [not int(t) >> 59 & 1 and t > 0 for t in columns["TARGETID"]]
    return {name: values[science] for name, values in columns.items()}, header


def plain(value: object) -> object:
    """Return a value as the table has it."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and not math.isfinite(value):
        return -9999.0
    return value.strip() if isinstance(value, str) else value


def name_of_position(ra: float, dec: float) -> str:
    a, d = (math.trunc(10000 * x) for x in (ra, dec))
    return (
        f"DESI J{a // 10000:03}.{a % 10000:04}{'+-'[d < 0]}{abs(d) // 10000:02}.{abs(d) % 10000:04}"
    )


def expected(table: str, column: str, files: dict[str, np.ndarray], header: fits.Header, n: int):
    """Return the value of a column in the n-th science row."""
    upper = column.upper()
    programs, surveys = ["backup", "bright", "dark", "other"], ["cmx", "special", "sv1", "sv2"]
    surveys += ["sv3", "main"]
    program, survey = files["PROGRAM"][n], files["SURVEY"][n]
    targetid = int(files["TARGETID"][n])
    match column:
        case "id" if table == "zpix":
            return (
                (programs.index(program) + 1) << 96 | (surveys.index(survey) + 1) << 64 | targetid
            )
        case "id":
            group = 3 << 27 | int(files["SPGRPVAL"][n])
            return group << 96 | int(files["TILEID"][n]) << 64 | targetid
        case "targetphotid":
            return (surveys.index(survey) + 1) << 96 | int(files["TILEID"][n]) << 64 | targetid
        case "desiname":
            return name_of_position(files["TARGET_RA"][n], files["TARGET_DEC"][n])
        case "spgrp":
            return header["SPGRP"]
        case "coeff_best" | "coeff_new":
            return [plain(value) for value in files[upper][n].astype("f4")]
        case name if name.startswith("coeff_") and name[6:].isdigit():
            return plain(files["COEFF"][n, int(name[6:])])
        case name if name.removesuffix("_rr").upper() in FIT and name.endswith("_rr"):
            return plain(files[upper.removesuffix("_RR")][n])
        case name if upper in FIT:
            return plain(files.get(f"{upper}_BEST", files[upper])[n])
    if upper in files:
        return plain(files[upper][n])
    assert column.endswith(("_target", "_nspec", "_primary")), column
    return False if column.endswith("_primary") else 0


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request, tmp_path_factory, module_database):
    root, kinds = tmp_path_factory.mktemp("root"), VARIANTS[request.param]
    for kind in ("pix", "tile"):
        catalog = make_catalog(kind, 30, **kinds)
        catalog.core["EFFTIME_SPEC"][4] = np.nan
        catalog.extra["CHI2"][5] = np.inf
        catalog.extra["COEFF_BEST"][6, 9] = np.nan
        catalog.write(zall(root, kind))
    summary = load(module_database, inputs_of(root, PLAIN), OPTIONS)
    with psycopg.connect(module_database) as connection:
        yield root, kinds, connection, summary
        connection.rollback()
        connection.execute("DROP SCHEMA loa CASCADE")
        connection.commit()


def test_equals_an_independent_join(variant):
    root, _, connection, _ = variant
    for table, kind in (("zpix", "pix"), ("ztile", "tile")):
        files, header = joined(zall(root, kind))
        cursor = connection.execute(
            f"SELECT * FROM loa.{table} ORDER BY targetid".encode(), binary=True
        )
        names = [column.name for column in cursor.description or ()]
        order = np.argsort(files["TARGETID"])
        for n, row in zip(order, cursor.fetchall(), strict=True):
            assert dict(zip(names, row, strict=True)) == {
                name: expected(table, name, files, header, n) for name in names
            }


def test_has_the_columns_of_its_files_and_no_others(variant):
    _, kinds, connection, _ = variant
    found = read_schema(connection, "loa")
    for table in ("zpix", "ztile"):
        got = {column.name for column in found.tables[table].columns} & offered_columns(table)
        pixel = ["nside", "uniqpix"] if table == "zpix" and kinds.get("uniqpix") else []
        fiber = ["petal_loc", "fiber", "fiberassign_x", "fiberassign_y", "priority"]
        assert got == {*MADE, *pixel, *(fiber if table == "ztile" else [])}
    zwarn = next(c for c in found.tables["zpix"].columns if c.name == "zwarn")
    fit = "z_rr" if kinds.get("old_qn") else "z"
    assert zwarn.description == f"Warning bitmask of the fit of {fit}, 0 is good"
    seen = specprod_catalogue(layout_of(found)).definition.tables["zpix"]
    assert seen.columns == found.tables["zpix"].columns


def test_values_that_are_not_finite_are_counted(variant):
    _, kinds, connection, summary = variant
    # Redrock's CHI2 is that of z as well where the catalogs have no better one.
    assert [table.values_changed for table in summary.tables] == [3, 3]
    query = (
        "SELECT count(*) FILTER (WHERE efftime_spec = -9999), count(*) FILTER (WHERE chi2 = -9999)"
    )
    for table in (b"zpix", b"ztile"):
        found = connection.execute(query.encode() + b" FROM loa." + table).fetchone()
        assert found == (1, int(bool(kinds.get("old_qn"))))


def test_verifies(variant, module_database):
    root, *_ = variant
    results = verify(
        module_database, inputs_of(root, PLAIN), VerifyOptions(("redshift",), "loa", alone=True)
    )
    assert [str(result) for result in results if not result.passed] == []


@pytest.mark.parametrize("lost", ["Z_CONF", "EFFTIME_SPEC", "GOOD_SPEC", "CHI2"])
def test_each_new_column_is_optional(tmp_path, database, lost):
    for kind in ("pix", "tile"):
        catalog = make_catalog(kind, 10)
        (catalog.extra if lost == "CHI2" else catalog.core).pop(lost)
        catalog.core["BRAND_NEW"] = np.arange(10)
        catalog.write(zall(tmp_path, kind))
    summary = load(database, inputs_of(tmp_path, PLAIN), OPTIONS)
    said = [note for note in summary.notes if "no table takes" in note]
    assert sum("BRAND_NEW" in note for note in said) == 2
    with psycopg.connect(database) as connection:
        found = read_schema(connection, "loa").tables["zpix"]
    gone = {"CHI2": "chi2_rr"}.get(lost, lost.lower())
    assert {*MADE} - {column.name for column in found.columns} == {gone}
