"""A loaded production that may be damaged, in the database or in its files."""

from __future__ import annotations

from pathlib import Path

import psycopg
from astropy.io import fits

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.tables import Inputs
from specprod_copy.verification import (
    Result,
    VerifyOptions,
    verify,
)

ZALL = "spectro/redux/iron/zcatalog/v1/zall-pix-iron.fits"


def inputs_of(root: Path, **others) -> Inputs:
    return Inputs(ProductionFiles(find_production("iron"), root), **others)


class Case:
    """A loaded production that may be damaged, in the database or in its files."""

    def __init__(self, conninfo: str, root: Path) -> None:
        self.conninfo, self.root = conninfo, root

    def execute(self, query: str, *values: object) -> list[tuple]:
        with psycopg.connect(self.conninfo) as connection:
            cursor = connection.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []

    def verify(self, *stages: str, root: Path | None = None, **options) -> list[Result]:
        wanted = VerifyOptions(stages or ("all",), "iron", **options)
        return verify(self.conninfo, inputs_of(root or self.root), wanted)

    def failures(self, *stages: str, **options) -> list[tuple[str, str, str]]:
        results = self.verify(*stages, **options)
        return [(r.table, r.name, r.detail) for r in results if not r.passed]

    def details(self, *stages: str, **options) -> dict[str, str]:
        """Return the failures of one table: check to detail."""
        return {name: detail for _, name, detail in self.failures(*stages, **options)}

    def count(self, table: str) -> int:
        [(rows,)] = self.execute(f"SELECT count(*) FROM iron.{table}")
        return rows

    def row(self, table: str = "zpix", number: int = 3, key: str = "id") -> tuple[int, int]:
        """Return the key of a row, and its number in the file of zpix."""
        [(value, targetid)] = self.execute(
            f"SELECT {key}, targetid FROM iron.{table} ORDER BY 1 OFFSET {number} LIMIT 1"
        )
        rows = fits.getdata(self.root / ZALL, 1)["TARGETID"] == targetid
        if table == "zpix" and rows.sum() > 1:
            return self.row(table, number + 1, key)
        return value, int(rows.argmax())
