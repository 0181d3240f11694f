"""Speaker diarization: who speaks when, told by voices, or by tracks and channels that have a speaker each.

`diarize` turns a recording, a sound file or samples into turns. Voices of one recording are told apart; nobody is
recognised, and no voice is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_phq.core import lazy_names
from fer_phq.speakers.turn import Diarization, Turn

if TYPE_CHECKING:
    from fer_phq.speakers.diarization import diarize, diarize_blocks

__all__ = ["Diarization", "Turn", "diarize", "diarize_blocks"]

# Imported on first use: whoever reads the messages must not wait for scipy.
__getattr__ = lazy_names(
    __name__,
    {
        "diarize": "fer_phq.speakers.diarization",
        "diarize_blocks": "fer_phq.speakers.diarization",
    },
)
