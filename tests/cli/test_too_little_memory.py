"""Memory that a limit of the system denies is one clear line."""

from __future__ import annotations

import pyarrow as pa
import pytest

from specprod_copy import cli


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "out of memory"),
        (pa.ArrowMemoryError("malloc of size 7 failed"), "malloc of size 7 failed"),
        (RuntimeError("can't start new thread"), "can't start new thread"),
    ],
)
def test_one_line(monkeypatch, capsys, error, said):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(cli.cli, "main", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Error: {said}: let this process have more memory (ulimit -v), or ")


def test_other_errors_are_defects(monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(cli.cli, "main", fail)
    with pytest.raises(RuntimeError, match="something else"):
        cli.main()
