"""What a researcher takes away: pseudonyms, and no label, no name of a file, no words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

from analysis_samples import MONDAY, sample_analysis, sample_recording, sample_voice, with_all_faces

from db.actors import Actor, Role
from db.records import CohortFilter, Consent, NewTranscript
from db.store import Store
from fer_phq.core.messages import literal
from fer_phq.core.phq import Scale
from fer_phq.words.messages import SUBJECT_UNKNOWN
from service.settings import AppSettings
from service.views.exports import (
    analysis_json,
    as_csv,
    as_json,
    events_table,
    frames_table,
    notes_table,
    sessions_table,
    voice_table,
)
from service.views.overview.cohort import load_cohort_view
from service.views.session import load_session_view
from service.views.trends import load_trends_view

CANARY = "Ottilie"


def plant(store: Store) -> str:
    """A person whose name is in everything that is free text; the analysis's id."""
    subject = store.subjects.create(label=CANARY)
    recording = sample_recording(f"{CANARY}.mp4")
    session, _ = store.sessions.create_with_job(
        subject_id=subject.id,
        recorded_at=MONDAY,
        recording=recording,
        original_name=f"{CANARY}.mp4",
        media_path=f"ab/{CANARY}.mp4",
        consent=Consent(at=MONDAY, by=f"{CANARY}'s mother", text_version="1"),
        transcript=NewTranscript(f"{CANARY}.vtt", f"WEBVTT\n\n{CANARY}".encode(), CANARY),
    )
    store.notes.add(session_id=session.id, words=f"{CANARY} weeps", tag=CANARY)
    store.events.add(subject_id=subject.id, at=MONDAY, words=f"{CANARY} moved")
    answers = store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ9, items=[1] * 9, answered_at=MONDAY)
    store.questionnaires.acknowledge(questionnaire_id=answers.id, by=f"{CANARY}'s doctor")
    warnings = (SUBJECT_UNKNOWN(count=2, speakers=f"{CANARY}, Dr M"), literal(f"{CANARY} is seen twice"))
    analysis = replace(with_all_faces(sample_analysis(recording, voice=sample_voice())), warnings=warnings)
    return store.analyses.save(session_id=session.id, analysis=analysis)


def test_exports_of_a_researcher_hold_no_names_and_no_words(settings: AppSettings, store: Store) -> None:
    analysis_id = plant(store)
    researcher = Actor("dashboard", "res", "", "res", Role.RESEARCHER)
    with Store(settings.database_url, actor=lambda: researcher) as limited:
        (subject,) = limited.subjects.list_all()
        assert subject.label.startswith("R-")
        trends = load_trends_view(limited, subject, UTC)
        detail = limited.sessions.get_detail(session_id=limited.sessions.list_recent()[0].session.id)
        view = load_session_view(limited, detail, analysis_id)
        cohort = load_cohort_view(limited, CohortFilter(), None)
        tables = [
            sessions_table(trends), trends.answers, events_table(trends), cohort.sessions, cohort.people,
            frames_table(view.analysis), view.analysis.episodes, view.analysis.people, voice_table(view.analysis),
            notes_table(view),
        ]  # fmt: skip
        files = [analysis_json(limited, analysis_id)]
        files += [write(table) for table in tables if table is not None for write in (as_csv, as_json)]
    assert view.transcript is None
    assert len(files) > 15
    assert [file for file in files if CANARY in file] == []
    assert any(subject.label in file for file in files), "the cohort names the pseudonym"
