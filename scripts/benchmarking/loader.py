"""The contender specprod-copy: its real command line, from FITS files to rows, and to ready."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarking import processes
from benchmarking.bench import Bench
from benchmarking.processes import Usage


def figures(name: str, usage: Usage) -> dict[str, float]:
    """Return a run as figures: seconds, processor time, memory."""
    return {
        name: usage.seconds,
        f"{name} cpu": usage.cpu,
        f"{name} largest MB": usage.largest_mb,
        f"{name} together MB": usage.together_mb,
    }


def start() -> dict[str, float]:
    """Return the time that Python and its imports take: a command that does nothing else."""
    return {"start": processes.run(processes.loader_command("load", "--help")).seconds}


def rows(bench: Bench, inputs: Sequence[Path], jobs: int) -> dict[str, float]:
    """Load rows only: the one share of one, which leaves keys and indexes to a later load."""
    return _run(bench, inputs, "rows", "--jobs", str(jobs), "--part", "1/1")


def ready(bench: Bench, inputs: Sequence[Path], jobs: int) -> dict[str, float]:
    """Load rows, make keys, indexes, foreign keys and statistics."""
    return _run(bench, inputs, "ready", "--jobs", str(jobs))


def _run(bench: Bench, inputs: Sequence[Path], name: str, *options: str) -> dict[str, float]:
    bench.drop_tables()
    bench.settle(inputs)
    return figures(name, processes.run(bench.loader(bench.stages, *options)))
