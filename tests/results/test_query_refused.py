"""Queries and files that cannot be: one clear line, no file, nothing written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

import specprod_copy as sc
from specprod_copy.errors import SpecprodCopyError

REFUSED = {
    "DELETE FROM photometry": "this statement returns no rows; queries only read",
    "DELETE FROM photometry RETURNING *": "cannot execute DELETE in a read-only transaction",
    "WITH d AS (DELETE FROM zpix RETURNING *) SELECT * FROM d": "queries only read",
    "SELECT set_config('transaction_read_only', 'off', true), 1": "read-write mode",
    "SELECT 1; SELECT 2": "one statement at a time: this text has several",
    "SELECT 1; DROP TABLE photometry": "one statement at a time: this text has several",
    "COMMIT": "this statement returns no rows",
    "": "this statement returns no rows",
    "SELECT\n  zz FROM zpix": "line 2, character 3, at 'zz FROM zpix': column \"zz\" does",
    "SELEC 1": "the query, line 1, character 1, at 'SELEC 1': syntax error",
    "SELECT (": "the query, line 1, character 9, at its end: syntax error",
    "SELECT * FROM nowhere": 'relation "nowhere" does not exist',
    "SELECT 1/(zwarn - zwarn) FROM zpix": "the server refuses the query: division by zero",
    "SELECT z.*, p.* FROM zpix z, photometry p": "the result has several columns targetid",
    "SELECT 1 AS a, 2 AS a": "the result has several columns a; give each a name",
    "SELECT interval '1 day' AS i": "column i: type interval is not handed out; cast it",
    "SELECT ARRAY[DATE '2020-01-01'] AS w": "column w: type date[] is not handed out",
    "SELECT 1 AS n, ARRAY[[1, 2], [3, 4]] AS w; -- two": "column w: an array of 2 dimensions",
    "SELECT ROW(1, 2) AS r": "column r: type record is not handed out",
    "SELECT factorial(200) AS n": "is a number that an 8-byte float does not hold",
    "SELECT 10::numeric ^ 400 + 0.5 AS n": "is a number that an 8-byte float does not hold",
    "SELECT 1 \0 WHERE false": "the query has a NUL character",
    "EXPLAIN ANALYZE DELETE FROM zpix": "cannot execute DELETE in a read-only transaction",
}


def refused(text: str, file: Path, dsn: str, **options) -> str:
    """Run a query that must fail; return the message."""
    before = sorted(file.parent.iterdir()) if file.parent.is_dir() else None
    with pytest.raises(SpecprodCopyError) as caught:
        sc.query(text, output=file, **{"dsn": dsn, "schema": "s", **options})
    assert (sorted(file.parent.iterdir()) if file.parent.is_dir() else None) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("text", REFUSED)
def test_queries(dsn, tmp_path, text):
    assert REFUSED[text] in refused(text, tmp_path / "r.parquet", dsn)
    with psycopg.connect(dsn) as connection:
        [(rows,)] = connection.execute("SELECT count(*) FROM s.photometry").fetchall()
    assert rows == 3


CONE = {"cone": (10, 0, 1)}
MIXED = [
    ("SELECT 1", {"table": "zpix", **CONE}, "stands in the place of a query"),
    ("", CONE, "needs a schema and a table"),
    ("", {"table": "zpix", **CONE, "parameters": {"a": 1}}, "parameters are for SQL"),
    ("SELECT 1", {"lists": [("m", "a.csv"), ("m", "b.csv")]}, "several lists are called m"),
]


@pytest.mark.parametrize(("text", "options", "said"), MIXED)
def test_options_that_would_be_ignored(dsn, tmp_path, text, options, said):
    assert said in refused(text, tmp_path / "r.csv", dsn, **options)


def test_unknown_schema(dsn, tmp_path):
    message = refused("SELECT 1", tmp_path / "r.csv", dsn, schema="nowhere")
    assert message == "there is no schema nowhere; there are: public, s"


@pytest.mark.parametrize("written", ["zpix", "Zpix", '"zpix"'])
def test_a_table_of_a_schema_that_was_not_chosen(dsn, tmp_path, written):
    text = f"SELECT 'é', z FROM {written} AS t"
    message = refused(text, tmp_path / "r.csv", dsn, schema=None)
    advice = "write s.zpix, or choose its schema (--schema s)"
    assert message.endswith(f'"zpix" does not exist; {advice}')
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute('CREATE SCHEMA "A b"; CREATE VIEW "A b".zpix AS SELECT 1 AS z')
        try:
            message = refused(text, tmp_path / "r.csv", dsn, schema=None)
        finally:
            connection.execute('DROP SCHEMA "A b" CASCADE')
    assert message.endswith(
        """; write "A b".zpix or s.zpix, or choose its schema (--schema 'A b' or s)"""
    )


@pytest.mark.parametrize("written", ["public.zpix", "public . zpix", '"public".zpix', "zpixx"])
def test_a_table_that_is_nowhere(dsn, tmp_path, written):
    message = refused(f"SELECT z FROM {written}", tmp_path / "r.csv", dsn, schema=None)
    assert message.endswith("does not exist")


def test_parameters(dsn, tmp_path):
    text = "SELECT %(a)s::text AS a, 7 %% 4 AS r, %(n)s::int + 1 AS n"
    values = {"a": "it's", "n": "4"}
    assert sc.query(text, dsn=dsn, parameters=values).row(0) == ("it's", 3, 5)
    message = refused("SELECT %(a)s", tmp_path / "r.csv", dsn, parameters={"b": 1})
    assert message == "the query has no parameter %(b)s"
    message = refused("SELECT %(a)s, %(b)s", tmp_path / "r.csv", dsn, parameters={"b": 1})
    assert "a" in message and "parameters do not fit the query" in message


def test_names_that_fits_takes_for_one(dsn, tmp_path):
    text = 'SELECT 1 AS "A", 2 AS a'
    assert "several columns a" in refused(text, tmp_path / "r.fits", dsn)
    assert sc.query(text, dsn=dsn).row(0) == (1, 2)


def test_text_that_fits_does_not_hold(dsn, tmp_path):
    text = (
        "SELECT CASE n WHEN 20000 THEN 'é' ELSE 'e' END AS letter FROM generate_series(1, 30000) n"
    )
    message = refused(text, tmp_path / "r.fits", dsn)
    assert message.startswith("column letter, row 19999 of the result: 'é' is not ASCII")
    text = "SELECT 1 AS é"
    assert "FITS holds no such name" in refused(text, tmp_path / "r.fits", dsn)


def test_arrays_of_several_lengths_in_fits(dsn, tmp_path):
    text = (
        "SELECT CASE n WHEN 2 THEN ARRAY[1] ELSE ARRAY[1, 2] END AS a FROM generate_series(1, 3) n"
    )
    message = refused(text, tmp_path / "r.fits", dsn)
    assert message.startswith("column a, row 1 of the result: 1 elements, and 2 in another row")


def test_null_in_an_array_of_whole_numbers_in_votable(dsn, tmp_path):
    text = "SELECT ARRAY[7, nullif(n, 20000)] AS a FROM generate_series(1, 30000) n"
    message = refused(text, tmp_path / "r.vot", dsn)
    assert message.startswith("column a, row 19999 of the result: [7, None] has a null, which VOT")


def test_the_number_that_is_null_in_fits(dsn, tmp_path):
    message = refused("SELECT (-32768)::int2 AS n", tmp_path / "r.fits", dsn)
    assert message.startswith("column n, row 0 of the result: -32768 stands for null in FITS")


@pytest.mark.parametrize("lines", ["a\n#b", "a\n\nb", "a\r\n \rb", "a\x0b#b", "\n # b"])
def test_lines_that_readers_of_ecsv_leave_out(dsn, tmp_path, lines):
    text = "SELECT CASE n WHEN 20001 THEN %(lines)s END AS t FROM generate_series(1, 30000) n"
    message = refused(text, tmp_path / "r.ecsv", dsn, parameters={"lines": lines})
    assert message.startswith("column t, row 20000 of the result: a text with a line that is empty")


@pytest.mark.parametrize("suffix", ["csv", "ecsv"])
def test_arrays_in_text(dsn, tmp_path, suffix):
    message = refused("SELECT ARRAY[1, 2] AS a", tmp_path / f"r.{suffix}", dsn)
    assert message.startswith(f"column a: type integer[], which {suffix} does not hold")


@pytest.mark.parametrize("suffix", ["fits", "vot", "csv"])
@pytest.mark.parametrize("array", ["ARRAY['a']", "ARRAY[1]::numeric(20)[]"])
def test_arrays_of_words(dsn, tmp_path, array, suffix):
    message = refused(f"SELECT {array} AS a", tmp_path / f"r.{suffix}", dsn)
    assert "; write Parquet, or array_to_string(a, ' ')" in message


def test_more_columns_than_fits_has(dsn, tmp_path):
    text = "SELECT " + ", ".join(f"{n} AS c{n}" for n in range(1000))
    assert refused(text, tmp_path / "r.fits", dsn).startswith("1000 columns, and a table of FITS")


def test_existing_file(dsn, tmp_path):
    file = tmp_path / "r.csv"
    file.write_text("mine")
    message = f"{file}: exists; add --overwrite to replace it"
    assert refused("SELECT 1", file, dsn) == message
    refused("SELECT 1/0", file, dsn, overwrite=True)
    assert file.read_text() == "mine"
    sc.query("SELECT 1 AS one", dsn=dsn, output=file, overwrite=True)
    assert file.read_text() == "one\n1\n"


def test_list_as_output(dsn, tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("n\n1\n")
    told = refused("SELECT * FROM m", file, dsn, overwrite=True, lists=[("m", file)])
    assert "is an input; it is not replaced" in told
    assert file.read_text() == "n\n1\n"


def test_unknown_format(dsn, tmp_path):
    assert "which format?" in refused("SELECT 1", tmp_path / "r.txt", dsn)


def test_folder_that_is_a_file(dsn, tmp_path):
    (tmp_path / "file").write_text("")
    assert "Not a directory" in refused("SELECT 1", tmp_path / "file" / "r.csv", dsn)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_right(dsn, tmp_path):
    tmp_path.chmod(0o500)
    assert "Permission denied" in refused("SELECT 1", tmp_path / "r.csv", dsn)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("may not mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize("suffix", ["parquet", "fits", "ecsv", "vot", "csv"])
def test_full_disk(dsn, small_disk, suffix):
    text = "SELECT n, random() AS r, md5(n::text) AS word FROM generate_series(1, 200000) n"
    message = refused(text, small_disk / f"r.{suffix}", dsn)
    assert "No space left on device" in message
    assert [*small_disk.iterdir()] == []


NO_ROOM = """
import resource, sys
import specprod_copy as sc
from specprod_copy.errors import SpecprodCopyError
most = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
try:
    sc.query("SELECT generate_series(1, 360)::bigint AS n", dsn=sys.argv[1], output=sys.argv[2])
except SpecprodCopyError as error:
    print(error)
"""


def test_no_room_for_the_last_byte(dsn, tmp_path):
    """Of rows that end with a block: nothing is written behind them that would fail."""
    file = tmp_path / "r.fits"
    words = [sys.executable, "-c", NO_ROOM, dsn, file]
    room = 3 * 2880
    told = subprocess.run([*words, str(room - 1)], capture_output=True, text=True, check=True)
    assert (told.stdout, file.exists()) == (f"{file}: cannot be written: File too large\n", False)
    subprocess.run([*words, str(room)], check=True)
    assert file.stat().st_size == room


def test_no_server(tmp_path):
    nowhere = make_conninfo(host=str(tmp_path), dbname="x", user="x")
    assert "cannot connect" in refused("SELECT 1", tmp_path / "r.csv", nowhere)
