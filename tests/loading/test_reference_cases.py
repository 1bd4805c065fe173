"""Small inputs that were once loaded wrongly, or refused without need."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import psycopg
import pytest

from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import SpecprodCopyError
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.tables import Inputs


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("cases")
    write_production(root, "iron", tiles=4, targets=40)
    return root


@pytest.fixture
def root(original, tmp_path) -> Path:
    return shutil.copytree(original, tmp_path / "desi")


def put(case: Path, root: Path) -> Path:
    """Put the file of a case in the place of the original, unpacked; return its path."""
    [file] = case.iterdir()
    packed = file.suffix == ".gz"
    content = gzip.decompress(file.read_bytes()) if packed else file.read_bytes()
    [place] = root.rglob(file.name.removesuffix(".gz"))
    place.write_bytes(content)
    return place


def run(conninfo: str, root: Path, *stages: str, **given: Path) -> str:
    """Load; return what is wrong, nothing if all is loaded."""
    inputs = Inputs(ProductionFiles(find_production("iron"), root), **given)
    try:
        load(conninfo, inputs, LoadOptions(stages or ("all",), "iron"))
    except SpecprodCopyError as error:
        return str(error)
    return ""


REFUSED = {
    "f33_no_tileid": "no keyword TILEID in its header",
    "f34_tileid_other": "is the file of tile 1000, but its header has TILEID 1",
    "x58_targetid_f8": "column TARGETID: may have been rounded",
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(database, shared, root, case):
    path = put(shared / "reference" / "cases" / case, root)
    message = run(database, root)
    assert message.startswith(str(path))
    assert REFUSED[case] in message
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT to_regnamespace('iron')").fetchone() == (None,)


def test_text_ends_at_its_first_nul(database, shared, root):
    put(shared / "reference" / "cases" / "x47_text_embedded_nul", root)
    assert run(database, root) == ""
    with psycopg.connect(database) as connection:
        query = "SELECT count(*), min(spectype) FROM iron.zpix WHERE subtype = 'AB'"
        assert connection.execute(query).fetchone() == (1, "QSO")


def test_text_that_looks_like_numbers(database, shared, original):
    tiles = shared / "reference" / "cases" / "d11_csv_text_like_number" / "tiles.csv"
    assert run(database, original, "tile", tiles_file=tiles) == ""
    with psycopg.connect(database) as connection:
        query = "SELECT DISTINCT obsstatus FROM iron.tile"
        assert connection.execute(query).fetchall() == [("007",)]
