"""Messages about processes that end and are started again."""

from __future__ import annotations

from fer_phq.core.messages import template

PART_CANNOT_START = template(
    "processes.part_cannot_start", "Error: the {name} could not start, so everything was stopped; its message is above."
)
PART_STARTS_AGAIN = template(
    "processes.part_starts_again", "The {name} ended {how}; it is started again in {pause_s:.0f} s."
)
BY_SIGNAL = template("processes.by_signal", "by signal {number}")
WITH_CODE = template("processes.with_code", "with the exit code {code}")
