"""What users hung on tables, which goes when the tables do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import psycopg

from specprod_copy.postgres.schema import Schema, Table
from specprod_copy.postgres.schema_differences import own_parts

# All of what is neither a column, an index, a constraint, a comment nor a default of a table; of a
# partition the indexes and constraints too that its table does not have. A definition where the
# server has one. Only what was found has its definition made: for that of a rule the server locks
# all that the rule reads, and the rules of a database include those of all its views.
_QUERY: Final = """
    WITH RECURSIVE relations AS (
        SELECT * FROM pg_class
        WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
          AND relname = ANY (%(tables)s)
        UNION ALL
        SELECT c.* FROM relations r JOIN pg_inherits ON inhparent = r.oid
        JOIN pg_class c ON c.oid = inhrelid WHERE c.relispartition
    ),
    objects (relation, kind, name, object) AS MATERIALIZED (
        SELECT tgrelid, 'trigger', tgname, oid FROM pg_trigger t
        WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM relations)
          -- PostgreSQL 12 has no such column, and says that those of partitions are internal.
          AND coalesce(to_jsonb(t) ->> 'tgparentid', '0') = '0'
        UNION ALL
        SELECT ev_class, 'rule', rulename, oid FROM pg_rewrite
        WHERE ev_class IN (SELECT oid FROM relations)
        UNION ALL
        SELECT oid, 'row-level security', NULL, NULL FROM relations WHERE relrowsecurity
        UNION ALL
        SELECT oid, 'replica identity', NULL, oid FROM relations WHERE relreplident <> 'd'
        UNION ALL
        SELECT r.oid, 'storage parameters', NULL, r.oid
        FROM relations r LEFT JOIN pg_class t ON t.oid = r.reltoastrelid
        WHERE r.reloptions || t.reloptions <> '{}'
        UNION ALL
        SELECT oid, 'setting', 'UNLOGGED', NULL FROM relations WHERE relpersistence = 'u'
        UNION ALL
        SELECT attrelid, 'settings of column', attname, attrelid FROM pg_attribute
        WHERE attrelid IN (SELECT oid FROM relations WHERE NOT relispartition)
          AND attnum > 0 AND NOT attisdropped
        UNION ALL
        SELECT r.oid, 'tablespace', spcname, NULL
        FROM relations r JOIN pg_tablespace s ON s.oid = reltablespace
        UNION ALL
        -- New tables belong to who makes them.
        SELECT oid, 'owner', pg_get_userbyid(relowner), NULL FROM relations
        WHERE NOT relispartition
          AND relowner <> (SELECT oid FROM pg_roles WHERE rolname = current_user)
        UNION ALL
        SELECT polrelid, 'policy', polname, oid FROM pg_policy
        WHERE polrelid IN (SELECT oid FROM relations)
        UNION ALL
        SELECT stxrelid, 'statistics', stxname, oid FROM pg_statistic_ext
        WHERE stxrelid IN (SELECT oid FROM relations)
        UNION ALL
        SELECT prrelid, 'publication', pubname, NULL
        FROM pg_publication_rel JOIN pg_publication p ON p.oid = prpubid
        WHERE prrelid IN (SELECT oid FROM relations)
        UNION ALL
        SELECT conrelid, 'constraint', conname, oid FROM pg_constraint
        WHERE conrelid IN (SELECT oid FROM relations WHERE relispartition)
          AND contype IN ('p', 'u', 'f', 'c', 'x') AND conparentid = 0 AND coninhcount = 0
        UNION ALL
        SELECT indrelid, 'index', relname, indexrelid
        FROM pg_index JOIN pg_class ON oid = indexrelid
        WHERE indrelid IN (SELECT oid FROM relations WHERE relispartition)
          AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid)
          AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid
                                                      AND conrelid = indrelid)
    ),
    described AS (
        SELECT relation, kind, concat_ws(' ', kind, name) AS name, CASE kind
            WHEN 'trigger' THEN pg_get_triggerdef(object)
            WHEN 'rule' THEN pg_get_ruledef(object)
            WHEN 'policy' THEN (
                SELECT concat_ws(' ', 'USING (' || pg_get_expr(polqual, polrelid) || ')',
                                 'WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')')
                FROM pg_policy WHERE oid = object)
            WHEN 'statistics' THEN pg_get_statisticsobjdef(object)
            WHEN 'replica identity' THEN (
                SELECT CASE relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING'
                       ELSE (SELECT 'USING INDEX ' || quote_ident(i.relname)
                             FROM pg_index JOIN pg_class i ON i.oid = indexrelid
                             WHERE indrelid = object AND indisreplident) END
                FROM relations WHERE oid = object)
            WHEN 'storage parameters' THEN (
                SELECT concat_ws(', ', array_to_string(r.reloptions, ', '),
                                 (SELECT string_agg('toast.' || one, ', ')
                                  FROM unnest(t.reloptions) AS one))
                FROM relations r LEFT JOIN pg_class t ON t.oid = r.reltoastrelid
                WHERE r.oid = object)
            WHEN 'settings of column' THEN (
                SELECT concat_ws(', ',
                    'STATISTICS ' || nullif(attstattarget, -1),
                    'STORAGE ' || CASE WHEN attstorage <> typstorage THEN CASE attstorage
                        WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN'
                        ELSE 'EXTENDED' END END,
                    'COMPRESSION ' || CASE attcompression
                        WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
                    -- Others are the server's own: of 2026 some note the version of a column.
                    (SELECT string_agg(one, ', ') FROM unnest(attoptions) AS one
                     WHERE one LIKE 'n_distinct%%'))
                FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
                WHERE attrelid = object AND attname = objects.name)
            WHEN 'constraint' THEN pg_get_constraintdef(object)
            WHEN 'index' THEN pg_get_indexdef(object)
            END AS definition
        FROM objects
    )
    SELECT name || ' of table ' || relname || coalesce(', ' || nullif(definition, ''), '')
    FROM described JOIN relations ON oid = relation
    WHERE kind <> 'settings of column' OR definition <> '' -- most columns have none
    ORDER BY relname, name"""


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
    said = [
        *_comments(defined, found, tables, made_as),
        *_defaults(defined, found, tables, made_as),
        *(text for (text,) in objects),
    ]
    parts = own_parts(defined, found, tables, made_as)
    return [*parts, *(" ".join(text.split()) for text in said)]


def _comments(
    defined: Schema, found: Schema, tables: Sequence[str], made_as: Schema | None
) -> Iterator[str]:
    """Yield the comments of each table and its columns that no definition has."""
    for table, own in _not_defined(_comments_of, defined, found, tables, made_as):
        if own:
            texts = (f"{column}: {text}" if column else text for column, text in own)
            yield f"comments of table {table}, {'; '.join(texts)}"


def _defaults(
    defined: Schema, found: Schema, tables: Sequence[str], made_as: Schema | None
) -> Iterator[str]:
    """Yield the defaults of columns that no definition has.

    One by one: of an expression that the server writes in another form the new table has it too.
    """
    for table, own in _not_defined(_defaults_of, defined, found, tables, made_as):
        for column, default in own:
            yield f"default of column {column} of table {table}, {default}"


def _not_defined(
    texts_of: Callable[[Table], list[tuple[str, str]]],
    defined: Schema,
    found: Schema,
    tables: Sequence[str],
    made_as: Schema | None,
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield tables, each with the texts of it and its columns that no definition has."""
    for name in (name for name in tables if name in found.tables):
        known: set[tuple[str, str]] = set()
        for schema in (defined, made_as or defined):
            if name in schema.tables:
                known.update(texts_of(schema.tables[name]))
        own = [pair for pair in texts_of(found.tables[name]) if pair[1] and pair not in known]
        yield name, own


def _comments_of(table: Table) -> list[tuple[str, str]]:
    return [("", table.comment), *((column.name, column.comment) for column in table.columns)]


def _defaults_of(table: Table) -> list[tuple[str, str]]:
    return [(column.name, column.default) for column in table.columns]
