"""Batch scripts as files, and as a chain of Slurm jobs."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from specprod_copy.atomic_files import check_replaceable, output_errors, write_output
from specprod_copy.errors import ConfigurationError, InputError

DONE: Final = "done"
"""Folder, beside the scripts, for those that have succeeded."""

_MODE: Final = 0o750
_JOB_ID: Final = re.compile(r"([0-9]+)(?:;\S+)?")  # a cluster's name may follow


@dataclass(frozen=True)
class Script:
    """A script and where it belongs."""

    path: Path  # its file, to be written
    text: str  # what is to stand there


def check_scripts(scripts: Sequence[Script]) -> None:
    """Check that no script that is there already has another text.

    Raises
    ------
    InputError
        If there are any; names them.
    """
    different = []
    for script in scripts:
        check_replaceable(script.path)
        with output_errors(script.path):
            if script.path.exists() and script.path.read_bytes() != script.text.encode():
                different.append(script.path.name)
    if different:
        raise InputError(
            f"has other scripts of the same names already: {', '.join(different)}; --overwrite "
            "replaces them",
            path=scripts[0].path.parent,
        )


def write_scripts(scripts: Sequence[Script], *, overwrite: bool = False) -> None:
    """Write scripts, and make their folder and its folder `DONE`.

    A script is there with all of its text or not at all.

    Parameters
    ----------
    scripts : sequence of Script
        All for the same folder.
    overwrite : bool
        Replace scripts of another text.

    Raises
    ------
    InputError
        If there are such scripts, and then none is written, or a file cannot be written.
    """
    if not overwrite:
        check_scripts(scripts)
    for folder in {script.path.parent / DONE for script in scripts}:
        with output_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
    for script in scripts:
        write_output(script.path, script.text.encode(), mode=_MODE)


def sbatch_command(script: Path, after: str | None) -> list[str]:
    """Return the command line that submits a script, to run after the success of a job or array.

    If that fails, Slurm takes this job off the queue.
    """
    wait = [f"--dependency=afterok:{after}", "--kill-on-invalid-dep=yes"] if after else []
    return ["sbatch", "--parsable", *wait, str(script)]


def chain(scripts: Sequence[Script]) -> str:
    """Return the lines of sh that submit scripts as `submit` does."""
    lines: list[str] = []
    for script in scripts:
        quoted = Path(shlex.quote(str(script.path)))
        command = sbatch_command(quoted, "${id%%;*}" if lines else None)
        lines.append(f"id=$({' '.join(command)})")
    return " &&\n".join(lines) + "\n"


def submit(scripts: Sequence[Script]) -> Iterator[tuple[Script, str]]:
    """Submit scripts so that each job waits for the success of the one before.

    Parameters
    ----------
    scripts : sequence of Script
        Written, in the order in which they have to run.

    Yields
    ------
    tuple of Script and str
        Each script with the id of its job, as soon as it is submitted.

    Raises
    ------
    ConfigurationError
        If sbatch is not there, fails, or does not tell the id; says which jobs are submitted.
    """
    submitted: list[str] = []
    for script in scripts:
        last = submitted[-1] if submitted else None
        try:
            done = subprocess.run(
                sbatch_command(script.path, last), capture_output=True, text=True, check=False
            )
        except OSError as error:
            raise _not_submitted(script, f"sbatch: {error.strerror}", submitted) from error
        if done.returncode:
            said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
            raise _not_submitted(script, f"sbatch says: {said}", submitted)
        found = _JOB_ID.fullmatch(done.stdout.strip())
        if found is None:
            said = f"sbatch gave no job id but {done.stdout.strip()!r}; look for it with squeue"
            raise _not_submitted(script, said, submitted)
        submitted.append(found[1])
        yield script, found[1]


def _not_submitted(script: Script, reason: str, submitted: Sequence[str]) -> ConfigurationError:
    before = (
        f"Jobs submitted before it, which will run: {' '.join(submitted)} (scancel removes them)"
        if submitted
        else "No job was submitted before it"
    )
    return ConfigurationError(f"cannot submit {script.path}: {reason}. {before}")
