"""The wheel, installed where there is no checkout: it carries its SQL, templates and data."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.clusters import open_folder

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Return the wheel, built from the sdist as ``python -m build`` does."""
    out = tmp_path_factory.mktemp("dist")
    # The environment that runs the tests has the build backend's requirements or pip gets them.
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(out), str(CHECKOUT)],
        check=True,
        capture_output=True,
    )
    return next(out.glob("*.whl"))


def test_contents(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("ddl", "templates"):
        wanted = {
            f"specprod_copy/_resources/{path.relative_to(CHECKOUT)}"
            for path in (CHECKOUT / folder).rglob("*")
            if path.is_file()
        }
        assert wanted
        assert wanted <= names
    assert not [name for name in names if name.startswith(("tests/", "scripts/"))]


def test_runs_without_the_checkout(wheel):
    """Demo and load, from an environment that has only the wheel and what it requires."""
    with open_folder() as folder:
        target = folder / "site"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
        subprocess.run([*pip, str(target), str(wheel)], check=True, capture_output=True)
        # The third-party packages are those of this environment; the package itself is not.
        code = (
            "import sys; sys.path[:] = [p for p in sys.path if p != sys.argv[1]];"
            "sys.meta_path = [f for f in sys.meta_path if 'editable' not in repr(f).lower()];"
            "sys.path.insert(0, sys.argv[2]); del sys.argv[1:3];"
            "import specprod_copy.cli; print(specprod_copy.__file__); specprod_copy.cli.main()"
        )

        def run(*arguments: str) -> str:
            done = subprocess.run(
                [sys.executable, "-c", code, str(CHECKOUT), str(target), *arguments],
                cwd=folder,
                env={k: v for k, v in os.environ.items() if not k.startswith("PG")},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            assert done.stdout.startswith(str(target))
            return done.stderr + done.stdout

        try:
            run("demo", "data", "--tiles", "2", "--targets", "30")
            printed = run("load", "all", "--specprod", "fuji", "--root", "data")
            assert "schema fuji: " in printed
        finally:
            run("server", "stop")
