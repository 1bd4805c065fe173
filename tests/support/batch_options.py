"""What the tests of batch scripts share: options, values, the command, and tools for scripts."""

from __future__ import annotations

import getpass
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from specprod_copy.batch import jobs as batch
from specprod_copy.batch import slurm
from specprod_copy.batch.jobs import BatchOptions
from specprod_copy.cli.batch import batch as command
from specprod_copy.desi.configuration import find_production
from specprod_copy.errors import SpecprodCopyError

EMAIL = "me@example.org"

DSN = "--dsn=host=db.example.org port=5432 dbname={0} user={0}".format(getpass.getuser())
"""What scripts say of the server, if nothing else is known of it."""

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


def run(*arguments: object, server: tuple[str, ...] = ("--hostname", "db.example.org")) -> Result:
    return CliRunner().invoke(command, [str(a) for a in (*arguments, *server)])


def succeed(*arguments: object, **settings: tuple[str, ...]) -> str:
    done = run(*arguments, **settings)
    if done.exception:
        raise done.exception
    return done.output


def refusal(*arguments: object, **settings: tuple[str, ...]) -> str:
    done = run(*arguments, **settings)
    assert isinstance(done.exception, SpecprodCopyError), done.output
    return str(done.exception)


def write_tiles(folder: Path) -> Path:
    """Write a tiles file with the tiles 7, 12 and 80605 to be loaded."""
    path = folder / "tiles.csv"
    path.write_text(
        "TILEID,SURVEY,LASTNIGHT,EFFTIME_SPEC\n"
        "80605,sv1,20201214,1140.0\n"
        "80602,sv1,20201213,520.0\n"
        "12,main,20210515,14.7\n"
        "13,main,20210515,0.0\n"
        "14,main,20210515,nan\n"
        "15,main,20210515,-1.0\n"
        "7,sv3,20210516,0.1\n"
    )
    return path
