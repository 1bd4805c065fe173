"""The command ``load``, on a copy of the demo production and a fresh database."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
import pytest
from astropy.io import fits
from astropy.table import Table
from click.testing import CliRunner

from specprod_copy.cli import cli
from specprod_copy.errors import SpecprodCopyError
from specprod_copy.plan.limits import Limits

REDUX = Path("spectro/redux/fuji")


class Loader:
    """The command line, on a copy of the demo production and a fresh database."""

    def __init__(self, root: Path, conninfo: str) -> None:
        self.root, self.conninfo, self.limits = root, conninfo, Limits()
        self.tiles = root / REDUX / "tiles-fuji.fits"
        self.exposures = root / REDUX / "exposures-fuji.fits"

    def run(self, *arguments: str, dsn: str | None = None) -> str:
        """Run ``specprod-copy load``, expect success, return what it printed."""
        result = self.invoke(*arguments, dsn=dsn)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    def refuse(self, *arguments: str, dsn: str | None = None) -> str:
        """Run it, expect an error and an unchanged database, return the message."""
        before = self.state()
        with pytest.raises(SpecprodCopyError) as caught:
            self.run(*arguments, dsn=dsn)
        assert self.state() == before
        message = str(caught.value)
        assert "\n" not in message
        return message

    def invoke(self, *arguments: str, dsn: str | None = None):
        command = ["load", *arguments, "--specprod", "fuji", "--root", str(self.root)]
        everything = [*command, "--dsn", dsn or self.conninfo]
        return CliRunner().invoke(cli, everything, obj=self.limits)

    def query(self, query: str) -> list[tuple]:
        with psycopg.connect(self.conninfo) as connection:
            return connection.execute(query).fetchall()

    def state(self) -> list[tuple]:
        """Return every relation of the database with its row count: two equal ones are the same."""
        tables = self.query(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information_)'"
        )
        objects = self.query(
            """SELECT relname, relkind FROM pg_class JOIN pg_namespace n
               ON n.oid = relnamespace WHERE nspname !~ '^(pg_|information_)' ORDER BY 1, 2"""
        )
        # What failed last is told, and is no row of anything.
        rows = """SELECT count(*) FROM "{}"."{}" t WHERE to_jsonb(t) ->> 'failure' IS NULL"""
        counts = [(*t, self.query(rows.format(*t))) for t in tables]
        schemas = self.query("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1")
        return [sorted(counts), objects, schemas]

    def change(self, path: Path, hdu: str, column: str, row: int, value: object) -> None:
        """Write one value into a FITS table."""
        with fits.open(path, mode="update") as hdus:
            hdus[hdu].data[column][row] = value


@pytest.fixture
def fuji(demo_root, database, tmp_path) -> Loader:
    root = tmp_path / "desi"
    shutil.copytree(demo_root / REDUX, root / REDUX)
    return Loader(root, database)


def edit(path: Path, hdu: str, change) -> None:
    """Rewrite one HDU of a FITS file as `change` makes its table."""
    with fits.open(path) as hdus:
        hdus = fits.HDUList([h.copy() for h in hdus])
    table = Table(hdus[hdu].data)
    new = fits.BinTableHDU(change(table) or table, name=hdu)
    hdus[hdus.index_of(hdu)] = new
    hdus.writeto(path, overwrite=True)
