"""Whose sound of a stored session is analysed: what may be chosen, and the job that follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import sounds
from synthetic_sessions import Plan, synthetic_analysis

from db.store import Store
from fer_phq.core.analysis import AUTOMATIC, Sampling, Settings, SoundChoice, SoundTrackInfo
from fer_phq.video import messages, probe
from service.ingest.recordings import add_recording
from service.jobs.sound import (
    choice_of,
    enqueue_with_sound,
    find_analysis,
    list_choices,
    read_sound_tracks,
    says_choice,
)
from service.settings import AppSettings

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def test_choices_are_tracks_and_their_channels() -> None:
    assert list_choices([]) == list_choices([SoundTrackInfo(1, 1)]) == [AUTOMATIC]
    assert list_choices([SoundTrackInfo(1, 2)]) == [AUTOMATIC, SoundChoice(None, 1), SoundChoice(None, 2)]
    assert list_choices([SoundTrackInfo(1, 1), SoundTrackInfo(2, 2)]) == [
        AUTOMATIC,
        SoundChoice(1),
        SoundChoice(2),
        SoundChoice(2, 1),
        SoundChoice(2, 2),
    ]


def test_another_sound_is_another_analysis_of_the_same_faces(
    settings: AppSettings, store: Store, tmp_path: Path
) -> None:
    path = sounds.write_tracks(tmp_path / "s.mkv", [sounds.noise(1), sounds.noise(1, seed=1)], pictures=True)
    subject = store.subjects.create(label="P-1")
    added = add_recording(
        settings, store, path, subject_id=subject.id, recorded_at=NOW, consent_by="AB", consent_text="1", enqueue=False
    )
    session = store.sessions.get(session_id=added.session_id)
    assert [track.number for track in read_sound_tracks(settings, session)] == [1, 2]
    sampling = Sampling(4.0)
    analysis = synthetic_analysis(1, Plan(seconds=1.0), probe(path))
    analysis = replace(analysis, sampling=sampling, warnings=(messages.TRACKS_ADDED(count=2, tracks=("1", "2")),))
    analysis_id = store.analyses.save(session_id=session.id, analysis=analysis, settings=Settings(sampling, track=0))
    summary = store.analyses.get(analysis_id=analysis_id)
    assert says_choice(summary)
    assert choice_of(summary) == AUTOMATIC
    assert find_analysis(store, summary, SoundChoice(2)) is None
    job = enqueue_with_sound(settings, store, summary, SoundChoice(2))
    own = settings.analysis_settings(store.jobs.get(job_id=job.id).settings)
    assert (own.sampling, own.track, own.tracks, own.sound) == (sampling, 0, (), SoundChoice(2))
    store.sessions.set_media_path(session_id=session.id, media_path=None)
    assert read_sound_tracks(settings, store.sessions.get(session_id=session.id)) == ()
