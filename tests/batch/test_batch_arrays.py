"""Job arrays for the rows of large stages: their scripts, and their runs by a stand-in."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from support.batch_options import (
    DSN,
    EMAIL,
    options,
    refusal,
    render_all,
    run,
    succeed,
    tool,
    write_tiles,
)
from support.fake_slurm import Slurm, names, start_slurm

from specprod_copy.batch import jobs as batch
from specprod_copy.batch.slurm import Script
from specprod_copy.errors import ConfigurationError
from specprod_copy.tables import STAGES, specprod_catalogue

SHELLS = pytest.mark.parametrize(("flags", "program"), [((), "bash"), (("--csh",), "tcsh")])


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    return start_slurm(tmp_path, monkeypatch)


def scripts_in_order(suffix: str) -> list[str]:
    """Return the names of all scripts of production fuji with arrays."""
    first, *large = [f"load_specprod_db_fuji_{stage}" for stage in STAGES]
    pairs = [name for stage in large for name in (f"{stage}_parts", stage)]
    others = ["plan_specprod_db_fuji", "verify_specprod_db_fuji"]
    return [f"{name}.{suffix}" for name in (others[0], first, *pairs, others[1])]


def difference(script: Script, other: Script) -> list[str]:
    """Return the lines of a script that another one does not have."""
    others = other.text.splitlines()
    return [line for line in script.text.splitlines() if line not in others]


# ---------------------------------------------------------------------------- what scripts hold


@pytest.mark.parametrize("shell", ["sh", "csh"])
def test_an_array_and_the_job_behind_it(shell: str) -> None:
    changes = {"shell": shell, "config": Path("/c.toml"), "overwrite_tables": True}
    plain, (plan, *arrays) = render_all(**changes), render_all(array=16, **changes)
    assert plan.path == Path(f"/jobs/plan_specprod_db_fuji.{shell}")
    assert "specprod-copy load all --dry-run --plan=/jobs/plan_fuji \\\n" in plan.text
    name = "load_specprod_db_fuji_photometry"
    assert [script.path for script in arrays[:3]] == [
        plain[0].path,
        Path(f"/jobs/{name}_parts.{shell}"),
        plain[1].path,
    ]
    known = ["    --plan=/jobs/plan_fuji \\"]
    assert difference(arrays[0], plain[0]) == known
    # An array does not know when it is done with; the job behind it does, and moves both.
    assert difference(arrays[1], plain[1]) == [
        f"#SBATCH --job-name={name}_parts",
        "#SBATCH --array=1-16",
        "#SBATCH --output=/jobs/%x-%A_%a.log",
        '    --part="${SLURM_ARRAY_TASK_ID}/16" \\',
        *known,
    ]
    assert difference(plain[1], arrays[1]) == [
        f"#SBATCH --job-name={name}",
        "#SBATCH --output=/jobs/%x-%j.log",
        "else",
        f"    mv -f -- /jobs/{name}.{shell} /jobs/done/",
    ]
    assert difference(arrays[2], plain[1]) == [
        *known,
        f"    mv -f -- /jobs/{name}_parts.{shell} /jobs/{name}.{shell} /jobs/done/",
    ]
    # The job that plans must not compare files with the tables that the next job replaces, either.
    assert "    --overwritten=exposures \\\n" in plan.text
    assert "    --overwrite \\\n" in arrays[0].text
    assert "--overwrite" not in "".join(script.text for script in arrays[1:])


def test_all_stages_but_the_first_are_large() -> None:
    assert ("exposures", *batch.LARGE_STAGES) == STAGES
    jobs = batch.make_jobs(options(array=2))
    assert [f"{job.name}.sh" for job in jobs] == scripts_in_order("sh")
    assert [(job.array, job.first, job.last) for job in jobs] == [
        (None, False, False),
        (None, True, False),
        *[(2, False, False), (None, False, False)] * 4,
        *[(2, False, False), (None, False, True)],
        (None, False, False),
    ]
    times = {**specprod_catalogue().job_times, "plan": batch.PLAN_TIME, "verify": batch.VERIFY_TIME}
    assert [job.time for job in jobs] == [times[job.item] for job in jobs]


@pytest.mark.parametrize("array", [2, 9, 10, 999, 1000])
def test_sizes_of_arrays(array: int) -> None:
    assert f"#SBATCH --array=1-{array}\n" in render_all(array=array)[-3].text


@pytest.mark.parametrize("array", [-2, 0, 1, 1001, 10_000, True, "2\n", "2%1", "٣"])
def test_sizes_that_are_refused(array: object) -> None:
    with pytest.raises(ConfigurationError) as error:
        options(array=array)
    assert str(error.value) == f"--array must be a number from 2 to 1000, not {str(array)!r}"


def test_the_command_refuses_what_makes_no_array(fake: Slurm, tmp_path: Path) -> None:
    message = refusal(EMAIL, "/data", "fuji", "-j", fake.jobs, "--array", "1001")
    assert message == "--array must be a number from 2 to 1000, not '1001'"
    assert run(EMAIL, "/data", "fuji", "-j", fake.jobs, "--array", "two").exit_code == 2
    tiles = ("--tiles-file", write_tiles(tmp_path))
    message = refusal(EMAIL, "/data", "fuji", "-j", fake.jobs, "--array", "4", *tiles)
    assert message == "--array is for stages; jobs of tiles have no use for it"
    assert not fake.jobs.exists()


# ---------------------------------------------------------------------------- jobs


@SHELLS
def test_each_stage_waits_for_all_tasks(
    fake: Slurm, flags: tuple[str, ...], program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(program)
    monkeypatch.setenv("SAYS", "{};perlmutter")
    arguments = (EMAIL, "/my data", "fuji", "-j", fake.jobs, "--array", "3", "-v", "1.2", *flags)
    output = succeed(*arguments, "--submit")
    scripts = scripts_in_order("csh" if flags else "sh")
    assert output.splitlines()[1:] == [
        f"13 scripts are in {fake.jobs}",
        *(f"job {101 + n}: {script}" for n, script in enumerate(scripts)),
    ]
    assert fake.calls("sbatch") == fake.chained(scripts)
    assert fake.results() == ["0"] * 13

    given, last = ["--specprod=fuji", "--schema=fuji"], ["--role=desi", DSN]
    plan = "--plan=/jobs/plan_fuji".replace("/jobs", str(fake.jobs))
    planning, first, *calls = fake.calls("specprod-copy")
    assert planning == ["load", "all", "--dry-run", plan, *given, DSN]
    last.insert(0, plan)
    assert first == ["load", "exposures", *given, *last]
    for stage in batch.LARGE_STAGES:
        # The tasks come in any order, but all before the job behind them.
        tasks, (whole,), calls = calls[:3], calls[3:4], calls[4:]
        parts = [f"--part={task}/3" for task in (1, 2, 3)]
        assert sorted(tasks) == [["load", stage, *given, part, *last] for part in parts]
        assert whole == ["load", stage, *given, *last]
    assert calls == [["verify", *given, DSN]]
    assert fake.environments("specprod-copy") == [["/my data", "fuji"]] * 23
    assert fake.calls("module") == [["swap", "specprod-copy/1.2"]] * 23

    assert names(fake.jobs / "done") == sorted(scripts)
    assert names(fake.jobs, "*fuji_target[_-]*") == [
        "load_specprod_db_fuji_target-108.log",
        *(f"load_specprod_db_fuji_target_parts-107_{task}.log" for task in (1, 2, 3)),
    ]
    assert len(names(fake.jobs)) == 23


@SHELLS
def test_after_a_failed_task_all_can_be_submitted_again(
    fake: Slurm, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], program: str
) -> None:
    tool(program)
    monkeypatch.setenv("FAIL", "--part=2/3")
    arguments = (EMAIL, "/data", "fuji", "-j", fake.jobs, "--array", "3", "--submit", *flags)
    succeed(*arguments)
    assert fake.results() == ["0", "0", "3", *["never ran"] * 10]
    assert fake.tasks(103) == ["0", "3", "0"]
    assert "the disk is full" in fake.log("*_parts-103_2.log")
    suffix = "csh" if flags else "sh"
    scripts = scripts_in_order(suffix)
    assert names(fake.jobs / "done") == sorted(scripts[:2])
    assert names(fake.jobs, f"*.{suffix}") == sorted(scripts[2:])

    monkeypatch.delenv("FAIL")
    succeed(*arguments)
    assert fake.results()[13:] == ["0"] * 13
    assert fake.tasks(116) == ["0", "0", "0"]
    assert names(fake.jobs / "done") == sorted(scripts)
    assert names(fake.jobs, f"*.{suffix}") == []


@SHELLS
def test_scripts_stay_together_until_the_stage_is_finished(
    fake: Slurm, flags: tuple[str, ...], program: str
) -> None:
    tool(program)
    finish_fails = '#!/bin/sh\ncase "$*" in *photometry*part*) ;; *photometry*) exit 4;; esac\n'
    fake.install("specprod-copy", finish_fails)
    succeed(EMAIL, "/data", "fuji", "-j", fake.jobs, "--array", "3", "--submit", *flags)
    assert fake.results() == ["0", "0", "0", "4", *["never ran"] * 9]
    suffix = "csh" if flags else "sh"
    stage = fake.jobs / f"load_specprod_db_fuji_photometry.{suffix}"
    parts = fake.jobs / f"load_specprod_db_fuji_photometry_parts.{suffix}"
    assert stage.exists()
    assert parts.exists()

    # The job of a stage alone loads all that is missing, with or without the script of its array.
    parts.unlink()
    fake.install("specprod-copy", "#!/bin/sh\n")
    subprocess.run([shutil.which("sbatch"), stage], check=True, capture_output=True)
    assert fake.results()[13:] == ["0"]
    first = [f"load_specprod_db_fuji_exposures.{suffix}", stage.name]
    assert names(fake.jobs / "done") == [*first, f"plan_specprod_db_fuji.{suffix}"]


def test_the_chain_that_a_dry_run_shows(fake: Slurm) -> None:
    arguments = (EMAIL, "/data", "fuji", "-j", fake.jobs, "--array", "2")
    output = succeed(*arguments, "--dry-run")
    assert not fake.jobs.exists()
    succeed(*arguments)
    chain = output.partition("==> to submit them, from sh <==\n")[2]
    done = subprocess.run(["sh", "-c", chain], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert fake.calls("sbatch") == fake.chained(scripts_in_order("sh"))
    assert fake.results() == ["0"] * 13
