"""The state of a schema."""

from __future__ import annotations

from specprod_copy.status.schema import Status, schema_status
from specprod_copy.status.stages import StageStatus
from specprod_copy.status.tiles import TilesStatus

__all__ = ["StageStatus", "Status", "TilesStatus", "schema_status"]
