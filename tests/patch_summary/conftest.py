"""Productions for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.summary_productions import Productions


@pytest.fixture
def two(tmp_path: Path) -> Productions:
    return Productions(tmp_path)
