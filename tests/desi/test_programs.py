"""FAFLAVOR to program: the documented names one by one, columns and plain values alike."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specprod_copy.desi import ids
from specprod_copy.desi.programs import PROGRAM_RULES, faflavor2program

EXPECTED = {
    "maindark": "dark",
    "sv3dark": "dark",
    "dark": "dark",
    "cmxelg": "dark",
    "cmxlrgqso": "dark",
    "sv1elg": "dark",
    "sv1elgqso": "dark",
    "sv1lrgqso": "dark",
    "sv1lrgqso2": "dark",
    "sv1lrgqso3": "other",
    "sv2elg": "other",
    "specialm31": "dark",
    "specialodin": "dark",
    "m31": "other",
    "mainbright": "bright",
    "sv1bgsmws": "bright",
    "sv1unwisebluebright": "other",
    "sv2unwisebluebright": "bright",
    "mainbackup": "backup",
    "sv1backup1": "backup",
    "sv1backup2": "other",
    "maindark1b": "dark1b",
    "mainbright1b": "bright1b",
    "mainbackup1b": "other",
    "maindark1bx": "other",
    "MAINDARK": "other",
    "darksky": "other",
    "unknown": "other",
    "": "other",
    "special": "other",
    "specialtertiary": "other",
    "tertiary1": "other",
    "specialtertiary1bright": "bright",
    "specialtertiary42": "other",
    "specialtertiary0": "other",
}
# The tertiary programs in bright time, of 1 to 41; all others are dark.
BRIGHT_TERTIARY = {3, 6, 8, 10, 12, 13, 19, 20, 22, 24, *range(28, 31), *range(32, 35), 36, 39}
TERTIARY = {
    f"specialtertiary{number}": "bright" if number in BRIGHT_TERTIARY else "dark"
    for number in range(1, 42)
}


def in_words(faflavor: str) -> str:
    """The rules once more, as regular expressions that are tried from the last to the first."""
    dark_tertiary = "|".join(str(n) for n in range(1, 42) if n not in BRIGHT_TERTIARY)
    bright_tertiary = "|".join(map(str, BRIGHT_TERTIARY))
    rules = {
        "bright1b": r".*bright1b",
        "dark1b": r".*dark1b",
        "backup": r".*backup|sv1backup1",
        "bright": rf"(?!sv1unwisebluebright$).*bright|sv1bgsmws|specialtertiary({bright_tertiary})",
        "dark": r".*dark|cmx(elg|lrgqso)|sv1(elg|elgqso|lrgqso2?)|special(m31|odin)"
        rf"|specialtertiary({dark_tertiary})",
    }
    return next((p for p, rule in rules.items() if re.fullmatch(rule, faflavor)), "other")


@pytest.mark.parametrize(("faflavor", "program"), [*EXPECTED.items(), *TERTIARY.items()])
def test_known_names(faflavor: str, program: str) -> None:
    assert faflavor2program(faflavor) == program
    assert in_words(faflavor) == program


def test_column() -> None:
    names = EXPECTED | TERTIARY
    frame = pl.DataFrame({"FAFLAVOR": [*names, None]}).select(
        program=faflavor2program(pl.col("FAFLAVOR"))
    )
    assert frame.schema == {"program": pl.String}
    assert frame["program"].to_list() == [*names.values(), "other"]


pieces = st.sampled_from(
    [
        *("", "main", "sv1", "special", "cmx", "dark", "bright", "backup", "1b", "unwiseblue"),
        *("tertiary", "elg", "lrgqso", "bgsmws", "1", "2", "3", "11"),
    ]
)


@given(st.lists(st.lists(pieces, max_size=4).map("".join), min_size=1, max_size=20))
def test_any_name(names: list[str]) -> None:
    frame = pl.DataFrame({"FAFLAVOR": names}).select(p=faflavor2program(pl.col("FAFLAVOR")))
    assert frame["p"].to_list() == [in_words(name) for name in names]
    assert faflavor2program(names[0]) == in_words(names[0])


def test_every_program_has_a_code() -> None:
    assert {rule.program for rule in PROGRAM_RULES} | {"other"} == set(ids.PROGRAMS)


@pytest.mark.parametrize("value", [None, 3, b"maindark"])
def test_no_text(value: object) -> None:
    with pytest.raises(TypeError, match=r"faflavor .* is no text \(a column is pl.col\(...\)\)"):
        faflavor2program(value)
