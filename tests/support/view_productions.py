"""Productions of a few spectra, over which views are made."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from specprod_copy.postgres import statements
from specprod_copy.tables import Layout, specprod_catalogue
from support.outcome import outcome

V1 = specprod_catalogue()
V2 = specprod_catalogue(Layout(2, optional=frozenset({("zpix", "z_rr"), ("ztile", "z_rr")})))

OLD, ODD, NEW = "fuji", 'Iron; "x"', "loa"
"""Schemas: the oldest, one with a name that needs quotes, and one of the second format."""

TABLES = ("tile", "photometry", "target", "zpix", "ztile")
PHASES = ("table", "keys", "indexes", "foreign_keys", "validation", "comments")
ZEROS = {"varchar": "", "text": "", "bool": False, "_float4": [], "timestamptz": "2021-05-17"}

SPECTRA = {
    OLD: [(1, "sv1", 0.1, True), (1, "sv3", 0.11, False), (2, "sv3", 0.2, True)],
    ODD: [(1, "main", 0.12, True), (3, "main", 0.3, True)],
    NEW: [(3, "main", 0.31, True), (4, "main", 0.4, True), (4, "sv3", 0.41, False)],
}
"""Target, survey, redshift, and whether it is the primary spectrum."""


def insert(connection, definition, schema, table, **values):
    columns = [c for c in definition.tables[table].columns if not c.default]
    row = {c.name: ZEROS.get(c.type, 0) for c in columns} | values
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(schema, table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Literal, row.values())),
        )
    )


def make_production(connection, schema, catalogue, spectra, q3c):
    phases = [*PHASES, *(["q3c"] if q3c else [])]
    statements.make(connection, catalogue.definition, ["schema"], ["table"], schema=schema)
    statements.make(connection, catalogue.definition, TABLES, phases, schema=schema)

    def add(table, **values):
        insert(connection, catalogue.definition, schema, table, **values)

    add("tile", tileid=7)
    for target in dict.fromkeys(target for target, *_ in spectra):
        add("photometry", targetid=target, ra=target * 10.0, dec=5.0)
        add("target", id=target, targetid=target, tileid=7)
    for number, (target, survey, z, primary) in enumerate(spectra):
        own = {"targetid": target, "survey": survey, "z": z, "zcat_primary": primary}
        # More than a float holds.
        own |= {"id": 2**90 + number, "spectype": "QSO" if z > 0.3 else "GALAXY"}
        add("zpix", **own)
        add("ztile", **own, targetphotid=target, tileid=7, spgrpval=number)


@pytest.fixture(scope="module")
def dsn(module_database):
    with psycopg.connect(module_database, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'q3c'")
        q3c = found.fetchone() is not None
        if q3c:
            connection.execute("CREATE EXTENSION IF NOT EXISTS q3c SCHEMA public")
        for schema, catalogue in ((OLD, V1), (ODD, V1), (NEW, V2)):
            make_production(connection, schema, catalogue, SPECTRA[schema], q3c)
    return module_database


@pytest.fixture
def connection(dsn):
    with psycopg.connect(dsn, autocommit=True) as opened:
        yield opened


def run(dsn, *arguments):
    return outcome("views", "--dsn", dsn, *arguments)
