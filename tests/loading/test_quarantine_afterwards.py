"""What becomes of rows in quarantine: written after a failure, mended, replaced, shown."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from support.quarantine_case import Case, iron

from specprod_copy import cli
from specprod_copy.errors import BadRows, BadRowsError, SpecprodCopyError
from specprod_copy.loading import run
from specprod_copy.plan import versions
from specprod_copy.tables import Inputs
from specprod_copy.verification import VerifyOptions, verify

__all__ = ["iron"]


def test_rollback_leaves_no_file(iron, monkeypatch):
    iron.change(iron.files.tiles(), "TILE_COMPLETENESS", "SURVEY", 1, "xyz")

    def failing(*_: object, **__: object) -> None:
        raise SpecprodCopyError("the server is on fire")

    with monkeypatch.context() as patch:
        patch.setattr(versions, "upsert", failing)  # the last thing of all
        with pytest.raises(SpecprodCopyError, match="on fire"):
            iron.load("tile")
    assert iron.query("SELECT 1 FROM pg_namespace WHERE nspname = 'iron'") == []
    assert not iron.folder.exists()
    iron.load("tile")
    assert iron.parquet("exposures.tile")["row"].to_list() == [1]


def test_killed_between_commit_and_file(iron, monkeypatch):
    """The ledger knows the rows; the next load writes the file."""
    iron.change(iron.files.tiles(), "TILE_COMPLETENESS", "SURVEY", 1, "xyz")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, "refused_rows", killed)
        iron.load("tile", code=1)  # Click's own code for Ctrl-C
    assert not iron.folder.exists()
    assert iron.query("SELECT count(*) FROM iron.tile") == [(3,)]
    where = "in column quarantine of iron.load_ledger"
    assert f"rows in quarantine: 1 of tile, {where}\n" in iron.load("tile", quarantine=False)
    assert not iron.folder.exists()
    iron.load("tile")
    assert iron.parquet("exposures.tile")["row"].to_list() == [1]
    assert iron.query("SELECT count(*) FROM iron.tile") == [(3,)]


@pytest.fixture
def mended(iron) -> Iterator[Case]:
    """A load of a file that was mended later."""
    path = iron.files.tiles()
    original = path.read_bytes()
    iron.change(path, "TILE_COMPLETENESS", "SURVEY", 1, "xyz")
    iron.load("tile")
    path.write_bytes(original)
    return iron


@pytest.mark.parametrize("how", ["--overwrite", "--replace"])
def test_mended_file(mended, how):
    """It is another file, so its rows are replaced as a whole."""
    tiles = str(mended.files.tiles())
    with pytest.raises(SpecprodCopyError, match=f"load exposures .* --replace {tiles} replaces"):
        mended.load("tile")
    which = [tiles] if how == "--replace" else []
    mended.load("tile", how, *which, "--yes", code=0, quarantine=False)
    assert mended.query("SELECT count(*) FROM iron.tile") == [(4,)]
    assert mended.query("SELECT rows_quarantined, quarantine FROM iron.load_ledger") == [(0, [])]
    assert mended.verify("tile") == {}


def test_overwrite_with_a_bad_file(mended):
    mended.change(mended.files.tiles(), "TILE_COMPLETENESS", "SURVEY", 2, "zyx")
    message = mended.load("tile", "--overwrite", "--yes")
    assert "schema iron: 3 rows loaded, 1 in quarantine and " in message
    assert mended.parquet("exposures.tile").select("row", "value").rows() == [(2, "'zyx'")]
    assert [path.name for path in mended.folder.iterdir()] == ["iron.exposures.tile.parquet"]
    assert mended.verify("tile") == {}


def test_replaced_file_beside_one_with_rows_in_quarantine(iron):
    """The rows of the other file stay as they are, and the refused one out."""
    bad, changed = iron.files.targetphot()[:2]
    iron.load("exposures", "photometry", "targetphot", code=0)
    iron.change(bad, "TARGETPHOT", "SURVEY", 1, "xyz")
    iron.load("target")
    rows = iron.query("SELECT count(*) FROM iron.target")
    iron.change(changed, "TARGETPHOT", "PRIORITY_INIT", 0, 4242)
    before = iron.query("SELECT count(*) FROM iron.target WHERE priority_init = 4242")
    iron.load("target", "--replace", str(changed), "--yes", quarantine=False)
    assert iron.query("SELECT count(*) FROM iron.target") == rows
    assert before == [(0,)]
    assert iron.query("SELECT count(*) FROM iron.target WHERE priority_init = 4242") == [(1,)]


def test_replace_does_not_refuse_rows(iron):
    iron.load("tile", code=0)
    refused = iron.load("tile", "--replace", str(iron.files.tiles()), "--yes", code=2)
    assert "--replace stops at rows that cannot be loaded" in refused


def test_exit_code_of_the_program(iron, monkeypatch, capsys):
    iron.change(iron.files.tiles(), "TILE_COMPLETENESS", "SURVEY", 1, "xyz")
    command = ["load", "tile", "-p", "iron", "-r", str(iron.root), "--dsn", iron.conninfo, "-q"]
    command += ["--on-error", "quarantine", "--quarantine", str(iron.folder)]
    monkeypatch.setattr(sys, "argv", ["specprod-copy", *command])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 3
    where = iron.folder / "iron.exposures.tile.parquet"
    assert capsys.readouterr().err == f"rows in quarantine: 1 of tile, in {where}\n"


def test_error_of_another_process():
    """What a worker raises arrives as it was."""
    error = BadRowsError("bad", BadRows("r", [1], [b"x"]), path="f", column="C")
    got = pickle.loads(pickle.dumps(error))
    assert str(got) == str(error) == "f, column C: bad"
    assert (got.column, got.reason, got.rows, got.values) == ("C", "r", [1], [b"x"])


def test_hostile_name(iron):
    """The name of the schema does not lead out of the folder."""
    iron.change(iron.files.tiles(), "TILE_COMPLETENESS", "SURVEY", 1, "xyz")
    schema = """../we"ird %s {{ x }}\n"""
    iron.load("tile", "--schema", schema)
    [path] = iron.folder.iterdir()
    assert path.name == "..%2Fwe%22ird %25s %7B%7B x %7D%7D%0A.exposures.tile.parquet"
    options = VerifyOptions(("tile",), schema)
    results = verify(iron.conninfo, Inputs(iron.files), options)
    assert [result.detail for result in results if not result.passed] == []


def test_folder_that_cannot_be_written(iron):
    """The rows are loaded; the next load can write the file elsewhere."""
    iron.change(iron.files.tiles(), "TILE_COMPLETENESS", "SURVEY", 1, "xyz")
    folder = iron.folder
    (folder.parent / "file").write_text("")
    iron.folder = folder.parent / "file" / "out"
    with pytest.raises(SpecprodCopyError, match=r"file.*: cannot be read or written: Not a"):
        iron.load("tile")
    assert iron.query("SELECT count(*) FROM iron.tile") == [(3,)]
    iron.folder = folder
    iron.load("tile")
    assert iron.parquet("exposures.tile")["row"].to_list() == [1]


def test_status(iron):
    iron.change(iron.files.tiles(), "TILE_COMPLETENESS", "SURVEY", 1, "xyz")
    iron.load("tile")
    command = ["status", "--schema", "iron", "--dsn", iron.conninfo]
    printed = CliRunner().invoke(cli.cli, command).output
    assert "rows in quarantine: 1 of tile, stage exposures\n" in printed
    printed = CliRunner().invoke(cli.cli, [*command, "--json"]).output
    assert '"rows_quarantined": 1,' in printed


def test_verify_finds_a_wrong_quarantine(iron):
    iron.change(iron.files.tiles(), "TILE_COMPLETENESS", "SURVEY", 1, "xyz")
    iron.load("tile")
    entry = """UPDATE iron.load_ledger SET quarantine = jsonb_set(quarantine, '{0,%s}', '%s')"""
    iron.query(entry % ("row", 2))
    file = iron.files.tiles().relative_to(iron.root)
    failed = iron.verify("tile")
    assert failed["tile quarantine"] == (
        f"not refused again, or for another reason: {file}[TILE_COMPLETENESS] row 2"
    )
    assert "column SURVEY: none of" in failed["tile file-rows"]
    iron.query(entry % ("row", 1))
    assert iron.verify("tile") == {}
    iron.query(entry % ("reason", '"no reason"'))
    assert list(iron.verify("tile")) == ["tile quarantine"]


def test_a_column_that_a_user_added(iron):
    """No file gives it: rows in quarantine are refused again for what was wrong with them."""
    iron.change(iron.files.tiles(), "TILE_COMPLETENESS", "SURVEY", 1, "xyz")
    iron.load("tile")
    iron.query("ALTER TABLE iron.tile ADD COLUMN remark text")
    assert iron.verify("tile") == {}
