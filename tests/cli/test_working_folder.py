"""What is said in a working folder that was removed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def test_folder_that_the_system_refuses(tmp_path: Path) -> None:
    """As a folder that may not be read, which root cannot have."""
    root = tmp_path / ("x" * 300)
    command = [
        sys.executable,
        "-m",
        "specprod_copy",
        "load",
        "tile",
        "-n",
        "-p",
        "fuji",
        "-r",
        root,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {root}")
    assert done.stderr.endswith(": File name too long\n")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["status", "--specprod", "fuji"],
        ["batch", "me@example.org", "root", "fuji", "-H", "host"],
        ["render-ddl", "-s", "x", "-o", "x.sql"],
    ],
    ids=lambda command: command[0],
)
def test_removed_working_folder(tmp_path: Path, command: list[str]) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = "import os; os.rmdir(os.getcwd()); from specprod_copy.cli import main; main()"
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", program, *command],
        cwd=gone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: the working folder was removed; change to another one\n"
