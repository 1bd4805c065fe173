"""Table ``vac`` says of all rows what catalogue they are of, whatever is loaded or interrupted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psycopg
import pytest
from support.catalogues import Catalogues, write_fits

from specprod_copy.loading.beside import name_beside
from specprod_copy.loading.described import load_catalogue
from specprod_copy.loading.options import LoadOptions
from specprod_copy.progress import ProgressListener
from specprod_copy.vac.parsing import read_description


@pytest.fixture
def vac(tmp_path, database) -> Catalogues:
    columns = {"TARGETID": np.arange(5, dtype="i8"), "A": np.zeros(5)}
    write_fits(tmp_path / "cat.fits", {"METADATA": columns, "FASTSPEC": columns})
    return Catalogues(tmp_path, database)


def entries(vac: Catalogues) -> list[tuple]:
    return vac.query("SELECT catalogue, version, suffix, tables FROM vac.vac ORDER BY 1, 2, 3")


def changed(description: Path, old: str, new: str) -> Path:
    """Return a copy of a description beside it."""
    path = description.with_name("changed.toml")
    text = description.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def test_two_catalogues_of_one_name_and_version(vac):
    """Each HDU drafted by itself: both would have the same entry."""
    drafts = {
        hdu: vac.draft(vac.root / "cat.fits", "--hdu", hdu, into=hdu)
        for hdu in ("METADATA", "FASTSPEC")
    }
    vac.load(drafts["METADATA"])
    for option in ((), ("--overwrite",)):
        assert vac.refuse_load(drafts["FASTSPEC"], *option) == (
            "schema vac has cat v1 already, with other tables (metadata): give this one another "
            "name, or load it with --suffix _v1 or into another --schema"
        )
    vac.load(changed(drafts["FASTSPEC"], '"cat"', '"lines"'))
    assert entries(vac) == [("cat", "v1", "", ["metadata"]), ("lines", "v1", "", ["fastspec"])]
    assert {table for table, _ in vac.verify()} == {"metadata", "fastspec"}


def test_tables_that_would_be_left_over(vac):
    """What has rows keeps its entry until it is replaced as a whole, or dropped."""
    vac.load(vac.draft(vac.root / "cat.fits", into="both"))
    one = vac.draft(vac.root / "cat.fits", "--hdu", "METADATA", into="one")
    left = (
        "beside it with --suffix _v1 or into another --schema: in place of it fastspec would be "
        "left over, unless dropped, or described here as well"
    )
    for option in ((), ("--overwrite",)):
        message = vac.refuse_load(one, *option)
        assert message == f"vac.metadata: has rows of cat v1; load cat v1 {left}"
    # As after a load that was interrupted: only one of the tables has rows.
    vac.query("DELETE FROM vac.metadata RETURNING 1")
    vac.query("DELETE FROM vac.load_ledger WHERE table_name = 'metadata' RETURNING 1")
    other = changed(one, '"cat"', '"other"')
    for option in ((), ("--overwrite",)):
        message = vac.refuse_load(other, *option)
        assert message == f"vac.metadata: belongs to cat v1; load other v1 {left}"
    assert entries(vac) == [("cat", "v1", "", ["metadata", "fastspec"])]
    with psycopg.connect(vac.conninfo) as connection:
        connection.execute("DROP TABLE vac.fastspec")
    vac.load(other, "--overwrite")
    assert entries(vac) == [("other", "v1", "", ["metadata"])]
    vac.verify()


def test_another_production(vac):
    """The same catalogue of another production can stand beside the one that is loaded."""
    description = vac.draft(vac.root / "cat.fits")
    vac.load(description, "--specprod", "fuji")
    assert vac.refuse_load(description, "--specprod", "iron") == (
        "vac.fastspec, metadata: has rows of cat v1, specprod fuji; load cat v1 beside it with "
        "--suffix _iron or into another --schema, or in place of it with --overwrite"
    )
    vac.load(description, "--specprod", "iron", "--suffix", "_iron")
    tables = ["metadata", "fastspec"]
    assert entries(vac) == [
        ("cat", "v1", "", tables),
        ("cat", "v1", "_iron", [f"{table}_iron" for table in tables]),
    ]
    assert vac.refuse_load(description, "--specprod", "iron", "--version", "v2") == (
        "vac.fastspec, metadata: has rows of cat v1; load cat v2 beside it with --suffix _v2 or "
        "into another --schema, or in place of it with --overwrite"
    )


VERIFICATION, END = 2, 3
"""How often a load with --overwrite has begun something by then; the swap is in between."""


class Interrupted(ProgressListener):
    """Is interrupted at a moment."""

    def __init__(self, moment: int) -> None:
        self.left = moment

    def begin(self, rows: int, size: int) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def interrupt(vac: Catalogues, description: Path, version: str, moment: int) -> None:
    described = read_description(description).with_parameters(version=version)
    options = LoadOptions(("all",), "vac", overwrite=True, roles=())
    with pytest.raises(KeyboardInterrupt):
        load_catalogue(vac.conninfo, described, vac.root, options, Interrupted(moment))


@pytest.mark.parametrize("before", ["v1", None])
def test_interrupted_right_after_the_swap(vac, before):
    """The tables are there with what says what they are, whether others were there or not."""
    description = vac.draft(vac.root / "cat.fits")
    if before:
        vac.load(description)
    interrupt(vac, description, "v2", END)
    assert entries(vac) == [("cat", "v2", "", ["metadata", "fastspec"])]
    assert vac.query("SELECT count(*) FROM vac.metadata") == [(5,)]
    assert "has rows of cat v2; load cat v1 beside it" in vac.refuse_load(description)
    assert "0 rows loaded" in vac.load(description, "--version", "v2")
    vac.verify()


def test_what_another_version_left_beside(vac):
    """It goes: nobody is sent to --overwrite who has given it."""
    description = vac.draft(vac.root / "cat.fits")
    vac.load(description)
    interrupt(vac, description, "v2", VERIFICATION)
    beside = name_beside("vac")
    assert vac.query(f"SELECT version FROM {beside}.vac") == [("v2",)]
    vac.load(description, "--version", "v3", "--overwrite")
    assert entries(vac) == [("cat", "v3", "", ["metadata", "fastspec"])]
    assert vac.query(f"SELECT to_regnamespace('{beside}') IS NULL") == [(True,)]
    vac.verify()


@pytest.mark.parametrize("hidden", ["vac", "load_ledger"])
def test_who_may_not_read_it_is_told_so(vac, hidden):
    description = vac.draft(vac.root / "cat.fits")
    vac.load(description)
    with psycopg.connect(vac.conninfo) as connection:
        connection.execute("CREATE ROLE lowly LOGIN")
        connection.execute("GRANT USAGE ON SCHEMA vac TO lowly")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA vac TO lowly")
        connection.execute(f"REVOKE SELECT ON vac.{hidden} FROM lowly")
    lowly = Catalogues(vac.root, f"{vac.conninfo} user=lowly")
    try:
        commands = [("describe",), ("diff",), ("status",), ("verify", "--root", vac.root)]
        for command in commands if hidden == "vac" else ():
            message = lowly.refuse(*command, "--schema", "vac")
            assert "permission denied for table vac" in message
        for option in ((), ("--dry-run",)):
            assert f"permission denied for table {hidden}" in lowly.refuse_load(
                description, *option
            )
    finally:
        with psycopg.connect(vac.conninfo) as connection:
            connection.execute("DROP OWNED BY lowly; DROP ROLE lowly")
