"""Loads of damaged files, and what they leave in tables, ledger and Parquet files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psycopg
import pytest
from astropy.io import fits
from click.testing import CliRunner

from specprod_copy import cli
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.plan.limits import Limits
from specprod_copy.tables import Inputs
from specprod_copy.verification import VerifyOptions, verify

WHY = ["file", "hdu", "row", "column", "value", "reason"]
"""What a quarantine file says of each row, beside its values."""


class Case:
    """A copy of the production that a test may damage, a fresh database, a folder of its own."""

    def __init__(self, folder: Path, original: Path, conninfo: str, name: str = "iron") -> None:
        self.root, self.folder, self.conninfo = folder / name, folder / "out", conninfo
        self.name = name
        self.limits = Limits()
        shutil.copytree(original, self.root)
        self.files = ProductionFiles(find_production(name), self.root)

    def load(self, *arguments: str, code: int = 3, quarantine: bool = True) -> str:
        """Run ``specprod-copy load``, expect an exit code, return what it printed."""
        command = ["load", *arguments, "--specprod", self.name, "--root", str(self.root)]
        command += ["--dsn", self.conninfo, "--jobs", "1"]
        if quarantine:
            command += ["--on-error", "quarantine", "--quarantine", str(self.folder)]
        result = CliRunner().invoke(cli.cli, command, obj=self.limits)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.output

    def query(self, query: str) -> list[tuple]:
        with psycopg.connect(self.conninfo) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []

    def table(self, table: str, schema: str = "iron") -> list[tuple]:
        return self.query(f'SELECT t::text FROM {schema}.{table} t ORDER BY t::text COLLATE "C"')

    def parquet(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.folder / f"{self.name}.{name}.parquet")

    def verify(self, *stages: str) -> dict[str, str]:
        """Return the checks that failed, but for those that want other stages as well."""
        results = verify(self.conninfo, Inputs(self.files), VerifyOptions(stages, self.name))
        failed = [r for r in results if not r.passed]
        others = ("foreign-key", "finish")
        return {f"{r.table} {r.name}": r.detail for r in failed if r.name not in others}

    def change(self, path: Path, hdu: str, column: str, row: int, value: Any) -> Any:
        with fits.open(path, mode="update") as hdus:
            hdus[hdu].data[column][row] = value

    def without(self, path: Path, hdu: str, numbers: list[int]) -> None:
        """Take rows out of a file, without touching a byte of the others."""
        with fits.open(path) as hdus:
            place, header = hdus[hdu].fileinfo(), hdus[hdu].header
            size, n_rows = header["NAXIS1"], header["NAXIS2"]
        data = path.read_bytes()
        start, end = place["datLoc"], place["datLoc"] + place["datSpan"]
        table = np.frombuffer(data[start : start + size * n_rows], np.uint8).reshape(n_rows, size)
        kept = np.delete(table, numbers, axis=0)
        card = f"NAXIS2  = {n_rows:20}".encode()
        head, found, tail = data[place["hdrLoc"] : start].partition(card)
        assert found
        head += f"NAXIS2  = {len(kept):20}".encode() + tail
        rest = kept.tobytes()
        path.write_bytes(
            data[: place["hdrLoc"]] + head + rest + bytes(-len(rest) % 2880) + data[end:]
        )


@pytest.fixture
def iron(iron_root, tmp_path, database) -> Case:
    return Case(tmp_path, iron_root, database)
