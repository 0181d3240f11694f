"""Messages about models of the voice that cannot be used, and about sound in which others are heard."""

from __future__ import annotations

from fer_phq.core.messages import template

SPEECH_WEIGHTS_MISSING = template(
    "voice.speech_weights_missing",
    "The speech detector's weights (silero_vad_16k_sequence.onnx) were not found: install the Python package "
    "'silero-vad' 6.2.3 or newer.",
)
SPEECH_WEIGHTS_DAMAGED = template(
    "voice.speech_weights_damaged",
    "The speech detector's weights {path} cannot be read ({error}): reinstall 'silero-vad'.",
)
PITCH_WEIGHTS_DAMAGED = template(
    "voice.pitch_weights_damaged", "The pitch model's weights cannot be read ({error}): reinstall 'swift-f0'."
)
BABBLE = template(
    "voice.babble",
    "Several people talk, or music plays, in the background from {start:.0f} s on, for {seconds:.0f} s in all: what"
    " does not stand out from it does not count as speech, and some of what counts may be theirs.",
)
OPENSMILE_MISSING = template(
    "voice.opensmile_missing",
    "eGeMAPS needs openSMILE, which is not installed: if its licence (non-commercial research) covers your "
    "use, install the extra with pip install 'fer-phq[egemaps]'.",
)
