"""Every kind of damage to the database is found and named."""

from __future__ import annotations

import struct

import pytest
from astropy.io import fits
from support.verify_case import ZALL

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import DatabaseError
from specprod_copy.verification import run

BITS = str.maketrans("fd", "IQ")


def flipped(value: float, bit: int, form: str = "d") -> float:
    """Return a float with one bit changed."""
    [bits] = struct.unpack(f"<{form.translate(BITS)}", struct.pack(f"<{form}", value))
    [other] = struct.unpack(f"<{form}", struct.pack(f"<{form.translate(BITS)}", bits ^ 1 << bit))
    return other


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
        "columns": "coeff_9 is missing, zerr float4 NOT NULL, not zerr float8 NOT NULL"
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
    """What mends it is said as `load` and `status` say it."""
    rows = case.count("target")
    case.execute("DROP TABLE iron.target CASCADE")
    found = case.failures("target", "redshift")
    assert found == [
        (
            "target",
            "table-rows",
            f"table iron.target does not exist, but the ledger records {rows}: it was dropped or "
            "renamed since it was loaded; 'specprod-copy load target --overwrite' loads it again",
        ),
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
    assert found["values"].endswith(f"; among {compared} rows compared")
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


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("infinity", "infinity"),
        ("-infinity", "-infinity"),
        ("12000-01-02 03:04:05+00", "12000-01-02T03:04:05.000000+00:00"),
    ],
)
def test_moments_beyond_the_years_of_python(case, value, shown):
    change = "UPDATE iron.exposure SET date_obs = %s WHERE expid = %s"
    [(key,)] = case.execute("SELECT min(expid) FROM iron.exposure")
    case.execute(change, value, key)
    found = case.details("exposure")
    assert found.keys() == {"values", "sample"}
    assert found["values"].startswith(f"date_obs: 1 value: expid {key} ")
    assert found["values"].endswith(f", table {shown!r}")
    assert "column date_obs: file 20" in found["sample"]
