"""``specprod-copy demo``: a synthetic production to try the loader with."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from specprod_copy.cli.options import chosen_production, complete_production
from specprod_copy.cli.text import say
from specprod_copy.demo.catalogues import write_catalogues
from specprod_copy.demo.fitsfile import Written
from specprod_copy.demo.layouts import load_layouts
from specprod_copy.demo.variants import Pixels, Variant, optional_columns, variant_of
from specprod_copy.demo.writing import (
    MOST_TARGETS,
    SEED,
    TARGETS,
    TILES,
    demo_production,
    write_production,
)
from specprod_copy.desi.production import Production


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "-p",
    "--specprod",
    shell_complete=complete_production,
    default="fuji",
    show_default=True,
    help="Production to imitate: "
    "fuji, guadalupe, iron, jura, kibo, loa, matterhorn, daily, or your own.",
)
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="TOML or INI file that adds productions or changes known ones.",
)
@click.option(
    "--tiles",
    type=click.IntRange(min=1),
    default=TILES,
    show_default=True,
    help="Number of tiles; each place on the sky has four that overlap.",
)
@click.option(
    "--targets",
    type=click.IntRange(10, MOST_TARGETS),
    default=TARGETS,
    show_default=True,
    help="Number of targets of a tile, about; every second one gets a fiber, at most 5000.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=SEED, show_default=True, help="Other values."
)
@click.option(
    "--per-survey",
    is_flag=True,
    help="Write the redshift catalogs of each survey and program as well (zpix-*, ztile-*).",
)
@click.option("--no-zall", is_flag=True, help="Leave out the redshift catalogs of everything.")
@click.option(
    "--zcatalog",
    type=click.Choice(["v1", "v2"]),
    help="Format of the redshift catalogs.  [default: v2 for matterhorn, else v1]",
)
@click.option(
    "--pixels",
    type=click.Choice(["uniqpix", "healpix"]),
    help="v2: HEALPixels of several sizes, or of one.  [default: uniqpix from DR3 on]",
)
@click.option(
    "--types",
    type=click.Choice(["narrow", "wide"]),
    help="v2: types of redshifts since redrock 0.22, or before.  [default: narrow from DR3 on]",
)
@click.option("--old-qn", is_flag=True, help="v2: no best ZWARN, CHI2, DELTACHI2 and COEFF.")
@click.option(
    "--without",
    multiple=True,
    metavar="COLUMN",
    help="v2: leave out an optional column, e.g. EFFTIME_SPEC. May be repeated.",
)
@click.option(
    "--catalogues",
    is_flag=True,
    help="Write value-added catalogues of the spectra as well: FastSpecFit, MWS, LSS, quasars. Not "
    "for daily, nor with redshift catalogs of the second format.",
)
@click.option("--overwrite", is_flag=True, help="Replace what an earlier demo wrote in DIR.")
def demo(
    directory: Path,
    specprod: str,
    config: Path | None,
    tiles: int,
    targets: int,
    seed: int,
    per_survey: bool,
    no_zall: bool,
    zcatalog: str | None,
    catalogues: bool,
    overwrite: bool,
    **variant: Any,
) -> None:
    """Write a synthetic production into DIR, in the public file formats.

    Names, layouts and widths of the files are those of the real production, and what it guarantees
    holds: the files load with all keys and foreign keys. The values are made up. The same options
    give the same bytes.

    \b
      specprod-copy demo demo                        30 MB in a second
      specprod-copy demo demo --specprod daily
      specprod-copy demo big --specprod iron --tiles 400 --targets 20000

    Redshift catalogs of the second format come with matterhorn, or with --zcatalog v2 for loa:

    
      specprod-copy demo new --specprod matterhorn
      specprod-copy demo new --specprod matterhorn --pixels healpix --types wide --old-qn
      specprod-copy demo new --specprod loa --zcatalog v2 --no-zall --without Z_CONF
    """
    production = (
        demo_production(specprod) if config is None else chosen_production(specprod, config)
    )
    production, chosen = _variant(production, zcatalog, **variant)
    if catalogues and (chosen is not None or no_zall or production.redshift_type == "daily"):
        raise click.UsageError("--catalogues needs redshift catalogs of everything, of format v1")
    with click.progressbar(length=tiles, label=f"Writing {specprod}", file=sys.stderr) as bar:
        written = write_production(
            directory,
            production,
            tiles=tiles,
            targets=targets,
            seed=seed,
            overwrite=overwrite,
            zall=not no_zall,
            per_survey=per_survey or no_zall,
            variant=chosen,
            progress=lambda done, of: bar.update(tiles * done // of - bar.pos),
        )
    if catalogues:
        written += write_catalogues(directory, production, seed)
    for line in _table(written):
        say(line)
    configuration = [path for path, _, _ in written if path.suffix == ".toml"]
    where = ["--specprod", specprod, "--root", str(directory)]
    more = ["--config", str(configuration[0])] if configuration else []
    say(f"Load it: {shlex.join(['specprod-copy', 'load', 'all', *where, *more])}")
    if catalogues:
        words = ["specprod-copy", "load-vac", "mws", "--release", str(production.release), *where]
        say(f"and then: {shlex.join(words)}")


def _variant(
    production: Production,
    zcatalog: str | None,
    *,
    pixels: Pixels | None,
    types: str | None,
    old_qn: bool,
    without: Sequence[str],
) -> tuple[Production, Variant | None]:
    """Return the production with the folder of its catalogs, and their variant."""
    second = production.is_second_format if zcatalog is None else zcatalog == "v2"
    if not second:
        if pixels or types or old_qn or without:
            raise click.UsageError(
                "--pixels, --types, --old-qn and --without are for --zcatalog v2"
            )
        if production.is_second_format:
            production = replace(production, redshift="patch/v1")
        return production, None
    known = optional_columns(load_layouts())
    by_capitals = {name.upper(): name for name in known}
    for name in without:
        if name.upper() not in by_capitals:
            raise click.UsageError(f"no optional column is called {name}: {', '.join(known)}")
    if not production.is_second_format:
        production = replace(production, redshift="patch/v2")
    return production, variant_of(
        production,
        pixels=pixels,
        wide=None if types is None else types == "wide",
        old_qn=old_qn,
        without=[by_capitals[name.upper()] for name in without],
    )


def _table(written: Iterable[Written]) -> Iterator[str]:
    """Yield what was written, kind by kind: files, rows, MB."""
    kinds = {path: path.name.split("-")[0] for path, _, _ in written}
    files = Counter(kinds.values())
    rows: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for path, _, n in written:
        rows[kinds[path]] += n
    for path, kind in kinds.items():
        size[kind] += path.stat().st_size
    line = "{:<12} {:>6} {:>12} {:>10}"
    yield line.format("kind", "files", "rows", "MB")
    for kind in sorted(files):
        yield line.format(kind, files[kind], f"{rows[kind]:,}", f"{size[kind] / 1e6:,.1f}")
    yield line.format("all", files.total(), f"{rows.total():,}", f"{size.total() / 1e6:,.1f}")
