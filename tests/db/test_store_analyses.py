"""Analyses: the round trip, what the database itself refuses, and who may write the same one twice."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from analysis_samples import (
    NO_HEAD,
    new_session,
    sample_analysis,
    sample_estimate,
    sample_recording,
    sample_timeline,
    sample_transcription,
    sample_turns,
    sample_voice,
    sample_words,
)
from behaviour_samples import sample_behaviour
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db.engine import normalise_url, open_engine
from db.queries.analyses.analyses import settings_hash
from db.records import NotFoundError
from db.store import Store
from db.tables import ESTIMATE_COLUMNS, AnalysisRow, EmbeddingRow, FrameRow
from fer_phq.core.analysis import Sampling, SessionAnalysis, Settings, SoundChoice, SpeakerChoice
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import StoreError
from fer_phq.core.messages import literal
from fer_phq.core.phq import Modality, PhqUnavailable, Scale, UnavailableReason
from fer_phq.speakers.files.series import BY_VOICES, turn_series


@pytest.fixture
def session_id(store: Store) -> str:
    return new_session(store, store.subjects.create(label="S").id, "session.mp4").id


def test_round_trip(store: Store, session_id: str) -> None:
    modalities = (Modality.FACE, Modality.WORDS)
    analysis = sample_analysis(phq=sample_estimate(11.25, scale=Scale.PHQ9, modalities=modalities))
    settings = Settings(coverage_floor=0.4)
    analysis_id = store.analyses.save(session_id=session_id, analysis=analysis, settings=settings)
    record = store.analyses.load(analysis_id=analysis_id)
    for name in ("time_s", "emotions", "box", "landmarks", "detection_score", "quality"):
        stored, given = getattr(record.timeline, name), getattr(analysis.timeline, name)
        assert stored.dtype == given.dtype
        np.testing.assert_array_equal(stored, given)
    assert record.timeline.end_s == analysis.timeline.end_s
    assert record.tracks == analysis.tracks
    assert record.timing == analysis.timing
    summary = record.summary
    assert summary == store.analyses.get(analysis_id=analysis_id)
    assert summary.phq == analysis.phq
    assert (summary.frames_sampled, summary.frames_with_face) == (20, 18)
    assert summary.coverage == analysis.coverage
    assert summary.dominant_emotion == analysis.dominant_emotion
    assert summary.warnings == analysis.warnings
    assert summary.settings["coverage_floor"] == 0.4
    assert summary.emotions is not None
    assert analysis.emotion_distribution is not None
    np.testing.assert_array_equal([summary.emotions[name] for name in EMOTIONS], analysis.emotion_distribution)


def test_whole_analysis_prints_the_same_document(store: Store, session_id: str) -> None:
    phq = sample_estimate(modalities=tuple(Modality))
    analysis = sample_analysis(gaps=(0, 5, 19), phq=phq, voice=sample_voice(), words=sample_words(), beside="ab12")
    analysis = replace(analysis, behaviour=sample_behaviour(seconds=12.0))
    again = store.analyses.load_session_analysis(
        analysis_id=store.analyses.save(session_id=session_id, analysis=analysis)
    )
    given, stored = analysis.to_dict(), again.to_dict()
    assert stored["recording"].pop("path") == "ab/session.mp4"
    given["recording"].pop("path")
    assert json.dumps(stored) == json.dumps(given)
    assert given["modalities"] == given["phq"]["modalities"] == ["face", "voice", "words", "behaviour"]
    assert (again.face_kind, again.sidecar_digest) == ("face-a", "ab12")


@pytest.mark.parametrize(("subject", "choice"), [(2, SpeakerChoice.TRANSCRIPT), (None, SpeakerChoice.MOUTH_STILL)])
def test_turns_are_stored_as_they_are(
    store: Store, session_id: str, subject: int | None, choice: SpeakerChoice
) -> None:
    turns = sample_turns(subject)
    analysis = replace(sample_analysis(), turns=turns, speaker_choice=choice)
    analysis_id = store.analyses.save(session_id=session_id, analysis=analysis)
    again = store.analyses.load_session_analysis(analysis_id=analysis_id)
    assert again.speaker_choice is choice
    for stored in (again.turns, store.features.load_turns(analysis_id=analysis_id)):
        assert stored is not None
        assert (stored.kind, stored.names) == (turns.kind, turns.names)
        for name in ("values", "time_s", "duration_s"):
            np.testing.assert_array_equal(getattr(stored, name), getattr(turns, name))
    assert store.features.turns_kind(analysis_id=analysis_id) == turns.kind
    assert store.analyses.get(analysis_id=analysis_id).settings["speech"] is True


def test_a_sound_in_which_nobody_speaks_is_told_from_one_that_was_not_heard(store: Store, session_id: str) -> None:
    spoken = replace(sample_analysis(), turns=turn_series((), None, BY_VOICES))
    again = store.analyses.load_session_analysis(
        analysis_id=store.analyses.save(session_id=session_id, analysis=spoken)
    )
    assert again.turns is not None
    assert (len(again.turns), again.speaker_choice) == (0, None)
    unheard_id = store.analyses.save(session_id=session_id, analysis=sample_analysis())
    assert store.analyses.load_session_analysis(analysis_id=unheard_id).turns is None
    assert store.features.turns_kind(analysis_id=unheard_id) is None


def test_recognised_words_are_stored_as_they_are(store: Store, session_id: str) -> None:
    analysis = replace(sample_analysis(), transcription=sample_transcription())
    analysis_id = store.analyses.save(session_id=session_id, analysis=analysis)
    assert store.analyses.load_session_analysis(analysis_id=analysis_id).transcription == sample_transcription()
    assert store.transcriptions.load(analysis_id=analysis_id) == sample_transcription()
    assert store.analyses.get(analysis_id=analysis_id).settings["recognition"] is True
    other_id = store.analyses.save(session_id=session_id, analysis=sample_analysis())
    assert other_id != analysis_id
    assert store.transcriptions.load(analysis_id=other_id) is None
    with pytest.raises(NotFoundError):
        store.transcriptions.load(analysis_id="none")


def test_recognised_words_go_with_their_session(store: Store, session_id: str) -> None:
    analysis = replace(sample_analysis(), transcription=sample_transcription())
    analysis_id = store.analyses.save(session_id=session_id, analysis=analysis)
    assert store.erasure.plan_session(session_id=session_id).transcripts == 1
    store.erasure.erase_session(session_id=session_id)
    with pytest.raises(NotFoundError):
        store.transcriptions.load(analysis_id=analysis_id)


def test_frame_table(store: Store, session_id: str) -> None:
    analysis = sample_analysis()
    table = store.analyses.frames(analysis_id=store.analyses.save(session_id=session_id, analysis=analysis))
    assert list(table.columns) == [
        *("idx", "time_s", "duration_s"),
        *EMOTIONS,
        *("x0", "y0", "x1", "y1", "detection_score", "quality"),
    ]
    assert list(table["idx"]) == list(range(20))
    np.testing.assert_array_equal(table[list(EMOTIONS)].to_numpy(), analysis.timeline.emotions)
    assert table.loc[[3, 4]].drop(columns=["idx", "time_s", "duration_s"]).isna().all(axis=None)


@pytest.mark.parametrize("end_known", [True, False])
def test_frames_are_the_same_whichever_are_read_at_once(
    url: str, store: Store, session_id: str, end_known: bool
) -> None:
    """Where the picture's end is not known, the last frame lasts as long as most do, of all frames."""
    timeline = sample_timeline()
    times = np.r_[np.arange(15) * 2.0, 28 + np.arange(1, 6) / 2]
    uneven = replace(timeline, time_s=times, end_s=40.0 if end_known else None)
    analysis = replace(sample_analysis(), timeline=uneven)
    if end_known:
        analysis_id = store.analyses.save(session_id=session_id, analysis=analysis)
    else:
        analysis_id = _save_as_before_time_was_the_unit(url, store, session_id, analysis)
    whole = store.analyses.frames(analysis_id=analysis_id)
    assert whole["duration_s"].iloc[-1] == (9.5 if end_known else 2.0)
    for size in (1, 6, 7, 19, 20, 21):
        blocks = [
            store.analyses.frames(analysis_id=analysis_id, rows=range(start, start + size))
            for start in range(0, 20, size)
        ]
        pd.testing.assert_frame_equal(pd.concat(blocks, ignore_index=True), whole)
    assert store.analyses.frames(analysis_id=analysis_id, rows=range(20, 30)).empty


@pytest.mark.parametrize("frames", [0, 5])
def test_analysis_without_a_face(store: Store, session_id: str, frames: int) -> None:
    analysis = sample_analysis(
        frames=frames,
        gaps=tuple(range(frames)),
        phq=PhqUnavailable(UnavailableReason.NO_FACE, literal("nobody is there")),
    )
    analysis_id = store.analyses.save(session_id=session_id, analysis=analysis)
    record = store.analyses.load(analysis_id=analysis_id)
    assert record.summary.emotions is None
    assert record.summary.dominant_emotion is None
    assert record.summary.phq == analysis.phq
    assert record.timeline.landmarks.shape == (frames, 5, 2)
    assert store.features.load_embeddings(analysis_id=analysis_id).embeddings.shape == (0, 16)
    assert len(store.analyses.frames(analysis_id=analysis_id)) == frames


def test_same_analysis_twice_is_one(store: Store, session_id: str) -> None:
    first = store.analyses.save(session_id=session_id, analysis=sample_analysis())
    assert store.analyses.save(session_id=session_id, analysis=sample_analysis(seed=1)) == first
    assert store.analyses.save(session_id=session_id, analysis=sample_analysis(), settings=Settings()) == first
    quicker = Settings(chunk_frames=64)
    assert store.analyses.save(session_id=session_id, analysis=sample_analysis(), settings=quicker) == first
    found = store.analyses.find(session_id=session_id, model_id="model-a", settings=Settings())
    assert found is not None
    assert found.id == first
    assert store.analyses.find(session_id=session_id, model_id="model-b", settings=Settings()) is None


def test_another_model_or_setting_adds_an_analysis(store: Store, session_id: str) -> None:
    analysis = sample_analysis()
    ids = [
        store.analyses.save(session_id=session_id, analysis=analysis),
        store.analyses.save(session_id=session_id, analysis=sample_analysis(model_id="model-b")),
        store.analyses.save(session_id=session_id, analysis=analysis, settings=Settings(track=4)),
        store.analyses.save(session_id=session_id, analysis=sample_analysis(sampling=Sampling(fps=5))),
        store.analyses.save(session_id=session_id, analysis=sample_analysis(sampling=Sampling(key_frames=True))),
    ]
    detail = store.sessions.get_detail(session_id=session_id)
    assert [summary.id for summary in detail.analyses] == ids[::-1]
    assert detail.analyses[0].sampling == Sampling(key_frames=True)
    assert detail.analyses[1].sampling == Sampling(fps=5)


def test_settings_hash_tells_what_can_change_a_result() -> None:
    assert settings_hash(Settings()) == settings_hash(Settings(chunk_frames=1))
    assert settings_hash(Settings()) == settings_hash(Settings(partner=True)), "nothing of a partner is stored"
    assert settings_hash(Settings(Sampling(2.0, key_frames=True))) == settings_hash(
        Settings(Sampling(9.0, key_frames=True))
    )
    assert settings_hash(Settings(face_rate=30)) != settings_hash(Settings(face_rate=0))
    followed = Settings(Sampling(key_frames=True), face_rate=30)
    assert settings_hash(followed) == settings_hash(dataclasses.replace(followed, face_rate=0))
    assert settings_hash(Settings()) == settings_hash(Settings(search_each_frame=True)), "the same at the grid's rate"
    assert settings_hash(Settings(speech=True)) != settings_hash(Settings(speech=False))
    assert settings_hash(Settings(recognition=True)) != settings_hash(Settings(recognition=False))
    each = Settings(Sampling(5), search_each_frame=True)
    assert settings_hash(each) != settings_hash(Settings(Sampling(5)))
    for change in ({"coverage_floor": 0.5}, {"max_side": 640}, {"track": 1}, {"sampling": Sampling(3)}):
        assert settings_hash(dataclasses.replace(Settings(), **change)) != settings_hash(Settings())


def test_an_analysis_that_counts_by_frames_says_so_and_can_be_scored_again(
    url: str, store: Store, session_id: str
) -> None:
    analysis = sample_analysis()
    old_id = _save_as_before_time_was_the_unit(url, store, session_id, analysis)
    old = store.analyses.get(analysis_id=old_id)
    assert old.counts_by_frames
    assert [warning.code for warning in old.warnings[len(analysis.warnings) :]] == ["db.counted_by_frames"]
    whole = store.analyses.load_session_analysis(analysis_id=old_id)
    assert whole.warnings == analysis.warnings  # what is stored of it anew does not say so
    scope = {"face_kind": analysis.face_kind, "model_id": analysis.model_id}
    assert store.labels.list_rescorable(**scope) == [old_id]
    new_id = store.analyses.save(session_id=session_id, analysis=whole, settings=Settings(analysis.sampling))
    assert new_id != old_id
    assert store.analyses.get(analysis_id=new_id).warnings == analysis.warnings
    assert not store.analyses.get(analysis_id=new_id).counts_by_frames
    assert store.labels.list_rescorable(**scope) == []


def _save_as_before_time_was_the_unit(url: str, store: Store, session_id: str, analysis: SessionAnalysis) -> str:
    """Store an analysis as versions did that knew neither the picture's end nor the number of the method."""
    analysis_id = store.analyses.save(session_id=session_id, analysis=analysis, settings=Settings(analysis.sampling))
    with open_engine(normalise_url(url)).begin() as connection:
        row = connection.execute(select(AnalysisRow.__table__)).mappings().one()
        parts = {
            table: connection.execute(select(table.__table__)).mappings().all() for table in (FrameRow, EmbeddingRow)
        }
        connection.execute(delete(AnalysisRow))
        connection.execute(insert(AnalysisRow).values({**row, "end_s": None, "settings_hash": "0" * 64}))
        for table, rows in parts.items():
            connection.execute(insert(table), [dict(part) for part in rows])
    return analysis_id


def test_the_choice_of_the_sound_makes_another_analysis(store: Store, session_id: str) -> None:
    choices = [SoundChoice(), SoundChoice(track=2), SoundChoice(track=2, channel=1), SoundChoice(channel=1)]
    settings = [Settings(sound=choice) for choice in choices]
    assert len({settings_hash(each) for each in settings}) == len(settings)
    analysis_id = store.analyses.save(session_id=session_id, analysis=sample_analysis(), settings=settings[2])
    stored = store.analyses.get(analysis_id=analysis_id).settings
    assert Settings.from_dict(stored) == settings[2]
    before = {name: value for name, value in stored.items() if name != "sound"}
    assert Settings.from_dict(before) == Settings()  # as an earlier version stored them


def test_the_choice_of_the_speaker_makes_another_analysis_and_comes_back_as_it_was(
    store: Store, session_id: str
) -> None:
    unchosen = Settings(speech=True)
    chosen = dataclasses.replace(unchosen, subject_turns=((5.0, 7.25), (1.0, 2.00049)))
    other = dataclasses.replace(unchosen, subject_turns=((8.0, 9.0),))
    assert len({settings_hash(each) for each in (unchosen, chosen, other)}) == 3
    analysis_id = store.analyses.save(session_id=session_id, analysis=sample_analysis(), settings=chosen)
    stored = store.analyses.get(analysis_id=analysis_id).settings
    assert Settings.from_dict(stored) == chosen
    assert chosen.subject_turns == ((1.0, 2.0), (5.0, 7.25))
    before = {name: value for name, value in stored.items() if name != "subject_turns"}
    assert Settings.from_dict(before) == unchosen  # as an earlier version stored them


def test_a_voice_of_an_earlier_method_does_not_stand_for_this_ones(store: Store, session_id: str) -> None:
    settings = Settings(sample_analysis().sampling)
    scope = {"session_id": session_id, "model_id": sample_analysis().model_id, "settings": settings}
    old = sample_analysis(voice=dataclasses.replace(sample_voice(), kind="prosody-1"))
    old_id = store.analyses.save(session_id=session_id, analysis=old, settings=settings)
    assert store.analyses.find(**scope) is None
    assert store.analyses.save(session_id=session_id, analysis=old, settings=settings) == old_id
    new_id = store.analyses.save(
        session_id=session_id, analysis=sample_analysis(voice=sample_voice()), settings=settings
    )
    found = store.analyses.find(**scope)
    assert found is not None
    assert found.id == new_id != old_id


def test_what_lay_beside_the_recording_makes_another_analysis(store: Store, session_id: str) -> None:
    without = store.analyses.save(session_id=session_id, analysis=sample_analysis())
    beside = store.analyses.save(session_id=session_id, analysis=sample_analysis(beside="ab12"))
    assert beside != without
    assert store.analyses.save(session_id=session_id, analysis=sample_analysis(beside="ab12", seed=1)) == beside
    for digest, expected in (("", without), ("ab12", beside)):
        found = store.analyses.find(
            session_id=session_id, model_id="model-a", settings=Settings(chunk_frames=1), sidecar_digest=digest
        )
        assert found is not None
        assert found.id == expected
    assert (
        store.analyses.find(session_id=session_id, model_id="model-a", settings=Settings(), sidecar_digest="cd") is None
    )


def test_analyses_that_cannot_be_of_this_session(store: Store, session_id: str) -> None:
    with pytest.raises(StoreError, match="another recording"):
        store.analyses.save(session_id=session_id, analysis=sample_analysis(sample_recording("other.mp4")))
    with pytest.raises(StoreError, match="another sampling"):
        store.analyses.save(session_id=session_id, analysis=sample_analysis(), settings=Settings(Sampling(fps=9)))
    with pytest.raises(NotFoundError, match="no session"):
        store.analyses.save(session_id="gone", analysis=sample_analysis())
    large = dataclasses.replace(sample_analysis(), embeddings=np.full((18, 4), 1e6, np.float32))
    with pytest.raises(StoreError, match="float16"):
        store.analyses.save(session_id=session_id, analysis=large)
    assert store.sessions.get_detail(session_id=session_id).analyses == ()


NEITHER_OR_BOTH = [
    {"phq_score": None},
    {"phq_low": None},
    {"phq_provenance": None},
    {"phq_unavailable": "no_head"},
    {"phq_score": 3.0, "phq_low": 4.0},
    {"phq_high": 24.5},
    {"phq_level": 1.0},
    {"phq_scale": "PHQ-2"},
    {"phq_provenance": "guessed"},
    {"phq_modalities": None},
    {"phq_modalities": "voice+face"},
    {"phq_modalities": ""},
    dict.fromkeys(ESTIMATE_COLUMNS),
    *(
        {**dict.fromkeys(ESTIMATE_COLUMNS), "phq_unavailable": "no_head", name: "face"}
        for name in ESTIMATE_COLUMNS[-2:]
    ),
    {"coverage": 1.1},
    {"fps": None},
    {"key_frames": True},
    {"anger": None},
    {"dominant_emotion": "boredom"},
    {"frames_with_face": 21},
]


@pytest.mark.parametrize("change", NEITHER_OR_BOTH, ids=lambda change: "-".join(change))
def test_database_refuses_a_number_without_interval_and_provenance(
    url: str, store: Store, session_id: str, change: dict[str, object]
) -> None:
    store.analyses.save(session_id=session_id, analysis=sample_analysis())
    names = [column.name for column in AnalysisRow.__table__.columns]
    engine = open_engine(normalise_url(url))
    with engine.connect() as connection:
        row = dict(connection.execute(select(AnalysisRow.__table__)).mappings().one())
        copy = {**row, "id": "copy", "model_id": "copy"}
        assert set(copy) == set(names)
        with connection.begin_nested() as attempt:
            connection.execute(insert(AnalysisRow), copy)
            attempt.rollback()
        with pytest.raises(IntegrityError, match="ck_analyses_"), connection.begin_nested():
            connection.execute(insert(AnalysisRow), {**copy, **change})
    engine.dispose()


@pytest.mark.parametrize("table", ["analyses", "frames", "embeddings", "channels", "audit"])
def test_what_is_written_once_cannot_be_changed(url: str, store: Store, session_id: str, table: str) -> None:
    store.analyses.save(session_id=session_id, analysis=sample_analysis(phq=NO_HEAD, voice=sample_voice()))
    column = {"analyses": "model_id", "frames": "time_s", "embeddings": "dim", "channels": "rows", "audit": "actor"}[
        table
    ]
    engine = open_engine(normalise_url(url))
    with engine.connect() as connection, pytest.raises(IntegrityError, match=f"rows of {table} are never changed"):
        connection.execute(text(f"UPDATE {table} SET {column} = {column}"))
    engine.dispose()


def test_half_a_face_is_refused(url: str, store: Store, session_id: str) -> None:
    store.analyses.save(session_id=session_id, analysis=sample_analysis())
    engine = open_engine(normalise_url(url))
    with engine.connect() as connection, pytest.raises(IntegrityError, match="ck_frames_face_or_gap"):
        connection.execute(
            text("INSERT INTO frames (analysis_id, idx, time_s, anger) SELECT id, 999, 1.0, 0.5 FROM analyses")
        )
    engine.dispose()


def test_orm_update_is_refused_too(url: str, store: Store, session_id: str) -> None:
    store.analyses.save(session_id=session_id, analysis=sample_analysis())
    engine = open_engine(normalise_url(url))
    with Session(engine) as session, pytest.raises(IntegrityError):
        session.execute(update(AnalysisRow).values(coverage=1.0))
    engine.dispose()
