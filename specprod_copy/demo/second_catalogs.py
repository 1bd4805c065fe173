"""The redshift catalogs of the second format: core, extra and imaging, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from specprod_copy.demo.catalogs import catalog_columns, each_program, each_tile
from specprod_copy.demo.exposed import exposed_rows
from specprod_copy.demo.fitsfile import Keywords
from specprod_copy.demo.job import Job
from specprod_copy.demo.layouts import Columns, RowValues
from specprod_copy.demo.second_format import own_columns, pixel_columns, redshift_columns
from specprod_copy.demo.spectra import Observation, Spectra, add_up, primary_flags
from specprod_copy.demo.variants import Variant

PARTS = ("", "extra", "imaging")
SHORT = {"pix": "pix", "tilecumulative": "tile"}


def write_second_catalogs(job: Job, observation: Observation, variant: Variant) -> None:
    """Write the spectra of observed objects to the catalogs of tiles and of HEALPixels."""
    tiles = observation.batch.objects.tiles
    for kind, groups in (("tilecumulative", each_tile(tiles)), ("pix", each_program(tiles))):
        spectra = [
            one._replace(columns=one.columns | redshift_columns(observation, one))
            for one in add_up(observation, groups)
        ]
        if job.zall:
            for one, columns in _rows(observation, spectra, kind, variant):
                _append(job, kind, variant, columns, one, ())
        if job.per_survey:
            for group in dict.fromkeys(one.group[:2] for one in spectra):
                same = [one for one in spectra if one.group[:2] == group]
                for one, columns in _rows(observation, same, kind, variant):
                    _append(job, kind, variant, columns, one, group)
                    _append_exposures(job, kind, variant, observation, one)


def _rows(
    observation: Observation, spectra: Sequence[Spectra], kind: str, variant: Variant
) -> list[tuple[Spectra, Columns]]:
    """Return all columns of spectra that are counted together."""
    zwarn = "ZWARN" if variant.old_qn else "ZWARN_BEST"
    rank = "TSNR2_LRG" if "EFFTIME_SPEC" in variant.without else "EFFTIME_SPEC"
    flags = primary_flags(spectra, len(observation.batch.objects), zwarn, rank)
    found: list[tuple[Spectra, Columns]] = []
    for one, own in zip(spectra, flags, strict=True):
        columns = catalog_columns(observation, one, own, kind)
        more = own_columns(columns, one.group.survey)
        if kind == "pix":
            more |= pixel_columns(observation, one, variant)
        found.append((one, RowValues(columns, slice(None), more)))
    return found


def _append(
    job: Job, kind: str, variant: Variant, columns: Columns, one: Spectra, group: Sequence[str]
) -> None:
    surveys = group[:1] or job.surveys
    core = job.paths.catalogs(kind, *group)
    for part in PARTS:
        name = "_".join(filter(None, ("v2", SHORT[kind], part or ("survey" if group else ""))))
        layout = variant.layout(job.layouts[name], surveys)
        file = job.outputs.table(
            _beside(core, part), [layout], _keywords(job, kind, variant, group)
        )
        file.append(layout.pack(columns, len(one.rows)))


def _append_exposures(
    job: Job, kind: str, variant: Variant, observation: Observation, one: Spectra
) -> None:
    group = one.group[:2]
    core = job.paths.catalogs(kind, *group)
    path = _beside(core.parent / "exp_fibermap" / core.name, "expfibermap")
    layout = job.layouts["v2_exp_fibermap"]
    file = job.outputs.table(path, [layout], _keywords(job, kind, variant, group))
    file.append(exposed_rows(observation, one, layout))


def _beside(core: Path, part: str) -> Path:
    return core.with_stem(f"{core.stem}-{part}") if part else core


def _keywords(job: Job, kind: str, variant: Variant, group: Sequence[str]) -> Keywords:
    of_pixels: Keywords = {"SPGRP": variant.pixels, "HPXNEST": True}
    return {
        **(of_pixels if kind == "pix" else {"SPGRP": "cumulative"}),
        **dict(zip(("SURVEY", "PROGRAM"), group, strict=False)),
        "ZCATVER": "v2",
        "SPECPROD": job.paths.production.name,
    }
