"""Names without a schema: whose they may be, and whether q3c is among them."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from specprod_copy.doctor.findings import Finding
from specprod_copy.postgres.identifiers import quote_identifier
from specprod_copy.postgres.search_path import others_may_create, q3c_schema, usual_path


def check_names(connection: psycopg.Connection) -> Iterator[Finding]:
    """Yield who else may make operators and functions that people's sessions use, and q3c's place.

    The loader's own sessions see none of them, and call q3c by the name of its schema.
    """
    path = usual_path(connection)
    q3c = q3c_schema(connection)
    seen = dict.fromkeys([*path, *([q3c] if q3c else [])])
    others = {schema: roles for schema in seen if (roles := others_may_create(connection, schema))}
    where = [f"{', '.join(roles)} may make some in schema {name}" for name, roles in others.items()]
    # PUBLIC is no role: its name is not quoted.
    remedy = tuple(
        f"REVOKE CREATE ON SCHEMA {quote_identifier(schema)} "
        f"FROM {role if role == 'PUBLIC' else quote_identifier(role)};"
        for schema, roles in others.items()
        for role in roles
    )
    yield Finding(
        "server",
        "others' names",
        "; ".join(where) or "nobody else may make operators or functions in the usual schemas",
        "advice" if others else "ok",
        "nobody else" if others else "",
        "an operator or a function there can run in the place of the server's own, with the rights "
        "of whoever asks; a load does not see it, people's sessions do",
        remedy=remedy,
    )
    if q3c is None:
        return
    reached = q3c in path
    change = f"ALTER DATABASE {quote_identifier(connection.info.dbname)}"
    place = quote_identifier(q3c)
    yield Finding(
        "server",
        "q3c by name",
        "reached" if reached else f"schema {q3c} is not in the search_path of this role",
        "ok" if reached else "advice",
        "" if reached else f"{q3c} in the search_path of those who search on the sky",
        "a load finds q3c anywhere; its search functions call one another by bare names, so people "
        "need its schema in their search_path",
        remedy=() if reached else (f'{change} SET search_path = "$user", public, {place};',),
    )
