"""Batch scripts, run one after the other by a stand-in for Slurm."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from astropy.table import Table
from psycopg.conninfo import make_conninfo
from support.batch_options import DSN, EMAIL, NASTY, refusal, run, succeed, tool, write_tiles
from support.fake_slurm import Slurm, names, start_slurm

from specprod_copy.batch import jobs as batch
from specprod_copy.errors import ConfigurationError, InputError
from specprod_copy.tables import STAGES


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    return start_slurm(tmp_path, monkeypatch)


@pytest.fixture
def tiles_file(tmp_path: Path) -> Path:
    return write_tiles(tmp_path)


def scripts_in_order(suffix: str) -> list[str]:
    loads = [f"load_specprod_db_fuji_{stage}.{suffix}" for stage in STAGES]
    return [*loads, f"verify_specprod_db_fuji.{suffix}"]


@pytest.mark.parametrize(("flags", "program"), [((), "bash"), (("--csh",), "tcsh")])
def test_jobs_run_one_after_the_other(fake: Slurm, flags: tuple[str, ...], program: str) -> None:
    tool(program)
    root = f"/{NASTY}"
    output = succeed(
        *(EMAIL, root, "fuji", "-j", fake.jobs, "-v", "1.2", "--submit", *flags),
        server=("--hostname", NASTY, "--username", "a'b"),
    )
    suffix = "csh" if flags else "sh"
    scripts = scripts_in_order(suffix)
    assert output.splitlines()[2:] == [f"job {101 + n}: {s}" for n, s in enumerate(scripts)]
    assert fake.calls("sbatch") == fake.chained(scripts)
    assert fake.results() == ["0"] * 7
    assert fake.calls("module") == [["swap", "specprod-copy/1.2"]] * 7
    server = make_conninfo(host=NASTY, port="5432", dbname="a'b", user="a'b")
    given, last = ["--specprod=fuji", "--schema=fuji"], [f"--dsn={server}"]
    loads = [["load", stage, *given, "--role=desi", *last] for stage in STAGES]
    loads.append(["verify", *given, *last])
    assert fake.calls("specprod-copy") == loads
    assert fake.environments("specprod-copy") == [[root, "fuji"]] * 7
    assert fake.calls("srun") == [
        ["--ntasks=1", "--cpus-per-task=256", "specprod-copy", *load] for load in loads
    ]
    assert names(fake.jobs / "done") == sorted(scripts)
    logs = [f"{script.partition('.')[0]}-{101 + n}.log" for n, script in enumerate(scripts)]
    assert names(fake.jobs) == sorted(logs)


@pytest.mark.parametrize(("flags", "program"), [((), "bash"), (("--csh",), "tcsh")])
def test_a_failed_job_stops_the_others_and_can_be_run_again(
    fake: Slurm, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], program: str
) -> None:
    tool(program)
    monkeypatch.setenv("FAIL", "targetphot")
    arguments = (EMAIL, "/data", "fuji", "-j", fake.jobs, "--submit", *flags)
    succeed(*arguments)
    assert fake.results() == ["0", "0", "3", *["never ran"] * 4]
    assert "exit code 3; the jobs behind this one do not run" in fake.log("*targetphot-103.log")
    assert "the disk is full" in fake.log("*targetphot-103.log")
    suffix = "csh" if flags else "sh"
    done = [f"load_specprod_db_fuji_{stage}.{suffix}" for stage in ("exposures", "photometry")]
    assert names(fake.jobs / "done") == done
    assert len(names(fake.jobs, f"*.{suffix}")) == 5
    monkeypatch.delenv("FAIL")
    succeed(*arguments)
    assert fake.results()[7:] == ["0"] * 7
    assert len(names(fake.jobs / "done")) == 7
    assert names(fake.jobs, f"*.{suffix}") == []


@pytest.mark.parametrize(("flags", "program"), [((), "bash"), (("--csh",), "tcsh")])
def test_without_its_module_a_job_fails(
    fake: Slurm, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], program: str
) -> None:
    tool(program)
    monkeypatch.setenv("MODULE_STATUS", "5")
    succeed(EMAIL, "/data", "fuji", "-j", fake.jobs, "-v", "9", "--submit", *flags)
    assert fake.results() == ["5", *["never ran"] * 6]
    assert fake.calls("specprod-copy") == []


def test_a_clusters_name_in_the_answer(fake: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYS", "{};perlmutter")
    output = succeed(EMAIL, "/data", "fuji", "-j", fake.jobs, "--submit")
    assert "job 106: load_specprod_db_fuji_fiberassign.sh" in output
    assert fake.calls("sbatch")[5][1] == "--dependency=afterok:105"
    assert fake.results() == ["0"] * 7


def test_sbatch_refuses(fake: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFUSE", "target.sh")
    done = run(EMAIL, "/data", "fuji", "-j", fake.jobs, "--submit")
    assert "job 103: load_specprod_db_fuji_targetphot.sh" in done.output
    assert isinstance(done.exception, ConfigurationError)
    assert str(done.exception) == (
        f"cannot submit {fake.jobs}/load_specprod_db_fuji_target.sh: sbatch says: sbatch: error: "
        "QOSMaxSubmitJobPerUserLimit sbatch: error: Batch job refused. Jobs submitted before it, "
        "which will run: 101 102 103 (scancel removes them)"
    )
    assert len(fake.calls("sbatch")) == 4
    assert len(names(fake.jobs, "*.sh")) == 4


@pytest.mark.parametrize("answer", ["Submitted batch job {}", "", "{};", "{}\n{}"])
def test_an_answer_without_a_job_id(
    fake: Slurm, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setenv("SAYS", answer)
    message = refusal(EMAIL, "/data", "fuji", "-j", fake.jobs, "--submit")
    said = answer.replace("{}", "101")
    assert message.endswith(
        f"exposures.sh: sbatch gave no job id but {said!r}; look for it with squeue. No job was "
        "submitted before it"
    )
    assert len(fake.calls("sbatch")) == 1


def test_a_machine_without_slurm(fake: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(fake.state))
    message = refusal(EMAIL, "/data", "fuji", "-j", fake.jobs, "--submit")
    assert message == (
        f"cannot submit {fake.jobs}/load_specprod_db_fuji_exposures.sh: sbatch: No such file or "
        "directory. No job was submitted before it"
    )
    assert len(names(fake.jobs, "*.sh")) == 7


def test_dry_run_shows_scripts_and_a_chain_that_works(fake: Slurm) -> None:
    arguments = (EMAIL, "/data", "fuji", "-j", fake.jobs)
    output = succeed(*arguments, "--dry-run", "--submit")
    assert not fake.jobs.exists()
    assert fake.calls("sbatch") == []
    succeed(*arguments)
    for path in fake.jobs.glob("*.sh"):
        assert f"==> {path} <==\n{path.read_text()}\n" in output
    chain = output.partition("==> to submit them, from sh <==\n")[2]
    done = subprocess.run(["sh", "-c", chain], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert fake.calls("sbatch") == fake.chained(scripts_in_order("sh"))
    assert fake.results() == ["0"] * 7


# ---------------------------------------------------------------------------- tiles


def test_jobs_of_tiles(fake: Slurm, tiles_file: Path) -> None:
    arguments = (EMAIL, "/data", "daily", "-j", fake.jobs, "-t", tiles_file, "--overwrite-tables")
    succeed(*arguments, "--submit")
    tile = [["tile", t, "--specprod=daily", "--schema=daily"] for t in ("7", "12", "80605")]
    assert fake.calls("specprod-copy") == [
        [*tile[0], "--overwrite", "--role=desi", DSN],
        [*tile[1], "--role=desi", DSN],
        [*tile[2], "--primary", "--role=desi", DSN],
        ["verify", "--specprod=daily", "--schema=daily", DSN],
    ]
    assert names(fake.jobs / "done") == [
        "load_specprod_tile_daily_12.sh",
        "load_specprod_tile_daily_7.sh",
        "load_specprod_tile_daily_80605.sh",
        "verify_specprod_tile_daily.sh",
    ]
    times = [script.read_text().partition("--time=")[2][:8]
             for script in sorted((fake.jobs / "done").glob("load*"))]  # fmt: skip
    assert times == ["00:30:00", "00:30:00", "06:00:00"]


def test_a_single_tile_is_first_and_last(fake: Slurm, tmp_path: Path) -> None:
    tiles = tmp_path / "one.csv"
    tiles.write_text("TILEID,LASTNIGHT,EFFTIME_SPEC\n1000,20210516,5\n")
    arguments = (EMAIL, "/data", "daily", "-j", fake.jobs, "-t", tiles, "-p", "-e", "/e.fits")
    succeed(*arguments, "--overwrite-tables", "--submit")
    files = [f"--tiles-file={tiles}", "--exposures-file=/e.fits"]
    call, verify = fake.calls("specprod-copy")
    assert call[4:] == ["--overwrite", "--primary", *files, "--role=desi", DSN]
    assert verify[3:] == [*files, DSN]


def test_no_tile_to_load(tmp_path: Path) -> None:
    tiles = tmp_path / "tiles.csv"
    tiles.write_text("TILEID,LASTNIGHT,EFFTIME_SPEC\n1000,20201213,5.0\n")
    with pytest.raises(InputError) as error:
        batch.loadable_tiles(tiles)
    assert str(error.value) == f"{tiles}: no tile has LASTNIGHT >= 20201214 and EFFTIME_SPEC > 0"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("12,20210515,n/a", "column EFFTIME_SPEC: not a number (row 1: 'n/a'"),
        ("12,2021-05-15,5.0", "column LASTNIGHT: not a whole number (row 1: '2021-05-15'"),
        ("x,20210515,5.0", "column TILEID: not a whole number (row 1: 'x'"),
    ],
)
def test_a_cell_that_is_no_number(tmp_path: Path, row: str, message: str) -> None:
    """Whether the tile is worth loading cannot be said."""
    tiles = tmp_path / "tiles.csv"
    tiles.write_text(f"TILEID,LASTNIGHT,EFFTIME_SPEC\n11,20210515,5.0\n{row}\n")
    with pytest.raises(InputError) as error:
        batch.loadable_tiles(tiles)
    assert str(error.value) == f"{tiles}, {message}; rows counted from 0)"


def test_a_column_that_is_no_number(tmp_path: Path) -> None:
    tiles = tmp_path / "tiles.fits"
    columns = {"TILEID": [1000], "LASTNIGHT": [20210515], "EFFTIME_SPEC": ["5.0"]}
    Table(columns, meta={"EXTNAME": "TILES"}).write(tiles)
    with pytest.raises(InputError, match="column EFFTIME_SPEC: is String, no number"):
        batch.loadable_tiles(tiles)


@pytest.mark.parametrize("suffix", ["csv", "fits"])
def test_tiles_of_the_reference_production(shared: Path, suffix: str) -> None:
    folder = shared / "reference" / "daily" / "spectro" / "redux" / "daily"
    tiles = batch.loadable_tiles(folder / f"tiles-daily.{suffix}")
    assert tiles == [1000, 1001, 1003, 80605, 82401]
