"""An analysis in a notebook: as a table, a chart and a card. Loaded when one is asked for."""

from __future__ import annotations
