"""Redshifts of one format in the place of those of the other, beside tables that stay."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
from click.testing import CliRunner, Result

from specprod_copy.cli import cli
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.tables import Inputs
from specprod_copy.verification import VerifyOptions, verify


def call(*command: str | Path) -> Result:
    return CliRunner().invoke(cli, [*map(str, command)])


def done(*command: str | Path) -> str:
    result = call(*command)
    assert result.exit_code == 0, result.output + str(result.exception)
    return result.output


def columns(conninfo: str, table: str) -> list[str]:
    with psycopg.connect(conninfo) as connection:
        return [c.name for c in connection.execute(f"TABLE loa.{table} LIMIT 0").description or ()]


def test_redshifts_are_replaced_as_a_whole(tmp_path, database):
    """There and back; loa has the first format unless its configuration says otherwise."""
    first, second = tmp_path / "first", tmp_path / "second"
    for root, options in ((first, []), (second, ["--zcatalog", "v2"])):
        done("demo", root, "--specprod", "loa", "--tiles", "4", "--targets", "20", *options)
    catalogs = Path("spectro/redux/loa/zcatalog/v2")
    shutil.copytree(second / catalogs, first / catalogs)
    where = ["--specprod", "loa", "--root", first, "--dsn", database]
    config = [*where, "--config", second / "productions-loa.toml"]
    done("load", "exposures", "redshift", *where)
    usual = {table: columns(database, table) for table in ("exposure", "zpix", "ztile")}
    assert "z_rr" not in usual["zpix"]
    refused = call("load", "redshift", *config)
    assert "replace all redshifts with load redshift --overwrite" in str(refused.exception)
    # Tables of exposures were made narrow, and stay so.
    for production, is_second in ((config, True), (where, False)):
        for more in (["--dry-run"], []):
            said = done("load", "redshift", "--overwrite", *production, *more)
        assert "gone with the old table" not in said
        assert ("z_rr" in columns(database, "zpix")) == is_second
        with psycopg.connect(database) as connection:
            query = """SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated
                       AND conrelid = 'loa.ztile'::regclass"""
            assert connection.execute(query).fetchone() == (1,)
        named = find_production("loa", production[-1] if is_second else None)
        alone = VerifyOptions(("exposures", "redshift"), "loa", alone=True)
        results = verify(database, Inputs(ProductionFiles(named, first)), alone)
        assert [str(result) for result in results if not result.passed] == []
        assert "not as" not in done("status", *production)
    assert {table: columns(database, table) for table in usual} == usual
    # A column that users have made goes by no other rule because it has the name of one of ours.
    with psycopg.connect(database) as connection:
        connection.execute("ALTER TABLE loa.zpix ADD COLUMN efftime_spec real")
    refused = call("load", "redshift", "--overwrite", *where)
    assert "columns that are not of its definition: efftime_spec" in str(refused.exception)
