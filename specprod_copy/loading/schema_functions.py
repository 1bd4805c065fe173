"""The functions in SQL that every schema gets."""

from __future__ import annotations

import psycopg

from specprod_copy.postgres import cone, own_functions
from specprod_copy.postgres.search_path import q3c_schema
from specprod_copy.results.file_functions import file_functions


def make_functions(connection: psycopg.Connection, schema: str) -> list[str]:
    """Make the functions of a schema, as far as they are missing or out of date.

    Returns
    -------
    list of str
        Why some could not be made.
    """
    wanted = [cone.function(q3c_schema(connection)), *file_functions()]
    return own_functions.make_functions(connection, schema, wanted)
