"""Table ``version``: the software and the data behind the rows of a schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import metadata
from itertools import chain

import psycopg
from psycopg import sql

import specprod_copy
from specprod_copy.desi.production import Production
from specprod_copy.postgres import catalog, counted
from specprod_copy.postgres.foreign_code import keep_foreign_code_out
from specprod_copy.postgres.names import parametrized

_PACKAGES = ("astropy", "fitsio", "numpy", "polars", "psycopg", "pyarrow")
_LIMIT = 20


def versions(connection: psycopg.Connection, production: Production | None) -> Mapping[str, str]:
    """Return what the table holds: package (or kind of data) to version.

    Parameters
    ----------
    connection : psycopg.Connection
        Is asked for the versions of PostgreSQL and q3c.
    production : Production, optional
        Gives the versions of the data; none for what a table ``vac`` says the version of.

    Returns
    -------
    mapping
        In alphabetical order. A version is the public part of the package's (what comes before
        ``+``), of at most 20 characters, the width of the column.
    """
    found = {name: metadata.version(name) for name in _PACKAGES}
    found["specprod-copy"] = specprod_copy.__version__
    server = connection.info.parameter_status("server_version") or "unknown"
    found["PostgreSQL"] = server.split()[0]
    q3c = catalog.q3c_version(connection, installed=True)
    if q3c is not None:
        found["q3c"] = q3c
    if production is not None:
        found |= {
            "lsdr9-photometry": production.photometry,
            "redshift": production.redshift,
            "release": production.release,
            "specprod": production.name,
            "tiles": production.tiles,
        }
    public = {name: re.sub(r"\+.*", "", version)[:_LIMIT] for name, version in found.items()}
    return dict(sorted(public.items(), key=lambda item: item[0].lower()))


def upsert(connection: psycopg.Connection, schema: str, rows: Mapping[str, str]) -> None:
    """Write versions into the table: new packages get the next ids, known ones the new version.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    rows : mapping of str to str
        As `versions` returns it.
    """
    with connection.transaction():
        keep_foreign_code_out(connection, schema, ["version"])
        _upsert(connection, schema, rows)


def _upsert(connection: psycopg.Connection, schema: str, rows: Mapping[str, str]) -> None:
    table = parametrized(schema, "version")
    # Nothing is tried: a serial column uses up a number at each attempt; these ids are 1..n.
    query = sql.SQL("SELECT package, version FROM {}").format(sql.Identifier(schema, "version"))
    known: dict[str, str] = dict(connection.execute(query).fetchall())
    if new := [(version, package) for package, version in rows.items() if package not in known]:
        values = sql.SQL(", ").join([sql.SQL("(%s, %s)")] * len(new))
        insert = sql.SQL("INSERT INTO {} (version, package) VALUES {}").format(table, values)
        counted.execute(connection, schema, "version", insert, [*chain(*new)], len(new))
    update = sql.SQL("UPDATE {} SET version = %s WHERE package = %s").format(table)
    for package, version in rows.items():
        if known.get(package, version) != version:
            counted.execute(connection, schema, "version", update, (version, package), 1)
