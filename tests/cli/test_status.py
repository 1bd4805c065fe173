"""``status`` and ``load --dry-run``: what they say, and that they change nothing."""

from __future__ import annotations

import json
import shutil

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from click.testing import CliRunner
from support.catalogues import Catalogues, write_fits

from specprod_copy.cli import cli
from specprod_copy.demo import write_production
from specprod_copy.errors import SpecprodCopyError
from specprod_copy.postgres import locks
from specprod_copy.tables import SOURCES


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("status")
    write_production(root, "iron", tiles=4, targets=40)
    return root


def run(conninfo: str, *arguments: object) -> str:
    done = CliRunner().invoke(cli, [*map(str, arguments), "--dsn", conninfo])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def relations(conninfo: str) -> list[tuple]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute(
            "SELECT oid, relname, relfilenode FROM pg_class WHERE oid > 16384 ORDER BY oid"
        ).fetchall()


def lines(printed: str) -> dict[str, list[str]]:
    """Return the rest of each line about a source, by its table and stage."""
    names = {f"{source.table} {source.stage}" for source in SOURCES.values()}
    rows = [line.split() for line in printed.splitlines()]
    return {" ".join(row[:2]): row[2:] for row in rows if " ".join(row[:2]) in names}


def test_dry_run_says_what_a_load_does(database, root):
    before = relations(database)
    printed = run(database, "load", "all", "-n", "-p", "iron", "-r", root)
    assert relations(database) == before
    plan = lines(printed)
    assert "tables to make: tile, exposure, frame, photometry, target" in printed
    run(database, "load", "all", "-q", "-p", "iron", "-r", root)
    with psycopg.connect(database) as connection:
        ledger = connection.execute(
            """SELECT table_name || ' ' || stage, count(DISTINCT entry), count(*), sum(rows_read)
               FROM iron.load_ledger GROUP BY 1"""
        ).fetchall()
    assert {name for name, *_ in ledger} == set(plan)
    for name, files, units, rows in ledger:
        assert [v.replace(",", "") for v in plan[name][1:4]] == [str(files), str(units), str(rows)]
    again = lines(run(database, "load", "all", "-n", "-p", "iron", "-r", root))
    assert {tuple(again[name][1:4]) for name, *_ in ledger} == {("0", "0", "0")}
    anew = lines(run(database, "load", "all", "-n", "--overwrite", "-p", "iron", "-r", root))
    assert anew == plan


def test_dry_run_finds_what_is_wrong(database, root, tmp_path):
    with pytest.raises(SpecprodCopyError, match="no-such-file"):
        run(
            database,
            "load",
            "tile",
            "-n",
            "-p",
            "iron",
            "-r",
            root,
            "--tiles-file",
            tmp_path / "no-such-file.fits",
        )


@pytest.mark.usefixtures("q3c")
def test_status_of_a_partial_load(database, root):
    run(database, "load", "exposures", "photometry", "-q", "-p", "iron", "-r", root)
    printed = run(database, "status", "-p", "iron")
    table = lines(printed)
    assert set(table) >= {"tile exposures", "photometry photometry", "photometry targetphot"}
    assert table["photometry targetphot"][:4] == ["0", "0", "0", "?"]
    assert table["photometry photometry"][5] == "0/3"  # its keys wait for stage targetphot
    assert table["tile exposures"][5] == "2/2"
    found = json.loads(run(database, "status", "-p", "iron", "-r", root, "--json"))
    progress = {(row["table"], row["stage"]): row for row in found["progress"]}
    assert progress["tile", "exposures"]["rows_missing"] == 0
    assert progress["photometry", "targetphot"]["units_missing"] > 0
    assert progress["photometry", "targetphot"]["rows_missing"] > 0
    assert found["steps_missing"] == {
        "photometry": ["photometry_pkey", "ix_photometry_ls_id", "ix_photometry_q3c_ang2ipix"]
    }
    assert found["at_work"] == []


def test_status_names_files_that_changed(database, root, tmp_path):
    copy = shutil.copytree(root, tmp_path / "copy")
    (tiles,) = (copy / "spectro/redux/iron").glob("tiles-*.fits")
    which = ("-p", "iron", "-r", copy)
    run(database, "load", "exposures", "-q", *which)
    with fits.open(tiles, mode="update") as file:
        file[1].data["EFFTIME_SPEC"][0] += 1
    found = json.loads(run(database, "status", *which, "--json"))
    progress = {(row["table"], row["stage"]): row["rows_missing"] for row in found["progress"]}
    assert progress["tile", "exposures"] is None
    assert progress["frame", "exposures"] == 0
    (changed,) = found["changed"]
    assert changed.startswith("tile, stage exposures: ")
    assert str(tiles) in changed
    assert "--replace" in changed
    assert "changed since it was loaded: tile, stage" in run(database, "status", *which)


def test_status_tells_who_is_at_work(database, root):
    run(database, "load", "tile", "-q", "-p", "iron", "-r", root)
    with (
        psycopg.connect(database) as connection,
        locks.hold_schema_lock(connection, "iron", shared=True),
    ):
        pid = connection.info.backend_pid
        assert f"at work: process {pid} of " in run(database, "status", "-s", "iron")


def test_status_advises_what_helps(database, tmp_path):
    """A load makes an index after the rows; a constraint of CREATE TABLE it does not make again."""
    stars = {"TARGETID": np.arange(5, dtype="i8"), "A": np.zeros(5)}
    write_fits(tmp_path / "cat.fits", {"STARS": stars})
    vac = Catalogues(tmp_path, database)
    description = vac.draft(tmp_path / "cat.fits")
    file = description.with_name("stars.sql")
    inline = "a double precision NOT NULL CONSTRAINT positive CHECK (a >= 0)"
    text = file.read_text().replace("a double precision NOT NULL", inline)
    index = "CREATE INDEX IF NOT EXISTS ix_{{ table }}_a ON {{ schema }}.{{ table }} (a);"
    file.write_text(f"{text}\n{{% block indexes %}}\n{index}\n{{% endblock %}}\n")
    vac.load(description)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("ALTER TABLE vac.stars DROP CONSTRAINT positive")
        lacking = "'specprod-copy upgrade' mends: stars: positive is missing"
        assert lacking in run(database, "status", "-s", "vac").splitlines()
        run(database, "upgrade", "-s", "vac")
        assert " is missing" not in run(database, "status", "-s", "vac")
        connection.execute("DROP INDEX vac.ix_stars_a")
    advice = "run the load again (or, if an earlier version has completed it, "
    lacking = f"{advice}'specprod-copy upgrade'): stars: ix_stars_a is missing"
    assert lacking in run(database, "status", "-s", "vac").splitlines()
    found = json.loads(run(database, "status", "-s", "vac", "--json"))
    assert found["unfinished"] == ["stars"] == [*found["upgrades"]]


def test_status_of_a_schema_that_was_not_loaded(database):
    with pytest.raises(SpecprodCopyError, match="there is no schema none; there are: public"):
        run(database, "status", "-s", "none")
