"""Demo productions of the second format, loaded by the command, against a join by astropy."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import psycopg
import pytest
from astropy.table import Table, vstack
from click.testing import CliRunner
from psycopg.rows import dict_row

from specprod_copy.cli import cli

VARIANTS = {
    "uniqpix": ("--per-survey",),
    "healpix, wide": ("--pixels", "healpix", "--types", "wide"),
    "old QN": ("--old-qn",),
    "fewer columns": tuple(
        option
        for column in ("Z_CONF", "OBJTYPE", "EFFTIME_SPEC", "GOOD_Z_LYA", "C_MgII", "FIBER")
        for option in ("--without", column)
    ),
    "per survey": ("--no-zall",),
}
KEYS = {"zpix": ("TARGETID", "SURVEY", "PROGRAM"), "ztile": ("TARGETID", "TILEID")}


def run(*command: str) -> str:
    done = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def schema_of(name: str) -> str:
    return name.replace(", ", "_").replace(" ", "_").lower()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory, module_database):
    """Return the roots of all variants, of the same targets, each loaded into its own schema."""
    roots = {}
    for name, options in VARIANTS.items():
        roots[name] = root = tmp_path_factory.mktemp("demo")
        tiny = ["--tiles", "4", "--targets", "40"]
        run("demo", str(root), "--specprod", "matterhorn", *tiny, *options)
        where = ["--root", str(root), "--config", str(root / "productions-matterhorn.toml")]
        where += ["--specprod", "matterhorn", "--schema", schema_of(name)]
        run("load", "redshift", *where, "--dsn", module_database)
    with psycopg.connect(module_database, row_factory=dict_row, autocommit=True) as connection:
        yield roots, connection


def rows_of(connection: psycopg.Connection, name: str, table: str) -> dict[tuple, dict]:
    found = connection.execute(f"SELECT * FROM {schema_of(name)}.{table}", binary=True)
    return {tuple(row[key.lower()] for key in KEYS[table]): row for row in found}


def joined(root: Path, table: str) -> tuple[Table, Table, str]:
    """Return core and extra row by row, and SPGRP, of all catalogs of a kind."""
    folder = root / "spectro/redux/matterhorn/zcatalog/v2"
    kind = {"zpix": "pix", "ztile": "tilecumulative"}[table]
    paths = [folder / "zall" / f"zall-{kind}-matterhorn.fits"]
    if not paths[0].exists():
        ends = "-cumulative" if table == "ztile" else ""
        paths = [
            path
            for path in sorted(folder.rglob(f"{table}-*{ends}.fits"))
            if path.stem.count("-") == 2 + len(ends[:1])
            and not path.stem.endswith(("-extra", "-imaging", "-expfibermap"))
        ]
    cores, extras = [], []
    for path in paths:
        core = Table.read(path, 1, mask_invalid=False)
        for keyword in ("SURVEY", "PROGRAM"):
            if keyword not in core.colnames:
                core[keyword] = core.meta[keyword]
        cores.append(core)
        extras.append(Table.read(path.with_stem(f"{path.stem}-extra"), 1, mask_invalid=False))
    spgrp = cores[0].meta["SPGRP"]
    core, extra = (vstack(t, metadata_conflicts="silent") for t in (cores, extras))
    assert (core["TARGETID"] == extra["TARGETID"]).all()
    targetid = np.asarray(core["TARGETID"])
    science = (targetid > 0) & ((targetid >> 59) & 1 == 0)
    return core[science], extra[science], spgrp


def plain(value: object) -> object:
    if value is np.ma.masked:  # A bitmask of another survey, where catalogs are stacked.
        return 0
    if isinstance(value, np.ndarray):
        return [plain(element) for element in value]
    if isinstance(value, bytes):
        value = value.decode()
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and math.isnan(value):
        return -9999.0
    return value.rstrip() if isinstance(value, str) else value


def sources(model: dict, table: str, core: Table, extra: Table) -> dict[str, list[object]]:
    """Return the values of the table's columns, by the mapping of the data model."""
    found: dict[str, list[object]] = {}
    described = {
        column: (entry["source"].split()[0], entry["source_column"])
        for column, entry in model["mapping"][table].items()
    }
    for entry in model["mapping"]["new_columns"]:
        if table in entry["tables"]:
            described[entry["name"]] = tuple(entry["source"].split())
    for column, (kind, name) in described.items():
        if kind in ("derived", "header"):
            continue
        name, _, element = name.partition("[")
        at = {"core": core, "extra": extra}[kind]
        # Old QN, and HEALPIX of several sizes.
        if name not in at.colnames and column in model["mapping"][table]:
            at, name = extra, name.removesuffix("_BEST")
        if name in at.colnames:
            values = at[name][:, int(element[:-1])] if element else at[name]
            if column in ("coeff_best", "coeff_new"):
                values = values.astype("f4")  # Of type real[], whatever the files have.
            found[column] = [plain(value) for value in values]
        elif column.endswith("_target"):
            found[column] = [0] * len(core)
    return found


@pytest.mark.parametrize("table", KEYS)
@pytest.mark.parametrize("name", VARIANTS)
def test_equals_a_join_by_the_data_model(loaded, shared, name, table):
    roots, connection = loaded
    model = json.loads((shared / "datamodel" / "zcatalog_v2.json").read_text())
    core, extra, spgrp = joined(roots[name], table)
    rows = rows_of(connection, name, table)
    keys = list(zip(*([plain(v) for v in core[key]] for key in KEYS[table]), strict=True))
    assert len(rows) == len(keys) == len(set(keys)) > 20
    expected = sources(model, table, core, extra)
    if name == "per survey":  # They count their own spectra only.
        expected = {c: v for c, v in expected.items() if not c.endswith(("_nspec", "_primary"))}
    columns = set(next(iter(rows.values())))
    assert {*expected} <= columns
    computed = {"id", "spgrp", *(["targetphotid"] if table == "ztile" else [])}
    if name == "per survey":
        computed |= {c for c in columns if c.endswith(("_nspec", "_primary"))}
    assert columns - {*expected} == computed
    for column in columns & {*expected}:
        assert [rows[key][column] for key in keys] == expected[column], column
    assert {row["spgrp"] for row in rows.values()} == {spgrp}


@pytest.mark.parametrize("table", KEYS)
def test_primary_spectra_without_a_zall_catalog(loaded, table):
    """They are chosen by EFFTIME_SPEC, as in the zall catalog of the same spectra."""
    _, connection = loaded
    zall, each = (rows_of(connection, name, table) for name in ("uniqpix", "per survey"))
    names = [f"{scope}_{what}" for scope in ("sv", "main", "zcat") for what in ("nspec", "primary")]
    assert {key: [row[n] for n in names] for key, row in each.items()} == {
        key: [row[n] for n in names] for key, row in zall.items()
    }
    assert sum(row["zcat_nspec"] > 1 for row in zall.values()) > 3


def test_primary_changes_nothing(loaded, module_database):
    for name in VARIANTS:
        schema = schema_of(name)
        output = run("primary", "--schema", schema, "--dsn", module_database)
        assert output == f"{schema}.zpix: 0 rows changed\n{schema}.ztile: 0 rows changed\n"
