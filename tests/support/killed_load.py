"""A load that kills itself at a certain moment: killed_load.py DSN ROOT MOMENT NAME STAGE..."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.progress import ProgressListener
from specprod_copy.tables import Inputs
from support.limits import cut
from support.moments import await_no_loader


class Killer(ProgressListener):
    """Kills the process when rows have been read so many times."""

    def __init__(self, moment: int) -> None:
        self.left = moment

    def advance(self, table: str, rows: int, size: int) -> None:
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main(conninfo: str, root: str, moment: str, name: str, *stages: str) -> None:
    config = Path(root) / f"productions-{name}.toml"
    production = find_production(name, config if config.exists() else None)
    inputs = Inputs(ProductionFiles(production, Path(root)))
    overwrite = "--overwrite" in stages
    partitions = 4 if "--four-partitions" in stages else None
    wanted = tuple(stage for stage in stages if not stage.startswith("--"))
    options = LoadOptions(
        wanted, name, overwrite=overwrite, partitions=partitions, limits=cut(40, 40)
    )
    load(conninfo, inputs, options, Killer(int(moment)))


def kill(conninfo: str, root: Path, moment: int, name: str, *arguments: str) -> None:
    """Load until rows have been read so many times; then the process is gone."""
    done = subprocess.run(
        [sys.executable, __file__, conninfo, root, str(moment), name, *arguments],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    await_no_loader(conninfo)


if __name__ == "__main__":
    main(*sys.argv[1:])
