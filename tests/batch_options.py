"""What the tests of batch scripts share: options, a nasty text, and tools that may be absent."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from specprod_copy.batch import jobs as batch
from specprod_copy.batch import slurm
from specprod_copy.batch.jobs import BatchOptions
from specprod_copy.configuration import find_production

EMAIL = "me@example.org"

NASTY = """it's $HOME `id` "!!" \\! !x;exit&|<>(){}[]*?~#^%=\\ \\\\'' é漢 -x"""
"""A path that a careless script would do something with."""


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def options(**changes: object) -> BatchOptions:
    given = {
        "email": EMAIL,
        "root": Path("/data"),
        "production": find_production("fuji"),
        "schema": "fuji",
        "job_dir": Path("/jobs"),
    }
    return BatchOptions(**(given | changes))  # type: ignore[arg-type]


def render_all(**changes: object) -> list[slurm.Script]:
    chosen = options(**changes)
    return [batch.render(job, chosen) for job in batch.make_jobs(chosen)]
