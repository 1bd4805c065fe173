"""Small productions, each written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from specprod_copy.demo import write_production

SMALL = {"tiles": 6, "targets": 60}


@pytest.fixture(scope="module")
def demos(tmp_path_factory):
    """Return a function that writes a small production once."""
    root = tmp_path_factory.mktemp("productions")
    written: set[str] = set()

    def demo(specprod: str) -> Path:
        if specprod not in written:
            write_production(root / specprod, specprod, **SMALL)
            written.add(specprod)
        return root / specprod

    return demo
