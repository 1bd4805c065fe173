"""Productions for the tests of this folder."""

from __future__ import annotations

import pytest
from support.demo_productions import Made

from specprod_copy.desi.production import load_configuration


@pytest.fixture(scope="module", params=list(load_configuration()))
def made(request, tmp_path_factory) -> Made:
    return Made(tmp_path_factory.mktemp(request.param), request.param, per_survey=True)


@pytest.fixture(scope="module")
def daily(tmp_path_factory) -> Made:
    return Made(tmp_path_factory.mktemp("daily"), "daily", tiles=4)
