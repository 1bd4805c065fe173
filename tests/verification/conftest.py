"""A loaded production, and copies of it that a test may damage."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.clusters import fresh_database
from support.verify_case import Case, inputs_of

from specprod_copy.demo import write_production
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.plan.limits import Limits


@pytest.fixture(scope="session")
def original(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("verify")
    write_production(root, "iron", tiles=4, targets=50)
    return root


@pytest.fixture(scope="session")
def loaded(cluster, original) -> Iterator[str]:
    """Return a database with the production, loaded in several units per file."""
    with fresh_database(cluster) as conninfo:
        options = LoadOptions(("all",), "iron", limits=Limits(unit_rows=40))
        load(conninfo, inputs_of(original), options)
        yield conninfo


@pytest.fixture
def case(cluster, loaded, original) -> Iterator[Case]:
    """Return a copy of the loaded database, and the original files, not to be changed."""
    with fresh_database(cluster, loaded) as conninfo:
        yield Case(conninfo, original)


@pytest.fixture
def files(case, original, tmp_path) -> Case:
    """Return the same with files that may be changed."""
    case.root = tmp_path / "root"
    shutil.copytree(original, case.root)
    return case
