"""Bad data in the files of every table: one clear error line, and a database that is unchanged."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from astropy.table import Table as AstropyTable
from psycopg import sql
from support.bad_data_tools import (
    Table,
    damaged_files,
    refused,
    run,
    stage_of,
    text_cells,
    where,
)
from support.bad_values import Bad, alternatives, copied, put, roots, scalars

from specprod_copy.demo import write_production
from specprod_copy.errors import InputError
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.postgres import ddl
from specprod_copy.postgres.broken_keys import orphan_key
from specprod_copy.rows.read import table_rows
from specprod_copy.tables import SOURCES, Inputs, specprod_catalogue


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("bad")
    write_production(root, "iron", tiles=3, targets=40)
    return root


@pytest.fixture(scope="module")
def tables() -> dict[str, Table]:
    """Those that were prepared before."""
    return {}


@pytest.fixture(scope="module", params=list(SOURCES))
def table(request, root, module_database, tables) -> Table:
    name = request.param
    if name not in tables:
        tables[name] = Table(SOURCES[name], root, module_database)
    return tables[name]


@pytest.fixture(autouse=True)
def restored(table) -> Iterator[None]:
    yield
    table.restore()


def test_every_bad_value_of_every_column(table):
    """The way of a file to its table's rows, from which load, verify and plan all read."""
    with_values = set()
    for bad in table.bad:
        table.write(bad.change)
        with pytest.raises(InputError) as caught:
            for _ in table_rows(table.unit, SOURCES, table.columns):
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


@pytest.mark.parametrize(
    ("table", "column", "letter", "value", "reason"),
    [
        ("tile<exposures", "TILERA", "D", 361.0, "not in [0.0, 360.0], no position on the sky"),
        ("frame<exposures", "EXPID", "K", 21474837, "not in [0, 21474836], no id"),
        ("target<target", "TILEID", "K", -5, "not in [0, 4294967295], no id"),
        ("target<target", "SURVEY", "A", "sv9", "none of cmx, special, sv1, sv2, sv3, main"),
        ("ztile<redshift", "SPGRPVAL", "K", 2**27, "not in [0, 134217727], no id"),
        ("zpix<redshift", "TARGET_DEC", "D", 90.5, "not in [-90.0, 90.0], no DESINAME"),
        ("zpix<redshift", "TARGET_RA", "D", math.nan, "not in [0.0, 360.0), no DESINAME"),
        ("zpix<redshift", "TARGETID", "K", None, "NULL in a NOT NULL column"),
        ("fiberassign<fiberassign", "LOCATION", "K", -1, "not in [0, 1073741823], no id"),
    ],
    indirect=["table"],
)
def test_exact_messages(table, column, letter, value, reason):
    """The rules themselves, for an example of each; the tests above take them from the tables."""
    stored = value.encode() if isinstance(value, str) else value
    table.write(put(scalars(table.hdu)[column], letter, stored, table.row))
    with pytest.raises(InputError) as caught:
        for _ in table_rows(table.unit, SOURCES, table.columns):
            pass
    assert str(caught.value) == (
        f"{table.path}[{table.unit.hdu}], column {column}: {reason} "
        f"(row {table.row}: {value!r}; rows counted from 0)"
    )


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
REMEDY_OF_KEYS = rf"{REMEDY}; --on-error quarantine loads the first row of each key alone"
RANKED = (
    r', and repeated_keys = "best" in the configuration of the production the one that ranks first'
)


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
    ways = REMEDY_OF_KEYS + RANKED * (table.source.table in ("zpix", "ztile"))
    found = re.fullmatch(rf"{NOT_UNIQUE}, {places}\. {ways}", message)
    assert found is not None, message
    assert found["table"] == table.source.table


@pytest.mark.parametrize("table", ["photometry<photometry"], indirect=True)
def test_key_twice_in_a_file_that_was_loaded_before(table, monkeypatch, capsys):
    """The key is made with a later stage, but the rows of the earlier one are found."""
    rows = table.hdu.rows().copy()
    rows[1] = rows[0]
    table.write(lambda hdu: setattr(hdu, "data", rows.tobytes()))
    load(table.conninfo, Inputs(table.files), LoadOptions(("photometry",), "twice"))
    before = table.state()
    message = run(monkeypatch, capsys, table, "twice", "targetphot")
    assert table.state() == before
    with psycopg.connect(table.conninfo) as connection:
        connection.execute("DROP SCHEMA twice CASCADE")
    places = rf"from {where(table)} row 0, {where(table)} row 1"
    assert re.fullmatch(rf"{NOT_UNIQUE}, {places}\. {REMEDY_OF_KEYS}", message), message


def test_key_in_two_files(table, monkeypatch, capsys):
    if len(table.units) < 2 or counts_once(table):
        pytest.skip(f"{table.source.name} has one file, or the first of the same rows counts")
    other = next(unit.path for unit in table.units if unit.path != table.path)
    content = other.read_bytes()
    other.write_bytes(table.content)
    message = refused(monkeypatch, capsys, table, *same_table(table))
    other.write_bytes(content)
    if table.source.keywords:  # a copy says itself of which tile or survey it is
        said = "not what the header or the name of the file says"
        tile = "is the file of tile" in message and "but its header has TILEID" in message
        assert tile if "TILEID" in table.source.keywords else said in message
        return
    assert re.match(rf"{NOT_UNIQUE}, from ", message), message
    assert f"{table.path}[{table.unit.hdu}] row " in message
    assert f"{other}[{table.unit.hdu}] row " in message


ORPHANS = {"TARGETID": ("K", 2**40 + 7), "EXPID": ("K", 99_999), "TILEID": ("K", 99_999)}


def test_orphans(table, monkeypatch, capsys):
    """Each foreign key, in a schema that has the table that it refers to."""
    statements = list(
        ddl.statements(
            specprod_catalogue().definition, [table.source.table], ["foreign_keys"], schema="x"
        )
    )
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
            complaint = rf" is the file of tile \d+, but its header has TILEID {value}"
            assert re.search(complaint, refused(monkeypatch, capsys, table))
            continue
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
        None: ": no keyword TILEID in its header",
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
                for part in table_rows(table.unit, SOURCES, table.columns)
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
