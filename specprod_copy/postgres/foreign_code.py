"""Functions of others that a table runs when rows are written: with the rights of who writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError

# Whom one has to trust anyway: superusers, the owner of the database, and whose rights one has. A
# superuser has everybody's, which is the point.
_ABOUT: Final = """
    WITH RECURSIVE trusted AS (
        SELECT r.oid FROM pg_roles r, pg_roles me, pg_database d
        WHERE me.rolname = current_user AND datname = current_database()
          AND (r.rolsuper OR r.oid = me.oid OR r.oid = datdba
               OR NOT me.rolsuper AND pg_has_role(r.oid, 'USAGE'))
    ),
    -- The tables; and those that the server changes with them.
    relations AS (
        SELECT c.oid FROM pg_class c
        WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
          AND c.relname = ANY (%(tables)s)
        UNION
        SELECT other FROM relations r JOIN (
            SELECT confrelid, conrelid FROM pg_constraint
            WHERE confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd')
            UNION ALL SELECT inhparent, inhrelid FROM pg_inherits
        ) AS changed (oid, other) USING (oid)
    )"""

_CODE: Final = """,
    parts AS (
        SELECT oid AS relation, 'a column' AS what, 'pg_class'::regclass AS classid, oid AS objid
        FROM relations
        UNION ALL
        SELECT tgrelid, 'trigger ' || tgname, 'pg_trigger'::regclass, t.oid
        FROM pg_trigger t WHERE NOT tgisinternal AND tgenabled <> 'D'
        UNION ALL
        SELECT conrelid, 'constraint ' || conname, 'pg_constraint'::regclass, o.oid
        FROM pg_constraint o
        UNION ALL
        SELECT adrelid, 'the default of a column', 'pg_attrdef'::regclass, a.oid FROM pg_attrdef a
        UNION ALL
        SELECT indrelid, 'index ' || indexrelid::regclass, 'pg_class'::regclass, indexrelid
        FROM pg_index
        UNION ALL
        SELECT polrelid, 'policy ' || polname, 'pg_policy'::regclass, y.oid FROM pg_policy y
        UNION ALL
        SELECT ev_class, 'rule ' || rulename, 'pg_rewrite'::regclass, w.oid FROM pg_rewrite w
    ),
    -- An operator, or a type that has checks or a default, calls functions as well.
    reached AS (
        SELECT relation, what, classid, objid FROM parts JOIN relations ON oid = relation
        UNION
        SELECT relation, what, next.classid, next.objid FROM reached r, LATERAL (
            SELECT refclassid, refobjid FROM pg_depend d
            WHERE d.classid = r.classid AND d.objid = r.objid AND refclassid IN
                  ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
            UNION ALL
            SELECT 'pg_constraint'::regclass, oid FROM pg_constraint
            WHERE r.classid = 'pg_type'::regclass AND conrelid = 0 AND contypid = r.objid
        ) AS next (classid, objid)
        WHERE r.classid <> 'pg_proc'::regclass
    )
    SELECT relation::regclass::text, what, p.oid::regprocedure::text, o.rolname
    FROM reached JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass
    JOIN pg_roles o ON o.oid = p.proowner
    WHERE o.oid NOT IN (SELECT oid FROM trusted)
      AND NOT EXISTS (SELECT 1 FROM pg_depend e JOIN pg_extension x ON x.oid = e.refobjid
                      WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid
                        AND e.deptype = 'e' AND x.extowner IN (SELECT oid FROM trusted))
    UNION
    -- What a rule does can set off triggers of any table that its owner names.
    SELECT c.oid::regclass::text, 'rule ' || w.rulename, 'statements', o.rolname
    FROM relations JOIN pg_class c USING (oid)
    JOIN pg_rewrite w ON w.ev_class = c.oid JOIN pg_roles o ON o.oid = c.relowner
    WHERE c.relkind IN ('r', 'p') AND w.ev_enabled <> 'D' AND o.oid NOT IN (SELECT oid FROM trusted)
    ORDER BY 1, 2"""

# Whoever may refer to a table can let rows of another one go with its own.
_OPEN_TO_OTHERS: Final = """
    SELECT nspname, relname, has_schema_privilege(n.oid, 'USAGE')
                             AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY (ARRAY(SELECT oid FROM relations))
      AND (relowner NOT IN (SELECT oid FROM trusted)
           OR EXISTS (SELECT 1 FROM aclexplode(relacl)
                      WHERE privilege_type IN ('TRIGGER', 'REFERENCES')
                        AND grantee NOT IN (SELECT oid FROM trusted)))"""


def refuse_foreign_code(connection: psycopg.Connection, schema: str, tables: Sequence[str]) -> None:
    """Refuse to write into tables that would run functions of roles that are not to be trusted.

    A trigger, and a function in a rule, a default, a constraint, an index or a policy runs with the
    rights of the session that writes the row, which are often an administrator's; so does the
    function of an operator or of a domain's check, and what tables do whose rows change with these
    (foreign keys that cascade, children). Trusted are superusers, the owner of the database, this
    role, and for an ordinary role those whose rights it has; and functions of their extensions.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    tables : sequence of str
        Tables that are going to be written to; those that do not exist do not matter.

    Raises
    ------
    DatabaseError
    """
    found = _asked(connection, _ABOUT + _CODE, schema, tables)
    if not found:
        return
    table, what, function, role = found[0]
    more = f" ({len(found) - 1} more like this)" if len(found) > 1 else ""
    raise DatabaseError(
        f"{what} of table {table} would run {function} of role {role} with your rights"
        f"{more}: drop or disable it, or give it to a role that you trust (ALTER … OWNER TO)"
    )


def open_to_others(
    connection: psycopg.Connection, schema: str, tables: Sequence[str]
) -> list[tuple[str, str, bool]]:
    """Return schemas and names of tables that such roles own or may add triggers to.

    Those of `refuse_foreign_code`, each with whether this role may lock it: who may not write to a
    table may not, and needs no right to one that only refers to a table of ours.
    """
    return sorted(_asked(connection, _ABOUT + _OPEN_TO_OTHERS, schema, tables))


def _asked(
    connection: psycopg.Connection, query: LiteralString, schema: str, tables: Sequence[str]
) -> list[Any]:
    # To compile the query would take a second, and to make room for the million rows that are
    # expected longer than to run it. The rollback undoes the settings, nothing else.
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL jit = off")
        connection.execute("SET LOCAL work_mem = '64kB'")
        return connection.execute(query, {"schema": schema, "tables": [*tables]}).fetchall()


def keep_foreign_code_out(
    connection: psycopg.Connection, schema: str, tables: Sequence[str]
) -> None:
    """Let nobody add such code to tables that were free of it, until the transaction ends.

    What `refuse_foreign_code` saw before a wait, or in an earlier transaction, says nothing of
    tables that are `open_to_others`. These are locked, not against those who write, and looked at
    again.

    Parameters
    ----------
    connection : psycopg.Connection
        Within a transaction.
    schema, tables
        As for `refuse_foreign_code`.

    Raises
    ------
    DatabaseError
        As `refuse_foreign_code`.
    """
    others = open_to_others(connection, schema, tables)
    for other, name, may_lock in others:
        if may_lock:
            lock = sql.SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE")
            connection.execute(lock.format(sql.Identifier(other, name)))
    if others:
        refuse_foreign_code(connection, schema, tables)
