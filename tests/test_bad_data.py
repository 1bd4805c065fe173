"""Bad data in the files of every table: one clear error line, and a database that is unchanged."""

from __future__ import annotations

import copy
import gzip
import math
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from astropy.table import Table as AstropyTable
from bad_values import Bad, alternatives, bad_values, copied, put, roots, scalars
from conftest import fresh_database
from fits_surgery import BLOCK, Hdu, put_together, take_apart
from psycopg import sql

from specprod_copy import database, ddl
from specprod_copy.cli import main
from specprod_copy.columns import Column
from specprod_copy.demo import write_production
from specprod_copy.errors import InputError
from specprod_copy.keys import orphan_key
from specprod_copy.ledger import Ledger, Unit
from specprod_copy.load import LoadOptions, load
from specprod_copy.plan import make_plan, sources_of
from specprod_copy.production import ProductionFiles, find_production
from specprod_copy.rows import table_rows
from specprod_copy.tables import SOURCES, STAGES, Inputs, TableSource

# Every relation outside the system's schemas, with its file on disk and a hash of its rows.
STATE = """
SELECT n.nspname, c.relname, c.relkind, c.relfilenode,
       CASE WHEN c.relkind = 'r' THEN
           query_to_xml(format('SELECT count(*), sum(hashtextextended(t::text, 0)) FROM %I.%I t',
                               n.nspname, c.relname), false, true, '')::text END
FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid
WHERE n.nspname !~ '^(pg_|information_)' ORDER BY 1, 2, 3
"""


def stage_of(source: TableSource) -> str:
    """The name by which a load takes this source, and no other one that it can do without."""
    tables = {s.table for s in SOURCES.values()} - set(STAGES)
    return source.table if source.table in tables else source.stage


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("bad")
    write_production(root, "iron", tiles=3, targets=40)
    return root


@pytest.fixture(scope="module")
def conninfo(cluster) -> Iterator[str]:
    """One database for all tables."""
    with fresh_database(cluster) as conninfo:
        yield conninfo


class Table:
    """One source: its first file with rows that are loaded, a good place for something bad."""

    def __init__(self, source: TableSource, root: Path, conninfo: str) -> None:
        self.source, self.root, self.conninfo = source, root, conninfo
        self.files = ProductionFiles(find_production("iron"), root)
        self.schema = f"before {source.name}"
        names = list(SOURCES)
        stages = [stage_of(SOURCES[name]) for name in names[: names.index(source.name)]]
        stages = tuple(stage for stage in stages if source not in sources_of([stage]))
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
            for statement in ddl.statements(names, ["table"], schema="scratch"):
                connection.execute(statement.sql.encode())
            columns = database.table_columns(connection, "scratch", table)
            tiles = tuple(int(t) for t in sorted(self._tileids()))
            inputs = Inputs(self.files, tileids=tiles)
            ledger = Ledger(connection, "scratch")
            plan = make_plan([self.source], inputs, {table: columns}, ledger)
            connection.rollback()
        return columns, plan.units

    def _tileids(self) -> list[int]:
        hdu = take_apart(self.files.tiles().read_bytes())[1]
        return hdu.values(hdu.columns()["TILEID"]).tolist()

    def _loaded_rows(self, unit: Unit) -> list[int]:
        return [int(n) for part in table_rows(unit, self.columns) for n in part.row_numbers]

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


@pytest.fixture(scope="module", params=list(SOURCES))
def table(request, root, conninfo) -> Table:
    return Table(SOURCES[request.param], root, conninfo)


@pytest.fixture(autouse=True)
def restored(table) -> Iterator[None]:
    yield
    table.restore()


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


def test_every_bad_value_of_every_column(table):
    """The way of a file to its table's rows, from which load, verify and plan all read."""
    with_values = set()
    for bad in table.bad:
        table.write(bad.change)
        with pytest.raises(InputError) as caught:
            for _ in table_rows(table.unit, table.columns):
                pass
        message = str(caught.value)
        assert re.fullmatch(where(table) + bad.complaint, message), (bad.kind, message)
        with_values.add(bad.column)
    needed = roots(table.source, table.columns, set(scalars(table.hdu)))
    assert needed <= with_values
    assert {check.column for check in table.source.checks} & set(scalars(table.hdu)) <= {
        bad.column for bad in table.bad if bad.kind.startswith("check of")
    }
    copies = {c.name for c in table.columns if copied(table.source, c, set(scalars(table.hdu)))}
    assert copies == {bad.feeds for bad in table.bad if bad.feeds}


def one_of_each_kind(bad: list[Bad]) -> Iterator[Bad]:
    for kind in dict.fromkeys(b.kind for b in bad):
        some = [b for b in bad if b.kind == kind]
        yield some[len(some) // 2]


def test_each_kind_through_the_command_line(table, monkeypatch, capsys):
    kinds = set()
    for bad in one_of_each_kind(table.bad):
        table.write(bad.change)
        message = refused(monkeypatch, capsys, table)
        assert re.fullmatch(where(table) + bad.complaint, message), (bad.kind, message)
        kinds.add(bad.kind)
    assert {"NULL", "out of range", "wrong type", "missing column", "bad TFORM"} <= kinds


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
    failed = r"damaged gzip file \(CRC check failed 0x\w+ != 0x\w+\)"
    yield bytes(packed), rf"{path}\[{hdu}\]: {failed}{again}"


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


def test_damaged_files(table, monkeypatch, capsys):
    for content, complaint in damaged_files(table):
        table.path.write_bytes(content)
        message = refused(monkeypatch, capsys, table)
        assert re.fullmatch(complaint, message), message


def same_table(table: Table) -> tuple[str, ...]:
    """The stages that a table needs to be complete, that of the source last."""
    sources = [source for source in SOURCES.values() if source.table == table.source.table]
    return tuple(stage_of(source) for source in sources)


NOT_UNIQUE = r"(?P<key>\w+) of table (?P<table>\w+) is not unique: \(.+\) = \(.+\)"
REMEDY = "Take the rows out of the files, or load the right files with --overwrite"


def counts_once(table: Table) -> bool:
    """Whether of rows with the same key only the first one counts."""
    return table.source.first_per(Inputs(table.files)) is not None


def test_key_twice_in_a_file(table, monkeypatch, capsys):
    if counts_once(table):
        pytest.skip(f"of the same rows in the files of {table.source.name} the first one counts")
    rows = table.hdu.rows().copy()
    first, last = table.rows[0], table.rows[-1]
    rows[last] = rows[first]
    table.write(lambda hdu: setattr(hdu, "data", rows.tobytes()))
    message = refused(monkeypatch, capsys, table, *same_table(table))
    file = where(table)
    places = rf"from {file} row {first}, {file} row {last}"
    found = re.fullmatch(rf"{NOT_UNIQUE}, {places}\. {REMEDY}", message)
    assert found is not None, message
    assert found["table"] == table.source.table


def test_key_in_two_files(table, monkeypatch, capsys):
    if len(table.units) < 2 or counts_once(table):
        pytest.skip(f"{table.source.name} has one file, or the first of the same rows counts")
    other = next(unit.path for unit in table.units if unit.path != table.path)
    content = other.read_bytes()
    other.write_bytes(table.content)
    message = refused(monkeypatch, capsys, table, *same_table(table))
    other.write_bytes(content)
    assert re.match(rf"{NOT_UNIQUE}, from ", message), message
    assert f"{table.path}[{table.unit.hdu}] row " in message
    assert f"{other}[{table.unit.hdu}] row " in message


ORPHANS = {"TARGETID": ("K", 2**40 + 7), "EXPID": ("K", 99_999), "TILEID": ("K", 99_999)}


def test_orphans(table, monkeypatch, capsys):
    """Each foreign key, in a schema that has the table that it refers to."""
    statements = list(ddl.statements([table.source.table], ["foreign_keys"], schema="x"))
    before = table.state()
    for statement in statements:
        key = orphan_key(statement)
        (column,) = [c for c in table.columns if c.name == key.columns[0]]
        needed = alternatives(table.source, column)[0].meta.root_names()
        name = "SURVEY" if "SURVEY" in needed else needed[0]
        letter, value = ("A", b"special") if name == "SURVEY" else ORPHANS[name]
        if name in scalars(table.hdu):
            table.write(put(scalars(table.hdu)[name], letter, value, table.row))
            rows = f" row {table.row}"
        else:
            table.write_keyword(name, value)
            rows = f" row {table.rows[0]}, .*"
        message = run(monkeypatch, capsys, table, table.schema, stage_of(table.source))
        assert table.state() == before
        complaint = (
            rf"\w+_fkey of table {key.table} has no counterpart in \w+: \(\w+\) = \(\d+\), "
            rf"from {where(table)}{rows}\. {REMEDY}"
        )
        assert re.fullmatch(complaint, message), message
    # Nothing else has no foreign keys.
    assert statements or table.source.table in ("tile", "photometry")


@pytest.mark.parametrize(
    "table", ["fiberassign<fiberassign", "potential<fiberassign"], indirect=True
)
def test_keyword_in_the_place_of_a_column(table, monkeypatch, capsys):
    name = table.source.table
    last = f"(row {table.rows[0]}: "
    for value, complaint in {
        None: f": no column TILEID, which table {name} needs",
        "x": f", column TILEID: is String, which cannot become {name}.tileid int4",
        -1: f", column TILEID: not in [0, 4294967295], no id {last}-1, ",
        2**31: f", column TILEID: value does not fit into int4 {last}2147483648, ",
        2.5: f", column TILEID: value does not fit into int4 {last}2.5, ",
    }.items():
        table.write_keyword("TILEID", value)
        message = refused(monkeypatch, capsys, table)
        assert message.startswith(f"{table.path}[{table.unit.hdu}]{complaint}"), message


@pytest.mark.parametrize(
    "table",
    [name for name, source in SOURCES.items() if any("sky" in c.reason for c in source.checks)],
    indirect=True,
)
def test_position_that_is_not_known(table):
    """NaN, an infinity and their stand-in are taken for what they are."""
    checks = [check for check in table.source.checks if "sky" in check.reason]
    assert len(checks) == 2
    for check in checks:
        for value in (math.nan, math.inf, -9999.0):
            table.write(put(scalars(table.hdu)[check.column], "D", value, table.row))
            got = {
                int(n): x
                for part in table_rows(table.unit, table.columns)
                for n, x in zip(part.row_numbers, part.frame[check.column.lower()], strict=True)
            }
            assert got[table.row] == -9999.0


@pytest.mark.parametrize("table", ["exposure<exposures"], indirect=True)
def test_float_below_the_range_of_real(table):
    """It is rounded like any other float that is not exact in four bytes."""
    names = {"float4": [c for c in table.columns if c.type == "float4"]}["float4"]
    scalar = scalars(table.hdu)[names[0].name.upper()]
    for value, expected in ((1e-50, "0"), (-1e-50, "-0"), (1e-40, "1e-40")):
        table.write(put(scalar, "D", value, table.row))
        options = LoadOptions(("tile", "exposure"), "small")
        load(table.conninfo, Inputs(table.files), options)
        with psycopg.connect(table.conninfo) as connection:
            found = connection.execute(
                sql.SQL("SELECT {}::text FROM small.exposure WHERE expid = %s").format(
                    sql.Identifier(names[0].name)
                ),
                (int(table.hdu.values(table.hdu.columns()["EXPID"])[table.row]),),
            ).fetchone()
            connection.execute("DROP SCHEMA small CASCADE")
        assert found == (expected,)


# Text files --------------------------------------------------------------------------------------


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
        becomes = "is String, which cannot become {table}."
        yield "abc", f", column {name}: {becomes}{column}"
    if column.type in ("int2", "int4"):
        yield str(2**31), value(f"value does not fit into {column.type}", 2**31)
    if column.type == "float4":
        yield "1e39", value("value is too large for a 4-byte float", 1e39)


@pytest.mark.parametrize("suffix", [".csv", ".ecsv"])
@pytest.mark.parametrize("table", ["tile<exposures", "exposure<exposures"], indirect=True)
def test_text_files(table, suffix, monkeypatch, capsys, tmp_path):
    source = AstropyTable.read(table.path, hdu=table.unit.hdu)
    source.convert_bytestring_to_unicode()
    for name in source.colnames:  # wide types, so that a bad value can be written
        kind = source[name].dtype.kind
        source[name] = source[name].astype({"i": "i8", "f": "f8"}.get(kind, source[name].dtype))
    path = tmp_path / f"given{suffix}"
    source.write(path, format=f"ascii{suffix}", delimiter=",")
    lines = path.read_text().splitlines()
    header = next(n for n, line in enumerate(lines) if not line.startswith("#"))
    names = lines[header].split(",")
    line, row = header + 2, 1
    option = "--tiles-file" if table.source.table == "tile" else "--exposures-file"
    before = table.state()
    kinds = {(c.type, c.max_length): c for c in table.columns if c.name.upper() in names}
    assert {"int4", "varchar"} < {kind for kind, _ in kinds}
    for column in kinds.values():
        position = names.index(column.name.upper())
        for cell, complaint in text_cells(column, line, row, suffix):
            fields = lines[line].split(",")
            fields[position] = cell
            path.write_text("\n".join([*lines[:line], ",".join(fields), *lines[line + 1 :]]))
            message = run(monkeypatch, capsys, table, "new", table.source.table, option, str(path))
            expected = f"{path}{complaint.format(table=table.source.table)}"
            checked = [c.reason for c in table.source.checks if c.column == column.name.upper()]
            own = [re.sub(r": .+ \(row", f": {reason} (row", expected) for reason in checked]
            assert message in (expected, *own), (column.name, cell)
    text = "\n".join([*lines[:line], re.sub("[a-z]+", "é", lines[line]), *lines[line + 1 :]])
    path.write_bytes(text.encode("latin-1"))
    message = run(monkeypatch, capsys, table, "new", table.source.table, option, str(path))
    found = f"line {line + 1} is not UTF-8: b'\\xe9'" if suffix == ".csv" else "not an ECSV table: "
    assert message.startswith(f"{path}: {found}"), message
    assert table.state() == before
