"""Faces observed frame by frame, and the subject among them once all face tracks are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fer_phq.core.analysis import RecordingInfo, Settings, Timeline, TrackSummary
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import SettingsError
from fer_phq.core.messages import Message
from fer_phq.faces import Detection, TrackStats, choose_subject, same_person
from fer_phq.pipeline import messages


@dataclass(frozen=True, eq=False)
class FaceObservation:
    """One face in one sampled frame.

    Attributes:
        frame: Index of the sampled frame, from 0.
        track: Id of its face track.
        detection: Box, score and landmarks, in displayed pixels of the recording.
        quality: Quality of its aligned crop, 0 to 1.
    """

    frame: int
    track: int
    detection: Detection
    quality: float


@dataclass(frozen=True, eq=False)
class SubjectFaces:
    """The subject's faces in a recording.

    Attributes:
        time_s: (n,) times of all sampled frames in seconds.
        end_s: When the picture ends, in seconds.
        recording_s: The recording's duration in seconds, the longer of picture and sound.
        faces: The subject's faces, at most one a frame, ascending; m of them.
        embeddings: (m, dim) float32, one row for each of `faces`.
        tracks: Summaries of all face tracks, the subject's and others.
    """

    time_s: TimeArray
    end_s: float
    recording_s: float
    faces: tuple[FaceObservation, ...]
    embeddings: FloatArray
    tracks: tuple[TrackSummary, ...]

    def timeline(self, emotions: FloatArray) -> Timeline:
        """Build the timeline of all sampled frames, NaN where there is no face of the subject.

        Args:
            emotions: (m, 7) float32 probabilities, one row for each of `faces`.
        """
        n = len(self.time_s)
        rows = [face.frame for face in self.faces]
        timeline = Timeline(
            time_s=self.time_s,
            emotions=np.full((n, len(EMOTIONS)), np.nan, np.float32),
            box=np.full((n, 4), np.nan, np.float32),
            landmarks=np.full((n, 5, 2), np.nan, np.float32),
            detection_score=np.full(n, np.nan, np.float32),
            quality=np.full(n, np.nan, np.float32),
            end_s=self.end_s,
        )
        timeline.emotions[rows] = emotions
        for face in self.faces:
            timeline.box[face.frame] = face.detection.box
            timeline.landmarks[face.frame] = face.detection.landmarks
            timeline.detection_score[face.frame] = face.detection.score
            timeline.quality[face.frame] = face.quality
        return timeline

    def warnings(self, settings: Settings) -> tuple[Message, ...]:
        """Return what limits the result: other people in view, or a face that is seldom seen."""
        warnings = []
        # A face seen in a single frame is mostly a half-hidden one, not another person.
        other_tracks = [track for track in self.tracks if not track.is_subject and track.frames > 1]
        if other_tracks:
            subject_ids = tuple(str(track.track) for track in self.tracks if track.is_subject)
            warnings.append(messages.OTHER_TRACKS(n=len(other_tracks), tracks=subject_ids))
        timeline = self.timeline(np.zeros((len(self.faces), len(EMOTIONS)), np.float32))
        coverage = timeline.coverage(self.recording_s)
        if not self.faces:
            warnings.append(messages.NO_FACE())
        elif coverage < settings.coverage_floor:
            warnings.append(messages.LOW_COVERAGE(coverage=coverage, floor=settings.coverage_floor))
        return tuple(warnings)


class FaceCollector:
    """Collects observations and embeddings of all faces as frames pass; memory grows by a row of numbers a face."""

    def __init__(self, dim: int) -> None:
        """Start without frames; embeddings have `dim` numbers."""
        self._dim = dim
        self._times: list[float] = []
        self._observations: list[FaceObservation] = []
        self._embeddings: list[FloatArray] = []

    def __len__(self) -> int:
        """Number of sampled frames so far."""
        return len(self._times)

    def add(self, times: Sequence[float], observations: Sequence[FaceObservation], embeddings: FloatArray) -> None:
        """Add a chunk of frames.

        Args:
            times: Times of its frames in seconds.
            observations: The faces in its frames.
            embeddings: (faces, dim) float32, one row for each of the faces.
        """
        self._times.extend(times)
        self._observations.extend(observations)
        self._embeddings.append(embeddings)

    def of_subject(self, tracks: Sequence[TrackStats], track: int | None, recording: RecordingInfo) -> SubjectFaces:
        """Return the faces of the subject.

        Args:
            tracks: All face tracks of the recording.
            track: Id of a track of the subject; None leaves the choice to `choose_subject`.
            recording: The recording.

        Raises:
            SettingsError: There is no such track.
        """
        subject_ids = subject_tracks(tracks, track)
        rows = [i for i, face in enumerate(self._observations) if face.track in subject_ids]
        embeddings = np.concatenate(self._embeddings) if self._embeddings else np.zeros((0, self._dim), np.float32)
        return SubjectFaces(
            time_s=np.asarray(self._times, np.float64),
            end_s=recording.duration_s if recording.picture_end_s is None else recording.picture_end_s,
            recording_s=recording.duration_s,
            faces=tuple(self._observations[i] for i in rows),
            embeddings=embeddings[rows],
            tracks=tuple(summarize(stats, stats.track in subject_ids) for stats in tracks),
        )


def subject_tracks(tracks: Sequence[TrackStats], track: int | None) -> frozenset[int]:
    """Return the ids of the subject's tracks; none when there are no tracks.

    A person who left and came back has several: those that `same_person` joins with the first.

    Args:
        tracks: All face tracks of the recording.
        track: Id of a track of the subject; None leaves the choice to `choose_subject`.

    Raises:
        SettingsError: There is no such track.
    """
    if track is None:
        track = choose_subject(tracks)
    if track is None:
        return frozenset()
    ids = sorted({stats.track for stats in tracks})
    if not ids:
        raise SettingsError(messages.NO_TRACKS(track=track))
    if track not in ids:
        raise SettingsError(messages.UNKNOWN_TRACK(track=track, tracks=tuple(map(str, ids))))
    return same_person(tracks, track)


def summarize(stats: TrackStats, is_subject: bool) -> TrackSummary:
    """Return a track as the result of an analysis has it.

    Args:
        stats: The track.
        is_subject: The track is the subject's.
    """
    return TrackSummary(
        track=stats.track,
        frames=stats.frames,
        first_s=stats.first_s,
        last_s=stats.last_s,
        mean_area=stats.mean_area,
        is_subject=is_subject,
    )
