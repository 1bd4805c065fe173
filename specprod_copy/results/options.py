"""What a query is run with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from specprod_copy.option import Option


@dataclass(frozen=True)
class QueryOptions:
    """How to run a query, and what to do with its result."""

    schema: Annotated[
        str | None,
        Option(
            "-s --schema",
            "Schema whose tables need no schema in front of their names.",
            variable="SPECPROD",
        ),
    ] = None
    output: Annotated[
        Path | None,
        Option(
            "-o --output",
            "File for the result: .parquet, .fits, .ecsv, .vot or .csv; - for standard output, "
            "with --format.",
        ),
    ] = None
    format: Annotated[
        str | None,
        Option(
            "--format",
            "Format of the file, where its name does not say it.",
            choices=("parquet", "fits", "ecsv", "votable", "csv"),
        ),
    ] = None
    overwrite: Annotated[bool, Option("--overwrite", "Replace an existing file.")] = False
    keep_9999: Annotated[
        bool,
        Option(
            "--keep-9999",
            "Leave -9999 where the loader has put it for NaN and infinities; else it is null.",
        ),
    ] = False
    parameters: Mapping[str, object] = field(default_factory=dict)
    """Values of what stands as ``%(name)s`` in the query; then a ``%`` is written ``%%``."""
