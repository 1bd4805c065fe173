"""The command ``query``."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from support.result_case import JOIN

from specprod_copy.cli import cli


@pytest.fixture
def ask(dsn):
    """Run the command; return its result."""

    def run(*arguments: str, code: int = 0, **how):
        words = ["query", *map(str, arguments), "--schema", "s", "--dsn", dsn]
        result = CliRunner().invoke(cli, words, **how)
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return run


def test_a_table_for_people(ask):
    result = ask("SELECT id, z, pmra FROM zpix JOIN photometry USING (targetid) ORDER BY targetid")
    assert result.stdout.splitlines() == [
        "                                    id     z  pmra [mas yr^-1]",
        "85070591730234615865843651857942052865   0.1              null",
        "                                     0   1.5              3.25",
        "                                  -170  null                 0",
    ]


def test_no_digit_is_cut_on_a_narrow_screen(dsn, ask):
    environment = os.environ | {"COLUMNS": "80"}
    result = ask(JOIN, env=environment)
    assert "85070591730234615865843651857942052865" in result.stdout
    assert "-9223372036854775807" in result.stdout
    assert "2021-05-17 04:12:09.123456+00" in result.stdout


def test_more_rows_than_are_shown(ask):
    lines = ask("SELECT generate_series(1, 100) AS n", "--rows", "2").stdout.splitlines()
    said = "the first 2 rows; --rows shows more, --output writes all to a file"
    assert [line.strip() for line in lines] == ["n", "1", "2", said]
    assert ask("SELECT generate_series(1, 2) AS n", "--rows", "2").stdout.split() == [*"n12"]


def test_show_and_explain(ask, tmp_path):
    assert ask("SHOW standard_conforming_strings").stdout.split()[-1] == "on"
    assert "Seq Scan on zpix" in ask("EXPLAIN SELECT * FROM zpix;").stdout
    ask("EXPLAIN SELECT * FROM zpix", "-o", tmp_path / "plan.csv")
    assert (tmp_path / "plan.csv").read_text().startswith("QUERY PLAN\nSeq Scan on zpix")
    assert ask("SHOW search_path").stdout.splitlines()[1] == "pg_catalog, s, public, pg_temp"


def test_a_query_in_a_file(ask, tmp_path):
    file, result = tmp_path / "query.sql", tmp_path / "r.parquet"
    file.write_text("-- of one target\nSELECT z FROM zpix\nWHERE targetid = %(id)s;\n-- end")
    told = ask("--file", file, "--param", "id=2", "--output", result)
    assert told.stdout == ""
    assert told.stderr.startswith("1 rows, 1 columns in ")
    assert pl.read_parquet(result)["z"].to_list() == [1.5]
    assert ask("-f", "-", input="SELECT 7 AS seven").stdout.split() == ["seven", "7"]


def test_standard_output(dsn):
    words = [sys.executable, "-m", "specprod_copy", "query", JOIN, "-s", "s", "--dsn", dsn, "-o-"]
    for name in ("fits", "parquet", "csv"):
        done = subprocess.run([*words, "--format", name, "-q"], capture_output=True, check=True)
        assert done.stderr == b""
        begin = {"fits": b"SIMPLE", "parquet": b"PAR1", "csv": b"id,targetid,"}[name]
        assert done.stdout.startswith(begin)
    assert len(pl.read_csv(io.BytesIO(done.stdout), schema_overrides={"id": pl.String})) == 3


def test_nothing_comes_out_if_the_query_fails(dsn):
    words = [sys.executable, "-m", "specprod_copy", "query", "--dsn", dsn, "-o-", "--format", "csv"]
    query = "SELECT 1/(n - 90000) FROM generate_series(1, 100000) n"
    done = subprocess.run([*words, query], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: the server refuses the query: division by zero\n"


def test_a_reader_that_has_enough(dsn):
    query = "SELECT repeat('x', 1000) AS x FROM generate_series(1, 3000)"
    words = [sys.executable, "-m", "specprod_copy", "query", query, "--dsn", dsn, "-q"]
    with subprocess.Popen(
        [*words, "-o-", "--format", "csv"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.read(2) == b"x\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_full_disk_behind_standard_output(dsn):
    words = [sys.executable, "-m", "specprod_copy", "query", "SELECT 1", "--dsn", dsn, "-q"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*words, "-o-", "--format", "csv"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (
        1,
        b"Error: standard output: No space left on device\n",
    )


def test_notes(ask, tmp_path):
    told = ask(
        "SELECT avg(coadd_numexp) AS a, max(z) AS y FROM zpix", "-o", tmp_path / "r.csv"
    ).stderr
    assert "column a is a numeric without a number of digits: handed out as an 8-byte float" in told
    assert "computed, or of a UNION: y; there, a -9999" in told
    assert ask("SELECT avg(z) FROM zpix", "-q").stderr == ""
    shown = ask("SELECT avg(coadd_numexp) AS a, max(z) AS y FROM zpix").stderr
    assert "computed, or of a UNION: y; " in shown and "8-byte float" not in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give the query either as an argument or by --file"),
        (("SELECT 1", "-f", "-"), "give the query either as an argument or by --file"),
        (("SELECT 1", "--format", "csv"), "--format needs --output"),
        (("SELECT 1", "-o", "-"), "-o - needs --format"),
        (("SELECT 1", "-p", "x"), "wanted is NAME=VALUE"),
    ],
)
def test_wrong_usage(ask, arguments, said):
    assert said in ask(*arguments, code=2).stderr


def test_a_link_as_output(ask, tmp_path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "other.csv")
    result = ask("SELECT 1 AS one", "-o", tmp_path / "link.csv", "--overwrite", code=1)
    assert "is a link to" in str(result.exception)


def test_a_query_file_as_output(ask, tmp_path):
    """It stays, under each of its names."""
    file = tmp_path / "q.csv"
    file.write_text("SELECT 1 AS one")
    (tmp_path / "link.sql").symlink_to(file)
    for name in ("q.csv", "link.sql"):
        result = ask("-f", tmp_path / name, "-o", file, "--overwrite", code=1)
        assert str(result.exception) == f"{file}: is an input; it is not replaced"
    assert file.read_text() == "SELECT 1 AS one"


def test_a_replaced_file_keeps_its_mode(ask, tmp_path):
    file = tmp_path / "private.csv"
    file.touch(0o600)
    ask("SELECT 1 AS one", "-o", file, "--overwrite")
    assert (file.read_text(), oct(file.stat().st_mode)) == ("one\n1\n", "0o100600")


def test_devices(dsn):
    words = [sys.executable, "-m", "specprod_copy", "query", "SELECT 1 AS one", "--dsn", dsn]
    words += ["-o", "/dev/stdout", "--format", "csv", "--overwrite"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == "one\n1\n"


def test_lists_on_the_screen(ask, tmp_path):
    """The rows that a file would have, of SQL and of a search."""
    file = tmp_path / "list.csv"
    file.write_text("targetid,ra,dec,word\n1,10.125,-1.5,a\n2,359.75,89.5,\n")
    text = "SELECT word, z FROM mine JOIN zpix USING (targetid) ORDER BY z"
    lines = ask(text, "--with", f"mine={file}").stdout.splitlines()
    assert [line.split() for line in lines] == [["word", "z"], ["a", "0.1"], ["null", "1.5"]]
    search = ("--table", "photometry", "--with", f"mine={file}", "--match", "mine")
    found = ask(*search)
    assert "PSF" in found.stdout
    assert found.stderr == ""
    assert "computed" not in ask(*search, "-o", tmp_path / "r.parquet").stderr
