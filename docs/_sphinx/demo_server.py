"""A server with the demo production for the notebooks, which find it as psql would."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import specprod_copy as sc
from specprod_copy.demo import write_production
from specprod_copy.server.cluster import Cluster

_MARK = "{code-cell}"


def _start(app: Sphinx, env: BuildEnvironment, names: list[str]) -> None:
    """Start it if a page with code is going to be read; however the build ends, it is removed."""
    wanted = any(_MARK in Path(env.doc2path(name)).read_text() for name in names)
    if app.config.nb_execution_mode == "off" or not wanted:
        return
    folder = Path(tempfile.mkdtemp(prefix="specprod-docs-"))
    folder.chmod(0o711)  # root's server runs as somebody else
    atexit.register(shutil.rmtree, folder)
    write_production(folder / "demo", "fuji")
    cluster = Cluster(folder / "specprod.pgdata")
    atexit.register(cluster.stop, "immediate")
    cluster.start()
    os.environ |= cluster.postmaster().variables()
    sc.load("all", specprod="fuji", root=folder / "demo")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect with Sphinx."""
    app.connect("env-before-read-docs", _start)
    return {"parallel_read_safe": True}
