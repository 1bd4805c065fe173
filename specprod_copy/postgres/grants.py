"""Rights that somebody has given to tables and views, and the statements that give them again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

import psycopg
from psycopg import sql

from specprod_copy.postgres.names import listed

PUBLIC: Final = "public"
"""Everybody, as in SQL: no role can have this name."""

_QUERY: Final = """
    SELECT relname, coalesce(attname, ''), privilege_type,
           CASE grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(grantee)::text END AS role,
           bool_or(is_grantable)
    FROM (SELECT oid, NULL AS attname, 0 AS attnum, relacl AS acl FROM pg_class
          UNION ALL
          SELECT attrelid, attname, attnum, attacl FROM pg_attribute
          WHERE NOT attisdropped) AS parts
    JOIN pg_class c USING (oid) CROSS JOIN LATERAL aclexplode(acl)
    WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND relname = ANY (%s)
      AND grantee <> relowner
    GROUP BY relname, attnum, attname, privilege_type, role
    ORDER BY role, relname, privilege_type, attnum"""


@dataclass(frozen=True)
class Grant:
    """A right of a role."""

    relation: str
    column: str
    """Empty if it is a right to all of the relation."""
    privilege: str
    role: str
    grantable: bool
    """Whether the role may give it to others."""

    def statement(self, schema: str) -> sql.Composed:
        """Return what gives it again."""
        return _statement(schema, [self.relation], [self])


def granted(connection: psycopg.Connection, schema: str, names: Sequence[str]) -> list[Grant]:
    """Return the rights to tables or views of a schema that others than their owners have."""
    return [Grant(*row) for row in connection.execute(_QUERY, (schema, [*names]))]


def role_name(role: str) -> sql.Composable:
    """Return a role as SQL."""
    return sql.SQL("PUBLIC") if role == PUBLIC else sql.Identifier(role)


def together(schema: str, grants: Iterable[Grant]) -> list[str]:
    """Return few statements that give rights again: one for all relations alike."""
    alike: dict[tuple[Grant, ...], list[str]] = {}

    def of_one(grant: Grant) -> tuple[str, bool, str]:
        return grant.role, grant.grantable, grant.relation

    for (_, _, relation), found in groupby(sorted(grants, key=of_one), of_one):
        rights = tuple(replace(grant, relation="") for grant in found)
        alike.setdefault(rights, []).append(relation)
    return [_statement(schema, names, rights).as_string() for rights, names in alike.items()]


def _statement(schema: str, relations: Sequence[str], grants: Sequence[Grant]) -> sql.Composed:
    """Return what gives a role the same rights to each of some relations."""
    columns: dict[str, list[str]] = {}
    for grant in grants:
        # A right to all of a relation may stand beside the same one to columns.
        text = f"{grant.privilege} ({{}})" if grant.column else grant.privilege
        columns.setdefault(text, []).append(grant.column)
    return sql.SQL("GRANT {} ON {} TO {}{}").format(
        sql.SQL(", ").join(sql.SQL(text).format(listed(of)) for text, of in columns.items()),
        sql.SQL(", ").join(sql.Identifier(schema, name) for name in relations),
        role_name(grants[0].role),
        sql.SQL(" WITH GRANT OPTION" if grants[0].grantable else ""),
    )
