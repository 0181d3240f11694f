"""Persons: which tracks of a recording are of one person, and whose session it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fer_phq.faces.recognition import OTHER_PERSON, SAME_PERSON, Recognition
from fer_phq.faces.tracks import TrackStats

Distances = npt.NDArray[np.float64]

_FEWEST_FRAMES = 2  # a face seen in a single frame is mostly a half-hidden one, not another person


def link_persons(tracks: Sequence[TrackStats], bar: float = SAME_PERSON) -> tuple[tuple[int, ...], ...]:
    """Partition the tracks into persons.

    Two tracks in view together are never joined, and tracks without recognition are joined with none. Of the others
    the nearest two are joined, then the nearest two groups, as long as their distance is at most the bar
    (agglomerative clustering on the mean vectors).

    Args:
        tracks: All tracks of the recording.
        bar: Largest distance of recognitions that are surely of one person.

    Returns:
        The ids of each person's tracks, greatest `TrackStats.weight` first, the smaller id where equal. The person with
        the greatest sum of weights comes first, the smaller first id where equal.
    """
    weights = {t.track: t.weight for t in tracks}
    groups = _cluster([t for t in tracks if t.recognition is not None], bar)
    groups += [[t] for t in tracks if t.recognition is None]
    persons = [tuple(sorted((t.track for t in group), key=lambda i: (-weights[i], i))) for group in groups]
    return tuple(sorted(persons, key=lambda ids: (-sum(weights[i] for i in ids), ids[0])))


def choose_subject(tracks: Sequence[TrackStats]) -> int | None:
    """Choose the track that the session is about.

    It belongs to the first of the persons of `link_persons` (longest, largest, most central); of that person it is the
    track with the greatest weight, the earlier one where equal.

    Args:
        tracks: All tracks of the recording.

    Returns:
        The track's id, or None without tracks.
    """
    persons = link_persons(tracks)
    return persons[0][0] if persons else None


def same_person(tracks: Sequence[TrackStats], track: int) -> frozenset[int]:
    """Find the tracks of the person of a track: somebody who left and came back may have several.

    Args:
        tracks: All tracks of the recording.
        track: Id of the person's track.

    Returns:
        The ids of the person's tracks in `link_persons`, `track` included.

    Raises:
        KeyError: There is no track of that id.
    """
    return {i: frozenset(ids) for ids in link_persons(tracks) for i in ids}[track]


def uncertain_tracks(tracks: Sequence[TrackStats], person: frozenset[int]) -> tuple[int, ...]:
    """Find tracks that may be of a person and were not joined, since nothing is sure about them.

    They were never in view together with the person, and their distance lies between `SAME_PERSON` and `OTHER_PERSON`,
    or no crop was good enough to tell. Tracks of a single frame do not count.

    Args:
        tracks: All tracks of the recording.
        person: Ids of the person's tracks.

    Returns:
        Their ids, ascending.
    """
    members = [t for t in tracks if t.track in person]
    if not members:
        return ()
    rest = [t for t in tracks if t.track not in person and t.frames >= _FEWEST_FRAMES]
    free = [t for t in rest if not any(t.overlaps(member) for member in members)]
    return tuple(sorted(t.track for t in free if _may_be(t, members)))


def resembling_tracks(tracks: Sequence[TrackStats], person: frozenset[int]) -> frozenset[int]:
    """Find tracks whose face is so like a person's that it may be the person's own, in a mirror or on a screen.

    Args:
        tracks: All tracks of the recording.
        person: Ids of the person's tracks.

    Returns:
        The ids of others' tracks, of which those without recognition are none.
    """
    members = [t for t in tracks if t.track in person and t.recognition is not None]
    rest = [t for t in tracks if t.track not in person and t.recognition is not None]
    return frozenset(t.track for t in rest if members and _may_be(t, members))


def _may_be(track: TrackStats, members: Sequence[TrackStats]) -> bool:
    known = [member.recognition for member in members if member.recognition is not None]
    if track.recognition is None or not known:
        return True
    mean = known[0]
    for recognition in known[1:]:
        mean = mean.merged(recognition)
    return track.recognition.distance(mean) < OTHER_PERSON


def _cluster(tracks: Sequence[TrackStats], bar: float) -> list[list[TrackStats]]:
    """Join the nearest two groups until no two are near enough."""
    groups = [[t] for t in tracks]
    recognitions = [t.recognition for t in tracks if t.recognition is not None]
    distances = _distances(recognitions)
    distances[_in_view_together(tracks)] = np.inf
    while len(tracks) > 1 and distances.min() <= bar:
        pair = np.unravel_index(distances.argmin(), distances.shape)
        first, second = sorted(int(i) for i in pair)
        groups[first] += groups[second]
        groups[second] = []
        recognitions[first] = recognitions[first].merged(recognitions[second])
        row = np.array([recognitions[first].distance(other) for other in recognitions])
        row[np.isinf(distances[first]) | np.isinf(distances[second])] = np.inf
        distances[first] = distances[:, first] = row
        distances[second] = distances[:, second] = np.inf
    return [group for group in groups if group]


def _distances(recognitions: Sequence[Recognition]) -> Distances:
    """Compute `Recognition.distance` of every pair (n, n)."""
    rows = [[one.distance(other) for other in recognitions] for one in recognitions]
    return np.array(rows, np.float64).reshape(len(rows), len(rows))


def _in_view_together(tracks: Sequence[TrackStats]) -> npt.NDArray[np.bool_]:
    """Compute which tracks (n, n) cannot be one person; each with itself, too."""
    rows = [[one is other or one.overlaps(other) for other in tracks] for one in tracks]
    return np.array(rows, bool).reshape(len(rows), len(rows))
