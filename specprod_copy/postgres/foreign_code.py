"""Functions of others that a table runs when rows are written: with the rights of who writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import psycopg

from specprod_copy.errors import DatabaseError

# Whom one has to trust anyway: superusers, the owner of the database, and whose rights one has. A
# superuser has everybody's, which is the point.
_QUERY: Final = """
    WITH trusted AS (
        SELECT r.oid FROM pg_roles r, pg_roles me, pg_database d
        WHERE me.rolname = current_user AND datname = current_database()
          AND (r.rolsuper OR r.oid = me.oid OR r.oid = datdba
               OR NOT me.rolsuper AND pg_has_role(r.oid, 'USAGE'))
    )
    SELECT c.relname, ran.what, p.oid::regprocedure::text, r.rolname
    FROM (
        SELECT tgrelid AS relation, 'trigger ' || tgname AS what, tgfoid AS function
        FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'
        UNION ALL
        SELECT coalesce(conrelid, adrelid, indrelid, polrelid, ev_class),
               CASE WHEN conname IS NOT NULL THEN 'constraint ' || conname
                    WHEN adrelid IS NOT NULL THEN 'the default of a column'
                    WHEN indrelid IS NOT NULL THEN 'index ' || indexrelid::regclass
                    WHEN polname IS NOT NULL THEN 'policy ' || polname
                    ELSE 'rule ' || rulename END,
               refobjid
        FROM pg_depend d
        LEFT JOIN pg_constraint o ON classid = 'pg_constraint'::regclass AND objid = o.oid
        LEFT JOIN pg_attrdef a ON classid = 'pg_attrdef'::regclass AND objid = a.oid
        LEFT JOIN pg_index i ON classid = 'pg_class'::regclass AND objid = i.indexrelid
        LEFT JOIN pg_policy y ON classid = 'pg_policy'::regclass AND objid = y.oid
        LEFT JOIN pg_rewrite w ON classid = 'pg_rewrite'::regclass AND objid = w.oid
        WHERE refclassid = 'pg_proc'::regclass
    ) AS ran
    JOIN pg_class c ON c.oid = ran.relation
    JOIN pg_proc p ON p.oid = ran.function
    JOIN pg_roles r ON r.oid = p.proowner
    WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
      AND c.relname = ANY (%(tables)s) AND r.oid NOT IN (SELECT oid FROM trusted)
      AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass
                      AND e.objid = p.oid AND e.deptype = 'e')
    UNION ALL
    -- What a rule does can set off triggers of any table that its owner names.
    SELECT c.relname, 'rule ' || w.rulename, 'statements', r.rolname
    FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class JOIN pg_roles r ON r.oid = c.relowner
    WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
      AND c.relname = ANY (%(tables)s) AND c.relkind IN ('r', 'p') AND w.ev_enabled <> 'D'
      AND r.oid NOT IN (SELECT oid FROM trusted)
    ORDER BY 1, 2"""


def refuse_foreign_code(connection: psycopg.Connection, schema: str, tables: Sequence[str]) -> None:
    """Refuse to write into tables that would run functions of roles that are not to be trusted.

    A trigger, and a function in a rule, a default, a constraint, an index or a policy runs with the
    rights of the session that writes the row, which are often an administrator's. Trusted are
    superusers, the owner of the database, this role, and for an ordinary role those whose rights it
    has; and functions of extensions.

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
    found = connection.execute(_QUERY, {"schema": schema, "tables": [*tables]}).fetchall()
    if not found:
        return
    table, what, function, role = found[0]
    more = f" ({len(found) - 1} more like this)" if len(found) > 1 else ""
    raise DatabaseError(
        f"{what} of table {schema}.{table} would run {function} of role {role} with your rights"
        f"{more}: drop or disable it, or give it to a role that you trust (ALTER … OWNER TO)"
    )
