"""Files with random damage through reader, planner and COPY: refused, or loaded as they are.

``SPECPROD_COPY_MUTATIONS`` sets how many (``make test-faults``: 20,000). A mutant that shows a
defect can be made again from its number: see mutants.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from support import mutants

from specprod_copy.demo import write_production

MUTATIONS = int(os.environ.get("SPECPROD_COPY_MUTATIONS", "400"))
BATCH = 2000


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("mutants")
    write_production(folder, "iron", tiles=2, targets=12)
    return folder


def test_undamaged_files_and_a_wrong_value(folder, database):
    """The examiner agrees with a right load of each seed and sees one value that is wrong."""
    lab = mutants.Lab(database, folder)
    for seed in lab.seeds:
        path = folder / f"seed{seed.suffix}"
        rows = lab.rows_of(seed)
        assert rows
        path.write_bytes(seed.content)
        assert lab.compare(rows, seed, path) == "loaded"
        wrong = [(*row[:-1], None) for row in rows[-1:]]
        with pytest.raises(mutants.Defect, match=f"row {len(rows) - 1} of .* is None, not "):
            lab.compare([*rows[:-1], *wrong], seed, path)
        with pytest.raises(mutants.Defect, match=f"{len(rows) - 1} rows, not {len(rows)}"):
            lab.compare(rows[1:], seed, path)


def test_mutants(folder, database):
    """In processes of their own, which end when a file takes too long or too much memory."""
    fates: Counter[str] = Counter()
    stories: list[str] = []
    for first in range(0, MUTATIONS, BATCH):
        count = min(BATCH, MUTATIONS - first)
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "support.mutants",
                database,
                str(folder),
                str(first),
                str(count),
            ],
            cwd=Path(__file__).parents[1],
            stdout=subprocess.PIPE,
            text=True,
            timeout=120 + count,
        )
        assert done.returncode == 0
        found = json.loads(done.stdout)
        fates.update(found["fates"])
        stories += found["stories"]
    print(dict(fates))
    assert stories == []
    assert fates.total() == MUTATIONS
    assert set(fates) == {"refused", "loaded"}
    assert fates["loaded"] > MUTATIONS / 10 and fates["refused"] > MUTATIONS / 10
