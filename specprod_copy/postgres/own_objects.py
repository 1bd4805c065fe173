"""What users hung on tables, which goes when the tables do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import psycopg

from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.schema_differences import own_parts

# All of what is neither a column, an index nor a constraint; a definition where the server has one.
_QUERY: Final = """
    WITH relations AS (
        SELECT oid, relname, relrowsecurity FROM pg_class
        WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
          AND relname = ANY (%(tables)s)
    ),
    objects (relation, name, definition) AS (
        SELECT tgrelid, 'trigger ' || tgname, pg_get_triggerdef(oid)
        FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL
        SELECT ev_class, 'rule ' || rulename, pg_get_ruledef(oid) FROM pg_rewrite
        UNION ALL
        SELECT oid, 'row-level security', NULL FROM relations WHERE relrowsecurity
        UNION ALL
        SELECT polrelid, 'policy ' || polname, concat_ws(' ',
            'USING (' || pg_get_expr(polqual, polrelid) || ')',
            'WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')')
        FROM pg_policy
        UNION ALL
        SELECT stxrelid, 'statistics ' || stxname, pg_get_statisticsobjdef(oid)
        FROM pg_statistic_ext
        UNION ALL
        SELECT prrelid, 'publication ' || pubname, NULL
        FROM pg_publication_rel JOIN pg_publication p ON p.oid = prpubid
    )
    SELECT name || ' of table ' || relname || coalesce(', ' || nullif(definition, ''), '')
    FROM objects JOIN relations ON oid = relation ORDER BY relname, name"""


def gone_with(
    connection: psycopg.Connection,
    defined: Schema,
    found: Schema,
    tables: Sequence[str],
    made_as: Schema | None = None,
) -> list[str]:
    """Return what goes with tables that are dropped now, and is not of their definition, in words.

    Parameters
    ----------
    connection : psycopg.Connection
    defined, found, tables, made_as
        As for `schema_differences.own_parts`.
    """
    objects = connection.execute(_QUERY, {"schema": found.name, "tables": [*tables]})
    said = (" ".join(text.split()) for (text,) in objects)
    return [*own_parts(defined, found, tables, made_as), *said]
