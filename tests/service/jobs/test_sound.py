"""Whose sound of a stored session is analysed: what may be chosen, and the job that follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sounds
from synthetic_sessions import Plan, synthetic_analysis

from db.queries.analyses import analyses
from db.records import AnalysisSummary
from db.store import Store
from fer_phq.core.analysis import AUTOMATIC, Sampling, SessionAnalysis, Settings, SoundChoice, SoundTrackInfo
from fer_phq.video import messages, probe
from service.ingest.recordings import add_recording
from service.jobs.sound import (
    choice_of,
    enqueue_again,
    enqueue_with_sound,
    find_analysis,
    keeps_faces,
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
    assert not own.speech, "as in the analysis"
    store.sessions.set_media_path(session_id=session.id, media_path=None)
    assert read_sound_tracks(settings, store.sessions.get(session_id=session.id)) == ()


def test_analysing_again_keeps_the_faces_and_the_sound_that_a_person_chose(
    settings: AppSettings, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sounds.write_tracks(tmp_path / "s.mkv", [sounds.noise(1), sounds.noise(1, seed=1)], pictures=True)
    subject = store.subjects.create(label="P-1")
    added = add_recording(
        settings, store, path, subject_id=subject.id, recorded_at=NOW, consent_by="AB", consent_text="1", enqueue=False
    )
    sampling = Sampling(4.0)
    analysis = replace(synthetic_analysis(1, Plan(seconds=1.0), probe(path)), sampling=sampling)
    by_hand = Settings(sampling, tracks=(0,), all_faces=True, sound=SoundChoice(2))
    by_program = Settings(all_faces=True)
    plain = replace(analysis, sampling=by_program.sampling)

    def summary_of(saved: SessionAnalysis, own: Settings) -> AnalysisSummary:
        return store.analyses.get(
            analysis_id=store.analyses.save(session_id=added.session_id, analysis=saved, settings=own)
        )

    def again(summary: AnalysisSummary) -> Settings:
        job = enqueue_again(settings, store, summary)
        store.jobs.request_cancel(job_id=job.id)
        return settings.analysis_settings(store.jobs.get(job_id=job.id).settings)

    chosen = summary_of(analysis, by_hand)
    assert (again(chosen).sampling, again(chosen).tracks, again(chosen).sound) == (sampling, (0,), SoundChoice(2))
    assert not again(chosen).search_each_frame
    earlier = summary_of(analysis, replace(by_hand, search_each_frame=True))
    assert again(earlier).search_each_frame, "the tracks that were chosen are those of that search"
    unchosen = again(summary_of(plain, by_program))
    assert (unchosen.sampling, unchosen.tracks, unchosen.sound) == (by_program.sampling, (), AUTOMATIC)
    monkeypatch.setattr(analyses, "METHOD", analyses.METHOD + 1)  # another method may number faces otherwise
    assert not keeps_faces(store, chosen)
    assert (again(chosen).tracks, again(chosen).sound) == ((), SoundChoice(2))
