"""Commands that look make no server; those that write make one after their own checks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.clusters import open_folder

from specprod_copy.server.cluster import Cluster

READING = {
    "status": ["status", "--schema", "none"],
    "verify": ["verify", "--specprod", "fuji", "--root", "."],
    "grant": ["grant", "--schema", "none"],
    "diff": ["diff", "--schema", "none"],
    "upgrade": ["upgrade", "--schema", "none"],
    "adopt": ["adopt", "--specprod", "fuji", "--root", "."],
    "views": ["views", "--schema", "none", "fuji", "iron"],
    "primary": ["primary", "--schema", "none"],
    "sync --dry-run": ["sync", "--dry-run", "--specprod", "daily", "--root", "."],
    "patch coeff check": ["patch", "coeff", "check", "--production", "iron"],
    "patch coeff apply": ["patch", "coeff", "apply", "--production", "iron"],
    "patch coeff revert": ["patch", "coeff", "revert", "--production", "iron"],
    "server psql": ["server", "psql", "-c", "SELECT 1"],
}
LOAD = ["load", "--specprod", "fuji", "--root", "."]
WRONG = {
    "no command": (["lood"], 2, "No such command 'lood'. Did you mean load?"),
    "no stage": ([*LOAD, "redshifts"], 2, "no stage is called 'redshifts'; did you mean redshift?"),
    "no option": ([*LOAD, "all", "--jobs", "0"], 2, "0 is not in the range 1<=x<=64"),
    "no schema": (["status"], 2, "name the schema"),
    "no production": (
        ["load", "all", "--specprod", "irom", "--root", "."],
        1,
        "unknown production 'irom'; did you mean iron? known: fuji,",
    ),
    "options at odds": ([*LOAD, "all", "--no-verify"], 2, "--no-verify belongs to --overwrite"),
    "part of a replacement": ([*LOAD, "all", "--part", "1/2", "--overwrite"], 1, "no part of it"),
    "no files": ([*LOAD, "all"], 1, "tiles-fuji.fits"),
    "no catalogs": ([*LOAD, "redshift"], 1, "ztile"),
    "no tile": (["tile", "7", "--specprod", "daily", "--root", "."], 1, "tiles-daily.csv"),
    "nothing to sync": (["sync", "--specprod", "daily", "--root", "."], 1, "tiles-daily.csv"),
    "no patch": (
        ["patch", "coeff", "load", "--production", "iron", "none.fits"],
        1,
        "none.fits: no such file",
    ),
}


def run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {"PATH", "HOME", "SPECPROD_COPY_PG_BINDIR"}
    env = {name: value for name, value in os.environ.items() if name in kept} | more
    command = [sys.executable, "-m", "specprod_copy", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return an empty folder in which a server could live."""
    with open_folder() as made:
        try:
            yield made
        finally:
            Cluster(made / "specprod.pgdata").stop("immediate")


@pytest.mark.parametrize("command", READING.values(), ids=READING)
def test_where_no_server_is_none_is_made(folder, command):
    done = run(folder, *command)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: no server in ./specprod.pgdata: 'specprod-copy load …'")
    assert len(done.stderr.splitlines()) == 1
    assert [*folder.iterdir()] == []


@pytest.mark.parametrize("embedded", ["elsewhere", "/nowhere/at all"])
def test_the_folder_that_was_named_is_told(folder, embedded):
    done = run(folder, "status", "--schema", "none", "--embedded", embedded)
    assert done.returncode == 1
    shown = embedded if embedded.startswith("/") else f"./{embedded}"
    assert done.stderr.startswith(f"Error: no server in {shown}: ")
    assert [*folder.iterdir()] == []


@pytest.mark.parametrize(("command", "code", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_without_a_server_leaves_none(folder, command, code, message):
    done = run(folder, *command)
    assert done.returncode == code
    assert message in done.stderr
    assert [*folder.iterdir()] == []


@pytest.mark.parametrize("command", ["load", "verify"])
def test_batch_jobs_ask_for_the_embedded_server_by_its_folder(folder, demo_root, command):
    """A job that nobody told its server would load all into a new one, and report success."""
    where = [command, "tile", "--specprod", "fuji", "--root", str(demo_root)]
    done = run(folder, *where, SLURM_JOB_ID="77")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: this is Slurm's job 77, and no server is named: name it")
    assert [*folder.iterdir()] == []
    if command == "load":
        done = run(folder, *where, "--embedded", "specprod.pgdata", SLURM_JOB_ID="77")
        assert done.returncode == 0, done.stderr


def test_stages_that_need_the_tiles_of_others(folder, demo_root):
    done = run(folder, "load", "fiberassign", "--specprod", "fuji", "--root", str(demo_root))
    assert done.returncode == 1
    assert "load stage exposures first" in done.stderr
    assert [*folder.iterdir()] == []


def test_a_load_makes_the_server_and_reading_starts_it(folder, demo_root):
    where = ["--specprod", "fuji", "--root", str(demo_root)]
    loaded = run(folder, "load", "tile", *where)
    assert loaded.returncode == 0, loaded.stderr
    assert [path.name for path in folder.iterdir()] == ["specprod.pgdata"]
    assert json.loads(run(folder, "server", "status", "--json").stdout)["running"] is True
    note = f"starting the server in {folder / 'specprod.pgdata'}"
    for command in (["status"], ["verify", "tile"], ["load", "tile", "--dry-run"]):
        assert run(folder, "server", "stop").returncode == 0
        first = run(folder, *command, *where)
        assert first.returncode == 0, first.stderr
        assert note in first.stderr.splitlines()
        assert note not in run(folder, *command, *where).stderr
    psql = run(folder, "server", "psql", "-XAtc", "SELECT count(*) > 0 FROM fuji.tile")
    assert psql.stdout == "t\n"
    # What is wrong leaves a server that is stopped as it is.
    run(folder, "server", "stop")
    assert run(folder, "load", "all", "--specprod", "fuji", "--root", ".").returncode == 1
    assert run(folder, "server", "status").returncode == 3


def test_a_dry_run_needs_no_server(folder, demo_root):
    where = ["--specprod", "fuji", "--root", str(demo_root)]
    done = run(folder, "load", "exposures", "--dry-run", *where)
    assert done.returncode == 0, done.stderr
    assert "tables to make: tile, exposure, frame\n" in done.stdout
    every = run(folder, "load", "all", "--dry-run", *where).stdout
    tables = "tile, exposure, frame, photometry, target, ztile, zpix, fiberassign, potential"
    assert f"\ntables to make: {tables}\n" in every
    assert list(folder.iterdir()) == []


def test_the_doctor_needs_no_server(folder, demo_root, tmp_path):
    """It tells what a load would make, and refuses what a load would."""
    done = run(folder, "doctor")
    assert done.returncode == 0, done.stderr
    assert "none yet: a load makes one of PostgreSQL " in done.stdout
    where = ["--specprod", "fuji", "--root"]
    whole = run(folder, "doctor", *where, str(demo_root))
    assert (whole.returncode, "   all tables " in whole.stdout) == (0, True), whole.stdout
    root = tmp_path / "copy"
    shutil.copytree(demo_root, root)
    [catalog] = root.rglob("zall-pix-*.fits")
    catalog.write_bytes(b"SIMPLE")
    refused = run(folder, "doctor", *where, str(root))
    assert refused.returncode == 1
    last = refused.stdout.splitlines()[-1]
    assert last.startswith(f"A load is impossible here (load --dry-run: {catalog}: ")
    assert list(folder.iterdir()) == []
