"""A performance becomes a recording: pictures in, an MP4 file out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av

from fer_phq.core.arrays import Image
from fer_phq.core.errors import RecordingError
from fer_phq.video.writer import write_video
from service.demo.puppet import SIZE, Puppet
from service.demo.script import Performance, Script

FPS = 8


def render(script: Script, puppet: Puppet, path: Path) -> None:
    """Write a script's recording as MP4 (H.264 where PyAV has an encoder for it), without sound.

    The same on every run with the same libraries. Raises RecordingError when the file cannot be written.
    """
    try:
        write_video(path, pictures(script, puppet), SIZE, FPS)
    except (OSError, av.FFmpegError) as error:
        raise RecordingError(f"The recording {path} could not be rendered: {error.strerror or error}.") from error


def pictures(script: Script, puppet: Puppet) -> Iterator[Image]:
    """The script's pictures, `FPS` a second, uint8 RGB."""
    performance = Performance(script)
    return (puppet.draw(performance.pose(i / FPS)) for i in range(round(script.seconds * FPS)))
