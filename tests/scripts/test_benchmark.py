"""The benchmark runs, compares what was loaded, and says what it cannot measure."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import astuple
from pathlib import Path

import psycopg
import pytest
from support.clusters import open_folder

from benchmarking import cost, limit, processes
from benchmarking.bench import SCHEMA, Bench
from benchmarking.chart import write_chart
from benchmarking.comparison import peer_notes
from benchmarking.cost import Cost, Node
from benchmarking.peers import ORM, PEERS
from benchmarking.ready import ready_files
from benchmarking.report import markdown
from benchmarking.result import Result
from benchmarking.rounds import Rounds, Turn
from benchmarking.targets import Target
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.schema_from_server import read_schema

SCRIPT = Path(__file__).parents[2] / "scripts" / "benchmark.py"

LONG = "SPECPROD_COPY_BENCHMARK"
"""Variable that asks for the modes that take longer."""


@pytest.fixture(scope="module")
def work():
    """Return a folder that the server can reach."""
    with open_folder() as folder:
        yield folder


def run(conninfo: str, work: Path, *options: str) -> dict:
    """Run the benchmark and return its JSON file."""
    small = ["--rows", "1500", "--runs", "1", "--orm-rows", "200"]
    where = ["--dsn", conninfo, "--work", str(work), "--out", str(work / "out")]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *small, *where, *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (work / "out.md").read_text() + "\n" == done.stdout
    with psycopg.connect(conninfo) as connection:
        assert not read_schema(connection, SCHEMA).exists
    return json.loads((work / "out.json").read_text())


def test_contenders_on_a_table(database, work):
    found = run(database, work)
    contenders = found["figures"]["contenders"]
    installed = {peer.name for peer in PEERS if not peer.missing()}
    ours = {"specprod-copy, 1 job", "specprod-copy, 2 jobs"}
    many = {f"specprod-copy, {os.cpu_count()} jobs"} if (os.cpu_count() or 1) > 2 else set()
    assert set(contenders) == {"limit", "limit, parallel index builds", *ours, *many, *installed}
    for name in {"limit", *ours}:
        assert {"rows", "ready"} <= set(contenders[name])
    for peer in PEERS:
        if peer.missing():
            assert any(note.startswith(f"{peer.name}: missing") for note in found["notes"])
    assert "| FITS to committed rows, 1 job, of the limit's COPY" in (work / "out.md").read_text()
    drawn = importlib.util.find_spec("matplotlib") is not None
    assert (work / "out.png").exists() == drawn


MODES = [
    "production",
    "memory",
    "wide",
    "joined",
    "gzip",
    "cost",
    "query",
    "coordinator",
    "vectors",
    "planning",
    "scaling",
    "targetphot",
]


@pytest.mark.parametrize("mode", MODES)
def test_other_modes(database, work, mode):
    if not os.environ.get(LONG):
        pytest.skip(f"set {LONG}=1 to run the benchmark's other modes, a minute")
    rows = {"memory": "15000", "gzip": "16", "planning": "16"}.get(mode, "1500")
    found = run(database, work, f"--{mode}", "--rows", rows)
    assert found["figures"]


@pytest.fixture(scope="module")
def small(demo_root, module_database, work):
    """Return a bench for zpix, and the file that fills it."""
    files = ProductionFiles(find_production("fuji"), demo_root)
    with connect(module_database) as connection:
        bench = Bench(connection, module_database, files, ("zpix",), work)
        with ready_files(work, *bench.plan()) as ready:
            yield bench, ready


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            "UPDATE {0} SET z = z + 1 WHERE id = (SELECT min(id) FROM {0})",
            r"other values .* zpix\.z$",
        ),
        ("DELETE FROM {0} WHERE id = (SELECT min(id) FROM {0})", r"rows, not"),
    ],
)
def test_different_contents_are_found(small, spoil, message):
    bench, ready = small

    def spoiled() -> dict[str, float]:
        figures = limit.rows(bench, ready)
        table = f"{SCHEMA}.zpix"
        one = f"id = (SELECT min(id) FROM {table})"
        bench.connection.execute(spoil.format(table, one).encode())
        return figures

    with pytest.raises(processes.FailedError, match=message):
        Rounds(bench, [Turn("spoiled", spoiled, ready)]).run(1)


def test_rounds_are_interleaved(small):
    bench, _ = small
    order = []

    def turn(name: str) -> Turn:
        return Turn(name, lambda: order.append(name) or {"rows": float(len(order))})

    rounds = Rounds(bench, [turn("a"), turn("b")])
    rounds.run(2)
    assert order == ["a", "b", "a", "b"]
    assert rounds.figures == {"a": {"rows": [1.0, 3.0]}, "b": {"rows": [2.0, 4.0]}}


def test_meter_sees_all_processes():
    child = "import sys; data = bytearray(200_000_000); print('done')"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    usage = processes.run([sys.executable, "-c", parent])
    assert usage.output == "done\n"
    assert 200 < usage.largest_mb < 300
    assert usage.cpu > 0


def test_meter_does_not_count_its_own_process():
    ballast = bytearray(300_000_000)
    usage = processes.run([sys.executable, "-S", "-c", "pass"])
    assert usage.largest_mb < 100
    del ballast


def test_failing_contender():
    with pytest.raises(processes.FailedError, match="ended with 3:\nhelp"):
        processes.run([sys.executable, "-c", "import sys; print('help'); sys.exit(3)"])


def test_missing_packages_are_named(monkeypatch, tmp_path):
    find = importlib.util.find_spec
    absent = {"pgpq", "matplotlib"}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in absent else find(name)
    )
    install = "(pip install specprod-copy[benchmark])"
    assert f"pgpq: missing; not installed: pgpq {install}" in peer_notes(100)
    result = Result("zpix", "zpix", 1, {}, {})
    assert write_chart(result, tmp_path / "x.png") == f"no chart: matplotlib is missing {install}"


def test_other_modes_need_no_dask(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(SCRIPT.parent))
    code = "import sys; sys.modules['dask'] = sys.modules['distributed'] = None; "
    subprocess.run([sys.executable, "-c", f"{code}import benchmarking.cli"], check=True)


def test_targets():
    ratio = Target("ratio", ("ours", "rows"), ("limit", "rows"), 1.1)
    assert ratio.reached({("ours", "rows"): 3.0, ("limit", "rows"): 2.0}, 1) == 1.5
    assert ratio.reached({("ours", "rows"): 3.0}, 1) is None
    assert ratio.met(1.1)
    assert not ratio.met(1.11)
    cpu = Target("cpu", ("ours", "cpu"), None, 4, per_million=True)
    assert cpu.reached({("ours", "cpu"): 3.0}, 500_000) == 6.0


def test_cost_model(monkeypatch):
    # A hundred times the rows, n log n makes two hundred times; ANALYZE stays as it is.
    monkeypatch.setattr(cost, "DR1", {"zpix": {"rows": 10_000}})
    one = Cost(
        rows=100, copy=1, load=2, keys=9, longest=1, analyze=5, orm=40,
        file_bytes=1, copy_bytes=1, heap_bytes=1000, index_bytes=1000,
    )  # fmt: skip
    found = cost.estimate({"zpix": one}, Node("", 2, 2, 4))
    assert astuple(found) == pytest.approx((100, 451.25, 4000))
    # An index is built by one process, and a disk takes what it takes.
    slow = cost.estimate({"zpix": one}, Node("", 64, 32, 16, bytes_per_second=100))
    assert astuple(slow) == pytest.approx((2000, 1000, 4000))
    assert cost.estimate({"zpix": one}, Node("", 64, 32, 16)).keys == pytest.approx(200)


def test_markdown():
    table = markdown(["a", "b"], [["text", "1"], ["x", "1,000"]])
    assert table == "| a    |     b |\n| ---- | ----: |\n| text |     1 |\n| x    | 1,000 |"


def test_orm_has_its_indexes_before():
    assert [peer for peer in PEERS if peer.indexed] == [ORM]
