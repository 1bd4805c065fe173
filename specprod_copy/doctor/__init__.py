"""What the server, the role, the line and this machine mean for a load, and what to change."""

from __future__ import annotations

from specprod_copy.doctor.findings import Finding
from specprod_copy.doctor.run import doctor

__all__ = ["Finding", "doctor"]
