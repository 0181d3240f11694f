"""Who is in view, as persons with their tracks and pictures."""

from __future__ import annotations

from analysis_samples import new_session, sample_analysis, with_all_faces

from db.records import SubjectRecord
from db.store import Store
from fer_phq.core.analysis import Settings, TrackSummary
from service.views.people import group_persons, load_persons


def track(number: int, person: int | None, frames: int, first_s: float, *, is_subject: bool = False) -> TrackSummary:
    return TrackSummary(number, frames, first_s, first_s + frames / 2, 0.1, is_subject, person, frames / 2)


def test_tracks_are_grouped_into_persons_in_the_order_of_time() -> None:
    tracks = [
        track(0, 1, 4, 0.0),
        track(1, 0, 6, 9.0, is_subject=True),
        track(2, 0, 20, 2.0, is_subject=True),
        track(3, 2, 1, 5.0),
        track(4, 3, 2, 6.0),
    ]
    persons = group_persons(tracks, {2: b"jpeg"})
    assert [person.number for person in persons] == [1, 2, 4], "a face of a single frame is no person"
    first, second, third = persons
    assert [track.track for track in first.tracks] == [2, 1]
    assert (first.seen_s, first.first_s, first.last_s, first.is_subject) == (13.0, 2.0, 12.0, True)
    assert [track.picture for track in first.tracks] == [b"jpeg", None]
    assert (second.track_ids, second.is_subject) == ({0}, False)
    assert third.track_ids == {4}


def test_the_subject_is_there_even_if_seen_in_a_single_frame() -> None:
    (person,) = group_persons([track(0, 0, 1, 0.0, is_subject=True)], {})
    assert person.is_subject


def test_an_analysis_of_the_subject_alone_has_no_persons(store: Store, subject: SubjectRecord) -> None:
    session = new_session(store, subject.id)
    analysis_id = store.analyses.save(session_id=session.id, analysis=sample_analysis())
    assert load_persons(store, analysis_id) == ()
    everybody = with_all_faces(sample_analysis())
    settings = Settings(all_faces=True)
    analysis_id = store.analyses.save(session_id=session.id, analysis=everybody, settings=settings)
    assert [person.tracks[0].picture for person in load_persons(store, analysis_id)] == [
        b"picture of the subject",
        b"picture of somebody else",
    ]
