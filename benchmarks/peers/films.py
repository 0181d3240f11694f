"""Films with a face that the benchmark makes: the demonstration's puppet before a noisy wall, as a camera would see it.

Twelve seconds are drawn (six, and the same backwards, so that the end meets the beginning) and encoded; their packets
are repeated to any length without encoding. Nothing but the project's own portrait is needed.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image as PillowImage

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

import recordings  # noqa: E402

from fer_phq.core.arrays import Image  # noqa: E402
from training.simulation.puppet.portrait import Puppet  # noqa: E402
from training.simulation.puppet.script import Performance, Script  # noqa: E402

FPS = 30
HALF_S = 6
TURN_S = 2 * HALF_S
GROUP = 2 * FPS
"""Pictures from one key frame to the next."""
NOISE = 2.0
"""Standard deviation of the camera's noise, in levels of 255."""
NOISE_PICTURES = 7
SCRIPT = Script(0, 8, HALF_S, seed=3)

ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {"preset": "medium", "crf": "23"}),
    "hevc": ("libx265", {"preset": "fast", "crf": "26", "x265-params": "log-level=error:open-gop=0"}),
}
SIZES = {"720p": (1280, 720), "1080p": (1920, 1080), "360p": (640, 360)}


@dataclass(frozen=True)
class Film:
    """A film of the benchmark.

    Attributes:
        name: For tables, for example `720p H.264`.
        path: The file.
        seconds: Its length.
        fps: Pictures a second.
    """

    name: str
    path: Path
    seconds: float
    fps: float

    def frames(self, fps: float) -> int:
        """Return how many pictures are sampled at a rate."""
        return round(self.seconds * min(fps, self.fps))

    def describe(self) -> dict[str, Any]:
        """Return what there is to say of the film, as JSON takes it."""
        bits = self.path.stat().st_size * 8 / self.seconds
        return {"name": self.name, "seconds": self.seconds, "fps": self.fps, "mbit_s": round(bits / 1e6, 2)}


def make_film(folder: Path, size: str, codec: str, seconds: float) -> Film:
    """Make a film, or take the one that is there.

    Args:
        folder: Where films lie.
        size: Of `SIZES`.
        codec: Of `ENCODERS`.
        seconds: Length: a multiple of `TURN_S`, or less than `HALF_S`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"face-{size}-{codec}-{seconds:g}-s.mp4"
    if not path.exists():
        draft = path.with_name(f"draft-{path.name}")
        if seconds < HALF_S:
            _encode(draft, size, codec, round(seconds * FPS))
        else:
            turns, rest = divmod(seconds, TURN_S)
            if rest:
                raise ValueError(f"A film lasts a multiple of {TURN_S} s, and not {seconds:g}.")
            recordings.loop(_turn(folder, size, codec), draft, round(turns))
        shutil.move(draft, path)
    label = {"h264": "H.264", "hevc": "HEVC"}[codec]
    return Film(f"{size} {label}", path, seconds, FPS)


def make_picture(folder: Path, size: str) -> Film:
    """Make a picture, the film's first, or take the one that is there: a film of one picture that lasts a second.

    Args:
        folder: Where films lie.
        size: Of `SIZES`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"face-{size}.png"
    if not path.exists():
        PillowImage.fromarray(next(draw_pictures(SIZES[size], 1))).save(path)
    return Film(f"{size} picture (PNG)", path, 1, 1)


def open_film(path: Path) -> Film:
    """Return a film that somebody names.

    Args:
        path: A recording.

    Raises:
        ValueError: It has no length or no rate.
    """
    with av.open(str(path)) as source:
        stream = source.streams.video[0]
        if not source.duration or not stream.average_rate:
            raise ValueError(f"{path} does not say how long it is, or how many pictures a second it has.")
        return Film(path.name, path, source.duration / 1e6, float(stream.average_rate))


def _turn(folder: Path, size: str, codec: str) -> Path:
    path = folder / f"turn-{size}-{codec}.mp4"
    if not path.exists():
        draft = path.with_name(f"draft-{path.name}")
        _encode(draft, size, codec, TURN_S * FPS)
        shutil.move(draft, path)
    return path


def _encode(path: Path, size: str, codec: str, count: int) -> None:
    encoder, options = ENCODERS[codec]
    width, height = SIZES[size]
    with av.open(str(path), "w") as out:
        video: Any = out.add_stream(encoder, rate=FPS, options=options)
        video.width, video.height = width, height
        video.pix_fmt = "yuv420p"
        video.codec_context.gop_size = GROUP
        for number, picture in enumerate(draw_pictures((width, height), count)):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))


def draw_pictures(size: tuple[int, int], count: int) -> Iterator[Image]:
    """Draw the film's pictures, uint8 RGB (height, width, 3), the same in each call.

    Args:
        size: Width and height.
        count: Number of pictures, at most those of one turn.
    """
    width, height = size
    puppet = Puppet()
    performance = Performance(SCRIPT)
    rng = np.random.default_rng(5)
    noise = [rng.normal(0, NOISE, (height, width, 1)).astype(np.float32) for _ in range(NOISE_PICTURES)]
    half = HALF_S * FPS
    for number in range(count):
        moment = number if number < half else 2 * half - 1 - number
        drawn = PillowImage.fromarray(puppet.draw(performance.pose(moment / FPS)))
        # The puppet's pictures are 4:3 and have a caption: the middle of their height is shown.
        wide = drawn.crop((0, 10, drawn.width, 10 + round(drawn.width * height / width)))
        picture = np.asarray(wide.resize(size, PillowImage.Resampling.BICUBIC), np.float32)
        yield (picture + noise[number % NOISE_PICTURES]).clip(0, 255).astype(np.uint8)
