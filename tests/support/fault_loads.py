"""Loads of a small production that tests disturb, and what must hold when they are done with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.tables import SOURCES, Inputs
from specprod_copy.verification import VerifyOptions, verify
from support import limits
from support.moments import await_no_loader, await_waiting, table_held
from support.waiting import wait_until

TABLES = tuple(dict.fromkeys(source.table for source in SOURCES.values()))
BATCH_ROWS, UNIT_ROWS = 60, 40
LIMITS = limits.cut(BATCH_ROWS, UNIT_ROWS)
"""Limits so small that a small production is a load of many transactions."""

# The command line with these limits. Where a gate is given as "TABLE ROW MOMENT", each process that
# comes to rows of this table from this row on says so in FOLDER, and waits there for its opening.
# At the moment "start" it is each worker that does so, in the middle of its start.
DRIVER = f"""
import os, sys, time
from pathlib import Path
from specprod_copy.loading import copying, send
from specprod_copy.rows import encoding
from specprod_copy.verification import work
table, row, moment, folder = os.environ.get("GATE", ". 0 . .").split()

def wait():
    Path(folder, f"at-{{os.getpid()}}").touch()
    while not Path(folder, "open").exists():
        time.sleep(0.01)

def wait_at(unit):
    if unit.table == table and unit.first >= int(row):
        wait()

real_units, real_rows = send.load_units, encoding.table_rows
real_stacked, real_copy = encoding.stacked_rows, copying.copy_units

def load_units(sender, units):
    if moment == "before":
        wait_at(units[-1])
    return real_units(sender, units)

def copy_units(destination, intake, *others, **options):
    if moment == "claimed":
        wait_at(intake.units[-1])
    return real_copy(destination, intake, *others, **options)

def table_rows(unit, *others, **options):
    for rows in real_rows(unit, *others, **options):
        if moment == "read":
            wait_at(unit)
        yield rows

def stacked_rows(units, *others, **options):
    rows = real_stacked(units, *others, **options)
    if moment == "read":
        wait_at(units[-1])
    return rows

def scan_files(job, slices, reader):
    if moment == "verify":
        wait_at(slices[-1].unit)
    return real_scan(job, slices, reader)

real_scan = work.scan_files
send.load_units, encoding.table_rows, work.scan_files = load_units, table_rows, scan_files
encoding.stacked_rows, copying.copy_units = stacked_rows, copy_units
if __name__ == "__mp_main__" and moment == "start":
    wait()
if __name__ == "__main__":
    from specprod_copy.cli import main
    from specprod_copy.plan.limits import Limits
    main(Limits({UNIT_ROWS}, {BATCH_ROWS}, 0, int(os.environ["WHOLE_BYTES"]), quick_rows=0))
"""


class Gate:
    """Where loaders stop in the middle, until it is opened."""

    def __init__(self, folder: Path, table: str, row: int, moment: str) -> None:
        self.folder = folder
        self.variable = f"{table} {row} {moment} {folder}"

    def await_loader(self, process: subprocess.Popen[str], processes: int = 1) -> None:
        wait_until(
            lambda: len([*self.folder.glob("at-*")]) >= processes,
            f"{processes} processes are at the gate",
            process,
        )

    def open(self) -> None:
        (self.folder / "open").touch()


class Loads:
    """Starts loads of one production into one database, and looks at what they left."""

    def __init__(self, driver: list[str], root: Path, conninfo: str) -> None:
        self.driver, self.root, self.conninfo = driver, root, conninfo
        self.started: list[subprocess.Popen[str]] = []

    @property
    def inputs(self) -> Inputs:
        return Inputs(ProductionFiles(find_production("iron"), self.root))

    # Disturbed -----------------------------------------------------------------------------------

    def start(
        self,
        *options: str,
        gate: Gate | None = None,
        whole_bytes: int = 0,
        command: tuple[str, ...] = ("load", "all"),
    ) -> subprocess.Popen[str]:
        """Start a command, a load of everything, for schema iron as the command line does."""
        variables = {"WHOLE_BYTES": str(whole_bytes)}
        if gate:
            variables["GATE"] = gate.variable
        arguments = [*self.driver, *command, "-p", "iron", "-r", str(self.root)]
        process = subprocess.Popen(
            [*arguments, "--dsn", self.conninfo, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=os.environ | variables,
        )
        self.started.append(process)
        return process

    def units(self) -> int:
        """Return how many units are loaded, 0 while there is no ledger."""
        try:
            return self.query("SELECT count(*) FROM iron.load_ledger")[0][0]
        except psycopg.errors.UndefinedTable:
            return 0

    def held(self, table: str, mode: str = "SHARE") -> AbstractContextManager[psycopg.Connection]:
        """Let all who load wait when they come to a table; see `table_held`."""
        return table_held(self.conninfo, self.inputs, "iron", table, mode)

    def await_waiting(
        self, statement: str, process: subprocess.Popen[str] | None = None, **how: float
    ) -> None:
        await_waiting(self.conninfo, statement, process, **how)

    # Undisturbed ---------------------------------------------------------------------------------

    def load(self, *stages: str, schema: str = "iron", **options) -> None:
        """Load in this process, which may be done by several threads at once."""
        load(
            self.conninfo,
            self.inputs,
            LoadOptions(stages or ("all",), schema, **{"limits": LIMITS, **options}),
        )

    def complete(self, whole: dict[str, object], **options) -> None:
        """Load again, undisturbed: nothing is missing, nothing is doubled, no value is wrong."""
        await_no_loader(self.conninfo)
        self.load(**options)
        self.is_complete(whole)

    def is_complete(self, whole: dict[str, object]) -> None:
        assert self.contents("iron") == whole
        results = verify(self.conninfo, self.inputs, VerifyOptions(("all",), "iron"))
        assert [result for result in results if not result.passed] == []
        assert {result.table for result in results} == set(TABLES)

    # What is there -------------------------------------------------------------------------------

    def query(self, query: str, *values: object) -> list[tuple]:
        with psycopg.connect(self.conninfo) as connection:
            return connection.execute(query, values or None).fetchall()

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute(statement)

    def rows(self, schema: str, tables: Sequence[str] = TABLES) -> dict[str, object]:
        """Return for each table how many rows it has, as the ledger says, and a hash of them."""
        hashed = """SELECT count(*), md5(string_agg(t::text, '\n' ORDER BY t::text COLLATE "C"))
                    FROM {}.{} t"""
        found: dict[str, object] = {t: self.query(hashed.format(schema, t))[0] for t in tables}
        sums = self.query(
            f"SELECT table_name, sum(rows_kept)::int FROM {schema}.load_ledger GROUP BY table_name"
        )
        assert {table: number for table, (number, _) in found.items()} == dict(sums)
        return found

    def contents(self, schema: str) -> dict[str, object]:
        """Return what is in all tables, and the names of their indexes and keys."""
        found = self.rows(schema)
        found["indexes"] = self.query(
            "SELECT indexname FROM pg_indexes WHERE schemaname = %s ORDER BY 1", schema
        )
        found["keys"] = self.query(
            """SELECT conname FROM pg_constraint
               WHERE connamespace = %s::text::regnamespace ORDER BY 1""",
            schema,
        )
        return found


def output(process: subprocess.Popen[str], code: int = 1) -> str:
    """Wait for the end, with some exit code and no traceback; return what it said of errors."""
    _, errors = process.communicate(timeout=120)
    assert process.returncode == code, errors
    assert "Traceback" not in errors
    return errors


def one_error(process: subprocess.Popen[str]) -> str:
    """Wait for the end with an error, which is the last line, and the only one of its kind."""
    lines = output(process).splitlines()
    assert [line for line in lines if line.startswith("Error: ")] == lines[-1:]
    return lines[-1]


def set_for_database(loads: Loads, setting: str, value: str | None) -> None:
    """Give all new sessions of the database a setting, or take it back."""
    with psycopg.connect(loads.conninfo, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        change = "RESET {}" if value is None else "SET {} = {}"
        connection.execute(
            sql.SQL("ALTER DATABASE {} " + change).format(name, sql.Identifier(setting), value)
        )


@pytest.fixture(scope="session")
def driver(tmp_path_factory) -> list[str]:
    script = tmp_path_factory.mktemp("driver") / "load.py"
    script.write_text(DRIVER)
    return [sys.executable, str(script)]


@pytest.fixture(scope="session")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("faults")
    write_production(root, "iron", tiles=3, targets=60)
    return root


@pytest.fixture(scope="module")
def undisturbed(driver, root, module_database) -> tuple[Loads, dict[str, object]]:
    loads = Loads(driver, root, module_database)
    loads.load(schema="whole")
    return loads, loads.contents("whole")


@pytest.fixture(scope="module")
def whole(undisturbed) -> dict[str, object]:
    """Return what an undisturbed load leaves."""
    return undisturbed[1]


@pytest.fixture
def loads(undisturbed) -> Iterator[Loads]:
    """Return loads into a schema that does not exist yet."""
    yield undisturbed[0]
    for process in undisturbed[0].started:  # after a failure it may hold a lock
        process.kill()
    undisturbed[0].started.clear()
    undisturbed[0].execute("DROP SCHEMA IF EXISTS iron CASCADE")


@pytest.fixture
def own_files(loads, tmp_path) -> Loads:
    """Return loads of a copy of the files that the test may change."""
    return Loads(loads.driver, shutil.copytree(loads.root, tmp_path / "root"), loads.conninfo)


@pytest.fixture
def gate(tmp_path) -> Callable[..., Gate]:
    """Return a function that makes a gate."""

    def make(table: str, row: int, moment: str) -> Gate:
        folder = tmp_path / "gate"
        folder.mkdir()
        return Gate(folder, table, row, moment)

    return make
