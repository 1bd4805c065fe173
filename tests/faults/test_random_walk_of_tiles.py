"""A random walk of single tiles and accidents: see ``test_random_walk.py``."""

from __future__ import annotations

import os
import random

from support.daily_tiles import demo, loaded, own_copy
from support.walk_tiles import TileWalk

__all__ = ["demo", "loaded", "own_copy"]

ROUNDS = int(os.environ.get("SPECPROD_COPY_WALK_ROUNDS", "20"))
SEED = int(os.environ.get("SPECPROD_COPY_WALK_SEED", "1"))


def test_random_walk_of_tiles(own_copy):
    print(f"SPECPROD_COPY_WALK_SEED={SEED} SPECPROD_COPY_WALK_ROUNDS={ROUNDS}")
    walk = TileWalk(own_copy, random.Random(SEED))
    for number in range(ROUNDS):
        said = walk.step()
        print(f"{number + 1}. {said}")
        walk.check()
