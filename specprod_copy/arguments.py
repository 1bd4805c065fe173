"""What callers in Python say of files and workers, taken out of their keyword arguments."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import ConfigurationError
from specprod_copy.executors.options import ExecutorOptions
from specprod_copy.tables import Inputs


def take_inputs(specprod: str, options: dict[str, Any]) -> Inputs:
    """Return the files of a production."""
    return Inputs(
        ProductionFiles(
            find_production(specprod, take_path(options, "config")), take_root(options)
        ),
        take_path(options, "tiles_file"),
        take_path(options, "exposures_file"),
        skip_missing=bool(options.pop("skip_missing", False)),
    )


def take_executor(options: dict[str, Any]) -> ExecutorOptions:
    """Return who does the work."""
    names = {field.name for field in fields(ExecutorOptions)} & options.keys()
    return ExecutorOptions(**{name: options.pop(name) for name in names})


def take_root(options: dict[str, Any]) -> Path:
    """Return the folder of the data.

    Raises
    ------
    ConfigurationError
        If neither `root` nor the environment names one.
    """
    root = Path(options.pop("root", None) or os.environ.get("DESI_ROOT", ""))
    if root == Path():
        raise ConfigurationError("name the folder of the data: root=..., or set DESI_ROOT")
    return root


def take_path(options: dict[str, Any], name: str) -> Path | None:
    """Return a path that may be given."""
    value = options.pop(name, None)
    return None if value is None else Path(value)
