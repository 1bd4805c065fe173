"""A daily production on disk that tests may change, and the schema it is loaded into."""

from __future__ import annotations

import csv
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from astropy.io import fits
from astropy.table import Table

from specprod_copy.daily.options import SyncOptions, TileOptions
from specprod_copy.daily.run import load_tiles, sync
from specprod_copy.daily.schema import keys_of
from specprod_copy.daily.summary import TilesSummary
from specprod_copy.demo import write_production
from specprod_copy.desi.production import Production, ProductionFiles, find_production
from specprod_copy.tables import Inputs, specprod_catalogue
from support.clusters import fresh_database

REDUX = Path("spectro/redux/daily")


class Daily:
    """A daily production and a database.

    Parameters
    ----------
    root : pathlib.Path
        The data root.
    conninfo : str
    schema : str
    """

    def __init__(self, root: Path, conninfo: str, schema: str = "daily") -> None:
        self.root, self.conninfo, self.schema = root, conninfo, schema
        self.production: Production = find_production("daily")

    @property
    def inputs(self) -> Inputs:
        return Inputs(ProductionFiles(self.production, self.root))

    def tile(self, *tileids: int, **options) -> TilesSummary:
        return load_tiles(self.conninfo, self.inputs, tileids, TileOptions(self.schema, **options))

    def sync(self, **options) -> TilesSummary:
        return sync(self.conninfo, self.inputs, SyncOptions(self.schema, **options))

    def query(self, query: str, *values: object) -> list[tuple]:
        with psycopg.connect(self.conninfo) as connection:
            return connection.execute(query.replace("daily.", f"{self.schema}."), values).fetchall()

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.conninfo) as connection:
            connection.execute(statement.replace("daily.", f"{self.schema}."))

    def contents(self) -> dict[str, list[tuple]]:
        """Return all rows of all tables."""
        keys = keys_of(specprod_catalogue().definition)
        return {
            t: self.query(f"SELECT * FROM daily.{t} ORDER BY {key}") for t, (key,) in keys.items()
        }

    def places(self) -> dict[str, list[tuple]]:
        """Return where each row lies, which changes whenever it is written."""
        keys = keys_of(specprod_catalogue().definition)
        return {
            t: self.query(f"SELECT ctid, {key} FROM daily.{t} ORDER BY 2")
            for t, (key,) in keys.items()
        }

    def tileids(self) -> list[int]:
        """Return the tiles in the tables."""
        return [tileid for (tileid,) in self.query("SELECT tileid FROM daily.tile ORDER BY 1")]

    # Changing the files ---------------------------------------------------------------------

    @property
    def tiles_file(self) -> Path:
        return self.root / REDUX / "tiles-daily.csv"

    @property
    def exposures_file(self) -> Path:
        return self.root / REDUX / "exposures-daily.fits"

    def tile_rows(self) -> list[dict[str, str]]:
        with self.tiles_file.open() as file:
            return list(csv.DictReader(file))

    def write_tiles(self, rows: list[dict[str, str]]) -> None:
        with self.tiles_file.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)

    def change_tile(self, tileid: int, **values: object) -> None:
        rows = self.tile_rows()
        for row in rows:
            if row["TILEID"] == str(tileid):
                row.update({name: str(value) for name, value in values.items()})
        self.write_tiles(rows)

    def drop_tile(self, tileid: int) -> None:
        self.write_tiles([row for row in self.tile_rows() if row["TILEID"] != str(tileid)])

    def change_exposures(self, change: Callable[[Table], object], hdu: str = "EXPOSURES") -> None:
        edit(self.exposures_file, hdu, change)

    def redrock(self, tileid: int) -> list[Path]:
        return sorted(
            (self.root / REDUX / "tiles/cumulative" / str(tileid)).rglob("redrock-*.fits")
        )


def edit(path: Path, hdus: str | tuple[str, ...], change: Callable[[Table], object]) -> None:
    """Change the tables of one or several HDUs in place."""
    with fits.open(path) as opened:
        content = fits.HDUList([h.copy() for h in opened])
    for hdu in (hdus,) if isinstance(hdus, str) else hdus:
        table = Table(content[hdu].data)
        change(table)
        content[hdu] = fits.BinTableHDU(table, name=hdu)
    content.writeto(path, overwrite=True)


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("daily")
    write_production(root, "daily", tiles=4, targets=40)
    return root


@pytest.fixture(scope="module")
def loaded(demo, module_database) -> Daily:
    """Return the production as it is, loaded; nobody changes it."""
    daily = Daily(demo, module_database)
    assert daily.sync().failed == {}
    return daily


@pytest.fixture
def own_copy(demo, loaded, cluster, tmp_path) -> Iterator[Daily]:
    """Return a copy of the production's files, and of the database where they are loaded."""
    root = tmp_path / "desi"
    shutil.copytree(demo, root)
    with fresh_database(cluster, loaded.conninfo) as conninfo:
        yield Daily(root, conninfo)


@pytest.fixture
def empty(demo, loaded) -> Daily:
    """Return the production with a schema that has no tables yet."""
    return Daily(demo, loaded.conninfo, f"empty_{uuid.uuid4().hex}")
