"""The decision which rows of targetphot files win: time and memory for many TARGETIDs."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from pathlib import Path

import click
import fitsio
import numpy as np

from benchmarking import machine, processes
from benchmarking.report import Document, markdown, number

FACTORS = (1, 2, 6)
N_FILES = 6

DISTINCT = 0.5
"""Distinct TARGETIDs per row: in DR1, 76 million of 151 million."""

IN_TRACTORPHOT = 0.94
"""Share of them that have Tractor photometry: in DR1, 71.3 of 76.0 million."""


def write_files(folder: Path, rows: int) -> None:
    """Write tractorphot.fits and some targetphot files that have nothing but TARGETID."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(rows)
    # Object, brick and release as in a TARGETID; distinct, for an odd factor maps one to one.
    numbers = np.arange(int(rows * DISTINCT), dtype=np.int64)
    targetids = (numbers * 2_654_435_761) % (1 << 40) | (9010 << 42)
    known = targetids[: int(len(targetids) * IN_TRACTORPHOT)]
    _write(folder / "tractorphot.fits", "TRACTORPHOT", known)
    shuffled = np.resize(targetids, rows)
    rng.shuffle(shuffled)
    for n, part in enumerate(np.array_split(shuffled, N_FILES)):
        _write(folder / f"targetphot-{n}.fits", "TARGETPHOT", part)


def _write(path: Path, extname: str, targetids: np.ndarray) -> None:
    records = np.empty(len(targetids), dtype=[("TARGETID", ">i8")])
    records["TARGETID"] = targetids
    with fitsio.FITS(path, "rw", clobber=True) as file:
        file.write(records, extname=extname)


def measure(work: Path, rows: int, *, runs: int) -> Document:
    """Decide for some sizes, each in a process of its own.

    Parameters
    ----------
    work : pathlib.Path
        Folder for the files.
    rows : int
        The smallest size.
    runs : int
        Number of runs of each size.
    """
    body, figures = [], {}
    for size in (rows * factor for factor in FACTORS):
        click.echo(f"{size:,} rows", err=True)
        folder = work / f"targetphot-{size}"
        shutil.rmtree(folder, ignore_errors=True)
        write_files(folder, size)
        command = [sys.executable, "-m", "benchmarking.winners", str(folder)]
        usages = [processes.run(command) for _ in range(runs)]
        shutil.rmtree(folder)
        told = [json.loads(usage.output) for usage in usages]
        seconds = statistics.median(one["seconds"] for one in told)
        memory = statistics.median(usage.largest_mb for usage in usages)
        before = statistics.median(one["before_mb"] for one in told)
        figures[size] = [{**vars(u), **one} for u, one in zip(usages, told, strict=True)]
        body.append(
            [
                f"{size:,}",
                f"{told[0]['kept']:,}",
                number(seconds),
                number(size / seconds / 1e6),
                number(memory, 0),
                number((memory - before) * 1e6 / size, 0),
            ]
        )
    head = ["rows", "won", "median s", "10⁶ rows/s", "peak MB", "byte per row"]
    return Document(
        f"Which rows of targetphot win, medians of {runs} runs",
        machine.client_circumstances(),
        [markdown(head, body)],
        figures,
        [
            "Seconds: reading TARGETID of all files, and the decision; start and imports are not "
            "in it. Byte per row: peak memory, less what the process had before.",
            f"{DISTINCT:.0%} of the TARGETIDs are distinct, and {IN_TRACTORPHOT:.0%} of those are "
            f"in a tractorphot file beside the {N_FILES} targetphot files, as in DR1. "
            "Their order is random, the worst for caches.",
        ],
    )
