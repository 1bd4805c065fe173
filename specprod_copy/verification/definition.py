"""The columns that a table was made with, against those that it has."""

from __future__ import annotations

import re
from collections.abc import Sequence

import psycopg

from specprod_copy.postgres import ddl
from specprod_copy.postgres.columns import Column
from specprod_copy.verification.compare import counted
from specprod_copy.verification.results import Result

_COLUMN = re.compile(
    r"^ +(?P<name>\w+) +(?P<type>[a-z ]+?)(?:\((?P<length>\d+)\))?(?P<not_null> NOT NULL)?,?$",
    re.MULTILINE,
)


def defined_columns(connection: psycopg.Connection, table: str) -> list[Column]:
    """Return the columns of a table by its DDL.

    Parameters
    ----------
    connection : psycopg.Connection
        Is asked for the names of types in the catalog.
    table : str
    """
    found = [*_COLUMN.finditer(ddl.render_phase(table, "table", schema="any"))]
    types = connection.execute(
        """SELECT typname FROM unnest(%s::text[]) WITH ORDINALITY AS wanted(name, number)
           JOIN pg_type t ON t.oid = to_regtype(name) ORDER BY number""",
        ([match["type"] for match in found],),
    ).fetchall()
    return [
        Column(
            match["name"],
            type_name,
            match["not_null"] is not None,
            int(match["length"]) if match["length"] and type_name == "varchar" else None,
        )
        for match, (type_name,) in zip(found, types, strict=True)
    ]


def check_columns(table: str, defined: Sequence[Column], existing: Sequence[Column]) -> Result:
    """Return whether a table has the columns of its DDL.

    Where a type became narrower the files' values would become so as well, and be equal.

    Parameters
    ----------
    table : str
    defined, existing : sequence of Column
        By the DDL, and by the server.
    """
    there = {column.name: column for column in existing}
    wanted = {column.name: column for column in defined}
    problems = [f"{name} is missing" for name in wanted if name not in there]
    problems += [f"{name} is unknown" for name in there if name not in wanted]
    problems += [
        f"{_shown(there[name])}, not {_shown(column)}"
        for name, column in wanted.items()
        if name in there and there[name] != column
    ]
    detail = ", ".join(problems) or counted(len(defined), "column")
    return Result(not problems, "columns", table, detail)


def _shown(column: Column) -> str:
    return f"{column}{' NOT NULL' if column.not_null else ''}"
