"""Verification: what is right passes, and every kind of damage is found and named."""

from __future__ import annotations

import json
import re
import shutil
import struct
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from astropy.io import fits
from click.testing import CliRunner
from psycopg import sql

from specprod_copy.cli.verify import verify as verify_command
from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import ConfigurationError, DatabaseError
from specprod_copy.loading.api import LoadOptions, load
from specprod_copy.plan import batches, planning
from specprod_copy.tables import SOURCES, Inputs
from specprod_copy.verification import (
    CHECKS,
    Result,
    VerifyOptions,
    database_side,
    run,
    verify,
    work,
)
from specprod_copy.verification.database_side import export_snapshot, joining, reading

TABLES = list(dict.fromkeys(source.table for source in SOURCES.values()))
BITS = str.maketrans("fd", "IQ")
ZALL = "spectro/redux/iron/zcatalog/v1/zall-pix-iron.fits"


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("verify")
    write_production(root, "iron", tiles=4, targets=50)
    return root


def inputs_of(root: Path, **others) -> Inputs:
    return Inputs(ProductionFiles(find_production("iron"), root), **others)


@pytest.fixture(scope="module")
def loaded(original, module_database) -> str:
    """Return a database with the production, loaded in several units per file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "UNIT_ROWS", 40)
        load(module_database, inputs_of(original), LoadOptions(("all",), "iron"))
    return module_database


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


@pytest.fixture
def case(cluster, loaded, original) -> Iterator[Case]:
    """Return a copy of the loaded database, and the original files, not to be changed."""
    name = sql.Identifier(f"test_{uuid.uuid4().hex}")
    with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
        template = sql.Identifier(psycopg.conninfo.conninfo_to_dict(loaded)["dbname"])
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, template))
        yield Case(cluster.conninfo(name.as_string().strip('"')), original)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture
def files(case, original, tmp_path) -> Case:
    """Return the same with files that may be changed."""
    case.root = tmp_path / "root"
    shutil.copytree(original, case.root)
    return case


def flipped(value: float, bit: int, form: str = "d") -> float:
    """Return a float with one bit changed."""
    [bits] = struct.unpack(f"<{form.translate(BITS)}", struct.pack(f"<{form}", value))
    [other] = struct.unpack(f"<{form}", struct.pack(f"<{form.translate(BITS)}", bits ^ 1 << bit))
    return other


# What is right -----------------------------------------------------------------------------------


def test_an_undisturbed_load_passes(loaded, original):
    results = Case(loaded, original).verify()
    assert [result for result in results if not result.passed] == []
    assert list(dict.fromkeys(result.table for result in results)) == TABLES
    assert {result.name for result in results} == CHECKS.keys() - {"inputs"}
    found = {(r.table, r.name, r.detail) for r in results}
    with psycopg.connect(loaded) as connection:
        for table in TABLES:
            [(rows,)] = connection.execute(f"SELECT count(*) FROM iron.{table}").fetchall()
            assert rows > 0
            assert (table, "table-rows", f"{rows} rows, {rows} in the ledger") in found
            assert (table, "rows", f"{rows} rows, keys equal") in found
            columns = connection.execute(
                """SELECT attname FROM pg_attribute
                   WHERE attrelid = %s::regclass AND attnum > 0""",
                (f"iron.{table}",),
            ).fetchall()
            names = [
                r.detail.split(":")[0] for r in results if (r.table, r.name) == (table, "values")
            ]
            assert names == [name for (name,) in columns]


def test_several_processes_find_the_same(case, monkeypatch):
    case.execute("UPDATE iron.zpix SET z = 0.5 WHERE id = %s", case.row()[0])
    one = case.verify("redshift")
    monkeypatch.setattr(work, "SMALL_ROWS", 0)
    monkeypatch.setattr(database_side, "RANGE_PAGES", 2)
    monkeypatch.setattr(batches, "BATCH_ROWS", 1)
    monkeypatch.setattr(planning, "UNIT_ROWS", 30)
    assert case.verify("redshift", jobs=2) == one
    assert sum(not result.passed for result in one) == 2


def test_another_seed_draws_other_rows(case):
    """With half of the rows damaged, a sample of five finds those among its own."""
    case.execute("UPDATE iron.zpix SET z = z + 1 WHERE id % 2 = 0")
    details = {
        seed: case.details("zpix", sample=5, seed=seed)["sample"].split(" of 5 rows differ")
        for seed in (0, 0, 1, 2, 3)
    }
    assert all(len(found) == 2 for found in details.values())
    assert len({rest for _, rest in details.values()}) > 1


def test_no_sample(loaded, original):
    [sample] = [r for r in Case(loaded, original).verify("tile", sample=0) if r.name == "sample"]
    assert sample == Result(True, "sample", "tile", "0 rows of 21 columns, seed 0")


def test_hostile_names(case):
    """A schema may have any name, and so may a folder."""
    schema = """we"ird %s '; {{ x }}\n"""
    root = case.root.parent / "a % 'folder' [x]\n{{ y }}"
    if not root.exists():
        shutil.copytree(case.root, root)
    options = LoadOptions(("exposures", "photometry"), schema)
    load(case.conninfo, inputs_of(root), options)
    results = verify(
        case.conninfo, inputs_of(root), VerifyOptions(("exposures", "photometry"), schema)
    )
    assert [(r.name, r.detail) for r in results if not r.passed] == []
    [finish] = [r for r in results if (r.table, r.name) == ("photometry", "finish")]
    assert finish.detail == "keys and indexes wait for stage targetphot"
    with psycopg.connect(case.conninfo) as connection:
        name = sql.Identifier(schema, "tile")
        connection.execute(sql.SQL("UPDATE {} SET efftime_spec = -1").format(name))
    tile = VerifyOptions(("tile",), schema)
    results = verify(case.conninfo, inputs_of(root), tile)
    assert [r.name for r in results if not r.passed] == ["values", "sample"]


def test_one_view_whoever_writes(case):
    """Rows that come and go meanwhile are no matter."""
    with (
        reading(case.conninfo, [("iron", "tile")]) as first,
        psycopg.connect(case.conninfo, autocommit=True) as writer,
    ):
        snapshot = export_snapshot(first)
        writer.execute("DELETE FROM iron.frame")
        with joining(case.conninfo, snapshot) as second:
            counts = [
                connection.execute("SELECT count(*) > 0 FROM iron.frame").fetchone()
                for connection in (first, second, writer)
            ]
        assert counts == [(True,), (True,), (False,)]
        with pytest.raises(psycopg.errors.LockNotAvailable):
            writer.execute("SET lock_timeout = 50; TRUNCATE iron.tile CASCADE")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            first.execute("DELETE FROM iron.frame")


def test_a_reader_may_verify(case):
    """No right to write anything is needed."""
    case.execute(
        """CREATE ROLE verifier; GRANT USAGE ON SCHEMA iron TO verifier;
           GRANT SELECT ON ALL TABLES IN SCHEMA iron TO verifier"""
    )
    try:
        case.conninfo += " options='-c role=verifier'"
        assert case.execute("SELECT current_user") == [("verifier",)]
        assert case.failures("redshift") == []
    finally:
        case.conninfo = case.conninfo.removesuffix(" options='-c role=verifier'")
        case.execute("DROP OWNED BY verifier; DROP ROLE verifier")


def test_catalogs_per_survey(cluster, case, tmp_path):
    """What was computed in the database is not compared with files that cannot know it."""
    root = tmp_path / "split"
    write_production(root, "iron", tiles=4, targets=50, per_survey=True)
    for zall in root.glob("spectro/redux/iron/zcatalog/v1/zall-*.fits"):
        zall.unlink()
    case.execute("DROP SCHEMA iron CASCADE")
    load(case.conninfo, inputs_of(root), LoadOptions(("all",), "iron"))
    results = case.verify("redshift", root=root)
    assert [result for result in results if not result.passed] == []
    computed = "sv_nspec, sv_primary, main_nspec, main_primary, zcat_nspec, zcat_primary"
    detail = f"{computed}: computed in the database after the rows; not compared with the files"
    for table in ("zpix", "ztile"):
        assert Result(True, "values", table, detail) in results
        assert not any(
            r.detail.startswith("zcat_nspec:")
            for r in results
            if (r.table, r.name) == (table, "values")
        )


# Damage to the database --------------------------------------------------------------------------


def test_single_bits_of_floats(case):
    """Each of some floats has one changed bit; it is named with its place in the file."""
    doubles = {"z": 0, "zerr": 29, "chi2": 51, "coeff_0": 62, "mean_fiber_ra": 63}
    singles = {"tsnr2_lrg": 0, "tsnr2_elg": 22, "tsnr2_bgs": 31}
    key, row = case.row()
    where = f"id {key} ({ZALL}[ZCATALOG] row {row})"
    expected = {}
    for column, bit in (doubles | singles).items():
        form, kind = ("d", "float8") if column in doubles else ("f", "float4")
        query = f"SELECT {column}::float8 FROM iron.zpix WHERE id = %s"
        [(before,)] = case.execute(query, key)
        after = flipped(before, bit, form)
        change = f"UPDATE iron.zpix SET {column} = %s::float8::{kind} WHERE id = %s"
        case.execute(change, after, key)
        assert case.execute(query, key) == [(after,)] != [(before,)]
        expected[column] = f"{column}: 1 value: {where}: file {before!r}, table {after!r}"
    failures = case.failures("redshift")
    values = [detail for table, name, detail in failures if name == "values"]
    assert sorted(values) == sorted(expected.values())
    [sample] = [failure for failure in failures if failure[1] != "values"]
    n = case.count("zpix")
    assert sample[:2] == ("zpix", "sample")
    assert sample[2].startswith(f"1 of {n} rows differ: {where}: column z: file ")
    assert sample[2].endswith("; and 5 more")


def test_the_sign_of_zero(case):
    rows = case.execute("SELECT id FROM iron.zpix WHERE coeff_9 = 0 ORDER BY id LIMIT 1")
    case.execute("UPDATE iron.zpix SET coeff_9 = '-0' WHERE id = %s", rows[0][0])
    found = case.details("zpix")
    assert found.keys() == {"values", "sample"}
    assert found["values"].endswith(": file 0.0, table -0.0")
    assert found["sample"].endswith(": column coeff_9: file 0.0, table -0.0")


def test_one_value_of_every_type(case):
    changes = {
        ("zpix", "id", "spectype"): "lower(spectype)",
        ("zpix", "id", "subtype"): "'x'",
        ("zpix", "id", "zwarn"): "zwarn # (1::bigint << 62)",
        ("zpix", "id", "zcat_primary"): "NOT zcat_primary",
        ("zpix", "id", "coadd_numexp"): "coadd_numexp # 1::smallint",
        ("zpix", "id", "healpix"): "healpix # (1 << 30)",
        ("exposure", "expid", "date_obs"): "date_obs + '1 microsecond'",
    }
    for (table, key, column), change in changes.items():
        case.execute(
            f"""UPDATE iron.{table} SET {column} = {change}
                WHERE {key} = (SELECT {key} FROM iron.{table} ORDER BY 1 OFFSET 1 LIMIT 1)"""
        )
    failures = case.failures("zpix", "exposure", sample=0)
    found = {(table, *detail.split(": ")[:2]) for table, name, detail in failures}
    assert {name for _, name, _ in failures} == {"values"}
    assert found == {(table, column, "1 value") for table, _, column in changes}


def test_values_swapped_between_two_rows(case):
    """The sum of the column stays what it was."""
    total = "SELECT sum(z::numeric) FROM iron.zpix"
    (before, ids) = case.execute(total), case.execute("SELECT id FROM iron.zpix ORDER BY z")
    one, other = ids[0][0], ids[-1][0]
    case.execute(
        """UPDATE iron.zpix a SET z = b.z FROM iron.zpix b
           WHERE (a.id, b.id) IN ((%s, %s), (%s, %s))""",
        *(one, other, other, one),
    )
    assert case.execute(total) == before
    found = case.details("zpix", sample=0)
    assert found.keys() == {"values"}
    assert found["values"].startswith("z: 2 values: id ")


def test_a_missing_row(case):
    key, row = case.row()
    n = case.count("zpix")
    case.execute("DELETE FROM iron.zpix WHERE id = %s", key)
    where = f"id {key} ({ZALL}[ZCATALOG] row {row})"
    found = case.details("zpix")
    not_finite = found.pop("not-finite", None)
    assert not_finite is None or "in the files" in not_finite
    assert found == {
        "table-rows": f"{n - 1} rows, {n} in the ledger",
        "rows": f"{n} rows of files, {n - 1} in the table: 1 row missing from the table: {where}",
        "sample": f"1 of {n} rows differ: {where}: 0 rows with this key",
    }


def test_a_doubled_row(case):
    key, row = case.row()
    n = case.count("zpix")
    case.execute("ALTER TABLE iron.zpix DROP CONSTRAINT zpix_pkey; DROP INDEX iron.ix_zpix_unique")
    case.execute("INSERT INTO iron.zpix SELECT * FROM iron.zpix WHERE id = %s", key)
    where = f"id {key} ({ZALL}[ZCATALOG] row {row})"
    assert case.details("zpix") == {
        "table-rows": f"{n + 1} rows, {n} in the ledger",
        "rows": f"{n} rows of files, {n + 1} in the table: 1 row doubled in the table: {where}",
        "primary-key": f"1 value of id not unique: id {key} in 2 rows",
        "finish": "missing: zpix_pkey, ix_zpix_unique; load the stage again to make them",
        "sample": f"1 of {n} rows differ: {where}: 2 rows with this key",
    }


def test_another_key(case):
    """The row moves: it is missing where it was, and nobody knows it where it is."""
    key, _ = case.row()
    case.execute("UPDATE iron.zpix SET id = 12345 WHERE id = %s", key)
    found = case.details("zpix")
    assert found.keys() == {"rows", "id-parts", "sample"}
    assert f"1 row missing from the table: id {key} (" in found["rows"]
    assert found["rows"].endswith("; 1 row in the table, but in no file: id 12345")
    assert found["id-parts"] == "id to program, survey, targetid: 1 row with other values: 12345"


def test_a_wrong_part_of_an_id(case):
    key, _ = case.row()
    case.execute("UPDATE iron.zpix SET program = 'other' WHERE id = %s", key)
    found = case.details("zpix", sample=0)
    assert found.keys() == {"values", "id-parts"}
    assert found["id-parts"] == f"id to program, survey, targetid: 1 row with other values: {key}"


def test_null(case):
    key, _ = case.row()
    case.execute("ALTER TABLE iron.zpix ALTER tsnr2_lrg DROP NOT NULL, ALTER survey DROP NOT NULL")
    assert case.details("zpix") == {
        "columns": "survey varchar(7), not survey varchar(7) NOT NULL, "
        "tsnr2_lrg float4, not tsnr2_lrg float4 NOT NULL"
    }
    case.execute("UPDATE iron.zpix SET tsnr2_lrg = NULL WHERE id = %s", key)
    found = case.details("zpix", sample=0)
    assert found.keys() == {"columns", "values", "nulls"}
    assert found["nulls"] == "tsnr2_lrg: 0 in the files, 1 in the table"
    assert found["values"].startswith("tsnr2_lrg: 1 value: ")
    assert found["values"].endswith(", table None")


def test_not_finite(case):
    key, _ = case.row("photometry", key="targetid")
    case.execute("UPDATE iron.photometry SET flux_g = -9999 WHERE targetid = %s", key)
    found = case.details("photometry", sample=0)
    assert found.keys() == {"values", "not-finite"}
    [(n,)] = case.execute("SELECT count(*) FROM iron.photometry WHERE flux_g = -9999")
    assert found["not-finite"] == f"flux_g: {n - 1} in the files, {n} in the table"


def test_orphans(case):
    """With the foreign key gone, and a row of the other table, too."""
    case.execute("ALTER TABLE iron.zpix DROP CONSTRAINT zpix_targetid_fkey")
    key, _ = case.row()
    case.execute("UPDATE iron.zpix SET targetid = -5 WHERE id = %s", key)
    found = case.details("zpix", sample=0)
    assert found["foreign-key"] == "targetid in photometry.targetid: 1 orphan: -5"
    assert found["finish"] == "missing: zpix_targetid_fkey; load the stage again to make them"
    assert found.keys() == {"values", "id-parts", "foreign-key", "finish"}


def test_other_columns(case):
    """A narrower type takes the values of the files along: they would be equal."""
    case.execute(
        """ALTER TABLE iron.zpix DROP COLUMN coeff_9;
           ALTER TABLE iron.zpix ADD COLUMN mine integer;
           ALTER TABLE iron.zpix ALTER zerr TYPE real"""
    )
    assert case.details("zpix") == {
        "columns": "coeff_9 is missing, mine is unknown, zerr float4 NOT NULL, "
        "not zerr float8 NOT NULL"
    }
    case.execute("ALTER TABLE iron.frame RENAME frameid TO id")
    with pytest.raises(DatabaseError) as caught:
        case.verify("frame")
    assert str(caught.value) == "iron.frame has no column frameid, its primary key"


def test_a_missing_index(case):
    case.execute("DROP INDEX iron.ix_zpix_healpix")
    assert case.details("zpix") == {
        "finish": "missing: ix_zpix_healpix; load the stage again to make them"
    }


def test_a_table_that_does_not_exist(case):
    case.execute("DROP TABLE iron.target CASCADE")
    found = case.failures("target", "redshift")
    assert found == [
        ("target", "table-rows", "the table does not exist; load stage target"),
        ("ztile", "foreign-key", "targetphotid in target.id: table target does not exist"),
        (
            "ztile",
            "finish",
            "missing: ztile_targetphotid_fkey; load the stage again to make them",
        ),
    ]


def test_more_damage_than_is_compared_row_by_row(case, monkeypatch):
    monkeypatch.setattr(run, "COMPARED_ROWS", 20)
    case.execute("UPDATE iron.zpix SET z = z + 1")
    found = case.details("zpix", sample=0)
    assert found.keys() == {"values"}
    n = case.count("zpix")
    compared = int(found["values"].split()[1])
    assert 0 < compared < n
    case.execute("DELETE FROM iron.zpix")
    failures = case.failures("zpix", sample=0)
    details = {name: detail for _, name, detail in failures}
    assert len(failures) == len(details)
    assert details["rows"].startswith(f"{n} rows of files, 0 in the table; among ")
    assert details["values"] == (
        "id, targetid, desiname, survey, program and 94 more: other fingerprints, but no other "
        "values in the 20 rows that were compared one by one"
    )


def test_photometry_of_several_stages(case):
    """A table is compared as a whole, whichever of its stages is asked for."""
    paths = ProductionFiles(find_production("iron"), case.root).tractorphot()
    tractor = [int(t) for path in paths for t in fits.getdata(path, 1)["TARGETID"]]
    others = case.execute("SELECT targetid FROM iron.photometry WHERE targetid <> ALL(%s)", tractor)
    for key, column in ((tractor[0], "flux_r"), (others[0][0], "flux_z")):
        case.execute(f"UPDATE iron.photometry SET {column} = 1e10 WHERE targetid = %s", key)
    failures = case.failures("targetphot", sample=0)
    assert [(name, detail.split(" (")[0]) for _, name, detail in failures] == [
        ("values", f"flux_r: 1 value: targetid {tractor[0]}"),
        ("values", f"flux_z: 1 value: targetid {others[0][0]}"),
    ]
    assert "tractorphot" in failures[0][2]
    assert "targetphot" in failures[1][2]


# Damage to the ledger and the files --------------------------------------------------------------


def test_rows_that_are_not_in_the_ledger(case):
    n = case.count("zpix")
    [(kept,)] = case.execute(
        """DELETE FROM iron.load_ledger WHERE table_name = 'zpix' AND first_row = 40
           RETURNING rows_kept"""
    )
    assert case.details("zpix") == {
        "file-rows": f"{ZALL}[ZCATALOG]: rows not in the ledger: 40 to 79",
        "table-rows": f"{n} rows, {n - kept} in the ledger",
    }
    case.execute("DELETE FROM iron.load_ledger WHERE table_name = 'zpix'")
    rows = len(fits.getdata(case.root / ZALL, 1))
    assert case.details("zpix") == {
        "file-rows": f"{ZALL}[ZCATALOG]: not in the ledger: {rows} rows were never loaded",
        "table-rows": f"{n} rows, 0 in the ledger",
    }


def test_other_numbers_in_the_ledger(case):
    case.execute(
        """UPDATE iron.load_ledger SET rows_kept = rows_kept - 1
           WHERE table_name = 'zpix' AND first_row = 0"""
    )
    n, rows = case.count("zpix"), len(fits.getdata(case.root / ZALL, 1))
    assert case.details("zpix") == {
        "file-rows": f"{ZALL}[ZCATALOG]: {rows} rows read, {n} kept, 0 values not finite; "
        f"in the ledger {rows} rows read, {n - 1} kept, 0 values not finite",
        "table-rows": f"{n} rows, {n - 1} in the ledger",
    }


def test_a_changed_file(files):
    """Its time tells, and so do its values."""
    _, row = files.row()
    size = (files.root / ZALL).stat().st_size
    with fits.open(files.root / ZALL, mode="update") as hdus:
        before = float(hdus[1].data["Z"][row])
        hdus[1].data["Z"][row] = 0.125
    found = files.details("zpix", sample=0)
    assert found.keys() == {"file-unchanged", "values"}
    assert found["values"].endswith(f" row {row}): file 0.125, table {before!r}")
    assert found["file-unchanged"].startswith(
        f"{ZALL}[ZCATALOG]: changed since it was loaded: it was {size:,} bytes of "
    )


def test_a_file_that_vanished(files):
    gone = ProductionFiles(find_production("iron"), files.root).targetphot()[0]
    rows = len(fits.getdata(gone, 1))
    gone.unlink()
    found = files.details("target", sample=0)
    name = gone.relative_to(files.root)
    assert found["file-unchanged"] == (
        f"{name}[TARGETPHOT]: the file vanished; {rows} rows of it were loaded by stage target"
    )
    assert f"{rows} rows in the table, but in no file: id " in found["rows"]
    assert found.keys() <= {"file-unchanged", "rows", "not-finite"}


def test_a_file_that_is_no_input_any_more(files):
    tiles = files.root / "spectro/redux/iron/tiles-iron.fits"
    copied = files.root / "tiles.fits"
    shutil.copy2(tiles, copied)
    wanted = VerifyOptions(("tile",), "iron")
    results = verify(files.conninfo, inputs_of(files.root, tiles_file=copied), wanted)
    n = files.count("tile")
    assert {r.name: r.detail for r in results if not r.passed} == {
        "file-unchanged": "spectro/redux/iron/tiles-iron.fits[TILE_COMPLETENESS]: no input of the "
        f"production any more; {n} rows of it were loaded by stage exposures",
        "file-rows": f"tiles.fits[TILE_COMPLETENESS]: not in the ledger: {n} rows were never "
        "loaded",
    }


def test_a_file_that_cannot_be_opened(files):
    (files.root / ZALL).write_bytes(b"SIMPLE  = nonsense")
    found = files.details("zpix", sample=0)
    assert found.keys() == {"inputs", "rows", "values", "not-finite"}
    assert found["inputs"].startswith(f"stage redshift: {files.root / ZALL}: ")
    assert found["values"] == "not compared: files cannot be read"


def test_a_file_that_cannot_be_read_to_its_end(files):
    """The header is right, a value is not; the other tables are verified all the same."""
    with fits.open(files.root / ZALL, mode="update") as hdus:
        hdus[1].data["SURVEY"][0] = "sv9"
        hdus[1].data["TARGETID"][0] = 77
    found = files.failures("redshift", sample=0)
    assert {table for table, *_ in found} == {"zpix"}
    [detail] = [detail for _, name, detail in found if name == "file-rows"]
    assert "column SURVEY: none of cmx, special, sv1, sv2, sv3, main (row 0: 'sv9'" in detail


def test_no_fiberassign_file(files):
    path = next(files.root.glob("target/**/fiberassign-*.fits*"))
    path.unlink()
    found = files.failures("fiberassign", sample=0)
    inputs = [(table, name) for table, name, _ in found if name == "inputs"]
    assert inputs == [("fiberassign", "inputs"), ("potential", "inputs")]
    wanted = VerifyOptions(("fiberassign",), "iron", sample=0)
    left_out = inputs_of(files.root, skip_missing=True)
    results = verify(files.conninfo, left_out, wanted)
    vanished = [r.table for r in results if "the file vanished; " in r.detail]
    assert vanished == ["fiberassign", "potential"]


def test_a_schema_of_another_program(case):
    case.execute("DROP TABLE iron.load_ledger")
    with pytest.raises(DatabaseError) as caught:
        case.verify("tile")
    assert str(caught.value) == (
        "schema iron has no table load_ledger: this program has not loaded it"
    )


def test_a_stage_that_the_production_does_not_have(loaded, tmp_path):
    daily = ProductionFiles(find_production("daily"), tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        verify(loaded, Inputs(daily), VerifyOptions(("redshift",), "iron"))
    assert str(caught.value) == "production daily has no files of stage redshift"


# The command -------------------------------------------------------------------------------------


def command(case: Case, *arguments: object):
    given = ["--specprod", "iron", "--root", case.root, "--dsn", case.conninfo, *arguments]
    return CliRunner().invoke(verify_command, [*map(str, given)])


def test_command(loaded, original):
    done = command(Case(loaded, original), "tile", "frame")
    assert done.exit_code == 0
    table, *rows, last = done.stdout.splitlines()
    assert table.split() == ["table", "passed", "failed"]
    assert [row.split()[0] for row in rows] == ["tile", "frame"]
    n = sum(int(row.split()[1]) for row in rows)
    assert last == f"schema iron: all {n} checks passed"
    verbose = command(Case(loaded, original), "tile", "-v").stdout
    assert ["tile", "values", "21"] in [line.split() for line in verbose.splitlines()]
    quiet = command(Case(loaded, original), "tile", "-q")
    assert (quiet.exit_code, quiet.output) == (0, "")


def test_command_fails(case):
    case.execute("UPDATE iron.tile SET efftime_spec = efftime_spec + 1, survey = 'x'")
    done = command(case, "tile", "--sample", "0")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[-1].startswith("schema iron: 2 of ")
    assert lines[-1].endswith(" checks failed, in tile")
    assert [line.split(":")[0] + ":" + line.split(":")[1] for line in lines[-3:-1]] == [
        "FAILED tile, values: survey",
        "FAILED tile, values: efftime_spec",
    ]
    quiet = command(case, "tile", "--sample", "0", "-q")
    assert (quiet.exit_code, quiet.stdout) == (1, "")
    assert quiet.stderr.splitlines() == lines[-3:-1]


def test_json(case):
    case.execute(
        "UPDATE iron.tile SET efftime_spec = -1 WHERE tileid = (SELECT min(tileid) FROM iron.tile)"
    )
    done = command(case, "tile", "--json")
    assert done.exit_code == 1
    results = [Result(**found) for found in json.loads(done.stdout)]
    assert results == case.verify("tile")
    assert {r.name for r in results if not r.passed} == {"values", "sample"}


def test_html(case, tmp_path):
    case.execute("UPDATE iron.tile SET faprgrm = '<b>&'")
    page = tmp_path / "report.html"
    page.write_text("old")
    assert command(case, "tile", "--html", page).exit_code == 1
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "<b>" not in text
    assert "table &#39;&lt;b&gt;&amp;&#39;" in text
    assert text.count('<td class="failed">values</td>') == 1
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    for name in CHECKS:
        assert f"<td>{name}</td>" in text
    # It needs nothing from elsewhere.
    assert not re.search(r"(?:src|href|url)\s*[=(]", text)


def test_html_in_a_folder_that_does_not_exist(loaded, original, tmp_path):
    done = command(Case(loaded, original), "tile", "--html", tmp_path / "no" / "report.html")
    assert done.exit_code == 2
    assert f"--html: there is no folder {tmp_path / 'no'}" in done.output
