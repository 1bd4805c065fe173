"""From a description to a catalogue: tables as its SQL files define them, and their sources."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial, reduce
from operator import and_
from pathlib import Path
from typing import Any

import polars as pl

from specprod_copy.errors import ConfigurationError, InputError
from specprod_copy.postgres.columns import POLARS_TYPES, Column
from specprod_copy.postgres.identifiers import quote_identifier
from specprod_copy.postgres.row_size import refuse_too_wide, row_size
from specprod_copy.postgres.schema import Table
from specprod_copy.reader import Described
from specprod_copy.reader.view import View
from specprod_copy.tables import Catalogue, TableSource
from specprod_copy.tables.source import ROW, Joined
from specprod_copy.vac.column_values import header_column, may_lack, path_column, seen_as, ways
from specprod_copy.vac.description import WILD, ColumnRule, Description, TableRule
from specprod_copy.vac.files import check_patterns, find, said_by_path
from specprod_copy.vac.references import partial_references, require_column, sql_text

HOUSE = ("version", "vac", "load_ledger")
"""Tables that a schema of catalogues has beside theirs."""

_LONGEST = 48


def catalogue_of(
    description: Description, command: str = "", root: Path | None = None
) -> Catalogue:
    """Return the catalogue that is described.

    Parameters
    ----------
    description : Description
    command : str
        The beginning of the command that loads it, for messages.
    root : pathlib.Path, optional
        Where the patterns of its files begin, for who reads them.

    Raises
    ------
    ConfigurationError
        If the description contradicts itself or the SQL files, or these are not as they must be.
    """
    check_patterns(description)
    _check_names(description)
    files = [sql_text(description, rule) for rule in description.tables]
    sources = [
        TableSource(description.table(rule.name), description.name, lambda inputs: [], rule.hdu)
        for rule in description.tables
    ]
    found = Catalogue.of(files, sources, house=HOUSE)
    made = {
        source.name: _source(
            description, rule, found.definition.tables[source.table], command, root
        )
        for source, rule in zip(sources, description.tables, strict=True)
    }
    order = [*found.definition.tables]
    return replace(
        found,
        sources=dict(sorted(made.items(), key=lambda item: order.index(item[1].table))),
        partial=tuple(partial_references(description, found.definition)),
    )


def _check_names(description: Description) -> None:
    """Check the names of tables with their suffix."""
    for rule in description.tables:
        name = description.table(rule.name)
        if name in HOUSE:
            raise ConfigurationError(
                f"table {name}: every schema of catalogues has a table of that name, which says "
                "what the others are: give this one another name"
            )
        if len(name) > _LONGEST or quote_identifier(name) != name:
            raise ConfigurationError(
                f"table {name}: a name with its suffix has at most {_LONGEST} characters, so that "
                "those of indexes can begin with it, and is no reserved word of SQL"
            )


def _source(
    description: Description, rule: TableRule, table: Table, command: str, root: Path | None
) -> TableSource:
    columns = {column.name: column for column in table.columns}
    _check_columns(rule, columns)
    refuse_too_wide(table.name, table.columns)
    rules = {name: _rule_of(rule, name) for name in columns}
    said = _Said(
        tuple({r.header for r in rules.values() if r.header}),
        frozenset(r.header for r in rules.values() if r.header and may_lack(r)),
        rule.files if any(r.path for r in rules.values()) else (),
        tuple(description.parameters.items()),
        root,
    )
    optional = frozenset(name.upper() for name, r in rules.items() if may_lack(r))
    size = row_size(table.columns)
    derived = {
        name: made
        for name, own in rules.items()
        if (made := ways(name, own, rules, columns[name], joined=bool(rule.join)))
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
        check_keys=True,
        finitize=False,
        position=(rule.position[0], rule.position[1]) if rule.position else None,
        sky_order=bool(rule.position),
        row_bytes=(8192 // size.rows_a_page, 40),
        command=command or f"load-vac {shlex.quote(description.name + '.toml')}",
    )


def _check_columns(rule: TableRule, columns: Mapping[str, Column]) -> None:
    """Check what a description says of columns against the SQL file."""
    where = f"[tables.{rule.name}.columns]"
    for name in rule.columns:
        if not WILD.intersection(name):
            require_column(where, name, columns)
        elif not any(fnmatchcase(column, name) for column in columns):
            raise ConfigurationError(f"{where}: no column is called like {name}")
    for name in rule.position:
        require_column(f"[tables.{rule.name}], position", name, columns)
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
        said = "null" if own.null else "nan" if own.nan is not None else ""
        if said and column.type.startswith("_"):
            raise ConfigurationError(f"{where}: {column.name} is an array: no {said} for those")


def _rule_of(rule: TableRule, name: str) -> ColumnRule:
    """Return all that is said of a column: of itself, and of patterns that it is like."""
    own = rule.columns.get(name, ColumnRule())
    for pattern, more in rule.columns.items():
        if WILD.intersection(pattern) and fnmatchcase(name, pattern):
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
            found=f"FOUND BY JOIN {number}?" if join.how == "inner" else "",
        )
        for number, join in enumerate(rule.join, 1)
    ]


def _first_view(rule: TableRule, rules: Mapping[str, ColumnRule], optional: frozenset[str]) -> View:
    """Return how the first HDU is seen.

    Without others its columns are named there as in the table: the names of FITS columns may be
    patterns to Polars, such as ``*``.
    """
    shared = {name for join in rule.join for name in (*join.same, *join.by)}
    rename = dict(rule.rename)
    if not rule.join:
        for own in rules.values():
            if own.source and own.source != (seen := seen_as(own.source, rules)):
                rename.setdefault(own.source, seen)
    return View(
        rule.prefix,
        tuple(rename.items()),
        rule.drop,
        frozenset(shared),
        optional,
        frozenset(rename.values()).difference(new for _, new in rule.rename),
        ROW if any(own.row for own in rules.values()) else "",
    )


def _filter(rule: TableRule) -> pl.Expr:
    try:
        return pl.sql_expr(rule.filter)
    except pl.exceptions.PolarsError as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(
            f"[tables.{rule.name}], filter {rule.filter!r}: {reason}"
        ) from error


@dataclass(frozen=True)
class _Said:
    """What the header and the path of a file say; see `TableSource.constants`."""

    headers: tuple[str, ...]
    optional: frozenset[str]
    """Keywords that a header may lack."""
    patterns: Sequence[str]
    parameters: tuple[tuple[str, str], ...]
    root: Path | None

    def __call__(self, table: Described) -> Mapping[str, object]:
        said: dict[str, Any] = {}
        for keyword in self.headers:
            if keyword in table.header:
                value = table.header[keyword]
                said[header_column(keyword)] = value.rstrip() if isinstance(value, str) else value
            elif keyword not in self.optional:
                message = f"no {keyword} in its header, which a column is made of"
                raise InputError(message, path=table.path, hdu=table.hdu)
        if self.patterns:
            found = said_by_path(table.path, self.patterns, dict(self.parameters), self.root)
            said |= {path_column(name): value for name, value in found.items()}
        return said
