"""The subject's facial behaviour: the recording's frames once more, at a rate of their own, with the mesh followed."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Self

import numpy as np
import numpy.typing as npt

from fer_phq.behaviour.follower import Anchor, FollowedFace, MeshFollower
from fer_phq.behaviour.measures import behaviour_warnings
from fer_phq.behaviour.series import behaviour_series, describe_faces, settle_eyes
from fer_phq.core.analysis import Progress, ProgressHook, RecordingInfo, Sampling, Settings, Step, display_durations
from fer_phq.core.arrays import FloatArray
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message
from fer_phq.faces import Detection
from fer_phq.mesh import FaceLandmarker
from fer_phq.pipeline import messages
from fer_phq.pipeline.subject import SubjectFaces
from fer_phq.pipeline.timing import StageTimer
from fer_phq.video import Frame, FrameStream, sample_frames

FaceHook = Callable[[Sequence[float], Sequence[FollowedFace | None]], None]
"""Receives times in seconds and the subject's face in each of these frames, None where nothing is known of it."""

_REPORT_FRAMES = 30  # frames from one report of the progress to the next
_MORE_ROWS = 4096  # by which room for described frames grows


def extract_behaviour(
    path: str | os.PathLike[str],
    recording: RecordingInfo,
    faces: SubjectFaces,
    settings: Settings,
    timer: StageTimer,
    on_progress: ProgressHook,
    display_name: str | None = None,
    on_faces: FaceHook | None = None,
) -> FeatureSeries | None:
    """Extract the subject's facial behaviour.

    Args:
        path: The recording.
        recording: Its facts.
        faces: The subject's faces in its sampled frames.
        settings: The rate, and how far large frames are reduced.
        timer: Measures the stage "behaviour".
        on_progress: Called as frames pass; it may raise `AnalysisCancelled`.
        display_name: What errors call the recording.
        on_faces: Receives the meshes of all frames, as they become sure; it may raise.

    Returns:
        The series; None where it is not asked for.

    Raises:
        RecordingError: The recording cannot be decoded.
    """
    if not settings.follows_mesh:
        return None
    landmarker = FaceLandmarker()
    follower = MeshFollower(_anchors(faces), landmarker)
    times: list[float] = []
    expected = round(recording.duration_s * settings.face_rate)
    sampling = Sampling(fps=settings.face_rate)
    with (
        timer.measure("behaviour"),
        FaceDescriber(landmarker, on_faces) as describer,
        sample_frames(path, sampling, max_side=settings.max_side, display_name=display_name) as stream,
        closing(read_ahead(stream)) as frames,
    ):
        for frame in frames:
            times.append(frame.time_s)
            describer.add(follower.add(frame.time_s, frame.rgb, frame.scale), times)
            if len(times) % _REPORT_FRAMES == 0:
                on_progress(Progress(Step.BEHAVIOUR, len(times), max(len(times), expected)))
        describer.add(follower.end(), times)
        rows = describer.take_rows()
    on_progress(Progress(Step.BEHAVIOUR, len(times), len(times)))
    time_s = np.asarray(times, np.float64)
    values = settle_eyes(rows.astype(np.float32), time_s)  # only now, when no decoder takes memory beside it
    return behaviour_series(values, time_s, display_durations(time_s, recording.picture_end_s), settings.face_rate)


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
        self._rows = describe_faces([], landmarker).astype(np.float16)
        self._count = 0
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
        rows = self._rows[: self._count]
        self._rows, self._count = self._rows[:0].copy(), 0
        return rows

    def _finish(self) -> None:
        if self._work is not None:
            self._keep(self._work.result())
        self._work = None

    def _keep(self, rows: FloatArray) -> None:
        count = self._count + len(rows)
        if count > len(self._rows):  # grows where it lies: a list that is joined at the end takes twice its memory
            self._rows.resize((max(count, len(self._rows) + _MORE_ROWS), self._rows.shape[1]), refcheck=False)
        self._rows[self._count : count] = rows
        self._count = count


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


def _anchors(faces: SubjectFaces) -> list[Anchor]:
    """Return the sampled frames with the subject's detection in each."""
    table = faces.faces
    by_frame = {int(frame): row for row, frame in enumerate(table.frame)}
    anchors = []
    for index, time_s in enumerate(faces.time_s):
        row = by_frame.get(index)
        if row is None:
            anchors.append(Anchor(float(time_s), None))
            continue
        x0, y0, x1, y1 = (float(value) for value in table.box[row])
        detection = Detection((x0, y0, x1, y1), float(table.detection_score[row]), table.landmarks[row])
        anchors.append(Anchor(float(time_s), detection, int(table.track[row])))
    return anchors
