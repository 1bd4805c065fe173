"""Runs of the demo: the same bytes again, sizes, what it replaces, its command."""

from __future__ import annotations

import hashlib
import shlex

import polars as pl
import pytest
from astropy.io import fits
from click.testing import CliRunner
from support.demo_productions import NOT_SKY, Made, tree_hashes

from specprod_copy.cli.demo import demo
from specprod_copy.demo import write_production
from specprod_copy.errors import ConfigurationError


def test_a_run_is_reproduced_byte_for_byte(tmp_path):
    for name in ("fuji", "daily"):
        for copy in "ab":
            write_production(tmp_path / copy, name, tiles=5, targets=40)
    write_production(tmp_path / "c", "fuji", tiles=5, targets=40, seed=2)
    first, second, other = (tree_hashes(tmp_path / copy) for copy in "abc")
    assert first == second
    assert "spectro/redux/fuji/tiles-fuji.csv" in other
    assert not set(first.items()) & set(other.items()) - {("demo-fuji.txt", first["demo-fuji.txt"])}


def test_written_rows_are_those_in_the_files(tmp_path):
    written = write_production(tmp_path, "guadalupe", tiles=4, targets=50, per_survey=True)
    found = {}
    for path in tmp_path.rglob("*.fits*"):
        with fits.open(path) as hdus:
            found |= {(path, hdu.name): hdu.header["NAXIS2"] for hdu in hdus[1:]}
    csv = tmp_path / "spectro/redux/guadalupe/tiles-guadalupe.csv"
    assert {(w.path, w.hdu): w.rows for w in written} == {**found, (csv, ""): 4}


@pytest.mark.parametrize("chunk", [40, 5000])
def test_chunks_do_not_change_what_is_guaranteed(tmp_path, chunk):
    made = Made(tmp_path, "iron", tiles=4, targets=200, chunk=chunk)
    targets = made.targetphot("TARGETID", "SURVEY", "TILEID")
    tractor = made.tractorphot("TARGETID")
    assert targets.is_unique().all()
    assert tractor.is_unique().all()
    assert 160 < len(targets) / 4 < 240
    for kind in ("pix", "tile"):
        rows = made.catalog(kind, "TARGETID", "ZCAT_NSPEC", "ZCAT_PRIMARY")
        counts = rows.group_by("TARGETID").agg(
            pl.len(), pl.col("ZCAT_NSPEC").unique(), pl.col("ZCAT_PRIMARY").sum()
        )
        assert counts["ZCAT_NSPEC"].to_list() == [[n] for n in counts["len"]]
        assert (counts["ZCAT_PRIMARY"] == 1).all()
        assert rows.filter(NOT_SKY).join(targets, on="TARGETID", how="anti").is_empty()


def test_size_follows_tiles_and_targets(tmp_path):
    small = write_production(tmp_path / "a", "fuji", tiles=4, targets=100)
    large = write_production(tmp_path / "b", "fuji", tiles=8, targets=300)
    rows = [sum(w.rows for w in written if w.hdu == "TARGETPHOT") for written in (small, large)]
    assert rows[0] == pytest.approx(400, rel=0.15)
    assert rows[1] == pytest.approx(2400, rel=0.15)


def test_an_existing_demo_is_kept_or_replaced_as_a_whole(tmp_path):
    write_production(tmp_path, "fuji", tiles=5, targets=60)
    before = tree_hashes(tmp_path)
    with pytest.raises(ConfigurationError) as error:
        write_production(tmp_path, "fuji", tiles=4, targets=50)
    assert str(error.value) == (
        f"{tmp_path} already holds a demo of fuji; "
        "choose another folder, or replace it with --overwrite"
    )
    assert tree_hashes(tmp_path) == before
    mine = tmp_path / "spectro/redux/fuji/notes.txt"
    mine.write_text("mine")
    write_production(tmp_path, "fuji", tiles=4, targets=50, overwrite=True)
    write_production(tmp_path / "fresh", "fuji", tiles=4, targets=50)
    replaced = {k: v for k, v in tree_hashes(tmp_path).items() if not k.startswith("fresh")}
    assert replaced.pop("spectro/redux/fuji/notes.txt") == hashlib.sha256(b"mine").hexdigest()
    assert replaced == tree_hashes(tmp_path / "fresh")


def test_files_of_others_are_never_replaced(tmp_path):
    write_production(tmp_path, "guadalupe", tiles=4, targets=50)
    before = tree_hashes(tmp_path)
    # iron has the same version of the tiles, so its fiberassign files have the same names
    with pytest.raises(ConfigurationError) as error:
        write_production(tmp_path, "iron", tiles=4, targets=50, overwrite=True)
    shared_file = tmp_path / "target/fiberassign/tiles/tags/1.1/001/fiberassign-001000.fits"
    assert str(error.value) == (
        f"{shared_file} exists and was not written by a demo of this production; "
        "choose another folder"
    )
    assert tree_hashes(tmp_path) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"specprod": "nippon"}, "unknown production 'nippon'"),
        ({"tiles": 0}, "tiles=0"),
        ({"targets": 9}, "targets=9"),
        ({"targets": 50001}, "targets=50001"),
        ({"tiles": 4000}, "no more tile numbers for survey sv1: ask for fewer tiles"),
        ({"specprod": "iron", "tiles": 4000}, "the sky has room for 2812 tiles, not for 4000"),
    ],
)
def test_impossible_wishes_are_refused(tmp_path, options, message):
    with pytest.raises(ConfigurationError, match=message):
        write_production(tmp_path / "none", **options)
    assert not (tmp_path / "none").exists()


def test_command_writes_and_says_what_comes_next(tmp_path):
    steps = []
    write_production(
        tmp_path / "api", "loa", tiles=6, targets=40, progress=lambda *done: steps.append(done)
    )
    assert steps == [(1, 2), (2, 2)]
    command = [str(tmp_path / "cli"), "--specprod", "loa", "--tiles", "6", "--targets", "40"]
    result = CliRunner().invoke(demo, command, catch_exceptions=False)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == [
        "kind",
        "exposures",
        "fiberassign",
        "targetphot",
        "tiles",
        "tractorphot",
        "zall",
        "all",
    ]
    assert lines[2].split()[1] == "6"
    assert lines[-1] == (
        f"Load it: specprod-copy load all --specprod loa --root {tmp_path / 'cli'}"
    )
    assert tree_hashes(tmp_path / "cli") == tree_hashes(tmp_path / "api")
    with pytest.raises(ConfigurationError, match="already holds a demo of loa"):
        CliRunner().invoke(demo, command, catch_exceptions=False)
    assert CliRunner().invoke(demo, [*command, "--overwrite"]).exit_code == 0


def test_what_it_prints_can_be_pasted(tmp_path):
    """Into a shell, where a blank ends a word."""
    folder = tmp_path / "big data"
    command = [str(folder), "--specprod", "iron", "--tiles", "2", "--targets", "20", "--catalogues"]
    lines = CliRunner().invoke(demo, command, catch_exceptions=False).stdout.splitlines()
    assert [shlex.split(line.partition(": ")[2]) for line in lines[-2:]] == [
        ["specprod-copy", "load", "all", "--specprod", "iron", "--root", str(folder)],
        [
            *("specprod-copy", "load-vac", "mws", "--release", "dr1"),
            *("--specprod", "iron", "--root", str(folder)),
        ],
    ]


def test_command_explains_itself():
    text = CliRunner().invoke(demo, ["--help"]).stdout
    assert "specprod-copy demo demo --specprod daily" in text
    for option in demo.params[1:]:
        assert option.opts[-1] in text
