"""What the documents name exists."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import specprod_copy

ROOT = Path(__file__).parents[2]
PAGES = [
    page
    for page in sorted((ROOT / "docs").rglob("*.md"))
    if page.relative_to(ROOT / "docs").parts[0] not in ("_build", "jupyter_execute")
]
DOCUMENTS = [ROOT / "README.md", *PAGES]


def test_every_promise_has_its_test():
    named = re.findall(r"(test_\w+\.py)(?:::(\w+))?", (ROOT / "docs/reliability.md").read_text())
    assert len(named) > 50
    for file, test in named:
        texts = [path.read_text() for path in (ROOT / "tests").rglob(file)]
        assert texts, file
        assert not test or any(f"def {test}(" in text for text in texts), f"{file}::{test}"


def test_the_picture_of_the_floors_is_the_contract():
    """And the contract is exhaustive: import-linter itself fails on a room that it lacks."""
    text = (ROOT / "docs/architecture.md").read_text()
    picture = text.split("<!-- layers -->\n```\n")[1].split("```")[0].splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (contract,) = (c for c in project["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    assert picture == contract["layers"]
    assert contract["exhaustive"]


def test_every_room_is_described():
    text = (ROOT / "docs/architecture.md").read_text()
    package = Path(specprod_copy.__file__).parent
    rooms = {f"`{path.name}/`" for path in package.iterdir() if (path / "__init__.py").exists()}
    assert {room for room in rooms if room not in text} == set()
    modules = [path.name for path in package.glob("*.py")]
    assert len(modules) <= 9


@pytest.mark.parametrize("folder", ["", "tutorial", "howto", "reference"])
def test_every_page_stands_in_a_list(folder):
    """In the order of reading; Sphinx would complain as well, but later."""
    list_ = ROOT / "docs" / folder / ("index.md" if folder else "explanation.md")
    listed = re.findall(r"^[\w/-]+$", list_.read_text().split("{toctree}")[1], re.M)
    pages = {page.stem for page in PAGES if page.parent == list_.parent}
    missing = pages - {*listed, "index", "explanation"}
    assert missing == set(), f"add it to the toctree of {list_}"


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


def test_what_a_change_touches():
    """Each example has as many files as the table says; they have its lines, in this order."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    touched = text.split("## What a change touches\n")[1].split("\n## ")[0]
    numbers = {
        kind: int(number)
        for kind, number in re.findall(r"^\| (an? [a-z ]+) \| (\d+) \|", touched, re.M)
    }
    assert len(numbers) == 6
    examples = dict(part.split("\n", 1) for part in touched.split("\n### ")[1:])
    assert examples.keys() == numbers.keys()
    for kind, example in examples.items():
        blocks = re.findall(r"^`([\w./]+)`:\n\n```\w+\n(.*?)```", example, re.M | re.S)
        assert len({file for file, _ in blocks}) == len(blocks) == numbers[kind], kind
        for file, lines in blocks:
            at, there = 0, (ROOT / file).read_text()
            for line in lines.splitlines():
                at = there.find(f"\n{line}", at)
                assert at >= 0, f"{file} has no such line here: {line}"
                at += 1
