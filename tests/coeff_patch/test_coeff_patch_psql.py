"""The procedure of the coefficient patch in the real psql."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql
from support.clusters import fresh_database
from support.coeff_patch_tools import (
    CHECKED,
    assert_same_tables,
    coefficients,
    contents,
    described,
    objects,
    psql,
    run,
)
from support.reference import assert_equal, read_table

from specprod_copy.cli.render_ddl import render_ddl
from specprod_copy.coeff_patch import apply, load, patches_of
from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres import ddl
from specprod_copy.tables import specprod_catalogue

pytest_plugins = ("support.coeff_patch_fixtures",)

WEIRD = "we\"ird %s %(x)s\n\\! touch canary\n'; $$ -- :name {{ schema }}"


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
        ddl.render_script(
            specprod_catalogue().definition, list(CHECKED.values()), schema="coeff_patch_fuji"
        ).encode()
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
        assert described(connection, "coeff_patch", f"fuji_{plain}") == sorted(
            (kind, text.replace("iron", "fuji"), *rest)
            for kind, text, *rest in described(connection, "coeff_patch", f"iron_{plain}")
        )

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
        with fresh_database(cluster, template) as conninfo:
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
        statements += [patch.render("unmatched_rows").rstrip(";\n")]
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
            "DELETE FROM iron.ztile WHERE id = (SELECT min(id) FROM coeff_patch.iron_ztile_before)",
            {"revert": "on"},
            '"of {saved} saved rows only {fewer} are in the table"',
        ),
        (
            "UPDATE iron.ztile SET coeff_1 = 42",
            {},
            '"{saved} rows have neither their saved coefficients nor those of the patch"',
        ),
        (
            "DELETE FROM iron.load_ledger WHERE entry = 'procedure coeff'",
            {"revert": "on"},
            '"{first} rows do not have their saved coefficients, and by the ledger no patch was '
            'applied since rows were loaded"',
        ),
        (
            "UPDATE iron.load_ledger SET loaded_at = now() WHERE stage <> 'procedure'",
            {"revert": "on"},
            '"{first} rows do not have their saved coefficients, and by the ledger no patch was '
            'applied since rows were loaded"',
        ),
        (
            "DROP TABLE iron.load_ledger; UPDATE iron.ztile SET coeff_1 = 42",
            {"revert": "on"},
            '"{saved} rows have neither their saved coefficients nor those of the patch"',
        ),
    ],
)
def test_the_procedure_stops(cluster, loaded, connection, fault, variables, message):
    first, applied = apply(loaded, patches_of("iron"))
    connection.execute(fault)
    before = contents(connection)
    errors = psql(cluster, loaded, render("-p", "iron"), code=3, **variables)
    n, saved = applied.rows, applied.saved
    expected = message.format(n=n, less=n - 1, saved=saved, fewer=saved - 1, first=first.saved)
    assert f"ERROR:  invalid input syntax for type boolean: {expected}" in errors
    assert contents(connection) == before


NOT_WITH_COEFF_PATCH = (
    "--coeff-patch takes no tables, no --phase, no --partitions, no --citus, no --specprod and no "
    "--root"
)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["zpix", "--coeff-patch"],
            NOT_WITH_COEFF_PATCH,
        ),
        (
            ["--phase", "keys", "--coeff-patch"],
            NOT_WITH_COEFF_PATCH,
        ),
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
