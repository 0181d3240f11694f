"""Reading recordings: frames and sound, whatever the codec, rotation, frame rate or sample rate.

`probe` reads what a recording is, `sample_frames` its frames, `sample_recording` both at once. `read_frame` reads a
single frame, `read_sound` sound (also of a file without pictures).

All decoding happens in a decoder process under limits (`Limits`), because a recording may come from anyone: a damaged
or hostile file ends as a `RecordingError`, never as a crash or a hang of the caller. Where the platform can, the
process is also confined: `confinement` says what holds. `prepare_decoder` starts one while other things load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_phq.core import lazy_names

if TYPE_CHECKING:
    from fer_phq.video.decoder.process import prepare_decoder
    from fer_phq.video.reader import (
        FrameStream,
        SoundStream,
        confinement,
        list_sound_tracks,
        probe,
        read_frame,
        read_sound,
        sample_frames,
        sample_recording,
    )
    from fer_phq.video.types import (
        RECORDING_SUFFIXES,
        SOUND_RATE,
        Confinement,
        Frame,
        Limits,
        SoundBlock,
    )

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
    "prepare_decoder",
    "probe",
    "read_frame",
    "read_sound",
    "sample_frames",
    "sample_recording",
]

_READER = "fer_phq.video.reader"
_TYPES = "fer_phq.video.types"

# Imported on first use: the decoder process, which lies in this room, must not wait for its parent's side.
__getattr__ = lazy_names(
    __name__,
    {
        "prepare_decoder": "fer_phq.video.decoder.process",
        **dict.fromkeys(("FrameStream", "SoundStream", "confinement", "list_sound_tracks", "probe"), _READER),
        **dict.fromkeys(("read_frame", "read_sound", "sample_frames", "sample_recording"), _READER),
        **dict.fromkeys(("RECORDING_SUFFIXES", "SOUND_RATE"), _TYPES),
        **dict.fromkeys(("Confinement", "Frame", "Limits", "SoundBlock"), _TYPES),
    },
)
