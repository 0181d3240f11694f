"""Files of a behaviour series: its tables, and all points of the mesh."""

from __future__ import annotations
