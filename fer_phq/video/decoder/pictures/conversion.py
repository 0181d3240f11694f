"""Decoded pictures become frames: scaled, in RGB, upright. Runs in the decoder process only."""

from __future__ import annotations

from typing import Any

import numpy as np
from av.video.reformatter import VideoReformatter

from fer_phq.core.arrays import Image
from fer_phq.video.decoder.container import displayed_size
from fer_phq.video.decoder.pictures.decoding import Picture
from fer_phq.video.decoder.recording import Recording
from fer_phq.video.types import Frame


class Converter:
    """Scales decoded pictures of a recording, converts them to RGB and turns them upright."""

    def __init__(self, recording: Recording) -> None:
        """Start before the first picture.

        Args:
            recording: The recording, whose size and orientation hold.
        """
        self._recording = recording
        self._reformatter = VideoReformatter()  # of a picture's own, each would set up its tables and threads anew

    def convert(self, time_s: float, picture: Picture) -> Frame:
        """Convert a picture.

        A picture of another size or pixel shape than the first keeps its proportions, and its pixels up to the longest
        side that is asked for: it is fitted into the first's proportions, between black borders. The orientation is the
        first picture's: asking each one for its side data would tie it into a reference cycle and keep it in memory
        until the next garbage collection.

        Args:
            time_s: When the picture is displayed, seconds from the recording's start.
            picture: What was decoded.
        """
        recording = self._recording
        rotation = recording.info.rotation
        (width, height), canvas = _fitted_size(recording, picture)
        if rotation % 180:
            width, height = height, width
        rgb: Any = self._reformatter.reformat(
            picture.frame, width=width, height=height, format="rgb24", threads=1
        ).to_ndarray()
        if recording.info.mirrored:
            rgb = rgb[:, ::-1]
        if rotation:
            rgb = np.rot90(rgb, -rotation // 90)
        scale = recording.scale * recording.size[0] / canvas[0]
        return Frame(time_s, _with_borders(rgb, *canvas), recording.scale if canvas == recording.size else scale)


def _fitted_size(recording: Recording, picture: Picture) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the (width, height) as displayed of a frame and of the canvas of the recording's proportions around it.

    The canvas grows with a frame that is larger than the first: a video call begins with small pictures.
    """
    info = recording.info
    width, height = displayed_size(picture.frame.width, picture.frame.height, picture.pixel_aspect, info.rotation)
    if (width, height) == (info.width, info.height):
        return recording.size, recording.size
    first_width, first_height = recording.size
    enlargement = max(width / first_width, height / first_height)
    growth = max(1.0, min(enlargement, recording.max_side / max(first_width, first_height)))
    canvas = (round(first_width * growth), round(first_height * growth))
    ratio = min(canvas[0] / width, canvas[1] / height)
    return (max(1, round(width * ratio)), max(1, round(height * ratio))), canvas


def _with_borders(rgb: Image, width: int, height: int) -> Image:
    """Return a picture in the middle of a black one of a size that holds it."""
    rows, columns, _ = rgb.shape
    if (columns, rows) == (width, height):
        return np.ascontiguousarray(rgb)
    canvas = np.zeros((height, width, 3), np.uint8)
    top = (height - rows) // 2
    left = (width - columns) // 2
    canvas[top : top + rows, left : left + columns] = rgb
    return canvas
