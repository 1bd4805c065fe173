"""Other ways to fill a table, as contenders: a module each, run as a process by ``task``."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """Another way to fill a table.

    Parameters
    ----------
    name : str
        For people.
    module : str
        Module of this package with a function ``load(task, frames)``.
    needs : tuple of str
        Modules that must be installed.
    reader : str
        Function of ``frames`` that reads a FITS file as its users would.
    indexed : bool
        Whether the table has its keys and indexes before.
    """

    name: str
    module: str
    needs: tuple[str, ...]
    reader: str = "read_fitsio"
    indexed: bool = False

    def missing(self) -> list[str]:
        """Return the modules that are not installed."""
        return [name for name in self.needs if importlib.util.find_spec(name) is None]


ADBC = Peer("Polars over ADBC", "adbc", ("adbc_driver_postgresql",))
PGPQ = Peer("pgpq", "arrow_pgpq", ("pgpq",))
WRITE_ROW = Peer("psycopg write_row", "write_row", ())
CSV = Peer("CSV", "csv_copy", ())
ORM = Peer("SQLAlchemy ORM", "orm", ("sqlalchemy", "psycopg2"), reader="read_astropy", indexed=True)

PEERS = (ADBC, PGPQ, WRITE_ROW, CSV, ORM)
