"""What the documents name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import specprod_copy

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_promise_has_its_test():
    named = re.findall(r"(test_\w+\.py)(?:::(\w+))?", (ROOT / "docs/reliability.md").read_text())
    assert len(named) > 50
    files = {path.name: path for path in (ROOT / "tests").rglob("test_*.py")}
    for file, test in named:
        text = files[file].read_text()
        assert not test or f"def {test}(" in text, f"{file}::{test}"


def test_every_module_has_a_room():
    """Modules and packages, but for those that only hold a few lines for others."""
    text = (ROOT / "docs/architecture.md").read_text()
    package = Path(specprod_copy.__file__).parent
    names = {path.name for path in package.iterdir() if path.suffix == ".py" or path.is_dir()}
    small = {"__init__.py", "__main__.py", "__pycache__", "_resources", "errors.py", "resources.py"}
    assert [name for name in sorted(names - small) if name not in text] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_within_the_project(document):
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        assert target.startswith("http") or (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named(document):
    for name in re.findall(
        r"`((?:scripts|ddl|templates|docs|tests)/[\w./-]+)`", document.read_text()
    ):
        assert (ROOT / name).exists(), name
