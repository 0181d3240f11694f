"""Choice of the decoding backend, and the frames it yields: decord where its pictures were verified, else PyAV.

Runs in the decoder process only. Both backends are as fast as each other at 2 frames/s (measured by
benchmarks/bench_decode.py), so the order is a choice, kept in `FIRST_CHOICE`. That decord's count and times of pictures
agree with the container's says nothing about which picture it gives: in MPEG streams and fragmented MP4 it gives
others. So it reads only `VERIFIED`, whose pictures tests compare one by one, and only where its first ones are PyAV's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from fer_phq.core.encryption.files import is_encrypted
from fer_phq.video.decoder import backend_decord, backend_pyav
from fer_phq.video.decoder.container import BASE_MEDIA
from fer_phq.video.decoder.layout import has_signature
from fer_phq.video.decoder.recording import Recording
from fer_phq.video.sampling import EPSILON_S, displayed_at_rate
from fer_phq.video.types import Frame

FIRST_CHOICE = "decord"
"""Set to "PyAV" to decode everything with PyAV."""

MAX_DECORD_PICTURES = 20_000
"""decord keeps about a kilobyte for every picture it passes (100 MB in an hour at 24 pictures a second), PyAV nothing:
longer recordings, eleven minutes at 30 pictures a second, are left to PyAV so that memory does not grow with length."""

VERIFIED = ((BASE_MEDIA, "h264"),)
"""(format, codec) that decord may read: MP4 and MOV with H.264, in one piece, whose size cannot change on the way."""

COMPARED = 6
"""Pictures that are compared with PyAV's before decord is believed: the first, and those after skips."""

OnBackend = Callable[[str, str], None]
"""Called with the backend that decodes, "decord" or "PyAV", and why."""


def reason_against_decord(recording: Recording) -> str:
    """Return why decord must not decode a recording, or "". The container's index decides."""
    index = recording.index
    if FIRST_CHOICE != "decord":
        return "PyAV is set as the first choice"
    if index is None:
        return "only single frames are wanted"
    if (recording.info.format, recording.info.codec) not in VERIFIED:
        return "decord's pictures were not verified for this format"
    if is_encrypted(recording.path):
        return "the recording is encrypted, and decord reads plain files alone"
    if not has_signature(recording.path):  # decord tries every format that its FFmpeg knows, and cannot be told which
        return "it does not begin with its type"
    if recording.info.fragmented:
        return "its index is spread over the file"
    if index.varies:
        return "the size of its pictures may change"
    if recording.info.duration_s is None:
        return "the header gives no duration"
    if not index.complete or not len(index.times):
        return "some pictures have no time"
    if index.discarded:
        return "an edit list hides pictures"
    if len(index.times) > MAX_DECORD_PICTURES:
        return "the recording is long and decord's memory grows with it"
    if index.leading:
        return "it has open groups of pictures"  # decord is then silently some frames off after each
    if recording.cut_short:
        return "the file is cut short"
    if bool((np.diff(index.times) <= 0).any()):
        return "two pictures have the same time"
    if recording.info.mirrored:
        return "the picture is mirrored"
    if min(recording.size) < backend_decord.MIN_SIDE:
        return "the pictures are too small for decord"
    return ""


def sample(recording: Recording, fps: float, on_backend: OnBackend) -> Iterator[Frame]:
    """Yield the frames on display at k / fps: by decord while it can be trusted, from there on by PyAV.

    Args:
        recording: The recording, with its index.
        fps: Target times per second.
        on_backend: Called with the backend and the reason for it.
    """
    reason = reason_against_decord(recording)
    after_s = -math.inf
    if not reason:

        def on_ready() -> None:
            on_backend("decord", "its times agree with the index, and its first pictures with PyAV's")

        try:
            expected = list(islice(_sample_by_pyav(replace(recording, lost=[]), fps), COMPARED))
            for frame in backend_decord.sample(recording, fps, on_ready, expected):
                yield frame
                after_s = frame.time_s
            return
        except backend_decord.DecordUnreliable as error:
            reason = str(error)
    on_backend("PyAV", reason)
    recording.last_s = after_s
    yield from _sample_by_pyav(recording, fps, after_s)


def _sample_by_pyav(recording: Recording, fps: float, after_s: float = -math.inf) -> Iterator[Frame]:
    decoded = backend_pyav.decode_frames(recording, start_s=after_s)
    for time_s, picture in displayed_at_rate(decoded, fps, recording.end_s, after_s):
        yield backend_pyav.convert(recording, time_s, picture)


def key_frames(recording: Recording, on_backend: OnBackend) -> Iterator[Frame]:
    """Yield every key frame, without decoding the others.

    Args:
        recording: The recording.
        on_backend: Called with the backend and the reason for it.
    """
    on_backend("PyAV", "only key frames are wanted")
    for time_s, picture in backend_pyav.decode_frames(recording, only_keys=True):
        yield backend_pyav.convert(recording, time_s, picture)


def frame_at(recording: Recording, time_s: float) -> Frame | None:
    """Return the frame on display at `time_s`: the last that starts at or before it, else the first; None without any.

    Args:
        recording: The recording.
        time_s: Seconds from the recording's start.
    """
    on_display: tuple[float, backend_pyav.Picture] | None = None
    for start_s, picture in backend_pyav.decode_frames(recording, start_s=time_s):
        if on_display is not None and start_s > time_s + EPSILON_S:
            break
        on_display = (start_s, picture)
    return None if on_display is None else backend_pyav.convert(recording, *on_display)
