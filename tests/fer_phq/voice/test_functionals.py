"""A session's voice in numbers: from made-up channels whose answer is known, and from spoken sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import sounds

from fer_phq.core.feature_series import FeatureSeries
from fer_phq.voice import COLUMNS, FUNCTIONALS, KIND, features_of_sound, only_during, voice_functionals

SENTENCE = "The quick brown fox jumps over the lazy dog near the river bank"
SYLLABLES = 16


def channel(speech: Sequence[float], **columns: Sequence[float]) -> FeatureSeries:
    """A channel with these speech probabilities; other columns are 0 or as given."""
    values = np.zeros((len(speech), len(COLUMNS)), np.float32)
    for name, column in {"speech_probability": speech, **columns}.items():
        values[:, COLUMNS.index(name)] = column
    return FeatureSeries(values, (np.arange(len(speech)) + 0.5) / 10, KIND, COLUMNS)


def talk(*lengths: int) -> list[float]:
    """Speech and silence in turn, so many rows each."""
    return [float(i % 2 == 0) for i, rows in enumerate(lengths) for _ in range(rows)]


def test_pauses_and_runs() -> None:
    found = voice_functionals(channel([0.0] * 10 + talk(20, 3, 10, 2, 10, 11, 20) + [0.0] * 14))
    assert found["speech_s"] == pytest.approx(6.0)
    assert found["speaking_share"] == pytest.approx(0.6)
    assert found["pauses_per_minute"] == pytest.approx(2 / (10 / 60))  # 0.3 s and 1.1 s; 0.2 s is none
    assert found["pause_mean_s"] == pytest.approx(0.7)
    assert found["pause_sd_s"] == pytest.approx(np.std([0.3, 1.1], ddof=1))
    assert found["pause_p90_s"] == pytest.approx(0.3 + 0.9 * 0.8)
    assert found["speech_run_mean_s"] == pytest.approx((2.0 + 2.2 + 2.0) / 3)


def test_speech_goes_on_while_the_detector_wavers() -> None:
    found = voice_functionals(channel([0.4, 0.4, 0.6, 0.4, 0.36, 0.3, 0.4, 0.1]))
    assert found["speech_s"] == pytest.approx(0.3)


def test_rates() -> None:
    nuclei = np.zeros(100)
    nuclei[5:95:5] = 1
    speech = talk(40, 20, 40)
    found = voice_functionals(channel(speech, syllable_nuclei=nuclei.tolist()))
    spoken = float(nuclei[np.array(speech) > 0].sum())
    assert found["articulation_rate_per_s"] == pytest.approx(spoken / 8)
    assert found["speech_rate_per_s"] == pytest.approx(spoken / 10)


def test_levels_are_taken_over_speech_only() -> None:
    speech, loudness = talk(100, 20, 1), np.r_[np.linspace(-30, -20, 100), [-90.0] * 20, [-25.0]]
    f0 = np.where(np.arange(121) % 2, 30.0, np.nan)
    f0[:50:2] = 20.0
    found = voice_functionals(channel(speech, loudness_db=loudness, f0_semitones=f0, mfcc_3=loudness))
    assert found["loudness_mean_db"] == pytest.approx(-25)
    assert found["loudness_range_db"] == pytest.approx(9, abs=0.1)
    assert found["mfcc_3_mean"] == found["loudness_mean_db"]
    assert found["mfcc_3_sd"] == found["loudness_sd_db"]
    assert found["f0_mean_semitones"] == pytest.approx((50 * 30 + 25 * 20) / 75)
    assert found["f0_range_semitones"] == pytest.approx(10)
    assert found["voiced_share"] == pytest.approx(75 / 101)


@pytest.mark.parametrize("rows", [0, 1, 50])
def test_without_speech_nothing_is_measured(rows: int) -> None:
    found = voice_functionals(channel([0.0] * rows))
    assert tuple(found) == FUNCTIONALS
    assert found["speech_s"] == 0
    assert found["speaking_share"] == 0 if rows else math.isnan(found["speaking_share"])
    others = [value for name, value in found.items() if name not in ("speech_s", "speaking_share")]
    assert np.isnan(others).all()


def test_a_session_of_speech_alone_has_no_pauses() -> None:
    found = voice_functionals(channel([1.0] * 20))
    assert found["pauses_per_minute"] == 0
    assert math.isnan(found["pause_mean_s"])
    assert found["speaking_share"] == 1


def test_the_other_speaker_does_not_count() -> None:
    speech = talk(20, 10, 30, 10, 20)  # the therapist from 3 to 6 s
    loudness = [-20.0] * 30 + [-10.0] * 30 + [-20.0] * 30
    whole = channel(speech, loudness_db=loudness)
    found = voice_functionals(only_during(whole, [(0, 2), (7, 9)]))
    assert found["loudness_mean_db"] == pytest.approx(-20)
    assert found["speech_s"] == pytest.approx(4)
    assert found["speaking_share"] == 1
    assert found["pauses_per_minute"] == 0
    assert voice_functionals(whole)["loudness_mean_db"] > -20


def test_other_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="prosody-2"):
        voice_functionals(FeatureSeries(np.zeros((2, 3), np.float32), np.arange(2.0), "egemaps-v02"))


def test_bursts_of_noise_are_no_syllables() -> None:
    time = np.arange(64_000) / 16_000
    noise = sounds.noise(4) * (1 + np.sin(2 * np.pi * 4 * time)).astype(np.float32)
    assert not features_of_sound([noise]).values[:, COLUMNS.index("syllable_nuclei")].any()


@pytest.mark.skipif(not sounds.has_espeak(), reason="espeak-ng is not installed")
def test_a_voice_with_known_pauses(tmp_path: Path) -> None:
    said = sounds.speak(SENTENCE, tmp_path / "said.wav")
    parts = [sounds.silence(1), said, sounds.silence(1.5), said, sounds.silence(0.6), said, sounds.silence(1)]
    session = np.concatenate(parts)
    session += sounds.noise(len(session) / sounds.RATE, level=0.0005)[: len(session)]
    found = voice_functionals(features_of_sound([session]))
    assert found["pauses_per_minute"] * len(session) / sounds.RATE / 60 == pytest.approx(2, abs=0.1)
    assert found["pause_mean_s"] == pytest.approx(1.05, abs=0.15)
    assert found["speech_s"] == pytest.approx(3 * len(said) / sounds.RATE, rel=0.08)
    assert found["articulation_rate_per_s"] == pytest.approx(SYLLABLES / (len(said) / sounds.RATE), rel=0.2)
    assert 15 < found["f0_mean_semitones"] < 30
    slower = sounds.speak(SENTENCE, tmp_path / "slower.wav", speed=100)
    slow = voice_functionals(features_of_sound([np.concatenate([sounds.silence(1), slower, sounds.silence(1)])]))
    assert slow["articulation_rate_per_s"] < 0.85 * found["articulation_rate_per_s"]
