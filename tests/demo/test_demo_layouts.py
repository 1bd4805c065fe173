"""The files of a demo are standard FITS files with the columns of the data model."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files as resources

import fitsio
import pytest
from astropy.io import fits
from support.demo_productions import LAYOUTS


@LAYOUTS
def test_files_are_standard(made):
    for path in made.one_of_each():
        with fits.open(path) as hdus:
            hdus.verify("exception")
            shapes = [(hdu.name, hdu.header["NAXIS2"]) for hdu in hdus[1:]]
        with fitsio.FITS(str(path)) as hdus:
            assert [(h.get_extname(), h.get_nrows()) for h in hdus[1:]] == shapes
        if path.suffix == ".fits":
            assert path.stat().st_size % 2880 == 0


def packaged_layouts() -> dict[str, dict]:
    return tomllib.loads(resources("specprod_copy.demo").joinpath("layouts.toml").read_text())


def packaged_columns(layouts: dict[str, dict], name: str) -> list[tuple[str, str, str]]:
    entry = layouts[name]
    base = packaged_columns(layouts, entry["like"]) if "like" in entry else []
    own = [tuple(column) for column in entry.get("columns", [])]
    return [column for column in base if column[0] not in entry.get("without", [])] + own


#: Layout, and where the data model describes it: kind and HDU.
DESCRIBED = {
    "tiles": ("tiles_fits", "TILE_COMPLETENESS"),
    "exposures": ("exposures", "EXPOSURES"),
    "frames": ("exposures", "FRAMES"),
    "tractorphot": ("tractorphot", "TRACTORPHOT"),
    "targetphot": ("targetphot", "TARGETPHOT"),
    "fiberassign": ("fiberassign", "FIBERASSIGN"),
    "targets": ("fiberassign", "TARGETS"),
    "potential": ("fiberassign", "POTENTIAL_ASSIGNMENTS"),
    "zall_pix": ("zall_pix", "ZCATALOG"),
    "zall_tilecumulative": ("zall_tilecumulative", "ZCATALOG"),
    "zpix": ("zpix_survey_program", "ZCATALOG"),
    "ztile": ("ztile_survey_program_cumulative", "ZCATALOG"),
    "zcatalog_exp_fibermap": ("zpix_survey_program", "EXP_FIBERMAP"),
    "redshifts": ("redrock_tile", "REDSHIFTS"),
    "fibermap": ("redrock_tile", "FIBERMAP"),
    "exp_fibermap": ("redrock_tile", "EXP_FIBERMAP"),
    "tsnr2": ("redrock_tile", "TSNR2"),
}


@pytest.mark.parametrize("name", DESCRIBED)
def test_packaged_layouts_are_those_of_the_data_model(shared, name):
    model = json.loads((shared / "datamodel" / "inputs.json").read_text())
    kind, extname = DESCRIBED[name]
    hdus = next(entry["hdus"] for entry in model["kinds"] if entry["kind"] == kind)
    columns = next(hdu["columns"] for hdu in hdus if hdu["extname"] == extname)
    layouts = packaged_layouts()
    packaged = packaged_columns(layouts, name)
    assert layouts[name]["extname"] == extname
    assert [c[0] for c in packaged] == [c["name"] for c in columns]
    early = {"float32": "E", "float64": "D", None: ""}
    edr = {}
    for (_, tform, unit), column in zip(packaged, columns, strict=True):
        assert tform == column["tform"] or column["tform"].startswith("nA"), column["name"]
        assert unit == (column["unit"] or "")
        tags = column.get("documented_type_by_datamodel_tag")
        if kind == "exposures" and tags and tags["23.1"] in early:
            edr[column["name"]] = early[tags["23.1"]]
    differing = {c[0]: edr[c[0]] for c in packaged if c[0] in edr and edr[c[0]] != c[1]}
    assert layouts[name].get("edr", {}) == differing
    described = {c["name"] for c in columns if c.get("optional")}
    if "like" not in layouts[name]:
        assert set(layouts[name].get("optional", [])) == described


@LAYOUTS
def test_columns_are_those_of_the_packaged_layouts(made):
    layouts = packaged_layouts()
    edr = made.name in ("fuji", "guadalupe")
    for path in made.one_of_each():
        with fits.open(path) as hdus:
            for hdu in hdus[1:]:
                stem = path.name.split("-")[0]
                name = {
                    "EXP_FIBERMAP": "exp_fibermap" if made.daily else "zcatalog_exp_fibermap",
                    "ZCATALOG": stem if stem != "zall" else f"zall_{path.name.split('-')[1]}",
                    "TILE_COMPLETENESS": "tiles",
                    "POTENTIAL_ASSIGNMENTS": "potential",
                }.get(hdu.name, hdu.name.lower())
                check_columns(layouts, name, hdu, edr)


def check_columns(layouts: dict, name: str, hdu: fits.BinTableHDU, edr: bool) -> None:
    packaged = packaged_columns(layouts, name)
    old = layouts[name].get("edr", {}) if edr else {}
    expected = [(n, old.get(n, tform), unit) for n, tform, unit in packaged if old.get(n) != ""]
    found = [(c.name, c.format, c.unit or "") for c in hdu.columns]
    if name in ("fiberassign", "targets"):  # bitmasks are named after the survey
        assert len(expected) - 3 <= len(found) <= len(expected)
        expected = [c for c in expected if not c[0].endswith("_TARGET")]
        found = [c for c in found if not c[0].endswith("_TARGET") or c[0] == "FA_TARGET"]
        expected.insert([c[0] for c in found].index("FA_TARGET"), ("FA_TARGET", "K", ""))
    assert [c for c in expected if c in found] == found
    base = layouts[name].get("like", name)
    optional = {*layouts[name].get("optional", []), *layouts[base].get("optional", [])}
    assert {c[0] for c in expected} - {c[0] for c in found} <= optional
