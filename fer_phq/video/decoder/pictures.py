"""Which decoder reads a recording, and the pictures it gives: decord first, PyAV where decord cannot be trusted.

Runs in the decoding child only. Both decoders give the same pictures and are as fast as each other at 2 frames a second
(measured by benchmarks/bench_decode.py), so the order is a choice, kept in `FIRST_CHOICE`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fer_phq.video.decoder import backend_decord, backend_pyav
from fer_phq.video.decoder.recording import Picture, Recording
from fer_phq.video.sampling import EPSILON_S, displayed_at_rate

FIRST_CHOICE = "decord"
"""Set to "PyAV" to decode everything with PyAV."""

MOST_FOR_DECORD = 20_000
"""decord keeps about a kilobyte for every picture it passes (100 MB in an hour at 24 pictures a second), PyAV nothing:
longer recordings, eleven minutes at 30 pictures a second, are left to PyAV so that memory does not grow with length."""

SayDecoder = Callable[[str, str], None]
"""Told which decoder is used, "decord" or "PyAV", and why."""


def choose(recording: Recording) -> str:
    """Why decord is not to be tried on this recording, or "": judged by what was measured of the file."""
    index = recording.index
    if FIRST_CHOICE != "decord":
        return "PyAV is set as the first choice"
    if index is None:
        return "only single frames are wanted"
    if recording.facts.duration_s is None:
        return "the header gives no duration"
    if not index.complete or not len(index.times):
        return "some pictures have no time"
    if index.discarded:
        return "an edit list hides pictures"
    if len(index.times) > MOST_FOR_DECORD:
        return "the recording is long and decord's memory grows with it"
    if index.leading:
        return "it has open groups of pictures"  # decord is then silently some frames off after each
    if recording.cut_short:
        return "the file is cut short"
    if bool((np.diff(index.times) <= 0).any()):
        return "two pictures have the same time"
    if recording.facts.mirrored:
        return "the picture is mirrored"
    if min(recording.size) < backend_decord.MIN_SIDE:
        return "the pictures are too small for decord"
    return ""


def sample(recording: Recording, fps: float, say_decoder: SayDecoder) -> Iterator[Picture]:
    """Pictures on display at k / fps: by decord while it can be trusted, from there on by PyAV."""
    reason = choose(recording)
    after_s = -math.inf
    if not reason:
        try:
            for picture in backend_decord.sample(
                recording, fps, lambda: say_decoder("decord", "it agrees with the index")
            ):
                yield picture
                after_s = picture.time_s
            return
        except backend_decord.Distrust as doubt:
            reason = str(doubt)
    say_decoder("PyAV", reason)
    recording.last_s = after_s
    frames = backend_pyav.frames(recording, start_s=after_s)
    for time_s, frame in displayed_at_rate(frames, fps, recording.end_s, after_s):
        yield backend_pyav.convert(recording, time_s, frame)


def key_frames(recording: Recording, say_decoder: SayDecoder) -> Iterator[Picture]:
    """Every key frame, without decoding the others."""
    say_decoder("PyAV", "only key frames are wanted")
    for time_s, frame in backend_pyav.frames(recording, only_keys=True):
        yield backend_pyav.convert(recording, time_s, frame)


def frame_at(recording: Recording, time_s: float) -> Picture | None:
    """The picture on display at `time_s`: the last that starts at or before it, else the first; None without any."""
    shown: tuple[float, Any] | None = None
    for moment, frame in backend_pyav.frames(recording, start_s=time_s):
        if shown is not None and moment > time_s + EPSILON_S:
            break
        shown = (moment, frame)
    return None if shown is None else backend_pyav.convert(recording, *shown)
