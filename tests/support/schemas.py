"""A schema with all tables, and changes that make it another one."""

from __future__ import annotations

import psycopg
from psycopg import sql

from specprod_copy.postgres import ddl
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.search_path import q3c_schema
from specprod_copy.tables import specprod_catalogue

PHASES = [phase for phase in ddl.PHASES if phase not in ("cluster", "grants")]


_Q3C = sql.SQL("CREATE EXTENSION q3c SCHEMA {}")
_IN_ITS_PLACE = sql.SQL(
    "CREATE OR REPLACE FUNCTION {}.q3c_ang2ipix(float8, float8) RETURNS bigint "
    "LANGUAGE sql IMMUTABLE AS 'SELECT 1::bigint'"
)
"""What indexes call, for a server that has no q3c."""


def build(
    connection: psycopg.Connection,
    name: str,
    q3c: str | None = "public",
    defined: Schema | None = None,
) -> None:
    """Make a schema with all its tables; q3c in a schema of its choice."""
    if q3c is not None and q3c_schema(connection) != q3c:
        place = sql.Identifier(q3c)
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(place))
        connection.execute("DROP EXTENSION IF EXISTS q3c")
        there = "SELECT 1 FROM pg_available_extensions WHERE name = 'q3c'"
        make = _Q3C if connection.execute(there).fetchone() else _IN_ITS_PLACE
        connection.execute(make.format(place))
    phases = [phase for phase in PHASES if q3c is not None or phase != "q3c"]
    defined = defined or specprod_catalogue().definition
    tables = ["schema", *defined.tables]
    for statement in ddl.statements(defined, tables, phases, schema=name, q3c=q3c or "public"):
        if "EXTENSION" not in statement.sql:
            connection.execute(statement.sql.encode())


CHANGES = {
    "a table is gone": ("DROP TABLE {s}.zpix", "zpix", "table", "zpix is missing"),
    "a table is unknown": ("CREATE TABLE {s}.other (x int)", "other", "table", "other is unknown"),
    "a column is gone": (
        "ALTER TABLE {s}.frame DROP COLUMN ebv",
        "frame",
        "column",
        "ebv is missing",
    ),
    "a column is unknown": (
        "ALTER TABLE {s}.frame ADD COLUMN x int",
        "frame",
        "column",
        "x is unknown",
    ),
    "another type": (
        "ALTER TABLE {s}.zpix ALTER COLUMN zwarn TYPE int4",
        "zpix",
        "column",
        "zwarn int4 NOT NULL, not zwarn int8 NOT NULL",
    ),
    "another length": (
        "ALTER TABLE {s}.zpix ALTER COLUMN desiname TYPE varchar(21)",
        "zpix",
        "column",
        "desiname varchar(21) NOT NULL, not desiname varchar(22) NOT NULL",
    ),
    "NOT NULL lost": (
        "ALTER TABLE {s}.zpix ALTER COLUMN z DROP NOT NULL",
        "zpix",
        "column",
        "z float8, not z float8 NOT NULL",
    ),
    "another default": (
        "ALTER TABLE {s}.load_ledger ALTER COLUMN rows_quarantined SET DEFAULT 1",
        "load_ledger",
        "default",
        "rows_quarantined is 1, not 0",
    ),
    "another comment": (
        "COMMENT ON COLUMN {s}.zpix.z IS NULL",
        "zpix",
        "comment",
        "z is none, not Redshift from Redrock (UCD src.redshift)",
    ),
    "no primary key": (
        "ALTER TABLE {s}.zpix DROP CONSTRAINT zpix_pkey",
        "zpix",
        "key",
        "zpix_pkey is missing",
    ),
    "a CHECK with a foreign key's name": (
        "ALTER TABLE {s}.zpix DROP CONSTRAINT zpix_targetid_fkey, "
        "ADD CONSTRAINT zpix_targetid_fkey CHECK (targetid <> 0)",
        "zpix",
        "reference",
        "zpix_targetid_fkey is CHECK (targetid <> 0), "
        "not FOREIGN KEY (targetid) REFERENCES photometry (targetid)",
    ),
    "a foreign key that is not valid": (
        "ALTER TABLE {s}.zpix DROP CONSTRAINT zpix_targetid_fkey, "
        "ADD CONSTRAINT zpix_targetid_fkey FOREIGN KEY (targetid) "
        "REFERENCES {s}.photometry (targetid) NOT VALID",
        "zpix",
        "reference",
        "zpix_targetid_fkey is FOREIGN KEY (targetid) REFERENCES photometry (targetid) NOT VALID, "
        "not FOREIGN KEY (targetid) REFERENCES photometry (targetid)",
    ),
    "an index on another column": (
        "DROP INDEX {s}.ix_zpix_z; CREATE INDEX ix_zpix_z ON {s}.zpix (zwarn)",
        "zpix",
        "index",
        "ix_zpix_z is INDEX USING btree (zwarn), not INDEX USING btree (z)",
    ),
    "an index of another kind": (
        "DROP INDEX {s}.ix_zpix_z; CREATE INDEX ix_zpix_z ON {s}.zpix USING brin (z)",
        "zpix",
        "index",
        "ix_zpix_z is INDEX USING brin (z), not INDEX USING btree (z)",
    ),
    "an index of some rows": (
        "DROP INDEX {s}.ix_zpix_z; CREATE INDEX ix_zpix_z ON {s}.zpix (z) WHERE spectype = 'QSO'",
        "zpix",
        "index",
        "ix_zpix_z is INDEX USING btree (z) WHERE spectype = 'QSO', not INDEX USING btree (z)",
    ),
    "an index that lost its rows": (
        "UPDATE pg_index SET indisvalid = false FROM pg_class i, pg_namespace n "
        "WHERE i.oid = indexrelid AND n.oid = relnamespace AND relname = 'ix_zpix_z'",
        "zpix",
        "index",
        "ix_zpix_z is INDEX USING btree (z), not valid, not INDEX USING btree (z)",
    ),
    "an index in the other direction": (
        "DROP INDEX {s}.ix_zpix_z; CREATE INDEX ix_zpix_z ON {s}.zpix (z DESC)",
        "zpix",
        "index",
        "ix_zpix_z is INDEX USING btree (z desc), not INDEX USING btree (z)",
    ),
    "an index that no longer is unique": (
        "DROP INDEX {s}.ix_zpix_unique; "
        "CREATE INDEX ix_zpix_unique ON {s}.zpix (targetid, survey, program)",
        "zpix",
        "index",
        "ix_zpix_unique is INDEX USING btree (targetid, survey, program), "
        "not UNIQUE INDEX USING btree (targetid, survey, program)",
    ),
    "q3c with swapped columns": (
        "DROP INDEX {s}.ix_tile_q3c_ang2ipix; CREATE INDEX ix_tile_q3c_ang2ipix "
        'ON {s}.tile ("The ""sky""".q3c_ang2ipix(tiledec, tilera))',
        "tile",
        "index",
        "ix_tile_q3c_ang2ipix is INDEX USING btree (q3c_ang2ipix(tiledec, tilera)), "
        "not INDEX USING btree (q3c_ang2ipix(tilera, tiledec))",
    ),
    "a rule for the values": (
        "ALTER TABLE {s}.zpix ADD CONSTRAINT more CHECK (z > 0 AND survey = 'main')",
        "zpix",
        "check",
        "more is unknown",
    ),
}
