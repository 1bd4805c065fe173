"""The jobs that load a production, and their scripts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import jinja2
import polars as pl

from specprod_copy.batch.options import PLAN, VERIFY, BatchOptions
from specprod_copy.batch.script_values import check, quote
from specprod_copy.batch.slurm import DONE, Script
from specprod_copy.desi.production import FIRST_LOADABLE_NIGHT
from specprod_copy.errors import InputError
from specprod_copy.reader import read_table
from specprod_copy.resources import resource_folder
from specprod_copy.tables import STAGES, specprod_catalogue, tile

LARGE_STAGES: Final = STAGES[1:]
"""Stages whose rows a job array may load. The first of all is none, as it may replace tables."""

TILE_TIME: Final = "00:30:00"
"""Wall time of the job of a tile [h:min:s]."""

LAST_TILE_TIME: Final = "06:00:00"
"""Wall time of the last tile's job, which also finds the primary spectra of all [h:min:s]."""

PLAN_TIME: Final = "01:00:00"
"""Wall time of the job that opens all files once [h:min:s]."""

VERIFY_TIME: Final = "12:00:00"
"""Wall time of the job that verifies all [h:min:s]."""


@dataclass(frozen=True)
class Job:
    """One job, or one array of jobs."""

    name: str
    """Name of the job; with the suffix of the shell that of its script."""
    time: str
    """Wall time [h:min:s]."""
    command: str
    """Template of its command line."""
    item: str
    """The stage, the TILEID, `PLAN` or `VERIFY`."""
    first: bool
    last: bool
    """Whether it is the first or last one that loads."""
    array: int | None = None
    """Number of tasks, if it is an array of jobs that load one share of the rows each."""
    completes: tuple[str, ...] = ()
    """Names of the jobs, beside itself, that are done with when it has succeeded."""

    def __post_init__(self) -> None:
        check("time", self.time)


def loadable_tiles(path: Path) -> list[int]:
    """Return the TILEIDs of a file that are worth loading: late enough, and with EFFTIME_SPEC > 0.

    They ascend: of the tiles that share a target the lowest gives its photometry.

    Raises
    ------
    InputError
        If there are none, or a cell is no number.
    """
    numbers = {"TILEID": pl.Int64(), "LASTNIGHT": pl.Int64(), tile.EFFTIME: pl.Float64()}
    tiles = read_table(path, tile.SOURCE.hdus, [*numbers], numbers)
    loadable = pl.col("LASTNIGHT") >= FIRST_LOADABLE_NIGHT, tile.HAS_SPECTRA
    tileids: list[int] = tiles.filter(*loadable)["TILEID"].unique().sort().to_list()
    if not tileids:
        raise InputError(
            f"no tile has LASTNIGHT >= {FIRST_LOADABLE_NIGHT} and EFFTIME_SPEC > 0", path=path
        )
    return tileids


def make_jobs(batch: BatchOptions) -> list[Job]:
    """Return the jobs in the order in which they have to run.

    Returns
    -------
    list of Job
        One for each stage, behind an array for its rows where that is wanted; or with a tiles
        file one for each loadable tile. The last one verifies all, if that is wanted. If there are
        arrays, the first one opens all files, so that their tasks need not.

    Raises
    ------
    InputError
        See `loadable_tiles`.
    """
    if batch.tiles_file is None:
        kind, command = "db", "stage.j2"
        times = specprod_catalogue().job_times
    else:
        kind, command = "tile", "tile.j2"
        times = {str(tileid): TILE_TIME for tileid in loadable_tiles(batch.tiles_file)}
        times[[*times][-1]] = LAST_TILE_TIME
    items = [*times]
    whole = [
        Job(
            name=f"load_specprod_{kind}_{batch.schema}_{item}",
            time=batch.time(item, time),
            command=command,
            item=item,
            first=item == items[0],
            last=item == items[-1],
        )
        for item, time in times.items()
    ]
    # The arrays of all stages could run at once, for foreign keys come after the rows; but what
    # finishes a stage wants the schema for itself, and a plain chain is easy to watch and resume.
    jobs = [part for job in whole for part in _with_array(job, batch.array)]
    before = [_reading(PLAN, PLAN_TIME, kind, batch)] if batch.plan else []
    behind = [_reading(VERIFY, VERIFY_TIME, kind, batch)] if batch.verify else []
    return [*before, *jobs, *behind]


def _reading(item: str, time: str, kind: str, batch: BatchOptions) -> Job:
    """Return a job that loads nothing."""
    return Job(
        name=f"{item}_specprod_{kind}_{batch.schema}",
        time=batch.time(item, time),
        command=f"{item}.j2",
        item=item,
        first=False,
        last=False,
    )


def _with_array(job: Job, array: int | None) -> list[Job]:
    """Return the job of a stage, behind an array that loads its rows if that is wanted."""
    if array is None or job.item not in LARGE_STAGES:
        return [job]
    parts = replace(job, name=f"{job.name}_parts", last=False, array=array)
    return [parts, replace(job, completes=(parts.name,))]


def render(job: Job, batch: BatchOptions) -> Script:
    """Return the script of a job.

    Raises
    ------
    ConfigurationError
        If a value has line breaks or other characters that cannot be printed.
    """
    path = _path(job.name, batch)
    # The tasks of an array share a script: none of them can tell that it is done with.
    done = () if job.array else (*(_path(name, batch) for name in job.completes), path)
    template = _environment(batch.shell).get_template(f"{batch.shell}.j2")
    folder = batch.job_dir / DONE
    return Script(path, template.render(job=job, batch=batch, done=done, folder=folder))


def _path(name: str, batch: BatchOptions) -> Path:
    return batch.job_dir / f"{name}.{batch.shell}"


def _environment(shell: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource_folder("templates") / "batch"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - these are shell scripts; values pass through quote
    )
    environment.filters["quote"] = partial(quote, shell=shell)
    return environment
