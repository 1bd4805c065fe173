"""A load-vac that is killed, doubled, or loses its table or file: the next one completes it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from support.catalogues import FASTSPEC, Catalogues, fastspec
from support.fault_loads import Gate, Loads, one_error, output
from support.moments import await_no_loader
from support.relay import Relay
from support.waiting import PATIENCE

pytest_plugins = ("support.fault_loads",)

KILLS = int(os.environ.get("SPECPROD_COPY_KILLS", "2"))
SCHEMA = """va"c'; DROP"""
TABLES = ("metadata", "specphot", "fastspec")


class Killable(Catalogues):
    """Loads of a drafted catalogue that tests disturb."""

    def __init__(self, root: Path, conninfo: str, driver: list[str]) -> None:
        super().__init__(root, conninfo)
        self._driver = driver
        for n, program in enumerate(("dark", "bright")):
            fastspec(root, program, 100 * n)
        self.description = self.draft(*self.files)

    @property
    def files(self) -> list[Path]:
        return sorted((self.root / FASTSPEC).glob("*.fits"))

    def start(self, gate: Gate | None = None, through: str = "") -> subprocess.Popen[str]:
        loads = Loads(self._driver, self.root, through or self.conninfo)
        command = ("load-vac", str(self.description), "--schema", SCHEMA)
        return loads.start("--jobs", "1", gate=gate, command=command)

    def execute(self, statement: str, *name: str) -> list[tuple]:
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            done = connection.execute(sql.SQL(statement).format(sql.Identifier(SCHEMA, *name)))
            return done.fetchall() if done.description else []

    def contents(self) -> list[tuple]:
        hashed = "SELECT count(*), md5(string_agg(t::text, '' ORDER BY targetid)) FROM {} AS t"
        return [self.execute(hashed, table)[0] for table in TABLES]

    def complete(self) -> None:
        """Load again: nothing is missing, nothing is doubled, no value is wrong."""
        await_no_loader(self.conninfo)
        output(self.start(), code=0)
        assert [number for number, _ in self.contents()] == [80, 80, 80]
        assert "checks passed" in self.run("verify", "--schema", SCHEMA)


@pytest.fixture
def vac(tmp_path, database, driver) -> Killable:
    return Killable(tmp_path, database, driver)


def killed_after(vac: Killable, most: int | None) -> tuple[bool, int]:
    """Load until so many bytes are sent, then kill; say whether it came to that, and the bytes."""
    started: Future[subprocess.Popen[str]] = Future()

    def kill() -> None:
        with suppress(ProcessLookupError):
            os.killpg(started.result().pid, signal.SIGKILL)

    with Relay(vac.conninfo, most, kill) as relay:
        started.set_result(vac.start(through=relay.conninfo))
        started.result().communicate(timeout=PATIENCE)
    await_no_loader(vac.conninfo)
    return started.result().returncode != 0, relay.passed


def test_killed_at_random_moments(vac):
    """What was committed stays; the next load sends the rest."""
    _, size = killed_after(vac, None)
    whole = vac.contents()
    vac.execute("DROP SCHEMA {} CASCADE")
    choose = random.Random("kills of a catalogue")
    kills = 0
    while kills < KILLS:
        killed, _ = killed_after(vac, choose.randrange(size // 10, size))
        kills += killed
        if not killed:
            assert vac.contents() == whole
            vac.execute("DROP SCHEMA {} CASCADE")
    vac.complete()
    assert vac.contents() == whole


def test_two_at_once_and_again(vac, gate):
    closed = gate("specphot", 0, "read")
    first = vac.start(closed)
    closed.await_loader(first)
    assert "another load is at work on schema" in one_error(vac.start())
    closed.open()
    output(first, code=0)
    before = vac.relations()
    vac.complete()
    assert vac.relations() == before


def test_table_and_file_go_under_it(vac, gate):
    closed = gate("specphot", 0, "claimed")
    process = vac.start(closed)
    closed.await_loader(process)
    vac.execute("DROP TABLE {}", "specphot")
    content = vac.files[0].read_bytes()
    closed.open()
    assert one_error(process).endswith('specphot" does not exist')
    vac.files[0].write_bytes(content[: len(content) // 2])
    await_no_loader(vac.conninfo)
    assert "bright.fits: truncated: the header of HDU 2 has no END" in one_error(vac.start())
    vac.files[0].write_bytes(content)
    vac.complete()
