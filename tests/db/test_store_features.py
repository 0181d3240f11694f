"""Embeddings, voice and words: the round trip, and what the database itself refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analysis_samples import new_session, sample_analysis, sample_voice, sample_words
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from db.engine import normalise_url, open_engine
from db.store import Store
from db.tables import ChannelRow
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.phq import Modality


@pytest.fixture
def session_id(store: Store) -> str:
    return new_session(store, store.subjects.create(label="S").id, "session.mp4").id


def same_channel(stored: FeatureSeries | None, given: FeatureSeries | None) -> None:
    assert stored is not None
    assert given is not None
    assert (stored.kind, stored.names) == (given.kind, given.names)
    assert stored.values.dtype == np.float32
    np.testing.assert_array_equal(stored.values, given.values)  # NaN equals NaN
    if given.time_s is None:
        assert stored.time_s is None
    else:
        assert stored.time_s is not None
        assert stored.time_s.dtype == np.float64
        np.testing.assert_array_equal(stored.time_s, given.time_s)


def test_embeddings_on_demand(store: Store, session_id: str) -> None:
    analysis = sample_analysis(dim=33, face_kind="face-b")
    record = store.features.load_embeddings(analysis_id=store.analyses.save(session_id=session_id, analysis=analysis))
    assert record.kind == "face-b"
    assert record.embeddings.dtype == np.float32
    np.testing.assert_allclose(record.embeddings, analysis.embeddings, rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(record.time_s, analysis.face_time_s)


@pytest.mark.parametrize("rows", [0, 30])
def test_voice_and_words_come_back_as_they_were(store: Store, session_id: str, rows: int) -> None:
    analysis = sample_analysis(voice=sample_voice(rows), words=sample_words(rows))
    analysis_id = store.analyses.save(session_id=session_id, analysis=analysis)
    channels = store.features.load_series(analysis_id=analysis_id)
    assert set(channels) == {Modality.VOICE, Modality.WORDS}
    again = store.analyses.load_session_analysis(analysis_id=analysis_id)
    for voice, words in ((channels[Modality.VOICE], channels[Modality.WORDS]), (again.voice, again.words)):
        same_channel(voice, analysis.voice)
        same_channel(words, analysis.words)


def test_a_row_that_stands_for_a_long_silence_does_so_again(store: Store, session_id: str) -> None:
    """The store keeps times alone: how long a row lasts is when the next one begins."""
    voice = sample_voice(30)
    time_s = (np.arange(30) + np.where(np.arange(30) < 20, 0, 36_000) + 0.5) / 10
    duration_s = np.where(np.arange(30) == 19, 3600.1, 0.1)
    analysis = sample_analysis(voice=replace(voice, time_s=time_s, duration_s=duration_s), words=sample_words())
    analysis_id = store.analyses.save(session_id=session_id, analysis=analysis)
    channels = store.features.load_series(analysis_id=analysis_id)
    stored = channels[Modality.VOICE].duration_s
    assert stored is not None
    np.testing.assert_allclose(stored, duration_s)
    assert channels[Modality.WORDS].duration_s is None


def test_only_what_there_was_is_there(store: Store, session_id: str) -> None:
    words = store.analyses.save(session_id=session_id, analysis=sample_analysis(words=sample_words()))
    neither = store.analyses.save(session_id=session_id, analysis=sample_analysis(model_id="model-b"))
    assert set(store.features.load_series(analysis_id=words)) == {Modality.WORDS}
    assert store.features.kinds(analysis_id=words) == {Modality.WORDS: sample_words().kind}
    assert store.features.kinds(analysis_id=neither) == {}
    assert store.analyses.load_session_analysis(analysis_id=words).voice is None
    assert store.features.load_series(analysis_id=neither) == {}
    assert store.analyses.load_session_analysis(analysis_id=neither).features.modalities == (Modality.FACE,)


@pytest.mark.parametrize("gaps", [(3, 4), tuple(range(20))])
def test_features_are_those_of_the_analysis(store: Store, session_id: str, gaps: tuple[int, ...]) -> None:
    phq = None if len(gaps) < 20 else sample_analysis().phq
    analysis = sample_analysis(gaps=gaps, phq=phq, voice=sample_voice(), words=sample_words())
    analysis_id = store.analyses.save(session_id=session_id, analysis=analysis)
    features = store.analyses.load_session_analysis(analysis_id=analysis_id).features
    for name in ("voice", "words"):
        same_channel(getattr(features, name), getattr(analysis.features, name))
    assert features.emotions is not None
    assert features.emotions.shape == (20 - len(gaps), 7)
    np.testing.assert_array_equal(features.emotions, analysis.features.emotions)


@pytest.mark.parametrize(
    "change",
    [
        {"modality": "face"},
        {"rows": 29},
        {"width": 2},
        {"width": 0, "rows": 0, "numbers": b"", "time_s": None},
        {"time_s": b"12345678"},
    ],
    ids=lambda change: "-".join(change),
)
def test_half_a_channel_is_refused(url: str, store: Store, session_id: str, change: dict[str, object]) -> None:
    store.analyses.save(session_id=session_id, analysis=sample_analysis(voice=sample_voice(30)))
    engine = open_engine(normalise_url(url))
    with engine.connect() as connection:
        row = {**connection.execute(select(ChannelRow.__table__)).mappings().one(), "modality": "words"}
        with connection.begin_nested() as attempt:
            connection.execute(insert(ChannelRow), row)
            attempt.rollback()
        with pytest.raises(IntegrityError, match="ck_channels_"), connection.begin_nested():
            connection.execute(insert(ChannelRow), {**row, **change})
    engine.dispose()
