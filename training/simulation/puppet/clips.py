"""Clips of the puppet: the pictures and the sound of a script, encoded as MP4, with the transcript of what is said."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import av

from fer_phq.core.arrays import Image
from fer_phq.core.errors import FerPhqError, RecordingError
from fer_phq.video.writer import write_video
from training.simulation import messages
from training.simulation.conversation import RATE, write_webvtt
from training.simulation.puppet.portrait import SIZE, Puppet
from training.simulation.puppet.script import SCRIPTS, Performance, Script
from training.simulation.puppet.voice import compute_lip_openings, simulate_speech

FPS = 8
SOUND_BITS = 24_000
"""Bits a second of the sound: a machine's voice at 22 kHz needs no more."""


def render_clips(folder: Path, scripts: Sequence[Script] = SCRIPTS) -> Iterator[Path]:
    """Render scripts into a folder, which is made where it is missing; files of the same names are replaced.

    Args:
        folder: Where the clips and their transcripts go.
        scripts: What is rendered.

    Yields:
        The path of each clip when it and its transcript are written.

    Raises:
        FerPhqError: espeak-ng is missing, or the folder cannot be made.
        RecordingError: A clip cannot be written.
    """
    if shutil.which("espeak-ng") is None:
        raise FerPhqError(messages.ESPEAK_MISSING())
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FerPhqError(messages.FOLDER_NOT_MADE(folder=str(folder), error=error.strerror or str(error))) from None
    puppet = Puppet()
    for script in scripts:
        render_clip(script, puppet, folder / script.name)
        yield folder / script.name


def render_clip(script: Script, puppet: Puppet, path: Path) -> None:
    """Write a script's clip as MP4, H.264 where PyAV has an encoder for it, and its transcript as WebVTT beside it.

    The bytes are the same on every run with the same libraries and voices.

    Args:
        script: What the puppet does.
        puppet: Who does it.
        path: The file to write, whatever its suffix; the transcript has the suffix .vtt.

    Raises:
        FerPhqError: espeak-ng cannot speak.
        RecordingError: The file cannot be written.
    """
    speech = simulate_speech(script)
    performance = Performance(script, compute_lip_openings(speech.sound, RATE, speech.cues))
    try:
        write_video(path, render_pictures(performance, puppet), SIZE, FPS, speech.sound, RATE, SOUND_BITS)
        write_webvtt(path.with_suffix(".vtt"), speech.cues)
    except (OSError, av.FFmpegError) as error:
        reason = error.strerror or str(error)
        raise RecordingError(messages.CLIP_NOT_RENDERED(path=str(path), error=reason)) from error


def render_pictures(performance: Performance, puppet: Puppet) -> Iterator[Image]:
    """Draw the pictures of a performance.

    Args:
        performance: What the puppet does.
        puppet: Who does it.

    Yields:
        uint8 RGB pictures (height, width, 3) of `SIZE`, `FPS` a second.
    """
    for i in range(round(performance.script.seconds * FPS)):
        yield puppet.draw(performance.pose(i / FPS))
