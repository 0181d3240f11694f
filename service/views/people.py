"""Who is in view of an analysed recording, with small pictures: what a person chooses the subject's faces from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from db.records import AnalysisSummary
from db.store import Store
from fer_phq.core.analysis import TrackSummary
from fer_phq.core.messages import Message
from fer_phq.pipeline import messages

DOUBTS = (messages.OTHER_TRACKS.code, messages.UNCERTAIN_TRACKS.code)
"""Codes of the warnings that ask for a person's choice."""


@dataclass(frozen=True)
class FaceTrack:
    """A stretch of the recording in which one face was followed without a break.

    Attributes:
        track: Id of the face track.
        seen_s: Seconds for which the face was in view.
        first_s: When it was first seen, in seconds.
        last_s: When it was last seen.
        is_subject: Whether the analysis takes it for the subject.
        picture: Its best face crop as JPEG; None without one, as once the recording is removed.
    """

    track: int
    seen_s: float
    first_s: float
    last_s: float
    is_subject: bool
    picture: bytes | None


@dataclass(frozen=True)
class Person:
    """The face tracks that the program takes for one person.

    Attributes:
        number: From 1, the one who is seen most; a number is missing where a face was seen in a single frame.
        tracks: The person's tracks in the order of time.
    """

    number: int
    tracks: tuple[FaceTrack, ...]

    @property
    def track_ids(self) -> frozenset[int]:
        """Ids of the tracks."""
        return frozenset(track.track for track in self.tracks)

    @property
    def seen_s(self) -> float:
        """Seconds for which the person was in view."""
        return sum(track.seen_s for track in self.tracks)

    @property
    def first_s(self) -> float:
        """When the person was first seen, in seconds."""
        return min(track.first_s for track in self.tracks)

    @property
    def last_s(self) -> float:
        """When the person was last seen, in seconds."""
        return max(track.last_s for track in self.tracks)

    @property
    def is_subject(self) -> bool:
        """Whether the analysis takes any of the tracks for the subject."""
        return any(track.is_subject for track in self.tracks)


def load_persons(store: Store, analysis_id: str) -> tuple[Person, ...]:
    """Load who is in view, the one who is seen most first.

    A face that was seen in a single frame is mostly a half-hidden one, not a person: it is left out, unless it is the
    subject's.

    Args:
        store: The store.
        analysis_id: Id of the analysis.

    Returns:
        The persons; none where the analysis has only the subject's faces.

    Raises:
        NotFoundError: There is no such analysis.
    """
    tracks = store.faces.list_tracks(analysis_id=analysis_id)
    return group_persons(tracks, store.faces.list_pictures(analysis_id=analysis_id)) if tracks else ()


def group_persons(tracks: Sequence[TrackSummary], pictures: Mapping[int, bytes]) -> tuple[Person, ...]:
    """Group face tracks into persons.

    Args:
        tracks: The tracks, each with the number of its person.
        pictures: JPEG of tracks, by their ids.
    """
    groups: dict[int, list[TrackSummary]] = {}
    for track in sorted(tracks, key=lambda track: (track.first_s, track.track)):
        if track.person is not None:
            groups.setdefault(track.person, []).append(track)
    return tuple(
        Person(
            number + 1,
            tuple(
                FaceTrack(
                    track=track.track,
                    seen_s=track.seen_s or 0.0,
                    first_s=track.first_s,
                    last_s=track.last_s,
                    is_subject=track.is_subject,
                    picture=pictures.get(track.track),
                )
                for track in group
            ),
        )
        for number, group in sorted(groups.items())
        if any(track.is_subject or track.frames > 1 for track in group)
    )


def needs_choice(summary: AnalysisSummary) -> bool:
    """Tell whether an analysis warns that somebody else was in view, or that it is not sure who is the subject."""
    return any(warning.code in DOUBTS for warning in summary.warnings)


def other_warnings(summary: AnalysisSummary) -> tuple[Message, ...]:
    """Return an analysis's warnings without that of a choice by hand, which is said with its date instead."""
    by_hand = messages.FACES_BY_HAND.code
    return tuple(warning for warning in summary.warnings if summary.faces_choice_at is None or warning.code != by_hand)
