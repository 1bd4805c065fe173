"""What failed last, and why: the ledger has it until it is loaded, and ``status`` says it."""

from __future__ import annotations

import json

import pytest
from astropy.io import fits
from click.testing import CliRunner
from support import limits
from support.changing import Case, edit, interrupt_after, iron, loaded

from specprod_copy.cli import cli
from specprod_copy.errors import DatabaseError, InputError

__all__ = ["iron", "loaded"]

REFUSING = """
CREATE FUNCTION iron.refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE 'no notes here'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON iron.load_ledger FOR EACH ROW
WHEN (NEW.failure IS NOT NULL) EXECUTE FUNCTION iron.refuse()"""

ENDING = """
CREATE FUNCTION iron.leave() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN OLD; END $$;
CREATE TRIGGER leave BEFORE DELETE ON iron.load_ledger FOR EACH ROW
WHEN (OLD.failure IS NOT NULL) EXECUTE FUNCTION iron.leave()"""


def status(case: Case, *options: str) -> str:
    where = ["--schema", "iron", "--dsn", case.conninfo]
    return CliRunner().invoke(cli, ["status", *where, *options]).stdout


def failed(case: Case) -> dict[str, str]:
    """Return what status says of failures: table and entry to why."""
    told = json.loads(status(case, "--json"))["failed"]
    return {f"{one['table']}, {one['entry']}": one["why"] for one in told}


def declination(case: Case, value: float) -> float:
    """Change the first row of the redshifts; return what was there."""
    with fits.open(case.files.zall_pix(), mode="update") as hdus:
        rows = hdus["ZCATALOG"].data
        before = float(rows["TARGET_DEC"][0])
        rows["TARGET_DEC"][0] = value
    return before


def test_what_failed_is_told_until_it_is_loaded(iron):
    iron.limits = limits.cut(40, 40)
    iron.load("exposures")
    before = declination(iron, 91)
    with pytest.raises(InputError) as caught:
        iron.load("exposures", "zpix")
    assert failed(iron) == {"zpix, stage redshift": str(caught.value)}
    assert "row 0: 91.0" in str(caught.value)
    [line] = [line for line in status(iron).splitlines() if line.startswith("failed at 20")]
    assert line.endswith(f": zpix, stage redshift: {caught.value}")
    declination(iron, before)
    iron.load("exposures")
    assert len(failed(iron)) == 1
    iron.load("zpix")
    assert failed(iron) == {}


def test_each_part_has_its_own(iron):
    iron.limits = limits.cut(40, 40)
    before = declination(iron, 91)
    bad = []
    for part in (1, 2):
        try:
            iron.load("zpix", part=(part, 2))
        except InputError:
            bad.append(part)
    [bad_part] = bad
    declination(iron, before)
    iron.load("zpix", part=(3 - bad_part, 2))
    assert [*failed(iron)] == [f"zpix, stage redshift, part {bad_part} of 2"]
    iron.load("zpix", part=(bad_part, 2))
    assert failed(iron) == {}


def test_keys(iron):
    iron.limits = limits.cut(40, 40)
    edit(iron.files.tiles(), rows=lambda n: [0, *range(n)])
    with pytest.raises(DatabaseError, match="not unique"):
        iron.load("exposures")
    assert [*failed(iron)] == ["tile, stage exposures"]


def test_tables_that_should_be_replaced(loaded):
    declination(loaded, 91)
    before = loaded.rows("zpix")
    with pytest.raises(InputError):
        loaded.load("zpix", overwrite=True)
    assert [*failed(loaded)] == ["zpix, stage redshift"]
    assert loaded.rows("zpix") == before


def test_a_ledger_that_takes_no_note_hides_no_cause(loaded):
    loaded.execute(REFUSING)
    declination(loaded, 91)
    with pytest.raises(InputError, match=r"row 0: 91\.0"):
        loaded.load("zpix", overwrite=True)
    assert failed(loaded) == {}


def test_a_connection_that_ends_after_the_load_is_no_failure(iron):
    iron.limits = limits.cut(40, 40)
    before = declination(iron, 91)
    with pytest.raises(InputError):
        iron.load("exposures", "zpix")
    iron.execute(ENDING)
    declination(iron, before)
    assert sum(table.rows_kept for table in iron.load("zpix").tables) == len(iron.rows("zpix"))
    assert [*failed(iron)] == ["zpix, stage redshift"]
    iron.execute("DROP TRIGGER leave ON iron.load_ledger")
    iron.load("zpix")
    assert failed(iron) == {}


def test_interrupted_is_not_failed(iron, monkeypatch):
    iron.limits = limits.cut(40, 40)
    interrupt_after(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        iron.load("zpix")
    assert failed(iron) == {}


@pytest.mark.usefixtures("q3c")
def test_complete_tables_have_not_failed(loaded, tmp_path):
    """Though a load from a wrong folder was to fill them."""
    loaded.root, root = tmp_path / "wrong", loaded.root
    loaded.root.mkdir()
    refused = loaded.command("load", "all")
    assert refused.exit_code == 1, refused.output
    loaded.root = root
    assert len(failed(loaded)) > 5
    for where in ((), ("--specprod", "iron", "--root", str(root))):
        lines = status(loaded, *where).splitlines()
        [line] = [line for line in lines if "wrong" in line]
        assert line.startswith("last attempt at 20") and " ended with: " in line
        assert not any(line.startswith("failed at") for line in lines)


def test_keys_that_an_interrupted_load_has_not_made(loaded):
    loaded.execute("ALTER TABLE iron.target DROP CONSTRAINT target_targetid_fkey")
    [line] = [line for line in status(loaded).splitlines() if "target_targetid_fkey" in line]
    assert line.startswith("run the load again (")
    assert line.endswith(": target: target_targetid_fkey is missing")
    loaded.load("all")
    assert "target_targetid_fkey" not in status(loaded)
