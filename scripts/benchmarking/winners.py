"""A process that decides which rows win: python -m benchmarking.winners FOLDER."""

from __future__ import annotations

import dataclasses
import json
import resource
import sys
import time
from pathlib import Path

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.plan.first_occurrences import first_rows
from specprod_copy.tables import Inputs
from specprod_copy.tables.photometry import TARGETPHOT, TRACTORPHOT


def main() -> None:
    """Decide, and print seconds, memory before, and the number of rows that are kept."""
    folder = Path(sys.argv[1])
    inputs = Inputs(ProductionFiles(find_production("iron"), folder))
    tractorphot = dataclasses.replace(
        TRACTORPHOT, files=lambda inputs: [folder / "tractorphot.fits"]
    )
    source = dataclasses.replace(TARGETPHOT, unless_in=tractorphot)
    files = sorted(folder.glob("targetphot-*.fits"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    started = time.monotonic()
    kept = sum(map(len, first_rows(source, "TARGETID", inputs, files)))
    seconds = time.monotonic() - started
    print(json.dumps({"seconds": seconds, "before_mb": before, "kept": kept}))


if __name__ == "__main__":
    main()
