"""Prosody of a voice over time, and its functionals over a session.

`voice_features` turns a recording, or a sound file, into a feature series of ten rows a second; `only_during` restricts
it to the subject's speech; `voice_functionals` summarizes it. `egemaps_features` is the extra `egemaps` (see its
licence). Nothing here reads what is said.
"""

from fer_phq.voice.egemaps import egemaps_features
from fer_phq.voice.features import COLUMNS, KIND, ROWS_A_SECOND, Interval, features_of_sound, voice_features
from fer_phq.voice.functionals import FUNCTIONALS, voice_functionals
from fer_phq.voice.intervals import only_during

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
