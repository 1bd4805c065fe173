"""A shell completes commands, options, stages, tables and productions."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from specprod_copy.cli import COMMANDS, cli
from specprod_copy.desi.configuration import load_configuration
from specprod_copy.tables import STAGES


def completed(line: str) -> list[str]:
    """Return to what the last word of a line may be completed."""
    *words, begun = line.split(" ")
    found = ShellComplete(cli, {}, "specprod-copy", "").get_completions(words, begun)
    return [item.value for item in found]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("", [*COMMANDS]),
        ("lo", ["load", "load-vac"]),
        ("load --specp", ["--specprod"]),
        ("load exposures phot", ["photometry"]),
        ("load --specprod fu", ["fuji"]),
        ("status -p ir", ["iron"]),
        ("verify zp", ["zpix"]),
        ("describe fr", ["frame"]),
        ("diff --schema iron zt", ["ztilepatch", "ztile"]),
        ("export hats zpix", ["zpixpatch", "zpix"]),
        ("demo demo --specprod lo", ["loa"]),
        ("batch me@example.org /data gua", ["guadalupe"]),
        ("views --schema all fuji ir", ["iron"]),
        ("patch coeff load --production ir", ["iron"]),
        ("patch summary --source ju", ["jura"]),
        ("render-ddl --specprod ki", ["kibo"]),
        ("load nothing-like-it", []),
    ],
)
def test_completions(line, wanted):
    assert completed(line) == wanted


def test_all_that_there_are():
    assert {"all", *STAGES} <= {*completed("load ")}
    assert completed("load --specprod ") == [*load_configuration()]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_in_bash():
    """As docs/reference/completion.md says it: evaluated, then asked as bash asks."""
    program = Path(sys.executable).with_name("specprod-copy")
    script = f"""
        PATH={program.parent}:$PATH
        eval "$(_SPECPROD_COPY_COMPLETE=bash_source specprod-copy)"
        complete -p specprod-copy
        COMP_WORDS=(specprod-copy load --specprod fu) COMP_CWORD=3
        _specprod_copy_completion specprod-copy
        echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script], check=True, capture_output=True, text=True
    )
    told, reply = done.stdout.splitlines()
    assert told.endswith("specprod-copy")
    assert reply == "fuji"
    assert done.stderr == ""
