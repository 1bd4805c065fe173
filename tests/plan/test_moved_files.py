"""One file by several paths: it has one name in the ledger, and is recognised wherever it is."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import psycopg
import pytest
from support.changing import Case, edit, iron

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import ChangedFileError
from specprod_copy.rows.units import ledger_name
from specprod_copy.tables import Inputs
from specprod_copy.verification import VerifyOptions, verify

__all__ = ["iron"]


def names(case: Case, table: str = "tile") -> set[str]:
    query = f"SELECT inputs -> 0 ->> 'file' FROM iron.load_ledger WHERE table_name = '{table}'"
    return {name for (name,) in case.query(query)}


def passes(case: Case, **inputs) -> None:
    options = VerifyOptions(("exposures",), "iron")
    results = verify(case.conninfo, Inputs(case.files, **inputs), options)
    assert [result for result in results if not result.passed] == []


def test_one_name_for_every_spelling(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    release = elsewhere / "spectro"
    release.mkdir(parents=True)
    root.mkdir()
    (root / "spectro").symlink_to(release)  # a release links into another one
    (tmp_path / "link").symlink_to(root)
    (release / "tiles.fits").touch()
    (root / "own.fits").touch()
    (elsewhere / "own-link.fits").symlink_to(root / "own.fits")
    (elsewhere / "mine.fits").touch()
    (tmp_path / "way").symlink_to(elsewhere)
    for path, name in {
        root / "spectro/tiles.fits": "spectro/tiles.fits",
        tmp_path / "link/spectro/tiles.fits": "spectro/tiles.fits",
        tmp_path / "link/../root/spectro/tiles.fits": "spectro/tiles.fits",
        root / "spectro/../own.fits": str(elsewhere / "own.fits"),  # as the system takes it
        elsewhere / "own-link.fits": "own.fits",
        elsewhere / "mine.fits": str(elsewhere / "mine.fits"),
        tmp_path / "way/mine.fits": str(elsewhere / "mine.fits"),
        elsewhere / "../elsewhere/mine.fits": str(elsewhere / "mine.fits"),
    }.items():
        for given in (path, Path(os.path.relpath(path.parent)) / path.name):
            if given is path or ".." not in path.parts:
                assert ledger_name(given, root) == name, path
        assert ledger_name(path, tmp_path / "link") == name


@pytest.mark.parametrize(
    "how", ["relative", "dots", "link", "folder-link", "copy", "renamed copy", "gzipped"]
)
def test_the_same_tiles_file_by_another_path(iron, tmp_path, how):
    tiles = tmp_path / "mine" / "mytiles.fits"
    tiles.parent.mkdir()
    shutil.copy2(iron.files.tiles(), tiles)
    iron.load("exposures", inputs={"tiles_file": tiles})
    (tmp_path / "way").symlink_to(tiles.parent)
    other = {
        "relative": Path(os.path.relpath(tiles)),
        "dots": tmp_path / "iron" / ".." / "mine" / tiles.name,
        "link": tmp_path / "other-name.fits",
        "folder-link": tmp_path / "way" / tiles.name,
        "copy": tmp_path / "another" / tiles.name,
        "renamed copy": tmp_path / "another" / "name.fits",
        "gzipped": tmp_path / "another" / "mytiles.fits.gz",
    }[how]
    if how == "link":
        other.symlink_to(tiles)
    if other.parent.name == "another":  # as a file system mounted twice without saying so
        other.parent.mkdir()
        content = tiles.read_bytes()
        other.write_bytes(gzip.compress(content) if how == "gzipped" else content)
    passes(iron, tiles_file=other)
    summary = iron.load("exposures", inputs={"tiles_file": other})
    assert sum(row.rows_kept for row in summary.tables) == 0
    passes(iron, tiles_file=other)
    assert len(names(iron)) == 1
    summary = iron.load("exposures", replace=(other,), inputs={"tiles_file": other})
    assert "tile: 0 rows changed, 0 new, 0 removed" in summary.notes
    passes(iron, tiles_file=other if other.parent.name == "another" else tiles)


def test_another_file_of_the_same_size_is_another_one(iron, tmp_path):
    mine, other = tmp_path / "mine.fits", tmp_path / "other.fits"
    shutil.copy2(iron.files.tiles(), mine)
    shutil.copy2(mine, other)
    edit(other, values={(0, "EXPTIME"): 4.5})
    assert mine.stat().st_size == other.stat().st_size
    iron.load("exposures", inputs={"tiles_file": mine})
    with pytest.raises(ChangedFileError, match="it is not among the files"):
        iron.load("exposures", inputs={"tiles_file": other})


def test_the_production_s_own_file_by_its_real_path(iron, tmp_path):
    """The root is a link, or holds one; the file is named by its real path."""
    real = iron.root / "spectro"
    real.rename(tmp_path / "release")
    real.symlink_to(tmp_path / "release")
    link = tmp_path / "link"
    link.symlink_to(iron.root)
    iron.files = ProductionFiles(find_production("iron"), link)
    iron.load("exposures")
    name = "spectro/redux/iron/tiles-iron.fits"
    assert names(iron) == {name}
    for tiles in (
        tmp_path / "release/redux/iron/tiles-iron.fits",
        iron.root / name,
        link / name,
    ):
        passes(iron, tiles_file=tiles)
        iron.load("exposures", inputs={"tiles_file": tiles})
        iron.load("exposures", replace=(tiles,))
    assert len(names(iron)) == 1


def test_ledger_of_an_earlier_version(iron, tmp_path):
    """It has the path as it was given."""
    tiles = tmp_path / "mytiles.fits"
    shutil.copy2(iron.files.tiles(), tiles)
    iron.load("exposures", inputs={"tiles_file": tiles})
    with psycopg.connect(iron.conninfo) as connection:
        connection.execute(
            """UPDATE iron.load_ledger
               SET inputs = jsonb_set(inputs, '{0,file}', to_jsonb(%s::text))
               WHERE table_name = 'tile'""",
            (f"{tmp_path}/iron/../mytiles.fits",),
        )
    passes(iron, tiles_file=tiles)
    iron.load("exposures", inputs={"tiles_file": tiles})
    assert names(iron) == {str(tiles)}
