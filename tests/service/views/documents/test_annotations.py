"""Everything of a session that has a time, as tiers, and as the documents of other programs."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from analysis_samples import new_session, sample_analysis, sample_recording, sample_turns
from behaviour_samples import sample_behaviour
from pympi import Eaf
from synthetic_sessions import Plan, synthetic_analysis

from db.store import Store
from fer_phq.core.speech.transcription import Doubt, Segment, Source, Transcription
from service.views.documents.annotations import DOCUMENTS, session_annotations
from service.views.session import SessionView, load_session_view

VTT = b"WEBVTT\n\n00:00.000 --> 00:01.500\n<v Client>I slept badly.\n\n00:02.000 --> 00:03.000\n<v Dr M>Why?\n"


@pytest.fixture
def view(store: Store) -> SessionView:
    session_id = new_session(store, store.subjects.create(label="A").id).id
    parts = {"behaviour": sample_behaviour(30.0, 10.0), "turns": sample_turns()}
    analysis = replace(synthetic_analysis(1, Plan(seconds=120), sample_recording()), **parts)
    store.analyses.save(session_id=session_id, analysis=analysis)
    store.transcripts.save(session_id=session_id, document=VTT, original_name="a.vtt", speaker="Client")
    store.notes.add(session_id=session_id, time_s=2.5, words="looks away", tag="gaze")
    store.notes.add(session_id=session_id, time_s=None, words="of the whole session", tag=None)
    detail = store.sessions.get_detail(session_id=session_id)
    return load_session_view(store, detail, detail.analyses[0].id)


def test_what_has_a_time_is_in_a_tier_with_the_pages_numbers(view: SessionView) -> None:
    recording = session_annotations(view)
    tiers = {tier.name: tier.annotations for tier in recording.tiers}
    assert {tier.category for tier in recording.tiers} == {"expression", "behaviour", "turns", "transcript", "notes"}
    episodes = view.analysis.episodes
    of_expressions = [a for name, row in tiers.items() if name.startswith("expression: ") for a in row]
    assert sorted((a.start_s, a.end_s) for a in of_expressions) == sorted(
        zip(episodes.onset_s, episodes.offset_s, strict=True)
    )
    assert [a.label for a in tiers["transcript: Client"]] == ["I slept badly."]
    assert [(a.start_s, a.is_point, a.label) for a in tiers["note: gaze"]] == [(2.5, True, "looks away")]
    assert not any("whole session" in a.label for row in tiers.values() for a in row)
    assert view.analysis.behaviour is not None
    assert len(tiers["behaviour: eyes closed"]) == len(view.analysis.behaviour.closures)
    assert sum(name.endswith("(subject)") for name in tiers) <= 1


def test_recognised_words_are_told_from_a_transcript_and_keep_their_doubts(view: SessionView) -> None:
    segments = (
        Segment(1.0, 2.0, "Speaker 1", "I am fine", Source.RECOGNISED, 0.9),
        Segment(3.0, 3.5, "Speaker 2", "Yes", Source.RECOGNISED, 0.4, (Doubt.SHORT,)),
    )
    analysis = replace(view.analysis, transcription=Transcription(segments, "moonshine", "en", 30.0, 1.5))
    tiers = {tier.name: tier for tier in session_annotations(replace(view, analysis=analysis)).tiers}
    assert [a.label for a in tiers["recognised: Speaker 1"].annotations] == ["I am fine"]
    assert [a.label for a in tiers["recognised: Speaker 2"].annotations] == ["(?) Yes"]
    assert tiers["recognised: Speaker 1"].category == "recognised words"


def test_a_session_with_a_face_alone_has_no_other_tiers(store: Store) -> None:
    session_id = new_session(store, store.subjects.create(label="A").id).id
    store.analyses.save(session_id=session_id, analysis=sample_analysis())
    detail = store.sessions.get_detail(session_id=session_id)
    recording = session_annotations(load_session_view(store, detail, detail.analyses[0].id))
    assert {tier.category for tier in recording.tiers} <= {"expression"}


def test_each_document_is_made_and_called_by_the_session(view: SessionView, tmp_path: Path) -> None:
    recording = session_annotations(view)
    for suffix, _, write in DOCUMENTS.values():
        content = write(recording)
        assert content
        raw = content if isinstance(content, bytes) else content.encode()
        (tmp_path / f"a.{suffix}").write_bytes(raw)
    assert "transcript: Dr M" in Eaf(str(tmp_path / "a.eaf")).get_tier_names()
    with zipfile.ZipFile(tmp_path / "a.bids.zip") as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("_events.tsv")]
        table = pd.read_csv(io.BytesIO(archive.read(name)), sep="\t")
    assert len(table) == sum(len(tier.annotations) for tier in recording.tiers)
    assert recording.name == f"session-{view.session.id[:8]}"
