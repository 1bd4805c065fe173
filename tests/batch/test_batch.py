"""Batch scripts: what they hold, and their way to files."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest
from support.batch_options import (
    EMAIL,
    NASTY,
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
from specprod_copy.batch import slurm
from specprod_copy.batch.script_values import connection_arguments
from specprod_copy.desi.configuration import find_production
from specprod_copy.errors import ConfigurationError, InputError
from specprod_copy.tables import STAGES


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    return start_slurm(tmp_path, monkeypatch)


@pytest.fixture
def tiles_file(tmp_path: Path) -> Path:
    return write_tiles(tmp_path)


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
# They would say something beside the server that is named below.
unset PGHOSTADDR PGSERVICE

srun --ntasks=1 --cpus-per-task="$SLURM_CPUS_ON_NODE" \\
    specprod-copy load exposures --specprod=fuji --schema=edr \\
    --overwrite \\
    --exposures-file=/e.fits \\
    --config=/c.toml \\
    '--dsn=host=h port=5432 dbname=d user=u'
status=$?
if [ "$status" -ne 0 ]; then
    echo "exit code $status; the jobs behind this one do not run. When that is mended,"
    echo "submit the scripts that are left in /jobs again"
else
    mv -f -- /jobs/load_specprod_db_edr_exposures.sh /jobs/done/
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
# They would say something beside the server that is named below.
unsetenv PGHOSTADDR
unsetenv PGSERVICE

srun --ntasks=1 --cpus-per-task="$SLURM_CPUS_ON_NODE" \\
    specprod-copy tile 80605 --specprod=daily --schema=daily \\
    --primary \\
    --tiles-file={tiles_file} \\
    --exposures-file=/e.fits \\
    --dsn\\=host\\=h\\ port\\=5432\\ dbname\\=d\\ user\\=u
set load_status = $status
if ( $load_status != 0 ) then
    echo "exit code $load_status; the jobs behind this one do not run. When that is mended,"
    echo "submit the scripts that are left in /jobs again"
else
    mv -f -- /jobs/load_specprod_tile_daily_80605.csh /jobs/done/
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
        connection=connection_arguments("host=h user=u dbname=d"),
        overwrite_tables=True,
    )
    assert scripts[0].path == Path("/jobs/load_specprod_db_edr_exposures.sh")
    assert scripts[0].text == SH
    # The other stages neither read the exposures file nor replace tables.
    for script in scripts[1:]:
        assert "--overwrite" not in script.text
        assert ("--exposures-file" in script.text) == (script is scripts[-1])
        assert "--config=/c.toml" in script.text


def test_a_csh_script_of_a_tile(tiles_file: Path) -> None:
    scripts = render_all(
        production=find_production("daily"),
        schema="daily",
        shell="csh",
        tiles_file=tiles_file,
        patch_tiles=True,
        exposures_file=Path("/e.fits"),
        connection=connection_arguments("host=h user=u dbname=d"),
    )
    assert [script.path.name for script in scripts] == [
        *(f"load_specprod_tile_daily_{tileid}.csh" for tileid in (7, 12, 80605)),
        "verify_specprod_tile_daily.csh",
    ]
    assert scripts[-2].text == CSH.replace("{tiles_file}", str(tiles_file))


def test_wall_times() -> None:
    times = {job.item: job.time for job in batch.make_jobs(options())}
    assert times == {
        "exposures": "00:10:00",
        "photometry": "04:00:00",
        "targetphot": "12:00:00",
        "target": "12:00:00",
        "redshift": "12:00:00",
        "fiberassign": "12:00:00",
        "verify": "12:00:00",
    }
    chosen = (("", "1:00:00"), ("target", "2-00:00:00"))
    times = {job.item: job.time for job in batch.make_jobs(options(times=chosen))}
    assert times.pop("target") == "2-00:00:00"
    assert {*times.values()} == {"1:00:00"}
    with pytest.raises(ConfigurationError, match="--time must be"):
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
        "roles": ("desi", NASTY),
    }
    scripts = [
        *render_all(on_error="quarantine", skip_missing=True, light_curves=True, **everything),
        *render_all(schema="arrays", array=1000, **everything),
        *render_all(schema="other", job_dir=tmp_path, shell=shell),
        *render_all(schema="tiles", tiles_file=tiles_file, patch_tiles=True, **everything),
        *render_all(
            schema="nasty",
            array=2,
            **(
                everything
                | {"root": Path(f"/{NASTY}"), "connection": (NASTY,), "on_error": "quarantine"}
            ),
        ),
    ]
    slurm.write_scripts(scripts)
    for script in {script.path: script for script in scripts}.values():
        checker = [tool("bash" if shell == "sh" else "tcsh"), "-n", script.path]
        done = subprocess.run(checker, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    if shell == "sh":
        # A "$" in single quotes, as NASTY has it, is news for shellcheck.
        checker = [tool("shellcheck"), *(s.path for s in scripts if "$HOME" not in s.text)]
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
    assert output.splitlines()[:2] == [
        "Warning: no production fuji is to be seen in /data from here; the jobs fail if they see "
        "none either",
        f"7 scripts are in {fake.jobs}",
    ]
    scripts = [f"load_specprod_db_edr_{stage}.sh" for stage in STAGES]
    assert sorted(path.name for path in fake.jobs.iterdir()) == sorted(
        ["done", *scripts, "verify_specprod_db_edr.sh"]
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
    assert len(names(fake.jobs)) == 7


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


def test_relative_paths_and_the_home_folder(fake: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(fake.state)
    succeed(EMAIL, "data", "fuji", "-e", "e.fits")
    script = Path.home() / "Documents" / "Jobs" / "load_specprod_db_fuji_exposures.sh"
    assert f"export DESI_ROOT={fake.state}/data\n" in script.read_text()
    assert f"--exposures-file={fake.state}/e.fits" in script.read_text()
