"""``specprod-copy demo``: a synthetic production to try the loader with."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from specprod_copy.cli.options import chosen_production
from specprod_copy.cli.text import say
from specprod_copy.demo.fitsfile import Written
from specprod_copy.demo.writing import MOST_TARGETS, SEED, TARGETS, TILES, write_production


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "-p",
    "--specprod",
    default="fuji",
    show_default=True,
    help="Production to imitate: fuji, guadalupe, iron, jura, kibo, loa, daily, or your own.",
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
@click.option("--overwrite", is_flag=True, help="Replace what an earlier demo wrote in DIR.")
def demo(
    directory: Path,
    specprod: str,
    config: Path | None,
    tiles: int,
    targets: int,
    seed: int,
    per_survey: bool,
    overwrite: bool,
) -> None:
    """Write a synthetic production into DIR, in the public file formats.

    Names, layouts and widths of the files are those of the real production, and what it guarantees
    holds: the files load with all keys and foreign keys. The values are made up. The same options
    give the same bytes.

    \b
      specprod-copy demo demo                        30 MB in a second
      specprod-copy demo demo --specprod daily
      specprod-copy demo big --specprod iron --tiles 400 --targets 20000
    """
    production = chosen_production(specprod, config)
    with click.progressbar(length=tiles, label=f"Writing {specprod}", file=sys.stderr) as bar:
        written = write_production(
            directory,
            production,
            tiles=tiles,
            targets=targets,
            seed=seed,
            overwrite=overwrite,
            per_survey=per_survey,
            progress=lambda done, of: bar.update(tiles * done // of - bar.pos),
        )
    for line in _table(written):
        say(line)
    say(f"Load it: specprod-copy load all --specprod {specprod} --root {directory}")


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
