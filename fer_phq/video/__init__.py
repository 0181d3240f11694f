"""Recordings in, pictures out: `probe`, `sample_frames` and `read_frame` hide codecs, rotation and frame rates.

All decoding happens in a child process under limits (`Limits`), because a recording may come from anyone: a damaged or
hostile file ends as a `RecordingError`, never as a crash or a hang of the caller.
"""

from fer_phq.video.door import FrameStream, probe, read_frame, sample_frames
from fer_phq.video.types import Frame, Limits

__all__ = ["Frame", "FrameStream", "Limits", "probe", "read_frame", "sample_frames"]
