"""The partner: the other person of a recording who is seen most beside the subject."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from fer_phq.core.analysis import FaceTable, TrackSummary, display_durations
from fer_phq.core.arrays import TimeArray

LEAST_TOGETHER_S = 10.0
"""Seconds in which both are seen, below which nobody is the partner: somebody who looks in is not."""


def partner_faces(
    tracks: Sequence[TrackSummary],
    all_faces: FaceTable,
    time_s: TimeArray,
    end_s: float | None,
    alike: Collection[int] = (),
) -> FaceTable | None:
    """Return the faces of the person who is seen longest beside the subject.

    A face like the subject's, which may be a mirror or the subject's own picture in a call, comes after all others.

    Args:
        tracks: All face tracks, the subject's among them.
        all_faces: Everybody's faces.
        time_s: (n,) times of all sampled frames in seconds.
        end_s: When the picture ends, in seconds; None where that is not known.
        alike: Ids of the tracks whose face is like the subject's.

    Returns:
        The partner's faces, without pictures; None where nobody is seen beside the subject for ten seconds.
    """
    subject_ids = [track.track for track in tracks if track.is_subject]
    persons = {track.person for track in tracks if track.is_subject}
    durations = display_durations(time_s, end_s)
    with_subject = np.zeros(len(time_s), bool)
    with_subject[all_faces.of_tracks(subject_ids).frame] = True
    ranked = []
    for person in {track.person for track in tracks} - persons:
        ids = [track.track for track in tracks if track.person == person]
        frames = np.unique(all_faces.frame[np.isin(all_faces.track, ids)])
        together_s = float(durations[frames[with_subject[frames]]].sum())
        if together_s >= LEAST_TOGETHER_S:
            ranked.append((set(alike).isdisjoint(ids), together_s, ids))
    return all_faces.of_tracks(max(ranked)[-1]) if ranked else None
