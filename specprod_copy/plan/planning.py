"""From stages to units: which rows of which files have to go where.

Planning opens every file and prepares its transform, so missing files, missing columns and
impossible types are found before the first row is sent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from zlib import crc32

import numpy as np

from specprod_copy.errors import ConfigurationError, InputError, concerning
from specprod_copy.plan.absent_catalogs import check_catalogs
from specprod_copy.plan.changed_files import (
    refuse_changed,
    refuse_changed_others,
    refuse_vanished,
    rows_to_digest,
    whole_unit,
)
from specprod_copy.plan.first_occurrences import chosen_rows
from specprod_copy.plan.ledger import Ledger, LoadedRange, Renewal
from specprod_copy.plan.limits import LIMITS, Limits
from specprod_copy.plan.looks import Looks, wanted_of
from specprod_copy.plan.moved_files import moved
from specprod_copy.plan.space import Space
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.schema import Schema
from specprod_copy.reader.look import Look
from specprod_copy.rows.transform import Transform
from specprod_copy.rows.units import Unit, entry_name
from specprod_copy.tables import Inputs, TableSource


@dataclass
class Plan:
    """What a load has to do.

    Parameters
    ----------
    sources : list of TableSource
        In the order of loading.
    files : list of Unit
        Every file with every row that counts, loaded or not.
    units : list of Unit
        What is to be loaded, in the order of loading.
    notes : list of str
        What looks like an input and is left out; what is odd about files, but no error.
    moved : list of (TableSource, str, str)
        Files that the ledger has under another name, which is first, than they have now.
    renewals : list of Renewal
        What the ledger is to say of files that are the same, but for their time.
    space : dict of str to Space
        What `units` take on the server at most, for each large table; if somebody asked for it.
    """

    sources: list[TableSource]
    files: list[Unit] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    moved: list[tuple[TableSource, str, str]] = field(default_factory=list)
    renewals: list[Renewal] = field(default_factory=list)
    space: dict[str, Space] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Rows to read."""
        return sum(unit.n_rows for unit in self.units)


class Planner:
    """Finds out what is to be loaded, and keeps what it has seen of files for the next time.

    Parameters
    ----------
    inputs : Inputs
        They know the tiles.
    limits : Limits
    looks : Looks, optional
        What has been seen of the files already.
    """

    def __init__(self, inputs: Inputs, limits: Limits = LIMITS, looks: Looks | None = None) -> None:
        self.inputs, self.limits, self.looks = inputs, limits, looks or Looks()

    def plan(
        self,
        sources: Sequence[TableSource],
        columns: Mapping[str, Sequence[Column]],
        ledger: Ledger,
    ) -> Plan:
        """Find out what is to be loaded.

        Parameters
        ----------
        sources : sequence of TableSource
        columns : mapping of str to sequence of Column
            Columns of each table.
        ledger : Ledger
            What is loaded already.

        Raises
        ------
        InputError
            If a file is missing, unreadable, lacks columns, or changed since it was loaded.
        """
        plan, taken = Plan(list(sources)), _Taken()
        self.look(sources)
        for source in sources:
            with concerning(source.table):
                self._plan(plan, source, columns[source.table], ledger, taken)
        plan.notes += taken.notes(plan.units)
        given = {self.inputs.tiles_file, self.inputs.exposures_file}
        paths = dict.fromkeys(part.path for unit in plan.files for part in unit.parts)
        plan.notes += self.inputs.files.left_out(path for path in paths if path not in given)
        return plan

    def _plan(
        self,
        plan: Plan,
        source: TableSource,
        columns: Sequence[Column],
        ledger: Ledger,
        taken: _Taken,
    ) -> None:
        """Find out what is to be loaded from a source."""
        root = self.inputs.files.root
        loaded = ledger.loaded(source.table, source.stage)
        files = source.files(self.inputs)
        plan.notes += check_catalogs(source, files, self.inputs)
        seen = [self.looks.of(source, path) for path in files]
        transforms = [Transform(source, look, columns) for look in seen]
        for look, transform in zip(seen, transforms, strict=True):
            made_of = transform.inputs
            own = [column.name.upper() for column in columns]
            taken.add(source, look, [*made_of, *own])
        opened = [whole_unit(source, look, root) for look in seen]
        names = moved(opened, loaded, root, self.looks.digest)
        plan.moved += [(source, before[0], now[0]) for before, now in names.items()]
        loaded = {names.get(place, place): ranges for place, ranges in loaded.items()}
        check = ledger.check_content
        self.looks.take_digests(rows_to_digest(opened, loaded, check_content=check))
        for whole in opened:
            ranges = loaded.get(whole.place, ())
            plan.renewals += refuse_changed(source, self.inputs, whole, ranges, ledger, self.looks)
        refuse_vanished(source, {whole.place for whole in opened}, loaded)
        missing = [
            list(_missing(whole, loaded.get(whole.place, ()), self.limits.unit_rows))
            for whole in opened
        ]
        said: dict[str, list[str]] = {}
        for whole, look, transform, parts in zip(opened, seen, transforms, missing, strict=True):
            if parts:
                for note in (*source.notes(look), *transform.notes):
                    said.setdefault(note, []).append(entry_name(*whole.place))
        for note, entries in said.items():
            more = f" and {len(entries) - 1} more" if len(entries) > 1 else ""
            plan.notes.append(f"{entries[0]}{more}: {note}")
        wanted: list[np.ndarray | None] = [None] * len(files)
        column = source.first_per(self.inputs)
        if column is not None and any(missing):
            if source.unless_in is not None:
                refuse_changed_others(source.unless_in, self.inputs, ledger, self.looks)
            choices = self.looks.choices
            wanted = [*chosen_rows(choices, source, column, self.inputs, files)]
        for looked_at, rows, parts in zip(opened, wanted, missing, strict=True):
            whole = replace(looked_at, rows=rows)
            plan.files.append(whole)
            plan.units += [_part(whole, *part) for part in parts]

    def look(self, sources: Sequence[TableSource]) -> None:
        """Look at the files of sources, all HDUs of a file at once."""
        files: list[tuple[TableSource, Path]] = []
        for source in sources:
            # What is missing is an error when it is the turn of this source.
            with suppress(InputError):
                own = [(source, path) for path in source.files(self.inputs)]
                wanted_of(own)
                files += own
        self.looks.take(wanted_of(files))


class _Taken:
    """Which columns of files that are to be used up are taken by a table."""

    def __init__(self) -> None:
        self._left: dict[tuple[Path, str], set[str]] = {}
        self._looks: dict[tuple[Path, str], Look] = {}

    def add(self, source: TableSource, look: Look, names: Collection[str]) -> None:
        """Note what a source takes of a file, and of what is joined to it."""
        if not source.says_unused:
            return
        for one in look.joined or (look,):
            place = one.path, one.hdu
            self._looks[place] = one
            left = self._left.setdefault(place, {*one.schema}.difference(source.match))
            left.difference_update(names)

    def notes(self, units: Sequence[Unit]) -> Iterator[str]:
        """Yield the columns that no table takes, once for each file that is to be loaded."""
        loaded = {(part.path, part.hdu): part for unit in units for part in unit.parts}
        for place, left in self._left.items():
            if left and place in loaded:
                part = loaded[place]
                names = [name for name in self._looks[place].schema if name in left]
                yield f"{part.file}[{part.hdu}]: no table takes {', '.join(names)}"


def _part(whole: Unit, first: int, last: int) -> Unit:
    rows = whole.rows
    if rows is not None:
        rows = rows[np.searchsorted(rows, first) : np.searchsorted(rows, last)]
    return replace(whole, first=first, last=last, rows=rows)


def share_of(
    plan: Plan, found: Schema, part: int, parts: int, limits: Limits = LIMITS
) -> list[Unit]:
    """Return the share of one of several loaders in a plan; see `part_of`.

    Shares do not wait for each other: one could send rows before another has sent those that they
    refer to, which a foreign key refuses if it is there already.

    Raises
    ------
    ConfigurationError
        If a table that lacks rows has a foreign key to one that lacks rows, in whatever share.
    """
    lacking = dict.fromkeys(unit.table for unit in plan.units)
    keys = [
        f"{table} refers to {reference.table}"
        for table in lacking
        if table in found.tables
        for reference in found.tables[table].references
        if reference.inside in lacking
    ]
    if keys:
        raise ConfigurationError(
            f"tables of schema {found.name} have foreign keys already ({', '.join(keys)}), and "
            "rows of both sides are missing: a part could come before the one that it refers to. "
            "Load without --part; instead of a job array submit the script of its stage, without "
            "_parts"
        )
    return part_of(plan.units, part, parts, limits)


def part_of(units: Sequence[Unit], part: int, parts: int, limits: Limits = LIMITS) -> list[Unit]:
    """Return the share of one of several loaders in some units.

    Which share a unit belongs to depends on its file and place only, so loaders that plan at
    different times agree.

    Parameters
    ----------
    units : sequence of Unit
    part, parts : int
        Number of the share, from 1 to `parts`.
    limits : Limits
        The same for all loaders.
    """

    def share(unit: Unit) -> int:
        name = f"{unit.source} {unit.file} {unit.hdu}".encode(errors="surrogateescape")
        return (crc32(name) + unit.first // limits.unit_rows) % parts + 1

    return [unit for unit in units if share(unit) == part]


def _missing(
    whole: Unit, loaded: Sequence[LoadedRange], unit_rows: int
) -> Iterator[tuple[int, int]]:
    """Yield the ranges of rows that are not loaded, cut at multiples of `unit_rows`.

    A gzipped file is not cut, for it would be unpacked again for each piece. An HDU without rows
    is one empty unit, so that the ledger shows that it was seen.
    """
    n_rows = whole.last
    most = max(n_rows, 1) if whole.packed else unit_rows
    if n_rows == 0 and not loaded:
        yield 0, 0
    position = 0
    ranges = [(part.first, part.last) for part in loaded]
    for first, last in [*ranges, (n_rows, n_rows)]:
        while position < first:
            end = min((position // most + 1) * most, first)
            yield position, end
            position = end
        position = max(position, last)
