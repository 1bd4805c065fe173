"""Rows of files that repeat a key, found before the first row is sent.

Of each row 8 bytes are kept, a hash of its key. Rows whose hashes are equal are read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.executors.contexts import Report, unheard
from specprod_copy.executors.executor import Executor, Inline, Workers, in_order
from specprod_copy.plan.limits import Limits
from specprod_copy.plan.planning import Plan
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.schema import Key, Schema, Table
from specprod_copy.rows.keyed import ROW, numbered_rows
from specprod_copy.rows.units import Findings, Unit, entry_name
from specprod_copy.tables import Catalogue, TableSource

_FILE, _HASH = "file?", "hash?"
_MOST_HASHES = 1000
_MOST_KEYS = 3
_MOST_PLACES = 3
_SEED = 20251129


@dataclass(frozen=True)
class _Reading:
    """What keys are read with."""

    sources: Mapping[str, TableSource]
    key: tuple[Column, ...]
    loaded_too: bool
    """Whether units were loaded before; rows of theirs may be in quarantine."""

    @contextmanager
    def opened(self, report: Report) -> Iterator[_Reading]:
        yield self


def refuse_repeated(
    catalogue: Catalogue,
    found: Schema,
    plan: Plan,
    limits: Limits,
    workers: Workers | None = None,
    tell: Callable[[str], None] = unheard,
) -> list[str]:
    """Check that no two rows that are to be loaded have the same key.

    A table that has the key already compares new rows with its own; otherwise all files count,
    what an interrupted load has sent of them as well.

    Parameters
    ----------
    catalogue : Catalogue
    found : Schema
        What the server has.
    plan : Plan
    limits : Limits
    workers : Workers, optional
        Who read large files; without them this thread does.
    tell : callable, optional
        Receives what takes long.

    Returns
    -------
    list of str
        Notes on tables of more than `Limits.key_rows` rows, which are left to the server.

    Raises
    ------
    InputError
        Names table, key, and the first values with their files and rows.
    """
    asked = {source.name for source in plan.sources if source.check_keys}
    notes = []
    for table in dict.fromkeys(unit.table for unit in plan.units if unit.source in asked):
        columns = {column.name: column for column in catalogue.definition.columns_of(table)}
        for key in catalogue.definition.tables[table].keys:
            units = [unit for unit in plan.units if unit.table == table]
            files = [unit for unit in plan.files if unit.table == table]
            old = not _has_key(found.tables.get(table), key) and _rows(units) < _rows(files)
            units = files if old else units
            n_rows = _rows(units)
            if n_rows > limits.key_rows:
                notes.append(f"{table}: {n_rows:,} rows: their {key} is checked when it is made")
                continue
            of_key = tuple(columns[name] for name in key.columns)
            reading = _Reading(catalogue.sources, of_key, old)
            if workers is None or n_rows <= limits.small_rows:
                _refuse(Inline(reading), reading, table, key, units)
                continue
            tell(f"reading {key} of {n_rows:,} rows of {table}")
            with workers.sharing(reading) as executor:
                _refuse(executor, reading, table, key, units)
    return notes


def _has_key(table: Table | None, key: Key) -> bool:
    return table is not None and {*key.columns} in [{*one.columns} for one in table.keys]


def _rows(units: Sequence[Unit]) -> int:
    return sum(unit.n_rows for unit in units)


def _refuse(
    executor: Executor[_Reading], reading: _Reading, table: str, key: Key, units: Sequence[Unit]
) -> None:
    hashes = np.empty(_rows(units), np.uint64)
    end = 0
    for _, some in in_order(executor, _hashes, units):
        hashes[end : end + len(some)] = some
        end += len(some)
    hashes = hashes[:end]
    hashes.sort()
    repeated = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
    if not len(repeated):
        return
    rows = _rows_with(reading, units, pl.Series(repeated[:_MOST_HASHES]))
    groups = [*rows.group_by(key.columns, maintain_order=True)]
    twice = [(values, places) for values, places in groups if places.height > 1]
    if not twice:
        return  # Of two keys only the hashes were equal.
    shown = "; ".join(
        f"({', '.join(key.columns)}) = ({', '.join(map(str, values))}) in {_listed(places)}"
        for values, places in twice[:_MOST_KEYS]
    )
    more = f"; {len(repeated):,} such values" if len(repeated) > _MOST_KEYS else ""
    ways = "Take the rows out of the files, or make a key of more columns"
    if key.primary:
        ways = (
            "Take the rows out of the files, make a key of more columns, or load the first row of "
            "each key alone by --on-error quarantine"
        )
    raise InputError(f"{key} of table {table} is not unique: {shown}{more}. {ways}")


def _listed(places: pl.DataFrame) -> str:
    rows = places[[_FILE, ROW]].rows()
    shown = " and ".join(f"{file} row {row}" for file, row in rows[:_MOST_PLACES])
    return shown + (" and more" if len(rows) > _MOST_PLACES else "")


def _keys(reading: _Reading, unit: Unit) -> Iterator[pl.DataFrame]:
    """Yield keys without NULL, and their hashes."""
    names = [column.name for column in reading.key]
    found = Findings([] if reading.loaded_too else None, digests=None)
    for numbered in numbered_rows(unit, reading.sources, reading.key, found):
        hashes = numbered.select(names).hash_rows(_SEED)
        yield numbered.select(*names, ROW, hashes.alias(_HASH)).drop_nulls(names)


def _hashes(reading: _Reading, unit: Unit) -> np.ndarray:
    found = [frame[_HASH].to_numpy() for frame in _keys(reading, unit)]
    return np.concatenate([np.empty(0, np.uint64), *found])


def _rows_with(reading: _Reading, units: Sequence[Unit], hashes: pl.Series) -> pl.DataFrame:
    """Return rows with some hashes, the first few of each."""
    kept = pl.DataFrame()
    for unit in units:
        place = pl.lit(entry_name(str(unit.path), unit.hdu)).alias(_FILE)
        for frame in _keys(reading, unit):
            found = frame.filter(pl.col(_HASH).is_in(hashes.implode())).with_columns(place)
            kept = pl.concat([kept, found], how="diagonal")
            kept = kept.group_by(_HASH, maintain_order=True).head(_MOST_PLACES + 1)
    return kept
