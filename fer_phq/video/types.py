"""Frames and blocks of sound that the video room yields, and the limits under which it decodes."""

from __future__ import annotations

from dataclasses import dataclass

from fer_phq.core.arrays import FloatArray, Image

RECORDING_SUFFIXES = (
    ".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".qt", ".3gp", ".3g2", ".mts", ".m2ts", ".m2t", ".ts", ".tod",
    ".mpg", ".mpeg", ".mpe", ".m2p", ".mod", ".vob", ".wmv", ".asf", ".flv", ".f4v", ".ogv", ".ogm", ".divx", ".mxf",
    ".dv",
)  # fmt: skip
"""Endings, in lower case, of the recordings that the decoder opens. Folders are searched for them; a file that is named
outright may have any ending, because its content decides."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One displayed picture of a recording.

    Attributes:
        time_s: Presentation time from the container, seconds from the recording's start (the earliest start of its
            video and audio tracks, as a player counts).
        rgb: uint8 (height, width, 3), upright, its longer side at most the `max_side` of the request.
        scale: Displayed pixels of the recording per pixel of `rgb`, at least 1 and the same in all frames, but smaller
            where a picture is larger than the recording's first.
    """

    time_s: float
    rgb: Image
    scale: float


SOUND_RATE = 16_000
"""Samples per second of all sound that is yielded."""


@dataclass(frozen=True, eq=False)
class SoundBlock:
    """A part of a recording's sound.

    Attributes:
        time_s: Time of the first sample, seconds from the recording's start.
        samples: (n,) float32 from -1 to 1, mono (mixed from tracks and channels), `SOUND_RATE` per second.
    """

    time_s: float
    samples: FloatArray


@dataclass(frozen=True)
class Limits:
    """What the decoder process may use before it is stopped with a `RecordingError`.

    Attributes:
        memory_bytes: Address space in all. Sound, and pictures of up to 4K, get by with less, and are held to it
            (`fer_phq.video.decoder.confinement.limits`).
        cpu_seconds: Processor time in all.
        idle_seconds: Wall time without any sign of progress while the caller waits.
        threads: Decoding threads; 0 for half the processors, at most four.
    """

    memory_bytes: int = 2 << 30
    cpu_seconds: int = 12 * 3600
    idle_seconds: float = 60.0
    threads: int = 0

    def __post_init__(self) -> None:
        if min(self.memory_bytes, self.cpu_seconds, self.idle_seconds) <= 0 or self.threads < 0:
            raise ValueError("Every limit of the decoder must be above 0.")


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Confinement:
    """Which protections hold on this platform around the decoder process, in case a recording makes it do harm.

    Attributes:
        network: It cannot open a connection.
        processes: It cannot start another process.
        writing: It cannot write to any file.
        reading: It cannot read files but the recording and its own libraries.
        memory: The system refuses it more memory than its limit.
    """

    network: bool
    processes: bool
    writing: bool
    reading: bool
    memory: bool
