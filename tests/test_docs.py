"""The documents name what there is."""

from __future__ import annotations

import re
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]


def test_promises_name_tests_that_exist():
    text = (CHECKOUT / "docs" / "reliability.md").read_text()
    named = set(re.findall(r"`(test_\w+\.py)(?:::(test_\w+))?`", text))
    assert len(named) > 30
    for file, function in named:
        assert f"def {function or 'test_'}" in (CHECKOUT / "tests" / file).read_text()
