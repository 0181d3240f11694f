"""Masking of a recording into a new file: plan, then write."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO

import av
import numpy as np

from fer_phq.core.analysis import RecordingInfo, Sampling
from fer_phq.core.arrays import FloatArray, Image
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message
from fer_phq.masking import messages
from fer_phq.masking.new_file import whole_file
from fer_phq.masking.options import DEFAULT, MaskOptions, PictureMask, VoiceMasking
from fer_phq.masking.picture import cover_faces, pixelate
from fer_phq.masking.plan import FacePlanner, MaskPlan
from fer_phq.masking.voice import NoiseMask, SoundMask, VoiceMask
from fer_phq.masking.writer import RecordingWriter
from fer_phq.video import Frame, list_sound_tracks, probe, read_sound, sample_frames
from fer_phq.video.reader import SoundStream, StrPath

EVERY_PICTURE = Sampling(fps=240.0)
"""The highest rate: every picture that is displayed for a 240th of a second or longer."""

SEARCH_SIDE = 1280
"""Longer side in pixels at which faces are searched at most."""

SOUND_BLOCK_S = 5.0
"""Seconds of sound that are changed together."""

LIMITS_OF_MASKING = messages.LIMITS()
"""Says that a masked recording is not anonymous, and why."""

_SEARCH_SHARE = 0.75  # of the work, where faces are searched

Report = Callable[[float], None]


class MaskError(FerPhqError):
    """A masked recording cannot be written."""


@dataclass
class MaskReport:
    """What was written, with how much of it shows a detected face.

    Attributes:
        path: The file.
        pictures: Number of pictures.
        seen: Pictures with a face that was detected around that time.
        bridged: Pictures without one in which a place is covered where a face was shortly before or after.
        unseen: Pictures without any, which are pixelated as a whole.
        longest_gap: (start, end) in seconds of the longest time without a detected face; None without one.
        warnings: What is wrong with the recording.
    """

    path: Path
    pictures: int = 0
    seen: int = 0
    bridged: int = 0
    unseen: int = 0
    longest_gap: tuple[float, float] | None = None
    warnings: list[Message] = field(default_factory=list)

    def sentences(self) -> list[Message]:
        """Return what a person is told: shares and the longest gap, where faces were searched, and the limits."""
        sentences: list[Message] = []
        counted = self.seen + self.bridged + self.unseen
        if counted:
            shares = {"seen": self.seen, "bridged": self.bridged, "unseen": self.unseen}
            sentences.append(messages.SHARES(**{name: count / counted for name, count in shares.items()}))
        if self.longest_gap is not None:
            start_s, end_s = self.longest_gap
            sentences.append(messages.LONGEST_GAP(length_s=end_s - start_s, start_s=start_s))
        return [*sentences, LIMITS_OF_MASKING]


def mask_recording(
    source: StrPath,
    out: Path,
    options: MaskOptions = DEFAULT,
    *,
    force: bool = False,
    display_name: str | None = None,
    on_progress: Report = lambda share: None,
    threads: int | None = None,
) -> MaskReport:
    """Write a recording with faces covered and voices changed as MP4 (H.264 and AAC).

    The file has one picture track and one sound track at most and nothing else of the source. Pictures keep their
    times; all sound tracks that hold different voices are heard together, at 16 kHz. It appears only when it is whole,
    and only its owner may read it.

    Args:
        source: The recording, or with `PictureMask.NONE` a file with sound only.
        out: The file to make.
        options: What is left of it.
        force: Whether to replace a file that is there.
        display_name: What errors call the recording; its path when omitted.
        on_progress: Receives the share of the work that is done, 0 to 1; it may raise to stop it.
        threads: Processor threads of the search; all available ones when omitted.

    Returns:
        What was written.

    Raises:
        RecordingError: The recording cannot be read.
        ModelError: The face detector's weights are missing.
        MaskError: The file is there already, or cannot be written.
    """
    name = display_name or str(source)
    _check_out(source, out, force=force)
    info = None if options.picture is PictureMask.NONE else probe(source, display_name=name)
    has_tracks = bool(list_sound_tracks(source, display_name=name)) if info is None else info.has_audio
    has_sound = options.voice is not VoiceMasking.SILENT and (has_tracks or info is None)
    report = MaskReport(out)
    plan = None
    if info is not None and options.picture is PictureMask.FACES:
        plan = _plan(source, name, info, lambda share: on_progress(share * _SEARCH_SHARE), threads)
    begin = 0.0 if plan is None else _SEARCH_SHARE
    sources = _Source(source, name, info, plan, options, lambda share: on_progress(begin + share * (1 - begin)))
    try:
        with whole_file(out, force=force) as file:
            _write(file, sources, report, has_sound=has_sound)
    except FileExistsError:
        raise MaskError(messages.OUT_EXISTS(path=str(out))) from None
    except (OSError, av.FFmpegError) as error:
        raise MaskError(messages.OUT_UNWRITABLE(path=str(out), reason=error.strerror or str(error))) from error
    on_progress(1.0)
    return report


def _check_out(source: StrPath, out: Path, *, force: bool) -> None:
    """Refuse a place where the file cannot be made, before the long search for faces. Raises MaskError."""
    if not out.parent.is_dir():
        raise MaskError(messages.OUT_UNWRITABLE(path=str(out), reason=os.strerror(errno.ENOENT)))
    if not out.exists():
        return
    if not force:
        raise MaskError(messages.OUT_EXISTS(path=str(out)))
    if not out.is_file():
        raise MaskError(messages.OUT_NO_FILE(path=str(out)))
    if Path(source).exists() and out.samefile(source):  # who reads it says that it is not there
        raise MaskError(messages.OUT_IS_SOURCE(path=str(out)))


@dataclass(frozen=True, eq=False)
class _Source:
    """What is read and how it is masked."""

    path: StrPath
    name: str
    info: RecordingInfo | None
    plan: MaskPlan | None
    options: MaskOptions
    on_progress: Report

    @property
    def picture_end_s(self) -> float:
        """When the last picture ends, in seconds; 0 without pictures."""
        if self.info is None:
            return 0.0
        return self.info.pictures_until_s

    def report_time(self, time_s: float, sound_s: float | None) -> None:
        """Report how far the reading is, by the time of what was read and, without a picture, the sound's length."""
        duration_s = sound_s if self.info is None else self.info.duration_s
        self.on_progress(min(1.0, time_s / duration_s) if duration_s else 0.0)


def _plan(source: StrPath, name: str, info: RecordingInfo, on_progress: Report, threads: int | None) -> MaskPlan:
    """Search the faces of every picture."""
    planner = FacePlanner(threads=threads)
    with sample_frames(source, EVERY_PICTURE, max_side=SEARCH_SIDE, display_name=name) as frames:
        for frame in frames:
            planner.add(frame.time_s, frame.rgb)
            on_progress(min(1.0, frame.time_s / info.duration_s))
    return planner.finish()


def _write(file: IO[bytes], source: _Source, report: MaskReport, *, has_sound: bool) -> None:
    """Write pictures and sound side by side, so that neither stream runs ahead."""
    with ExitStack() as stack:
        sound = None
        blocks: Iterator[FloatArray] = iter(())
        if has_sound:
            sound = stack.enter_context(read_sound(source.path, block_s=SOUND_BLOCK_S, display_name=source.name))
            blocks = _masked_sound(sound, source.options.voice)
        frames, size = _open_pictures(source, stack)
        with RecordingWriter(file, size=size, has_sound=has_sound) as writer:
            gaps = _Gaps(report)
            for frame in frames:
                while writer.sound_s < frame.time_s + SOUND_BLOCK_S and (block := next(blocks, None)) is not None:
                    writer.write_sound(block)
                writer.write_picture(frame.time_s, _masked(frame.rgb, frame.time_s, source.plan, gaps))
                report.pictures += 1
                source.report_time(frame.time_s, None)
            for block in blocks:
                writer.write_sound(block)
                source.report_time(writer.sound_s, None if sound is None else sound.duration_s)
            end_s = source.picture_end_s
            gaps.end(end_s)
            writer.finish(end_s)
        report.warnings += [] if sound is None else sound.warnings


def _open_pictures(source: _Source, stack: ExitStack) -> tuple[Iterator[Frame], tuple[int, int] | None]:
    """Return the pictures and the first one's (width, height); None where there are none to be."""
    if source.info is None:
        return iter(()), None
    side = source.options.max_side
    frames = stack.enter_context(sample_frames(source.path, EVERY_PICTURE, max_side=side, display_name=source.name))
    first = next(frames)  # without any picture the reader says why
    return chain([first], frames), (first.rgb.shape[1], first.rgb.shape[0])


def _masked(rgb: Image, time_s: float, plan: MaskPlan | None, gaps: _Gaps) -> Image:
    """Return what is left of a picture. One without any face is pixelated: a face that was missed may be in it."""
    if plan is None:
        return pixelate(rgb)
    boxes, is_seen = plan.at(time_s)
    gaps.add(time_s, has_cover=bool(len(boxes)), is_seen=is_seen)
    return cover_faces(rgb, boxes) if len(boxes) else pixelate(rgb)


def _masked_sound(sound: SoundStream, voice: VoiceMasking) -> Iterator[FloatArray]:
    mask: SoundMask = NoiseMask() if voice is VoiceMasking.NOISE else VoiceMask()
    for block in sound:
        yield mask.push(np.asarray(block.samples))
    yield mask.finish()


class _Gaps:
    """Counts pictures with and without a detected face, and finds the longest time without one."""

    def __init__(self, report: MaskReport) -> None:
        self._report = report
        self._since_s: float | None = None

    def add(self, time_s: float, *, has_cover: bool, is_seen: bool) -> None:
        if is_seen:
            self._report.seen += 1
            self.end(time_s)
            return
        if has_cover:
            self._report.bridged += 1
        else:
            self._report.unseen += 1
        if self._since_s is None:
            self._since_s = time_s

    def end(self, time_s: float) -> None:
        """End the time without a detected face, if there is one."""
        if self._since_s is None:
            return
        longest = self._report.longest_gap
        if longest is None or time_s - self._since_s > longest[1] - longest[0]:
            self._report.longest_gap = (self._since_s, time_s)
        self._since_s = None
