"""Coefficient patches of catalogs of the second format, and on tables that were made of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import psycopg
import pytest
from astropy.table import Table
from support.catalogs_v2 import PRODUCTION, inputs_of, make_catalog, zall
from support.coeff_patch_tools import assert_same_tables, change_once_open, coefficients, run

from specprod_copy.coeff_patch.extract import extract
from specprod_copy.errors import InputError
from specprod_copy.loading.api import LoadOptions, load
from specprod_copy.verification import VerifyOptions, verify

PLAIN = replace(PRODUCTION, photometry="v1.0")
KINDS = {"zpix": "pix", "ztile": "tile"}
OF = ("--production", "loa")


def faults(database: str, root: Path) -> list[str]:
    options = VerifyOptions(("redshift",), "loa", alone=True)
    results = verify(database, inputs_of(root, PLAIN), options)
    return [str(result) for result in results if not result.passed]


def test_coefficients_come_from_the_extra_file(tmp_path, database):
    for kind in ("pix", "tile"):
        make_catalog(kind).write(zall(tmp_path, kind))
    catalogs = [zall(tmp_path, kind) for kind in ("pix", "tile")]
    (tmp_path / "patches").mkdir()
    made = extract(catalogs, tmp_path / "patches")
    load(database, inputs_of(tmp_path, PLAIN), LoadOptions(("redshift",), "loa", roles=()))
    with psycopg.connect(database) as connection:
        for one in made:
            patch = Table.read(one.path, hdu=1)
            names = ["TARGETID", *(f"COEFF_{n}" for n in range(10))]
            query = f"SELECT {', '.join(names)} FROM loa.{one.table} ORDER BY targetid"
            found = connection.execute(query.encode(), binary=True).fetchall()
            patch.sort("TARGETID")
            assert len(patch) == 36
            assert found == [tuple(np.asarray(row[name]).item() for name in names) for row in patch]


def test_the_extra_file_is_missing(tmp_path):
    path = make_catalog().write(zall(tmp_path, "pix"), leave_out="-extra")
    (tmp_path / "patches").mkdir()
    with pytest.raises(InputError, match=r"pix-loa-extra\.fits: not there, and zall-pix"):
        extract([path], tmp_path / "patches")


def test_the_extra_file_changes_while_it_is_read(tmp_path, monkeypatch):
    path = make_catalog().write(zall(tmp_path, "pix"))
    extra = path.with_name("zall-pix-loa-extra.fits")
    change_once_open(monkeypatch, extra)
    with pytest.raises(InputError, match="the file changed while it was read") as caught:
        extract([path], tmp_path / "patches")
    assert caught.value.path == extra


def test_patches_of_both_tables_are_applied_and_taken_back(tmp_path, database):
    """They are Redrock's own, of z_rr: what belongs to z (coeff_best, coeff_new) stays."""
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    for kind in KINDS.values():
        catalog = make_catalog(kind, uniqpix=True)
        catalog.write(zall(right, kind))
        for number, values in enumerate((catalog.extra["COEFF"], catalog.extra["COEFF_BEST"])):
            values[number::3, 4] = 1.5
        catalog.write(zall(wrong, kind))
    for root, schema in ((right, "right"), (wrong, "wrong"), (wrong, "loa")):
        options = LoadOptions(("redshift",), schema, roles=())
        load(database, inputs_of(root, PLAIN), options)
    assert (
        run(database, "load", *(zall(right, kind) for kind in KINDS.values()), *OF).exit_code == 0
    )
    with psycopg.connect(database, autocommit=True) as connection:
        wanted = {
            table: (
                coefficients(connection, "right", table),
                coefficients(connection, "wrong", table),
            )
            for table in KINDS
        }
        for done in (run(database, "apply", *OF), run(database, "apply", *OF)):
            assert done.exit_code == 0, done.output
            for table, (patched, _) in wanted.items():
                assert coefficients(connection, "loa", table) == patched
        assert "0 of 36 rows changed" in done.output
        # All the rest is that of the catalogs that were loaded.
        connection.execute("CREATE SCHEMA apart")
        for schema in ("loa", "wrong"):
            for table in KINDS:
                connection.execute(f"CREATE TABLE apart.{schema}_{table} AS TABLE {schema}.{table}")
                dropped = ", ".join(f"DROP COLUMN coeff_{n}" for n in range(10))
                connection.execute(f"ALTER TABLE apart.{schema}_{table} {dropped}")
        for table in KINDS:
            differing = f"TABLE apart.loa_{table} EXCEPT TABLE apart.wrong_{table}"
            assert connection.execute(differing).fetchall() == []
        assert faults(database, wrong) == []
        back = run(database, "revert", *OF)
        assert back.exit_code == 0, back.output
        assert_same_tables(connection, "loa", "wrong")
        assert faults(database, wrong) == []
