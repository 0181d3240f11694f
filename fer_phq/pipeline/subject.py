"""Faces observed frame by frame, and the subject among them once all face tracks are known."""

from __future__ import annotations

import io
from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image as PillowImage

from fer_phq.core.analysis import (
    UPRIGHT_DEG,
    UPSIDE_DOWN_DEG,
    FaceTable,
    RecordingInfo,
    SessionAnalysis,
    Settings,
    Timeline,
    TrackSummary,
    display_durations,
    roll_of_landmarks,
)
from fer_phq.core.arrays import FloatArray, Image, Rows, TimeArray
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import SettingsError
from fer_phq.core.messages import Message
from fer_phq.faces import Detection, TrackStats, link_persons
from fer_phq.faces.persons import resembling_tracks
from fer_phq.pipeline import messages
from fer_phq.pipeline.partner import partner_faces

PICTURED_PERSONS = 60
"""Of how many persons, those who are seen most, pictures are part of an analysis."""
MAX_PICTURES = 240
"""The most pictures of an analysis: a person of many tracks has pictures of those that are seen longest."""
PICTURE_QUALITY = 80
"""JPEG quality of a track's picture: about three kilobytes at the side of a crop."""
TURNED_SHARE = 0.1
"""Share of the face's time from which it is said that it is not upright."""
FACE_WARNINGS = (
    messages.OTHER_TRACKS,
    messages.FACES_BY_HAND,
    messages.UNCERTAIN_TRACKS,
    messages.NO_FACE,
    messages.LOW_COVERAGE,
    messages.FACE_ON_ITS_SIDE,
    messages.FACE_UPSIDE_DOWN,
)
"""What is said of the choice of the subject's faces, and of the faces themselves."""


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
        end_s: When the picture ends, in seconds; None where that is not known.
        recording_s: The recording's duration in seconds, the longer of picture and sound.
        faces: The subject's faces, at most one a frame; m of them.
        tracks: Summaries of all face tracks, the subject's and others.
        all_faces: Everybody's faces; None where they are not asked for.
        partner: The partner's faces; None where they are not asked for, or nobody is the partner.
        is_partner_alike: Whether the partner's face is so like the subject's that it may be the subject's own.
    """

    time_s: TimeArray
    end_s: float | None
    recording_s: float
    faces: FaceTable
    tracks: tuple[TrackSummary, ...]
    all_faces: FaceTable | None = None
    partner: FaceTable | None = None
    is_partner_alike: bool = False

    @property
    def embeddings(self) -> FloatArray:
        """(m, dim) float32, one row for each of `faces`."""
        return self.faces.embeddings

    def timeline(self, emotions: FloatArray) -> Timeline:
        """Build the timeline of all sampled frames, NaN where there is no face of the subject.

        Args:
            emotions: (m, 7) float32 probabilities, one row for each of `faces`.
        """
        n = len(self.time_s)
        timeline = Timeline(
            time_s=self.time_s,
            emotions=np.full((n, len(EMOTIONS)), np.nan, np.float32),
            box=np.full((n, 4), np.nan, np.float32),
            landmarks=np.full((n, 5, 2), np.nan, np.float32),
            detection_score=np.full(n, np.nan, np.float32),
            quality=np.full(n, np.nan, np.float32),
            end_s=self.end_s,
        )
        rows = self.faces.frame
        timeline.emotions[rows] = emotions
        timeline.box[rows] = self.faces.box
        timeline.landmarks[rows] = self.faces.landmarks
        timeline.detection_score[rows] = self.faces.detection_score
        timeline.quality[rows] = self.faces.quality
        return timeline

    def warnings(self, settings: Settings) -> tuple[Message, ...]:
        """Return what limits the result: other people in view, or a face that is seldom seen or not upright."""
        warnings = []
        subject_ids = tuple(str(track.track) for track in self.tracks if track.is_subject)
        # A face seen in a single frame is mostly a half-hidden one, not another person.
        other_tracks = [track for track in self.tracks if not track.is_subject and track.frames > 1]
        if settings.tracks:
            warnings.append(messages.FACES_BY_HAND(n=len(subject_ids), tracks=subject_ids))
        elif other_tracks:
            warnings.append(messages.OTHER_TRACKS(n=len(other_tracks), tracks=subject_ids))
        timeline = self.timeline(np.zeros((len(self.faces), len(EMOTIONS)), np.float32))
        coverage = timeline.coverage(self.recording_s)
        if not len(self.faces):
            warnings.append(messages.NO_FACE())
        elif coverage < settings.coverage_floor:
            warnings.append(messages.LOW_COVERAGE(coverage=coverage, floor=settings.coverage_floor))
        return (*warnings, *_warn_of_turned_face(timeline))


def _warn_of_turned_face(timeline: Timeline) -> list[Message]:
    """Return that the face is not upright in a part of its time, as in a recording without its mark of rotation."""
    warnings = []
    lying = timeline.turned_share(UPRIGHT_DEG, UPSIDE_DOWN_DEG)
    if lying >= TURNED_SHARE:
        roll = roll_of_landmarks(timeline.landmarks)
        to_the_left = timeline.duration_s[(roll > UPRIGHT_DEG) & (roll <= UPSIDE_DOWN_DEG)].sum()
        to_the_right = timeline.duration_s[(roll < -UPRIGHT_DEG) & (roll >= -UPSIDE_DOWN_DEG)].sum()
        warnings.append(messages.FACE_ON_ITS_SIDE(share=lying, degrees=90 if to_the_left >= to_the_right else 270))
    upside_down = timeline.turned_share(UPSIDE_DOWN_DEG)
    if upside_down >= TURNED_SHARE:
        warnings.append(messages.FACE_UPSIDE_DOWN(share=upside_down))
    return warnings


class FaceCollector:
    """Collects observations and embeddings of all faces as frames pass.

    Memory grows by a row of numbers a face, and by a small picture a track where pictures are asked for.
    """

    def __init__(self, dim: int, *, with_pictures: bool = False) -> None:
        """Start without frames.

        Args:
            dim: How many numbers an embedding has.
            with_pictures: Whether the best crop of each track is part of the collection.
        """
        self._with_pictures = with_pictures
        self._times = array("d")
        self._frame = Rows(np.int32)
        self._track = Rows(np.int32)
        self._box = Rows(np.float32, 4)
        self._landmarks = Rows(np.float32, 5, 2)
        self._detection_score = Rows(np.float32)
        self._quality = Rows(np.float32)
        self._embeddings = Rows(np.float32, dim)
        self._pictures: dict[int, tuple[float, bytes]] = {}

    def __len__(self) -> int:
        """Number of sampled frames so far."""
        return len(self._times)

    def add(
        self,
        times: Sequence[float],
        observations: Sequence[FaceObservation],
        embeddings: FloatArray,
        crops: Sequence[Image] = (),
    ) -> None:
        """Add a chunk of frames.

        Args:
            times: Times of its frames in seconds.
            observations: The faces in its frames.
            embeddings: (faces, dim) float32, one row for each of the faces.
            crops: The faces' aligned crops, uint8 RGB, in the same order; they may be left out without pictures.
        """
        self._times.extend(times)
        self._frame.add([face.frame for face in observations])
        self._track.add([face.track for face in observations])
        self._box.add([face.detection.box for face in observations])
        self._landmarks.add([face.detection.landmarks for face in observations])
        self._detection_score.add([face.detection.score for face in observations])
        self._quality.add([face.quality for face in observations])
        self._embeddings.add(embeddings)
        if self._with_pictures:
            for face, crop in zip(observations, crops, strict=True):
                best = self._pictures.get(face.track)
                if best is None or face.quality > best[0]:
                    self._pictures[face.track] = face.quality, encode_picture(crop)

    def of_subject(self, tracks: Sequence[TrackStats], settings: Settings, recording: RecordingInfo) -> SubjectFaces:
        """Return the faces of the subject, and forget all faces.

        Args:
            tracks: All face tracks of the recording.
            settings: Which track, or which tracks, are the subject's, and whether everybody's faces are asked for.
            recording: The recording.

        Raises:
            SettingsError: There is no such track, or two of them are in view at the same time.
        """
        persons = link_persons(tracks)
        end_s = recording.pictures_until_s
        time_s = np.asarray(self._times, np.float64)
        all_faces = self._take_table()
        seen_s = np.bincount(all_faces.track, display_durations(time_s, end_s)[all_faces.frame])
        person_of = {track: number for number, person in enumerate(persons) for track in person}
        summaries = [
            TrackSummary(
                track=stats.track,
                frames=stats.frames,
                first_s=stats.first_s,
                last_s=stats.last_s,
                mean_area=stats.mean_area,
                is_subject=False,
                person=person_of[stats.track],
                seen_s=float(seen_s[stats.track]),
            )
            for stats in tracks
        ]
        if self._with_pictures:
            pictures = {track: self._pictures[track][1] for track in pictured_tracks(persons)}
            all_faces = replace(all_faces, pictures=pictures)
        faces = select_subject(summaries, all_faces, subject_tracks(persons, settings), time_s, end_s, recording)
        alike: frozenset[int] = frozenset()
        partner = None
        if settings.partner:
            alike = resembling_tracks(tracks, frozenset(track.track for track in faces.tracks if track.is_subject))
            partner = partner_faces(faces.tracks, all_faces, time_s, end_s, alike)
        return replace(
            faces,
            partner=partner,
            is_partner_alike=partner is not None and not alike.isdisjoint(partner.track.tolist()),
            all_faces=all_faces if settings.all_faces else None,
        )

    def _take_table(self) -> FaceTable:
        """Return all faces as a table, without pictures, and forget them."""
        return FaceTable(
            frame=self._frame.take(),
            track=self._track.take(),
            box=self._box.take(),
            landmarks=self._landmarks.take(),
            detection_score=self._detection_score.take(),
            quality=self._quality.take(),
            embeddings=self._embeddings.take(),
        )


def select_subject(
    tracks: Sequence[TrackSummary],
    all_faces: FaceTable,
    subject_ids: Collection[int],
    time_s: TimeArray,
    end_s: float | None,
    recording: RecordingInfo,
) -> SubjectFaces:
    """Select the subject's faces among everybody's.

    Args:
        tracks: All face tracks of the recording, whoever the subject was before.
        all_faces: Everybody's faces.
        subject_ids: Ids of the subject's tracks.
        time_s: (n,) times of all sampled frames in seconds.
        end_s: When the picture ends, in seconds; None where that is not known.
        recording: The recording.

    Raises:
        SettingsError: There is no such track, or two of them are in view at the same time.
    """
    existing = sorted(track.track for track in tracks)
    for track in sorted(set(subject_ids) - set(existing)):
        if not existing:
            raise SettingsError(messages.NO_TRACKS(track=track))
        raise SettingsError(messages.UNKNOWN_TRACK(track=track, tracks=tuple(map(str, existing))))
    faces = all_faces.of_tracks(subject_ids)
    overlap = faces.overlap()
    if overlap is not None:
        frame, earlier, later = overlap
        raise SettingsError(messages.TRACKS_TOGETHER(first=earlier, second=later, seconds=float(time_s[frame])))
    return SubjectFaces(
        time_s=time_s,
        end_s=end_s,
        recording_s=recording.duration_s,
        faces=faces,
        tracks=tuple(replace(track, is_subject=track.track in subject_ids) for track in tracks),
        all_faces=all_faces,
    )


def reselect_subject(analysis: SessionAnalysis, subject_ids: Collection[int]) -> SubjectFaces:
    """Select other faces of an analysis as the subject's; no recording is needed.

    Args:
        analysis: The analysis.
        subject_ids: Ids of exactly the subject's tracks.

    Raises:
        SettingsError: The analysis has only one person's faces, there is no such track, or two of them are in view at
            the same time.
    """
    if analysis.faces is None:
        raise SettingsError(messages.FACES_MISSING())
    timeline = analysis.timeline
    return select_subject(
        analysis.tracks, analysis.faces, subject_ids, timeline.time_s, timeline.end_s, analysis.recording
    )


def subject_tracks(persons: Sequence[Sequence[int]], settings: Settings) -> frozenset[int]:
    """Return the ids of the subject's tracks; none when there are no tracks and none are asked for.

    Args:
        persons: Ids of each person's tracks, from `link_persons`.
        settings: Exactly these tracks, or the person of a track, or else the person who is seen most.
    """
    if settings.tracks:
        return frozenset(settings.tracks)
    if settings.track is not None:
        return frozenset(next((person for person in persons if settings.track in person), (settings.track,)))
    return frozenset(persons[0]) if persons else frozenset()


def pictured_tracks(persons: Sequence[Sequence[int]]) -> list[int]:
    """Return the ids of the tracks that have pictures: of each person the foremost, then the persons' others.

    Args:
        persons: Ids of each person's tracks, from `link_persons`: the foremost person and track first.
    """
    pictured = persons[:PICTURED_PERSONS]
    foremost = [person[0] for person in pictured]
    others = [track for person in pictured for track in person[1:]]
    return (foremost + others)[:MAX_PICTURES]


def encode_picture(crop: Image) -> bytes:
    """Encode a face crop as JPEG.

    Args:
        crop: uint8 RGB (s, s, 3).
    """
    file = io.BytesIO()
    PillowImage.fromarray(crop).save(file, "JPEG", quality=PICTURE_QUALITY)
    return file.getvalue()
