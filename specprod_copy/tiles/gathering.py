"""Photometry of a tile's potential targets, gathered by ``desispec`` from the original catalogs.

It takes minutes per tile, and serves where nobody has made the lsdr9-photometry files yet. Works
with desispec 0.70 and what that needs (desitarget 4.4, desiutil 4, desimodel 0.20). As in the
public catalogs, targets are looked up in Tractor by their brick and number, others by position.

Desispec goes by environment variables and remembers them, so it runs in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from specprod_copy.desi.production import ProductionFiles
from specprod_copy.errors import InputError
from specprod_copy.reader.memory_table import MemoryTable

NEEDED = ("desispec", "desitarget", "desimodel", "desiutil")
"""Packages of the extra ``daily``."""


def can_gather() -> bool:
    """Say whether the packages are installed."""
    return all(find_spec(name) is not None for name in NEEDED)


def gather(files: ProductionFiles, tileid: int, assigned: Path) -> tuple[MemoryTable, MemoryTable]:
    """Gather Tractor and targeting photometry.

    Parameters
    ----------
    files : ProductionFiles
        Its root is desispec's DESI_ROOT; DESI_TARGET and DESI_SURVEYOPS are below it unless the
        environment says otherwise.
    tileid : int
    assigned : pathlib.Path
        The tile's fiberassign file.

    Returns
    -------
    tuple of MemoryTable
        As the HDUs TRACTORPHOT, with matched targets only, and TARGETPHOT of the files, without
        SURVEY and PROGRAM.

    Raises
    ------
    InputError
        If desispec fails, for want of some file; says what it said last.
    """
    root = files.root.absolute()
    environment = {
        "DESI_TARGET": str(root / "target"),
        "DESI_SURVEYOPS": str(root / "survey" / "ops" / "surveyops" / "trunk"),
        **os.environ,
        "DESI_ROOT": str(root),
        "DESI_LOGLEVEL": "error",
    }
    with TemporaryDirectory(prefix="specprod-copy-") as folder:
        program = [sys.executable, "-m", "specprod_copy.tiles.desispec_photometry"]
        done = subprocess.run(
            [*program, str(assigned.absolute()), str(tileid), folder],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            raise InputError(
                f"desispec cannot gather the photometry of tile {tileid}: {last}", path=assigned
            )
        tractor, targeting = (
            pl.read_ipc((Path(folder) / name).read_bytes()) for name in ("tractor", "targeting")
        )
    return (
        MemoryTable(assigned, tractor.get_columns(), hdu="gathered TRACTORPHOT"),
        MemoryTable(assigned, targeting.get_columns(), hdu="gathered TARGETPHOT"),
    )
