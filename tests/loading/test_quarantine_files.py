"""Quarantine files replace nothing that is not ours; a full disk is a clear error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.quarantine_case import Case

from specprod_copy.demo import write_production
from specprod_copy.errors import InputError

NAME = "iron.exposures.frame.parquet"
EXPOSURES = "spectro/redux/iron/exposures-iron.fits"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("iron")
    write_production(root, "iron", tiles=4, targets=20)
    return root


@pytest.fixture
def case(tmp_path: Path, original: Path, database: str) -> Case:
    """Return a production with an exposure that cannot be loaded, and so frames neither."""
    made = Case(tmp_path, original, database)
    made.change(made.root / EXPOSURES, "EXPOSURES", "SURVEY", 1, "xyz")
    return made


def test_folder_with_the_name_of_a_file_is_kept(case: Case) -> None:
    precious = case.folder / NAME / "thesis.txt"
    precious.parent.mkdir(parents=True)
    precious.write_text("thesis")
    with pytest.raises(InputError, match=f"{NAME}: cannot be written: Is a directory"):
        case.load("exposures")
    assert precious.read_text() == "thesis"
    assert case.query("SELECT to_regclass('iron.exposure') IS NULL") == [(True,)]


def test_link_with_the_name_of_a_file_is_kept(case: Case, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("thesis")
    case.folder.mkdir()
    (case.folder / NAME).symlink_to(tmp_path / "precious")
    with pytest.raises(InputError, match=f"{NAME}: is a link to"):
        case.load("exposures")
    assert (case.folder / NAME).is_symlink()
    assert (tmp_path / "precious").read_text() == "thesis"


def test_folder_that_is_a_link_to_nothing(case: Case, tmp_path: Path) -> None:
    case.folder.symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="nowhere, which does not exist"):
        case.load("exposures")
    assert case.query("SELECT to_regclass('iron.exposure') IS NULL") == [(True,)]


def test_no_room(case: Case) -> None:
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "from specprod_copy.cli import main; main()\n"
    )
    options = ["load", "exposures", "--specprod", "iron", "--root", str(case.root), "-j", "1", "-q"]
    options += [
        "--dsn",
        case.conninfo,
        "--on-error",
        "quarantine",
        "--quarantine",
        str(case.folder),
    ]
    done = subprocess.run(
        [sys.executable, "-c", program, *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    [error] = done.stderr.splitlines()
    assert error.startswith(f"Error: {case.folder}/iron.exposures.exposure.parquet: ")
    assert "cannot be written: File too large. The other rows are loaded" in error
    assert not case.folder.exists() or not list(case.folder.iterdir())
    case.load("exposures")
    assert (case.folder / NAME).is_file()
