"""The choice of the subject's voice on the pages: what is offered, what is played, what a choice leads to."""

from __future__ import annotations

import io
import wave
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from analysis_samples import with_all_faces
from shown_pages import calm, html_of, open_page, press, words
from streamlit.testing.v1 import AppTest
from two_voices import HIGH, LOW, pitch_of, talk_analysis, write_talk

from dashboard.new_session.arrivals import ARRIVED, Arrival
from dashboard.widgets import subject_voice
from db.records import JobState
from db.store import Store
from fer_phq.core.analysis import SessionAnalysis, Settings, SpeakerChoice, TrackSummary
from fer_phq.models.checkpoint import SHIPPED, read_bundle
from fer_phq.pipeline import messages
from service.ingest.recordings import add_recording
from service.settings import AppSettings

QUESTION = "Which voice is the subject's?"
OWN = Settings(all_faces=True, speech=True, face_rate=0)
WORDS = b"WEBVTT\n\n00:00.600 --> 00:04.600\n<v Client>I slept badly.\n\n00:05.200 --> 00:08.200\n<v Therapist>Since?\n"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_talk(tmp_path_factory.mktemp("talk") / "talk.mkv")


@pytest.fixture
def session_id(installation: AppSettings, store: Store, path: Path) -> str:
    """A session of two voices with its recording."""
    return add_recording(
        installation,
        store,
        path,
        subject_id=store.subjects.create(label="P-1").id,
        recorded_at=datetime(2026, 3, 2, 10, 0, tzinfo=UTC),
        consent_by="AB",
        consent_text="1",
        enqueue=False,
    ).session_id


def save(store: Store, session_id: str, analysis: SessionAnalysis, own: Settings = OWN) -> str:
    """Store an analysis by the active model."""
    whole = replace(analysis, model_id=read_bundle(SHIPPED).model_id)
    return store.analyses.save(session_id=session_id, analysis=whole, settings=own)


def is_open(app: AppTest) -> bool:
    (expander,) = [one for one in app.expander if one.label == QUESTION]
    return bool(expander.proto.expanded)


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def test_an_unknown_voice_is_asked_for_with_every_share(store: Store, session_id: str, path: Path) -> None:
    save(store, session_id, talk_analysis(path))
    app = open_page("session", session=session_id)
    assert is_open(app)
    page = html_of(app)
    assert "Choose the subject's voice, or add a transcript" in page
    assert "Speaker 1 · 45% of the speech · 0:06 min in 2 turns" in page
    assert "Speaker 2 · 55% of the speech · 0:08 min in 2 turns" in page
    choice = next(radio for radio in app.radio if radio.label == "This voice is the subject's")
    assert (choice.value, list(choice.options)) == (None, ["Speaker 1", "Speaker 2"])
    assert next(button for button in app.button if button.label == "Use this voice").disabled


@pytest.mark.parametrize(("name", "hertz"), [("Speaker 1", LOW), ("Speaker 2", HIGH)])
def test_the_voice_that_is_named_is_played(
    store: Store, session_id: str, path: Path, name: str, hertz: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(store, session_id, talk_analysis(path))
    played: list[bytes] = []
    monkeypatch.setattr(subject_voice.st, "audio", lambda document, **_: played.append(document))
    app = press(open_page("session", session=session_id), f"Play {name}")
    assert len(played) == 1
    with wave.open(io.BytesIO(played[0])) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / np.float32(32768)
    assert len(samples) == pytest.approx(3 * 16_000, abs=1)
    assert pitch_of(samples) == pytest.approx(hertz, rel=0.2)
    calm(app.run())
    assert len(played) == 1, "a page that is drawn anew does not speak by itself"


def test_a_choice_queues_the_analysis_with_that_voice(store: Store, session_id: str, path: Path) -> None:
    save(store, session_id, talk_analysis(path))
    app = open_page("session", session=session_id)
    next(radio for radio in app.radio if radio.label == "This voice is the subject's").set_value(2)
    app = press(calm(app.run()), "Use this voice")
    job = store.jobs.latest(session_id=session_id)
    assert job is not None
    assert job.settings is not None
    assert job.settings["subject_turns"] == [[5.2, 8.2], [11.9, 16.9]]
    assert "This session is being analysed" in html_of(app)
    assert next(button for button in app.button if button.label == "Use this voice").disabled


def test_how_the_voice_was_chosen_is_said_with_its_score(store: Store, session_id: str, path: Path) -> None:
    by_mouth = messages.SUBJECT_BY_MOUTH(speaker=2, speakers=2, correlation=0.613, score=9.04)
    save(store, session_id, talk_analysis(path, 2, SpeakerChoice.MOUTH, by_mouth))
    app = open_page("session", session=session_id)
    assert not is_open(app)
    page = html_of(app)
    assert "with whose speech the mouth moves. The correlation is 0.61, 9.0 standard deviations above chance." in page
    assert "Speaker 2 (taken for the subject)" in page
    assert next(radio for radio in app.radio if radio.label == "This voice is the subject's").value == 2


def test_the_subjects_face_is_seen_beside_the_voices(store: Store, session_id: str, path: Path) -> None:
    tracks = (
        TrackSummary(0, 2, 0.0, 1.0, 0.2, is_subject=True, person=0, seen_s=1.0),
        TrackSummary(4, 2, 0.0, 1.0, 0.1, is_subject=False, person=1, seen_s=1.0),
    )
    save(store, session_id, with_all_faces(replace(talk_analysis(path), tracks=tracks)))
    page = html_of(open_page("session", session=session_id))
    assert page.count('alt="Face of the subject at 0:00"') == 1
    assert "The face that counts as the subject's." in page


def test_a_choice_by_hand_is_said_and_taken_back(store: Store, session_id: str, path: Path) -> None:
    own = replace(OWN, subject_turns=((5.2, 8.2), (11.9, 16.9)))
    by_program = save(store, session_id, talk_analysis(path))
    by_hand = messages.SUBJECT_BY_HAND(speaker=2, speakers=2)
    save(store, session_id, talk_analysis(path, 2, SpeakerChoice.HAND, by_hand), own)
    app = open_page("session", session=session_id)
    assert "A person chose which speaker is the subject." in html_of(app)
    choice = next(radio for radio in app.radio if radio.label == "This voice is the subject's")
    assert (choice.value, list(choice.options)) == (2, ["Speaker 1", "Speaker 2", "Leave it to the program"])
    choice.set_value(subject_voice.PROGRAM)
    press(calm(app.run()), "Use this voice")
    assert store.sessions.get_detail(session_id=session_id).analyses[0].id == by_program


def test_a_choice_that_was_lost_asks_again(store: Store, session_id: str, path: Path) -> None:
    own = replace(OWN, subject_turns=((30.0, 40.0),))
    save(store, session_id, talk_analysis(path, None, SpeakerChoice.CHOICE_LOST, messages.CHOICE_LOST()), own)
    app = open_page("session", session=session_id)
    assert is_open(app)
    assert "was not found again: no voice is measured." in html_of(app)
    assert "Play Speaker 1" in labels(app)


def test_without_the_recording_nothing_is_played_or_chosen(
    store: Store, session_id: str, path: Path, installation: AppSettings
) -> None:
    save(store, session_id, talk_analysis(path))
    media = store.sessions.get(session_id=session_id).media_path
    assert media is not None
    (installation.media_dir / media).unlink()
    app = open_page("session", session=session_id)
    assert "voices cannot be played, and none can be chosen" in html_of(app)
    assert not [label for label in labels(app) if label.startswith("Play") or label == "Use this voice"]


def test_a_transcript_that_names_the_subject_counts(store: Store, session_id: str, path: Path) -> None:
    store.transcripts.save(session_id=session_id, original_name="t.vtt", document=WORDS)
    save(store, session_id, talk_analysis(path, 1, SpeakerChoice.TRANSCRIPT))
    app = open_page("session", session=session_id)
    assert "names the subject, and counts" in html_of(app)
    assert "Play Speaker 2" in labels(app), "it can be checked"
    assert "Use this voice" not in labels(app)


@pytest.mark.parametrize(
    ("own", "sentence"),
    [(Settings(speech=False), "made without telling who speaks"), (OWN, "does not hold who speaks when")],
)
def test_an_analysis_without_turns_says_why(
    store: Store, session_id: str, path: Path, own: Settings, sentence: str
) -> None:
    save(store, session_id, replace(talk_analysis(path), turns=None, speaker_choice=None, warnings=()), own)
    app = open_page("session", session=session_id)
    assert not is_open(app)
    assert sentence in html_of(app)


def test_what_is_refused_is_one_sentence(
    store: Store, session_id: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(store, session_id, talk_analysis(path))
    app = open_page("session", session=session_id)
    next(radio for radio in app.radio if radio.label == "This voice is the subject's").set_value(1)
    app = calm(app.run())
    job = store.jobs.create(session_id=session_id, settings={"fps": 5})  # another person was quicker
    app = press(app, "Use this voice")
    assert "is being analysed: choose the subject's voice when that has ended" in html_of(app)
    assert store.jobs.get(job_id=job.id).settings == {"fps": 5}


def test_the_row_of_an_upload_says_so_and_leads_to_the_choice(store: Store, session_id: str, path: Path) -> None:
    analysis_id = save(store, session_id, talk_analysis(path))
    job = store.jobs.create(session_id=session_id)
    assert store.jobs.claim(workflow_id=job.workflow_id, worker="w", claim="c") is not None
    store.jobs.finish(workflow_id=job.workflow_id, claim="c", state=JobState.DONE, analysis_id=analysis_id)
    app = AppTest.from_file(str(Path(__file__).parents[3] / "dashboard" / "main.py"), default_timeout=60)
    app.session_state[ARRIVED] = {session_id: Arrival(session_id, "P-1 · talk.mkv", duplicate=False)}
    app.switch_page("app_pages/new_session.py")
    calm(app.run())
    page = words(app).replace("\\'", "'")
    assert "2 speakers are heard, and which of them is the subject is not known" in page
    assert "Choose the subject's voice" in page
    assert f"session={session_id}" in page
    titles = [one.label for one in app.expander]
    assert any(title.startswith("Which voice is the subject's in P") for title in titles)
    assert "Play Speaker 2" in labels(app)
