"""A server with the demo production for the notebooks, which find it as psql would."""

from __future__ import annotations

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


class DemoServer:
    """Runs while notebooks are executed."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    def start(self, app: Sphinx, env: BuildEnvironment, names: list[str]) -> None:
        """Start it if a page with code is going to be read."""
        wanted = any(_MARK in Path(env.doc2path(name)).read_text() for name in names)
        if app.config.nb_execution_mode == "off" or not wanted:
            return
        self._folder = Path(tempfile.mkdtemp(prefix="specprod-docs-"))
        self._folder.chmod(0o711)  # root's server runs as somebody else
        write_production(self._folder / "demo", "fuji")
        cluster = Cluster(self._folder / "specprod.pgdata")
        cluster.start()
        os.environ |= cluster.postmaster().variables()
        sc.load("all", specprod="fuji", root=self._folder / "demo")

    def stop(self, app: Sphinx, error: Exception | None) -> None:
        """Stop it, and remove what was made for it."""
        if self._folder is not None:
            Cluster(self._folder / "specprod.pgdata").stop("immediate")
            shutil.rmtree(self._folder)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect with Sphinx."""
    server = DemoServer()
    app.connect("env-before-read-docs", server.start)
    app.connect("build-finished", server.stop)
    return {"parallel_read_safe": True}
