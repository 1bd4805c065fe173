"""Where the files of a production are looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from support.clusters import SHARED

from specprod_copy.desi.members import plain_or_gzipped
from specprod_copy.desi.production import (
    ProductionFiles,
    find_production,
    survey_program_from_name,
)
from specprod_copy.errors import InputError

REFERENCE = SHARED / "reference"
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the reference productions are not beside this checkout"
)

FUJI, GUADALUPE, IRON, DAILY = map(find_production, ["fuji", "guadalupe", "iron", "daily"])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data root whose name is no pattern."""
    folder = tmp_path / "data [root] *"
    folder.mkdir()
    return folder


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def below(root: Path, paths: Iterable[Path]) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


def missing(find: Callable[[], object], *paths: Path, of: str = "iron") -> None:
    """The call raises the error that names these paths."""
    with pytest.raises(InputError) as caught:
        find()
    assert str(caught.value) == (
        f"not found: {', '.join(map(str, paths))}; "
        f"check the data root and the configuration of production {of}"
    )


def test_root_must_be_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "no", Path(__file__)):
        with pytest.raises(InputError) as caught:
            ProductionFiles(IRON, path)
        assert str(caught.value) == (
            f"{path}: the data root is not a folder; "
            "name the one that holds spectro, vac and target"
        )


@pytest.mark.parametrize("below", ["spectro", "spectro/redux", "spectro/redux/iron"])
def test_a_root_too_deep(root: Path, below: str) -> None:
    touch(root, "spectro/redux/iron/tiles-iron.fits")
    with pytest.raises(InputError, match="not found: ") as caught:
        ProductionFiles(IRON, root / below).tiles()
    assert str(caught.value).endswith(
        f"/tiles-iron.csv; the data root seems to be {root}, where such a folder is"
    )


def test_a_root_that_is_right_below_another_one(root: Path) -> None:
    """As at NERSC: a production that is public, within the folder of all."""
    touch(root, "spectro/redux/iron/tiles-iron.fits")
    touch(root, "public/dr1/spectro/redux/iron/exposures-iron.fits")
    redux = root / "public/dr1/spectro/redux/iron"
    files = ProductionFiles(IRON, root / "public/dr1")
    missing(files.tiles, redux / "tiles-iron.fits", redux / "tiles-iron.csv")


def test_tiles_and_exposures(root: Path) -> None:
    files, redux = ProductionFiles(IRON, root), root / "spectro/redux/iron"
    missing(files.tiles, redux / "tiles-iron.fits", redux / "tiles-iron.csv")
    missing(files.exposures, redux / "exposures-iron.fits")
    touch(root, "spectro/redux/iron/tiles-iron.csv", "spectro/redux/iron/exposures-iron.fits.gz")
    assert files.tiles() == redux / "tiles-iron.csv"
    assert files.exposures() == redux / "exposures-iron.fits.gz"
    touch(root, "spectro/redux/iron/tiles-iron.fits", "spectro/redux/iron/exposures-iron.fits")
    assert files.tiles() == redux / "tiles-iron.fits"
    assert files.exposures() == redux / "exposures-iron.fits"


def test_daily_prefers_csv(root: Path) -> None:
    files, redux = ProductionFiles(DAILY, root), root / "spectro/redux/daily"
    touch(root, "spectro/redux/daily/tiles-daily.fits")
    assert files.tiles() == redux / "tiles-daily.fits"
    touch(root, "spectro/redux/daily/tiles-daily.csv")
    assert files.tiles() == redux / "tiles-daily.csv"


def test_explicit_tiles_and_exposures(root: Path) -> None:
    files = ProductionFiles(IRON, root)
    touch(root, "spectro/redux/iron/tiles-iron.fits", "mine.csv", "mine.fits.gz")
    assert files.tiles(root / "mine.csv") == root / "mine.csv"
    assert files.exposures(root / "mine.fits") == root / "mine.fits.gz"
    for find in (files.tiles, files.exposures):
        with pytest.raises(InputError) as caught:
            find(root / "other.csv")
        assert str(caught.value) == f"{root / 'other.csv'}: no such file"


def test_tractorphot(root: Path) -> None:
    files = ProductionFiles(IRON, root)
    folder = "vac/dr1/lsdr9-photometry/iron/v1.1/potential-targets/tractorphot"
    missing(files.tractorphot, root / folder / "tractorphot*.fits")
    names = [f"{folder}/tractorphot-{x}.fits" for x in ("999", "1000", "nside4-hp001-iron")]
    touch(root, *reversed(names))
    touch(root, f"{folder}/tractorphot-1.fits.tmp", f"{folder}/targetphot-1.fits")
    (root / folder / "tractorphot-folder.fits").mkdir()
    assert below(root, files.tractorphot()) == names


def test_targetphot(root: Path) -> None:
    folder = "vac/dr1/lsdr9-photometry/guadalupe/v2.1/potential-targets"
    touch(
        root,
        f"{folder}/targetphot-potential-special-guadalupe.fits",
        f"{folder}/targetphot-potential-nside2-hp00-main-guadalupe.fits",
        f"{folder}/targetphot-potential-guadalupe.fits",
        f"{folder}/targetphot-potential-main-iron.fits",
    )
    files = ProductionFiles(GUADALUPE, root)
    assert below(root / folder, files.targetphot()) == [
        "targetphot-potential-nside2-hp00-main-guadalupe.fits",
        "targetphot-potential-special-guadalupe.fits",
    ]
    stack = ProductionFiles(replace(GUADALUPE, target_summary=True), root)
    assert below(root / folder, stack.targetphot()) == ["targetphot-potential-guadalupe.fits"]

    fuji = root / "vac/edr/lsdr9-photometry/fuji/v2.1/potential-targets"
    missing(
        ProductionFiles(FUJI, root).targetphot, fuji / "targetphot-potential-fuji.fits", of="fuji"
    )
    iron = root / "vac/dr1/lsdr9-photometry/iron/v1.1/potential-targets"
    missing(ProductionFiles(IRON, root).targetphot, iron / "targetphot-potential-*-iron.fits")


def test_targetphot_of_tiles(root: Path) -> None:
    folder = "vac/daily/lsdr9-photometry/daily/computed/potential-targets"
    touch(
        root,
        *(f"{folder}/targetphot-potential-{x}.fits" for x in ("80605", "1000", "999", "daily")),
    )
    assert below(root / folder, ProductionFiles(DAILY, root).targetphot()) == [
        "targetphot-potential-999.fits",
        "targetphot-potential-1000.fits",
        "targetphot-potential-80605.fits",
    ]


@pytest.mark.parametrize(
    ("redshift", "folder", "suffix"),
    [
        ("base", "spectro/redux/iron/zcatalog", "iron"),
        ("patch/v1", "spectro/redux/iron/zcatalog/v1", "iron"),
        ("patch/v1.1", "spectro/redux/iron/zcatalog/v1.1", "iron"),
        ("zcat/v1.0", "vac/dr1/zcat/iron/v1.0", "dr1-vac"),
    ],
)
def test_zall(root: Path, redshift: str, folder: str, suffix: str) -> None:
    files = ProductionFiles(replace(IRON, redshift=redshift), root)
    assert files.zall_pix() is None
    assert files.zall_tilecumulative() is None
    names = [f"{folder}/zall-pix-{suffix}.fits", f"{folder}/zall-tilecumulative-{suffix}.fits"]
    touch(root, *names)
    assert [files.zall_pix(), files.zall_tilecumulative()] == [root / name for name in names]


def test_catalogs_per_survey_and_program(root: Path) -> None:
    files, folder = ProductionFiles(IRON, root), root / "spectro/redux/iron/zcatalog/v1"
    missing(
        files.zpix_survey_program,
        folder / "zall-pix-iron.fits",
        folder / "zall/zall-pix-iron.fits",
        folder / "zpix-*-*.fits",
    )
    missing(
        files.ztile_survey_program,
        folder / "zall-tilecumulative-iron.fits",
        folder / "zall/zall-tilecumulative-iron.fits",
        folder / "ztile-*-*-cumulative.fits",
    )
    pix = ["zpix-cmx-other.fits", "zpix-main-bright1b.fits", "zpix-sv1-dark.fits"]
    tile = ["ztile-main-dark-cumulative.fits", "ztile-sv3-bright-cumulative.fits"]
    other = ["zpix-sv1-dark-extra.fits", "ztile-main-dark-1x_depth.fits", "zall-pix-iron.txt"]
    touch(folder, *reversed(pix), *reversed(tile), *other)
    touch(root, "spectro/redux/iron/zcatalog/zpix-sv2-dark.fits")
    assert below(folder, files.zpix_survey_program()) == pix
    assert below(folder, files.ztile_survey_program()) == tile


def test_catalogs_per_survey_and_program_beside_a_vac(root: Path) -> None:
    files, folder = ProductionFiles(FUJI, root), root / "spectro/redux/fuji/zcatalog"
    missing(
        files.zpix_survey_program,
        root / "vac/edr/zcat/fuji/v1.0/zall-pix-edr-vac.fits",
        folder / "v1/zpix-*-*.fits",
        folder / "zpix-*-*.fits",
        of="fuji",
    )
    touch(folder, "zpix-sv1-dark.fits", "zpix-sv2-dark.fits")
    assert below(folder, files.zpix_survey_program()) == [
        "zpix-sv1-dark.fits",
        "zpix-sv2-dark.fits",
    ]
    touch(folder, "v1/zpix-sv3-dark.fits")
    assert below(folder, files.zpix_survey_program()) == ["v1/zpix-sv3-dark.fits"]


def test_daily_has_no_catalogs(root: Path) -> None:
    files = ProductionFiles(DAILY, root)
    touch(root, "spectro/redux/daily/zcatalog/zpix-sv1-dark.fits")
    assert files.zall_pix() is None
    assert files.zall_tilecumulative() is None
    assert files.zpix_survey_program() == []
    assert files.ztile_survey_program() == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("zpix-sv1-dark.fits", ("sv1", "dark")),
        ("ztile-special-bright1b-cumulative.fits.gz", ("special", "bright1b")),
    ],
)
def test_survey_and_program_of_a_name(name: str, expected: tuple[str, str]) -> None:
    assert survey_program_from_name(Path("sv9-x") / name) == expected


@pytest.mark.parametrize(
    "name",
    ["zpix-sv1.fits", "ztile-sv1-dark.fits", "zpix-sv1-dark-cumulative.fits", "zall-pix-iron.fits"],
)
def test_survey_and_program_of_another_name(name: str) -> None:
    with pytest.raises(InputError) as caught:
        survey_program_from_name(Path(name))
    assert str(caught.value) == (
        f"{name}: survey and program are taken from the name, but it is not "
        "zpix-SURVEY-PROGRAM.fits or ztile-SURVEY-PROGRAM-cumulative.fits"
    )


def test_petals(root: Path) -> None:
    folder = root / "spectro/redux/daily/tiles/cumulative/1000/20210516"
    files = ProductionFiles(DAILY, root)
    assert files.petals(1000, 20210516) == {}
    touch(
        folder,
        "redrock-0-1000-thru20210516.fits",
        "redrock-9-1000-thru20210516.fits.gz",
        "redrock-1-1001-thru20210516.fits",
        "zbest-3-1000-thru20210516.fits",
    )
    assert files.petals(1000, 20210516) == {
        0: folder / "redrock-0-1000-thru20210516.fits",
        9: folder / "redrock-9-1000-thru20210516.fits.gz",
    }
    assert files.petals(1000, 20210516, "zbest") == {3: folder / "zbest-3-1000-thru20210516.fits"}


def test_fiberassign(root: Path) -> None:
    files, tiles = ProductionFiles(IRON, root), root / "target/fiberassign/tiles"
    missing(
        lambda: files.fiberassign([1]), tiles / "tags/1.1", tiles / "1.1", tiles / "branches/1.1"
    )
    touch(
        tiles,
        "branches/1.1/000/fiberassign-000001.fits.gz",
        "branches/1.1/000/fiberassign-000002.fits",
        "branches/1.1/000/fiberassign-000003.fits",
        "1.1/000/fiberassign-000002.fits",
        "1.1/000/fiberassign-000003.fits",
        "tags/1.1/000/fiberassign-000003.fits.gz",
        "tags/1.1/080/fiberassign-080605.fits",
        "tags/1.1/080/fiberassign-080605.fits.gz",
        "tags/1.2/000/fiberassign-000004.fits",
    )
    (tiles / "tags/1.1/999").touch()
    assert files.fiberassign([80605, 3, 2, 1, 4, 81000, 999000]) == {
        80605: tiles / "tags/1.1/080/fiberassign-080605.fits",
        3: tiles / "tags/1.1/000/fiberassign-000003.fits.gz",
        2: tiles / "1.1/000/fiberassign-000002.fits",
        1: tiles / "branches/1.1/000/fiberassign-000001.fits.gz",
        4: None,
        81000: None,
        999000: None,
    }
    assert files.fiberassign(iter([])) == {}


def test_a_folder_that_cannot_be_listed(root: Path) -> None:
    tiles = root / "target/fiberassign/tiles/tags/1.1"
    tiles.mkdir(parents=True)
    (tiles / "000").symlink_to("000")
    with pytest.raises(InputError) as caught:
        ProductionFiles(IRON, root).fiberassign([1])
    assert str(caught.value) == (
        f"{tiles / '000'}: cannot be listed: Too many levels of symbolic links"
    )


def test_plain_or_gzipped(tmp_path: Path) -> None:
    plain, gzipped = tmp_path / "a.fits", tmp_path / "a.fits.gz"
    assert plain_or_gzipped(plain) is plain_or_gzipped(gzipped) is None
    gzipped.touch()
    assert plain_or_gzipped(plain) == plain_or_gzipped(gzipped) == gzipped
    plain.touch()
    assert (plain_or_gzipped(plain), plain_or_gzipped(gzipped)) == (plain, gzipped)
    gzipped.unlink()
    assert plain_or_gzipped(gzipped) == plain


@needs_reference
@pytest.mark.parametrize(
    ("tree", "tileids", "n_tractor", "n_target", "tiles"),
    [
        ("fuji", [100, 101, 80605, 80606, 80607, 80615, 82000], 3, 1, "tiles-fuji.fits"),
        ("iron", [100, 1000, 1001, 1002, 80605, 81000, 82000], 3, 5, "tiles-iron.fits"),
        ("daily", [999, 1000, 1001, 1003, 80602, 80605, 82401], 7, 7, "tiles-daily.csv"),
    ],
)
def test_reference_trees(
    tree: str, tileids: list[int], n_tractor: int, n_target: int, tiles: str
) -> None:
    """Every FITS or CSV file of the tree is found, and nothing else."""
    root = REFERENCE / tree
    files = ProductionFiles(find_production(tree), root)
    tractorphot, targetphot = files.tractorphot(), files.targetphot()
    assert (len(tractorphot), len(targetphot)) == (n_tractor, n_target)
    found = {files.tiles(), files.exposures(), *tractorphot, *targetphot}
    found |= set(files.fiberassign(tileids).values())
    if tree == "daily":
        cumulative = root / "spectro/redux/daily/tiles/cumulative"
        for folder in cumulative.glob("*/*"):
            found |= set(files.petals(int(folder.parent.name), int(folder.name)).values())
        found.add(files.tiles().with_suffix(".fits"))
    else:
        found |= {files.zall_pix(), files.zall_tilecumulative()}
    assert files.tiles().name == tiles
    assert found == {path for path in root.rglob("*") if path.is_file()}
