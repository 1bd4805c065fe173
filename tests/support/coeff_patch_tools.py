"""What tests of the coefficient patch write, run and look at."""

from __future__ import annotations

import os
import subprocess
from importlib import import_module
from pathlib import Path

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from click.testing import CliRunner, Result
from psycopg import sql

from specprod_copy.cli.patch_coeff import coeff
from specprod_copy.desi.production import ProductionFiles, find_production
from support.reference import assert_equal, read_table

COEFFICIENTS = [f"coeff_{n}" for n in range(10)]
CHECKED = {"zpix": "zpixpatch", "ztile": "ztilepatch"}


def zall_files(root: Path, specprod: str = "iron") -> dict[str, Path]:
    files = ProductionFiles(find_production(specprod), root)
    return {"zpix": files.zall_pix(), "ztile": files.zall_tilecumulative()}


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


def change_once_open(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Have somebody write to a file of a catalog when `extract` has opened it to read its rows."""
    module = import_module("specprod_copy.coeff_patch.extract")
    real = module.Transform

    def changing(*arguments: object) -> object:
        os.utime(path, ns=(0, 0))
        return real(*arguments)

    monkeypatch.setattr(module, "Transform", changing)


def described(connection: psycopg.Connection, schema: str, table: str) -> list[tuple]:
    """Return columns and their types, constraints, indexes and comments of a table."""
    found = connection.execute(
        """SELECT 'column', attname::text, format_type(atttypid, atttypmod) || attnotnull,
                  coalesce(col_description(attrelid, attnum), 'none')
           FROM pg_attribute WHERE attrelid = %(table)s::regclass AND attnum > 0
           UNION SELECT 'constraint', conname::text, pg_get_constraintdef(oid), ''
           FROM pg_constraint WHERE conrelid = %(table)s::regclass
           UNION SELECT 'index', relname::text,
                  regexp_replace(pg_get_indexdef(oid), '.* USING', ''), indisunique::text
           FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indrelid = %(table)s::regclass
           UNION SELECT 'table', '', coalesce(obj_description(%(table)s::regclass), 'none'), ''""",
        {"table": f"{schema}.{table}"},
    )
    return sorted(found)


def psql(cluster, conninfo: str, script: str, *, code: int = 0, **variables: str) -> str:
    """Run a script through the real psql; return its output, or the errors if it fails."""
    settings = [f"--set={name}={value}" for name, value in variables.items()]
    command = [cluster.psql_command()[0], "-X", *settings, "-d", conninfo, "-f", "-"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout
