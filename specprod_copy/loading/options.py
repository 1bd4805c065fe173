"""How to load, and what that applies to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from specprod_copy.errors import ConfigurationError
from specprod_copy.option import (
    CheckContent,
    Option,
    PartitionNumber,
    PatienceSeconds,
    Schema,
    jobs_option,
)
from specprod_copy.plan import saved_looks
from specprod_copy.plan.limits import LIMITS, Limits
from specprod_copy.plan.looks import NOTHING_KEPT, Kept
from specprod_copy.postgres.patience import PATIENCE
from specprod_copy.tables import Catalogue, Inputs, TableSource


def parse_part(text: str) -> tuple[int, int]:
    """Return (k, n) of ``K/N`` with 1 <= K <= N.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise ValueError(f"{text!r} is not K/N with 1 <= K <= N")
    return int(found[1]), int(found[2])


@dataclass(frozen=True)
class LoadOptions:
    """How to load."""

    stages: tuple[str, ...]
    """Stages, tables that are a part of a stage, or ``all``."""

    schema: Schema
    overwrite: Annotated[
        bool,
        Option(
            "--overwrite",
            "Replace the tables of these stages, once the new ones are loaded and verified.",
        ),
    ] = False
    verify: Annotated[
        bool,
        Option(
            "--no-verify",
            "With --overwrite: do not read the files again to verify the new tables before they "
            "replace the old ones.",
        ),
    ] = True
    replace: Annotated[
        tuple[Path, ...],
        Option(
            "--replace",
            "Remove the rows of this changed FILE and load them again, in one transaction; may be "
            "given several times.",
            metavar="FILE",
            path="file",
        ),
    ] = ()
    roles: tuple[str, ...] = ("desi",)
    """Roles that may read."""

    jobs: Annotated[int, jobs_option("How many things to do at a time.")] = 1
    """Processes that send rows, and index builds that run at a time."""

    cluster: Annotated[
        bool, Option("--cluster", "Order tables on their q3c index (slow, locks them).")
    ] = False
    part: Annotated[
        tuple[int, int] | None,
        Option(
            "--part",
            "Load only share K of N, beside others that load theirs, e.g. 3/16 in a job array. A "
            "load without this, afterwards, makes the keys and indexes.",
            metavar="K/N",
            parse=parse_part,
        ),
    ] = None
    plan: Annotated[
        Path | None,
        Option(
            "--plan",
            "What was seen of the files: --dry-run writes it to FILE, a load with it opens only "
            "those that have changed since. Not with --check-content.",
            metavar="FILE",
            path="file",
        ),
    ] = None
    max_quarantined: Annotated[
        int | None,
        Option(
            "--max-quarantined",
            "Stop when more rows of the schema would be in quarantine.",
            metavar="N",
            low=1,
            default=1000,
        ),
    ] = None
    """Without it the first row that cannot be loaded is an error."""

    quarantine_folder: Annotated[
        Path | None,
        Option(
            "--quarantine",
            "Folder for the Parquet files of rows in quarantine.",
            metavar="DIR",
            path="folder",
            default=Path("quarantine"),
        ),
    ] = None
    partitions: PartitionNumber = None
    check_content: CheckContent = False
    patience: PatienceSeconds = PATIENCE
    limits: Limits = LIMITS

    def check(self) -> None:
        """Raise a ConfigurationError if two options exclude each other."""
        if self.part is not None and (self.overwrite or self.replace):
            raise ConfigurationError(
                "a load that replaces tables or files cannot be shared: no part of it"
            )
        if self.overwrite and self.replace:
            raise ConfigurationError(
                "a load replaces either whole tables (overwrite) or the rows of files (replace)"
            )
        if self.plan is not None and self.check_content:
            raise ConfigurationError(
                "a plan trusts files of the same size and time, and check_content trusts none: "
                "leave out --plan or --check-content"
            )


def applicable_sources(
    catalogue: Catalogue, inputs: Inputs, options: LoadOptions
) -> list[TableSource]:
    """Return the sources of the stages that the production has.

    Raises
    ------
    ConfigurationError
        If no stage is named, one is unknown, or the production has none of them.
    """
    if not options.stages:
        raise ConfigurationError("name a stage, or 'all'")
    sources = [source for source in catalogue.select(options.stages) if source.applies(inputs)]
    if not sources:
        raise ConfigurationError(
            f"production {inputs.files.production.name} has no files of stage "
            f"{' or '.join(options.stages)}"
        )
    return sources


def known_looks(catalogue: Catalogue, options: LoadOptions) -> Kept:
    """Return what the saved plan says of files; errors as `saved_looks.read`."""
    return (
        NOTHING_KEPT if options.plan is None else saved_looks.read(options.plan, catalogue.keywords)
    )
