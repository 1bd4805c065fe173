"""The server, and what the role may do there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.rows import dict_row

from specprod_copy.doctor.findings import Finding
from specprod_copy.doctor.names import check_names
from specprod_copy.postgres import catalog
from specprod_copy.postgres.connection import SESSION_SETTINGS
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.search_path import SEARCH_PATH
from specprod_copy.server.binaries import OLDEST_MAJOR

# What kind of session others have is hidden from an ordinary role; but those with a database are of
# clients, or of the server's few workers.
_FACTS = """
    WITH used AS (
        SELECT usename, datname FROM pg_stat_activity
        WHERE backend_type = 'client backend' OR backend_type IS NULL AND datid IS NOT NULL
    )
    SELECT current_user AS role, current_database() AS database,
           current_setting('server_version') AS version,
           current_setting('server_encoding') AS encoding,
           pg_is_in_recovery() AS standby,
           current_setting('transaction_read_only') = 'on' AS read_only,
           pg_backend_pid() AS pid,
           rolsuper AS superuser, rolconnlimit AS role_limit, datconnlimit AS database_limit,
           has_database_privilege(current_database(), 'CREATE') AS may_create,
           has_database_privilege(current_database(), 'TEMP') AS may_temp,
           current_setting('max_connections')::int
             - CASE WHEN rolsuper THEN 0
                    ELSE current_setting('superuser_reserved_connections')::int
                      + COALESCE(current_setting('reserved_connections', true)::int, 0)
               END AS slots,
           (SELECT count(*) FROM used) AS used,
           (SELECT count(*) FROM used WHERE usename = current_user) AS used_by_role,
           (SELECT count(*) FROM used WHERE datname = current_database()) AS used_by_database
    FROM pg_roles, pg_database
    WHERE rolname = current_user AND datname = current_database()"""

_TRUSTED = """
    SELECT to_jsonb(v) ->> 'trusted' = 'true'
    FROM pg_available_extension_versions v JOIN pg_available_extensions e USING (name)
    WHERE name = 'q3c' AND v.version = e.default_version"""
"""Whether an ordinary role may install q3c; to_jsonb because PostgreSQL 12 does not know."""


def ask(connection: psycopg.Connection) -> dict[str, Any]:
    """Return facts about server, database and role, under the names in the query."""
    with connection.cursor(row_factory=dict_row) as cursor:
        facts = cursor.execute(_FACTS).fetchone()
    assert facts is not None  # the role and the database exist: we are connected
    return facts


def check_server(connection: psycopg.Connection, facts: dict[str, Any]) -> Iterator[Finding]:
    """Yield version, encoding, state and q3c of the server."""
    old = connection.info.server_version < OLDEST_MAJOR * 10_000
    yield Finding(
        "server",
        "PostgreSQL",
        facts["version"],
        "advice" if old else "ok",
        f"{OLDEST_MAJOR} or later" if old else "",
        "older ones are not tried",
    )
    writes = not (facts["standby"] or facts["read_only"])
    yield Finding(
        "server",
        "takes changes",
        "yes" if writes else "no",
        "ok" if writes else "problem",
        "" if writes else "yes",
        "a standby: connect to its primary server"
        if facts["standby"]
        else "sessions are read-only: see default_transaction_read_only of the role and database",
    )
    unicode = facts["encoding"] in ("UTF8", "SQL_ASCII")
    yield Finding(
        "server",
        "encoding",
        facts["encoding"],
        "ok" if unicode else "advice",
        "" if unicode else "UTF8",
        "text that is not in the server's encoding is refused",
    )
    yield check_q3c(connection, facts)
    yield from check_names(connection)


def check_q3c(connection: psycopg.Connection, facts: dict[str, Any]) -> Finding:
    """Return whether there is q3c, and who can install it."""
    why = "without q3c searches on the sky read whole tables"
    installed = catalog.q3c_version(connection, installed=True)
    if installed is not None:
        return Finding("server", "q3c", f"{installed} in this database", why=why)
    available = catalog.q3c_version(connection)
    if available is None:
        return Finding(
            "server",
            "q3c",
            "not on the server",
            "advice",
            "installed",
            f"{why}; Debian and Ubuntu: package postgresql-NN-q3c, as an administrator",
        )
    trusted = connection.execute(_TRUSTED).fetchone() == (True,)
    value = f"{available} on the server, not in this database"
    if facts["superuser"] or (trusted and facts["may_create"]):
        return Finding("server", "q3c", f"{value}: the load is going to install it", why=why)
    return Finding(
        "server",
        "q3c",
        value,
        "advice",
        "installed",
        f"{why}; this role may not install it, a superuser has to",
        remedy=("CREATE EXTENSION q3c;",),
    )


def check_rights(
    connection: psycopg.Connection, facts: dict[str, Any], schema: str | None
) -> Iterator[Finding]:
    """Yield what the role may do, in the schema that is to be loaded or else in a new one."""
    role, name = facts["role"], facts["database"]
    yield Finding("rights", "role", f"{role}{', a superuser' if facts['superuser'] else ''}")
    if schema is not None and read_schema(connection, schema).exists:
        query = "SELECT has_schema_privilege(%s, 'CREATE')"
        may = connection.execute(query, (schema,)).fetchone() == (True,)
        right, where = "make tables", f"schema {schema}"
        remedy = f"GRANT CREATE, USAGE ON SCHEMA {_quoted(connection, schema)} TO"
    else:
        may = facts["may_create"]
        right, where = "make a schema", f"database {name}"
        remedy = f"GRANT CREATE ON DATABASE {_quoted(connection, name)} TO"
    yield Finding(
        "rights",
        right,
        f"{'may' if may else 'may not'}, in {where}",
        "ok" if may else "problem",
        "" if may else "may",
        "a load makes its tables itself",
        remedy=() if may else (f"{remedy} {_quoted(connection, role)};",),
    )
    temp = facts["may_temp"]
    grant = f"GRANT TEMP ON DATABASE {_quoted(connection, name)} TO {_quoted(connection, role)};"
    yield Finding(
        "rights",
        "make temporary tables",
        "may" if temp else "may not",
        "ok" if temp else "advice",
        "" if temp else "may",
        "single tiles (tile, sync) are merged from temporary tables",
        remedy=() if temp else (grant,),
    )
    left = connections_left(facts)
    yield Finding(
        "rights",
        "more connections",
        f"{left:,}",
        "ok" if left > 1 else "advice",
        "" if left > 1 else "more than 1",
        "a load with --jobs N takes N + 1; the limit is that of the role, the database or the "
        "server (max_connections)",
    )


def connections_left(facts: dict[str, Any]) -> int:
    """Return how many more connections the role can make."""
    limits = [facts["slots"] - facts["used"]]
    for kind in ("role", "database"):
        # A superuser's connections are not limited so.
        if facts[f"{kind}_limit"] >= 0 and not facts["superuser"]:
            limits.append(facts[f"{kind}_limit"] - facts[f"used_by_{kind}"])
    return max(0, min(limits))


def check_session(connection: psycopg.Connection) -> Iterator[Finding]:
    """Yield the settings of the loader's sessions, as they are after it has set them."""
    by_socket = connection.info.host.startswith(("/", "@"))
    for name, wanted in {"search_path": SEARCH_PATH, **SESSION_SETTINGS}.items():
        row = connection.execute("SELECT current_setting(%s, true)", (name,)).fetchone()
        value = row[0] if row else None
        if value is None:
            yield Finding("session", name, "unknown to this server", why="it is left out")
        elif value == wanted:
            yield Finding("session", name, value)
        elif by_socket and name.startswith("tcp_"):
            yield Finding("session", name, "not for a socket")
        else:
            why = "something between here and the server keeps the loader from setting it"
            yield Finding("session", name, value, "advice", wanted, why)


def _quoted(connection: psycopg.Connection, name: str) -> str:
    return psycopg.sql.Identifier(name).as_string(connection)
