"""How to load a production by batch jobs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from specprod_copy.batch.script_values import CHECKED, SHELLS, check
from specprod_copy.desi.configuration import Production
from specprod_copy.errors import ConfigurationError
from specprod_copy.option import Option, Schema
from specprod_copy.tables import STAGES

PLAN: Final = "plan"
"""The job in front of all others, if there are arrays."""

VERIFY: Final = "verify"
"""The job behind all others."""


def parse_time(text: str) -> tuple[str, str]:
    """Return job and wall time of ``[JOB=]TIME``; the job is empty if it is that of all."""
    item, _, time = text.rpartition("=")
    return item, time


@dataclass(frozen=True)
class BatchOptions:
    """What all jobs of a production have in common.

    Raises
    ------
    ConfigurationError
        If a path is not absolute, an option needs another one, or a value has characters that
        it must not have in a script.
    """

    email: str
    """Who gets mail when a job ends or fails."""

    root: Path
    """DESI_ROOT of the jobs."""

    production: Production
    schema: Schema
    job_dir: Annotated[
        Path,
        Option(
            "-j --job-dir", "Folder of scripts and logs.", default="~/Documents/Jobs", absolute=True
        ),
    ]
    connection: tuple[str, ...] = ()
    """Options that name the loader's server, see `connection_arguments`."""

    roles: tuple[str, ...] = ()
    """Roles that may read, if they are others than those of the command load."""

    shell: str = "sh"
    """One of `SHELLS`."""

    account: Annotated[str, Option("--account", "Account that pays.")] = "desi"
    qos: Annotated[str, Option("-q --qos", "Quality of service.")] = "regular"
    constraint: Annotated[str, Option("-C --constraint", "Kind of node.")] = "cpu"
    times: Annotated[
        tuple[tuple[str, str], ...],
        Option(
            "--time",
            "Wall time [days-]hours:min:s of all jobs, or STAGE=TIME of one (plan and verify are "
            "some, too); "
            "may be given several times.",
            metavar="[STAGE=]TIME",
            parse=parse_time,
            several=True,
        ),
    ] = ()
    """Job, or an empty text for all others, and its wall time."""

    version: Annotated[
        str | None,
        Option(
            "-v --specprod-version",
            "Swap to this version of the module specprod-copy; without it jobs run the program "
            "that is on the PATH.",
            metavar="VERSION",
        ),
    ] = None
    config: Annotated[
        Path | None,
        Option("--config", "File that adds productions, as for the command load.", absolute=True),
    ] = None
    tiles_file: Annotated[
        Path | None,
        Option("-t --tiles-file", "One job for each loadable tile in this file.", absolute=True),
    ] = None
    exposures_file: Annotated[
        Path | None,
        Option(
            "-e --exposures-file",
            "Exposures file instead of the production's own (see below).",
            absolute=True,
        ),
    ] = None
    patch_tiles: Annotated[
        bool, Option("-p --patch-tiles", "Let these jobs take tiles from --tiles-file, too.")
    ] = False
    overwrite_tables: Annotated[
        bool, Option("--overwrite-tables", "Let the first job replace its tables.")
    ] = False
    array: Annotated[
        int | None,
        Option(
            "--array",
            "Share the rows of each large stage among N jobs, 2 to 1000 (see below).",
            metavar="N",
        ),
    ] = None

    on_error: Annotated[
        str,
        Option(
            "--on-error",
            "What loads do when rows cannot be loaded: stop, or put them into quarantine, in the "
            "folder quarantine beside the scripts, and have the next jobs run all the same.",
            choices=("stop", "quarantine"),
        ),
    ] = "stop"
    skip_missing: Annotated[
        bool, Option("--skip-missing", "Leave out tiles without a fiberassign file.")
    ] = False
    light_curves: Annotated[
        bool, Option("--light-curves", "Load the light curves of Tractor photometry as well.")
    ] = False
    verify: Annotated[
        bool, Option("--no-verify", "No last job that verifies all that was loaded.")
    ] = True

    def __post_init__(self) -> None:
        for key in sorted(CHECKED & vars(self).keys()):
            if getattr(self, key) is not None:
                check(key, getattr(self, key))
        for item, time in self.times:
            check("time", time)
            if item and item not in self.items:
                raise ConfigurationError(
                    f"--time {item}=…: no such job, only {', '.join(self.items)}"
                )
        for path in (self.root, self.config, self.tiles_file, self.exposures_file):
            if path is not None and not path.is_absolute():
                raise ConfigurationError(f"{path}: jobs run elsewhere and need an absolute path")
        if self.shell not in SHELLS:
            raise ConfigurationError(f"no scripts for {self.shell!r}, only {', '.join(SHELLS)}")
        if self.tiles_file is None and self.patch_tiles:
            raise ConfigurationError("--patch-tiles needs a --tiles-file")
        if self.tiles_file is not None and self.exposures_file and not self.patch_tiles:
            raise ConfigurationError(
                "jobs of tiles load from the --exposures-file only with --patch-tiles"
            )
        if self.tiles_file is not None and self.array is not None:
            raise ConfigurationError("--array is for stages; jobs of tiles have no use for it")
        of_stages = self.skip_missing or self.light_curves or self.on_error != "stop"
        if self.tiles_file is not None and of_stages:
            raise ConfigurationError(
                "--skip-missing, --light-curves and --on-error are for stages; jobs of tiles have "
                "no use for them"
            )
        if self.tiles_file is None and self.production.redshift_type == "daily":
            raise ConfigurationError(
                f"production {self.production.name} has no redshift catalogs, its tiles are loaded "
                "one by one: name the file that lists them with --tiles-file"
            )

    @property
    def module(self) -> str:
        """Name of the environment module."""
        return f"specprod-copy/{self.version}"

    @property
    def quarantine(self) -> Path:
        """Folder for the files of rows in quarantine."""
        return self.job_dir / "quarantine"

    @property
    def plan(self) -> Path | None:
        """What the tasks of arrays know of the files."""
        return None if self.array is None else self.job_dir / f"plan_{self.schema}"

    @property
    def first_stage(self) -> str:
        """The stage of the first job that loads, which alone may replace its tables."""
        return STAGES[0]

    @property
    def items(self) -> tuple[str, ...]:
        """What `times` may name."""
        return (PLAN, *STAGES, VERIFY) if self.tiles_file is None else (VERIFY,)

    def time(self, item: str, usual: str) -> str:
        """Return the wall time of a job."""
        given = dict(self.times)
        return given.get(item, given.get("", usual))
