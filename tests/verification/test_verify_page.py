"""The page of a verification replaces no input, no link and no device."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from specprod_copy.cli.verify import verify
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import InputError
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.tables import Inputs


@pytest.fixture
def loaded(database: str, demo_root: Path) -> str:
    inputs = Inputs(ProductionFiles(find_production("fuji"), demo_root))
    load(database, inputs, LoadOptions(("exposures",), "fuji"))
    return database


def command(conninfo: str, root: Path, *arguments: object) -> str:
    """Run ``verify exposures`` and return the error, empty if there is none."""
    given = ["exposures", "--specprod", "fuji", "--root", root, "--dsn", conninfo, *arguments]
    done = CliRunner().invoke(verify, [*map(str, given), "--jobs", "1", "-q"])
    if isinstance(done.exception, InputError):
        return str(done.exception)
    assert done.exit_code == 0, done.output
    return ""


def test_page_replaces_no_input(loaded: str, demo_root: Path, tmp_path: Path) -> None:
    redux = demo_root / "spectro/redux/fuji"
    tiles, other, config = tmp_path / "tiles.csv", tmp_path / "other", tmp_path / "more.toml"
    tiles.write_bytes((redux / "tiles-fuji.csv").read_bytes())
    other.hardlink_to(tiles)
    config.write_text("")
    for page, *options in (
        (tiles, "--tiles-file", tiles),
        (other, "--tiles-file", tiles),
        (config, "--config", config),
        (redux / "tiles-fuji.fits",),
        (redux / "exposures-fuji.fits",),
    ):
        before = page.read_bytes()
        assert "it is not replaced" in command(loaded, demo_root, "--html", page, *options)
        assert page.read_bytes() == before


def test_page_goes_into_a_device(loaded: str, demo_root: Path) -> None:
    error = command(loaded, demo_root, "--html", "/dev/full")
    assert error == "/dev/full: cannot be written: No space left on device"
    assert Path("/dev/full").is_char_device()
    assert command(loaded, demo_root, "--html", "/dev/null") == ""
    assert Path("/dev/null").is_char_device()
