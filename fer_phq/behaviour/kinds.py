"""Kinds of behaviour series, apart from what makes them, so that they can be asked for without the networks."""

from __future__ import annotations

KIND = "mesh-1"
"""What made a series' values."""
MEASURED_KINDS = (KIND,)
"""Kinds whose measures may be compared with each other: the same network, read alike."""
