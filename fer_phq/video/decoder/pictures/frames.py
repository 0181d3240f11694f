"""The frames of a recording at the times that are asked for. Runs in the decoder process only.

decord is not used: it decodes ahead without a bound, so whoever takes its pictures slowly is soon out of memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from fer_phq.video.decoder.pictures.conversion import Converter
from fer_phq.video.decoder.pictures.decoding import Picture, decode_frames, decode_planned
from fer_phq.video.decoder.pictures.plan import plan_decoding
from fer_phq.video.decoder.recording import Recording
from fer_phq.video.sampling import EPSILON_S, displayed_at_rate
from fer_phq.video.types import Frame


def sample(recording: Recording, fps: float) -> Iterator[Frame]:
    """Yield the frames on display at k / fps.

    Args:
        recording: The recording, with its index.
        fps: Target times per second.
    """
    converter = Converter(recording)
    decoded = decode_planned(recording, plan_decoding(recording, fps))
    for time_s, picture in displayed_at_rate(decoded, fps, recording.end_s):
        yield converter.convert(time_s, picture)


def key_frames(recording: Recording) -> Iterator[Frame]:
    """Yield every key frame, without decoding the others.

    Args:
        recording: The recording.
    """
    converter = Converter(recording)
    for time_s, picture in decode_frames(recording, only_keys=True):
        yield converter.convert(time_s, picture)


def frame_at(recording: Recording, time_s: float) -> Frame | None:
    """Return the frame on display at `time_s`: the last that starts at or before it, else the first; None without any.

    Args:
        recording: The recording.
        time_s: Seconds from the recording's start.
    """
    on_display: tuple[float, Picture] | None = None
    for start_s, picture in decode_frames(recording, start_s=time_s):
        if on_display is not None and start_s > time_s + EPSILON_S:
            break
        on_display = (start_s, picture)
    return None if on_display is None else Converter(recording).convert(*on_display)
