"""The pictures of a report, each drawn for light and for dark pages."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from specprod_copy.errors import ConfigurationError
from specprod_copy.report.contents import Contents
from specprod_copy.report.ledger_summary import LoadTime
from specprod_copy.report.spectra import DEC_CELLS, RA_CELLS, REDSHIFT_BINS, Nights, Spectra, Tile

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

_DPI: Final = 130

_MOST_LINES: Final = 8
"""So many surveys and programs have a line of their own."""

_CENTRE: Final = 120
"""Right ascension in the middle of the sky map [deg]: DESI's two areas are whole then."""

_COLORS: Final = {
    "dark": "#4477cc",
    "bright": "#e07b2c",
    "backup": "#3f9a56",
    "other": "#b0569b",
    "GALAXY": "#4477cc",
    "QSO": "#e07b2c",
    "STAR": "#3f9a56",
}
_MORE_COLORS: Final = ("#4477cc", "#e07b2c", "#3f9a56", "#b0569b", "#8a7a2e", "#5ba4b5", "#c2484f")


@dataclass(frozen=True)
class Theme:
    """Colors that fit a page."""

    name: str
    ink: str
    faint: str
    density: str
    """Name of matplotlib's colors for counts."""


THEMES: Final = (
    Theme("light", ink="#1f2328", faint="#8c959f", density="Purples"),
    Theme("dark", ink="#e6edf3", faint="#6e7681", density="magma"),
)


@dataclass(frozen=True)
class Picture:
    """A picture, and what it shows in words."""

    title: str
    alt: str
    images: dict[str, bytes]
    """PNG by the name of a theme."""


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
    drawn = []
    seen = contents.spectra
    if contents.tiles or seen is not None:
        drawn.append(_sky_map(contents.tiles, seen))
    if seen is not None and seen.redshifts.height:
        drawn.append(_redshifts(seen))
    if contents.nights is not None and contents.nights.exposures.height:
        drawn.append(_nights(contents.nights))
    if contents.load_times:
        drawn.append(_timeline(contents.load_times))
    return drawn


def _sky_map(tiles: Sequence[Tile], seen: Spectra | None) -> Picture:
    def draw(figure: Figure, theme: Theme) -> None:
        axes: Any = figure.add_subplot(projection="mollweide")
        if seen is not None and seen.sky.any():
            counts = np.ma.masked_equal(_from_left(seen.sky), 0)
            mesh = axes.pcolormesh(
                np.linspace(-np.pi, np.pi, RA_CELLS + 1),
                np.arcsin(np.linspace(-1, 1, DEC_CELLS + 1)),
                counts,
                norm="log",
                cmap=theme.density,
                rasterized=True,
            )
            bar = figure.colorbar(mesh, shrink=0.6, pad=0.03, label="spectra per cell of 0.6 deg²")
            bar.outline.set_visible(False)
        for program in _ordered(tile.program for tile in tiles):
            of_program = [tile for tile in tiles if tile.program == program]
            axes.plot(
                *_on_map([tile.ra for tile in of_program], [tile.dec for tile in of_program]),
                linestyle="",
                marker="o",
                markersize=4,
                markerfacecolor="none",
                markeredgewidth=0.6,
                color=_color(program),
                alpha=0.8,
                label=f"{program}: {len(of_program):,} tiles",
            )
        axes.plot(*_on_map(*_galactic_plane()), ".", markersize=1.5, color=theme.faint)
        axes.set_xticks(np.radians([-120, -60, 0, 60, 120]))
        axes.set_xticklabels([f"{(_CENTRE - x) % 360}°" for x in (-120, -60, 0, 60, 120)])
        axes.grid(color=theme.faint, linewidth=0.4, alpha=0.6)
        axes.plot([], [], ".", markersize=4, color=theme.faint, label="Galactic plane")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.05), ncols=4, frameon=False)

    words = [f"{len(tiles):,} tiles"] if tiles else []
    if seen is not None:
        words.append(f"{int(seen.sky.sum()):,} spectra")
    decs = [tile.dec for tile in tiles]
    span = f" Tiles lie between declinations {min(decs):.1f}° and {max(decs):.1f}°." if decs else ""
    alt = f"Mollweide map of the sky with {' and '.join(words)}, and the Galactic plane.{span}"
    return _drawn("Sky", alt, draw, size=(9.5, 5.2))


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
                color = _COLORS.get(name, _MORE_COLORS[number % len(_MORE_COLORS)])
                axes.step(z, counts, where="post", color=color, label=label, linewidth=1.4)
            axes.set_yscale("log")
            axes.set_xlabel("redshift")
            axes.legend(frameon=False, fontsize=8)
        left.set_ylabel(f"spectra per {1 / REDSHIFT_BINS:g}")
        left.set_title("by spectral type", fontsize=10)
        right.set_title("galaxies and quasars by survey and program", fontsize=10)

    parts = [f"{int(counts.sum()):,} {name}" for name, (_, counts) in by_type.items()]
    alt = f"Histograms of redshift: {', '.join(parts)} with ZWARN 0 in {seen.table}."
    return _drawn("Redshifts", alt, draw, size=(9.5, 3.8))


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
            for number, name in enumerate(_ordered(frame[group])):
                rows = frame.filter(pl.col(group) == name)
                heights = dict(zip(rows["night"], rows[value], strict=True))
                color = _COLORS.get(name, _MORE_COLORS[number % len(_MORE_COLORS)])
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
    return _drawn("Nights", alt, draw, size=(9.5, 1.9 * len(panels) + 0.4))


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
            color = _MORE_COLORS[number % len(_MORE_COLORS)]
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
    return _drawn("Load", alt, draw, size=(9.5, 2.6 + 0.28 * len(tables)))


def _drawn(
    title: str, alt: str, draw: Callable[[Figure, Theme], None], *, size: tuple[float, float]
) -> Picture:
    """Draw a picture in each theme, on nothing, so that the page shows through."""
    import matplotlib.pyplot as plt

    images = {}
    for theme in THEMES:
        settings: Any = {
            "text.color": theme.ink,
            "axes.labelcolor": theme.ink,
            "axes.edgecolor": theme.faint,
            "axes.titlecolor": theme.ink,
            "xtick.color": theme.ink,
            "ytick.color": theme.ink,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "font.size": 9,
            "figure.constrained_layout.use": True,
        }
        with plt.rc_context(settings):
            figure = plt.figure(figsize=size)
            try:
                draw(figure, theme)
                for axes in figure.axes:
                    axes.patch.set_alpha(0)
                content = io.BytesIO()
                figure.savefig(content, format="png", dpi=_DPI, transparent=True)
            finally:
                plt.close(figure)
        images[theme.name] = content.getvalue()
    return Picture(title, alt, images)


def _from_left(sky: np.ndarray) -> np.ndarray:
    """Return the cells in the map's order: right ascension grows to the left."""
    shift = (_CENTRE + 180) * RA_CELLS // 360
    return np.roll(sky, -shift, axis=1)[:, ::-1]


def _on_map(ra: ArrayLike, dec: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return positions [deg] as longitude and latitude of the map [rad]."""
    east = (np.asarray(ra, dtype=float) - _CENTRE + 180) % 360 - 180
    return -np.radians(east), np.radians(np.asarray(dec, dtype=float))


def _galactic_plane() -> tuple[np.ndarray, np.ndarray]:
    """Return right ascension and declination [deg] along the Galactic plane."""
    from astropy.coordinates import SkyCoord

    longitude = np.linspace(0, 360, 720, endpoint=False)
    plane = SkyCoord(l=longitude, b=np.zeros_like(longitude), unit="deg", frame="galactic").icrs
    return plane.ra.deg, plane.dec.deg


def _histograms(redshifts: pl.DataFrame, group: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return edges of bins and spectra in them, empty bins included, for each value of a column."""
    lines = {}
    for name in _ordered(redshifts[group]):
        rows = redshifts.filter(pl.col(group) == name)
        numbers = (rows["z"] * REDSHIFT_BINS).round().cast(pl.Int64).to_numpy()
        first = numbers.min()
        counts = np.bincount(numbers - first, weights=rows["spectra"].to_numpy(), minlength=1)
        z = np.arange(first, first + len(counts) + 1) / REDSHIFT_BINS
        lines[name] = z, np.append(counts, 0)
    return lines


def _ordered(names: Iterable[str]) -> list[str]:
    """Return different names, those with a color of their own first."""
    known = list(_COLORS)
    return sorted(
        set(names), key=lambda name: (known.index(name) if name in known else len(known), name)
    )


def _color(name: str) -> str:
    return _COLORS.get(name, _MORE_COLORS[-1])
