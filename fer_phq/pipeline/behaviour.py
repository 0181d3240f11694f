"""Facial behaviour: the recording's frames once more, at a rate of their own, with the mesh followed.

The subject's is always extracted, the partner's where it is asked for.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Self

import numpy as np
import numpy.typing as npt

from fer_phq.behaviour.columns import has_rate, true_rate_hz
from fer_phq.behaviour.follower import Anchor, FollowedFace, MeshFollower
from fer_phq.behaviour.measures import behaviour_warnings
from fer_phq.behaviour.messages import PICTURES_REPEATED
from fer_phq.behaviour.repeats import find_repeats, picture_change
from fer_phq.behaviour.series import behaviour_series, describe_faces, settle_eyes
from fer_phq.core.analysis import (
    FaceTable,
    Progress,
    ProgressHook,
    RecordingInfo,
    Sampling,
    Settings,
    Step,
    display_durations,
)
from fer_phq.core.arrays import FloatArray, Image, Rows, TimeArray
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message
from fer_phq.dyad.measures import together_windows
from fer_phq.dyad.signals import LEAST_RATE_HZ
from fer_phq.dyad.synchrony import LEAST_WINDOWS
from fer_phq.faces import Detection
from fer_phq.mesh import FaceLandmarker
from fer_phq.pipeline import messages
from fer_phq.pipeline.partner import LEAST_TOGETHER_S
from fer_phq.pipeline.subject import SubjectFaces
from fer_phq.pipeline.timing import StageTimer
from fer_phq.video import Frame, FrameStream, sample_frames

FaceHook = Callable[[Sequence[float], Sequence[FollowedFace | None]], None]
"""Receives times in seconds and the subject's face in each of these frames, None where nothing is known of it."""

_REPORT_FRAMES = 30  # frames from one report of the progress to the next


def extract_behaviour(
    path: str | os.PathLike[str],
    recording: RecordingInfo,
    faces: SubjectFaces,
    settings: Settings,
    timer: StageTimer,
    on_progress: ProgressHook,
    display_name: str | None = None,
    on_faces: FaceHook | None = None,
) -> tuple[list[FeatureSeries], tuple[Message, ...]]:
    """Extract the facial behaviour of the subject, and that of the partner where there is one.

    A picture that repeats the one before has no row: the row before lasts on, as where a recording holds a picture.

    Args:
        path: The recording.
        recording: Its facts.
        faces: The subject's faces in its sampled frames, and the partner's.
        settings: The rate, and how far large frames are reduced.
        timer: Measures the stage "behaviour".
        on_progress: Called as frames pass; it may raise `AnalysisCancelled`.
        display_name: What errors call the recording.
        on_faces: Receives the subject's meshes of all frames, as they become sure; it may raise.

    Returns:
        The subject's series and the partner's, none where behaviour is not asked for; and a warning where pictures
        repeat the one before.

    Raises:
        RecordingError: The recording cannot be decoded.
    """
    if not settings.follows_mesh:
        return [], ()
    people = [faces.faces] if faces.partner is None else [faces.faces, faces.partner]
    times = array("d")
    end_s = recording.pictures_until_s
    sampling = Sampling(fps=settings.face_rate)
    with (
        timer.measure("behaviour"),
        ExitStack() as threads,
        sample_frames(path, sampling, max_side=settings.max_side, display_name=display_name) as stream,
        closing(read_ahead(stream)) as frames,
    ):
        watches = [Watch(table, faces.time_s, on_faces if number == 0 else None) for number, table in enumerate(people)]
        for watch in watches:
            threads.enter_context(watch)
        for frame in frames:
            times.append(frame.time_s)
            for watch in watches:
                watch.add(frame, times)
            if len(times) % _REPORT_FRAMES == 0:
                on_progress(Progress(Step.BEHAVIOUR, len(times), expected_frames(times, end_s)))
        rows = [watch.end(times) for watch in watches]
    on_progress(Progress(Step.BEHAVIOUR, len(times), len(times)))
    return _series_of(rows, np.asarray(times, np.float64), watches[0].changes, recording, settings)


def _series_of(
    rows: list[npt.NDArray[np.float16]],
    time_s: TimeArray,
    changes: FloatArray,
    recording: RecordingInfo,
    settings: Settings,
) -> tuple[list[FeatureSeries], tuple[Message, ...]]:
    """Make series of each person's rows without those of repeated pictures, and say that there were some."""
    repeats = find_repeats(changes, time_s)
    has_repeats = bool(repeats.any())
    if has_repeats:
        time_s = time_s[~repeats]
    durations = display_durations(time_s, recording.picture_end_s)
    series = []
    while rows:  # only now, when no decoder takes memory beside it, and one person's at a time
        described = rows.pop(0)
        if has_repeats:
            described = described[~repeats]
        values = settle_eyes(described.astype(np.float32), time_s)
        del described
        series.append(behaviour_series(values, time_s, durations, settings.face_rate))
    if not has_repeats:
        return series, ()
    return series, (PICTURES_REPEATED(share=float(repeats.mean()), rate=true_rate_hz(series[0])),)


class Watch:
    """One person's face, followed and described; a context manager."""

    def __init__(self, faces: FaceTable, time_s: TimeArray, on_faces: FaceHook | None) -> None:
        """Wait for the first frame.

        Args:
            faces: The person's faces in the sampled frames.
            time_s: (n,) times of all sampled frames in seconds.
            on_faces: Receives the meshes; None for nobody.
        """
        landmarker = FaceLandmarker()
        self._follower = MeshFollower(_anchors(faces, time_s), landmarker)
        self._describer = FaceDescriber(landmarker, on_faces)
        self._before: Image | None = None
        self._changes = array("f")

    def __enter__(self) -> Self:
        """Return itself."""
        self._describer.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """Wait for the faces in work, whatever becomes of them."""
        self._describer.__exit__(*error)

    def add(self, frame: Frame, times: Sequence[float]) -> None:
        """Look at the next frame.

        Args:
            frame: The frame.
            times: Seconds of all frames so far, this one's last.
        """
        self._changes.append(self._change(frame.rgb))
        self._before = frame.rgb
        self._describer.add(self._follower.add(frame.time_s, frame.rgb, frame.scale), times)

    def _change(self, image: Image) -> float:
        face = self._follower.face
        if self._before is None or face is None:
            return float("nan")
        return picture_change(self._before, image, face.mesh.points)

    @property
    def changes(self) -> FloatArray:
        """(n,) how far each frame's face differs from the frame before, as `picture_change`; NaN without a face."""
        return np.asarray(self._changes, np.float32)

    def end(self, times: Sequence[float]) -> npt.NDArray[np.float16]:
        """Return the rows of all frames.

        Args:
            times: Seconds of all frames.
        """
        self._before = None
        self._describer.add(self._follower.end(), times)
        return self._describer.take_rows()


def expected_frames(times: Sequence[float], end_s: float) -> int:
    """Compute how many frames will have passed at the end, at the pace of those that have passed.

    A recording may have fewer frames than the rate asks for.

    Args:
        times: Seconds of the frames so far, two or more, increasing.
        end_s: When the last picture ends.

    Returns:
        Their number, those so far included.
    """
    pace_s = (times[-1] - times[0]) / (len(times) - 1)
    return max(len(times), len(times) + round((end_s - times[-1]) / pace_s) - 1)


class FaceDescriber:
    """Describes the faces of frames while the mesh is followed on; a context manager."""

    def __init__(self, landmarker: FaceLandmarker, on_faces: FaceHook | None = None) -> None:
        """Wait for faces.

        Args:
            landmarker: Computes the blendshapes.
            on_faces: Receives them, too.
        """
        self._on_faces = on_faces
        self._added = 0
        self._landmarker = landmarker
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="describing")
        # Rounded as the series will be: of three hours they take 40 MB, and twice as much in 32 bits.
        self._rows = Rows(np.float16, describe_faces([], landmarker).shape[1])
        self._work: Future[FloatArray] | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the faces in work, whatever becomes of them."""
        self._thread.shutdown(cancel_futures=True)

    def add(self, faces: Sequence[FollowedFace | None], times: Sequence[float]) -> None:
        """Begin with the faces of the next frames, when those before them are done.

        Args:
            faces: Of each frame; None where nothing is known of the face.
            times: Seconds of all frames so far, of those that are not sure yet as well.
        """
        if not faces:
            return
        self._finish()
        self._work = self._thread.submit(describe_faces, faces, self._landmarker)
        if self._on_faces is not None:
            self._on_faces(times[self._added : self._added + len(faces)], faces)
        self._added += len(faces)

    def take_rows(self) -> npt.NDArray[np.float16]:
        """Return the rows of all frames that were added, as `describe_faces` gives them, and forget them."""
        self._finish()
        return self._rows.take()

    def _finish(self) -> None:
        if self._work is not None:
            self._rows.add(self._work.result())
        self._work = None


def read_ahead(stream: FrameStream) -> Generator[Frame]:
    """Yield a stream's frames, of which the next one is read while its caller looks at one.

    Args:
        stream: Decoded frames; nobody else may read it.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading") as thread:
        upcoming = thread.submit(next, stream, None)
        while (frame := upcoming.result()) is not None:
            upcoming = thread.submit(next, stream, None)
            yield frame


def warn_of_behaviour(behaviour: FeatureSeries | None, settings: Settings) -> tuple[Message, ...]:
    """Return why there is no behaviour, or what it cannot say.

    Args:
        behaviour: The series; None where it was not asked for.
        settings: What was asked for.
    """
    if behaviour is not None:
        return behaviour_warnings(behaviour)
    of_key_frames = settings.face_rate > 0 and settings.sampling.key_frames
    return ((messages.NO_BEHAVIOUR_OF_KEY_FRAMES if of_key_frames else messages.NO_BEHAVIOUR)(),)


def warn_of_partner(
    behaviour: FeatureSeries | None, partner: FeatureSeries | None, faces: SubjectFaces, settings: Settings
) -> tuple[Message, ...]:
    """Return why there is no partner, who it may be, and why there is too little of both people for their synchrony.

    Args:
        behaviour: The subject's series; None where it was not asked for.
        partner: The partner's series; None without a partner.
        faces: The faces of both in the sampled frames.
        settings: What was asked for.
    """
    if not settings.partner or behaviour is None:
        return ()
    if partner is None:
        return (messages.NO_PARTNER(seconds=LEAST_TOGETHER_S),)
    warnings = [messages.PARTNER_LIKE_SUBJECT()] if faces.is_partner_alike else []
    if not has_rate(behaviour, LEAST_RATE_HZ):
        rate_hz = true_rate_hz(behaviour)
        return (*warnings, messages.TOO_FEW_FRAMES_FOR_SYNCHRONY(rate=rate_hz, least=LEAST_RATE_HZ))
    windows = together_windows(behaviour, partner)
    if windows < LEAST_WINDOWS:
        warnings.append(messages.TOO_LITTLE_TOGETHER(windows=windows, least=LEAST_WINDOWS))
    return tuple(warnings)


def _anchors(table: FaceTable, time_s: TimeArray) -> Iterator[Anchor]:
    """Yield the sampled frames with the person's detection in each; all of three hours would take 15 MB."""
    row_of = np.full(len(time_s), -1)
    row_of[table.frame] = np.arange(len(table))
    for at_s, row in zip(time_s, row_of, strict=True):
        if row < 0:
            yield Anchor(float(at_s), None)
            continue
        x0, y0, x1, y1 = (float(value) for value in table.box[row])
        detection = Detection((x0, y0, x1, y1), float(table.detection_score[row]), table.landmarks[row])
        yield Anchor(float(at_s), detection, int(table.track[row]))
