"""A schema as a server has it: one question for all of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any, Final, NamedTuple

import psycopg

from specprod_copy.postgres.columns import Column, split_comment
from specprod_copy.postgres.schema import (
    Check,
    Index,
    Key,
    Partitions,
    Reference,
    Schema,
    Table,
)
from specprod_copy.postgres.sql_text import one_form

_QUERY = """
    SELECT obj_description(n.oid, 'pg_namespace'), c.relname, c.relkind NOT IN ('r', 'p'),
        obj_description(c.oid, 'pg_class'),
        (SELECT json_agg(json_build_array(
                a.attname, t.typname, a.attnotnull,
                CASE WHEN ltrim(t.typname, '_') IN ('varchar', 'bpchar') AND a.atttypmod > 0
                     THEN a.atttypmod - 4 END,
                CASE WHEN ltrim(t.typname, '_') = 'numeric' AND a.atttypmod > 0
                     THEN json_build_array(
                     (a.atttypmod - 4) >> 16, (((a.atttypmod - 4) & 2047) # 1024) - 1024) END,
                pg_get_expr(d.adbin, d.adrelid, true),
                a.attidentity, a.attgenerated, col_description(c.oid, a.attnum)
            ) ORDER BY a.attnum)
         FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
         LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
        (SELECT json_agg(json_build_array(
                o.conname, o.contype, o.convalidated,
                (SELECT json_agg(attname ORDER BY place)
                 FROM unnest(o.conkey) WITH ORDINALITY AS k (number, place)
                 JOIN pg_attribute ON attrelid = o.conrelid AND attnum = number),
                CASE WHEN other.relnamespace <> c.relnamespace THEN
                     (SELECT nspname FROM pg_namespace WHERE oid = other.relnamespace) END,
                other.relname,
                (SELECT json_agg(attname ORDER BY place)
                 FROM unnest(o.confkey) WITH ORDINALITY AS k (number, place)
                 JOIN pg_attribute ON attrelid = o.confrelid AND attnum = number),
                pg_get_expr(o.conbin, o.conrelid, true),
                concat_ws(' ',
                    CASE o.confmatchtype WHEN 'f' THEN 'MATCH FULL' END,
                    'ON UPDATE ' || CASE o.confupdtype WHEN 'c' THEN 'CASCADE'
                        WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT'
                        WHEN 'r' THEN 'RESTRICT' END,
                    'ON DELETE ' || CASE o.confdeltype WHEN 'c' THEN 'CASCADE'
                        WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT'
                        WHEN 'r' THEN 'RESTRICT' END,
                    -- Before PostgreSQL 15 there is no such column.
                    (SELECT '(' || string_agg(quote_ident(attname), ', ' ORDER BY place) || ')'
                     FROM jsonb_array_elements_text(
                         nullif(to_jsonb(o) -> 'confdelsetcols', 'null')
                     ) WITH ORDINALITY AS k (number, place)
                     JOIN pg_attribute ON attrelid = o.conrelid AND attnum = number::int),
                    CASE WHEN o.condeferrable THEN 'DEFERRABLE' END,
                    CASE WHEN o.condeferred THEN 'INITIALLY DEFERRED' END,
                    -- Before PostgreSQL 18 there is no such column.
                    CASE to_jsonb(o) ->> 'conenforced' WHEN 'false' THEN 'NOT ENFORCED' END)
            ) ORDER BY o.conname)
         FROM pg_constraint o LEFT JOIN pg_class other ON other.oid = o.confrelid
         WHERE o.conrelid = c.oid AND o.contype IN ('p', 'u', 'f', 'c')
           -- One to a table in partitions has others behind it, to each partition.
           AND (o.contype <> 'f' OR o.conparentid = 0)),
        (SELECT json_agg(json_build_array(
                i.relname, x.indisunique, m.amname, pg_get_expr(x.indpred, x.indrelid, true),
                x.indisvalid, x.indisclustered, pg_get_indexdef(x.indexrelid),
                (SELECT json_agg(
                     pg_get_indexdef(x.indexrelid, k, true)
                     || CASE WHEN p.opcdefault THEN '' ELSE ' ' || p.opcname END
                     || CASE x.indoption[k - 1] WHEN 3 THEN ' DESC' WHEN 2 THEN ' NULLS FIRST'
                        WHEN 1 THEN ' DESC NULLS LAST' ELSE '' END ORDER BY k)
                 FROM generate_series(1, x.indnkeyatts) AS k
                 JOIN pg_opclass p ON p.oid = x.indclass[k - 1])
            ) ORDER BY i.relname)
         FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am m ON m.oid = i.relam
         WHERE x.indrelid = c.oid),
        (SELECT json_build_array(
                (SELECT json_agg(attname ORDER BY place)
                 FROM unnest(p.partattrs::int2[]) WITH ORDINALITY AS k (number, place)
                 JOIN pg_attribute ON attrelid = p.partrelid AND attnum = number),
                (SELECT count(*) FROM pg_inherits WHERE inhparent = p.partrelid),
                CASE p.partstrat WHEN 'h' THEN 'hash' WHEN 'l' THEN 'list' ELSE 'range' END)
         FROM pg_partitioned_table p WHERE p.partrelid = c.oid)
    FROM pg_namespace n
    LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = ANY (%(kinds)s)
        AND NOT c.relispartition
        AND (%(tables)s::text[] IS NULL OR c.relname = ANY (%(tables)s))
    WHERE n.nspname = %(schema)s"""

_SERIAL = re.compile(r"nextval\('.*'(?:::regclass)?\)", re.DOTALL)


_HARMLESS: Final = re.compile(
    r"MATCH FULL|ON (?:UPDATE|DELETE) RESTRICT|\bDEFERRABLE(?! INITIALLY DEFERRED)"
)
"""What a foreign key may say without doing anything else: our columns are never NULL, and no
session of ours defers."""

_TABLES: Final = ("r", "p")
_VIEWS: Final = ("v", "m")


def read_schema(
    connection: psycopg.Connection,
    name: str,
    *,
    tables: Collection[str] | None = None,
    views: bool = False,
) -> Schema:
    """Ask the server for a schema, in one query.

    Parameters
    ----------
    connection : psycopg.Connection
    name : str
        As in the catalog.
    tables : collection of str, optional
        Those that are wanted, if they are there; all by default.
    views : bool
        Whether views are read as well.

    Returns
    -------
    Schema
        Without tables, and `Schema.exists` false, if there is none of that name.
    """
    kinds = [*_TABLES, *(_VIEWS if views else ())]
    wanted = None if tables is None else [*tables]
    parameters = {"schema": name, "tables": wanted, "kinds": kinds}
    rows = connection.execute(_QUERY, parameters).fetchall()
    if not rows:
        return Schema(name, exists=False)
    found = [_table(_Described(*row)) for _, *row in rows if row[0] is not None]
    return Schema.of(name, found, rows[0][0] or "")


class _Described(NamedTuple):
    """A table as the server describes it."""

    name: str
    is_view: bool
    comment: str | None
    columns: Any
    constraints: Any
    indexes: Any
    partitions: Any


def _table(found: _Described) -> Table:
    keys: list[Key] = []
    references: list[Reference] = []
    checks: list[Check] = []
    for constraint, kind, validated, own, schema, table, others, expression, text in (
        found.constraints or ()
    ):
        if kind == "f":
            rules = " ".join(_HARMLESS.sub("", text).split())
            place = table, tuple(others), validated, schema or "", rules, text
            references.append(Reference(constraint, tuple(own), *place))
        elif kind == "c":
            checks.append(Check(constraint, one_form(expression), expression))
        else:
            keys.append(Key(constraint, tuple(own), primary=kind == "p"))
    return Table(
        found.name,
        tuple(_Column(*column).made() for column in found.columns or ()),
        _by_name(keys),
        _by_name(references),
        # An index that is dropped or replaced by a rebuilt one while the server answers has a name
        # but no definition any more.
        _by_name(_Index(*index).made() for index in found.indexes or () if None not in index[-1]),
        _by_name(checks),
        found.comment or "",
        is_view=found.is_view,
        partitions=_partitions(*found.partitions) if found.partitions else None,
    )


def _partitions(columns: list[str] | None, number: int, strategy: str) -> Partitions:
    return Partitions(tuple(columns or ()), number, strategy)


def _by_name(parts: Iterable[Any]) -> tuple[Any, ...]:
    # The server's order of text may be another one.
    return tuple(sorted(parts, key=lambda part: part.name))


class _Column(NamedTuple):
    """A column as the server describes it."""

    name: str
    type_name: str
    not_null: bool
    max_length: int | None
    digits: tuple[int, int] | None
    default: str | None
    identity: str
    generated: str
    comment: str | None

    def made(self) -> Column:
        """Return it in the form of a schema."""
        default = self.default or ""
        if self.identity:
            default = "identity"
        elif default:
            default = "serial" if _SERIAL.fullmatch(default) else one_form(default)
        return Column(
            self.name,
            self.type_name,
            self.not_null,
            self.max_length,
            default,
            bool(self.generated) or self.identity == "a",
            *split_comment(self.comment or ""),
            digits=(self.digits[0], self.digits[1]) if self.digits else None,
        )


class _Index(NamedTuple):
    """An index as the server describes it."""

    name: str
    unique: bool
    method: str
    predicate: str | None
    valid: bool
    clustered: bool
    text: str
    expressions: list[str]

    def made(self) -> Index:
        """Return it in the form of a schema."""
        return Index(
            self.name,
            tuple(map(one_form, self.expressions)),
            self.unique,
            self.method,
            one_form(self.predicate or ""),
            self.valid,
            self.clustered,
            self.text.partition(" USING ")[2],
        )
