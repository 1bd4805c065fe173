"""The classes of objects that are observed."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from specprod_copy.demo.layouts import Array


@dataclass(frozen=True)
class Kinds:
    """The classes of objects as arrays with one entry per class, in the order of ``kinds.toml``."""

    names: tuple[str, ...]
    programs: tuple[frozenset[str], ...]
    share: Array
    masks: Array
    cmx: Array
    obsconditions: Array
    priority: Array
    numobs: Array
    rmag: Array
    colors: Array
    spectype: Array
    z: Array

    def of_program(self, program: str) -> tuple[Array, Array]:
        """Return the classes that are targets of a program, and how likely each is."""
        found = np.array([k for k, programs in enumerate(self.programs) if program in programs])
        return found, self.share[found] / self.share[found].sum()


@cache
def load_kinds() -> Kinds:
    """Read the packaged table of classes."""
    raw: dict[str, dict[str, Any]] = tomllib.loads(
        files(__package__).joinpath("kinds.toml").read_text("utf-8")
    )

    def bits(entry: dict[str, Any], name: str) -> int:
        return sum(1 << bit for bit in entry.get(name, []))

    def column(name: str) -> Array:
        return np.array([entry[name] for entry in raw.values()])

    masks = [[bits(entry, m) for m in ("desi", "bgs", "mws", "scnd")] for entry in raw.values()]
    return Kinds(
        names=tuple(raw),
        programs=tuple(frozenset(entry["programs"]) for entry in raw.values()),
        share=column("share"),
        masks=np.array(masks, np.int64),
        cmx=np.array([bits(entry, "cmx") for entry in raw.values()], np.int64),
        obsconditions=column("obsconditions"),
        priority=column("priority"),
        numobs=column("numobs"),
        rmag=column("rmag"),
        colors=column("colors"),
        spectype=column("spectype").astype("S"),
        z=column("z"),
    )
