"""Render the SQL in ``ddl/``: whole scripts for psql, or single statements for the loader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from psycopg import sql

from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres.identifiers import quote_identifier
from specprod_copy.postgres.schema import Index, Key, Made, Part, Reference, Schema, Table
from specprod_copy.postgres.sql_files import PHASES, SqlFile, SqlText, block_of, cut, templates
from specprod_copy.postgres.sql_meanings import PartAdded, Validated
from specprod_copy.postgres.sql_statements import meaning_of, naming
from specprod_copy.resources import resource_folder

LEDGER = "load_ledger"
"""Table of this program, beside those of the data."""

MAKING_PHASES = ("keys", "indexes", "q3c", "foreign_keys", "validation")
"""Those that make indexes and constraints."""

SCRIPT_PHASES = tuple(phase for phase in PHASES if phase != "cluster")
"""What a script holds unless it is asked for more: CLUSTER rewrites whole tables."""

Q3C_SCHEMA = "public"
"""Where q3c is installed, as people expect it. An administrator may have put it elsewhere."""

Names: TypeAlias = "str | sql.Literal | Mapping[str, Names] | Sequence[Names]"
"""Names of objects, values, and mappings and lists of them."""


@dataclass(frozen=True)
class Statement:
    """One SQL statement of a table's DDL.

    Parameters
    ----------
    table : str
        The table, or ``schema``.
    phase : str
        One of `PHASES`.
    sql : str
        The statement, with its semicolon.
    schema : str
        Schema of the table, where rows are written: the number of rows is counted then.
    defined : Table, optional
        The table, if it is one of ``ddl/`` or of other such files.
    """

    table: str
    phase: str
    sql: str
    schema: str = ""
    defined: Table | None = field(default=None, compare=False, repr=False)

    @cached_property
    def makes(self) -> Made | None:
        """The index or constraint that the statement makes, or makes valid, if it does."""
        if self.phase not in MAKING_PHASES or self.table == "schema":
            return None
        meaning = meaning_of(self.sql)
        return meaning.made if isinstance(meaning, PartAdded | Validated) else None

    @property
    def part(self) -> Part | None:
        """That index or constraint, as it is defined."""
        if self.makes is None or self.defined is None:
            return None
        if self.makes.kind == "index":
            return self.defined.index(self.makes.name)
        return self.defined.part(self.makes.name)

    @property
    def references(self) -> Reference | None:
        """The foreign key that the statement makes or validates, if it does."""
        return self.part if isinstance(self.part, Reference) else None

    @property
    def unique(self) -> tuple[str, ...]:
        """The columns that the statement makes unique, if it does."""
        part = self.part
        if isinstance(part, Key):
            return part.columns
        return part.columns if isinstance(part, Index) and part.unique else ()

    def __str__(self) -> str:
        made = self.makes
        if made is None:
            return f"{self.table}: {self.phase}"
        return f"{self.table}: {made.name}" + (" validated" if made.kind == "validation" else "")


def render_phase(
    defined: Schema,
    table: str,
    phase: str,
    *,
    schema: str,
    roles: Sequence[str] = (),
    q3c: str = Q3C_SCHEMA,
) -> str:
    """Return the SQL of one phase of one table, empty if it has none.

    Parameters
    ----------
    defined : Schema
        The tables as their files define them.
    table : str
        One of them, or ``schema``.
    phase : str
        One of `PHASES`.
    schema : str
        Schema of the tables, as in the catalog (this function quotes it).
    roles : sequence of str
        Roles that the phase ``grants`` lets read.
    q3c : str
        Schema that q3c is in.
    """
    names = {
        "schema": quote_identifier(schema),
        "roles": [quote_identifier(role) for role in roles],
        "q3c": quote_identifier(q3c),
    }
    return _block(defined, table, phase, names)


def _block(defined: Schema, table: str, phase: str, names: Mapping[str, object]) -> str:
    asked = defined.tables.get(table)
    own = {
        "optional": asked.optional if asked else frozenset(),
        "partitions": asked.asked_partitions if asked else 1,
    }
    return block_of(_file(defined, table), phase, {**names, **own})


def _file(defined: Schema, table: str) -> SqlFile:
    if table == "schema":
        return resource_folder("ddl") / "schema.sql"
    file: SqlFile | None = defined.tables[table].file
    if file is None:
        raise ConfigurationError(f"table {table} has no SQL file that defines it")
    return file


def render_template(name: str, **names: Names) -> str:
    """Return the SQL of a template.

    Parameters
    ----------
    name : str
        Name of the file in ``templates/``, without ``.sql``.
    **names
        Schemas, tables and other objects, as in the catalog: this function quotes every one, so
        nothing that reaches a template can become SQL. (In a comment it could: a name may have
        line breaks.) Values, as `psycopg.sql.Literal`.

    Raises
    ------
    ConfigurationError
        If PostgreSQL cannot have such a name.
    """
    template = templates(resource_folder("templates")).get_template(f"{name}.sql")
    return template.render({key: _quoted(value) for key, value in names.items()})


def _quoted(names: Names) -> Names:
    if isinstance(names, str):
        return quote_identifier(names)
    if isinstance(names, sql.Literal):
        return names.as_string()
    if isinstance(names, Mapping):
        return {key: _quoted(value) for key, value in names.items()}
    return [_quoted(value) for value in names]


def statements(
    defined: Schema,
    tables: Iterable[str],
    phases: Iterable[str],
    *,
    schema: str,
    roles: Sequence[str] = (),
    q3c: str = Q3C_SCHEMA,
) -> Iterator[Statement]:
    """Yield the statements of some phases, phase by phase and within a phase table by table.

    Parameters
    ----------
    defined : Schema
        As for `render_phase`.
    tables, phases : iterable of str
        Tables (or ``schema``) and members of `PHASES`.
    schema, roles, q3c
        As for `render_phase`.

    Yields
    ------
    Statement

    Raises
    ------
    ConfigurationError
        If a text that came from a description has a statement that is none of a table's file.
    """
    tables = list(tables)
    for phase in phases:
        for table in tables:
            text = render_phase(defined, table, phase, schema=schema, roles=roles, q3c=q3c)
            own = defined.tables.get(table)
            for statement in cut(text):
                if own is not None and isinstance(own.file, SqlText):
                    # For this schema and these roles a text can say what it did not say before.
                    with naming(own.file, statement):
                        meaning_of(statement)
                yield Statement(table, phase, statement, defined=own)


def render_script(
    defined: Schema,
    tables: Sequence[str] = (),
    phases: Sequence[str] = SCRIPT_PHASES,
    *,
    schema: str,
    roles: Sequence[str] = (),
) -> str:
    """Return a script that ``psql -f`` runs as it is.

    Parameters
    ----------
    defined : Schema
        As for `render_phase`.
    tables, phases : sequence of str
        What to render, all tables if none is named; the order of the result is that of the
        definition and of `PHASES` whatever the order here.
    schema, roles
        As for `render_phase`.

    Raises
    ------
    ConfigurationError
        If a table or phase is unknown, or a name impossible.
    """
    every = [table for table in defined.tables if table != LEDGER]
    for given, known, kind in ((tables, every, "table"), (phases, PHASES, "phase")):
        for name in given:
            if name not in known:
                raise ConfigurationError(f"no {kind} is called {name!r}; known: {' '.join(known)}")
    ordered = ["schema", *(table for table in every if not tables or table in tables)]

    quoted, readers = quote_identifier(schema), [quote_identifier(role) for role in roles]

    def render(table: str, block: str) -> str:
        # psql's own variable, which it quotes.
        names = {"schema": quoted, "roles": readers, "q3c": ':"q3c"'}
        return _block(defined, table, block, names).rstrip()

    lines = [render("schema", "script_head")]
    for phase in (phase for phase in PHASES if phase in phases):
        body = [text for text in (render(table, phase) for table in ordered) if text]
        if phase == "q3c" and len(body) > 1:
            body.insert(1, render("schema", "script_q3c"))
        if body:
            lines += ["", f"-- {phase.replace('_', ' ')}", *body]
    return "\n".join([*lines, "", render("schema", "script_end")]) + "\n"
