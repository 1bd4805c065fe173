"""The coefficient patch: files, tables, what it changes and takes back, and its SQL in psql."""

from __future__ import annotations

import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import psycopg
import pytest
from astropy.io import fits
from click.testing import CliRunner, Result
from conftest import SHARED
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from test_productions import load_production
from test_reference import assert_equal, read_table

from specprod_copy import ddl
from specprod_copy.cli.patch_coeff import coeff
from specprod_copy.cli.render_ddl import render_ddl
from specprod_copy.coeff_patch import apply, check, extract, load, patches_of, revert
from specprod_copy.coeff_patch.kinds import KINDS
from specprod_copy.demo import write_production
from specprod_copy.errors import ConfigurationError, DatabaseError, InputError
from specprod_copy.pgcopy import CHUNK_ROWS
from specprod_copy.production import ProductionFiles, find_production

COEFFICIENTS = [f"coeff_{n}" for n in range(10)]
CHECKED = {"zpix": "zpixpatch", "ztile": "ztilepatch"}
INDEXES = {
    "zpixpatch": ("unique", "desiname", "healpix", "program", "survey", "targetid"),
    "ztilepatch": ("unique", "desiname", "spgrpval", "targetid", "tileid"),
}
WEIRD = "we\"ird %s %(x)s\n\\! touch canary\n'; $$ -- :name {{ schema }}"


# ------------------------------------------------------------------------------- a production


@pytest.fixture(scope="session")
def right_root(tmp_path_factory) -> Path:
    """Return the root of iron with right coefficients: the reference's or one of our own."""
    if SHARED.is_dir():
        return SHARED / "reference" / "iron"
    root = tmp_path_factory.mktemp("right")
    write_production(root, "iron", tiles=4, targets=60)
    return root


def zall_files(root: Path, specprod: str = "iron") -> dict[str, Path]:
    files = ProductionFiles(find_production(specprod), root)
    return {"zpix": files.zall_pix(), "ztile": files.zall_tilecumulative()}


@pytest.fixture(scope="session")
def zall(right_root) -> dict[str, Path]:
    return zall_files(right_root)


@pytest.fixture(scope="session")
def wrong_root(right_root, tmp_path_factory) -> Path:
    """Return a root whose catalogs have wrong coefficients in some rows, in various places."""
    root = tmp_path_factory.mktemp("wrong")
    for number, path in enumerate(zall_files(right_root).values()):
        wrong = root / path.relative_to(right_root)
        wrong.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, wrong)
        with fits.open(wrong, mode="update") as hdus:
            values = np.array(hdus["ZCATALOG"].data["COEFF"])
            values[number::3, 0] = 1.5
            values[1::4, 9] = np.nan
            values[::5] = values[::5, ::-1]
            hdus["ZCATALOG"].data["COEFF"] = values
    return root


@pytest.fixture(scope="module")
def template(module_database, right_root, wrong_root) -> str:
    """Return the name of a database with iron as it was loaded, and as it ought to be."""
    for schema, root in (("iron", wrong_root), ("right_iron", right_root)):
        load_production(module_database, root, "iron", "redshift", schema=schema)
    return conninfo_to_dict(module_database)["dbname"]


@contextmanager
def copied_database(cluster, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
        names = sql.Identifier(name), sql.Identifier(template)
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        try:
            yield cluster.conninfo(name)
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))


@pytest.fixture
def iron(cluster, template) -> Iterator[str]:
    """Return a database for one test: schema iron with wrong coefficients, right_iron."""
    with copied_database(cluster, template) as conninfo:
        yield conninfo


@pytest.fixture
def connection(iron) -> Iterator[psycopg.Connection]:
    with psycopg.connect(iron, autocommit=True) as connection:
        yield connection


@pytest.fixture
def loaded(iron, zall) -> str:
    """Return the database with the right patch of iron in it."""
    load(iron, patches_of("iron"), list(zall.values()))
    return iron


def contents(connection: psycopg.Connection, schema: str = "iron") -> dict[str, list[tuple]]:
    """Return all rows and where they lie: unchanged if and only if nothing was written."""
    return {
        table: connection.execute(
            sql.SQL("SELECT ctid, xmin, * FROM {} ORDER BY id").format(
                sql.Identifier(schema, table)
            )
        ).fetchall()
        for table in CHECKED
    }


def coefficients(
    connection: psycopg.Connection, schema: str, table: str
) -> dict[int, tuple[float, ...]]:
    query = sql.SQL("SELECT id, {} FROM {}").format(
        sql.SQL(", ").join(map(sql.Identifier, COEFFICIENTS)), sql.Identifier(schema, table)
    )
    return {int(id): values for id, *values in connection.execute(query)}


def assert_same_tables(connection: psycopg.Connection, one: str, other: str) -> None:
    """Compare every column of zpix and ztile in two schemas."""
    for table in CHECKED:
        assert_equal(read_table(connection, one, table), read_table(connection, other, table))


def objects(connection: psycopg.Connection) -> set[str]:
    """Return every relation, constraint and schema of the database that is not the system's."""
    query = """SELECT format('%I.%I', nspname, relname) FROM pg_class c
               JOIN pg_namespace n ON n.oid = relnamespace
               WHERE nspname NOT LIKE 'pg%' AND nspname <> 'information_schema'
               UNION SELECT format('%I.%I', nspname, conname) FROM pg_constraint
               JOIN pg_namespace n ON n.oid = connamespace
               UNION SELECT quote_ident(nspname) FROM pg_namespace
               WHERE nspname NOT LIKE 'pg%'"""
    return {name for (name,) in connection.execute(query)}


def run(conninfo: str, command: str, *arguments: str | Path) -> Result:
    dsn = [] if command == "extract" else ["--dsn", conninfo]
    return CliRunner().invoke(coeff, [command, *map(str, arguments), *dsn])


def target_rows(path: Path) -> fits.FITS_rec:
    """Return the rows of a catalog that are neither sky nor negative, by plain arithmetic."""
    rows = fits.getdata(path, "ZCATALOG")
    targetid = np.asarray(rows["TARGETID"], dtype=np.int64)
    return rows[(targetid > 0) & ((targetid >> 59) & 1 == 0)]


# ------------------------------------------------------------------------------- patch files


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


def catalog(path: Path, n: int, **columns: object) -> Path:
    """Write a zall-pix catalog of n rows with the columns that matter; None leaves one out."""
    numbers = np.arange(n)
    values = {
        "TARGETID": 39627634575377250 + numbers,
        "SURVEY": np.full(n, "main", "S7"),
        "PROGRAM": np.full(n, "dark", "S6"),
        "HEALPIX": numbers.astype("i4"),
        "COEFF": np.arange(10.0 * n).reshape(n, 10),
        "TARGET_RA": np.full(n, 123.45678),
        "TARGET_DEC": np.full(n, 1.23456),
        "Z": numbers / 7,
    }
    values |= columns
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column(name, {"i": "K", "f": "D", "S": f"{v.itemsize}A"}[v.dtype.kind], array=v)
            if v.ndim == 1
            else fits.Column(name, "10D", array=v)
            for name, v in values.items()
            if v is not None
        ],
        name="ZCATALOG",
    )
    table.writeto(path, overwrite=True)
    return path


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
    next(iter(before)).write_bytes(b"precious")
    refused = run("", "extract", *zall.values(), "-o", tmp_path)
    assert refused.exit_code == 1
    assert isinstance(refused.exception, InputError)
    assert "exists; add --overwrite to replace it" in str(refused.exception)
    assert next(iter(before)).read_bytes() == b"precious"
    assert run("", "extract", *zall.values(), "-o", tmp_path, "--overwrite").exit_code == 0
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


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


# ------------------------------------------------------------------------------- patch tables


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


def described(connection: psycopg.Connection, schema: str, table: str) -> list[tuple]:
    """Return columns and their types, constraints, indexes and comments of a table."""
    return connection.execute(
        """SELECT 'column', attname::text, format_type(atttypid, atttypmod) || attnotnull,
                  col_description(attrelid, attnum)
           FROM pg_attribute WHERE attrelid = %(table)s::regclass AND attnum > 0
           UNION SELECT 'constraint', conname::text, pg_get_constraintdef(oid), ''
           FROM pg_constraint WHERE conrelid = %(table)s::regclass
           UNION SELECT 'index', relname::text, regexp_replace(pg_get_indexdef(oid), '.* USING', ''),
                  indisunique::text
           FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indrelid = %(table)s::regclass
           UNION SELECT 'table', '', obj_description(%(table)s::regclass), '' ORDER BY 1, 2""",
        {"table": f"{schema}.{table}"},
    ).fetchall()


def test_productions_share_a_schema(database, zall):
    for production, name in (("iron", None), ("fuji", "desi_edr"), ("guadalupe", None)):
        load(database, patches_of(production, name=name), list(zall.values()))
    with psycopg.connect(database, autocommit=True) as connection:
        expected = {"coeff_patch", "public"}
        connection.execute(ddl.render_script(list(CHECKED.values()), schema="plain").encode())
        for plain in CHECKED.values():
            for name in ("iron", "desi_edr", "guadalupe"):
                names = [f"{name}_{plain}", f"{name}_{plain}_pkey"]
                names += [f"ix_{name}_{plain}_{column}" for column in INDEXES[plain]]
                expected |= {f"coeff_patch.{renamed}" for renamed in names}
                assert described(connection, "coeff_patch", f"{name}_{plain}") == [
                    (kind, text.replace(plain, f"{name}_{plain}"), *rest)
                    for kind, text, *rest in described(connection, "plain", plain)
                ]
        connection.execute("DROP SCHEMA plain CASCADE")
        assert objects(connection) - {"information_schema"} == expected


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
    load(loaded, patches_of("iron"), [wrong], overwrite=True)
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


@pytest.mark.parametrize("names", [{"name": "x" * 40}, {"patch_schema": "p" * 60}, {"schema": ""}])
def test_impossible_names(names):
    with pytest.raises(ConfigurationError, match="must have 1 to 63 bytes"):
        patches_of("iron", **names)
    assert patches_of("iron", name="x" * 39)[0].indexes[2][1] == f"ix_{'x' * 39}_zpixpatch_desiname"


# ------------------------------------------------------------------------------- round trip


def test_round_trip(loaded, connection):
    """Check, apply and revert, each twice, and apply again."""
    patches = patches_of("iron")
    wrong = {table: coefficients(connection, "iron", table) for table in CHECKED}
    right = {table: coefficients(connection, "right_iron", table) for table in CHECKED}
    changes = {t: {i for i in wrong[t] if wrong[t][i] != right[t][i]} for t in CHECKED}
    assert all(0 < len(changes[table]) < len(wrong[table]) for table in CHECKED)
    connection.execute(
        "CREATE SCHEMA wrong; CREATE TABLE wrong.zpix AS TABLE iron.zpix; "
        "CREATE TABLE wrong.ztile AS TABLE iron.ztile"
    )
    untouched = contents(connection)

    for comparison in check(loaded, patches) + check(loaded, patches):
        table, counts = comparison.patch.table, comparison.counts
        assert counts.table == counts.values == counts.joined == len(wrong[table])
        assert comparison.differing == len(changes[table])
        assert [sample.id for sample in comparison.samples] == sorted(changes[table])[:3]
        for sample in comparison.samples:
            assert list(sample.before) == wrong[table][sample.id]
            assert list(sample.after) == right[table][sample.id]
    assert contents(connection) == untouched

    done = {one.patch.table: one for one in apply(loaded, patches)}
    after = contents(connection)
    assert_same_tables(connection, "iron", "right_iron")
    for table, ids in changes.items():
        n = len(ids)
        assert (done[table].rows, done[table].changed, done[table].saved) == (
            len(wrong[table]),
            n,
            n,
        )
        saved = coefficients(connection, "coeff_patch", f"iron_{table}_before")
        assert saved == {id: wrong[table][id] for id in ids}
        kept = {row for row in untouched[table] if int(row[2]) not in ids}
        assert kept <= set(after[table])  # rows that were right are not even rewritten
    assert [comparison.differing for comparison in check(loaded, patches)] == [0, 0]

    assert [(one.changed, one.saved) for one in apply(loaded, patches)] == [(0, 0)] * 2
    assert contents(connection) == after
    for table, ids in changes.items():
        saved = coefficients(connection, "coeff_patch", f"iron_{table}_before")
        assert saved == {id: wrong[table][id] for id in ids}

    n = [len(ids) for ids in changes.values()]
    assert [(one.changed, one.saved) for one in revert(loaded, patches)] == list(
        zip(n, n, strict=True)
    )
    assert_same_tables(connection, "iron", "wrong")
    reverted = contents(connection)
    assert [one.changed for one in revert(loaded, patches)] == [0, 0]
    assert contents(connection) == reverted

    assert [(one.changed, one.saved) for one in apply(loaded, patches)] == [(k, 0) for k in n]
    assert_same_tables(connection, "iron", "right_iron")


def test_round_trip_from_the_command_line(iron, connection, zall, tmp_path):
    extract(list(zall.values()), tmp_path)
    where = ("--production", "iron")
    assert run(iron, "load", *tmp_path.iterdir(), *where).exit_code == 0
    n = connection.execute("SELECT count(*) FROM iron.zpix").fetchone()[0]
    differing = connection.execute(
        """SELECT count(*) FROM iron.zpix a JOIN right_iron.zpix b USING (id)
           WHERE a.coeff_0 <> b.coeff_0 OR a.coeff_9 <> b.coeff_9 OR a.coeff_1 <> b.coeff_1
              OR a.coeff_2 <> b.coeff_2 OR a.coeff_3 <> b.coeff_3 OR a.coeff_4 <> b.coeff_4"""
    ).fetchone()[0]
    checked = run(iron, "check", "zpix", *where)
    assert checked.exit_code == 0
    assert checked.output.startswith(
        "iron.zpix and coeff_patch.iron_zpixpatch\n"
        f"  rows: {n:,} in the table, {n:,} in the patch, {n:,} in both: they match\n"
        f"  rows that differ: {differing:,}\n  id "
    )
    (sample, *_) = check(iron, patches_of("iron", ["zpix"]))[0].samples
    changed = [k for k in range(10) if sample.before[k] != sample.after[k]]
    shown = ", ".join(f"coeff_{k} {sample.before[k]!r} -> {sample.after[k]!r}" for k in changed)
    assert f"\n  id {sample.id}: {shown}\n" in checked.output
    applied = run(iron, "apply", *where, "--vacuum")
    assert applied.exit_code == 0, applied.output
    assert applied.output.startswith(
        f"iron.zpix: {differing:,} of {n:,} rows changed, {differing:,} newly saved in "
        "coeff_patch.iron_zpix_before; 0 differ from coeff_patch.iron_zpixpatch\niron.ztile: "
    )
    assert_same_tables(connection, "iron", "right_iron")
    query = "SELECT last_vacuum FROM pg_stat_user_tables WHERE relid = 'iron.zpix'::regclass"
    files = connection.execute("SELECT pg_relation_filenode('iron.zpix')").fetchone()
    assert connection.execute(query).fetchone() != (None,)
    back = run(iron, "revert", *where, "--vacuum-full")
    assert back.exit_code == 0
    assert back.output.startswith(
        f"iron.zpix: {differing:,} rows restored; 0 of {differing:,} differ from "
        "coeff_patch.iron_zpix_before\niron.ztile: "
    )
    assert connection.execute("SELECT pg_relation_filenode('iron.zpix')").fetchone() != files


def test_one_table_of_a_schema_under_another_name(iron, connection, zall):
    """The tables as Data Lab has them, where only one of them is patched."""
    connection.execute("ALTER SCHEMA iron RENAME TO desi_dr1")
    where = ("--production", "iron", "--schema", "desi_dr1", "--patch-schema", "other")
    load(iron, patches_of("iron", patch_schema="other"), [zall["ztile"]])
    before = contents(connection, "desi_dr1")
    missing = run(iron, "apply", *where)
    assert str(missing.exception) == (
        "table other.iron_zpixpatch does not exist; load it first, or say which table to apply if "
        "not zpix"
    )
    assert contents(connection, "desi_dr1") == before
    assert run(iron, "apply", "ztile", *where).exit_code == 0
    after = contents(connection, "desi_dr1")
    assert after["zpix"] == before["zpix"]
    assert coefficients(connection, "desi_dr1", "ztile") == coefficients(
        connection, "right_iron", "ztile"
    )
    missing = run(iron, "revert", *where)
    assert str(missing.exception) == (
        "table other.iron_zpix_before does not exist; no patch was applied to desi_dr1.zpix"
    )
    missing = run(iron, "check", "-p", "iron")
    assert str(missing.exception) == (
        "table iron.zpix does not exist; name the --schema of the tables"
    )


# ------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("change", "by"),
    [
        ("DELETE FROM iron.ztile WHERE id = (SELECT min(id) FROM iron.ztile)", (-1, 0, -1)),
        (
            "DELETE FROM coeff_patch.iron_ztilepatch "
            "WHERE id = (SELECT max(id) FROM coeff_patch.iron_ztilepatch)",
            (0, -1, -1),
        ),
        (
            "UPDATE coeff_patch.iron_ztilepatch SET id = 1 "
            "WHERE id = (SELECT max(id) FROM coeff_patch.iron_ztilepatch)",
            (0, 0, -1),
        ),
    ],
)
def test_counts_that_do_not_match(loaded, connection, change, by):
    n = connection.execute("SELECT count(*) FROM iron.ztile").fetchone()[0]
    connection.execute(change)
    before, names = contents(connection), objects(connection)
    table, patch, both = (n + d for d in by)
    checked = run(loaded, "check", "-p", "iron")
    assert checked.exit_code == 1
    assert (
        f"  rows: {table:,} in the table, {patch:,} in the patch, {both:,} in both: "
        "THEY DO NOT MATCH\n"
    ) in checked.output
    with pytest.raises(DatabaseError) as caught:
        apply(loaded, patches_of("iron"))
    assert str(caught.value).startswith(
        f"counts do not match: {table} rows in iron.ztile, {patch} in coeff_patch.iron_ztilepatch, "
        f"{both} in both. Nothing was changed"
    )
    assert contents(connection) == before
    assert objects(connection) == names  # no table of saved coefficients either


def test_another_patch_on_top(loaded, connection, zall):
    """Saved coefficients are neither replaced nor restored over values of unknown origin."""
    patches = patches_of("iron")
    wrong = {table: coefficients(connection, "iron", table) for table in CHECKED}
    changed = apply(loaded, patches)[0].changed
    connection.execute("UPDATE coeff_patch.iron_zpixpatch SET coeff_5 = 55")
    before = contents(connection)
    with pytest.raises(DatabaseError) as caught:
        apply(loaded, patches)
    assert str(caught.value) == (
        f"{changed} rows of iron.zpix have neither the coefficients saved in "
        "coeff_patch.iron_zpix_before nor those of coeff_patch.iron_zpixpatch. Nothing was "
        "changed; if another patch was applied before, revert that first, if iron.zpix was loaded "
        "anew, drop coeff_patch.iron_zpix_before"
    )
    assert contents(connection) == before
    revert(loaded, patches)
    apply(loaded, patches)
    assert connection.execute("SELECT DISTINCT coeff_5 FROM iron.zpix").fetchall() == [(55.0,)]
    revert(loaded, patches)
    assert {table: coefficients(connection, "iron", table) for table in CHECKED} == wrong


def test_revert_of_a_table_that_lost_rows(loaded, connection):
    saved = apply(loaded, patches_of("iron"))[0].saved
    connection.execute(
        "DELETE FROM iron.zpix WHERE id = (SELECT min(id) FROM coeff_patch.iron_zpix_before)"
    )
    before = contents(connection)
    with pytest.raises(DatabaseError) as caught:
        revert(loaded, patches_of("iron"))
    assert str(caught.value).startswith(
        f"of {saved} rows saved in coeff_patch.iron_zpix_before only {saved - 1} are in iron.zpix"
    )
    assert contents(connection) == before


@pytest.mark.parametrize("command", [apply, revert])
def test_interrupted_in_the_middle(loaded, connection, command):
    """Zpix is done when ztile has to wait for a row that somebody else has locked."""
    if command is revert:
        apply(loaded, patches_of("iron"))
    before, names = contents(connection), objects(connection)
    impatient = make_conninfo(loaded, options="-c lock_timeout=100ms")
    with psycopg.connect(loaded) as other:
        other.execute("SELECT FROM iron.ztile FOR UPDATE")
        with pytest.raises(DatabaseError, match="canceling statement due to lock timeout"):
            command(impatient, patches_of("iron"))
        assert contents(connection) == before
        assert objects(connection) == names
    command(impatient, patches_of("iron"))
    assert contents(connection) != before


def test_a_table_that_does_not_take_the_update(loaded, connection):
    connection.execute(
        """CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS
           'BEGIN NEW.coeff_0 := OLD.coeff_0; RETURN NEW; END';
           CREATE TRIGGER stay BEFORE UPDATE ON iron.ztile
           FOR EACH ROW EXECUTE FUNCTION stay()"""
    )
    before, names = contents(connection), objects(connection)
    with pytest.raises(DatabaseError, match=r"rows of iron.ztile differ from coeff_patch.iron_zti"):
        apply(loaded, patches_of("iron"))
    assert contents(connection) == before
    assert objects(connection) == names


def test_nobody_changes_rows_meanwhile(loaded, connection):
    """Applying waits for writers, and does not let them in before it is done."""
    impatient = make_conninfo(loaded, options="-c lock_timeout=100ms")
    with psycopg.connect(loaded) as writer:
        writer.execute("UPDATE iron.zpix SET z = z WHERE id = (SELECT min(id) FROM iron.zpix)")
        with pytest.raises(DatabaseError, match="cannot apply: canceling statement due to lock"):
            apply(impatient, patches_of("iron"))
        check(impatient, patches_of("iron"))


# ------------------------------------------------------------------------------- odd names


def test_hostile_names(cluster, iron, connection, zall):
    """Production, schema and patch schema with all that could end a name or a line."""
    schema, patch_schema, name = f"s {WEIRD}"[:55], f"p {WEIRD}"[:30], 'n" %s\n\\g'
    connection.execute(sql.SQL("ALTER SCHEMA iron RENAME TO {}").format(sql.Identifier(schema)))
    options = ["--production", name, "--patch-schema", patch_schema]
    where = [*options, "--schema", schema]
    assert run(iron, "load", *zall.values(), *options).exit_code == 0
    right = {table: coefficients(connection, "right_iron", table) for table in CHECKED}
    wrong = {table: coefficients(connection, schema, table) for table in CHECKED}

    def now() -> dict:
        return {table: coefficients(connection, schema, table) for table in CHECKED}

    for arguments, expected in (
        (["check"], wrong),
        (["apply", "--vacuum"], right),
        (["apply"], right),
        (["revert"], wrong),
    ):
        done = run(iron, *arguments, *where)
        assert done.exit_code == 0, done.output
        assert now() == expected
    script = CliRunner().invoke(render_ddl, ["--coeff-patch", *where]).output
    names = objects(connection)
    psql(cluster, iron, script)
    assert now() == right
    psql(cluster, iron, script, revert="on")
    assert now() == wrong
    assert objects(connection) == names
    psql(cluster, iron, script, datalab="on")
    for plain in CHECKED.values():  # Data Lab does not have this production
        gone = sql.Identifier(patch_schema, f"{name}_{plain}").as_string()
        assert connection.execute("SELECT to_regclass(%s)", (gone,)).fetchone() == (None,)
    assert not Path("canary").exists()


# ------------------------------------------------------------------------------- psql


def psql(cluster, conninfo: str, script: str, *, code: int = 0, **variables: str) -> str:
    """Run a script through the real psql; return its output, or the errors if it fails."""
    settings = [f"--set={name}={value}" for name, value in variables.items()]
    command = [cluster.psql_command()[0], "-X", *settings, "-d", conninfo, "-f", "-"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


def render(*arguments: str) -> str:
    done = CliRunner().invoke(render_ddl, ["--coeff-patch", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def three(loaded, connection) -> str:
    """Return a database with guadalupe, fuji and iron before the patch.

    The patch of fuji is still in a schema of its own, where another program put it.
    """
    for name in ("guadalupe", "fuji"):
        connection.execute(f"CREATE SCHEMA {name}")
        for table in CHECKED:
            connection.execute(
                f"CREATE TABLE {name}.{table} (LIKE iron.{table} INCLUDING ALL); "
                f"INSERT INTO {name}.{table} SELECT * FROM iron.{table}"
            )
    connection.execute("UPDATE guadalupe.zpix SET coeff_3 = 3; UPDATE fuji.ztile SET coeff_4 = 4")
    connection.execute(
        ddl.render_script(list(CHECKED.values()), schema="coeff_patch_fuji").encode()
    )
    for plain in CHECKED.values():
        connection.execute(
            f"INSERT INTO coeff_patch_fuji.{plain} SELECT * FROM coeff_patch.iron_{plain}; "
            f"CREATE TABLE coeff_patch.guadalupe_{plain} (LIKE coeff_patch.iron_{plain} "
            f"INCLUDING ALL); "
            f"INSERT INTO coeff_patch.guadalupe_{plain} SELECT * FROM coeff_patch.iron_{plain}"
        )
    return loaded


def test_the_procedure_in_psql(cluster, three, connection):
    wrong = {
        (name, table): coefficients(connection, name, table)
        for name in ("guadalupe", "fuji", "iron")
        for table in CHECKED
    }
    script = render()
    log = psql(cluster, three, script)
    steps = [log.index(f"LOCK TABLE {name}.zpix") for name in ("guadalupe", "fuji", "iron")]
    assert steps == sorted(steps)
    for name in ("guadalupe", "fuji", "iron"):
        assert_same_tables(connection, name, "right_iron")
        assert f"VACUUM (FULL, VERBOSE, ANALYZE) {name}.ztile;" in log
        for table in CHECKED:
            saved = coefficients(connection, "coeff_patch", f"{name}_{table}_before")
            right = coefficients(connection, "right_iron", table)
            old = wrong[name, table]
            assert saved == {id: old[id] for id in old if old[id] != right[id]}
    moved = objects(connection)
    for plain in CHECKED.values():
        assert f"coeff_patch_fuji.{plain}" not in moved
        assert described(connection, "coeff_patch", f"fuji_{plain}") == [
            (kind, text.replace("iron", "fuji"), *rest)
            for kind, text, *rest in described(connection, "coeff_patch", f"iron_{plain}")
        ]

    again = psql(cluster, three, script)
    assert again.count("UPDATE 0\n") == again.count("INSERT 0 0\n") == 6
    assert objects(connection) == moved
    for part in ("revert", "revert"):
        psql(cluster, three, script, **{part: "on"})
        for (name, table), old in wrong.items():
            assert coefficients(connection, name, table) == old
    assert objects(connection) == moved

    psql(cluster, three, script)
    psql(cluster, three, script, datalab="on")
    psql(cluster, three, script, datalab="on")
    expected = {
        name.replace("fuji_z", "desi_edr_z").replace("iron_z", "desi_dr1_z")
        if "patch_" in name.partition(".")[2] or name.endswith("patch")
        else name
        for name in moved
        if not ("guadalupe" in name and "patch" in name.partition(".")[2])
    }
    assert objects(connection) == expected
    connection.execute(
        "ALTER SCHEMA fuji RENAME TO desi_edr; ALTER SCHEMA iron RENAME TO desi_dr1; "
        "UPDATE desi_edr.zpix SET coeff_2 = 2; UPDATE desi_dr1.ztile SET coeff_2 = 2"
    )
    psql(cluster, three, render("-p", "desi_edr", "-p", "desi_dr1"))  # step 6, at Data Lab
    for name in ("desi_edr", "desi_dr1"):
        assert_same_tables(connection, name, "right_iron")


def test_the_procedure_equals_the_commands(cluster, template, zall):
    """The same database, patched by psql and by the commands, is the same afterwards."""
    dumps = []
    for way in ("psql", "commands"):
        with copied_database(cluster, template) as conninfo:
            load(conninfo, patches_of("iron"), list(zall.values()))
            if way == "psql":
                psql(cluster, conninfo, render("--production", "iron"))
            else:
                assert run(conninfo, "apply", "-p", "iron", "--vacuum-full").exit_code == 0
            with psycopg.connect(conninfo) as connection:
                tables = [("iron", table) for table in CHECKED]
                tables += [("coeff_patch", f"iron_{t}_before") for t in CHECKED]
                frames = [read_table(connection, *table) for table in tables]
                shapes = [described(connection, *table) for table in tables]
                dumps.append((frames, shapes, objects(connection)))
    for one, other in zip(dumps[0][0], dumps[1][0], strict=True):
        assert_equal(one, other)
    assert dumps[0][1:] == dumps[1][1:]


def test_the_procedure_holds_the_statements_of_the_commands():
    script = render("--production", "guadalupe")
    for patch in patches_of("guadalupe"):
        statements = [patch.render(name) for name in ("lock", "sample", "create_backup", "save")]
        statements += [patch.render("update", values=v) for v in (patch.patch, patch.backup)]
        statements += [patch.render("vacuum_full")]
        statements += [
            patch.render(name, values=values).rstrip(";\n")
            for name in ("counts", "differences")
            for values in (patch.patch, patch.backup)
        ]
        statements += [patch.render("strangers").rstrip(";\n")]
        assert [text for text in statements if text not in script] == []
    assert (
        "ALTER TABLE IF EXISTS coeff_patch.iron_zpixpatch RENAME TO desi_dr1_zpixpatch;" in script
    )
    assert "DROP TABLE IF EXISTS coeff_patch.guadalupe_ztilepatch;" in script


@pytest.mark.parametrize(
    ("fault", "variables", "message"),
    [
        (
            "DELETE FROM iron.ztile WHERE id = (SELECT min(id) FROM iron.ztile)",
            {},
            '"counts do not match: {less} rows in the table, {n} in the patch, {less} in both"',
        ),
        (
            "DELETE FROM iron.ztile WHERE id = (SELECT id FROM coeff_patch.iron_ztile_before LIMIT 1)",
            {"revert": "on"},
            '"of {saved} saved rows only {fewer} are in the table"',
        ),
        (
            "UPDATE iron.ztile SET coeff_1 = 42",
            {},
            '"{saved} rows have neither their saved coefficients nor those of the patch"',
        ),
    ],
)
def test_the_procedure_stops(cluster, loaded, connection, fault, variables, message):
    applied = apply(loaded, patches_of("iron"))[1]
    connection.execute("UPDATE iron.zpix SET coeff_1 = 41 WHERE false")
    connection.execute(fault)
    before = contents(connection)
    errors = psql(cluster, loaded, render("-p", "iron"), code=3, **variables)
    n, saved = applied.rows, applied.saved
    expected = message.format(n=n, less=n - 1, saved=saved, fewer=saved - 1)
    assert f"ERROR:  invalid input syntax for type boolean: {expected}" in errors
    assert contents(connection) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["zpix", "--coeff-patch"], "--coeff-patch takes no tables and no --phase"),
        (["--phase", "keys", "--coeff-patch"], "--coeff-patch takes no tables and no --phase"),
        (["--schema", "f", "--production", "iron"], "--production is for --coeff-patch"),
        ([], "Missing option '-s' / '--schema'."),
    ],
)
def test_usage_of_render_ddl(arguments, message):
    done = CliRunner().invoke(render_ddl, arguments)
    assert done.exit_code == 2
    assert f"Error: {message}\n" in done.output


def test_one_schema_for_several_productions():
    done = CliRunner().invoke(render_ddl, ["--coeff-patch", "-p", "a", "-p", "b", "-s", "c"])
    assert isinstance(done.exception, ConfigurationError)
    assert str(done.exception) == "each production has a schema of its own; name one production"


def test_every_command_and_option_has_help():
    for name, command in coeff.commands.items():
        assert command.help, name
        options = [p for p in command.params if p.param_type_name == "option"]
        assert [p.name for p in options if not p.help] == []
    assert sorted(coeff.commands) == ["apply", "check", "extract", "load", "revert"]
    assert list(KINDS) == list(CHECKED)
