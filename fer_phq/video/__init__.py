"""Reading recordings: frames and sound, whatever the codec, rotation, frame rate or sample rate.

`probe`, `sample_frames` and `read_frame` read pictures, `read_sound` reads sound (also of a file without pictures).

All decoding happens in a decoder process under limits (`Limits`), because a recording may come from anyone: a damaged
or hostile file ends as a `RecordingError`, never as a crash or a hang of the caller. Where the platform can, the
process is also confined: `confinement` says what holds.
"""

from fer_phq.video.reader import (
    FrameStream,
    SoundStream,
    confinement,
    list_sound_tracks,
    probe,
    read_frame,
    read_sound,
    sample_frames,
)
from fer_phq.video.types import RECORDING_SUFFIXES, SOUND_RATE, Confinement, Frame, Limits, SoundBlock

__all__ = [
    "RECORDING_SUFFIXES",
    "SOUND_RATE",
    "Confinement",
    "Frame",
    "FrameStream",
    "Limits",
    "SoundBlock",
    "SoundStream",
    "confinement",
    "list_sound_tracks",
    "probe",
    "read_frame",
    "read_sound",
    "sample_frames",
]
