"""A stand-in for Slurm that runs jobs at once and records what it is asked."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

# What answers to sbatch, srun, module and specprod-copy: it records each call. sbatch runs the job
# at once, unless a job that it depends on has failed; the tasks of an array it runs side by side.
STAND_IN = """#!{python} -SEI
import json, os, sys

name, arguments, state = os.path.basename(sys.argv[0]), sys.argv[1:], os.environ["STATE"]
environment = [os.environ.get(name) for name in ("DESI_ROOT", "SPECPROD")]
with open(f"{{state}}/{{name}}.jsonl", "a") as file:
    print(json.dumps([arguments, environment]), file=file)

def run_job(number, options, script):
    import re, shutil
    from concurrent.futures import ThreadPoolExecutor

    needed = [o.partition("afterok:")[2] for o in options if o.startswith("--dependency=")]
    if any(open(f"{{state}}/{{job}}").read() != "0" for job in needed):
        return "never ran"
    spooled = f"{{state}}/script-{{number}}"
    shutil.copy(script, spooled)
    directives = dict(re.findall("#SBATCH --([a-z-]+)=(.*)", open(spooled).read()))
    log = directives["output"].replace("%x", directives["job-name"])
    if "array" not in directives:
        return run_script(spooled, log.replace("%j", number), {{"SLURM_JOB_ID": number}})

    def run_task(task):
        ids = {{"SLURM_ARRAY_JOB_ID": number, "SLURM_ARRAY_TASK_ID": task}}
        code = run_script(spooled, log.replace("%A", number).replace("%a", task), ids)
        with open(f"{{state}}/{{number}}_{{task}}", "w") as file:
            file.write(code)
        return code

    first, last = map(int, directives["array"].split("-"))
    with ThreadPoolExecutor() as pool:
        codes = pool.map(run_task, map(str, range(last, first - 1, -1)))
    return max(codes, key=int)

def run_script(script, log, ids):
    import subprocess

    environment = os.environ | ids | {{"SLURM_CPUS_ON_NODE": "256"}}
    with open(log, "w") as file:
        done = subprocess.run([script], stdout=file, stderr=file, env=environment)
    return str(done.returncode)

if name == "sbatch":
    *options, script = arguments
    if os.environ.get("REFUSE", "none") in script:
        sys.exit("sbatch: error: QOSMaxSubmitJobPerUserLimit\\nsbatch: error: Batch job refused")
    number = str(101 + sum(file.isdigit() for file in os.listdir(state)))
    result = run_job(number, options, script)
    with open(f"{{state}}/{{number}}", "w") as file:
        file.write(result)
    print(os.environ.get("SAYS", "{{}}").replace("{{}}", number))
elif name == "srun":
    command = [a for a in arguments if not a.startswith("--")][0]
    os.execvp(command, arguments[arguments.index(command):])
elif name == "module":
    sys.exit(int(os.environ.get("MODULE_STATUS", "0")))
elif os.environ.get("FAIL", "none") in arguments:
    print("Error: the disk is full", file=sys.stderr)
    sys.exit(3)
"""


class Slurm:
    """The stand-in: its folder of programs, and what they were called with."""

    def __init__(self, folder: Path) -> None:
        self.programs, self.state, self.jobs = folder / "bin", folder / "state", folder / "jobs"
        self.programs.mkdir()
        self.state.mkdir()
        for name in ("sbatch", "srun", "module", "specprod-copy"):
            self.install(name, STAND_IN.format(python=sys.executable))

    def install(self, name: str, text: str) -> None:
        program = self.programs / name
        program.write_text(text)
        program.chmod(0o755)

    def calls(self, program: str) -> list[list[str]]:
        return [arguments for arguments, _ in self._records(program)]

    def environments(self, program: str) -> list[list[str | None]]:
        return [environment for _, environment in self._records(program)]

    def _records(self, program: str) -> list[list[list]]:
        record = self.state / f"{program}.jsonl"
        lines = record.read_text().splitlines() if record.exists() else []
        return [json.loads(line) for line in lines]

    def chained(self, scripts: Sequence[str]) -> list[list[str]]:
        """Return what sbatch is to be called with, if these are the first scripts of all."""
        waits = [
            [f"--dependency=afterok:{101 + n}", "--kill-on-invalid-dep=yes"]
            for n in range(len(scripts) - 1)
        ]
        return [
            ["--parsable", *wait, str(self.jobs / script)]
            for wait, script in zip([[], *waits], scripts, strict=True)
        ]

    def results(self) -> list[str]:
        """Return the exit code of each job, for an array the worst one, or that it never ran."""
        return [path.read_text() for path in sorted(self.state.glob("1??"))]

    def tasks(self, job: int) -> list[str]:
        """Return the exit code of each task of an array."""
        return [path.read_text() for path in sorted(self.state.glob(f"{job}_*"))]

    def log(self, pattern: str) -> str:
        (path,) = self.jobs.glob(pattern)
        return path.read_text()


def start_slurm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    """Put a stand-in on the PATH, in an environment without servers and productions."""
    made = Slurm(folder)
    monkeypatch.setenv("PATH", f"{made.programs}:{os.environ['PATH']}")
    monkeypatch.setenv("STATE", str(made.state))
    monkeypatch.setenv("HOME", str(folder))  # tcsh reads its .cshrc
    for name in os.environ:
        if name.startswith(("PG", "DESI", "SPECPROD")):
            monkeypatch.delenv(name)
    return made


def names(folder: Path, pattern: str = "*_specprod_*") -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))
