"""The faces of a recording: frames are sampled, faces detected, tracked and aligned, crops embedded.

Frames stream through in chunks, and the faces of one are tracked and embedded while the next is searched. A row of
numbers stays of each face, so memory is bounded by the chunk. Every face is embedded as it passes, and the subject's
tracks are chosen at the end, when all tracks are known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Self

import numpy as np
from PIL import Image as PillowImage

from fer_phq.core.analysis import Progress, ProgressHook, RecordingInfo, Settings, Step
from fer_phq.core.arrays import Image
from fer_phq.core.messages import Message
from fer_phq.faces import (
    Detection,
    FaceDetector,
    FaceFollower,
    FaceRecognizer,
    Scene,
    Tracker,
    TrackStats,
    align_crop,
    crop_quality,
    uncertain_tracks,
)
from fer_phq.models.model import FerPhqModel
from fer_phq.pipeline import messages
from fer_phq.pipeline.subject import FaceCollector, FaceObservation, SubjectFaces
from fer_phq.pipeline.timing import StageTimer
from fer_phq.timeline.grid import is_on_grid
from fer_phq.video import Frame, FrameStream

CROP_SIDE = 96
"""Side in pixels of an aligned crop: twice what the shipped backbone takes, so that a person can look at it, too."""

LONGEST_STEP_S = 10.0
"""Seconds between key frames beyond which they say too little of a recording: usual are one to five."""


def extract_faces(
    recording: RecordingInfo,
    stream: FrameStream,
    model: FerPhqModel,
    settings: Settings,
    timer: StageTimer,
    on_progress: ProgressHook,
) -> tuple[SubjectFaces, tuple[Message, ...]]:
    """Extract the subject's faces in the sampled frames, with their embeddings.

    Args:
        recording: The recording.
        stream: Its sampled frames.
        model: Embeds the crops.
        settings: Sampling, detection threshold and the subject's tracks.
        timer: Measures the stages "decode", "detect" and "embed".
        on_progress: Called after each chunk; it may raise `AnalysisCancelled`.

    Returns:
        The subject's faces, and warnings about the recording and about what limits the result.

    Raises:
        RecordingError: The recording cannot be decoded.
        SettingsError: The recording has no track of the settings' ids, or two of them are in view at the same time.
    """
    follower = FaceFollower(FaceDetector(settings.detection_threshold))
    times: list[float] = []
    tracker = Tracker(recognizer=FaceRecognizer())
    collector = FaceCollector(model.dim, with_pictures=settings.all_faces)
    # How many key frames there are is not known before they are read.
    expected = 0 if settings.sampling.key_frames else round(recording.duration_s * settings.sampling.fps)
    with FaceObserver(model, tracker, collector, timer) as observer:
        for frames, until_s in read_chunks(stream, settings.chunk_frames, timer):
            with timer.measure("detect"):
                sights = detect_faces(frames, find_whole_searches(frames, until_s, settings), follower)
            observer.add(sights)
            times += [frame.time_s for frame in frames]
            on_progress(Progress(Step.FACES, len(times), max(len(times), expected) if expected else None))
        observer.finish()
    tracks = tracker.tracks(recording.picture_end_s)
    faces = collector.of_subject(tracks, settings, recording)
    uncertainty = () if settings.tracks else warn_of_uncertain_tracks(tracks, faces)
    end_s = recording.pictures_until_s
    sparseness = warn_of_sparse_frames([*times, end_s]) if settings.sampling.key_frames else ()
    return faces, (*stream.warnings, *sparseness, *faces.warnings(settings), *uncertainty)


@dataclass(frozen=True, eq=False)
class Sight:
    """A frame and its faces.

    Attributes:
        frame: The frame.
        scene: Its coarse copy.
        faces: Its faces, in pixels of its image.
    """

    frame: Frame
    scene: Scene
    faces: Sequence[Detection]


class FaceObserver:
    """Tracks and embeds the faces of one chunk of frames while the next chunk is searched; a context manager."""

    def __init__(self, model: FerPhqModel, tracker: Tracker, collector: FaceCollector, timer: StageTimer) -> None:
        """Wait for a first chunk.

        Args:
            model: Embeds the crops.
            tracker: Has seen no frame.
            collector: Takes the faces.
            timer: Measures the stages "detect" and "embed".
        """
        self._model = model
        self._tracker = tracker
        self._collector = collector
        self._timer = timer
        self._scale: float | None = None  # of the first frame, which that of all others but larger ones is
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="observing")
        self._work: Future[None] | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the chunk in work, whatever becomes of it."""
        self._thread.shutdown(cancel_futures=True)

    def add(self, sights: Sequence[Sight]) -> None:
        """Begin with the next chunk, when the one before is done.

        Args:
            sights: Its frames, in order of time.
        """
        self.finish()
        self._work = self._thread.submit(self._observe, sights)

    def finish(self) -> None:
        """Wait for the chunk that was begun, if any."""
        if self._work is not None:
            self._work.result()
        self._work = None

    def _observe(self, sights: Sequence[Sight]) -> None:
        with self._timer.measure("detect"):
            self._scale = self._scale or sights[0].frame.scale
            observations, crops = observe_faces(sights, self._tracker, len(self._collector), self._scale)
        with self._timer.measure("embed"):
            embeddings = self._model.embed(crops)
        self._collector.add([sight.frame.time_s for sight in sights], observations, embeddings, crops)


def warn_of_sparse_frames(times: Sequence[float]) -> tuple[Message, ...]:
    """Return a warning about key frames that lie far apart: a recording may have a single one.

    Args:
        times: When they are displayed and when the last one ends, in seconds.
    """
    longest_s = max((after - before for before, after in pairwise(times)), default=0.0)
    return (messages.SPARSE_KEY_FRAMES(seconds=longest_s),) if longest_s > LONGEST_STEP_S else ()


def warn_of_uncertain_tracks(tracks: Sequence[TrackStats], faces: SubjectFaces) -> tuple[Message, ...]:
    """Return a warning about tracks that may be the subject's and were left out, since nothing is sure about them.

    Args:
        tracks: All face tracks of the recording.
        faces: The subject's faces.
    """
    uncertain = uncertain_tracks(tracks, frozenset(track.track for track in faces.tracks if track.is_subject))
    if not uncertain:
        return ()
    return (messages.UNCERTAIN_TRACKS(n=len(uncertain), tracks=tuple(map(str, uncertain))),)


def read_chunks(stream: FrameStream, size: int, timer: StageTimer) -> Iterator[tuple[list[Frame], float]]:
    """Yield a stream's frames in lists, each with the time until which its last frame is displayed.

    That time is the next frame's in seconds, and infinite behind the last one.

    Args:
        stream: Decoded frames.
        size: The most frames of a list, at least 1.
        timer: What the time spent waiting for frames is measured with, as the stage "decode".
    """
    with timer.measure("decode"):
        following = next(stream, None)
    while following is not None:
        with timer.measure("decode"):
            frames = [following, *islice(stream, size - 1)]
            following = next(stream, None)
        yield frames, math.inf if following is None else following.time_s


def find_whole_searches(frames: Sequence[Frame], until_s: float, settings: Settings) -> list[bool]:
    """Find the frames that are searched whole: those on display at a time of the grid, or all.

    What is computed on the grid, as an estimate is, so does not depend on how faces are followed between its times.

    Args:
        frames: The frames, in order of time.
        until_s: When the last of them ends, in seconds.
        settings: They say whether faces are followed.
    """
    if not settings.follows_faces:
        return [True] * len(frames)
    ends = [*(frame.time_s for frame in frames[1:]), until_s]
    return [is_on_grid(frame.time_s, end_s) for frame, end_s in zip(frames, ends, strict=True)]


def detect_faces(frames: Sequence[Frame], whole: Sequence[bool], follower: FaceFollower) -> list[Sight]:
    """Detect every face in a chunk of frames.

    Args:
        frames: The frames, in order of time.
        whole: Which of them are searched whole, whatever was seen before.
        follower: Detects the faces; it has seen the frames before these.
    """
    sights = []
    for frame, is_whole in zip(frames, whole, strict=True):
        scene = Scene.of(frame.rgb)
        sights.append(Sight(frame, scene, follower.detect(frame.rgb, scene, whole=is_whole)))
    return sights


def observe_faces(
    sights: Sequence[Sight], tracker: Tracker, first_index: int, scale: float
) -> tuple[list[FaceObservation], list[Image]]:
    """Assign every face in a chunk of frames to a track and align its crop.

    Args:
        sights: The frames and their faces, in order of time.
        tracker: Has seen the frames before these.
        first_index: Index of the first frame among all sampled frames.
        scale: `Frame.scale` of the recording's first frame, at which the tracker sees all.

    Returns:
        The faces, and their crops, uint8 RGB (96, 96, 3), in the same order.
    """
    observations = []
    crops = []
    for index, sight in enumerate(sights, first_index):
        frame, faces = sight.frame, sight.faces
        aligned = [align_crop(frame.rgb, face.landmarks, CROP_SIDE) for face in faces]
        placed, picture = _at_scale(frame, faces, scale)
        scene = sight.scene if picture is frame.rgb else Scene.of(picture)
        tracks = tracker.update(frame.time_s, placed, (picture.shape[1], picture.shape[0]), aligned, picture, scene)
        size = (frame.rgb.shape[1], frame.rgb.shape[0])
        for face, crop, track in zip(faces, aligned, tracks, strict=True):
            quality = crop_quality(crop, face, size)
            observations.append(FaceObservation(index, track, face.scaled(frame.scale), quality))
        crops += aligned
    return observations, crops


def _at_scale(frame: Frame, faces: Sequence[Detection], scale: float) -> tuple[Sequence[Detection], Image]:
    """Return a frame's faces and picture reduced to a scale, so that places compare with those of other frames."""
    if frame.scale == scale:
        return faces, frame.rgb
    factor = frame.scale / scale
    size = (max(1, round(frame.rgb.shape[1] * factor)), max(1, round(frame.rgb.shape[0] * factor)))
    picture = np.asarray(PillowImage.fromarray(frame.rgb).resize(size, PillowImage.Resampling.BOX))
    return [face.scaled(factor) for face in faces], picture
