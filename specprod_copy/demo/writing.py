"""Writes a synthetic production: the way through all files, field by field."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np

from specprod_copy.atomic_files import output_errors
from specprod_copy.demo.catalogs import write_catalogs
from specprod_copy.demo.fiberassign import collect, write_fiberassign
from specprod_copy.demo.fibers import FiberPool
from specprod_copy.demo.fitsfile import Hdu, Written
from specprod_copy.demo.imaging import imaging_columns
from specprod_copy.demo.job import Batch, FieldJob, Job
from specprod_copy.demo.layouts import Array, load_layouts
from specprod_copy.demo.outputs import Outputs
from specprod_copy.demo.paths import Paths
from specprod_copy.demo.photometry import write_photometry
from specprod_copy.demo.plan import make_plan
from specprod_copy.demo.population import Objects, blank_objects, field_blocks
from specprod_copy.demo.redrock import collect_redrock, write_redrock
from specprod_copy.demo.second_catalogs import write_second_catalogs
from specprod_copy.demo.spectra import observe
from specprod_copy.demo.summaries import csv_lines, exposure_columns, frame_columns, tile_columns
from specprod_copy.demo.targeting import survey_columns, targeting_columns
from specprod_copy.demo.variants import Variant, variant_of
from specprod_copy.desi.configuration import Production, find_production, load_configuration
from specprod_copy.errors import ConfigurationError

TILES, TARGETS, SEED = 16, 600, 1
#: A fibre positioner reaches no more, and neither does the fiberassign file that is held in memory.
MOST_TARGETS = 50_000
#: Positions drawn at a time: their rows fill some 10 MB.
CHUNK = 4096
#: Productions made before the data model of the Early Data Release was revised.
EDR_TYPES = ("fuji", "guadalupe")
#: Productions whose tiles files say when a row was updated.
UPDATED = ("loa", "matterhorn", "daily")
#: Productions whose summary files lack some measurements, and of which tiles: those whose number
#: leaves this remainder by 5. What one lacks the other has, which can be patched with it.
GAPS = {"jura": 1, "daily": 0}
#: Productions that come, whose versions of photometry and tiles nobody knows yet.
COMING = {
    "matterhorn": Production(
        "matterhorn",
        release="dr3",
        photometry="v1.0",
        target_summary=False,
        redshift="patch/v2",
        tiles="3.0",
    )
}
#: First numbers of the random streams.
PLAN, SUMMARY, BLOCK, FIBERS, BLANK = range(5)


def write_production(  # noqa: PLR0913 - people call it, by keywords
    root: Path,
    specprod: str | Production = "fuji",
    *,
    tiles: int = TILES,
    targets: int = TARGETS,
    seed: int = SEED,
    overwrite: bool = False,
    zall: bool = True,
    per_survey: bool = False,
    variant: Variant | None = None,
    chunk: int = CHUNK,
    progress: Callable[[int, int], None] | None = None,
) -> list[Written]:
    """Write a synthetic production in the public file formats.

    All files that the load stages read are written, with the columns of the data model and made-up
    but consistent values. The same arguments give the same bytes. Memory does not grow with the
    number of tiles.

    Parameters
    ----------
    root : pathlib.Path
        Folder for ``spectro``, ``vac`` and ``target``; it is made if needed.
    specprod : str or Production
        The production to imitate, by name or by its configuration. Where that is not one of those
        that are known without a configuration file, such a file is written, too.
    tiles : int
        Number of tiles; four of them overlap at a time.
    targets : int
        Mean number of targets of a tile, at most 50,000.
    seed : int
        Another seed gives other values.
    overwrite : bool
        Replace the files of an earlier demo of this production. No other file is ever removed.
    zall : bool
        Write the redshift catalogs of everything.
    per_survey : bool
        Write the redshift catalogs per survey and program.
    variant : Variant, optional
        Write redshift catalogs of the second format (zcatalog v2), of this variant, as is done
        without it where the configuration says ``patch/v2``.
    chunk : int
        Number of positions that are drawn at a time. Another number gives other values.
    progress : callable, optional
        Called with the number of fields that are done, and of all.

    Returns
    -------
    list of Written
        Path, HDU and number of rows of each table, in the order of the paths.

    Raises
    ------
    ConfigurationError
        If the production is unknown, already there, or too large.
    InputError
        If a file cannot be written.
    """
    production = demo_production(specprod) if isinstance(specprod, str) else specprod
    if variant is None and production.is_second_format:
        variant = variant_of(production)
    if not (zall or per_survey):
        raise ConfigurationError("without a zall catalog those of each survey are to be written")
    if tiles < 1 or chunk < 1 or seed < 0 or not 10 <= targets <= MOST_TARGETS:
        raise ConfigurationError(
            f"a demo has at least one tile with 10 to {MOST_TARGETS} targets, a positive chunk and "
            f"no negative seed, not tiles={tiles}, targets={targets}, chunk={chunk}, seed={seed}"
        )
    stream = partial(_stream, seed, production.name)
    plan = make_plan(production.name, tiles, stream(PLAN))
    paths = Paths(production, root)
    planned = [paths.configuration(), paths.tiles("fits"), paths.tiles("csv"), paths.exposures()]
    planned += [paths.fiberassign(tile.tileid) for field in plan for tile in field.tiles]
    with output_errors(root):
        job = Job(
            paths=paths,
            outputs=Outputs(root, production.name, planned, overwrite=overwrite),
            layouts=load_layouts(_types(production, variant)),
            plan=plan,
            targets=targets,
            chunk=chunk,
            zall=zall,
            per_survey=per_survey,
            variant=variant,
            stream=stream,
        )
        if load_configuration().get(production.name) != production:
            job.outputs.text(paths.configuration(), "", _configuration(production))
        _write_summaries(job)
        for field in plan:
            _write_field(FieldJob(job, field))
            if progress is not None:
                progress(field.number + 1, len(plan))
        job.outputs.close()
    return sorted(job.outputs.written, key=lambda written: written.path)


def demo_production(name: str) -> Production:
    """Return the configuration of a production that can be imitated.

    Raises
    ------
    ConfigurationError
        If there is none of that name.
    """
    return COMING.get(name) or find_production(name)


def _types(production: Production, variant: Variant | None) -> str:
    """Return which types of the layouts are wanted; see `load_layouts`."""
    if variant is not None:
        return "wide" if variant.wide else ""
    return "edr" if production.name in EDR_TYPES else ""


def _configuration(production: Production) -> Iterator[str]:
    """Yield the lines of a configuration file."""
    yield f"[{production.name}]"
    for key, value in asdict(production).items():
        if key != "name":
            yield f"{key} = {json.dumps(value)}"


def _stream(seed: int, specprod: str, *numbers: int) -> np.random.Generator:
    return np.random.default_rng([seed, *numbers, *specprod.encode()])


def _write_summaries(job: Job) -> None:
    """Write the files of tiles, exposures and frames."""
    rng, name = job.stream(SUMMARY), job.paths.production.name
    gaps = GAPS.get(name)
    tiles = sorted(job.tiles, key=lambda tile: (tile.lastnight, tile.tileid))
    layout = job.layouts["tiles"].where(lambda column: name in UPDATED)
    records = layout.pack(tile_columns(tiles, gaps=gaps, rng=rng), len(tiles))
    if job.daily:  # merged with the table of the day before
        layout = replace(layout, extname="TILES")
    job.outputs.whole(job.paths.tiles("fits"), [Hdu(layout, records, {})])
    job.outputs.text(job.paths.tiles("csv"), "", csv_lines(layout, records))

    taken = sorted(((t, e) for t in tiles for e in t.exposures), key=lambda pair: pair[1].expid)
    exposures = exposure_columns(taken, gaps=gaps, rng=rng)
    frames, n = frame_columns(taken, exposures, rng)
    layouts = job.layouts["exposures"], job.layouts["frames"]
    hdus = [
        Hdu(layouts[0], layouts[0].pack(exposures, len(taken)), {}),
        Hdu(layouts[1], layouts[1].pack(frames, n), {}),
    ]
    job.outputs.whole(job.paths.exposures(), hdus)


def _write_field(work: FieldJob) -> None:
    """Write all that concerns the objects of a field."""
    job, field = work.job, work.field
    pools = [
        FiberPool(job.targets, job.stream(FIBERS, field.number, t)) for t in range(len(field.tiles))
    ]
    blocks = partial(job.stream, BLOCK, field.number)
    for objects, rng in field_blocks(field, job.targets, job.chunk, work.counter, blocks):
        members = objects.member.T
        fiber = [pool.assign(own, rng) for pool, own in zip(pools, members, strict=True)]
        batch = _batch(objects, np.stack(fiber, axis=1), rng)
        write_photometry(job, batch)
        _write_observations(work, batch)
    for number, pool in enumerate(pools):
        _write_blank(work, number, pool)
    write_fiberassign(work)
    if job.daily:
        write_redrock(work)
    if job.computed:
        job.outputs.close(job.paths.photometry)


def _write_blank(work: FieldJob, number: int, pool: FiberPool) -> None:
    """Use up the fibres of a tile: some are stuck, the others look at the sky."""
    field = work.field
    rng = work.job.stream(BLANK, field.number, number)
    used = pool.left
    # Twice as many sky positions as are needed are on offer.
    n = 2 * used - pool.stuck
    objects = blank_objects(field, number, pool.stuck, n, work.counter, rng)
    fiber = np.full(objects.member.shape, -1)
    fiber[:used, number] = pool.take(used)
    _write_observations(work, _batch(objects, fiber, rng))


def _batch(objects: Objects, fiber: Array, rng: np.random.Generator) -> Batch:
    imaging = imaging_columns(objects, rng)
    return Batch(
        objects=objects,
        columns=imaging | targeting_columns(objects, rng),
        by_tile=[survey_columns(objects, imaging, t.survey, t.program) for t in objects.tiles],
        fiber=fiber,
        rng=rng,
    )


def _write_observations(work: FieldJob, batch: Batch) -> None:
    """Write or collect what the fibres of objects see."""
    collect(work, batch)
    observation = observe(batch)
    if work.job.daily:
        collect_redrock(work, observation)
    elif work.job.variant is not None:
        write_second_catalogs(work.job, observation, work.job.variant)
    else:
        write_catalogs(work.job, observation)
