"""Segments lay a session's modalities side by side on one clock, and leave holes where nothing was measured."""

import numpy as np
import pytest

from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.phq import Modality
from fer_phq.features.windows import MAX_WINDOWS, MIN_WINDOWS, window_modalities, windows
from fer_phq.voice.kinds import COLUMNS, KIND
from fer_phq.words.kinds import PLAIN, PLAIN_NAMES

FACE, VOICE, WORDS = (Modality.FACE,), (Modality.VOICE,), (Modality.WORDS,)


def face(time_s, values=None, **kinds):
    time_s = np.asarray(time_s, np.float64)
    values = np.stack([time_s, np.ones(len(time_s))], 1) if values is None else values
    duration_s = np.full(len(time_s), 0.5)
    return FeatureSeries(
        np.asarray(values, np.float32), time_s, kinds.get("kind", "k"), duration_s=duration_s, rate_hz=2.0
    )


def emotions(rows):
    return np.full((rows, 7), 1 / 7, np.float32)


@pytest.mark.parametrize(("seconds", "spans"), [(1, MIN_WINDOWS), (30, 6), (100, 20), (3600, MAX_WINDOWS)])
def test_a_span_is_about_five_seconds(seconds, spans):
    assert windows(SessionFeatures(face=face([0, seconds])), FACE).shape == (spans, 2 * (2 + 7))


def test_a_span_holds_the_mean_and_the_change_of_what_was_measured_in_it():
    values = np.array([[1, 0], [3, 0], [np.nan, 5], [7, 9]], np.float32)
    found = windows(SessionFeatures(face=face([0, 0.5, 1, 20], values)), FACE)
    level, change = found[:, :2], found[:, 9:11]
    np.testing.assert_allclose(level[0], [2, 5 / 3])  # NaN counts for nothing
    np.testing.assert_allclose(level[-1], [7, 9])
    assert np.isnan(level[1:-1]).all()
    np.testing.assert_allclose(change[0], [2, 2.5])
    assert np.isnan(change[1:]).all()  # of 19 seconds without a row nothing is said
    assert found.dtype == np.float32


def test_modalities_stand_on_one_clock():
    voice = FeatureSeries(np.array([[1.0], [2.0], [3.0]], np.float32), np.array([30.0, 35.0, 60.0]), "v")
    session = SessionFeatures(face=face([0, 10]), voice=voice)
    found = windows(session, [Modality.VOICE, Modality.FACE])  # asked for in any order
    assert len(found) == 12
    assert window_modalities({Modality.VOICE: 1, Modality.FACE: 2}) == (Modality.FACE,) * 18 + (Modality.VOICE,) * 2
    measured = np.isfinite(found)
    np.testing.assert_array_equal(np.flatnonzero(measured[:, 0]), [0, 2])
    np.testing.assert_array_equal(np.flatnonzero(measured[:, 18]), [6, 7, 11])


def test_emotions_have_their_columns_whether_they_are_known_or_not():
    unknown = windows(SessionFeatures(face=face([0, 10])), FACE)
    known = windows(SessionFeatures(face=face([0, 10]), emotions=emotions(2)), FACE)
    assert known.shape == unknown.shape
    assert np.isnan(unknown[:, 2:9]).all()
    np.testing.assert_allclose(known[0, 2:9], 1 / 7)
    voice = SessionFeatures(face=face([0, 10]), voice=FeatureSeries(np.ones((2, 1), np.float32)), emotions=emotions(2))
    assert windows(voice, VOICE).shape[1] == 2


def test_a_voice_without_speech_is_a_gap():
    values = np.ones((100, len(COLUMNS)), np.float32)
    values[50:, COLUMNS.index("speech_probability")] = 0.1
    found = windows(SessionFeatures(voice=FeatureSeries(values, np.arange(100) / 5, KIND, COLUMNS)), VOICE)
    np.testing.assert_array_equal(np.isfinite(found).any(1), [True, True, False, False])
    values[:, COLUMNS.index("speech_probability")] = np.nan
    assert np.isnan(
        windows(SessionFeatures(voice=FeatureSeries(values, np.arange(100) / 5, KIND, COLUMNS)), VOICE)
    ).all()


def test_words_without_times_are_spread_over_the_session():
    said = np.arange(10, dtype=np.float32)[:, None] * np.ones((1, len(PLAIN_NAMES)), np.float32)
    words = FeatureSeries(said, None, PLAIN, PLAIN_NAMES)
    found = windows(SessionFeatures(face=face([100, 125]), words=words), [Modality.FACE, Modality.WORDS])
    np.testing.assert_allclose(found[:, 18], [0.5, 2.5, 4.5, 6.5, 8.5])
    alone = windows(SessionFeatures(words=words), WORDS)
    np.testing.assert_allclose(alone[:, 0], np.arange(10))
    assert len(windows(SessionFeatures(words=FeatureSeries(said[:1], None, PLAIN, PLAIN_NAMES)), WORDS)) == MIN_WINDOWS


def test_one_moment_is_one_span():
    assert np.isfinite(windows(SessionFeatures(face=face([3, 3])), FACE)[:, 0]).sum() == 1


def test_a_missing_modality_is_told():
    with pytest.raises(ValueError, match="only face of face"):
        windows(SessionFeatures(face=face([0, 1])), [Modality.FACE, Modality.VOICE])
