"""Functionals of sessions whose answers are known."""

import numpy as np
import pytest

from fer_phq.behaviour.seconds.series import COLUMNS
from fer_phq.behaviour.seconds.series import KIND as SECONDS
from fer_phq.core.emotions import EMOTIONS, emotion_index
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.core.phq import Modality
from fer_phq.features.functionals import change_functionals, expression_functionals, functionals, level_functionals

HAPPY, NEUTRAL = emotion_index("happiness"), emotion_index("neutral")


def shown(states):
    """Probabilities (t, 7) of faces that show exactly these emotions."""
    return np.eye(7, dtype=np.float32)[states]


def test_what_a_face_did_is_counted():
    found = expression_functionals(shown([NEUTRAL] * 4 + [HAPPY] * 2 + [NEUTRAL] * 2 + [HAPPY] * 4), np.arange(12) / 2)
    assert found["happiness.mean"] == found["happiness.share"] == found["smiling"] == pytest.approx(0.5)
    assert found["transitions_a_minute"] == pytest.approx(3 / 0.1)
    assert found["smiles_a_minute"] == pytest.approx(2 / 0.1)
    assert found["smile_s"] == pytest.approx(1.5)
    assert found["dwell_s"] == pytest.approx(1.5)
    assert found["dwell_neutral_s"] == pytest.approx(1.5)
    assert found["expressivity"] == pytest.approx(0.5)
    assert found["movement"] == pytest.approx(3 / 11)
    assert found["happiness.slope"] > 0 > found["neutral.slope"]


def test_nothing_is_said_of_what_happened_in_a_gap():
    time_s = np.r_[np.arange(6) / 2, 100 + np.arange(6) / 2]
    found = expression_functionals(shown([NEUTRAL] * 6 + [HAPPY] * 6), time_s)
    assert found["transitions_a_minute"] == 0
    assert found["smile_s"] == pytest.approx(3)


def test_one_frame_has_functionals_without_dynamics():
    found = expression_functionals(shown([HAPPY]), np.zeros(1))
    assert found["happiness.mean"] == 1
    assert np.isnan(found["movement"])
    assert found["happiness.slope"] == 0


def test_levels_pass_over_what_was_not_measured():
    values = np.array([[1, np.nan], [3, np.nan], [np.nan, np.nan]], np.float32)
    found = level_functionals(FeatureSeries(values, np.arange(3.0), names=("pitch", "none")))
    assert found["pitch.mean"] == 2
    assert found["pitch.sd"] == 1
    assert np.isnan(found["none.mean"])
    assert np.isnan(found["none.sd"])


def test_change_leaves_gaps_out_and_finds_the_slope():
    time_s = np.r_[np.arange(10.0), 100 + np.arange(10.0)]
    steady = np.r_[np.zeros(10), np.full(10, 5)]
    rising = time_s / 10
    values = np.stack([steady, rising], 1).astype(np.float32)
    found = change_functionals(FeatureSeries(values, time_s, names=("steady", "rising")))
    assert found["steady.activity"] == 0
    assert found["rising.activity"] == pytest.approx(0.1, abs=1e-6)
    assert found["rising.slope"] == pytest.approx((rising[-1] - rising[0]) / rising.std(), rel=1e-4)


def test_the_level_does_not_depend_on_the_rate():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, 3)).astype(np.float32)
    once = level_functionals(FeatureSeries(values, np.arange(50.0)))
    twice = level_functionals(FeatureSeries(np.repeat(values, 2, axis=0), np.arange(100) / 2))
    np.testing.assert_allclose(list(once.values()), list(twice.values()), rtol=1e-6)


def test_the_halves_of_a_session_average_to_the_whole():
    """Means and shares exactly, what varies within a session by less than the halves differ."""
    rng = np.random.default_rng(5)
    walk = np.cumsum(rng.normal(size=(600, 7)), axis=0) / 8
    odds = np.exp(walk - walk.max(1, keepdims=True))
    emotions = (odds / odds.sum(1, keepdims=True)).astype(np.float32)
    time_s = np.arange(600) / 2

    def read(rows):
        face = FeatureSeries(walk[rows].astype(np.float32), time_s[rows], duration_s=np.full(len(time_s[rows]), 0.5))
        return functionals(SessionFeatures(face=face, emotions=emotions[rows]), [Modality.FACE])

    whole = read(slice(None))
    first = read(slice(0, 300)).values
    second = read(slice(300, None)).values
    off = dict(zip(whole.names, np.abs((first + second) / 2 - whole.values), strict=True))
    apart = dict(zip(whole.names, np.abs(first - second), strict=True))
    integrals = [name for name in whole.names if name.endswith((".mean", ".share", ".smiling"))]
    assert len(integrals) == 22
    assert max(off[name] for name in integrals) < 1e-6
    counts = [name for name in whole.names if name.endswith("_a_minute")]
    assert all(off[name] <= max(apart[name], 0.5) for name in counts)


def behaviour(rows, rng):
    return FeatureSeries(rng.random((rows, len(COLUMNS))).astype(np.float32), np.arange(float(rows)), SECONDS, COLUMNS)


def test_columns_are_the_same_for_every_session_of_a_kind():
    rng = np.random.default_rng(0)

    def session(rows):
        face = FeatureSeries(rng.normal(size=(rows, 4)).astype(np.float32), np.arange(rows) / 2)
        voice = FeatureSeries(rng.normal(size=(3, 2)).astype(np.float32), np.arange(3.0), names=("f0", "loudness"))
        emotions = rng.dirichlet(np.ones(7), rows).astype(np.float32)
        return SessionFeatures(
            face=face,
            voice=voice,
            words=FeatureSeries(np.ones((1, 5), np.float32)),
            emotions=emotions,
            behaviour=behaviour(rows, rng),
        )

    one, other = (functionals(session(rows), tuple(Modality)) for rows in (3, 70))
    assert one.names == other.names
    assert one.blocks == other.blocks
    assert len(one) == len(one.names) == len(one.blocks)
    assert len(set(one.names)) == len(one)
    assert {"face.expressions.smiling", "voice.level.f0.mean", "words.change.4.slope"} <= set(one.names)
    assert not np.isinf(one.values).any()
    face = functionals(session(9), [Modality.FACE])
    assert all(name.startswith("face.") for name in face.names)


def test_a_missing_modality_is_named():
    face = FeatureSeries(np.ones((3, len(EMOTIONS)), np.float32), np.arange(3.0))
    with pytest.raises(ValueError, match="no voice"):
        functionals(SessionFeatures(face=face), [Modality.FACE, Modality.VOICE])


def test_behaviour_comes_in_groups_and_what_was_never_seen_is_missing():
    series = behaviour(30, np.random.default_rng(0))
    series.values[:, COLUMNS.index("blinks")] = 0
    series.values[3:6, COLUMNS.index("blinks")] = 1
    series.values[:, COLUMNS.index("looking_down")] = np.nan
    row = functionals(SessionFeatures(behaviour=series), [Modality.BEHAVIOUR])
    values = dict(zip(row.names, row.values, strict=True))
    assert set(row.blocks) == {
        *("behaviour.head_pose", "behaviour.head_movement", "behaviour.smiles", "behaviour.blinks"),
        *("behaviour.looks", "behaviour.brows_and_mouth"),
    }
    assert values["behaviour.blinks.blinks_a_minute"] == pytest.approx(6)
    assert np.isnan(values["behaviour.looks.looking_down"])
    assert np.isfinite([value for name, value in values.items() if name != "behaviour.looks.looking_down"]).all()
