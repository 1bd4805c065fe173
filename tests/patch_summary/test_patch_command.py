"""The command patch summary."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from support.summary_productions import Productions

from specprod_copy.cli.patch_summary import summary as command
from specprod_copy.demo import write_production

VARIABLES = ("DESI_ROOT", "DESI_SPECTRO_REDUX", "DESI_SPECTRO_DATA")


@pytest.mark.parametrize("way", ["option", "root", "folders"])
def test_command(two: Productions, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    two.daily["tiles"][0]["GOALTYPE"] = "unknown"
    two.write()
    root = two.redux.parents[1]
    elsewhere = str(root / "elsewhere")
    option, root_variable, folders = {
        "option": (["--root", str(root)], elsewhere, (elsewhere, elsewhere)),
        "root": ([], str(root), ("", "")),
        "folders": ([], elsewhere, (str(two.redux), str(two.raw))),
    }[way]
    for variable, value in zip(VARIABLES, (root_variable, *folders), strict=True):
        monkeypatch.setenv(variable, value)
    done = CliRunner().invoke(command, [*option, str(two.out)], catch_exceptions=False)
    written = [line[6:] for line in done.output.splitlines() if line.startswith("wrote ")]
    assert done.exit_code == 0
    assert sorted(written) == sorted(str(path) for path in two.out.iterdir())
    assert done.output.splitlines()[:3] == [
        "        1  tiles.GOALTYPE  unknown: taken from jura",
        "        2  tiles.UPDATED   time of this run",
        "        3  changes in all",
    ]


def test_command_without_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    done = CliRunner().invoke(command, [str(tmp_path / "out")])
    assert done.exit_code == 2
    assert done.output.splitlines()[-1] == (
        "Error: name the folder of the data: --root DIR, or set DESI_SPECTRO_REDUX or DESI_ROOT"
    )


def test_productions_of_the_demo(tmp_path: Path) -> None:
    """Both lack measurements, but not of the same tiles."""
    for name in ("daily", "jura"):
        write_production(tmp_path, name, tiles=4, targets=10)
    done = CliRunner().invoke(command, ["--root", str(tmp_path), str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "tiles.EFFTIME_GFA" in done.output
