"""What the stages saw, frame by frame, and the subject's own series in it once all face tracks are known."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from fer_phq.core.analysis import RecordingInfo, Settings, Timeline, Timing, TrackSummary
from fer_phq.core.arrays import FloatArray, TimeArray
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import SettingsError
from fer_phq.faces import Detection, TrackStats, choose_subject, same_person


@dataclass(frozen=True, eq=False)
class FaceObservation:
    """One face in one sampled frame, in displayed pixels of the recording; `frame` counts sampled frames from 0."""

    frame: int
    track: int
    detection: Detection
    quality: float


class StageTimer:
    """Wall seconds by stage."""

    def __init__(self) -> None:
        self._spent: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Add the time inside the `with` to a stage."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._spent[stage] += time.perf_counter() - began

    def timing(self) -> Timing:
        """What was measured, rounded to the millisecond."""
        return Timing(
            **{stage: round(self._spent[stage], 3) for stage in ("decode", "detect", "embed", "heads", "listen")}
        )


@dataclass(frozen=True, eq=False)
class SubjectFaces:
    """The chosen person's rows: `faces` (one a frame at most, ascending) with `embeddings` (m, dim) beside them."""

    time_s: TimeArray
    faces: tuple[FaceObservation, ...]
    embeddings: FloatArray
    tracks: tuple[TrackSummary, ...]

    def timeline(self, emotions: FloatArray) -> Timeline:
        """All n sampled frames with the subject's emotions (m, 7) where there is a face, NaN elsewhere."""
        n = len(self.time_s)
        rows = [face.frame for face in self.faces]
        line = Timeline(
            time_s=self.time_s,
            emotions=np.full((n, len(EMOTIONS)), np.nan, np.float32),
            box=np.full((n, 4), np.nan, np.float32),
            landmarks=np.full((n, 5, 2), np.nan, np.float32),
            detection_score=np.full(n, np.nan, np.float32),
            quality=np.full(n, np.nan, np.float32),
        )
        line.emotions[rows] = emotions
        for face in self.faces:
            line.box[face.frame] = face.detection.box
            line.landmarks[face.frame] = face.detection.landmarks
            line.detection_score[face.frame] = face.detection.score
            line.quality[face.frame] = face.quality
        return line

    def warnings(self, settings: Settings) -> tuple[str, ...]:
        """Sentences on what limits the result: other people in view, a face that is seldom seen."""
        out = []
        # A face seen in a single frame is mostly a half-hidden one, not another person.
        others = [track for track in self.tracks if not track.is_subject and track.frames > 1]
        if others:
            chosen = ", ".join(str(track.track) for track in self.tracks if track.is_subject)
            out.append(
                f"{len(others)} other face track(s) were left out; the subject is track {chosen} "
                "(longest, largest, most central), and another can be chosen."
            )
        coverage = len(self.faces) / len(self.time_s) if len(self.time_s) else 0.0
        if not self.faces:
            out.append("No face was found in any sampled frame: check lighting, distance and that the face is in view.")
        elif coverage < settings.coverage_floor:
            out.append(
                f"The subject's face was found in {coverage:.0%} of the sampled frames, "
                f"below the floor of {settings.coverage_floor:.0%}."
            )
        return tuple(out)


class FaceObservations:
    """Collects sightings and embeddings as frames pass; memory grows by a row of numbers a face."""

    def __init__(self, recording: RecordingInfo, dim: int) -> None:
        self._area = recording.width * recording.height
        self._dim = dim
        self._times: list[float] = []
        self._sightings: list[FaceObservation] = []
        self._embeddings: list[FloatArray] = []

    def __len__(self) -> int:
        return len(self._times)

    def add(self, times: Sequence[float], sightings: Sequence[FaceObservation], embeddings: FloatArray) -> None:
        """A chunk: the times of its frames, and each face in it with its embedding (len(sightings), dim)."""
        self._times.extend(times)
        self._sightings.extend(sightings)
        self._embeddings.append(embeddings)

    def of_subject(self, tracks: Sequence[TrackStats], wanted: int | None) -> SubjectFaces:
        """The series of the wanted track, or of the one that `choose_subject` prefers.

        Raises SettingsError when the wanted track does not exist.
        """
        chosen = subject_tracks(tracks, wanted)
        rows = [i for i, face in enumerate(self._sightings) if face.track in chosen]
        everyone = np.concatenate(self._embeddings) if self._embeddings else np.zeros((0, self._dim), np.float32)
        return SubjectFaces(
            time_s=np.asarray(self._times, np.float64),
            faces=tuple(self._sightings[i] for i in rows),
            embeddings=everyone[rows],
            tracks=tuple(summarise(track, track.track in chosen) for track in tracks),
        )


def subject_tracks(tracks: Sequence[TrackStats], wanted: int | None) -> frozenset[int]:
    """Ids of the subject's tracks; empty when there are none.

    A person who left and came back has several: those that `same_person` joins with the wanted or the chosen one.
    Raises SettingsError for a track that does not exist.
    """
    best = choose_subject(tracks) if wanted is None else wanted
    if best is None:
        return frozenset()
    known = {track.track for track in tracks}
    if best not in known:
        listed = ", ".join(str(track) for track in sorted(known)) or "none"
        raise SettingsError(f"There is no face track {best} in this recording; its tracks are: {listed}.")
    return same_person(tracks, best)


def summarise(track: TrackStats, is_subject: bool) -> TrackSummary:
    """A track as the result shows it."""
    return TrackSummary(
        track=track.track,
        frames=track.frames,
        first_s=track.first_s,
        last_s=track.last_s,
        mean_area=track.mean_area,
        is_subject=is_subject,
    )
