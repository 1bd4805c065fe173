"""The observing plan: which tiles a production has, where they lie, when they were observed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from specprod_copy.demo import sky
from specprod_copy.desi.programs import catalog_program
from specprod_copy.errors import ConfigurationError

#: Surveys and programs of the tiles that share a field. The first field is used once, it holds the
#: only commissioning tile; the others take turns.
PLANS = {
    "fuji": (
        ("cmx/other", "sv1/dark", "sv3/dark", "sv3/dark"),
        ("sv1/dark", "sv1/bright", "sv3/bright", "sv3/dark"),
        ("sv2/dark", "sv2/bright", "sv3/bright", "sv3/backup"),
        ("sv1/other", "sv1/backup", "special/dark", "sv3/dark"),
        ("sv3/bright", "sv3/dark", "sv3/dark", "sv1/dark"),
    ),
    "guadalupe": (
        ("main/dark", "main/dark", "main/bright", "special/dark"),
        ("main/bright", "main/bright", "main/dark", "special/bright"),
        ("main/dark", "main/dark", "main/bright", "main/bright"),
    ),
    "matterhorn": (
        ("cmx/other", "sv1/dark", "sv3/dark", "main/dark"),
        ("main/dark", "main/dark1b", "main/bright", "sv3/bright"),
        ("sv1/bright", "sv2/dark", "main/bright", "special/dark"),
        ("main/dark", "main/dark", "main/dark1b", "main/bright"),
        ("main/bright", "main/backup", "main/dark1b", "special/other"),
    ),
}
#: Plan of all other productions.
WHOLE_SURVEY = (
    ("cmx/other", "sv1/dark", "sv3/dark", "main/dark"),
    ("main/dark", "main/dark", "main/bright", "sv3/bright"),
    ("sv1/bright", "sv2/dark", "main/bright", "special/other"),
    ("main/dark", "main/dark", "main/dark", "main/bright"),
    ("main/bright", "main/backup", "main/dark", "special/dark"),
    ("main/dark", "main/dark", "main/bright", "main/bright"),
)

#: Tile numbers of each survey: the first one and the first one that is too many.
TILE_NUMBERS = {
    "cmx": (80615, 80616),
    "special": (82000, 84000),
    "sv1": (80616, 81000),
    "sv2": (81000, 82000),
    "sv3": (1, 1000),
    "main": (1000, 60000),
}
#: First and last night of each survey.
NIGHTS = {
    "cmx": (date(2020, 12, 14), date(2020, 12, 18)),
    "special": (date(2021, 5, 20), date(2021, 6, 8)),
    "sv1": (date(2020, 12, 15), date(2021, 4, 2)),
    "sv2": (date(2021, 3, 6), date(2021, 3, 30)),
    "sv3": (date(2021, 4, 5), date(2021, 6, 8)),
    "main": (date(2021, 5, 14), date(2024, 4, 5)),
}
#: Last night of ``main`` in the productions made before the survey was over.
MAIN_ENDS = {"guadalupe": date(2021, 7, 8), "iron": date(2022, 6, 12)}

#: FAPRGRM, FAFLAVOR, typical exposure time (s) and effective time that is aimed at (s).
FLAVORS = {
    "cmx/other": ("m33", "cmxm33", 900.0, 1000.0),
    "special/dark": ("dark", "specialdark", 900.0, 1000.0),
    "special/bright": ("bright", "specialbright", 300.0, 180.0),
    "special/other": ("mostar", "specialmostar", 300.0, 300.0),
    "sv1/dark": ("lrgqso", "sv1lrgqso", 900.0, 4000.0),
    "sv1/bright": ("bgsmws", "sv1bgsmws", 300.0, 600.0),
    "sv1/backup": ("backup1", "sv1backup1", 150.0, 120.0),
    "sv1/other": ("dc3r2", "sv1dc3r2", 1200.0, 1000.0),
    "sv2/dark": ("dark", "sv2dark", 900.0, 1000.0),
    "sv2/bright": ("bright", "sv2bright", 300.0, 150.0),
    "sv3/dark": ("dark", "sv3dark", 1000.0, 1200.0),
    "sv3/bright": ("bright", "sv3bright", 290.0, 220.0),
    "sv3/backup": ("backup", "sv3backup", 150.0, 60.0),
    "main/dark": ("dark", "maindark", 1000.0, 1000.0),
    "main/dark1b": ("dark1b", "maindark1b", 1000.0, 1000.0),
    "main/bright": ("bright", "mainbright", 250.0, 180.0),
    "main/backup": ("backup", "mainbackup", 150.0, 60.0),
}

MJD_OF_ORDINAL_0 = -678576
PETALS = 10


@dataclass(frozen=True)
class Exposure:
    """One exposure of a tile. Times in seconds; EXPID is given when all are known."""

    night: int
    mjd: float
    exptime: float
    efftime: float
    expid: int = 0


@dataclass(frozen=True)
class PlannedTile:
    """A pointing of the telescope with its exposures, in the order of time.

    ``petals`` are the spectrographs that worked.
    """

    tileid: int
    survey: str
    program: str
    ra: float
    dec: float
    exposures: tuple[Exposure, ...]
    petals: tuple[int, ...]

    @property
    def flavor(self) -> tuple[str, str, float, float]:
        """FAPRGRM, FAFLAVOR, exposure time and goal."""
        return FLAVORS[f"{self.survey}/{self.program}"]

    @property
    def catalog_program(self) -> str:
        """The program under which redshift catalogs have its spectra."""
        return catalog_program(self.program)

    @property
    def efftime(self) -> float:
        """EFFTIME_SPEC: sum over the exposures, in tenths of a second."""
        return round(sum(e.efftime for e in self.exposures), 1)

    @property
    def firstnight(self) -> int:
        """First night of all exposures."""
        return min(e.night for e in self.exposures)

    @property
    def lastnight(self) -> int:
        """Last night with an effective exposure, or just the last one if there is none."""
        return max(
            [e.night for e in self.exposures if e.efftime > 0] or [e.night for e in self.exposures]
        )


@dataclass(frozen=True)
class Field:
    """A place on the sky with the tiles that overlap there; fields have no target in common."""

    number: int
    ra: float
    dec: float
    tiles: tuple[PlannedTile, ...]


def make_plan(specprod: str, tiles: int, rng: np.random.Generator) -> list[Field]:
    """Plan the tiles of a production, field by field."""
    centres = sky.fields(rng)
    numbers = {survey: iter(range(*limits)) for survey, limits in TILE_NUMBERS.items()}
    planned: list[Field] = []
    for number, kinds in enumerate(_kinds_by_field(specprod, tiles)):
        if number == len(centres):
            raise ConfigurationError(f"the sky has room for {4 * number} tiles, not for {tiles}")
        ra, dec = centres[number].tolist()
        on_field = tuple(_tile(kind, ra, dec, numbers, specprod, rng) for kind in kinds)
        planned.append(Field(number, ra, dec, on_field))
    return _with_expids(planned, rng)


def _kinds_by_field(specprod: str, tiles: int) -> Iterator[tuple[str, ...]]:
    first, *others = PLANS.get(specprod, WHOLE_SURVEY)
    field = 0
    while tiles > 0:
        kinds = first if field == 0 else others[(field - 1) % len(others)]
        yield kinds[:tiles]
        tiles -= len(kinds)
        field += 1


def _tile(
    kind: str,
    ra: float,
    dec: float,
    numbers: dict[str, Iterator[int]],
    specprod: str,
    rng: np.random.Generator,
) -> PlannedTile:
    survey, program = kind.split("/")
    tileid = next(numbers[survey], None)
    if tileid is None:
        raise ConfigurationError(f"no more tile numbers for survey {survey}: ask for fewer tiles")
    ras, decs = sky.around(rng, ra, dec, sky.DITHER, 1)
    # Now and then a spectrograph is out of order.
    dead = int(rng.integers(PETALS)) if rng.random() < 0.15 else None
    # The daily pipeline also lists tiles whose exposures all failed.
    failed = specprod == "daily" and tileid % 8 == 7
    return PlannedTile(
        tileid=tileid,
        survey=survey,
        program=program,
        ra=round(float(ras[0]), 3) % 360,
        dec=round(float(decs[0]), 3),
        exposures=_exposures(kind, specprod, failed, rng),
        petals=tuple(p for p in range(PETALS) if p != dead),
    )


def _exposures(
    kind: str, specprod: str, failed: bool, rng: np.random.Generator
) -> tuple[Exposure, ...]:
    survey = kind.split("/")[0]
    start, end = NIGHTS[survey]
    if survey == "main":
        end = MAIN_ENDS.get(specprod, end)
    typical, goal = FLAVORS[kind][2:]
    number = int(rng.integers(1, 5))
    first = start + timedelta(days=int(rng.integers((end - start).days)))
    nights = sorted(first + timedelta(days=int(d)) for d in rng.integers(0, 2, number))
    hours = rng.uniform(2.5, 9.5) + 0.5 * np.arange(number)
    exposures = []
    for night, hour in zip(nights, hours.tolist(), strict=True):
        exptime = round(typical * rng.uniform(0.8, 1.4), 1)
        efftime = round(goal / number * rng.uniform(0.9, 1.3), 1)
        mjd = night.toordinal() + MJD_OF_ORDINAL_0 + 1 + hour / 24
        night_number = int(night.strftime("%Y%m%d"))
        exposures.append(Exposure(night_number, mjd, exptime, 0.0 if failed else efftime))
    return tuple(exposures)


def _with_expids(fields: list[Field], rng: np.random.Generator) -> list[Field]:
    """Give numbers to exposures in the order of time, with gaps as calibrations leave them."""
    in_time = sorted(e.mjd for field in fields for tile in field.tiles for e in tile.exposures)
    numbers = 67000 + np.cumsum(rng.integers(1, 20, len(in_time)))
    expids = dict(zip(in_time, numbers.tolist(), strict=True))

    def numbered(tile: PlannedTile) -> PlannedTile:
        return replace(
            tile, exposures=tuple(replace(e, expid=expids[e.mjd]) for e in tile.exposures)
        )

    return [replace(field, tiles=tuple(map(numbered, field.tiles))) for field in fields]
