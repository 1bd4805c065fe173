"""Names without a schema: what they mean in our sessions, and who could give them a meaning.

An operator or a function that fits the types of its arguments better than that of pg_catalog is
taken from whatever schema of the search_path has it, the last one too. It runs with the rights of
the session. So our sessions see no schema in which somebody else may make one.
"""

from __future__ import annotations

from typing import Final

import psycopg

SEARCH_PATH: Final = "pg_catalog, pg_temp"
"""What our sessions see: the server's own names, and, where none fits, temporary tables.

Without its name the schema of temporary tables would come first.
"""


def protect(connection: psycopg.Connection) -> None:
    """Set the search_path of a session; to be called before anything else.

    Not by the option of the connection's start: poolers refuse that one, and it would stand in the
    place of the user's own options. A SET looks up no operator or function.
    """
    connection.execute(f"SET search_path = {SEARCH_PATH}".encode())


def q3c_schema(connection: psycopg.Connection, *, usable: bool = False) -> str | None:
    """Return the schema that the extension q3c is in, None if this database does not have it.

    With `usable` None as well if this role may not use what is in that schema.
    """
    query = """SELECT nspname FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace
               WHERE extname = 'q3c' AND (NOT %s OR has_schema_privilege(n.oid, 'USAGE'))"""
    row = connection.execute(query, (usable,)).fetchone()
    return None if row is None else str(row[0])


def usual_path(connection: psycopg.Connection) -> list[str]:
    """Return the schemas that this role's sessions see unless they say otherwise, in order.

    Those that do not exist are left out, and so are the server's own, and temporary ones.
    """
    # PostgreSQL alone knows how to read the setting: so it is asked in a transaction of its own.
    with connection.transaction(force_rollback=True):
        connection.execute(
            """SELECT set_config('search_path', reset_val, true)
               FROM pg_settings WHERE name = 'search_path'"""
        )
        [(schemas,)] = connection.execute("SELECT pg_catalog.current_schemas(false)").fetchall()
    return [name for name in schemas if name != "pg_catalog" and not name.startswith("pg_temp")]


def others_may_create(connection: psycopg.Connection, schema: str) -> list[str]:
    """Return the roles that may make objects in a schema, ``PUBLIC`` for everybody.

    Without superusers, the owner of the schema and the owner of the database, whom everybody has
    to trust, and without the role itself.
    """
    query = """
        SELECT DISTINCT coalesce(rolname, 'PUBLIC')::text
        FROM pg_namespace n
        CROSS JOIN LATERAL aclexplode(coalesce(nspacl, acldefault('n', nspowner))) AS entry
        LEFT JOIN pg_roles r ON r.oid = entry.grantee
        WHERE nspname = %s AND entry.privilege_type = 'CREATE' AND entry.grantee <> nspowner
          AND NOT coalesce(rolsuper OR rolname IN (current_user, 'pg_database_owner'), false)
          AND entry.grantee <> (SELECT datdba FROM pg_database WHERE datname = current_database())
        ORDER BY 1"""
    return [name for (name,) in connection.execute(query, (schema,))]
