"""The sky that tiles cover, as a Multi-Order Coverage map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from specprod_copy.atomic_files import written
from specprod_copy.errors import ConfigurationError, DatabaseError
from specprod_copy.report.spectra import Tile

TILE_RADIUS: Final = 1.628
"""Radius of a tile [deg]: desimodel's ``get_tile_radius_deg``."""

_DEPTH: Final = 10
"""Cells of the finest level are 3.4' wide."""


def write_moc(path: Path, tiles: Sequence[Tile]) -> float:
    """Write the coverage of tiles as a FITS file that Aladin and others read.

    Parameters
    ----------
    path : pathlib.Path
        An older file of this name is replaced.
    tiles : sequence of Tile

    Returns
    -------
    float
        Area [deg²].

    Raises
    ------
    ConfigurationError
        If mocpy is not installed.
    DatabaseError
        If there are no tiles.
    InputError
        If the file cannot be written.
    """
    try:
        from mocpy import MOC
    except ImportError as error:
        raise ConfigurationError(
            "a coverage map needs mocpy, which is not installed: "
            "pip install 'specprod-copy[report]'"
        ) from error
    from astropy.coordinates import Latitude, Longitude

    if not tiles:
        raise DatabaseError("there are no tiles whose coverage could be written")
    moc = MOC.from_cones(
        lon=Longitude([tile.ra for tile in tiles], unit="deg"),
        lat=Latitude([tile.dec for tile in tiles], unit="deg"),
        radius=TILE_RADIUS * Longitude(1, unit="deg"),
        max_depth=_DEPTH,
        union_strategy="small_cones",
    )
    with written(path, overwrite=True) as new:
        moc.save(new, format="fits", overwrite=True)
    return float(moc.sky_fraction * 41252.96125)
