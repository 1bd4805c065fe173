"""Runs the SQL of templates on a connection."""

from __future__ import annotations

import psycopg

from specprod_copy.coeff_patch.patches import Patch
from specprod_copy.postgres import ddl


def run(
    connection: psycopg.Connection, patch: Patch, template: str, **names: ddl.Names
) -> psycopg.Cursor:
    """Run a template for a patch.

    Parameters
    ----------
    connection : psycopg.Connection
    patch : Patch
    template, **names
        As for `Patch.render`.
    """
    return connection.execute(patch.render(template, **names).encode())


def number(connection: psycopg.Connection, patch: Patch, template: str, **names: ddl.Names) -> int:
    """Run a template that counts, and return the number."""
    (count,) = run(connection, patch, template, **names).fetchall()[0]
    return int(count)
