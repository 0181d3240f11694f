"""Messages about what a behaviour series cannot say."""

from __future__ import annotations

from fer_phq.core.messages import template

TOO_SLOW_FOR_BLINKS = template(
    "behaviour.too_slow_for_blinks",
    "Blinks are not counted: the face was seen {rate:.0f} times a second, and they need {least:.0f}.",
)
