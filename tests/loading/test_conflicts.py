"""Tables made beforehand that are not as they are defined: refused before the first row."""

from __future__ import annotations

import psycopg
import pytest
from support.load_command import fuji

from specprod_copy.postgres import ddl
from specprod_copy.postgres.connection import connect
from specprod_copy.status import schema_status
from specprod_copy.tables import specprod_catalogue

__all__ = ["fuji"]

REST = "; 'specprod-copy diff' prints what would change that"
COLUMNS = {
    "type": ("ALTER TABLE fuji.tile ALTER tilera TYPE real", "tilera float4 NOT NULL, not tilera"),
    "missing": ("ALTER TABLE fuji.tile DROP tilera", "tilera float8 NOT NULL is missing"),
    "narrower": (
        "ALTER TABLE fuji.tile ALTER program TYPE varchar(6)",
        "program varchar(6) NOT NULL, not program varchar(8) NOT NULL",
    ),
    "nullable": (
        "ALTER TABLE fuji.exposure ALTER expid DROP NOT NULL",
        "expid int4, not expid int4 NOT NULL",
    ),
    "generated": (
        "ALTER TABLE fuji.tile DROP nexp, ADD nexp bigint NOT NULL "
        "GENERATED ALWAYS AS (tileid) STORED",
        "nexp int8 NOT NULL GENERATED (tileid), not nexp int8 NOT NULL",
    ),
    "ledger": ("ALTER TABLE fuji.load_ledger DROP quarantine", "quarantine jsonb NOT NULL is"),
}
PARTS = {
    "a rule": (
        "CREATE UNIQUE INDEX ON fuji.tile (tileid); ALTER TABLE fuji.exposure ADD CONSTRAINT "
        "exposure_tileid_fkey FOREIGN KEY (tileid) REFERENCES fuji.tile (tileid) "
        "MATCH FULL ON UPDATE SET NULL ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
        "exposure_tileid_fkey is FOREIGN KEY (tileid) REFERENCES tile (tileid) "
        "ON UPDATE SET NULL ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, "
        "not FOREIGN KEY (tileid) REFERENCES tile (tileid)",
    ),
    "a CHECK": (
        "ALTER TABLE fuji.exposure ADD CONSTRAINT exposure_tileid_fkey CHECK (tileid > 0)",
        "exposure_tileid_fkey is CHECK (tileid > 0), not FOREIGN KEY (tileid)",
    ),
    "another column": (
        "CREATE INDEX ix_exposure_night ON fuji.exposure (expid)",
        "ix_exposure_night is INDEX USING btree (expid), not INDEX USING btree (night)",
    ),
    "another table": (
        "CREATE TABLE fuji.mine (x int); CREATE INDEX ix_exposure_night ON fuji.mine (x)",
        "ix_exposure_night is to be its index, and belongs to table mine; rename it",
    ),
}


@pytest.fixture
def made(fuji):
    """A schema whose tables other programs have made, by the definition."""
    defined = specprod_catalogue().definition
    tables = ["schema", "tile", "exposure", "load_ledger"]
    with connect(fuji.conninfo) as connection:
        for statement in ddl.statements(defined, tables, ["table"], schema="fuji"):
            connection.execute(statement.sql.encode())
    return fuji


@pytest.mark.parametrize("way", [(), ("--dry-run",), ("--part", "1/2")], ids=str)
@pytest.mark.parametrize("change", ["type", "missing"])
def test_every_way_of_loading(made, change, way):
    statement, text = COLUMNS[change]
    with psycopg.connect(made.conninfo) as connection:
        connection.execute(statement)
    assert text in made.refuse("exposures", *way)


@pytest.mark.parametrize("change", COLUMNS)
def test_columns(made, change):
    statement, text = COLUMNS[change]
    with psycopg.connect(made.conninfo) as connection:
        connection.execute(statement)
    message = made.refuse("exposures")
    assert " is not as it is defined: " in message
    assert text in message
    assert REST in message
    with psycopg.connect(made.conninfo) as connection:
        conflicts = schema_status(connection, "fuji").conflicts
    assert len(conflicts) == 1


@pytest.mark.parametrize("change", PARTS)
def test_keys_and_indexes(made, change):
    statement, text = PARTS[change]
    with psycopg.connect(made.conninfo) as connection:
        connection.execute(statement)
    message = made.refuse("exposures")
    assert message.startswith("table fuji.exposure: ")
    assert text in message
    assert message == made.refuse("exposures", "--dry-run")


def test_what_is_right_is_used(made):
    made.run("exposures")
    assert made.query("SELECT count(*) > 0 FROM fuji.tile") == [(True,)]
