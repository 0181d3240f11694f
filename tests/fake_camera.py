"""A fake camera for Chromium: a demonstration clip as motion JPEG, which it shows over and over again."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

CLIP = Path(__file__).parents[1] / "service" / "demo" / "clips" / "demonstration-1.mp4"
ALLOWED = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


def camera_of(folder: Path, clip: Path = CLIP, size: tuple[int, int] = (640, 480), rate: int = 30) -> str:
    """Write a clip as a camera's pictures. Returns Chromium's option that makes it the camera.

    Args:
        folder: Where the file goes.
        clip: The recording.
        size: Width and height of the camera's pictures.
        rate: Pictures a second.
    """
    target = folder / "camera.mjpeg"
    with av.open(str(clip)) as source, av.open(str(target), "w", format="mjpeg") as sink:
        stream = sink.add_stream("mjpeg", rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p"
        stream.options = {"q:v": "3"}
        for number, frame in enumerate(source.decode(video=0)):
            picture = frame.reformat(*size, format="yuvj420p")
            picture.pts = number
            picture.time_base = Fraction(1, rate)
            sink.mux(stream.encode(picture))
        sink.mux(stream.encode())
    return f"--use-file-for-fake-video-capture={target}"
