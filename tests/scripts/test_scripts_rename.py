"""The post-processing script that renames schemas, and tables in them."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from support.reference import data_tables
from support.script_runner import BARE, Psql

from specprod_copy.postgres import ddl
from specprod_copy.tables import specprod_catalogue


@pytest.fixture
def psql(cluster, module_database) -> Iterator[Psql]:
    with Psql.opened(cluster, module_database) as opened:
        yield opened


def test_rename_to_the_public_name(psql):
    """Word parts that carry the old name are renamed, other names stay, rows and views live on."""
    psql.build(
        "fuji",
        data_tables(),
        [*BARE, "indexes", "foreign_keys"],
    )
    psql.execute("CREATE TABLE fuji.fuji_fuji (fuji int CONSTRAINT x_fuji CHECK (fuji > 0))")
    psql.execute("CREATE INDEX ix_fuji_fuji_z ON fuji.fuji_fuji (fuji)")
    psql.execute("CREATE INDEX ix_fujita_z ON fuji.fuji_fuji (fuji)")
    psql.execute("CREATE SEQUENCE fuji.no_fuji_")
    psql.execute("CREATE VIEW public.v AS SELECT package FROM fuji.version")
    before = psql.names("fuji")
    variables = {"schema": "fuji", "new_schema": "desi_edr"}
    output = psql.ok("rename_schema", "-At", **variables)
    assert output.splitlines() == [
        "ALTER TABLE fuji.fuji_fuji RENAME CONSTRAINT x_fuji TO x_desi_edr",
        "ALTER TABLE fuji.fuji_fuji RENAME TO desi_edr_desi_edr",
        "ALTER TABLE fuji.ix_fuji_fuji_z RENAME TO ix_desi_edr_desi_edr_z",
        "ALTER TABLE fuji.no_fuji_ RENAME TO no_desi_edr_",
        "ALTER SCHEMA fuji RENAME TO desi_edr",
    ]
    carry = {"x_fuji", "fuji_fuji", "ix_fuji_fuji_z", "no_fuji_"}
    expected = before - carry | {name.replace("fuji", "desi_edr") for name in carry}
    assert psql.names("desi_edr") == expected
    psql.execute("INSERT INTO desi_edr.version (package, version) VALUES ('a', '1')")
    assert psql.scalar("SELECT package FROM public.v") == "a"
    assert psql.ok("rename_schema", "-At", **variables) == ""
    assert psql.names("desi_edr") == expected
    psql.execute("CREATE SCHEMA fuji")
    assert psql.error("rename_schema", **variables) == 'schema "desi_edr" already exists'


def test_who_reads_is_in_the_way(psql, module_database):
    """It gives up, and those who come later wait no longer; nothing is renamed."""
    psql.build("guadalupe", ["version"], ["table"])
    variables = {"schema": "guadalupe", "new_schema": "elsewhere"}
    with psycopg.connect(module_database) as reader:
        reader.execute("SELECT * FROM guadalupe.version")
        psql.execute("CREATE TABLE guadalupe.guadalupe_table (id integer)")
        reader.execute("SELECT * FROM guadalupe.guadalupe_table")
        said = psql.error("rename_schema", **variables)
        assert said == "canceling statement due to lock timeout"
        assert reader.execute("SELECT count(*) FROM guadalupe.version").fetchone() == (0,)
    assert psql.ok("rename_schema", "-At", **variables) != ""


def test_coefficient_patches_share_a_schema(psql):
    patches = ("zpixpatch", "ztilepatch")
    carried = [
        statement.makes.name
        for statement in ddl.statements(
            specprod_catalogue().definition, patches, ["keys", "indexes"], schema="s"
        )
        if statement.makes
    ]

    def patch_names(production: str) -> set[str]:
        indexes = {
            f"ix_{production}_{name[3:]}" if name.startswith("ix_") else f"{production}_{name}"
            for name in carried
        }
        return indexes | {f"{production}_{table}" for table in patches}

    def without_not_null(schema: str) -> set[str]:
        return {name for name in psql.names(schema) if not name.endswith("_not_null")}

    for production in ("iron", "fuji"):
        psql.build(production, patches, [*BARE, "indexes"])
        psql.insert("zpixpatch", [{"id": 1, "coeff_0": 2.5}], production)
        psql.execute(f"CREATE VIEW public.{production} AS SELECT * FROM {production}.zpixpatch")
        move = {"schema": production, "new_schema": "coeff_patch", "prefix": production}
        psql.ok("rename_schema", **move)
        assert psql.ok("rename_schema", "-At", **move) == ""
    assert without_not_null("coeff_patch") == patch_names("iron") | patch_names("fuji")
    assert psql.names("iron") == set()
    rename = {"schema": "iron", "new_schema": "dr1_iron", "within": "coeff_patch"}
    psql.ok("rename_schema", **rename)
    assert psql.ok("rename_schema", "-At", **rename) == ""
    assert without_not_null("coeff_patch") == patch_names("dr1_iron") | patch_names("fuji")
    assert psql.scalar("SELECT coeff_0 FROM coeff_patch.dr1_iron_zpixpatch") == 2.5
    assert psql.scalar("SELECT coeff_0 FROM public.iron") == 2.5
    psql.build("fuji", patches)
    assert psql.error("rename_schema", **move) == (
        'relation "fuji_zpixpatch" already exists in schema "coeff_patch"'
    )
    assert "zpixpatch" in psql.names("fuji")


def test_a_move_takes_everything_along(psql):
    """Also foreign keys, views, sequences of their own; names that have the prefix keep it."""
    psql.build("a", ["version", "tile", "exposure"], [*BARE, "foreign_keys"])
    psql.execute("CREATE TABLE a.p_extra (i int CONSTRAINT positive CHECK (i > 0))")
    psql.execute("CREATE INDEX ix_p_extra_i ON a.p_extra (i)")
    psql.execute("CREATE SEQUENCE a.alone")
    psql.execute("CREATE VIEW a.v AS SELECT package FROM a.version")
    psql.ok("rename_schema", schema="a", new_schema="b", prefix="p")
    assert psql.names("a") == set()
    plain = {name for name in psql.names("b") if not name.endswith("_not_null")}
    assert plain - {"p_extra", "ix_p_extra_i"} == {
        *("p_version", "p_version_pkey", "p_version_package_key", "p_version_id_seq"),
        *("p_tile", "p_tile_pkey", "p_exposure", "p_exposure_pkey", "p_exposure_tileid_fkey"),
        *("p_positive", "p_alone", "p_v"),
    }
    assert {"p_extra", "ix_p_extra_i"} < plain
    psql.execute("INSERT INTO b.p_version (package, version) VALUES ('a', '1')")
    assert psql.scalar("SELECT package FROM b.p_v") == "a"
    assert psql.scalar("SELECT last_value FROM b.p_version_id_seq") == 1
    assert psql.scalar("SELECT nextval('b.p_alone')") == 1


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"new_schema": "s"}, 'schema and new_schema are both "s"'),
        ({"prefix": "é" * 27}, f'nothing renamed: "{"é" * 27}_tile_pkey" has more than 63 bytes'),
        ({"new_schema": "n" * 64}, f'nothing renamed: "{"n" * 64}" has more than 63 bytes'),
        ({"within": "nope"}, 'schema "nope" does not exist'),
        (
            {"within": "s", "prefix": "p"},
            "prefix and within exclude each other: prefix moves tables, within only renames them",
        ),
    ],
)
def test_refused_renames(psql, variables, message):
    psql.build("s", ["tile"])
    before = psql.names("s")
    assert (
        psql.error("rename_schema", **({"schema": "s", "new_schema": "n"} | variables)) == message
    )
    assert psql.names("s") == before
