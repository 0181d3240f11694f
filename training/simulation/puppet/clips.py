"""Clips of the puppet: the pictures of a script, encoded as MP4."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import av

from fer_phq.core.arrays import Image
from fer_phq.core.errors import FerPhqError, RecordingError
from fer_phq.video.writer import write_video
from training.simulation import messages
from training.simulation.puppet.portrait import SIZE, Puppet
from training.simulation.puppet.script import SCRIPTS, Performance, Script

FPS = 8


def render_clips(folder: Path, scripts: Sequence[Script] = SCRIPTS) -> Iterator[Path]:
    """Render scripts into a folder, which is made where it is missing; files of the same names are replaced.

    Args:
        folder: Where the clips go.
        scripts: What is rendered.

    Yields:
        The path of each clip when it is written.

    Raises:
        FerPhqError: The folder cannot be made.
        RecordingError: A clip cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FerPhqError(messages.FOLDER_NOT_MADE(folder=str(folder), error=error.strerror or str(error))) from None
    puppet = Puppet()
    for script in scripts:
        render_clip(script, puppet, folder / script.name)
        yield folder / script.name


def render_clip(script: Script, puppet: Puppet, path: Path) -> None:
    """Write a script's clip without sound as MP4: H.264 where PyAV has an encoder for it.

    The bytes are the same on every run with the same libraries.

    Args:
        script: What the puppet does.
        puppet: Who does it.
        path: The file to write, whatever its suffix.

    Raises:
        RecordingError: The file cannot be written.
    """
    try:
        write_video(path, render_pictures(script, puppet), SIZE, FPS)
    except (OSError, av.FFmpegError) as error:
        reason = error.strerror or str(error)
        raise RecordingError(messages.CLIP_NOT_RENDERED(path=str(path), error=reason)) from error


def render_pictures(script: Script, puppet: Puppet) -> Iterator[Image]:
    """Draw the pictures of a script.

    Args:
        script: What the puppet does.
        puppet: Who does it.

    Yields:
        uint8 RGB pictures (height, width, 3) of `SIZE`, `FPS` a second.
    """
    performance = Performance(script)
    for i in range(round(script.seconds * FPS)):
        yield puppet.draw(performance.pose(i / FPS))
