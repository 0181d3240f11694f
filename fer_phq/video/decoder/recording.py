"""One recording as the decoders see it, and what is found to be wrong with it.

Runs in the decoding child only. Times are seconds from the recording's start unless they are called container times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import Image
from fer_phq.core.errors import RecordingError
from fer_phq.video.decoder.container import ADVICE, WITHOUT_TIMES, Beat, Facts, Index, describe, scan

STANDSTILL_S = 5.0
"""A picture that stays exactly the same for this long is worth a warning."""

MOST_TOLD = 5
"""Warnings of one kind that are spelt out."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An upright picture, its time, and by how much it was scaled down."""

    time_s: float
    rgb: Image
    scale: float


@dataclass
class Recording:
    """Where a recording is, what is known of it, and what decoding finds out.

    index: may be None when only single frames or key frames are wanted. lost: spans of time in which pictures could
    not be decoded. last_s: time of the last picture that was decoded, sampled or not.
    """

    path: str
    shown: str
    max_side: int
    threads: int
    beat: Beat
    facts: Facts
    index: Index | None = None
    lost: list[tuple[float, float]] = field(default_factory=list)
    last_s: float = -math.inf

    @property
    def scale(self) -> float:
        """Displayed pixels per pixel handed out, at least 1."""
        return max(1.0, max(self.facts.width, self.facts.height) / self.max_side)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the pictures handed out."""
        return max(1, round(self.facts.width / self.scale)), max(1, round(self.facts.height / self.scale))

    @property
    def times(self) -> npt.NDArray[np.float64] | None:
        """Times of all pictures by the index."""
        return None if self.index is None else self.index.times - self.facts.zero_s

    @property
    def end_s(self) -> float:
        """When the last picture ends by index and header; -inf when unknown."""
        if self.index is None:
            return -math.inf
        end = self.index.end_s - self.facts.zero_s
        return end if self.facts.duration_s is None else min(end, self.facts.duration_s)

    @property
    def cut_short(self) -> bool:
        """Reading ended in an error, or picture and sound end clearly before the header says."""
        if self.index is None:
            return False
        return self.index.broken or ends_early(self.facts.header_end_s, self.index.media_end_s, self.facts.zero_s)


def open_recording(path: str, shown: str, max_side: int, threads: int, beat: Beat, index: bool) -> Recording:
    """Read the facts, and the index when wanted or when times cannot be had without. Raises RecordingError."""
    facts = describe(path, shown, beat)
    found = scan(path, shown, beat) if index or facts.format == WITHOUT_TIMES else None
    return Recording(path, shown, max_side, threads, beat, facts, found)


def summary(recording: Recording) -> dict[str, Any]:
    """The facts a caller sees; a duration that the header does not give is found by reading the packets."""
    facts = recording.facts
    duration = facts.duration_s
    if duration is None:
        duration = scan(recording.path, recording.shown, recording.beat).end_s - facts.zero_s
    if not duration > 0:
        raise RecordingError(f"'{recording.shown}' has a length of zero seconds: {ADVICE}.")
    return {
        "duration_s": duration,
        "width": facts.width,
        "height": facts.height,
        "codec": facts.codec,
        "rotation": facts.rotation,
        "has_audio": facts.has_audio,
    }


def undecodable(shown: str) -> str:
    """The sentence for a recording of which nothing can be shown."""
    return f"No picture of '{shown}' can be decoded, it is damaged or cut short: {ADVICE}."


def damage(recording: Recording) -> list[str]:
    """Sentences about pictures that were lost and about a recording that ends before its header says."""
    times = recording.times
    tail_s = float(times[-1]) if times is not None and len(times) else math.inf
    # What is lost at the end of a recording that is cut short is told by the second sentence.
    spans = [span for span in recording.lost if not (recording.cut_short and span[1] >= tail_s)]
    found = sentences(
        spans,
        "Pictures from {:.1f} s to {:.1f} s cannot be decoded and were left out: the recording is damaged there.",
    )
    if recording.cut_short:
        total = recording.facts.duration_s
        end_s = max(recording.last_s, 0.0)
        found.append(
            f"The recording is cut short: its pictures end at {end_s:.1f} s"
            f"{'' if total is None else f' of {total:.1f} s'}, the rest is missing."
        )
    return found


class Standstill:
    """Watches for stretches in which sampled pictures stay exactly the same."""

    def __init__(self) -> None:
        self._last: Picture | None = None
        self._since = self._until = 0.0
        self._found: list[tuple[float, float]] = []

    def see(self, picture: Picture) -> None:
        """Compare the next sampled picture with the last one."""
        if self._last is None or not np.array_equal(picture.rgb, self._last.rgb):
            self._close()
            self._last = picture
            self._since = picture.time_s
        self._until = picture.time_s

    def warnings(self) -> list[str]:
        """Sentences about the standstills of at least `STANDSTILL_S`, once the recording has ended."""
        self._close()
        return sentences(
            self._found, "The picture stays exactly the same from {:.1f} s to {:.1f} s: the camera may have frozen."
        )

    def _close(self) -> None:
        if self._last is not None and self._until - self._since >= STANDSTILL_S:
            self._found.append((self._since, self._until))
        self._last = None


def sentences(spans: list[tuple[float, float]], sentence: str) -> list[str]:
    """A sentence for each of the first few spans, and one that counts the others."""
    found = [sentence.format(*span) for span in spans[:MOST_TOLD]]
    if len(spans) > MOST_TOLD:
        found.append(f"The same happens at {len(spans) - MOST_TOLD} further places.")
    return found


def ends_early(header_end_s: float | None, end_s: float, zero_s: float = 0.0) -> bool:
    """Whether media end before the header says, by more than a second and a twentieth of the length from `zero_s`."""
    if header_end_s is None:
        return False
    return header_end_s - end_s > max(1.0, 0.05 * (header_end_s - zero_s))
