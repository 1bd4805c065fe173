"""Run the contenders as processes of their own, metered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import specprod_copy

METER = Path(__file__).with_name("meter.py")
SCRIPTS = METER.parents[1]


class FailedError(Exception):
    """A contender failed; says what it printed."""


@dataclass(frozen=True)
class Usage:
    """What a command took.

    Parameters
    ----------
    started : float
        When it was started, on the clock of `time.monotonic`.
    seconds : float
        From its start to its end [s].
    cpu : float
        User and system time of all its processes [s].
    largest_mb : float
        Peak resident memory of its largest process [MB].
    together_mb : float
        Sum of the peaks of its processes [MB]; pages that they share count several times.
    output : str
        Its standard output.
    """

    started: float
    seconds: float
    cpu: float
    largest_mb: float
    together_mb: float
    output: str


def loader_command(*arguments: str) -> list[str]:
    """Return a command line of specprod-copy, as a user would have it."""
    script = Path(sys.executable).with_name("specprod-copy")
    if not script.exists():
        raise FailedError(f"{script} does not exist; install the project here: pip install -e .")
    return [str(script), *arguments]


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Usage:
    """Run a command and return what it took.

    Parameters
    ----------
    command : sequence of str
        Absolute path of the program, and arguments.
    environment : mapping of str to str, optional
        Variables beside our own.

    Raises
    ------
    FailedError
        If it ends with another exit code than 0.
    """
    # The package and the contenders are those of this process, wherever it has them from.
    ours = [str(Path(specprod_copy.__file__).parents[1]), str(SCRIPTS)]
    path = os.pathsep.join([*ours, *filter(None, [os.environ.get("PYTHONPATH")])])
    with tempfile.NamedTemporaryFile("r", suffix=".json") as report:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(METER), report.name, *command],
            env={**os.environ, "PYTHONPATH": path, **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise FailedError(
                f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        figures = json.load(report)
    return Usage(
        started=figures["started"],
        seconds=figures["seconds"],
        cpu=figures["cpu"],
        largest_mb=figures["largest_kb"] / 1e3,
        together_mb=max(sum(figures["peaks_kb"]), figures["largest_kb"]) / 1e3,
        output=done.stdout,
    )
