"""Render the SQL in ``ddl/``: whole scripts for psql, or single statements for the loader."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TypeAlias

import jinja2
from psycopg import sql

from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres.schema import Index, Key, Made, Reference, Schema
from specprod_copy.postgres.schema_from_ddl import table_of
from specprod_copy.postgres.sql_statements import Meaning, PartAdded, Validated, meaning_of
from specprod_copy.resources import resource_folder

LEDGERS = ("load_ledger", "tile_ledger")
"""Tables of this program, beside those of the data."""

PHASES = (
    "table",
    "keys",
    "indexes",
    "foreign_keys",
    "validation",
    "q3c",
    "cluster",
    "comments",
    "grants",
)
"""The blocks of a table's DDL file, in an order that works."""

MAKING_PHASES = ("keys", "indexes", "q3c", "foreign_keys", "validation")
"""Those that make indexes and constraints."""

SCRIPT_PHASES = tuple(phase for phase in PHASES if phase != "cluster")
"""What a script holds unless it is asked for more: CLUSTER rewrites whole tables."""

Q3C_SCHEMA = "public"
"""Where q3c is installed, as people expect it. An administrator may have put it elsewhere."""

# Words that PostgreSQL (15 to 18) does not accept as a bare schema or role name: the categories
# "reserved" and "reserved (can be function or type)" of pg_get_keywords().
_RESERVED = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check
    collate collation column concurrently constraint create cross current_catalog current_date
    current_role current_schema current_time current_timestamp current_user default deferrable desc
    distinct do else end except false fetch for foreign freeze from full grant group having ilike in
    initially inner intersect into is isnull join lateral leading left like limit localtime
    localtimestamp natural not notnull null offset on only or order outer overlaps placing primary
    references returning right select session_user similar some symmetric system_user table
    tablesample then to trailing true union unique user using variadic verbose when where window
    with
    """.split()  # noqa: SIM905 - a hundred words read better so
)

# A statement ends at a semicolon that is not inside a quoted name, a literal or a comment.
_STATEMENT = re.compile(r"""(?:"(?:[^"]|"")*"|'(?:[^']|'')*'|--[^\n]*|[^;"'])+;""")

Names: TypeAlias = "str | Mapping[str, Names] | Sequence[Names]"
"""Names of objects, and mappings and lists of them."""


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
    """

    table: str
    phase: str
    sql: str
    schema: str = ""

    @property
    def makes(self) -> Made | None:
        """The index or constraint that the statement makes, or makes valid, if it does."""
        meaning = self._meaning
        return meaning.made if isinstance(meaning, PartAdded | Validated) else None

    @cached_property
    def _meaning(self) -> Meaning:
        return meaning_of(self.sql) if self.phase in MAKING_PHASES else None

    @property
    def references(self) -> Reference | None:
        """The foreign key that the statement makes, if it makes one."""
        meaning = self._meaning
        part = meaning.part if isinstance(meaning, PartAdded) else None
        return part if isinstance(part, Reference) else None

    @property
    def unique(self) -> tuple[str, ...]:
        """The columns that the statement makes unique, if it does."""
        part = self._meaning.part if isinstance(self._meaning, PartAdded) else None
        if isinstance(part, Key):
            return part.columns
        return part.columns if isinstance(part, Index) and part.unique else ()

    def __str__(self) -> str:
        made = self.makes
        if made is None:
            return f"{self.table}: {self.phase}"
        return f"{self.table}: {made.name}" + (" validated" if made.kind == "validation" else "")


def quote_identifier(name: str) -> str:
    """Return `name` as SQL, in double quotes where it needs them.

    Parameters
    ----------
    name : str
        Name of a schema or role, exactly as in the catalog.

    Returns
    -------
    str

    Raises
    ------
    ConfigurationError
        If PostgreSQL cannot have such a name: empty, with a NUL character, or longer than
        63 bytes.
    """
    if not name or "\0" in name or len(name.encode()) > 63:
        raise ConfigurationError(
            f"{name!r} cannot be a name in PostgreSQL: it must have 1 to 63 bytes and no NUL"
        )
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in _RESERVED:
        return name
    return sql.Identifier(name).as_string()


@cache
def _environment(folder: str) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource_folder(folder)),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - this is SQL; names pass through quote_identifier
    )


def render_phase(
    table: str, phase: str, *, schema: str, roles: Sequence[str] = (), q3c: str = Q3C_SCHEMA
) -> str:
    """Return the SQL of one phase of one table, empty if it has none.

    Parameters
    ----------
    table : str
        Name of a file in ``ddl/``.
    phase : str
        One of `PHASES`.
    schema : str
        Schema of the tables, as in the catalog (this function quotes it).
    roles : sequence of str
        Roles that the phase ``grants`` lets read.
    q3c : str
        Schema that q3c is in.

    Returns
    -------
    str
    """
    return _render(table, phase, schema=schema, roles=roles, q3c=quote_identifier(q3c))


def _render(table: str, block: str, *, schema: str, roles: Sequence[str], q3c: str) -> str:
    """Render a block; `q3c` is SQL already, the other names are quoted here."""
    template = _environment("ddl").get_template(f"{table}.sql")
    found = template.blocks.get(block)
    if found is None:
        return ""
    names: dict[str, object] = {
        "schema": quote_identifier(schema),
        "roles": [quote_identifier(role) for role in roles],
        "q3c": q3c,
    }
    return "".join(found(template.new_context(names)))


def render_template(name: str, **names: Names) -> str:
    """Return the SQL of a template.

    Parameters
    ----------
    name : str
        Name of the file in ``templates/``, without ``.sql``.
    **names
        Schemas, tables and other objects, as in the catalog: this function quotes every one, so
        nothing that reaches a template can become SQL. (In a comment it could: a name may have
        line breaks.)

    Returns
    -------
    str

    Raises
    ------
    ConfigurationError
        If PostgreSQL cannot have such a name.
    """
    template = _environment("templates").get_template(f"{name}.sql")
    return template.render({key: _quoted(value) for key, value in names.items()})


def _quoted(names: Names) -> Names:
    if isinstance(names, str):
        return quote_identifier(names)
    if isinstance(names, Mapping):
        return {key: _quoted(value) for key, value in names.items()}
    return [_quoted(value) for value in names]


def statements(
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
    tables, phases : iterable of str
        Tables (or ``schema``) and members of `PHASES`.
    schema, roles, q3c
        As for `render_phase`.

    Yields
    ------
    Statement
    """
    tables = list(tables)
    for phase in phases:
        for table in tables:
            text = render_phase(table, phase, schema=schema, roles=roles, q3c=q3c)
            for statement in cut(text):
                yield Statement(table, phase, statement)


def cut(script: str) -> list[str]:
    """Return the statements of a script, each of which ends with a semicolon."""
    return [statement.strip() for statement in _STATEMENT.findall(script)]


def render_script(
    tables: Sequence[str] = (),
    phases: Sequence[str] = SCRIPT_PHASES,
    *,
    schema: str,
    roles: Sequence[str] = (),
) -> str:
    """Return a script that ``psql -f`` runs as it is.

    Parameters
    ----------
    tables, phases : sequence of str
        What to render, all tables if none is named; the order of the result is that of the
        definition and of `PHASES` whatever the order here.
    schema, roles
        As for `render_phase`.

    Returns
    -------
    str

    Raises
    ------
    ConfigurationError
        If a table or phase is unknown, or a name impossible.
    """
    every = data_tables()
    for given, known, kind in ((tables, every, "table"), (phases, PHASES, "phase")):
        for name in given:
            if name not in known:
                raise ConfigurationError(f"no {kind} is called {name!r}; known: {' '.join(known)}")
    ordered = ["schema", *(table for table in every if not tables or table in tables)]

    def render(table: str, block: str) -> str:
        # psql's own variable, which it quotes.
        return _render(table, block, schema=schema, roles=roles, q3c=':"q3c"').rstrip()

    lines = [render("schema", "script_head")]
    for phase in (phase for phase in PHASES if phase in phases):
        body = [text for text in (render(table, phase) for table in ordered) if text]
        if phase == "q3c" and len(body) > 1:
            body.insert(1, render("schema", "script_q3c"))
        if body:
            lines += ["", f"-- {phase.replace('_', ' ')}", *body]
    return "\n".join([*lines, "", render("schema", "script_end")]) + "\n"


@cache
def definition() -> Schema:
    """Return the schema that the files in ``ddl/`` define.

    Raises
    ------
    ConfigurationError
        If a file has a form that is not understood.
    """
    files = sorted(path for path in resource_folder("ddl").glob("*.sql") if path.stem != "schema")
    return define(files)


def data_tables() -> list[str]:
    """Return the tables of data, in an order in which references allow rows to arrive."""
    return [table for table in definition().tables if table not in LEDGERS]


def define(files: Iterable[Path]) -> Schema:
    """Return the schema that some SQL files define, one table each, which has the file's name.

    Raises
    ------
    ConfigurationError
        If a file has a form that is not understood.
    """
    tables = []
    for file in files:
        template = _environment(str(file.parent)).get_template(file.name)
        context = template.new_context({"schema": "s", "roles": [], "q3c": "q3c"})
        text = ["".join(template.blocks[p](context)) for p in PHASES if p in template.blocks]
        found = [statement.strip() for part in text for statement in _STATEMENT.findall(part)]
        tables.append(table_of(file.stem, found, file))
    return Schema.of("", tables)


def primary_key(table: str) -> str:
    """Return the column that is the primary key of a table."""
    [key] = definition().tables[table].primary_key
    return key
