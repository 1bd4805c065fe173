"""The functions of a schema, where roles that may not replace them load."""

from __future__ import annotations

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from specprod_copy.loading.schema_functions import make_functions

OLD = "Whether the position ra, dec is within a radius of ra0, dec0; all in degrees (by q3c)"
"""What the function cone was said to be."""


def test_an_older_one_of_another_role(database, password_role):
    """It is said whose it is, and what is missing is made."""
    role, place = password_role
    name = sql.Identifier(role)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA x")
        connection.execute(sql.SQL("GRANT USAGE, CREATE ON SCHEMA x TO {}").format(name))
        assert make_functions(connection, "x") == []
        connection.execute(sql.SQL("COMMENT ON FUNCTION x.cone IS {}").format(OLD))
        [(owner,)] = connection.execute("SELECT current_user")
        old = (
            f"schema x has functions of role {owner} that are out of date: cone; a load by that "
            "role makes them again"
        )
        own = make_conninfo(place, user=role, password="secret")
        with psycopg.connect(own, autocommit=True) as other:
            connection.execute("DROP FUNCTION x.fiberassign_file")
            assert [make_functions(other, "x"), make_functions(other, "x")] == [[old], [old]]
            connection.execute("DROP FUNCTION x.fiberassign_file")
            connection.execute(sql.SQL("REVOKE CREATE ON SCHEMA x FROM {}").format(name))
            missing = "no right to make functions in schema x: fiberassign_file"
            assert make_functions(other, "x") == [old, missing]
        assert [make_functions(connection, "x"), make_functions(connection, "x")] == [[], []]
        said = connection.execute("SELECT obj_description('x.cone'::regproc)").fetchone()
        assert said != (OLD,)
        connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
