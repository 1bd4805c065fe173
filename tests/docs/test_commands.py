"""Every command that the documentation shows is run, on the demo production."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from support.clusters import open_folder
from support.real_slurm import running_slurm, why_not
from support.shell_blocks import NOT_RUN, Shell

from specprod_copy.server.cluster import Cluster

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "scripts/README.md",
    *(
        page
        for page in sorted((ROOT / "docs").rglob("*.md"))
        if page.relative_to(ROOT / "docs").parts[0] not in ("_build", "jupyter_execute")
    ),
]
OF_BATCH = ROOT / "docs/howto/nersc.md"
PROGRAMS = ("specprod-copy", "psql", "pg_dump", "pg_restore", "createdb", "make", "python", "pip")
SHOWN = re.compile(rf"^ *(?:\$ )?(?:{'|'.join(PROGRAMS)}) [-\w.]", re.M)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Return a folder as the tutorial leaves it: a demo production, loaded."""
    with open_folder() as folder:
        (folder / "scripts").symlink_to(ROOT / "scripts")
        run = [sys.executable, "-m", "specprod_copy"]
        free = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        try:
            for command in (
                ["demo", "demo"],
                [
                    "demo",
                    "iron",
                    "--specprod",
                    "iron",
                    "--tiles",
                    "4",
                    "--targets",
                    "60",
                    "--catalogues",
                ],
                ["demo", "daily", "--specprod", "daily", "--tiles", "4", "--targets", "60"],
                ["demo", "daily", "--specprod", "jura", "--tiles", "4", "--targets", "60"],
                ["load", "all", "--specprod", "fuji", "--root", "demo"],
            ):
                subprocess.run([*run, *command], cwd=folder, env=free, check=True)
            # The production that is trusted lacks nothing, unlike the demo's.
            tiles = folder / "daily/spectro/redux/jura/tiles-jura.csv"
            tiles.write_text(tiles.read_text().replace(",nan,", ",1.0,"))
            yield folder
        finally:
            Cluster(folder / "specprod.pgdata").stop("immediate")


@pytest.fixture
def places(home: Path) -> dict[str, str]:
    """Return what paths in the pages stand for here."""
    return {
        "/path/of/edr": str(home / "demo"),
        "/path/of/dr1": str(home / "iron"),
        "/global/cfs/cdirs/desi/public/edr": str(home / "demo"),
        "/global/cfs/cdirs/desi/public/dr1": str(home / "iron"),
        "/global/cfs/cdirs/desi": str(home / "daily"),
    }


@pytest.fixture
def shell(home: Path, places: dict[str, str]) -> Iterator[Shell]:
    """Return a shell in that folder, from which goes what a page makes beside the tables."""
    before = {*home.iterdir()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    environment = kept | {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    yield Shell(home, environment, places)
    for path in {*home.iterdir()} - before:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page != OF_BATCH],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_commands_of(page: Path, shell: Shell) -> None:
    shell.run(page)


@pytest.fixture
def nersc(
    home: Path, places: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, str]]:
    """Give the server its name and database there, and the machine a Slurm."""
    cluster = Cluster(home / "specprod.pgdata")
    with psycopg.connect(cluster.conninfo(), autocommit=True) as connection:
        connection.execute("CREATE ROLE desi_admin LOGIN")
        connection.execute("CREATE DATABASE desi OWNER desi_admin")
    with psycopg.connect(cluster.conninfo("desi"), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS q3c")
    places["specprod-db.desi.lbl.gov"] = str(cluster.postmaster().socket_dir)
    places["sleep 60"] = "sleep 0.2"
    with running_slurm() as slurm:
        for name, value in slurm.environment.items():
            monkeypatch.setenv(name, value)
        yield places


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
def test_commands_of_batch_jobs(nersc: dict[str, str], shell: Shell) -> None:
    """On Slurm itself."""
    assert shell.run(OF_BATCH) == 5


def test_what_is_wrong_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    shell = Shell(tmp_path, dict(os.environ), {"/there": "here"})
    good = """
```bash
cd / && export X=5
```
```bash
echo $X $PWD; echo /there
```
```text
5 /
h…e
```
<!-- skip: next "no reason" -->
```bash
exit 1
```
"""
    page.write_text(good)
    assert shell.run(page) == 2
    for wrong, message in (("```bash\nfalse\n:\n```", "line 17: false"), ("h…e", "5 /\nhere\n")):
        page.write_text(f"{good}\n{wrong}" if "bash" in wrong else good.replace(wrong, "h…f"))
        with pytest.raises(AssertionError, match=re.escape(message)):
            Shell(tmp_path, dict(os.environ), {"/there": "here"}).run(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_stand_where_they_are_run(page: Path) -> None:
    """In a block of bash; what stands elsewhere nobody tries."""
    rest = re.sub(r"^( *)```bash\n.*?^\1```$", "", page.read_text(), flags=re.M | re.S)
    blocks = re.findall(r"^ *```\w*\n.*?^ *```$|^(?: {4}[^\n]*\n)+", rest, re.M | re.S)
    assert [block for block in blocks if SHOWN.search(block)] == []


@pytest.mark.parametrize(
    ("page", "number"),
    [
        pytest.param(page, number, id=f"{page.relative_to(ROOT)}-{number}")
        for page in PAGES
        for number in range(len(NOT_RUN.findall(page.read_text())))
    ],
)
def test_commands_that_cannot_run_here(page: Path, number: int) -> None:
    """Print what nobody tries, and why."""
    pytest.skip(f"{page.relative_to(ROOT)}: {NOT_RUN.findall(page.read_text())[number]}")
