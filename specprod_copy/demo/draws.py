"""Random columns without structure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from specprod_copy.demo.layouts import Array


def uniform(
    ranges: Mapping[str, tuple[float, float]], n: int, rng: np.random.Generator
) -> dict[str, Array]:
    """Return columns of n values, spread evenly over the range of each name (float32)."""
    return {
        name: low + (high - low) * rng.random(n, np.float32) for name, (low, high) in ranges.items()
    }


def integers(
    ranges: Mapping[str, tuple[int, int]], n: int, rng: np.random.Generator
) -> dict[str, Array]:
    """Return columns of n integers from the range of each name, its end excluded."""
    return {name: rng.integers(*limits, n, dtype=np.int32) for name, limits in ranges.items()}


def normal(rng: np.random.Generator, *shape: int) -> Array:
    """Return normally distributed values (float32)."""
    return rng.standard_normal(shape, np.float32)
