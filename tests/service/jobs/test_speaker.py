"""A person's choice of the subject's speaker: the job that follows, what refuses it, and that it is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from two_voices import SPANS, talk_analysis, write_talk

from db.records import AnalysisSummary, JobState, SubjectRecord
from db.store import Store
from fer_phq.core.analysis import Settings, SoundChoice, SpeakerChoice
from fer_phq.core.errors import FerPhqError, SettingsError, StoreError
from fer_phq.speakers.files.series import BY_VOICES, subject_of, turn_series
from fer_phq.speakers.turn import Turn
from service.ingest.recordings import add_recording
from service.jobs.runner import JobRunner
from service.jobs.sound import enqueue_again, enqueue_with_sound
from service.jobs.speaker import choose_speaker
from service.jobs.worker import PipelineAnalyser
from service.lifecycle.consent import withdraw_consent
from service.lifecycle.erasure import remove_recording
from service.models.active_model import active_bundle
from service.settings import AppSettings

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
OF_SECOND = ((5.2, 8.2), (11.9, 16.9))
WORDS = b"WEBVTT\n\n00:00.600 --> 00:04.600\n<v Client>I slept badly.\n\n00:05.200 --> 00:08.200\n<v Therapist>Since?\n"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_talk(tmp_path_factory.mktemp("talk") / "talk.mkv")


@pytest.fixture
def session_id(settings: AppSettings, store: Store, subject: SubjectRecord, path: Path) -> str:
    return add_recording(
        settings,
        store,
        path,
        subject_id=subject.id,
        recorded_at=NOW,
        consent_by="AB",
        consent_text="1",
        enqueue=False,
    ).session_id


@pytest.fixture
def summary(settings: AppSettings, store: Store, session_id: str, path: Path) -> AnalysisSummary:
    """An analysis by the active model that does not know which of two voices is the subject's."""
    analysis = replace(talk_analysis(path), model_id=active_bundle(settings, store).model_id)
    own = Settings(all_faces=True, speech=True, face_rate=0)
    return store.analyses.get(analysis_id=store.analyses.save(session_id=session_id, analysis=analysis, settings=own))


def own_of(settings: AppSettings, store: Store, job_id: str | None) -> Settings:
    assert job_id is not None
    return settings.analysis_settings(store.jobs.get(job_id=job_id).settings)


def refusal(settings: AppSettings, store: Store, summary: AnalysisSummary, speaker: int = 2) -> FerPhqError:
    """Why a choice is refused; no job came of it."""
    before = store.jobs.latest(session_id=summary.session_id)
    with pytest.raises(FerPhqError) as raised:
        choose_speaker(settings, store, summary, speaker)
    assert store.jobs.latest(session_id=summary.session_id) == before
    return raised.value


def test_a_choice_is_measured_and_kept_whenever_the_session_is_analysed_again(
    settings: AppSettings, store: Store, session_id: str, path: Path
) -> None:
    """With the pipeline, from a recording of two voices."""

    def run(job_id: str | None) -> AnalysisSummary:
        assert job_id is not None
        analyser = PipelineAnalyser(lambda: active_bundle(settings, store))
        assert JobRunner(settings, store, analyser, "w-1").run(job_id) == "done"
        return store.analyses.get(analysis_id=str(store.jobs.get(job_id=job_id).analysis_id))

    first = run(store.jobs.create(session_id=session_id, settings={"speech": True, "face_rate": 0}).id)
    assert store.features.speaker_choice(analysis_id=first.id) is SpeakerChoice.NO_MOUTH
    chosen = choose_speaker(settings, store, first, 2)
    assert choose_speaker(settings, store, first, 2) == chosen, "the same wish is the same job"
    entries = [entry for entry in store.audit.list_newest(object_id=first.id) if entry.action == "choose_speaker"]
    assert [entry.detail for entry in entries] == [f"session {session_id}, speaker 2"]
    second = run(chosen.job_id)
    assert store.sessions.get_detail(session_id=session_id).analyses[0].id == second.id != first.id
    analysis = store.analyses.load_session_analysis(analysis_id=second.id)
    assert analysis.turns is not None
    assert (subject_of(analysis.turns), analysis.speaker_choice) == (2, SpeakerChoice.HAND)
    assert analysis.voice is not None
    assert analysis.voice.time_s is not None
    heard_s = analysis.voice.time_s[np.isfinite(analysis.voice.values).any(axis=1)]
    within = [any(start_s - 0.3 < time_s < end_s + 0.3 for start_s, end_s in OF_SECOND) for time_s in heard_s]
    assert len(heard_s) > 50
    assert all(within), "the voice of nobody else"
    again = enqueue_again(settings, store, second)
    kept = own_of(settings, store, again.id).subject_turns
    assert kept == Settings.from_dict(second.settings).subject_turns != ()
    store.jobs.request_cancel(job_id=again.id)
    other_sound = enqueue_with_sound(settings, store, second, SoundChoice(1))
    assert own_of(settings, store, other_sound.id).subject_turns == kept
    store.jobs.request_cancel(job_id=other_sound.id)
    back = choose_speaker(settings, store, second, None)
    assert back.analysis_id == first.id, "the program's choice was there already"
    assert store.sessions.get_detail(session_id=session_id).analyses[0].id == first.id


def test_the_job_differs_in_the_speaker_alone(settings: AppSettings, store: Store, summary: AnalysisSummary) -> None:
    own = own_of(settings, store, choose_speaker(settings, store, summary, 2).job_id)
    assert own.subject_turns == OF_SECOND
    assert (own.sampling, own.tracks, own.sound, own.speech) == (Settings().sampling, (), SoundChoice(), True)


def test_an_analysis_with_the_choice_that_is_there_stands_for_the_session(
    settings: AppSettings, store: Store, summary: AnalysisSummary, path: Path
) -> None:
    own = own_of(settings, store, (job := choose_speaker(settings, store, summary, 2)).job_id)
    store.jobs.request_cancel(job_id=str(job.job_id))
    by_hand = replace(talk_analysis(path, 2, SpeakerChoice.HAND), model_id=summary.model_id)
    there = store.analyses.save(session_id=summary.session_id, analysis=by_hand, settings=own)
    store.faces.choose(analysis_id=summary.id)
    assert store.sessions.get_detail(session_id=summary.session_id).analyses[0].id == summary.id
    remove_recording(settings, store, summary.session_id)
    assert choose_speaker(settings, store, summary, 2).analysis_id == there, "it needs no recording"
    assert store.sessions.get_detail(session_id=summary.session_id).analyses[0].id == there


def test_who_is_not_there_is_not_chosen(
    settings: AppSettings, store: Store, summary: AnalysisSummary, path: Path
) -> None:
    assert str(refusal(settings, store, summary, 7)) == "This analysis has no speaker 7; its speakers are: 1, 2."

    def with_turns(*turns: Turn) -> AnalysisSummary:
        analysis = replace(talk_analysis(path), turns=turn_series(turns, None, BY_VOICES), model_id=f"m-{len(turns)}")
        return store.analyses.get(
            analysis_id=store.analyses.save(session_id=summary.session_id, analysis=analysis, settings=Settings())
        )

    assert "Nobody is heard to speak" in str(refusal(settings, store, with_turns()))
    together = with_turns(*(Turn(start_s, end_s, who, 0.9) for start_s, end_s, _ in SPANS for who in (1, 2)))
    assert "cannot be told apart" in str(refusal(settings, store, together))
    untold = replace(talk_analysis(path), turns=None, speaker_choice=None, model_id="untold-1")
    untold_id = store.analyses.save(session_id=summary.session_id, analysis=untold, settings=Settings(speech=False))
    assert "does not hold who speaks" in str(refusal(settings, store, store.analyses.get(analysis_id=untold_id)))


def test_a_transcript_that_names_the_subject_refuses_a_choice(
    settings: AppSettings, store: Store, summary: AnalysisSummary
) -> None:
    store.transcripts.save(session_id=summary.session_id, original_name="t.vtt", document=WORDS)
    assert "names the subject, and counts" in str(refusal(settings, store, summary))
    unnamed = WORDS.replace(b"Client", b"A").replace(b"Therapist", b"B")
    store.transcripts.save(session_id=summary.session_id, original_name="t.vtt", document=unnamed)
    assert choose_speaker(settings, store, summary, 2).job_id is not None


def test_a_session_that_is_being_analysed_waits(settings: AppSettings, store: Store, summary: AnalysisSummary) -> None:
    job = store.jobs.create(session_id=summary.session_id, settings={"fps": 5})
    error = refusal(settings, store, summary)
    assert isinstance(error, StoreError)
    assert "is being analysed" in str(error)
    store.jobs.set_state(job_id=job.id, state=JobState.CANCELLED)
    assert choose_speaker(settings, store, summary, 2).job_id is not None


def test_without_recording_or_consent_nothing_is_chosen(
    settings: AppSettings, store: Store, summary: AnalysisSummary
) -> None:
    session = store.sessions.get(session_id=summary.session_id)
    assert session.media_path is not None
    (settings.media_dir / session.media_path).unlink()
    assert "missing from the media folder" in str(refusal(settings, store, summary))
    store.sessions.set_media_path(session_id=session.id, media_path=None)
    error = refusal(settings, store, summary)
    assert isinstance(error, SettingsError)
    assert "has been removed" in str(error)


def test_after_a_withdrawn_consent_nothing_is_chosen(
    settings: AppSettings, store: Store, summary: AnalysisSummary
) -> None:
    withdraw_consent(store, summary.session_id, by="AB")
    assert "withdrawn" in str(refusal(settings, store, summary))
