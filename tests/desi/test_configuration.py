"""The packaged productions, and configuration files of one's own."""

from __future__ import annotations

import json
import os
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path

import pytest
from support.clusters import SHARED

from specprod_copy.desi.production import Production, find_production, load_configuration
from specprod_copy.errors import ConfigurationError

INPUTS = SHARED / "datamodel" / "inputs.json"

PACKAGED = ["fuji", "guadalupe", "iron", "jura", "kibo", "loa", "daily"]
NEW = Production("matterhorn", "dr3", "v1.0", False, "base", "3.0")


def toml(**changes: str) -> str:
    """A valid section, with the given lines instead of its own."""
    lines = {
        "release": 'release = "dr3"',
        "photometry": 'photometry = "v1.0"',
        "target_summary": "target_summary = false",
        "redshift": 'redshift = "base"',
        "tiles": 'tiles = "3.0"',
    }
    return "\n".join(["[matterhorn]", *(lines | changes).values()])


def written(folder: Path, text: str, name: str = "my.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.skipif(not INPUTS.is_file(), reason="the data model is not beside this checkout")
def test_packaged_productions_are_those_of_the_data_model() -> None:
    expected = json.loads(INPUTS.read_text())["productions"]
    made = {name: asdict(production) for name, production in load_configuration().items()}
    own = {"repeated_keys": "refuse"}
    assert made == {name: {"name": name, **keys, **own} for name, keys in expected.items()}


def test_packaged_productions() -> None:
    assert list(load_configuration()) == PACKAGED
    fuji = find_production("fuji")
    assert fuji == Production("fuji", "edr", "v2.1", True, "zcat/v1.0", "0.5")
    assert (fuji.redshift_type, fuji.redshift_version) == ("zcat", "v1.0")
    assert (NEW.redshift_type, NEW.redshift_version) == ("base", "v0")
    with pytest.raises(FrozenInstanceError):
        fuji.tiles = "1.1"  # type: ignore[misc]


def test_a_production_of_which_not_all_is_settled() -> None:
    with pytest.raises(ConfigurationError) as caught:
        find_production("matterhorn")
    assert "'matterhorn': which photometry and which fiberassign files belong" in str(caught.value)
    assert 'Add a section [matterhorn] with release = "dr3"' in str(caught.value)


def test_unknown_production(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        find_production("everest")
    assert str(caught.value) == (
        "unknown production 'everest'; known: fuji, guadalupe, iron, jura, kibo, loa, daily. "
        "Add it as a section with the keys release, photometry, target_summary, redshift, tiles "
        "to a TOML file and name that file with --config"
    )
    assert find_production("matterhorn", written(tmp_path, toml())) == NEW


def test_a_file_adds_and_replaces(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        toml() + "\n" + toml(redshift='redshift = "patch/v9"').replace("[matterhorn]", "[iron]"),
    )
    configuration = load_configuration(path)
    assert list(configuration) == [*PACKAGED, "matterhorn"]
    assert configuration["matterhorn"] == NEW
    assert configuration["iron"] == Production("iron", "dr3", "v1.0", False, "patch/v9", "3.0")
    assert configuration["fuji"] == load_configuration()["fuji"]
    assert list(load_configuration(written(tmp_path, "# nothing yet"))) == PACKAGED


@pytest.mark.parametrize("name", ["load_specprod_db.ini", "my.cfg", "MY.CONF"])
def test_ini_file(tmp_path: Path, name: str) -> None:
    text = """
        # as the loader of DESI has it
        [DEFAULT]
        username = desi_admin
        hostname = db.example.org
        chunksize = 50000

        [fuji]
        release = edr
        ; which photometry
        photometry = v3.0
        target_summary = YES
        redshift = zcat/v1.0
        tiles = 0.5

        [matterhorn]
        hostname = other.example.org
        Release = dr3
        photometry = v1.0
        target_summary = false
        redshift = base
        tiles = 3.0
        """
    text = "\n".join(line.strip() for line in text.splitlines())
    configuration = load_configuration(written(tmp_path, text, name))
    assert configuration["fuji"] == Production("fuji", "edr", "v3.0", True, "zcat/v1.0", "0.5")
    assert configuration["matterhorn"] == NEW
    assert list(configuration) == [*PACKAGED, "matterhorn"]


COMPONENT = "text (in quotes) of letters, digits, '.', '_' and '-'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (toml(tiles=""), ", section [matterhorn]: key tiles is missing"),
        (
            toml(extra="tile = 1"),
            ", section [matterhorn]: unknown key tile; "
            "known: release, photometry, target_summary, redshift, tiles, repeated_keys",
        ),
        (
            toml(tiles="tiles = 3.0"),
            f", section [matterhorn]: key tiles must be {COMPONENT}, not 3.0",
        ),
        (
            toml(target_summary='target_summary = "false"'),
            ", section [matterhorn]: key target_summary must be true or false, not 'false'",
        ),
        (
            toml(target_summary="target_summary = 1"),
            ", section [matterhorn]: key target_summary must be true or false, not 1",
        ),
        (
            toml(redshift='redshift = "patch"'),
            ", section [matterhorn]: key redshift must be base, patch/VERSION, zcat/VERSION or "
            "daily (in quotes), not 'patch'",
        ),
        (
            toml(redshift='redshift = "patch/../x"'),
            ", section [matterhorn]: key redshift must be base, patch/VERSION, zcat/VERSION or "
            "daily (in quotes), not 'patch/../x'",
        ),
        (
            toml(release='release = "../.."'),
            f", section [matterhorn]: key release must be {COMPONENT}, not '../..'",
        ),
        (
            toml(photometry='photometry = "v*"'),
            f", section [matterhorn]: key photometry must be {COMPONENT}, not 'v*'",
        ),
        (
            toml(tiles='tiles = "1\\n"'),
            f", section [matterhorn]: key tiles must be {COMPONENT}, not '1\\n'",
        ),
        (
            toml().replace("[matterhorn]", '["../etc; drop"]'),
            f", section [../etc; drop]: key name must be {COMPONENT}, not '../etc; drop'",
        ),
        (
            toml().replace("[matterhorn]", '[""]'),
            f", section []: key name must be {COMPONENT}, not ''",
        ),
        (
            'release = "dr3"',
            ": key release stands outside of a section [PRODUCTION]",
        ),
        (
            "[matterhorn",
            ": not a valid configuration: Expected ']' at the end of a table declaration "
            "(at end of document)",
        ),
    ],
)
def test_bad_toml(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path)
    assert str(caught.value) == f"{path}{message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[matterhorn]\nrelease = dr3",
            ", section [matterhorn]: key photometry is missing",
        ),
        (
            "[matterhorn]\nrelease=dr3\nphotometry=v1\ntarget_summary=maybe\nredshift=base\ntiles=3",
            ", section [matterhorn]: key target_summary must be true or false, not 'maybe'",
        ),
        (
            "[DEFAULT]\nrelaese = dr3\n[matterhorn]\nrelease = dr3",
            ", section [matterhorn]: unknown key relaese; "
            "known: release, photometry, target_summary, redshift, tiles, repeated_keys",
        ),
        (
            "release = dr3",
            ": not a valid configuration: File contains no section headers. "
            "file: '<string>', line: 1 'release = dr3'",
        ),
        (
            "[a]\n[a]",
            ": not a valid configuration: While reading from '<string>' [line 2]: "
            "section 'a' already exists",
        ),
    ],
)
def test_bad_ini(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text, "my.ini")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path)
    assert str(caught.value) == f"{path}{message}"


def test_unreadable_files(tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(missing)
    assert str(caught.value) == f"{missing}: cannot be read: No such file or directory"

    yaml = written(tmp_path, "", "my.yaml")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(yaml)
    assert str(caught.value) == (
        f"{yaml}: the name of a configuration file ends in .toml, .ini, .cfg, .conf"
    )

    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"# caf\xe9")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(latin)
    assert str(caught.value) == (
        f"{latin}: not a valid configuration: "
        "'utf-8' codec can't decode byte 0xe9 in position 5: unexpected end of data"
    )


def test_a_production_made_by_hand_is_checked_too() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Production("fuji", "edr", "v2.1", True, "zcat", "0.5")
    assert str(caught.value) == (
        "key redshift must be base, patch/VERSION, zcat/VERSION or daily (in quotes), not 'zcat'"
    )


@pytest.mark.parametrize("suffix", ["ini", "toml"])
def test_a_pipe_is_refused(tmp_path, suffix):
    path = tmp_path / f"productions.{suffix}"
    os.mkfifo(path)
    with pytest.raises(ConfigurationError, match=r"productions\..*: no regular file$"):
        load_configuration(path)
