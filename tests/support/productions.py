"""A production loaded whole."""

from __future__ import annotations

from pathlib import Path

from specprod_copy.desi.configuration import load_configuration
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.loading.summary import LoadSummary
from specprod_copy.tables import Inputs


def load_production(
    conninfo: str, root: Path, specprod: str, *stages: str, schema: str | None = None, **inputs
) -> LoadSummary:
    files = ProductionFiles(load_configuration()[specprod], root)
    options = LoadOptions(stages or ("all",), schema or specprod, jobs=2)
    return load(conninfo, Inputs(files, **inputs), options)
