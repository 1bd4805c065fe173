"""From a description to a catalogue: tables as its SQL files define them, and their sources."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial, reduce
from operator import and_
from typing import Any

import polars as pl

from specprod_copy.desi import ids
from specprod_copy.errors import ConfigurationError, InputError
from specprod_copy.postgres.columns import POLARS_TYPES, Column
from specprod_copy.postgres.identifiers import quote_identifier
from specprod_copy.postgres.row_size import refuse_too_wide, row_size
from specprod_copy.postgres.schema import Reference, Schema, Table
from specprod_copy.postgres.schema_from_ddl import SqlText
from specprod_copy.reader import Described
from specprod_copy.reader.view import View
from specprod_copy.tables import Catalogue, TableSource
from specprod_copy.tables.source import Joined
from specprod_copy.vac.description import ColumnRule, Description, ReferenceRule, TableRule
from specprod_copy.vac.files import check_patterns, filled, find, said_by_path
from specprod_copy.words import did_you_mean

HOUSE = ("version", "vac", "load_ledger")
"""Tables that a schema of catalogues has beside theirs."""

_LONGEST = 48
_ROW = "ROW?"
_WILD = frozenset("*?[")
_GRANTS = """
{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.{{ table }} TO {{ role }};
{% endfor %}
{% endblock %}
"""


def catalogue_of(description: Description, command: str = "") -> Catalogue:
    """Return the catalogue that is described.

    Parameters
    ----------
    description : Description
    command : str
        The beginning of the command that loads it, for messages.

    Raises
    ------
    ConfigurationError
        If the description contradicts itself or the SQL files, or these are not as they must be.
    """
    check_patterns(description)
    _check_names(description)
    files = [_sql_text(description, rule) for rule in description.tables]
    sources = [
        TableSource(description.table(rule.name), description.name, lambda inputs: [], rule.hdu)
        for rule in description.tables
    ]
    found = Catalogue.of(files, sources, house=HOUSE)
    made = {
        source.name: _source(description, rule, found.definition.tables[source.table], command)
        for source, rule in zip(sources, description.tables, strict=True)
    }
    order = [*found.definition.tables]
    return replace(
        found,
        sources=dict(sorted(made.items(), key=lambda item: order.index(item[1].table))),
        partial=tuple(_partial(description, found.definition)),
    )


def _check_names(description: Description) -> None:
    """Check the names of tables with their suffix."""
    for rule in description.tables:
        name = description.table(rule.name)
        if len(name) > _LONGEST or quote_identifier(name) != name:
            raise ConfigurationError(
                f"table {name}: a name with its suffix has at most {_LONGEST} characters, so that "
                "those of indexes can begin with it, and is no reserved word of SQL"
            )


def _sql_text(description: Description, rule: TableRule) -> SqlText:
    """Return the SQL of a table, with the foreign keys that the description asks for."""
    text = description.sql[rule.sql]
    refused = [reference for reference in rule.references if reference.orphans == "refuse"]
    if refused and "block foreign_keys" in text:
        raise ConfigurationError(
            f"{rule.sql} has foreign keys, and so has [tables.{rule.name}] as references: keep one"
        )
    if refused:
        keys = [_foreign_key(description, rule, reference) for reference in refused]
        for phase, n in (("foreign_keys", 0), ("validation", 1)):
            lines = "\n".join(key[n] for key in keys)
            text += f"\n{{% block {phase} %}}\n{lines}\n{{% endblock %}}\n"
    if "block grants" not in text:
        text += _GRANTS
    return SqlText(description.table(rule.name), text)


def _foreign_key(
    description: Description, rule: TableRule, reference: ReferenceRule
) -> tuple[str, str]:
    wanted = _reference(description, rule, reference)
    schema = quote_identifier(wanted.schema) if wanted.schema else "{{ schema }}"
    own, other = (", ".join(map(quote_identifier, n)) for n in (wanted.columns, wanted.keys))
    alter, name = "ALTER TABLE {{ schema }}.{{ table }}", quote_identifier(wanted.name)
    return (
        f"{alter} ADD CONSTRAINT {name} FOREIGN KEY ({own}) REFERENCES "
        f"{schema}.{quote_identifier(wanted.table)} ({other}) NOT VALID;",
        f"{alter} VALIDATE CONSTRAINT {name};",
    )


def _reference(description: Description, rule: TableRule, said: ReferenceRule) -> Reference:
    where = filled(said.table, description.parameters)
    schema, dot, table = where.rpartition(".")
    if not dot:
        if table not in {other.name for other in description.tables}:
            raise ConfigurationError(
                f"table {rule.name} refers to {table}, which is none of this description: name "
                f"another one with its schema, SCHEMA.{table}"
            )
        table = description.table(table)
    if "{" in where:
        raise ConfigurationError(
            f"table {rule.name} refers to {said.table}: what it stands for is not known; name it "
            "by --specprod"
        )
    name = f"{description.table(rule.name)}_{'_'.join(said.columns)}_fkey"
    return Reference(name[:63], said.columns, table, said.keys, schema=schema)


def _partial(description: Description, definition: Schema) -> Iterable[tuple[str, Reference]]:
    for rule in description.tables:
        table = definition.tables[description.table(rule.name)]
        names = [column.name for column in table.columns]
        for said in rule.references:
            for name in said.columns:
                _known(f"table {rule.name}, references", name, names)
            if said.orphans == "allow":
                yield table.name, _reference(description, rule, said)


def _known(where: str, name: str, names: Iterable[str]) -> None:
    names = [*names]
    if name not in names:
        meant = did_you_mean(name, names)
        raise ConfigurationError(f"{where}: no column is called {name}; {meant}".rstrip("; "))


def _source(description: Description, rule: TableRule, table: Table, command: str) -> TableSource:
    columns = {column.name: column for column in table.columns}
    _check_columns(rule, columns)
    refuse_too_wide(table.name, table.columns)
    rules = {name: _rule_of(rule, name) for name in columns}
    said = _Said(
        tuple({r.header for r in rules.values() if r.header}),
        frozenset(r.header for r in rules.values() if r.header and _may_lack(r)),
        rule.files if any(r.path for r in rules.values()) else (),
        tuple(description.parameters.items()),
    )
    optional = frozenset(name.upper() for name, r in rules.items() if _may_lack(r))
    size = row_size(table.columns)
    derived = {
        name: ways
        for name, own in rules.items()
        if (ways := _ways(name, own, rules, columns[name], joined=bool(rule.join)))
    }
    keeps = [pl.col(view.found) for view in _views(rule) if view.how == "inner"]
    if rule.filter:
        keeps.append(_filter(rule))
    return TableSource(
        table=table.name,
        stage=description.name,
        files=partial(find, rule.files, description.parameters),
        hdus=rule.hdu,
        view=_first_view(rule, rules, optional),
        joined=tuple(
            Joined(join.hdu, file=join.file, view=replace(view, optional=optional))
            for join, view in zip(rule.join, _views(rule), strict=True)
        ),
        match=tuple(dict.fromkeys(name for join in rule.join for name in join.same)),
        by_number=True,
        derived=derived,
        row_filter=reduce(and_, keeps) if keeps else None,
        constants=said if said.headers or said.patterns else None,
        keywords=said.headers,
        says_unused=True,
        finitize=False,
        position=(rule.position[0], rule.position[1]) if rule.position else None,
        sky_order=bool(rule.position),
        row_bytes=(8192 // size.rows_a_page, 40),
        command=command or f"load-vac {shlex.quote(description.name + '.toml')}",
    )


def _may_lack(rule: ColumnRule) -> bool:
    return rule.optional or rule.absent is not None


def _check_columns(rule: TableRule, columns: Mapping[str, Column]) -> None:
    """Check what a description says of columns against the SQL file."""
    where = f"[tables.{rule.name}.columns]"
    for name in rule.columns:
        if not _WILD.intersection(name):
            _known(where, name, columns)
        elif not any(fnmatchcase(column, name) for column in columns):
            raise ConfigurationError(f"{where}: no column is called like {name}")
    for name in rule.position:
        _known(f"[tables.{rule.name}], position", name, columns)
        if columns[name].type not in ("float4", "float8"):
            raise ConfigurationError(
                f"[tables.{rule.name}], position: {name} is {columns[name].type}, no angle"
            )
    for column in columns.values():
        if column.type not in POLARS_TYPES:
            raise ConfigurationError(
                f"{rule.sql}: column {column.name}: type {column.type} is not supported; "
                f"supported: {', '.join(POLARS_TYPES)}"
            )
        own = _rule_of(rule, column.name)
        nothing = own.null or (own.optional and own.absent is None)
        if nothing and column.not_null and column.name in rule.columns:
            raise ConfigurationError(
                f"{where}: {column.name} may become NULL, and {rule.sql} says NOT NULL"
            )
        if own.null and column.type.startswith("_"):
            raise ConfigurationError(f"{where}: {column.name} is an array, and null is of numbers")


def _rule_of(rule: TableRule, name: str) -> ColumnRule:
    """Return all that is said of a column: of itself, and of patterns that it is like."""
    own = rule.columns.get(name, ColumnRule())
    for pattern, more in rule.columns.items():
        if _WILD.intersection(pattern) and fnmatchcase(name, pattern):
            own = replace(
                own,
                optional=own.optional or more.optional,
                absent=more.absent if own.absent is None else own.absent,
                null=own.null or more.null,
                nan=more.nan if own.nan is None else own.nan,
            )
    return own


def _views(rule: TableRule) -> list[View]:
    return [
        View(
            join.prefix,
            join.rename,
            join.drop,
            frozenset({*join.same, *join.by}),
            by=join.by,
            how=join.how,
        )
        for join in rule.join
    ]


def _first_view(rule: TableRule, rules: Mapping[str, ColumnRule], optional: frozenset[str]) -> View:
    """Return how the first HDU is seen.

    Without others its columns are named there as in the table: the names of FITS columns may be
    patterns to Polars, such as ``*``.
    """
    shared = {name for join in rule.join for name in (*join.same, *join.by)}
    rename = dict(rule.rename)
    if not rule.join:
        for name, own in rules.items():
            if own.source:
                rename.setdefault(own.source, name.upper())
    return View(
        rule.prefix,
        tuple(rename.items()),
        rule.drop,
        frozenset(shared),
        optional,
        frozenset(rename.values()).difference(new for _, new in rule.rename),
        _ROW if any(own.row for own in rules.values()) else "",
    )


def _ways(
    name: str,
    own: ColumnRule,
    rules: Mapping[str, ColumnRule],
    column: Column,
    *,
    joined: bool,
) -> tuple[pl.Expr, ...]:
    """Return the ways of making a column; none for a plain copy."""
    if own == ColumnRule():
        return ()
    value = _base(name, rules, joined=joined)
    if own.nan is not None:
        value = value.fill_nan(own.nan)
    if own.null:
        sentinel = pl.any_horizontal([value == pl.lit(sentinel) for sentinel in own.null])
        value = pl.when(sentinel).then(None).otherwise(value)
    if not _may_lack(own):
        return (value,)
    return value, pl.lit(own.absent, dtype=None if own.absent is not None else column.polars_type)


def _base(name: str, rules: Mapping[str, ColumnRule], *, joined: bool) -> pl.Expr:
    """Return where the values of a column come from."""
    own = rules[name]
    if own.header:
        return pl.col(_header(own.header))
    if own.path:
        return pl.col(_path(own.path))
    if own.value is not None:
        return pl.lit(own.value)
    if own.row:
        return pl.col(_ROW)
    if own.id:
        return _IDS[own.id](partial(_part_of_id, name, rules, joined=joined))
    if own.source:
        # Of two columns that are made of one the first gives it its name; see `_first_view`.
        first = next(n for n, other in rules.items() if other.source == own.source)
        return pl.col(own.source if joined else first.upper())
    return pl.col(name.upper())


def _part_of_id(
    column: str,
    rules: Mapping[str, ColumnRule],
    *names: str,
    joined: bool,
    default: pl.Expr | None = None,
) -> pl.Expr:
    for name in names:
        if name in rules:
            return _base(name, rules, joined=joined)
    if default is None:
        raise ConfigurationError(
            f"column {column}: the id is made of {' or '.join(names)}, which the table lacks"
        )
    return default


def _zpix(part: Callable[..., pl.Expr]) -> pl.Expr:
    return ids.zpixid(part("program"), part("survey"), part("targetid"))


def _ztile(part: Callable[..., pl.Expr]) -> pl.Expr:
    group = part("spgrp", default=pl.lit("cumulative"))
    night = part("spgrpval", "lastnight")
    return ids.ztileid(group, night, part("tileid"), part("targetid"))


_IDS: Mapping[str, Callable[[Callable[..., pl.Expr]], pl.Expr]] = {"zpix": _zpix, "ztile": _ztile}


def _filter(rule: TableRule) -> pl.Expr:
    try:
        return pl.sql_expr(rule.filter)
    except pl.exceptions.PolarsError as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(
            f"[tables.{rule.name}], filter {rule.filter!r}: {reason}"
        ) from error


def _header(keyword: str) -> str:
    return f"{keyword} OF HEADER?"


def _path(name: str) -> str:
    return f"{name} OF PATH?"


@dataclass(frozen=True)
class _Said:
    """What the header and the path of a file say; see `TableSource.constants`."""

    headers: tuple[str, ...]
    optional: frozenset[str]
    """Keywords that a header may lack."""
    patterns: Sequence[str]
    parameters: tuple[tuple[str, str], ...]

    def __call__(self, table: Described) -> Mapping[str, object]:
        said: dict[str, Any] = {}
        for keyword in self.headers:
            if keyword in table.header:
                value = table.header[keyword]
                said[_header(keyword)] = value.rstrip() if isinstance(value, str) else value
            elif keyword not in self.optional:
                message = f"no {keyword} in its header, which a column is made of"
                raise InputError(message, path=table.path, hdu=table.hdu)
        if self.patterns:
            found = said_by_path(table.path, self.patterns, dict(self.parameters))
            said |= {_path(name): value for name, value in found.items()}
        return said
