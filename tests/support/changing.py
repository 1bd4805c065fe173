"""A loaded production whose files change: tools of several test modules."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from click.testing import CliRunner, Result

from specprod_copy.cli import cli
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import SpecprodCopyError
from specprod_copy.loading import send
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.loading.summary import LoadSummary
from specprod_copy.plan.limits import Limits
from specprod_copy.tables import SOURCES, Inputs
from specprod_copy.verification import VerifyOptions, verify
from support import limits
from support.clusters import fresh_database

TABLES = tuple(dict.fromkeys(source.table for source in SOURCES.values()))


def edit(
    path: Path,
    hdu: str | int = 1,
    *,
    rows: Callable[[int], Sequence[int]] = range,
    values: Mapping[tuple[int, str], object] | None = None,
) -> None:
    """Rewrite a table of a FITS file.

    Parameters
    ----------
    rows : callable
        Takes the number of rows, returns the numbers of those that stay; one may be twice.
    values : mapping of (row, column) to value
        What is put into the new rows.
    """
    with fits.open(path) as hdus:
        table = hdus[hdu]
        table.data = table.data[np.array(rows(len(table.data)))]
        for (row, column), value in (values or {}).items():
            table.data[column][row] = value
        new = path.with_name(f"new-{path.name}")
        hdus.writeto(new)
    new.replace(path)


class Case:
    """A copy of the production that a test may change, and a database."""

    def __init__(self, root: Path, conninfo: str) -> None:
        self.root, self.conninfo, self.limits = root, conninfo, Limits()
        self.files = ProductionFiles(find_production("iron"), root)

    def load(self, *stages: str, schema: str = "iron", **options) -> LoadSummary:
        inputs = Inputs(self.files, **options.pop("inputs", {}))
        return load(
            self.conninfo, inputs, LoadOptions(stages, schema, limits=self.limits, **options)
        )

    def replace(self, *stages: str, files: Sequence[Path]) -> LoadSummary:
        return self.load(*stages, replace=tuple(files))

    def command(self, *arguments: object, **options) -> Result:
        """Run ``specprod-copy``."""
        given = ["-p", "iron", "-r", self.root, "--dsn", self.conninfo]
        everything = [*map(str, (*arguments, *given))]
        return CliRunner().invoke(cli, everything, obj=self.limits, **options)

    def query(self, query: str) -> list[tuple]:
        with psycopg.connect(self.conninfo) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []

    def rows(self, table: str, schema: str = "iron") -> list[str]:
        """Return the rows of a table, as text, sorted."""
        return sorted(r for (r,) in self.query(f"SELECT t::text FROM {schema}.{table} t"))

    def versions(self, table: str) -> dict[str, str]:
        """Return each row of a table, but no notes of failures, and whether it was written to."""
        query = """SELECT t::text, xmin || ' ' || ctid FROM iron.{} t
                   WHERE to_jsonb(t) ->> 'failure' IS NULL"""
        return dict(self.query(query.format(table)))

    def state(self) -> dict[str, object]:
        """Return all rows with what tells whether they were written to, and names of all else."""
        found: dict[str, object] = {
            table: self.versions(table) for table in (*TABLES, "load_ledger") if self.exists(table)
        }
        found["objects"] = self.query(
            """SELECT nspname, relname, relkind FROM pg_class JOIN pg_namespace n
               ON n.oid = relnamespace WHERE nspname !~ '^(pg_|information_)' ORDER BY 1, 2"""
        )
        return found

    def execute(self, statements: str) -> None:
        with psycopg.connect(self.conninfo) as connection:
            connection.execute(statements.encode())

    def keep_autovacuum_away(self) -> None:
        """Let no autovacuum hold the tables that there are, for those without patience."""
        for (table,) in self.query("SELECT tablename FROM pg_tables WHERE schemaname = 'iron'"):
            self.execute(f"ALTER TABLE iron.{table} SET (autovacuum_enabled = false)")

    def exists(self, table: str) -> bool:
        return self.query(f"SELECT to_regclass('iron.{table}') IS NOT NULL") == [(True,)]

    def assert_equals_fresh_load(self, **inputs) -> None:
        """Check tables and ledger against a load of the files as they are."""
        self.load("all", schema="fresh", inputs=inputs)
        for table in TABLES:
            assert self.rows(table) == self.rows(table, "fresh"), table
        kept = """SELECT table_name, stage, entry, sum(rows_read), sum(rows_kept),
                         sum(values_changed)
                  FROM {}.load_ledger GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
        assert self.query(kept.format("iron")) == self.query(kept.format("fresh"))
        names = """SELECT tablename, indexname FROM pg_indexes WHERE schemaname = '{0}' UNION
                   SELECT conrelid::regclass::text, conname FROM pg_constraint
                   WHERE connamespace = '{0}'::regnamespace"""
        assert {n for _, n in self.query(names.format("iron"))} == {
            n for _, n in self.query(names.format("fresh"))
        }
        results = verify(
            self.conninfo, Inputs(self.files, **inputs), VerifyOptions(("all",), "iron", sample=20)
        )
        assert [result for result in results if not result.passed] == []


def refused(case: Case, *stages: str, files: list[Path], kind=SpecprodCopyError) -> str:
    """Replace files, expect an error and an unchanged database, return the message."""
    before = case.state()
    with pytest.raises(kind) as caught:
        case.replace(*stages, files=files)
    assert case.state() == before
    return str(caught.value)


def targetids(path: Path) -> list[int]:
    return fits.getdata(path, 1)["TARGETID"].tolist()


@pytest.fixture
def iron(iron_root: Path, tmp_path: Path, database: str) -> Case:
    """Return a copy of the files and an empty database."""
    shutil.copytree(iron_root, tmp_path / "iron")
    return Case(tmp_path / "iron", database)


@pytest.fixture
def loaded(cluster, iron_database: str, iron_root: Path, tmp_path: Path) -> Iterator[Case]:
    """Return a copy of the files, and of the database with all of them loaded."""
    shutil.copytree(iron_root, tmp_path / "iron")
    with fresh_database(cluster, iron_database) as conninfo:
        yield Case(tmp_path / "iron", conninfo)


@pytest.fixture
def many_transactions(request: pytest.FixtureRequest) -> None:
    name = "iron" if "iron" in request.fixturenames else "loaded"
    request.getfixturevalue(name).limits = limits.cut(40, 40)


def interrupt_after(monkeypatch: pytest.MonkeyPatch, batches: int) -> Callable[[], None]:
    """Let the loader be interrupted after some batches; return how to undo that."""
    real, calls = send.load_units, []

    def dying(*arguments, **options):
        calls.append(arguments)
        if len(calls) > batches:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(send, "load_units", dying)
    return lambda: monkeypatch.setattr(send, "load_units", real)
