"""A catalogue: tables as SQL files define them, and the sources that fill them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres.schema import Reference, Schema
from specprod_copy.postgres.schema_from_ddl import define
from specprod_copy.postgres.sql_files import SqlFile
from specprod_copy.resources import resource_folder
from specprod_copy.tables.source import TableSource

HOUSE = ("version", "load_ledger")
"""Tables that every schema of this program has, whatever its catalogue."""

Record = Callable[[Any, str, bool], None]
"""Takes a connection, a schema, and whether the tables of the catalogue are replaced."""

_IN_FOLDERS = {"vac": "vac/vac.sql"}
"""SQL files of tables that productions do not have."""

Decoder = Callable[[pl.Expr], pl.Expr]
"""Makes a struct of columns of a row from an id of the same row."""


@dataclass(frozen=True)
class Catalogue:
    """What can be loaded, and verified.

    Examples
    --------
    Tables of one's own, beside those of a production:

    >>> stars = Catalogue.of([Path("stars.sql")], [TableSource("stars", ...)])  # doctest: +SKIP
    """

    definition: Schema
    """All tables, in an order in which references allow rows to arrive."""
    sources: Mapping[str, TableSource]
    """By name, in the order of loading."""
    decoders: Mapping[tuple[str, str], Decoder] = field(default_factory=dict)
    """(table, column) of ids that can be decoded."""
    partial: tuple[tuple[str, Reference], ...] = ()
    """Tables, and references of theirs to rows that may be missing: they get no foreign keys."""
    keep_best: frozenset[str] = frozenset()
    """Tables of spectra of which, where a key comes twice, the one that ranks first is kept."""
    notes: tuple[str, ...] = ()
    """What is to be said of how it was chosen."""
    record: Record | None = None
    """Writes into the schema what the catalogue is, within the transaction that makes the tables;
    none for the tables of a production."""
    house: tuple[str, ...] = HOUSE
    """Tables beside those of the data."""

    @classmethod
    def of(
        cls,
        files: Iterable[SqlFile],
        sources: Iterable[TableSource],
        decoders: Mapping[tuple[str, str], Decoder] | None = None,
        optional: Collection[tuple[str, str]] = (),
        house: tuple[str, ...] = HOUSE,
        partitions: int = 1,
    ) -> Catalogue:
        """Return the catalogue of some SQL files and sources.

        Parameters
        ----------
        files : iterable of pathlib.Path or SqlText
            One for each table, in the form of those in ``ddl/``.
        sources : iterable of TableSource
            In an order in which references allow their rows to arrive.
        decoders : mapping, optional
            See `Catalogue.decoders`.
        optional : collection of (str, str)
            See `schema_from_ddl.define`.
        house : tuple of str
            See `Catalogue.house`.
        partitions : int
            See `schema_from_ddl.define`.

        Raises
        ------
        ConfigurationError
            If a file has a form that is not understood, or a source has no table.
        """
        own = [resource_folder("ddl") / _IN_FOLDERS.get(name, f"{name}.sql") for name in house]
        definition = define([*own, *files], optional, partitions=partitions)
        by_name = {source.name: source for source in sources}
        for source in by_name.values():
            if source.table not in definition.tables:
                raise ConfigurationError(f"no file defines table {source.table}")
            if not definition.tables[source.table].primary_key:
                raise ConfigurationError(f"table {source.table} has no primary key")
        return cls(definition, by_name, decoders or {}, house=house)

    @property
    def stages(self) -> tuple[str, ...]:
        """The load stages, in order."""
        return tuple(dict.fromkeys(source.stage for source in self.sources.values()))

    @property
    def job_times(self) -> dict[str, str]:
        """Return the wall time of the job of each stage: the longest one of its sources."""
        times: dict[str, str] = {}
        for source in self.sources.values():
            times[source.stage] = max(times.get(source.stage, ""), source.job_time)
        return times

    @property
    def row_bytes(self) -> dict[str, tuple[int, int]]:
        """Return what a row takes in each table that is large, see `TableSource`."""
        sources = self.sources.values()
        return {source.table: source.row_bytes for source in sources if source.row_bytes}

    @property
    def keywords(self) -> frozenset[str]:
        """Keywords of headers that sources ask for."""
        sources = self.sources.values()
        return frozenset(keyword for source in sources for keyword in source.keywords)

    def of_table(self, table: str) -> list[TableSource]:
        """Return the sources of a table."""
        return [source for source in self.sources.values() if source.table == table]

    def select(self, names: Sequence[str]) -> list[TableSource]:
        """Return the sources of stages, in the order of loading.

        Parameters
        ----------
        names : sequence of str
            Stages; ``all`` stands for every one. The name of a table that is no stage stands for
            the part of its stage that loads the table.

        Raises
        ------
        ConfigurationError
            If a name is unknown.
        """
        stages = self.stages
        tables = {source.table for source in self.sources.values()} - set(stages)
        for name in names:
            if name not in ("all", *stages, *tables):
                raise ConfigurationError(
                    f"no stage is called {name!r}; stages: {' '.join(stages)}; "
                    f"parts of stages: {' '.join(sorted(tables))}"
                )
        return [
            source
            for source in self.sources.values()
            if "all" in names or source.stage in names or source.table in tables.intersection(names)
        ]
