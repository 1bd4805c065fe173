"""What a draft makes of files that nobody planned for; no server is needed for it."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from support.catalogues import write_fits

from specprod_copy.errors import ConfigurationError
from specprod_copy.metadata.origins import name_in_files, source_column
from specprod_copy.postgres.ddl import render_phase
from specprod_copy.postgres.sql_files import cut
from specprod_copy.vac.draft import DraftOptions, draft
from specprod_copy.vac.parsing import parse
from specprod_copy.vac.sources import catalogue_of


def drafted(files, root=None):
    """Return the description as TOML has it, the SQL files, and the catalogue."""
    texts = draft(files, DraftOptions(root=root)).texts()
    toml = texts.popitem()[1]
    return tomllib.loads(toml), texts, catalogue_of(parse(toml, "own.toml", texts))


def test_names_and_paths_are_those_of_the_files(tmp_path):
    """A table that astropy wrote, whose HDU has no name, with several rows for a target."""
    folder = tmp_path / "dr2/dla/v1.2"
    folder.mkdir(parents=True)
    files = []
    for program in ("bright", "dark"):
        ids = [f"{n // 2}-{n % 2}-{program}" for n in range(4)]
        files.append(folder / f"dlacat-loa-{program}-v1.2.fits")
        Table({"DLAID": ids, "TARGETID": np.arange(4) // 2, "S/N": np.ones(4)}).write(files[-1])
    toml, texts, catalogue = drafted(files, tmp_path)
    assert [toml[key] for key in ("release", "version", "specprod")] == ["dr2", "v1.2", "loa"]
    pattern = "{release}/dla/{version}/dlacat-{specprod}-*-{version}.fits"
    columns = {"s_n": {"from": "S/N"}}
    assert toml["tables"] == {"dlacat": {"files": pattern, "hdu": "1", "columns": columns}}
    [source] = catalogue.sources.values()
    assert source_column(source, "s_n") == name_in_files(source, "s_n") == "S/N"
    assert catalogue.definition.tables["dlacat"].primary_key == ("dlaid",)
    assert "-- dlacat: HDU 1, 8 rows in 2 files." in texts["dlacat.sql"]


def test_the_place_of_a_row_has_names_of_its_own(tmp_path):
    columns = {"FILE_ROW": np.zeros(2, "i4"), "file_part": np.zeros(2, "i4")}
    files = [write_fits(tmp_path / f"a{n}.fits", {"T": columns}) for n in range(2)]
    toml, _, catalogue = drafted(files)
    assert catalogue.definition.tables["t"].primary_key == ("file_part_", "file_row_")
    assert toml["tables"]["t"]["columns"]["file_row_"] == {"row": True}
    assert toml["tables"]["t"]["columns"]["file_part_"] == {"path": "file_part"}


@pytest.mark.parametrize(("first", "unique"), [(0, False), (3, True)])
def test_a_key_is_unique_in_files_of_several_types(tmp_path, first, unique):
    files = [
        write_fits(tmp_path / f"a{kind}.fits", {"T": {"TARGETID": np.arange(n, n + 3, dtype=kind)}})
        for n, kind in ((0, "i4"), (first, "i8"), (9, "i2"))
    ]
    catalogue = drafted(files)[2]
    key = catalogue.definition.tables["t"].primary_key
    assert key == (("targetid",) if unique else ("file_part", "file_row"))


def test_files_of_several_folders_need_a_root(tmp_path):
    files = [
        write_fits(tmp_path / f"hp{n}/a{n}.fits", {"T": {"TARGETID": np.array([n], "i8")}})
        for n in range(2)
    ]
    with pytest.raises(ConfigurationError, match="files of several folders: name the folder"):
        draft(files, DraftOptions())
    assert drafted(files, tmp_path)[0]["tables"]["t"]["files"] == "hp*/a*.fits"


@pytest.mark.parametrize("text", ["{{{'x'}}}", "{{{{{%-{{{{#", "it's {{ x }}", "{%{% raw %}", "{"])
def test_no_text_of_a_file_is_part_of_a_template(tmp_path, text):
    """Not even of several braces in a row; a quote of it ends no literal."""
    hdu = fits.BinTableHDU(Table({"TARGETID": [1, 2]}), name=text)
    hdu.header["TUNIT1"] = hdu.header["TCOMM1"] = text
    hdu.writeto(tmp_path / "a.fits")
    found = draft([tmp_path / "a.fits"], DraftOptions(table="t")).texts()
    catalogue = catalogue_of(parse(found.popitem()[1], "own.toml", found))
    table = catalogue.definition.tables["t"]
    (column,) = table.columns
    for said in (table.comment.removeprefix("HDU "), column.description, column.unit):
        assert said.replace(" ", "").upper() == text.replace(" ", "").upper()
    comments = render_phase(catalogue.definition, "t", "comments", schema="s")
    assert [s.split(" IS ")[0] for s in cut(comments)] == [
        "COMMENT ON TABLE s.t",
        "COMMENT ON COLUMN s.t.targetid",
    ]
