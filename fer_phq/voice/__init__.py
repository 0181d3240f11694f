"""Prosody of a voice over time, and its functionals over a session.

`voice_features` turns a recording, or a sound file, into a feature series of ten rows a second; `only_during` restricts
it to the subject's speech; `voice_functionals` summarizes it. `egemaps_features` is the extra `egemaps` (see its
licence). Nothing here reads what is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_phq.core import lazy_names

if TYPE_CHECKING:
    from fer_phq.voice.egemaps import egemaps_features
    from fer_phq.voice.features import Interval, features_of_sound, voice_features
    from fer_phq.voice.functionals import FUNCTIONALS, voice_functionals
    from fer_phq.voice.intervals import only_during
    from fer_phq.voice.kinds import COLUMNS, KIND, ROWS_A_SECOND

__all__ = [
    "COLUMNS",
    "FUNCTIONALS",
    "KIND",
    "ROWS_A_SECOND",
    "Interval",
    "egemaps_features",
    "features_of_sound",
    "only_during",
    "voice_features",
    "voice_functionals",
]

# Imported on first use: whoever reads the messages must not wait for scipy.
__getattr__ = lazy_names(
    __name__,
    {
        "COLUMNS": "fer_phq.voice.kinds",
        "FUNCTIONALS": "fer_phq.voice.functionals",
        "Interval": "fer_phq.voice.features",
        "KIND": "fer_phq.voice.kinds",
        "ROWS_A_SECOND": "fer_phq.voice.kinds",
        "egemaps_features": "fer_phq.voice.egemaps",
        "features_of_sound": "fer_phq.voice.features",
        "only_during": "fer_phq.voice.intervals",
        "voice_features": "fer_phq.voice.features",
        "voice_functionals": "fer_phq.voice.functionals",
    },
)
