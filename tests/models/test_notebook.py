"""The notebook with the queries of DESI's tutorial is run, cell by cell."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.tables import Inputs

PAGE = Path(__file__).parents[2] / "docs/tutorial/sqlalchemy.md"
CELLS = re.findall(r"^```\{code-cell\} python\n(.*?)^```$", PAGE.read_text(), re.M | re.S)


@pytest.fixture(scope="module")
def dsn(module_database, demo_root):
    inputs = Inputs(ProductionFiles(find_production("fuji"), demo_root))
    load(module_database, inputs, LoadOptions(("all",), "fuji"))
    return module_database


def test_every_cell(dsn, monkeypatch, capsys):
    """What people see below a cell, the value of its last line, is something."""
    for name, variable in {
        "host": "HOST",
        "port": "PORT",
        "user": "USER",
        "dbname": "DATABASE",
    }.items():
        monkeypatch.setenv(f"PG{variable}", conninfo_to_dict(dsn)[name])
    names: dict[str, object] = {}
    shown = []
    for cell in CELLS:
        *_, last = cell.strip().split("\n")
        exec(compile(cell, PAGE.name, "exec"), names)
        if re.match(r"(session\.query|query\.|\[)", last):
            shown.append(eval(last, names))
    assert len(CELLS) == 13
    assert len(shown) == 8
    assert all(shown)
    assert len(capsys.readouterr().out.splitlines()) > 10
    with psycopg.connect(dsn) as connection:
        wanted = connection.execute("SELECT count(*) FROM fuji.zpix WHERE zcat_primary").fetchone()
    assert shown[0] == wanted[0]
