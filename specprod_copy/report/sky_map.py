"""Tiles and spectra on the sky."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from specprod_copy.report.drawing import Picture, Theme, color_of, drawn, ordered
from specprod_copy.report.spectra import DEC_CELLS, RA_CELLS, Spectra, Tile

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

_CENTRE: Final = 120
"""Right ascension in the middle of the sky map [deg]: DESI's two areas are whole then."""


def sky_map(tiles: Sequence[Tile], seen: Spectra | None) -> Picture:
    """Draw tiles, spectra and the Galactic plane."""

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
        for program in ordered(tile.program for tile in tiles):
            of_program = [tile for tile in tiles if tile.program == program]
            axes.plot(
                *_on_map([tile.ra for tile in of_program], [tile.dec for tile in of_program]),
                linestyle="",
                marker="o",
                markersize=4,
                markerfacecolor="none",
                markeredgewidth=0.6,
                color=color_of(program),
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
    return drawn("Sky", alt, draw, size=(9.5, 5.2))


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
