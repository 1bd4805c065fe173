"""Table photometry_lc: the light curves of Tractor photometry, where they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fitsio
import numpy as np
import psycopg
import pytest
from astropy.table import Table
from click.testing import CliRunner

from specprod_copy.cli import cli
from specprod_copy.demo import write_production

pytestmark = pytest.mark.filterwarnings("ignore::astropy.units.UnitsWarning")

QUANTITIES = ("FLUX", "FLUX_IVAR", "NOBS", "FRACFLUX", "RCHISQ", "MJD", "EPOCH_INDEX")
COLUMNS = [f"LC_{quantity}_{band}" for quantity in QUANTITIES for band in ("W1", "W2")]


def rewrite(path: Path, change) -> None:
    table = Table.read(path, "TRACTORPHOT", unit_parse_strict="silent")
    change(table)
    table.write(path, overwrite=True)


def as_in_dr10(table: Table) -> None:
    """17 slots, a target without epochs in one band, and one with a gap."""
    for name in COLUMNS:
        none = -1 if "EPOCH_INDEX" in name else 0
        old = np.asarray(table[name])
        new = np.full((len(table), 17), none, old.dtype)
        new[:, :15] = old
        new[3, 16] = new[3, 2]
        if name.endswith("W2"):
            new[0] = none
        table.replace_column(name, new)
    table["LC_FLUX_W1"][1, 4] = np.nan


def expected(path: Path) -> Iterator[tuple]:
    """What each row of a file becomes: a rule of its own, with numbers by CFITSIO."""
    for row in fitsio.read(path, ext="TRACTORPHOT"):
        arrays = []
        for quantity in QUANTITIES:
            for band in ("W1", "W2"):
                slots = [
                    slot
                    for slot, index in enumerate(row[f"LC_EPOCH_INDEX_{band}"])
                    if index != -1 or row[f"LC_MJD_{band}"][slot] or row[f"LC_NOBS_{band}"][slot]
                ]
                values = row[f"LC_{quantity}_{band}"][: max(slots, default=-1) + 1]
                arrays.append(tuple(map(repr, values.tolist())) if slots else None)
        yield int(row["TARGETID"]), *arrays


class Case:
    """A production, a database, and the program that loads one into the other."""

    def __init__(self, root: Path, conninfo: str) -> None:
        self.root, self.conninfo = root, conninfo
        self.files = sorted(root.rglob("tractorphot-potential-*.fits"))

    def run(self, *arguments: str, code: int = 0, production: bool = True) -> str:
        place = ["--specprod", "iron", "--root", str(self.root)] if production else []
        done = CliRunner().invoke(cli, [*arguments, *place, "--dsn", self.conninfo])
        said = f"{done.output}{done.exception or ''}"
        assert done.exit_code == code, said
        return said

    def load(self, *options: str, code: int = 0) -> str:
        return self.run("load", "photometry", "targetphot", *options, code=code)

    def verify(self, code: int = 0) -> str:
        return self.run("verify", "photometry", "targetphot", code=code)

    def query(self, text: str) -> list[tuple]:
        with psycopg.connect(self.conninfo) as connection:
            return connection.execute(text.encode(), binary=True).fetchall()

    def equal(self) -> None:
        """Compare the table with the files, array by array."""
        names = ", ".join(COLUMNS)
        found = {
            targetid: tuple(None if a is None else tuple(map(repr, a)) for a in arrays)
            for targetid, *arrays in self.query(f"SELECT targetid, {names} FROM iron.photometry_lc")
        }
        assert found == {row[0]: row[1:] for path in self.files for row in expected(path)}
        assert len(found) > 50


@pytest.fixture
def case(tmp_path, database) -> Case:
    write_production(tmp_path, "iron", tiles=4, targets=60)
    case = Case(tmp_path, database)
    rewrite(case.files[-1], as_in_dr10)
    return case


def test_light_curves(case: Case) -> None:
    case.load("--light-curves")
    case.equal()
    assert "photometry_lc" in case.verify()
    assert "photometry_lc" in case.run("status")
    for command, said in (
        (["describe", "photometry_lc"], "nanomaggy"),
        (["diff", "photometry_lc"], "no differences"),
    ):
        assert said in case.run(*command, "--schema", "iron", production=False)
    # One changed element is found, and named.
    with psycopg.connect(case.conninfo) as connection:
        connection.execute(
            """UPDATE iron.photometry_lc SET lc_nobs_w1[2] = 77
               WHERE targetid = (SELECT min(targetid) FROM iron.photometry_lc)"""
        )
    assert "element 1: file" in case.verify(code=1)
    case.load("--light-curves", "--overwrite")
    case.equal()

    def brighter(table: Table) -> None:
        table["LC_FLUX_W1"][2, 1] += 1

    rewrite(case.files[0], brighter)
    replaced = case.load("--light-curves", "--replace", str(case.files[0]))
    assert "photometry_lc: 1 rows changed, 0 new, 0 removed" in replaced
    case.equal()
    case.verify()
    message = "schema iron has light curves, in table photometry_lc: load photometry with --light"
    assert message in case.load(code=1)
    assert message in case.load("--dry-run", code=1)


def test_without_asking_there_are_none(case: Case) -> None:
    case.load()
    assert case.query("SELECT to_regclass('iron.photometry_lc')::text") == [(None,)]
    assert "photometry_lc" not in case.verify()
    assert "photometry_lc" not in case.run("status")
    case.load("--light-curves")  # They can be added later.
    case.equal()


def test_files_without_them(case: Case) -> None:
    rewrite(case.files[0], lambda table: table.remove_column("LC_MJD_W2"))
    message = case.load("--light-curves", code=1)
    assert "no column LC_MJD_W2, which table photometry_lc needs" in message
    assert case.query("SELECT to_regclass('iron.photometry')::text") == [(None,)]
