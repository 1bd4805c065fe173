"""The tables of tiles, exposures and frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from specprod_copy.demo.layouts import Array, Columns, Layout, RowValues
from specprod_copy.demo.plan import Exposure, PlannedTile

ARMS = "brz"
#: Squared signal to noise per 1000 s of effective time in the arms b, r and z: rough values for
#: dark time.
TSNR2 = {
    "GPBDARK": (76.0, 10500.0, 1.2e-5),
    "ELG": (0.07, 24.0, 103.0),
    "GPBBRIGHT": (15.0, 2000.0, 2.4e-6),
    "LYA": (50.0, 0.066, 0.0),
    "BGS": (405.0, 2400.0, 4520.0),
    "GPBBACKUP": (131.0, 15600.0, 2.0e-5),
    "QSO": (1.9, 7.3, 21.0),
    "LRG": (0.77, 34.0, 45.5),
}
#: Ranges of the quantities that were measured on site or by the guide cameras (GFA).
CONDITIONS = {
    "AIRMASS": (1.0, 1.8),
    "EBV": (0.01, 0.12),
    "SEEING_ETC": (0.7, 1.9),
    "TRANSPARENCY_GFA": (0.6, 1.05),
    "SEEING_GFA": (0.7, 1.9),
    "FIBER_FRACFLUX_GFA": (0.35, 0.65),
    "FIBER_FRACFLUX_ELG_GFA": (0.28, 0.48),
    "FIBER_FRACFLUX_BGS_GFA": (0.15, 0.21),
    "FIBERFAC_GFA": (0.4, 1.2),
    "FIBERFAC_ELG_GFA": (0.4, 1.2),
    "FIBERFAC_BGS_GFA": (0.4, 1.2),
    "SKY_MAG_AB_GFA": (19.0, 21.3),
    "SKY_MAG_G_SPEC": (20.5, 22.4),
    "SKY_MAG_R_SPEC": (19.9, 21.4),
    "SKY_MAG_Z_SPEC": (18.5, 19.8),
}
#: What scatters about the effective time: column of the exposure, column of the tile.
EFFECTIVE = (
    "EFFTIME_ETC",
    "EFFTIME_GFA",
    "EFFTIME_DARK_GFA",
    "EFFTIME_BRIGHT_GFA",
    "EFFTIME_BACKUP_GFA",
    "LRG_EFFTIME_DARK",
    "ELG_EFFTIME_DARK",
    "BGS_EFFTIME_BRIGHT",
    "LYA_EFFTIME_DARK",
    "GPB_EFFTIME_DARK",
    "GPB_EFFTIME_BRIGHT",
    "GPB_EFFTIME_BACKUP",
)
TILE_EFFECTIVE = (
    "EFFTIME_ETC",
    "EFFTIME_GFA",
    "LRG_EFFTIME_DARK",
    "ELG_EFFTIME_DARK",
    "BGS_EFFTIME_BRIGHT",
    "LYA_EFFTIME_DARK",
)
#: Local time of the observatory, which is not shifted in summer.
ARIZONA = timezone(timedelta(hours=-7))


def _of_tiles(tiles: Sequence[PlannedTile]) -> dict[str, Array]:
    """Return the columns that tiles, exposures and frames share."""
    return {
        "TILEID": np.array([t.tileid for t in tiles]),
        "SURVEY": np.array([t.survey for t in tiles], "S"),
        "PROGRAM": np.array([t.program for t in tiles], "S"),
        "FAPRGRM": np.array([t.flavor[0] for t in tiles], "S"),
        "FAFLAVOR": np.array([t.flavor[1] for t in tiles], "S"),
        "TILERA": np.array([t.ra for t in tiles]),
        "TILEDEC": np.array([t.dec for t in tiles]),
        "GOALTIME": np.array([t.flavor[3] for t in tiles]),
        "GOALTYPE": np.array([t.program for t in tiles], "S"),
        "MINTFRAC": np.array([0.85 if t.survey == "main" else 0.9 for t in tiles]),
    }


def tile_columns(
    tiles: Sequence[PlannedTile], *, gaps: int | None, rng: np.random.Generator
) -> Columns:
    """Return the columns of the tiles table; `gaps` leaves some NaN, see `writing.GAPS`."""
    efftime = np.array([t.efftime for t in tiles])
    goal = np.array([t.flavor[3] for t in tiles])
    measured = {
        name: np.round(efftime * rng.uniform(0.8, 1.2, len(tiles)), 1) for name in TILE_EFFECTIVE
    }
    if gaps is not None:
        measured["EFFTIME_GFA"][[tile.tileid % 5 == gaps for tile in tiles]] = np.nan
    done = datetime.fromisoformat
    return {
        **_of_tiles(tiles),
        **measured,
        "NEXP": np.array([len(t.exposures) for t in tiles]),
        "EXPTIME": np.round([sum(e.exptime for e in t.exposures) for t in tiles], 1),
        "EFFTIME_SPEC": efftime,
        "OBSSTATUS": np.where(efftime >= 0.85 * goal, b"obsend", b"obsstart"),
        "LASTNIGHT": np.array([t.lastnight for t in tiles]),
        "UPDATED": np.array(
            [
                (done(str(t.lastnight)) + timedelta(days=1, hours=9))
                .replace(tzinfo=ARIZONA)
                .strftime("%Y-%m-%dT%H:%M:%S%z")
                for t in tiles
            ],
            "S",
        ),
    }


def exposure_columns(
    taken: Sequence[tuple[PlannedTile, Exposure]], *, gaps: int | None, rng: np.random.Generator
) -> dict[str, Any]:
    """Return the columns of the exposures table; `gaps` as for tiles."""
    n = len(taken)
    efftime = np.array([e.efftime for _, e in taken])
    columns: dict[str, Any] = {
        **_of_tiles([tile for tile, _ in taken]),
        **{name: rng.uniform(*limits, n) for name, limits in CONDITIONS.items()},
        **{name: efftime * rng.uniform(0.8, 1.2, n) for name in EFFECTIVE},
        **{
            f"TSNR2_{name}": sum(arms) * efftime / 1000 * rng.uniform(0.9, 1.1, n)
            for name, arms in TSNR2.items()
        },
        "NIGHT": np.array([e.night for _, e in taken]),
        "EXPID": np.array([e.expid for _, e in taken]),
        "MJD": np.array([e.mjd for _, e in taken]),
        "EXPTIME": np.array([e.exptime for _, e in taken]),
        "EFFTIME_SPEC": efftime,
    }
    columns["AIRMASS_GFA"] = columns["AIRMASS"] + 0.01
    if gaps is not None:
        for name in CONDITIONS:
            if name.endswith("_GFA"):
                columns[name][3::7] = np.nan
    return columns


def frame_columns(
    taken: Sequence[tuple[PlannedTile, Exposure]], exposures: Columns, rng: np.random.Generator
) -> tuple[Columns, int]:
    """Return the columns of the frames table: the cameras that worked, exposure by exposure."""
    cameras = [
        (row, arm, petal)
        for row, (tile, _) in enumerate(taken)
        for arm in range(3)
        for petal in tile.petals
        if (row + 3 * petal + arm) % 97  # a camera fails now and then
    ]
    row, arm, _ = np.array(cameras).T
    efftime = exposures["EFFTIME_SPEC"][row] / 1000 * rng.uniform(0.9, 1.1, len(row))
    own = {
        "CAMERA": np.array([f"{ARMS[a]}{p}" for _, a, p in cameras], "S"),
        **{f"TSNR2_{name}": np.array(arms)[arm] * efftime for name, arms in TSNR2.items()},
        "TSNR2_ALPHA": rng.uniform(0.7, 1.1, len(row)),
    }
    shared = RowValues(exposures, row)
    return {**shared, **own}, len(row)


def csv_lines(layout: Layout, records: Array) -> Iterator[str]:
    """Yield a table as comma-separated values, after a line of column names."""
    yield ",".join(column.name for column in layout.columns)
    values = [
        (array.astype("U") if array.dtype.kind == "S" else array).tolist()
        for array in (records[column.name] for column in layout.columns)
    ]
    for row in zip(*values, strict=True):
        yield ",".join(map(str, row))
