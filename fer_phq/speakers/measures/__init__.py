"""Measures of turn taking: turns, gaps, overlaps, response times, pauses, interruptions, backchannels, shares.

`measure_turns` computes them of turns and the recording's length; `TURN_MEASURES` declares each with its source.
"""

from __future__ import annotations

from fer_phq.speakers.measures.declared import TURN_MEASURES, Scope, TurnMeasure
from fer_phq.speakers.measures.values import Measured, TurnTaking, measure_turns

__all__ = ["TURN_MEASURES", "Measured", "Scope", "TurnMeasure", "TurnTaking", "measure_turns"]
