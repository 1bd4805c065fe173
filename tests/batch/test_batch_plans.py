"""The job in front of arrays, which plans: run for real, by a stand-in for Slurm."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.batch_options import EMAIL, succeed
from support.changing import Case, edit, iron, loaded
from support.fake_slurm import Slurm, start_slurm

from specprod_copy.plan import saved_looks
from specprod_copy.tables import SOURCES, specprod_catalogue

__all__ = ["iron", "loaded"]

KEYWORDS = specprod_catalogue().keywords


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    made = start_slurm(tmp_path, monkeypatch)
    program = f'#!/bin/sh\nexec {sys.executable} -m specprod_copy "$@" --jobs=1\n'
    made.install("specprod-copy", program)
    return made


def planned(fake: Slurm, case: Case, *options: str) -> tuple[str, str]:
    """Return the exit code of the job that plans, and what it says."""
    arguments = (EMAIL, case.root, "iron", "-j", fake.jobs, "--array", "2", *options)
    succeed(*arguments, server=("--dsn", case.conninfo))
    script = fake.jobs / "plan_specprod_db_iron.sh"
    subprocess.run([fake.programs / "sbatch", script], check=True, capture_output=True)
    return fake.results()[-1], fake.log("plan_specprod_db_iron-*.log")


def change_exposures(case: Case) -> None:
    path = case.files.exposures()
    edit(path, "EXPOSURES", values={(0, "EXPTIME"): 1.0})


def test_only_the_stage_of_the_first_job_counts_as_replaced(fake: Slurm, loaded: Case) -> None:
    change_exposures(loaded)
    loaded.execute("ALTER TABLE iron.photometry ADD COLUMN mine integer")
    before = loaded.state()
    code, log = planned(fake, loaded, "--overwrite-tables")
    assert code == "0", log
    assert loaded.state() == before
    rows = {(w[0], w[1]): int(w[5]) for line in log.splitlines() if len(w := line.split()) == 8}
    new = {table for (table, _), number in rows.items() if number}
    assert new == {"tile", "exposure", "frame"}
    assert len(rows) == len(SOURCES)
    assert "tables to make: tile, exposure, frame\n" in log
    # What is seen of all files is kept for the tasks.
    seen = {path for path, _ in saved_looks.read(fake.jobs / "plan_iron", KEYWORDS).looks}
    assert seen >= {loaded.files.exposures(), loaded.files.zall_pix()}


def test_columns_of_users_in_the_tables_that_are_replaced(fake: Slurm, loaded: Case) -> None:
    loaded.execute("ALTER TABLE iron.exposure ADD COLUMN mine integer")
    code, log = planned(fake, loaded, "--overwrite-tables")
    assert code == "1"
    assert "table iron.exposure has columns that are not of its definition: mine" in log


def test_changed_files_of_tables_that_nobody_replaces(fake: Slurm, loaded: Case) -> None:
    change_exposures(loaded)
    code, log = planned(fake, loaded)
    assert code == "1"
    assert "changed" in log


def test_overwritten_belongs_to_dry_run(loaded: Case) -> None:
    refused = loaded.command("load", "all", "--overwritten", "exposures")
    assert refused.exit_code == 2
    assert "--overwritten belongs to --dry-run" in refused.output
