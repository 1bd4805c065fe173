"""Does CLUSTER help where rows come in sorted on the sky, and where they do not?

    python scripts/sky_order.py --embedded DIR --markdown FILE

Fills the tables photometry and fiberassign several times with the same made-up rows, each time in
another order, gives them their q3c index and counts the pages that searches in cones read. What
the rows are is described in `sky_ordering/rows.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from sky_ordering.filling import CASES, SCHEMA, Case
from sky_ordering.filling import make as make_table
from sky_ordering.rows import Sky, fiberassign, photometry, targets
from sky_ordering.searching import PLANNER, RADII, search
from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.connection import ServerOptions
from specprod_copy.postgres.connection import connect


def table_of(rows: Sky, cases: Sequence[Case]) -> list[str]:
    """Return the results as a Markdown table."""
    head = ["order", "sort [CPU s]", "COPY [s]", "q3c index [s]", "CLUSTER [s]"]
    for radius in RADII:
        head += [f"{radius}: heap pages", "index pages", "ms"]
    lines = [f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(head) - 1)]
    for case in cases:
        cells = [case.name]
        cells += [
            f"{case.seconds[key]:.2f}" if case.seconds.get(key, 0) >= 0.01 else ""
            for key in ("sort", "copy", "q3c", "cluster")
        ]
        for radius in RADII:
            cells += [
                f"{case.heap[radius]:,.1f}",
                f"{case.index[radius]:,.1f}",
                f"{case.ms[radius]:,.2f}",
            ]
        lines.append(f"| {' | '.join(cells)} |")
    first = cases[0]
    found = ", ".join(f"{first.found[radius]:,.1f} within {radius}" for radius in RADII)
    lines += [
        "",
        f"{rows.table}: {len(rows.ra):,} rows of {len(rows.files):,} files, "
        f"{first.megabytes:,.0f} MB; rows per search: {found}.",
    ]
    return lines


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--targets", "number", type=click.IntRange(10_000), default=1_000_000)
@click.option("--searches", type=click.IntRange(1), default=50, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), help="Write it here.")
@options_of(ServerOptions)
def main(number: int, searches: int, seed: int, markdown: Path | None, **server: Any) -> None:
    """Count the pages that searches on the sky read, for rows in several orders."""
    rng = np.random.default_rng(seed)
    ra, dec = targets(rng, number)
    # Not closer to the border than the largest radius.
    inner = (ra > ra.min() + 1.3) & (ra < ra.max() - 1.3) & (np.abs(dec - 30) < 3.9)
    around = rng.choice(np.flatnonzero(inner), searches, replace=False)
    centres = np.stack([ra[around], dec[around]], axis=1)
    text: list[str] = []
    with connect(make(ServerOptions, server).to_write(lambda _: None)) as connection:
        for name, value in PLANNER.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        for rows in (photometry(rng, ra, dec), fiberassign(rng, ra, dec)):
            cases = [Case(name) for name in CASES]
            for case in cases:
                make_table(connection, rows, case)
                search(connection, rows, case, centres, warm=True)
                click.echo(f"{rows.table}, {case.name}: done", err=True)
            text += [f"### {rows.table}", "", *table_of(rows, cases), ""]
        connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE".encode())
    click.echo("\n".join(text))
    if markdown is not None:
        markdown.write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
