"""Which files the patterns of a description stand for, and what their paths say."""

from __future__ import annotations

import numpy as np
import pytest
from support.catalogues import Catalogues, table_sql, write_fits

TOML = """
name = "own"
version = "v1"
[tables.main]
files = {files}
hdu = "MAIN"
[tables.main.columns]
tracer = {{ path = "tracer" }}
"""
SQL = table_sql("targetid bigint NOT NULL, tracer varchar(20) NOT NULL")


@pytest.fixture
def vac(tmp_path, database) -> Catalogues:
    return Catalogues(tmp_path, database)


def loaded(vac: Catalogues, files: list[str], *paths: str) -> list[tuple]:
    """Load a target of each file, and return which tracer it has; none is taken for another."""
    (vac.root / "own").mkdir(parents=True)
    (vac.root / "own/own.toml").write_text(TOML.format(files=files))
    (vac.root / "own/main.sql").write_text(SQL)
    for n, path in enumerate(paths):
        write_fits(vac.root / path, {"MAIN": {"TARGETID": np.array([n])}})
    vac.load(vac.root / "own/own.toml")
    vac.verify()
    moved = vac.root.rename(vac.root.with_name(f"{vac.root.name} elsewhere"))
    vac.verify("--root", moved)
    moved.rename(vac.root)
    return vac.query("SELECT targetid, tracer FROM vac.main ORDER BY targetid")


@pytest.mark.parametrize("files", [["{tracer}.fits", "{tracer}/full.fits"], ["{tracer}/full.fits"]])
def test_a_path_is_read_by_the_pattern_that_found_it(vac, files):
    """Another one may be like its end."""
    assert loaded(vac, files, "LRG/full.fits", "QSO/full.fits.gz") == [(0, "LRG"), (1, "QSO")]


def test_a_pattern_that_is_also_like_the_folder_of_the_root(vac):
    vac.root = vac.root / "folder"
    assert loaded(vac, ["{tracer}/full.fits", "{tracer}.fits"], "full.fits") == [(0, "full")]


def test_all_that_a_pattern_stands_for_is_taken(vac):
    """A name with something behind that of another file is no other version of it here."""
    paths = ("BGS.fits", "BGS-21.5.fits", "BGS_old.fits.gz", "BGS (copy).fits", "LRG.fits")
    assert loaded(vac, ["{tracer}.fits"], *paths) == [
        (0, "BGS"),
        (1, "BGS-21.5"),
        (2, "BGS_old"),
        (3, "BGS (copy)"),
        (4, "LRG"),
    ]
