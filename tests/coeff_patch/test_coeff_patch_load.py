"""Coefficient patches loaded beside the tables that they are for."""

from __future__ import annotations

import uuid

import numpy as np
import polars as pl
import psycopg
import pytest
from astropy.io import fits
from support.coeff_patch_tools import (
    CHECKED,
    catalog,
    coefficients,
    described,
    objects,
    run,
    target_rows,
    zall_files,
)
from support.reference import assert_equal, read_table

from specprod_copy.coeff_patch import extract, load, patches_of
from specprod_copy.errors import ConfigurationError, DatabaseError, InputError
from specprod_copy.postgres import ddl
from specprod_copy.tables import specprod_catalogue

pytest_plugins = ("support.coeff_patch_fixtures",)

INDEXES = {
    "zpixpatch": ("unique", "desiname", "healpix", "program", "survey", "targetid"),
    "ztilepatch": ("unique", "desiname", "spgrpval", "targetid", "tileid"),
}


@pytest.mark.parametrize("way", ["catalog", "patch file"])
def test_patch_tables_equal_the_reference(database, shared, tmp_path, way):
    files = list(zall_files(shared / "reference" / "iron").values())
    if way == "patch file":  # under names that say the contrary
        names = [tmp_path / f"zall-{kind}-x.fits" for kind in ("tilecumulative", "pix")]
        for one, name in zip(extract(files, tmp_path), names, strict=True):
            one.path.rename(name)
        files = names
    load(database, patches_of("iron"), files)
    with psycopg.connect(database) as connection:
        for plain in CHECKED.values():
            expected = pl.read_parquet(shared / "reference/iron-expected" / f"{plain}.parquet")
            assert_equal(read_table(connection, "coeff_patch", f"iron_{plain}"), expected)


def test_productions_share_a_schema(database, zall):
    with psycopg.connect(database) as connection:
        before = objects(connection)
    for production, name in (("iron", None), ("fuji", "desi_edr"), ("guadalupe", None)):
        load(database, patches_of(production, name=name), list(zall.values()))
    with psycopg.connect(database, autocommit=True) as connection:
        expected = {"coeff_patch"}
        connection.execute(
            ddl.render_script(
                specprod_catalogue().definition, list(CHECKED.values()), schema="plain"
            ).encode()
        )
        for plain in CHECKED.values():
            for name in ("iron", "desi_edr", "guadalupe"):
                names = [f"{name}_{plain}", f"{name}_{plain}_pkey"]
                names += [f"ix_{name}_{plain}_{column}" for column in INDEXES[plain]]
                expected |= {f"coeff_patch.{renamed}" for renamed in names}
                assert described(connection, "coeff_patch", f"{name}_{plain}") == sorted(
                    (kind, text.replace(plain, f"{name}_{plain}"), *rest)
                    for kind, text, *rest in described(connection, "plain", plain)
                )
        connection.execute("DROP SCHEMA plain CASCADE")
        assert objects(connection) - before == expected


def test_load_from_the_command_line(database, zall):
    done = run(database, "load", *zall.values(), "--production", "iron", "--name", "desi_dr1")
    assert done.exit_code == 0, done.output
    with psycopg.connect(database) as connection:
        for table, plain in CHECKED.items():
            rows = target_rows(zall[table])
            bad = np.count_nonzero(~np.isfinite(rows["COEFF"]))
            total = len(fits.getdata(zall[table], 1))
            assert (
                f"coeff_patch.desi_dr1_{plain}: {len(rows):,} of {total:,} rows loaded, "
                f"{bad:,} values NaN→-9999\n"
            ) in done.output
            count = connection.execute(f"SELECT count(*) FROM coeff_patch.desi_dr1_{plain}")
            assert count.fetchone() == (len(rows),)
    assert "Warning: role desi does not exist: nothing granted to it\n" in done.output


def test_roles_may_read(database, zall):
    with psycopg.connect(database, autocommit=True) as connection:
        role = f"reader_{uuid.uuid4().hex[:8]}"
        connection.execute(f"CREATE ROLE {role}")
        try:
            done = run(database, "load", zall["zpix"], "-p", "iron", "--role", role, "-q")
            assert (done.exit_code, done.output) == (0, "")
            connection.execute(f"SET ROLE {role}")
            connection.execute("SELECT count(*) FROM coeff_patch.iron_zpixpatch")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("DELETE FROM coeff_patch.iron_zpixpatch")
            connection.execute("RESET ROLE")
        finally:
            connection.execute(f"DROP OWNED BY {role}")
            connection.execute(f"DROP ROLE {role}")


def test_existing_tables_are_refused(loaded, connection, zall, wrong_root):
    before = coefficients(connection, "coeff_patch", "iron_zpixpatch")
    names = objects(connection)
    wrong = zall_files(wrong_root)["zpix"]
    with pytest.raises(DatabaseError) as caught:
        load(loaded, patches_of("iron"), [wrong])
    assert str(caught.value) == "table coeff_patch.iron_zpixpatch exists; --overwrite replaces it"
    assert coefficients(connection, "coeff_patch", "iron_zpixpatch") == before
    connection.execute("GRANT SELECT ON coeff_patch.iron_zpixpatch TO pg_monitor")
    load(loaded, patches_of("iron"), [wrong], overwrite=True)
    readers = "SELECT has_table_privilege('pg_monitor', 'coeff_patch.iron_zpixpatch', 'SELECT')"
    assert connection.execute(readers).fetchall() == [(True,)]
    assert coefficients(connection, "coeff_patch", "iron_zpixpatch") == coefficients(
        connection, "iron", "zpix"
    )
    assert objects(connection) == names


def test_a_bad_file_leaves_the_older_patch(loaded, connection, tmp_path, zall):
    before = coefficients(connection, "coeff_patch", "iron_zpixpatch")
    names = objects(connection)
    doubled = catalog(tmp_path / "doubled.fits", 3, TARGETID=np.array([7, 8, 7]))
    with pytest.raises(DatabaseError) as caught:
        load(loaded, patches_of("iron"), [doubled], overwrite=True)
    key = 3 << 96 | 6 << 64 | 7
    assert str(caught.value).startswith(
        f"zpixpatch_pkey of table zpixpatch is not unique: (id) = ({key}), from "
        f"{doubled}[ZCATALOG] row 0, {doubled}[ZCATALOG] row 2."
    )
    strange = catalog(tmp_path / "strange.fits", 3, PROGRAM=np.array(["dark", "dim", "dark"], "S4"))
    with pytest.raises(InputError, match="column PROGRAM: none of backup"):
        load(loaded, patches_of("iron"), [zall["zpix"], strange], overwrite=True)
    assert coefficients(connection, "coeff_patch", "iron_zpixpatch") == before
    assert objects(connection) == names


def test_a_table_in_the_way(database, zall):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA coeff_patch_iron")
        load(database, patches_of("iron"), [zall["ztile"]])
        assert "coeff_patch_iron" in objects(connection)  # it was not ours
        connection.execute("CREATE TABLE coeff_patch_iron.zpixpatch (id int)")
    with pytest.raises(DatabaseError, match=r"table coeff_patch_iron\.zpixpatch is in the way"):
        load(database, patches_of("iron"), [zall["zpix"]])


@pytest.mark.parametrize("names", [{"name": "x" * 41}, {"patch_schema": "p" * 60}, {"schema": ""}])
def test_impossible_names(names):
    with pytest.raises(ConfigurationError, match="must have 1 to 63 bytes"):
        patches_of("iron", **names)
    assert patches_of("iron", name="x" * 40)[0].indexes[2][1] == f"ix_{'x' * 40}_zpixpatch_desiname"
