"""The columns of an exported table: names, types, what they mean, and which are its position."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from specprod_copy.errors import ConfigurationError
from specprod_copy.metadata.origins import name_in_files
from specprod_copy.metadata.positions import position_of
from specprod_copy.metadata.principal import is_principal
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.schema import Schema
from specprod_copy.results.column import Meaning, ResultColumn
from specprod_copy.tables import Catalogue, finitized_columns
from specprod_copy.words import did_you_mean

_SKY: Final = ("ra", "dec")

_NAME: Final = re.compile(r"[A-Za-z0-9._\\-]+")
"""What hats-import takes for the name of a catalog."""


def wrong_name(name: str) -> str:
    """Return why no catalog may be called like that, or an empty text."""
    if _NAME.fullmatch(name):
        return ""
    return "a HATS catalog has a name of letters (A to Z), digits, '.', '_' and '-'"


@dataclass(frozen=True)
class Exported:
    """A table as it is exported."""

    table: str
    columns: tuple[Column, ...]
    """Those of the table; where its position is that of its targets, ra and dec behind them, unless
    it has such columns."""
    named: tuple[str, ...]
    """What the columns are called in the catalog."""
    position: tuple[str, str]
    """Right ascension and declination, as called in the catalog."""
    borrowed: bool
    """Whether the position is not the table's own."""
    results: tuple[ResultColumn, ...]
    """The columns as the result of a query has them."""

    @property
    def principal(self) -> tuple[str, ...]:
        """The columns that most people want, as called in the catalog."""
        pairs = zip(self.columns, self.named, strict=True)
        return tuple(
            named
            for column, named in pairs
            if is_principal(self.table, column.name) or named in self.position
        )


def exported(catalogue: Catalogue, found: Schema, table: str, names: str) -> Exported:
    """Return how a table is exported.

    Parameters
    ----------
    catalogue : Catalogue
    found : Schema
        The tables that there are: those of a server, or the definition.
    table : str
    names : {"database", "fits"}

    Raises
    ------
    ConfigurationError
        If there is no such table, no catalog may have its name, it has no position, or columns
        would have the same name.
    """
    if table not in found.tables:
        meant = did_you_mean(table, found.tables)
        raise ConfigurationError(
            f"there is no table {table}; {meant and f'{meant} '}"
            f"there are: {', '.join(found.tables)}"
        )
    if wrong := wrong_name(table):
        raise ConfigurationError(f"table {table}: {wrong}; rename the table")
    position = position_of(catalogue.definition, found, table)
    if position is None:
        raise _without_position(catalogue.definition, found, table)
    columns = list(found.columns_of(table))
    own = {column.name for column in columns}.intersection(_SKY)
    borrowed = bool(position.key) and own != {*_SKY}
    if borrowed and own:
        raise ConfigurationError(
            f"table {table} has {min(own)} alone of {' and '.join(_SKY)}, so both would come from "
            f"{position.table}: rename it, or add the other one"
        )
    if borrowed:
        of_targets = {c.name: c for c in found.tables[position.table].columns}
        columns += [
            replace(of_targets[theirs], name=name, not_null=False)
            for theirs, name in zip((position.ra, position.dec), _SKY, strict=True)
        ]
    sky = _SKY if position.key else (position.ra, position.dec)
    named = _named(catalogue, table, columns, names)
    by_name = dict(zip((c.name for c in columns), named, strict=True))
    return Exported(
        table,
        tuple(columns),
        named,
        (by_name[sky[0]], by_name[sky[1]]),
        borrowed,
        tuple(_result(table, column) for column in columns),
    )


def _without_position(defined: Schema, found: Schema, table: str) -> ConfigurationError:
    wanted = position_of(defined, defined, table) if table in defined.tables else None
    if wanted is None:
        return ConfigurationError(
            f"table {table} has no position, and a HATS catalog is ordered by it; specprod-copy "
            "query writes any table as Parquet"
        )
    return ConfigurationError(
        f"the positions of table {table} are those of {wanted.table}, which schema {found.name} "
        f"does not have: load {wanted.table} first"
    )


def _named(
    catalogue: Catalogue, table: str, columns: Sequence[Column], names: str
) -> tuple[str, ...]:
    own = tuple(column.name for column in columns)
    if names == "database":
        return own
    sources = catalogue.of_table(table)
    found: dict[str, str] = {}
    for name in own:
        wanted = name_in_files(sources[0], name) if sources else name.upper()
        found[name] = wanted if wanted not in found.values() else name.upper()
    called = list(found.values())
    if double := [name for name in called if called.count(name) > 1]:
        raise ConfigurationError(
            f"table {table} has several columns that are {double[0]} in files; export it with "
            "--names database"
        )
    return tuple(called)


def _result(table: str, column: Column) -> ResultColumn:
    is_array = column.type.startswith("_")
    meaning = Meaning(
        column.description,
        column.unit,
        column.ucd,
        finitized=column.name in finitized_columns(table),
    )
    return ResultColumn(
        column.name,
        column.type.removeprefix("_"),
        str(column),
        is_array,
        column.max_length,
        column.digits,
        meaning,
    )


def with_position(export: Exported, batch: pa.Table) -> pa.Table:
    """Return the rows whose position is known, with the columns as the catalog calls them."""
    named = batch.rename_columns(list(export.named))
    ra, dec = (named[name] for name in export.position)
    known = pc.and_(_between(ra, 0, 360), _between(dec, -90, 90))
    return named.filter(known)  # not null either


def _between(values: pa.ChunkedArray, least: float, most: float) -> pa.ChunkedArray:
    return pc.and_(pc.greater_equal(values, least), pc.less_equal(values, most))
