"""Batch scripts, run for real by a stand-in for Slurm."""

from __future__ import annotations

import importlib.util
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from batch_options import EMAIL, NASTY, options, render_all, tool
from click.testing import CliRunner, Result
from fake_slurm import Slurm

from specprod_copy.batch import jobs as batch
from specprod_copy.batch import slurm
from specprod_copy.batch.script_values import connection_arguments
from specprod_copy.cli.batch import batch as command
from specprod_copy.configuration import find_production
from specprod_copy.errors import ConfigurationError, InputError, SpecprodCopyError
from specprod_copy.load import LoadOptions, load
from specprod_copy.production import ProductionFiles
from specprod_copy.tables import STAGES, Inputs


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    made = Slurm(tmp_path)
    monkeypatch.setenv("PATH", f"{made.programs}:{os.environ['PATH']}")
    monkeypatch.setenv("STATE", str(made.state))
    monkeypatch.setenv("HOME", str(tmp_path))  # tcsh reads its .cshrc
    for name in os.environ:
        if name.startswith(("PG", "DESI", "SPECPROD")):
            monkeypatch.delenv(name)
    return made


def run(*arguments: object, server: tuple[str, ...] = ("--hostname", "db.example.org")) -> Result:
    return CliRunner().invoke(command, [str(a) for a in (*arguments, *server)])


def succeed(*arguments: object, **settings: tuple[str, ...]) -> str:
    done = run(*arguments, **settings)
    if done.exception:
        raise done.exception
    return done.output


def refusal(*arguments: object, **settings: tuple[str, ...]) -> str:
    done = run(*arguments, **settings)
    assert isinstance(done.exception, SpecprodCopyError), done.output
    return str(done.exception)


def names(folder: Path, pattern: str = "*load*") -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


def chained(fake: Slurm, scripts: list[str]) -> list[list[str]]:
    """Return what sbatch is to be called with."""
    waits = [[f"--dependency=afterok:{101 + n}", "--kill-on-invalid-dep=yes"] for n in range(5)]
    return [
        ["--parsable", *wait, str(fake.jobs / script)]
        for wait, script in zip([[], *waits], scripts, strict=True)
    ]


@pytest.fixture
def tiles_file(tmp_path: Path) -> Path:
    """Return a tiles file with the tiles 7, 12 and 80605 to be loaded."""
    path = tmp_path / "tiles.csv"
    path.write_text(
        "TILEID,SURVEY,LASTNIGHT,EFFTIME_SPEC\n"
        "80605,sv1,20201214,1140.0\n"
        "80602,sv1,20201213,520.0\n"
        "12,main,20210515,14.7\n"
        "13,main,20210515,0.0\n"
        "14,main,20210515,nan\n"
        "15,main,20210515,-1.0\n"
        "7,sv3,20210516,0.1\n"
    )
    return path


# ---------------------------------------------------------------------------- what scripts hold

SH = """\
#!/bin/bash
#SBATCH --job-name=load_specprod_db_edr_exposures
#SBATCH --account=desi
#SBATCH --qos=debug
#SBATCH --constraint=cpu
#SBATCH --licenses=SCRATCH,cfs
#SBATCH --nodes=1
#SBATCH --time=00:10:00
#SBATCH --output=/jobs/%x-%j.log
#SBATCH --mail-type=end,fail
#SBATCH --mail-user=me@example.org

module swap specprod-copy/1.2 || exit
export DESI_ROOT='/my data'
export SPECPROD=fuji

srun --ntasks=1 --cpus-per-task="$SLURM_CPUS_ON_NODE" \\
    specprod-copy load exposures --specprod=fuji --schema=edr \\
    --overwrite \\
    --exposures-file=/e.fits \\
    --config=/c.toml \\
    '--dsn=host=h user=u'
status=$?
if [ "$status" -eq 0 ]; then
    mv -f -- /jobs/load_specprod_db_edr_exposures.sh /jobs/done/load_specprod_db_edr_exposures.sh
fi
exit "$status"
"""

CSH = """\
#!/bin/tcsh
#SBATCH --job-name=load_specprod_tile_daily_80605
#SBATCH --account=desi
#SBATCH --qos=regular
#SBATCH --constraint=cpu
#SBATCH --licenses=SCRATCH,cfs
#SBATCH --nodes=1
#SBATCH --time=06:00:00
#SBATCH --output=/jobs/%x-%j.log
#SBATCH --mail-type=end,fail
#SBATCH --mail-user=me@example.org

setenv DESI_ROOT /data
setenv SPECPROD daily

srun --ntasks=1 --cpus-per-task="$SLURM_CPUS_ON_NODE" \\
    specprod-copy tile 80605 --specprod=daily --schema=daily \\
    --primary \\
    --tiles-file={tiles_file} \\
    --exposures-file=/e.fits \\
    --dsn\\=host\\=h\\ user\\=u
set load_status = $status
if ( $load_status == 0 ) then
    mv -f -- /jobs/load_specprod_tile_daily_80605.csh /jobs/done/load_specprod_tile_daily_80605.csh
endif
exit $load_status
"""


def test_a_script_of_a_stage() -> None:
    scripts = render_all(
        root=Path("/my data"),
        schema="edr",
        qos="debug",
        version="1.2",
        config=Path("/c.toml"),
        exposures_file=Path("/e.fits"),
        connection=connection_arguments("host=h user=u"),
        overwrite_tables=True,
    )
    assert scripts[0].path == Path("/jobs/load_specprod_db_edr_exposures.sh")
    assert scripts[0].text == SH
    # The other stages neither read the exposures file nor replace tables.
    for script in scripts[1:]:
        assert "--overwrite" not in script.text
        assert "--exposures-file" not in script.text
        assert "--config=/c.toml" in script.text


def test_a_csh_script_of_a_tile(tiles_file: Path) -> None:
    scripts = render_all(
        production=find_production("daily"),
        schema="daily",
        shell="csh",
        tiles_file=tiles_file,
        patch_tiles=True,
        exposures_file=Path("/e.fits"),
        connection=connection_arguments("host=h user=u"),
    )
    assert [script.path.name for script in scripts] == [
        f"load_specprod_tile_daily_{tileid}.csh" for tileid in (7, 12, 80605)
    ]
    assert scripts[-1].text == CSH.replace("{tiles_file}", str(tiles_file))


def test_wall_times() -> None:
    assert list(batch.STAGE_TIMES) == list(STAGES)
    times = {job.item: job.time for job in batch.make_jobs(options())}
    assert times == {
        "exposures": "00:10:00",
        "photometry": "04:00:00",
        "targetphot": "12:00:00",
        "target": "12:00:00",
        "redshift": "12:00:00",
        "fiberassign": "12:00:00",
    }
    with pytest.raises(ConfigurationError, match="wall time must be"):
        batch.Job("a", "1h", "stage.j2", "exposures", first=True, last=True)


@pytest.mark.parametrize("shell", ["sh", "csh"])
def test_the_shells_own_checks_find_nothing(shell: str, tmp_path: Path, tiles_file: Path) -> None:
    everything = {
        "shell": shell,
        "job_dir": tmp_path,
        "version": "1.2",
        "config": Path("/a b/c.toml"),
        "exposures_file": Path("/a b/e.fits"),
        "overwrite_tables": True,
    }
    scripts = [
        *render_all(**everything),
        *render_all(schema="other", job_dir=tmp_path, shell=shell),
        *render_all(schema="tiles", tiles_file=tiles_file, patch_tiles=True, **everything),
        *render_all(
            schema="nasty", **(everything | {"root": Path(f"/{NASTY}"), "connection": (NASTY,)})
        ),
    ]
    slurm.write_scripts(scripts)
    for script in scripts:
        checker = [tool("bash" if shell == "sh" else "tcsh"), "-n", script.path]
        done = subprocess.run(checker, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    if shell == "sh":
        # A "$" in single quotes, as NASTY has it, is news for shellcheck.
        checker = [tool("shellcheck"), *(s.path for s in scripts if "nasty" not in s.path.name)]
        done = subprocess.run(checker, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "")


# ---------------------------------------------------------------------------- files


def test_the_server_is_named_and_without_a_password(fake: Slurm) -> None:
    arguments = (EMAIL, "/data", "fuji", "-j", fake.jobs)
    message = refusal(*arguments, server=("--dsn", "host=h password=secret"))
    assert message.startswith("--dsn holds a password")
    done = run(*arguments, server=())
    assert done.exit_code == 2
    assert "name the server, by --dsn, --hostname, --username and --dbname or by" in done.output
    assert not fake.jobs.exists()


def test_scripts_are_written(fake: Slurm) -> None:
    output = succeed(EMAIL, "/data", "fuji", "-j", fake.jobs, "-s", "edr")
    assert output.startswith(f"6 scripts are in {fake.jobs}\n")
    assert sorted(path.name for path in fake.jobs.iterdir()) == sorted(
        ["done", *(f"load_specprod_db_edr_{stage}.sh" for stage in STAGES)]
    )
    for path in fake.jobs.glob("*.sh"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o750
    assert names(fake.jobs / "done") == []
    assert fake.calls("sbatch") == []


def test_other_scripts_are_overwritten_only_on_demand(fake: Slurm) -> None:
    arguments = (EMAIL, "/data", "fuji", "-j", fake.jobs)
    succeed(*arguments)
    succeed(*arguments)  # the same once more
    mine = fake.jobs / "load_specprod_db_fuji_target.sh"
    theirs = fake.jobs / "load_specprod_db_fuji_redshift.sh"
    mine.write_text("mine")
    theirs.write_bytes(b"\xff")
    first = fake.jobs / "load_specprod_db_fuji_exposures.sh"
    first.unlink()
    message = (
        f"{fake.jobs}: has other scripts of the same names already: {mine.name}, {theirs.name}; "
        "--overwrite replaces them"
    )
    assert refusal(*arguments) == message
    assert refusal(*arguments, "--dry-run") == message
    assert mine.read_text() == "mine"
    assert not first.exists()
    succeed(*arguments, "--overwrite")
    assert mine.read_text().startswith("#!/bin/bash\n")
    assert len(names(fake.jobs)) == 6


def test_what_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "jobs").write_text("a file")
    script = slurm.Script(tmp_path / "jobs" / "a.sh", "true\n")
    with pytest.raises(InputError, match=r"jobs/done: cannot be written: Not a directory"):
        slurm.write_scripts([script])
    (tmp_path / "b.sh").mkdir()
    blocked = slurm.Script(tmp_path / "b.sh", "true\n")
    with pytest.raises(InputError, match=r"b\.sh: cannot be written: Is a directory"):
        slurm.write_scripts([blocked], overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.sh", "done", "jobs"]


# ---------------------------------------------------------------------------- jobs


@pytest.mark.parametrize(("flags", "program"), [((), "bash"), (("--csh",), "tcsh")])
def test_jobs_run_one_after_the_other(fake: Slurm, flags: tuple[str, ...], program: str) -> None:
    tool(program)
    root = f"/{NASTY}"
    output = succeed(
        *(EMAIL, root, "fuji", "-j", fake.jobs, "-v", "1.2", "--submit", *flags),
        server=("--hostname", NASTY, "--username", "a'b"),
    )
    suffix = "csh" if flags else "sh"
    scripts = [f"load_specprod_db_fuji_{stage}.{suffix}" for stage in STAGES]
    assert output.splitlines()[1:] == [f"job {101 + n}: {s}" for n, s in enumerate(scripts)]
    assert fake.calls("sbatch") == chained(fake, scripts)
    assert fake.results() == ["0"] * 6
    assert fake.calls("module") == [["swap", "specprod-copy/1.2"]] * 6
    given = ["--specprod=fuji", "--schema=fuji", f"--hostname={NASTY}", "--username=a'b"]
    loads = [["load", stage, *given] for stage in STAGES]
    assert fake.calls("specprod-copy") == loads
    assert fake.environments("specprod-copy") == [[root, "fuji"]] * 6
    assert fake.calls("srun") == [
        ["--ntasks=1", "--cpus-per-task=256", "specprod-copy", *load] for load in loads
    ]
    assert names(fake.jobs / "done") == sorted(scripts)
    assert names(fake.jobs) == [f"load_specprod_db_fuji_{s}-{101 + STAGES.index(s)}.log"
                                for s in sorted(STAGES)]  # fmt: skip


@pytest.mark.parametrize(("flags", "program"), [((), "bash"), (("--csh",), "tcsh")])
def test_a_failed_job_stops_the_others_and_can_be_run_again(
    fake: Slurm, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], program: str
) -> None:
    tool(program)
    monkeypatch.setenv("FAIL", "targetphot")
    arguments = (EMAIL, "/data", "fuji", "-j", fake.jobs, "--submit", *flags)
    succeed(*arguments)
    assert fake.results() == ["0", "0", "3", "never ran", "never ran", "never ran"]
    assert "the disk is full" in fake.log("*targetphot-103.log")
    suffix = "csh" if flags else "sh"
    done = [f"load_specprod_db_fuji_{stage}.{suffix}" for stage in ("exposures", "photometry")]
    assert names(fake.jobs / "done") == done
    assert len(names(fake.jobs, f"*.{suffix}")) == 4
    monkeypatch.delenv("FAIL")
    succeed(*arguments)
    assert fake.results()[6:] == ["0"] * 6
    assert len(names(fake.jobs / "done")) == 6
    assert names(fake.jobs, f"*.{suffix}") == []


@pytest.mark.parametrize(("flags", "program"), [((), "bash"), (("--csh",), "tcsh")])
def test_without_its_module_a_job_fails(
    fake: Slurm, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], program: str
) -> None:
    tool(program)
    monkeypatch.setenv("MODULE_STATUS", "5")
    succeed(EMAIL, "/data", "fuji", "-j", fake.jobs, "-v", "9", "--submit", *flags)
    assert fake.results() == ["5", *["never ran"] * 5]
    assert fake.calls("specprod-copy") == []


def test_a_clusters_name_in_the_answer(fake: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYS", "{};perlmutter")
    output = succeed(EMAIL, "/data", "fuji", "-j", fake.jobs, "--submit")
    assert "job 106: load_specprod_db_fuji_fiberassign.sh" in output
    assert fake.calls("sbatch")[5][1] == "--dependency=afterok:105"
    assert fake.results() == ["0"] * 6


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
    assert len(names(fake.jobs, "*.sh")) == 3


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
    assert len(names(fake.jobs, "*.sh")) == 6


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
    scripts = [f"load_specprod_db_fuji_{stage}.sh" for stage in STAGES]
    assert fake.calls("sbatch") == chained(fake, scripts)
    assert fake.results() == ["0"] * 6


def test_relative_paths_and_the_home_folder(fake: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(fake.state)
    succeed(EMAIL, "data", "fuji", "-e", "e.fits")
    script = Path.home() / "Documents" / "Jobs" / "load_specprod_db_fuji_exposures.sh"
    assert f"export DESI_ROOT={fake.state}/data\n" in script.read_text()
    assert f"--exposures-file={fake.state}/e.fits" in script.read_text()


# ---------------------------------------------------------------------------- tiles


def test_jobs_of_tiles(fake: Slurm, tiles_file: Path) -> None:
    arguments = (EMAIL, "/data", "daily", "-j", fake.jobs, "-t", tiles_file, "--overwrite-tables")
    succeed(*arguments, "--submit")
    tile = [["tile", t, "--specprod=daily", "--schema=daily"] for t in ("7", "12", "80605")]
    server = ["--hostname=db.example.org"]
    assert fake.calls("specprod-copy") == [
        [*tile[0], "--overwrite", *server],
        [*tile[1], *server],
        [*tile[2], "--primary", *server],
    ]
    assert names(fake.jobs / "done") == [
        "load_specprod_tile_daily_12.sh",
        "load_specprod_tile_daily_7.sh",
        "load_specprod_tile_daily_80605.sh",
    ]
    times = [script.read_text().partition("--time=")[2][:8]
             for script in sorted((fake.jobs / "done").iterdir())]  # fmt: skip
    assert times == ["00:30:00", "00:30:00", "06:00:00"]


def test_a_single_tile_is_first_and_last(fake: Slurm, tmp_path: Path) -> None:
    tiles = tmp_path / "one.csv"
    tiles.write_text("TILEID,LASTNIGHT,EFFTIME_SPEC\n1000,20210516,5\n")
    arguments = (EMAIL, "/data", "daily", "-j", fake.jobs, "-t", tiles, "-p", "-e", "/e.fits")
    succeed(*arguments, "--overwrite-tables", "--submit")
    files = [f"--tiles-file={tiles}", "--exposures-file=/e.fits"]
    (call,) = fake.calls("specprod-copy")
    assert call[4:] == ["--overwrite", "--primary", *files, "--hostname=db.example.org"]


def test_no_tile_to_load(tmp_path: Path) -> None:
    tiles = tmp_path / "tiles.csv"
    tiles.write_text("TILEID,LASTNIGHT,EFFTIME_SPEC\n1000,20201213,5.0\n")
    with pytest.raises(InputError) as error:
        batch.loadable_tiles(tiles)
    assert str(error.value) == f"{tiles}: no tile has LASTNIGHT >= 20201214 and EFFTIME_SPEC > 0"


@pytest.mark.parametrize("suffix", ["csv", "fits"])
def test_tiles_of_the_reference_production(shared: Path, suffix: str) -> None:
    folder = shared / "reference" / "daily" / "spectro" / "redux" / "daily"
    tiles = batch.loadable_tiles(folder / f"tiles-daily.{suffix}")
    assert tiles == [1000, 1001, 1003, 80605, 82401]


# ---------------------------------------------------------------------------- the real loader


def rows(conninfo: str, schema: str) -> dict[str, int]:
    with psycopg.connect(conninfo) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,)
        ).fetchall()
        count = "SELECT count(*) FROM {}.{}"
        return {
            name: connection.execute(count.format(schema, name)).fetchone()[0]  # type: ignore
            for (name,) in tables
        }


def objects(conninfo: str, schema: str) -> set[tuple[str, str]]:
    """Return (table, name) of all indexes and foreign keys."""
    query = """
        SELECT tablename, indexname FROM pg_indexes WHERE schemaname = %(schema)s
        UNION SELECT table_name, constraint_name FROM information_schema.table_constraints
        WHERE table_schema = %(schema)s AND constraint_type <> 'CHECK'"""
    with psycopg.connect(conninfo) as connection:
        return set(connection.execute(query, {"schema": schema}).fetchall())


@pytest.mark.skipif(
    importlib.util.find_spec("specprod_copy.demo") is None, reason="there is no demo production"
)
def test_jobs_load_a_production_go_on_and_do_not_destroy(fake: Slurm, database: str) -> None:
    from specprod_copy.demo import write_production

    root = fake.jobs.parent / "data"
    write_production(root, "fuji", tiles=3, targets=40)
    inputs = Inputs(ProductionFiles(find_production("fuji"), root))
    load(database, inputs, LoadOptions(stages=("all",), schema="direct"))
    fake.install("specprod-copy", f'#!/bin/sh\nexec {sys.executable} -m specprod_copy "$@"\n')
    arguments = (EMAIL, root, "fuji", "-j", fake.jobs, "--submit", "--dsn", database)

    tiles = (root / "target" / "fiberassign").rename(root / "elsewhere")
    succeed(*arguments, server=())
    assert fake.results() == [*["0"] * 5, "1"]
    assert "fiberassign/tiles" in fake.log("*_fiberassign-106.log")
    assert rows(database, "fuji").keys().isdisjoint({"fiberassign", "potential"})

    tiles.rename(root / "target" / "fiberassign")
    (left,) = fake.jobs.glob("*.sh")
    subprocess.run([fake.programs / "sbatch", left], check=True, capture_output=True)
    assert fake.results()[6:] == ["0"]
    loaded = rows(database, "fuji")
    assert loaded == rows(database, "direct")
    assert loaded["tile"] == 3
    assert min(loaded.values()) > 0
    assert objects(database, "fuji") == objects(database, "direct")

    succeed(*arguments, "--overwrite-tables", server=())
    assert fake.results()[7:] == ["1", *["never ran"] * 5]
    assert "cannot replace tables of schema fuji" in fake.log("*_exposures-108.log")
    assert rows(database, "fuji") == loaded
