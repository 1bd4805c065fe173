"""A production's tables one by one, each with one of its files to put something bad into."""

from __future__ import annotations

import copy
import gzip
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from specprod_copy.cli import main
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.plan.ledger import Ledger
from specprod_copy.plan.planning import Planner
from specprod_copy.postgres import statements
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.rows.read import table_rows
from specprod_copy.rows.units import Unit
from specprod_copy.tables import SOURCES, STAGES, Inputs, TableSource, specprod_catalogue
from support.bad_values import bad_values
from support.fits_surgery import BLOCK, Hdu, put_together, take_apart

# Every relation outside the system's schemas, with its file on disk and a hash of its rows,
# but for the ledger's notes of what failed.
STATE = """
SELECT n.nspname, c.relname, c.relkind, c.relfilenode,
       CASE WHEN c.relkind = 'r' THEN
           query_to_xml(format('SELECT count(*), sum(hashtextextended(t::text, 0)) FROM %I.%I t'
                               ' WHERE to_jsonb(t) ->> ''failure'' IS NULL',
                               n.nspname, c.relname), false, true, '')::text END
FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid
WHERE n.nspname !~ '^(pg_|information_)' ORDER BY 1, 2, 3
"""


def stage_of(source: TableSource) -> str:
    """The name by which a load takes this source, and no other one that it can do without."""
    tables = {s.table for s in SOURCES.values()} - set(STAGES)
    return source.table if source.table in tables else source.stage


class Table:
    """One source: its first file with rows that are loaded, a good place for something bad."""

    def __init__(self, source: TableSource, root: Path, conninfo: str) -> None:
        self.source, self.root, self.conninfo = source, root, conninfo
        self.files = ProductionFiles(find_production("iron"), root)
        self.schema = f"before {source.name}"
        names = list(SOURCES)
        stages = [stage_of(SOURCES[name]) for name in names[: names.index(source.name)]]
        stages = tuple(
            stage for stage in stages if source not in specprod_catalogue().select([stage])
        )
        if stages:
            load(conninfo, Inputs(self.files), LoadOptions(stages, self.schema))
        self.columns, self.units = self._plan()
        self.unit, self.rows = next(
            (unit, rows) for unit in self.units if len(rows := self._loaded_rows(unit)) > 1
        )
        self.path = self.unit.path
        self.row = int(self.rows[len(self.rows) // 2])
        self.content = self.path.read_bytes()
        self.hdus = take_apart(self.content)
        (self.place,) = [
            n for n, hdu in enumerate(self.hdus) if hdu.get("EXTNAME") == self.unit.hdu
        ]
        self.bad = list(bad_values(source, self.columns, self.hdu, self.row))

    def _plan(self) -> tuple[list[Column], list[Unit]]:
        table = self.source.table
        with psycopg.connect(self.conninfo) as connection:
            names = ["schema", "tile", table, "load_ledger"]
            statements.make(
                connection, specprod_catalogue().definition, names, ["table"], schema="scratch"
            )
            columns = read_schema(connection, "scratch").columns_of(table)
            tiles = tuple(int(t) for t in sorted(self._tileids()))
            inputs = Inputs(self.files, tileids=tiles)
            ledger = Ledger(connection, "scratch")
            plan = Planner(inputs).plan([self.source], {table: columns}, ledger)
            connection.rollback()
        return columns, plan.units

    def _tileids(self) -> list[int]:
        hdu = take_apart(self.files.tiles().read_bytes())[1]
        return hdu.values(hdu.columns()["TILEID"]).tolist()

    def _loaded_rows(self, unit: Unit) -> list[int]:
        return [
            int(n) for part in table_rows(unit, SOURCES, self.columns) for n in part.row_numbers
        ]

    @property
    def hdu(self) -> Hdu:
        return self.hdus[self.place]

    def write(self, change) -> None:
        """Write the file with something changed in the HDU."""
        hdus = copy.deepcopy(self.hdus)
        change(hdus[self.place])
        put_together(self.path, hdus)

    def write_keyword(self, key: str, value: str | float | None) -> None:
        """Write the file with another keyword in all of its headers, or without it."""
        hdus = copy.deepcopy(self.hdus)
        for hdu in hdus:
            place = hdu.find(key)
            if place is not None:
                del hdu.cards[place]
            if value is not None:
                hdu.set(key, value)
        put_together(self.path, hdus)

    def restore(self) -> None:
        self.path.write_bytes(self.content)

    def state(self) -> list[tuple]:
        with psycopg.connect(self.conninfo) as connection:
            return connection.execute(STATE).fetchall()


def run(monkeypatch, capsys, table: Table, schema: str, *stages: str) -> str:
    """Run the command line, expect exit code 1 and one line, return it without "Error: "."""
    arguments = ["load", *stages, "-q", "-j", "1", "-p", "iron", "-r", str(table.root)]
    arguments += ["-s", schema, "--dsn", table.conninfo]
    monkeypatch.setattr(sys, "argv", ["specprod-copy", *arguments])
    with pytest.raises(SystemExit) as exited:
        main()
    printed = capsys.readouterr()
    assert exited.value.code == 1
    assert printed.out == ""
    line = re.fullmatch(r"Error: (.+)\n", printed.err)
    assert line is not None, printed.err
    return line[1]


def refused(monkeypatch, capsys, table: Table, *stages: str) -> str:
    """Load into a schema with the earlier tables, and into a new one; return the message."""
    before = table.state()
    stages = stages or (stage_of(table.source),)
    message = run(monkeypatch, capsys, table, table.schema, *stages)
    assert table.state() == before
    assert run(monkeypatch, capsys, table, "new", "tile", *stages) == message
    assert table.state() == before
    return message


def where(table: Table) -> str:
    return re.escape(f"{table.path}[{table.unit.hdu}]")


def damaged_files(table: Table) -> Iterator[tuple[bytes, str]]:
    """The file with something wrong beyond a column, and the complaint."""
    path, hdu = re.escape(str(table.path)), re.escape(table.unit.hdu)
    again = "; fetch it again"
    hdus = copy.deepcopy(table.hdus)
    hdus[table.place].set("EXTNAME", "OTHER")
    yield joined(hdus), rf"{path}: has no HDU .*{hdu}.*; it has PRIMARY \(image\), .*OTHER.*"
    whole = joined(table.hdus)
    before = joined([*table.hdus[: table.place], Hdu(table.hdu.cards)])
    data = len(before) + len(table.hdu.data) // 2
    end = f"the data of {table.hdu.n_rows} rows go to byte \\d+, but the file ends after"
    yield whole[:data], rf"{path}\[{hdu}\]: truncated: {end} {data} bytes{again}"
    yield whole[: BLOCK + 800], rf"{path}: truncated: the header of HDU 1 has no END{again}"
    yield b"", f"{path}: not a FITS file: it is empty"
    packed = bytearray(gzip.compress(whole, 1, mtime=0))
    yield with_a_bit_flipped(bytes(packed)), rf"{path}(\[{hdu}\])?: .+"
    packed[-8] ^= 1
    failed = r"damaged gzip file \(CRC check failed \d+ != \d+\)"
    # Of a small file all is unpacked before the HDU is found.
    yield bytes(packed), rf"{path}(\[{hdu}\])?: {failed}{again}"


def with_a_bit_flipped(packed: bytes) -> bytes:
    """A gzip file with one bit flipped near its middle, such that it does harm: not all do."""
    for place in range(len(packed) // 2, len(packed)):
        flipped = bytearray(packed)
        flipped[place] ^= 4
        try:
            gzip.decompress(flipped)
        except (OSError, EOFError, zlib.error):
            return bytes(flipped)
    raise AssertionError("no bit does harm")


def joined(hdus: list[Hdu]) -> bytes:
    return b"".join(hdu.to_bytes() for hdu in hdus)


def text_cells(column: Column, line: int, row: int, suffix: str) -> Iterator[tuple[str, str]]:
    """Bad cells of a text file, and the complaint about them."""

    def value(reason: str, value: object) -> str:
        return f", column {name}: {reason} (row {row}: {value!r}; rows counted from 0)"

    name = column.name.upper()
    yield "", value("NULL in a NOT NULL column", None)
    if column.type == "varchar":
        long = "x" * (column.max_length + 1)
        yield long, value(f"text is longer than {column.max_length} characters", long)
        yield "a\0b", value("text holds a NUL character", "a\0b")
        return
    if suffix == ".csv":  # ECSV has a type for each column, and astropy insists on it
        kinds = {
            "bool": "neither true nor false",
            "float4": "not a number",
            "float8": "not a number",
        }
        yield "abc", value(kinds.get(column.type, "not a whole number"), "abc")
    if column.type in ("int2", "int4"):
        yield str(2**31), value(f"value does not fit into {column.type}", 2**31)
    if column.type == "float4":
        yield "1e39", value("value is too large for a 4-byte float", 1e39)
