"""Compressed members of a list, and names that only look like members."""

from __future__ import annotations

from pathlib import Path

import pytest

from specprod_copy.desi.members import left_out, matching, plain_or_gzipped
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "folder [x] *"


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_gzipped_members_of_a_list(folder: Path) -> None:
    touch(folder, "tractorphot-9.fits.gz", "tractorphot-10.fits", "tractorphot-2.fits")
    assert names(matching(folder, "tractorphot*.fits")) == [
        "tractorphot-2.fits",
        "tractorphot-9.fits.gz",
        "tractorphot-10.fits",
    ]


def test_of_both_forms_the_plain_one_is_taken(folder: Path) -> None:
    touch(folder, "zpix-main-dark.fits", "zpix-main-dark.fits.gz", "zpix-main-dark.fits.fz")
    taken = matching(folder, "zpix-*-*.fits")
    assert names(taken) == ["zpix-main-dark.fits"]
    assert left_out(taken) == [
        f"{folder}: the files without .gz are taken, not zpix-main-dark.fits.gz",
        f"{folder}: not taken, though the name looks like it: zpix-main-dark.fits.fz",
    ]


def test_other_versions_of_a_member_are_none(folder: Path) -> None:
    """They would come first, and where the first row of a target counts theirs would be taken."""
    members = ["tractorphot-1.fits", "tractorphot-10.fits", "tractorphot-20.fits.gz"]
    others = ["tractorphot-1 (copy).fits", "tractorphot-10-old.fits", "tractorphot-20_v2.fits.gz"]
    others += ["tractorphot-30.parquet"]
    touch(folder, *members, *others)
    taken = matching(folder, "tractorphot*.fits")
    assert names(taken) == members
    assert left_out(taken) == [
        f"{folder}: not taken, though the name looks like it: {', '.join(others)}"
    ]


@pytest.mark.parametrize("name", ["zpix-main-dark.fits", "zpix-main-dark.fits.gz"])
def test_fpacked_files_are_an_error(folder: Path, name: str) -> None:
    touch(folder, "zpix-main-dark.fits.fz", "zpix-main-bright.fits")
    for find in (
        lambda: matching(folder, "zpix-*-*.fits"),
        lambda: plain_or_gzipped(folder / name),
    ):
        with pytest.raises(InputError) as caught:
            find()
        assert str(caught.value) == (
            f"{folder / 'zpix-main-dark.fits.fz'}: is compressed by fpack, which is not read here; "
            "unpack the file by funpack"
        )


@pytest.mark.parametrize("production", ["guadalupe", "iron"])
def test_every_place_of_a_production(tmp_path: Path, production: str) -> None:
    """A single or listed file is found gzipped, and fpacked it is an error."""
    files = ProductionFiles(find_production(production), tmp_path)
    redux, photometry = tmp_path / "spectro/redux" / production, files.photometry_folder
    zcatalog = redux / "zcatalog" / files.production.redshift_version
    fiberassign = tmp_path / "target/fiberassign/tiles" / files.production.tiles / "001"
    petals = redux / "tiles/cumulative/1000/20210516"
    places = {
        redux / f"tiles-{production}.fits": lambda: [files.tiles()],
        redux / f"exposures-{production}.fits": lambda: [files.exposures()],
        photometry / "tractorphot/tractorphot-1.fits": files.tractorphot,
        photometry / f"targetphot-potential-main-{production}.fits": files.targetphot,
        zcatalog / "zpix-main-dark.fits": files.zpix_survey_program,
        zcatalog / "ztile-main-dark-cumulative.fits": files.ztile_survey_program,
        fiberassign / "fiberassign-001000.fits": lambda: list(files.fiberassign([1000]).values()),
        petals / "redrock-0-1000-thru20210516.fits": (
            lambda: [*files.petals(1000, 20210516).values()]
        ),
    }
    for path, find in places.items():
        packed = path.with_name(f"{path.name}.fz")
        touch(path.parent, packed.name)
        with pytest.raises(InputError, match="unpack the file by funpack"):
            find()
        packed.unlink()
        gzipped = path.with_name(f"{path.name}.gz")
        touch(path.parent, gzipped.name)
        assert find() == [gzipped]


def test_what_looks_like_a_member_is_named(folder: Path) -> None:
    taken = ["zpix-main-dark.fits", "ztile-main-dark-cumulative.fits", "tiles-iron.fits"]
    others = [
        *("ZPIX-MAIN-BRIGHT.FITS", "zpix-main-bright-v2.fits", "zpix-sv1-dark.fits.bz2"),
        *("zall-pix-iron.FITS", "zpix-sv1-other.fit", "tiles-iron-v2.fits", "tiles-iron.fits.old"),
        "ztile-main-dark_cumulative.fits",
    ]
    ordinary = [
        *("tiles-iron.csv", "exposures-iron.csv", "exposures-iron.fits", "zpix.sha256sum"),
        *("ztile-main-dark-perexp.fits", "tiles-irony.fits", "zpixel.fits", "README.txt"),
    ]
    touch(folder, *taken, *others, *ordinary)
    noted = [left_out([folder / name]) for name in taken]
    found = [name for notes in noted for note in notes for name in note.split(": ")[2].split(", ")]
    assert sorted(found) == sorted(others)


def test_the_stack_of_files_per_survey_is_no_member(folder: Path) -> None:
    stack, taken = "targetphot-potential-iron.fits", "targetphot-potential-main-iron.fits"
    touch(folder, stack, taken, "targetphot-potential-main-iron-old.fits")
    [note] = left_out([folder / taken])
    assert note.endswith(": targetphot-potential-main-iron-old.fits")


def test_many_are_counted(folder: Path) -> None:
    touch(folder, "tractorphot-1.fits", *(f"tractorphot-1.fits.{n}" for n in range(8)))
    [note] = left_out([folder / "tractorphot-1.fits"])
    assert note.endswith("tractorphot-1.fits.4 and 3 more")


def test_an_error_says_what_is_there_instead(tmp_path: Path) -> None:
    files = ProductionFiles(find_production("iron"), tmp_path)
    touch(tmp_path / "spectro/redux/iron", "Tiles-Iron.fits")
    with pytest.raises(InputError, match=r"what looks like it is \S+/Tiles-Iron\.fits; check"):
        files.tiles()
