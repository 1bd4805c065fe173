"""What all parts of the writing of a production share."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from specprod_copy.demo.layouts import Array, Layout, has_column
from specprod_copy.demo.outputs import Outputs
from specprod_copy.demo.paths import Paths
from specprod_copy.demo.plan import Field, PlannedTile
from specprod_copy.demo.population import BrickCounter, Objects, Stream
from specprod_copy.demo.variants import Variant


@dataclass(frozen=True)
class Job:
    """The production to be written."""

    paths: Paths
    outputs: Outputs
    layouts: Mapping[str, Layout]
    plan: list[Field]
    targets: int
    """Mean number of targets of a tile."""
    chunk: int
    """Number of positions that are drawn at a time."""
    zall: bool
    """Whether the redshift catalogs of everything are written."""
    per_survey: bool
    """Whether the redshift catalogs per survey and program are written."""
    variant: Variant | None
    """The variant of redshift catalogs of the second format; None for those of the first one."""
    stream: Stream
    """Gives an independent random generator for each sequence of numbers."""

    @cached_property
    def tiles(self) -> list[PlannedTile]:
        """All tiles."""
        return [tile for on_field in self.plan for tile in on_field.tiles]

    @cached_property
    def surveys(self) -> frozenset[str]:
        """All surveys."""
        return frozenset(tile.survey for tile in self.tiles)

    @property
    def daily(self) -> bool:
        """Whether redshifts come in redrock files per tile instead of catalogs."""
        return self.paths.production.redshift_type == "daily"

    @property
    def computed(self) -> bool:
        """Whether photometry comes in files per tile instead of HEALPixel or survey."""
        return self.paths.production.photometry == "computed"

    def layout(self, name: str, *surveys: str) -> Layout:
        """Return a layout with the optional columns of a file that holds these surveys."""
        return self.layouts[name].where(lambda column: has_column(column, surveys))


Pieces = dict[tuple[int, str], list[Array]]
"""Records of files that are written when a field is complete: by tile of the field and layout."""


@dataclass
class FieldJob:
    """A field that is being written."""

    job: Job
    field: Field
    counter: BrickCounter = dataclasses.field(default_factory=BrickCounter)
    pieces: Pieces = dataclasses.field(default_factory=lambda: defaultdict(list))

    def piece(self, tile: int, layout: str) -> Array:
        """Return the collected records of a tile, as one array."""
        pieces = self.pieces[tile, layout]
        # Left to itself NumPy joins big-endian records to native ones.
        return np.concatenate(pieces, dtype=pieces[0].dtype)


@dataclass(frozen=True)
class Batch:
    """Objects of a field with all that is known about them, and the fibres that they have."""

    objects: Objects
    """The n objects, with the T tiles of the field."""
    columns: dict[str, Array]
    """Imaging and targeting columns."""
    by_tile: list[dict[str, Array]]
    """Columns that depend on the survey, for each tile."""
    fiber: Array
    """FIBER, or -1, shape (n, T)."""
    rng: np.random.Generator
    """Source of all that is still to be drawn about these objects."""
