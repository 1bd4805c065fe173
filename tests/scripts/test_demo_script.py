"""``scripts/demo.sh``, which ``make demo`` runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.clusters import open_folder

from specprod_copy.server.cluster import Cluster

SCRIPT = Path(__file__).parents[2] / "scripts/demo.sh"


@pytest.mark.skipif(os.geteuid() != 0, reason="the server of others is in their folder")
def test_root_in_a_folder_that_the_server_cannot_reach():
    """The last line makes the other commands of a shell find it."""
    bin_ = Path(sys.executable).parent
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    environment = kept | {"PATH": f"{bin_}:{os.environ['PATH']}"}
    with open_folder() as closed:
        closed.chmod(0o700)
        folder = closed / "folder"
        folder.mkdir()
        elsewhere = Path("/var/lib/specprod-copy", f"{folder}.pgdata".replace("/", "_"))
        try:
            run = {"cwd": folder, "env": environment, "text": True, "stderr": subprocess.STDOUT}
            said = subprocess.check_output([SCRIPT, "demo"], **run)
            assert " GALAXY   |    1685 |  0.0501 | 1.5984\n" in said
            last = said.splitlines()[-1]
            assert f"--embedded {elsewhere}" in last
            query = 'specprod-copy query "SELECT count(*) FROM fuji.zpix"'
            found = subprocess.check_output(["bash", "-c", f"{last}\n{query}"], **run)
            assert found.splitlines() == ["count", " 3972"]
        finally:
            Cluster(elsewhere).stop("immediate")
            shutil.rmtree(elsewhere, ignore_errors=True)
