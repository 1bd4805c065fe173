"""What ``import specprod_copy`` gives: its examples run, whatever was imported before."""

from __future__ import annotations

import doctest
import inspect
import subprocess
import sys

import numpy as np
import pytest
from support.catalogues import Catalogues, write_fits

import specprod_copy as sc
from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import ConfigurationError
from specprod_copy.tables import Inputs
from specprod_copy.tiles.summaries import Summaries

ORDER = ("load", "plan_load", "verify", "query", "load_vac", "load_tiles", "sync")
"""The examples, in an order in which each finds what it needs."""


@pytest.fixture(scope="module")
def names(demo_root, module_database, tmp_path_factory) -> dict[str, object]:
    """What the examples use: files, a server, a tile that can be loaded, a catalogue."""
    catalogue = Catalogues(tmp_path_factory.mktemp("vac"), module_database)
    columns = {"TARGETID": np.arange(3), "MASS": np.array([9.5, 10.5, 11.5])}
    masses = write_fits(catalogue.root / "masses.fits", {"MASSES": columns})
    description = catalogue.draft(masses)
    daily_root = tmp_path_factory.mktemp("daily")
    write_production(daily_root, "daily", tiles=4, targets=60)
    files = ProductionFiles(find_production("daily"), daily_root)
    tiles = Summaries.read(Inputs(files)).tiles
    tileid = next(n for n, tile in tiles.items() if tile.why_not is None)
    return {
        "root": demo_root,
        "daily_root": daily_root,
        "dsn": module_database,
        "tileid": tileid,
        "description": description,
        "vac_root": catalogue.root,
    }


def test_the_examples(names, capsys):
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for name in ORDER:
        [example] = doctest.DocTestFinder().find(getattr(sc, name), name, globs=dict(names))
        assert example.examples
        runner.run(example)
    assert runner.summarize().failed == 0, capsys.readouterr().out


def test_every_public_function_has_an_example():
    assert {name for name in sc.__all__ if inspect.isfunction(getattr(sc, name))} == set(ORDER)


def test_functions_stay_callable_whatever_is_imported():
    code = """
import pkgutil, specprod_copy as sc
for found in pkgutil.walk_packages(sc.__path__, "specprod_copy."):
    if not found.name.endswith(("__main__", "desispec_photometry")):
        __import__(found.name)
print([name for name in sc.__all__ if name != "ids" and not callable(getattr(sc, name))])
print(sc.ids.targetphotid.__name__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "targetphotid"]


def test_importing_the_package_imports_nothing_large():
    code = "import sys, specprod_copy; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded.isdisjoint({"numpy", "polars", "pyarrow", "psycopg", "jinja2", "click", "rich"})


def test_options_that_do_not_exist(demo_root):
    with pytest.raises(TypeError, match="no_such_option"):
        sc.load("tile", specprod="fuji", root=demo_root, no_such_option=1)


def test_without_a_root(monkeypatch):
    monkeypatch.delenv("DESI_ROOT", raising=False)
    with pytest.raises(ConfigurationError, match="set DESI_ROOT"):
        sc.load("tile", specprod="fuji")


def test_verify_without_stages_verifies_all(demo_root, database):
    sc.load("exposures", "redshift", specprod="fuji", root=demo_root, dsn=database)
    checks = sc.verify(specprod="fuji", root=demo_root, dsn=database)
    assert checks == sc.verify("all", specprod="fuji", root=demo_root, dsn=database)
    assert {"tile", "zpix"} <= {check.table for check in checks}


@pytest.mark.parametrize("run", [sc.load, sc.plan_load])
def test_load_without_stages(demo_root, database, run):
    with pytest.raises(ConfigurationError, match=r"^name a stage, or 'all'$"):
        run(specprod="fuji", root=demo_root, dsn=database)
