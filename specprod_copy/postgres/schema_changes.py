"""The SQL that makes a schema like another one, or like its definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from psycopg import sql

from specprod_copy.postgres import ddl
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.identifiers import quote_identifier
from specprod_copy.postgres.schema import Check, Index, Key, Part, Reference, Schema, Table
from specprod_copy.postgres.schema_differences import Difference, differences
from specprod_copy.postgres.schema_from_ddl import table_of

Grants = Mapping[str, frozenset[str]]
"""Table to the roles that may read it; the empty name stands for the schema itself."""

_NUMBERS: Final = ("int2", "int4", "int8", "float4", "float8", "numeric")
_TEXTS: Final = ("text", "varchar", "bpchar")
_SERIALS: Final = {"int2": "smallserial", "int4": "serial", "int8": "bigserial"}

# The order in which statements work.
_UNBIND, _DROP, _TABLES, _COLUMNS, _KEYS, _REFERENCES, _VALIDATION, _COMMENTS, _GRANTS = range(9)


@dataclass(frozen=True)
class Changes:
    """What makes a schema like another one."""

    wanted: Schema
    """What it is to be like."""

    found: Schema
    """What it is, of the same tables."""

    q3c: str | None = None
    """Schema that q3c is in; without it nothing is said of q3c indexes."""

    drop: bool = False
    """Whether to drop columns, tables, constraints and indexes that are not wanted, and to revoke;
    else such statements are comments."""

    wanted_grants: Grants | None = None
    found_grants: Grants | None = None

    def script(self) -> str:
        """Return a script for psql, in an order that works; empty if there is nothing to change."""
        lines = self.statements()
        if not lines:
            return ""
        head = ["\\set ON_ERROR_STOP on", "SET search_path = pg_catalog, pg_temp;", "BEGIN;"]
        return "\n".join([*head, *lines, "COMMIT;", "RESET search_path;"]) + "\n"

    def statements(self) -> list[str]:
        """Return the statements, and comments on what cannot be done, in an order that works."""
        return [text for _, text in sorted(self._all(), key=lambda change: change[0])]

    def _all(self) -> Iterator[tuple[int, str]]:
        found = differences(self.wanted, self.found)
        rebound = [*self._bound_to(found)]
        # What refers to a table goes before it.
        for difference in reversed([d for d in found if d.kind == "table" and d.wanted is None]):
            yield self._unwanted(_DROP, f"DROP TABLE {self._name(difference.name)};")
        for difference in found:
            if isinstance(difference.wanted, Table):
                yield from self._table(difference.wanted)
            elif difference.kind in ("column", "default", "comment"):
                yield from self._column(difference)
            elif difference.kind == "partitions":
                text = f"Table {difference.table}: {difference}; load --overwrite makes it again."
                yield _TABLES, _comment(text)
        parts = [d for d in found if d.kind in ("key", "reference", "index", "check")]
        for difference in [*rebound, *parts]:
            yield from self._part(difference)
        yield from self._grants()

    def _name(self, table: str, schema: str = "") -> str:
        return f"{quote_identifier(schema or self.found.name)}.{quote_identifier(table)}"

    def _unwanted(self, phase: int, statement: str) -> tuple[int, str]:
        return phase, statement if self.drop else _comment(f"with --drop: {statement}")

    def _bound_to(self, found: Sequence[Difference]) -> Iterator[Difference]:
        """Yield references that must go while the key is made again that they refer to."""
        differing = {(d.table, d.name) for d in found}
        for d in found:
            if (
                not isinstance(d.found, Key)
                or d.is_half_made
                or (d.wanted is None and not self.drop)
            ):
                continue
            for table, reference in self.found.referring(d.table):
                if (
                    reference.keys == d.found.columns
                    and (table.name, reference.name) not in differing
                ):
                    yield Difference(table.name, "reference", reference.name, reference, reference)

    def _table(self, table: Table) -> Iterator[tuple[int, str]]:
        if table.file is not None:
            wanted = Schema.of("", [table])
            rendered = ddl.statements(wanted, [table.name], ["table"], schema=self.found.name)
            statements = [statement.sql for statement in rendered]
            made = table_of(table.name, statements, table.file)
        else:
            body = ",\n".join(f"    {_defined(column)}" for column in table.columns)
            statements = [f"CREATE TABLE {self._name(table.name)} (\n{body}\n);"]
            plain = [replace(c, description="", unit="", ucd="") for c in table.columns]
            made = Table(table.name, tuple(plain))
        yield from ((_TABLES, statement) for statement in statements)
        rest = differences(Schema.of("", [table]), Schema.of("", [made]))
        for other in rest:
            if other.kind == "comment":
                yield from self._column(other)
            elif isinstance(other.wanted, Part):
                yield from self._part(other)

    def _column(self, difference: Difference) -> Iterator[tuple[int, str]]:
        table, name = self._name(difference.table), quote_identifier(difference.name)
        alter = f"ALTER TABLE {table} ALTER COLUMN {name}"
        wanted, found = difference.wanted, difference.found
        if difference.kind == "comment":
            if (
                difference.name == "comment"
                and wanted == self.wanted.tables[difference.table].comment
            ):
                yield _COMMENTS, f"COMMENT ON TABLE {table} IS {_literal(wanted)};"
            else:
                yield _COMMENTS, f"COMMENT ON COLUMN {table}.{name} IS {_literal(wanted)};"
        elif difference.kind == "default":
            yield _COLUMNS, _default(alter, str(wanted), str(found))
        elif not isinstance(wanted, Column):
            yield self._unwanted(_COLUMNS, f"ALTER TABLE {table} DROP COLUMN {name};")
        elif not isinstance(found, Column):
            if wanted.must_be_given:
                yield (
                    _COLUMNS,
                    _comment(
                        f"Fails if table {difference.table} has rows: they have no value for "
                        f"{difference.name}; replace the table then (load --overwrite)."
                    ),
                )
            yield _COLUMNS, f"ALTER TABLE {table} ADD COLUMN {_defined(wanted)};"
            if wanted.comment:
                text = _literal(wanted.comment)
                yield _COMMENTS, f"COMMENT ON COLUMN {table}.{name} IS {text};"
        else:
            yield from ((_COLUMNS, text) for text in _altered(alter, wanted, found))

    def _part(self, difference: Difference) -> Iterator[tuple[int, str]]:
        table, name = self._name(difference.table), quote_identifier(difference.name)
        wanted, found = difference.wanted, difference.found
        if isinstance(wanted, Index) and wanted.needs_q3c and self.q3c is None:
            return
        if isinstance(found, Index) and wanted == replace(found, valid=True) != found:
            yield _KEYS, f"REINDEX INDEX {self._name(difference.name)};"
            return
        keys = [key.name for key in self._keys(difference.table)]
        if isinstance(wanted, Index) and difference.name in keys:
            # The key makes it. One that is wrong although the key is right has another cause.
            return
        if isinstance(wanted, Key) and found == Index.of_key(wanted):
            kind = "PRIMARY KEY" if wanted.primary else "UNIQUE"
            using = f"ADD CONSTRAINT {name} {kind} USING INDEX {name};"
            yield _KEYS, f"ALTER TABLE {table} {using}"
            return
        if isinstance(found, Reference) and wanted == replace(found, validated=True) != found:
            yield _VALIDATION, f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};"
            return
        if isinstance(wanted, Reference):
            other = wanted.inside
            if other and other not in {**self.wanted.tables, **self.found.tables}:
                yield _REFERENCES, _comment(f"Foreign key {wanted.name} waits for table {other}.")
                return
        if found is not None:
            phase = _UNBIND if isinstance(found, Reference) else _DROP
            statement = f"ALTER TABLE {table} DROP CONSTRAINT {name};"
            if isinstance(found, Index):
                statement = f"DROP INDEX {self._name(difference.name)};"
            yield (phase, statement) if wanted is not None else self._unwanted(phase, statement)
        if isinstance(wanted, Key | Reference | Check | Index):
            phase = _REFERENCES if isinstance(wanted, Reference) else _KEYS
            yield phase, self._made(table, name, wanted)

    def _keys(self, table: str) -> Sequence[Key]:
        return self.wanted.tables[table].keys if table in self.wanted.tables else ()

    def _made(self, table: str, name: str, part: Part) -> str:
        match part:
            case Index():
                unique = "UNIQUE " if part.unique else ""
                return f"CREATE {unique}INDEX {name} ON {table} USING {self._indexed(part)};"
            case Key():
                text = f"{'PRIMARY KEY' if part.primary else 'UNIQUE'} ({_listed(part.columns)})"
            case Check():
                text = f"CHECK ({part.text or part.expression})"
            case Reference():
                other = self._name(part.table, part.schema)
                text = f"FOREIGN KEY ({_listed(part.columns)}) REFERENCES {other} "
                text += f"({_listed(part.keys)})"
                text += f" {part.text}" if part.text else ""
                text += "" if part.validated else " NOT VALID"
        return f"ALTER TABLE {table} ADD CONSTRAINT {name} {text};"

    def _indexed(self, index: Index) -> str:
        if index.text:
            return index.text
        expressions = ", ".join(index.expressions)
        if self.q3c is not None:
            expressions = expressions.replace("q3c_", f"{quote_identifier(self.q3c)}.q3c_")
        where = f" WHERE {index.predicate}" if index.predicate else ""
        return f"{index.method} ({expressions}){where}"

    def _grants(self) -> Iterator[tuple[int, str]]:
        if self.wanted_grants is None or self.found_grants is None:
            return
        for table in ["", *self.wanted.tables]:
            wanted = self.wanted_grants.get(table, frozenset())
            found = self.found_grants.get(table, frozenset())
            schema = f"USAGE ON SCHEMA {quote_identifier(self.found.name)}"
            right = f"SELECT ON {self._name(table)}" if table else schema
            for role in sorted(wanted - found):
                yield _GRANTS, f"GRANT {right} TO {quote_identifier(role)};"
            for role in sorted(found - wanted):
                yield self._unwanted(_GRANTS, f"REVOKE {right} FROM {quote_identifier(role)};")


def _comment(text: str) -> str:
    # A name may have line breaks, and what comes after one is no comment.
    return "\n".join(f"-- {line}" for line in text.splitlines())


def _literal(text: object) -> str:
    return sql.Literal(text).as_string().strip() if text else "NULL"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(quote_identifier, names))


def _type(column: Column) -> str:
    sizes = column.digits or (() if column.max_length is None else (column.max_length,))
    shown = f"({', '.join(map(str, sizes))})" if sizes else ""
    array = column.type.startswith("_")
    return quote_identifier(column.type.removeprefix("_")) + shown + "[]" * array


def _defined(column: Column) -> str:
    name, not_null = quote_identifier(column.name), " NOT NULL" if column.not_null else ""
    if column.default == "serial":
        return f"{name} {_SERIALS[column.type]}{not_null}"
    text = f" DEFAULT {column.default}" if column.default else ""
    if column.default == "identity":
        text = f" GENERATED {'ALWAYS' if column.generated else 'BY DEFAULT'} AS IDENTITY"
    elif column.generated:
        text = f" GENERATED ALWAYS AS ({column.default}) STORED"
    return f"{name} {_type(column)}{text}{not_null}"


def _default(alter: str, wanted: str, found: str) -> str:
    if wanted in ("serial", "identity") or found == "identity":
        return _comment(f"The numbers of a column cannot be changed here: {alter} ...")
    return f"{alter} SET DEFAULT {wanted};" if wanted else f"{alter} DROP DEFAULT;"


def _altered(alter: str, wanted: Column, found: Column) -> Iterator[str]:
    if wanted.generated != found.generated:
        yield _comment(f"How a column is computed cannot be changed: {alter} ...; drop the column.")
        return
    if _type(wanted) != _type(found):
        same = wanted.type == found.type
        numbers = wanted.type in _NUMBERS and found.type in _NUMBERS
        if not (same or numbers or wanted.type in _TEXTS):
            yield _comment(
                f"{found} cannot become {wanted}: replace the table (load --overwrite), or {alter} "
                "... USING an expression of yours."
            )
            return
        if not same:
            yield _comment("Values stay as they were rounded: 'specprod-copy verify' tells which.")
        yield f"{alter} TYPE {_type(wanted)};"
    if wanted.not_null != found.not_null:
        yield f"{alter} {'SET' if wanted.not_null else 'DROP'} NOT NULL;"
