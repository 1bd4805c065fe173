"""The pictures of a report: redshifts, nights and the load; the sky is in `sky_map`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from specprod_copy.errors import ConfigurationError
from specprod_copy.report.contents import Contents
from specprod_copy.report.drawing import COLORS, MORE_COLORS, Picture, Theme, drawn, ordered
from specprod_copy.report.ledger_summary import LoadTime
from specprod_copy.report.sky_map import sky_map
from specprod_copy.report.spectra import REDSHIFT_BINS, Nights, Spectra

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_LINES: Final = 8
"""So many surveys and programs have a line of their own."""


def pictures(contents: Contents) -> list[Picture]:
    """Draw what there is to be seen of a schema.

    Raises
    ------
    ConfigurationError
        If matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise ConfigurationError(
            "a report needs matplotlib, which is not installed: pip install 'specprod-copy[report]'"
        ) from error
    mpl.use("agg")
    made = []
    seen = contents.spectra
    if contents.tiles or seen is not None:
        made.append(sky_map(contents.tiles, seen))
    if seen is not None and seen.redshifts.height:
        made.append(_redshifts(seen))
    if contents.nights is not None and contents.nights.exposures.height:
        made.append(_nights(contents.nights))
    if contents.load_times:
        made.append(_timeline(contents.load_times))
    return made


def _redshifts(seen: Spectra) -> Picture:
    by_type = _histograms(seen.redshifts, "spectype")
    galaxies = seen.redshifts.filter(pl.col("spectype") != "STAR").with_columns(
        of=pl.col("survey") + " " + pl.col("program")
    )
    totals = galaxies.group_by("of").agg(pl.col("spectra").sum()).sort("spectra", descending=True)
    shown = totals["of"].head(_MOST_LINES).to_list()
    of = pl.when(pl.col("of").is_in(shown)).then("of").otherwise(pl.lit("all others"))
    by_program = _histograms(galaxies.with_columns(of), "of")

    def draw(figure: Figure, theme: Theme) -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        for axes, lines in ((left, by_type), (right, by_program)):
            for number, (name, (z, counts)) in enumerate(lines.items()):
                label = f"{name} ({int(counts.sum()):,})"
                color = COLORS.get(name, MORE_COLORS[number % len(MORE_COLORS)])
                axes.step(z, counts, where="post", color=color, label=label, linewidth=1.4)
            axes.set_yscale("log")
            axes.set_xlabel("redshift")
            axes.legend(frameon=False, fontsize=8)
        left.set_ylabel(f"spectra per {1 / REDSHIFT_BINS:g}")
        left.set_title("by spectral type", fontsize=10)
        right.set_title("galaxies and quasars by survey and program", fontsize=10)

    parts = [f"{int(counts.sum()):,} {name}" for name, (_, counts) in by_type.items()]
    alt = f"Histograms of redshift: {', '.join(parts)} with ZWARN 0 in {seen.table}."
    return drawn("Redshifts", alt, draw, size=(9.5, 3.8))


def _nights(nights: Nights) -> Picture:
    panels: list[tuple[str, pl.DataFrame, str, str]] = [
        ("exposures", nights.exposures, "program", "exposures"),
        (
            "effective time [h]",
            nights.exposures.with_columns(hours=pl.col("efftime") / 3600),
            "program",
            "hours",
        ),
    ]
    if nights.spectra is not None and nights.spectra.height:
        panels.append(("rows of ztile", nights.spectra, "survey", "spectra"))

    def draw(figure: Figure, theme: Theme) -> None:
        for axes, (label, frame, group, value) in zip(
            np.atleast_1d(figure.subplots(len(panels), 1, sharex=True)), panels, strict=True
        ):
            below = dict.fromkeys(frame["night"], 0.0)
            for number, name in enumerate(ordered(frame[group])):
                rows = frame.filter(pl.col(group) == name)
                heights = dict(zip(rows["night"], rows[value], strict=True))
                color = COLORS.get(name, MORE_COLORS[number % len(MORE_COLORS)])
                axes.bar(
                    list(heights),
                    list(heights.values()),
                    width=1.0,
                    bottom=[below[night] for night in heights],
                    color=color,
                    label=name,
                )
                for night, height in heights.items():
                    below[night] += height
            axes.set_ylabel(label)
            axes.legend(frameon=False, fontsize=8, ncols=2, loc="upper left")
        figure.autofmt_xdate()

    observed = nights.exposures["night"].unique().sort().to_list()
    alt = (
        f"{int(nights.exposures['exposures'].sum()):,} exposures in {len(observed):,} nights "
        f"from {observed[0]} to {observed[-1]}, with "
        f"{nights.exposures['efftime'].sum() / 3600:,.1f} hours of effective time."
    )
    return drawn("Nights", alt, draw, size=(9.5, 1.9 * len(panels) + 0.4))


def _timeline(load_times: Sequence[LoadTime]) -> Picture:
    tables = list(dict.fromkeys(one.table for one in load_times))
    first, last = min(one.start for one in load_times), max(one.end for one in load_times)
    seconds = (last - first).total_seconds()
    scale, unit = next(
        (
            (scale, unit)
            for scale, unit in ((86400, "d"), (3600, "h"), (60, "min"))
            if seconds > scale
        ),
        (1, "s"),
    )

    def draw(figure: Figure, theme: Theme) -> None:
        above, below = figure.subplots(
            2, 1, sharex=True, height_ratios=[2, max(1.0, 0.25 * len(tables))]
        )
        edges = sorted({one.start for one in load_times})
        base = dict.fromkeys(edges, 0.0)
        for number, table in enumerate(tables):
            color = MORE_COLORS[number % len(MORE_COLORS)]
            mine = [one for one in load_times if one.table == table]
            starts = [(one.start - first).total_seconds() / scale for one in mine]
            widths = [(one.end - one.start).total_seconds() / scale for one in mine]
            rates = [one.rows / (one.end - one.start).total_seconds() for one in mine]
            bottoms = [base[one.start] for one in mine]
            above.bar(starts, rates, widths, bottom=bottoms, align="edge", color=color)
            below.barh([number] * len(mine), widths, left=starts, color=color, height=0.8)
            for one, rate in zip(mine, rates, strict=True):
                base[one.start] += rate
        above.set_ylabel("rows/s")
        above.yaxis.set_major_formatter("{x:,.0f}")
        below.set_yticks(range(len(tables)), tables)
        below.invert_yaxis()
        below.set_xlabel(f"time since the load began [{unit}]")

    rows = round(sum(one.rows for one in load_times))
    alt = (
        f"Rows per second while {rows:,} rows of {len(tables)} tables were loaded, in "
        f"{seconds / scale:,.1f} {unit}; below, when each table received rows."
    )
    return drawn("Load", alt, draw, size=(9.5, 2.6 + 0.28 * len(tables)))


def _histograms(redshifts: pl.DataFrame, group: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return edges of bins and spectra in them, empty bins included, for each value of a column."""
    lines = {}
    for name in ordered(redshifts[group]):
        rows = redshifts.filter(pl.col(group) == name)
        numbers = (rows["z"] * REDSHIFT_BINS).round().cast(pl.Int64).to_numpy()
        first = numbers.min()
        counts = np.bincount(numbers - first, weights=rows["spectra"].to_numpy(), minlength=1)
        z = np.arange(first, first + len(counts) + 1) / REDSHIFT_BINS
        lines[name] = z, np.append(counts, 0)
    return lines
