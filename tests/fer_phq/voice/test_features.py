"""Voice features of sound whose pitch, level and spectrum are known."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sounds
from recordings import Recordings

from fer_phq.core.errors import AnalysisCancelled, RecordingError
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message
from fer_phq.voice import (
    COLUMNS,
    KIND,
    features,
    features_of_sound,
    only_during,
    voice_features,
    voice_functionals,
)


def column(channel: FeatureSeries, name: str) -> sounds.Samples:
    return channel.values[:, channel.names.index(name)]


def middle(channel: FeatureSeries, name: str) -> float:
    """A column's median away from the ends."""
    return float(np.median(column(channel, name)[5:-5]))


def cut(samples: sounds.Samples, size: int) -> list[sounds.Samples]:
    return [samples[i : i + size] for i in range(0, len(samples), size)]


@pytest.fixture(scope="module")
def mixture() -> sounds.Samples:
    """Tones, noise and silence in turn, and a rest that fills no row: 8.083 s."""
    parts = [sounds.silence(1), sounds.voiced(140, 2), sounds.noise(1.5), sounds.silence(1.08), sounds.voiced(220, 2.5)]
    return np.concatenate(parts) + sounds.noise(8.08, level=1e-4)


def test_rows_are_tenths_of_a_second(mixture: sounds.Samples) -> None:
    channel = features_of_sound([mixture])
    assert channel.kind == KIND == "prosody-2"
    assert channel.names == COLUMNS
    assert channel.values.shape == (80, 23)
    assert channel.values.dtype == np.float32
    assert channel.time_s is not None
    np.testing.assert_allclose(channel.time_s, np.arange(80) / 10 + 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("f0", [80.0, 120.0, 200.0, 320.0])
def test_pitch_is_right_within_half_a_semitone(f0: float) -> None:
    voice, pitch = sounds.talk(f0, 4)
    channel = features_of_sound([voice])
    found, right = column(channel, "f0_semitones"), sounds.row_pitch(pitch)
    both = ~np.isnan(found) & ~np.isnan(right)
    assert both.sum() > 0.8 * (~np.isnan(right)).sum()
    np.testing.assert_allclose(found[both], right[both], atol=0.5)
    assert middle(features_of_sound([sounds.voiced(f0, 2)]), "voicing") > 0.9


def test_noise_and_silence_have_no_pitch() -> None:
    channel = features_of_sound([sounds.noise(1), sounds.silence(1)])
    assert np.isnan(column(channel, "f0_semitones")).all()
    assert column(channel, "voicing").max() < 0.5


def test_loudness_is_weighted_and_in_decibels() -> None:
    loud, faint = (features_of_sound([sounds.sine(1000, 2, amplitude=a)]) for a in (1.0, 0.1))
    assert middle(loud, "loudness_db") == pytest.approx(-3.01, abs=0.05)
    assert middle(loud, "loudness_db") - middle(faint, "loudness_db") == pytest.approx(20, abs=0.05)
    low = features_of_sound([sounds.sine(125, 2, amplitude=1.0)])
    assert middle(low, "loudness_db") == pytest.approx(-3.01 - 16.1, abs=0.5)  # IEC 61672-1 at 125 Hz


def test_timbre_does_not_depend_on_the_level() -> None:
    sound = sounds.voiced(150, 2) + sounds.noise(2, level=0.001)
    loud, faint = (features_of_sound([level * sound]) for level in (1.0, 0.1))
    timbre = [COLUMNS.index(name) for name in COLUMNS[4:-1]]
    np.testing.assert_allclose(loud.values[3:-3, timbre], faint.values[3:-3, timbre], rtol=0.01, atol=0.02)


def test_the_spectrum_of_a_tone() -> None:
    channel = features_of_sound([sounds.sine(440, 2) + sounds.sine(2500, 2, amplitude=0.03)])
    assert middle(channel, "spectral_centroid_hz") == pytest.approx((440 + 2500 / 100) / 1.01, abs=2)
    assert middle(channel, "alpha_ratio_db") == pytest.approx(20, abs=0.1)
    assert middle(channel, "hammarberg_index_db") == pytest.approx(20, abs=1)
    assert middle(channel, "spectral_flatness") < 1e-3


def test_the_spectrum_of_noise() -> None:
    channel = features_of_sound([sounds.noise(3)])
    assert middle(channel, "spectral_centroid_hz") == pytest.approx(4000, abs=150)
    assert middle(channel, "spectral_flatness") > 0.9
    assert middle(channel, "alpha_ratio_db") == pytest.approx(10 * np.log10(950 / 4000), abs=0.7)
    assert abs(middle(channel, "spectral_slope_0_500_db_per_hz")) < 0.005
    steady = features_of_sound([sounds.voiced(100, 3)])
    assert middle(channel, "spectral_flux") > 10 * middle(steady, "spectral_flux")


def test_the_slope_of_a_spectrum_that_falls() -> None:
    spectrum = np.fft.rfft(sounds.noise(4))
    frequency = np.fft.rfftfreq(64_000, 1 / 16_000)
    falling = np.fft.irfft(spectrum * 10 ** (-0.02 * np.minimum(frequency, 1000) / 20)).astype(np.float32)
    assert middle(features_of_sound([falling]), "spectral_slope_0_500_db_per_hz") == pytest.approx(-0.02, abs=0.005)


def test_mfcc_follow_their_definition() -> None:
    """The textbook's recipe with loops, on the mean spectrum of one row."""
    samples = sounds.noise(0.5) + sounds.voiced(150, 0.5)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    starts = [2 * 1600 + 160 * i - 120 for i in range(10)]
    power = np.mean([np.abs(np.fft.rfft(samples[s : s + 400] * window, 512)) ** 2 for s in starts], axis=0)
    edges = 700 * (10 ** (np.linspace(*(2595 * np.log10(1 + np.array([20, 8000]) / 700)), 28) / 2595) - 1)
    bands = []
    for low, peak, high in zip(edges, edges[1:], edges[2:], strict=False):
        weight = [max(0, min((f - low) / (peak - low), (high - f) / (high - peak))) for f in np.arange(257) * 31.25]
        bands.append(np.log(np.dot(weight, power)))
    angles = np.pi / 26 * (np.arange(26) + 0.5)
    wanted = [np.sqrt(2 / 26) * np.dot(bands, np.cos(i * angles)) for i in range(1, 13)]
    found = features_of_sound([samples]).values[2, [COLUMNS.index(f"mfcc_{i}") for i in range(1, 13)]]
    np.testing.assert_allclose(found, wanted, atol=0.002)


def test_silence_has_no_timbre() -> None:
    channel = features_of_sound([sounds.silence(1)])
    assert (column(channel, "loudness_db") == -100).all()
    assert np.isnan(channel.values[:, 4:-1]).all()
    assert column(channel, "speech_probability").max() < 0.1
    assert not column(channel, "syllable_nuclei").any()


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.0999])
def test_too_little_sound_gives_no_rows(seconds: float) -> None:
    channel = features_of_sound([sounds.noise(seconds)] if seconds else [])
    assert channel.values.shape == (0, 23)
    assert len(features_of_sound([sounds.noise(0.1)])) == 1


@pytest.mark.parametrize(("size", "seconds"), [(160, 1.6), (7777, 8.08), (30_000, 8.08)])
def test_features_do_not_depend_on_the_block(size: int, seconds: float, mixture: sounds.Samples) -> None:
    sound = mixture[: round(seconds * sounds.RATE)]
    whole, blocks = features_of_sound([sound]), features_of_sound(cut(sound, size))
    np.testing.assert_allclose(blocks.values, whole.values, atol=1e-4)


def test_the_block_of_a_file_does_not_matter(mixture: sounds.Samples, tmp_path: Path) -> None:
    path = sounds.write_wav(tmp_path / "s.wav", mixture)
    heard: list[float] = []
    whole, blocks = (
        voice_features(path),
        voice_features(path, block_s=3, on_progress=lambda done, total: heard.append(done)),
    )
    np.testing.assert_allclose(blocks.values, whole.values, atol=1e-4)
    assert heard == pytest.approx([3, 6, 8.08])
    np.testing.assert_allclose(whole.values, features_of_sound([mixture]).values, rtol=0.01, atol=0.5)


def test_times_count_from_the_recordings_start(tmp_path: Path) -> None:
    voice, pitch = sounds.talk(200, 1, rate=48_000)
    tone = np.concatenate([sounds.silence(1, 48_000), voice])
    path = sounds.write_sound(tmp_path / "late.mkv", tone, start_s=1.5, video_start_s=0.0)
    channel = voice_features(path)
    voiced = channel.time_s[~np.isnan(column(channel, "f0_semitones"))] if channel.time_s is not None else []
    right = 2.55 + np.flatnonzero(~np.isnan(sounds.row_pitch(pitch, 48_000))) / 10
    assert [voiced[0], voiced[-1]] == pytest.approx([right[0], right[-1]], abs=0.11)


def test_what_is_wrong_is_told(recordings: Recordings, tmp_path: Path) -> None:
    told: list[Message] = []
    path = sounds.write_sound(tmp_path / "s.mkv", sounds.noise(4, 48_000), gaps=[(1, 3)])
    voice_features(path, on_warning=told.append)
    assert len(told) == 1
    assert "no sound from 1.0 s" in str(told[0])
    with pytest.raises(RecordingError, match="has no sound track"):
        voice_features(recordings())


def test_an_analysis_can_be_cancelled(tmp_path: Path) -> None:
    def stop(done_s: float, total_s: float | None) -> None:
        raise AnalysisCancelled("enough")

    path = sounds.write_wav(tmp_path / "s.wav", sounds.noise(2))
    with pytest.raises(AnalysisCancelled):
        voice_features(path, block_s=1, on_progress=stop)


def test_only_during_leaves_nothing_of_the_others() -> None:
    channel = features_of_sound([sounds.noise(2)])
    kept = only_during(channel, [(1.0, 1.3), (1.2, 1.5), (0.2, 0.2), (-5, 0.1)])
    there = ~np.isnan(column(kept, "loudness_db"))
    np.testing.assert_array_equal(np.nonzero(there)[0], [0, 10, 11, 12, 13, 14])
    np.testing.assert_array_equal(kept.values[there], channel.values[there])
    assert np.isnan(kept.values[~there]).all()
    assert (kept.kind, kept.names) == (channel.kind, channel.names)
    assert np.isnan(only_during(channel, []).values).all()


@pytest.mark.parametrize("interval", [(2.0, 1.0), (0.0, float("nan")), (float("-inf"), 1.0)])
def test_wrong_intervals_are_refused(interval: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="interval"):
        only_during(features_of_sound([sounds.noise(1)]), [interval])
    with pytest.raises(ValueError, match="interval"):
        voice_features("unread.wav", speech_of=[interval])
    with pytest.raises(ValueError, match="no times"):
        only_during(FeatureSeries(np.zeros((2, 1), np.float32)), [])


def test_the_package_does_not_load_torch() -> None:
    code = "import sys, fer_phq.voice; sys.exit(any(m in sys.modules for m in ('torch', 'torchaudio', 'silero_vad')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_analysis_can_be_stopped_while_tracks_are_compared(tmp_path: Path) -> None:
    path = sounds.write_tracks(tmp_path / "s.mkv", [sounds.noise(2), sounds.noise(2, seed=1)])
    calls: list[tuple[float, float | None]] = []
    voice_features(path, on_progress=lambda done_s, total_s: calls.append((done_s, total_s)))
    assert calls[0] == (0.0, None)
    assert calls[-1][0] == pytest.approx(2, abs=0.05)

    def stop(done_s: float, total_s: float | None) -> None:
        raise AnalysisCancelled(f"at {done_s:g} s")

    with pytest.raises(AnalysisCancelled, match="at 0 s"):
        voice_features(path, on_progress=stop)


def talk_with_silence(silence_s: float, *, ends_silent: bool = False) -> FeatureSeries:
    """Two seconds of sound, digital silence that comes as one repeated zero, and (or not) sound again."""
    tone = sounds.voiced(150, 2)
    blocks = [tone, *[np.broadcast_to(np.float32(0), (16_000,))] * round(silence_s), *([] if ends_silent else [tone])]
    return features_of_sound(blocks)


@pytest.mark.parametrize("ends_silent", [False, True])
def test_a_day_of_silence_has_few_rows_and_lasts_as_long(ends_silent: bool) -> None:
    day = talk_with_silence(23 * 3600, ends_silent=ends_silent)
    assert len(day) < 7000
    assert day.time_s is not None
    assert day.duration_s is not None
    total_s = 23 * 3600 + (2 if ends_silent else 4)
    assert day.time_s[-1] == pytest.approx(total_s - 0.05)
    assert day.duration_s.sum() == pytest.approx(total_s)
    assert sorted(day.duration_s)[-2] == pytest.approx(0.1)
    assert np.isnan(column(day, "f0_semitones")[day.duration_s > 1]).all()


def test_silence_that_is_left_out_changes_no_functional(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_speech(series: FeatureSeries) -> dict[str, float]:
        """Its functionals, as if the tones were speech."""
        assert series.time_s is not None
        values = series.values.copy()
        heard = (series.time_s < 1.9) | (series.time_s > series.time_s[-1] - 1.9)
        values[:, COLUMNS.index("speech_probability")] = heard
        return voice_functionals(replace(series, values=values))

    short = talk_with_silence(900)
    assert len(short) < 7000
    functionals = with_speech(short)
    assert functionals["pause_mean_s"] == pytest.approx(900, abs=1)
    assert functionals["speaking_share"] == pytest.approx(3.8 / 904, rel=0.01)
    monkeypatch.setattr(features, "LONGEST_SILENCE", 10**9)
    whole = talk_with_silence(900)
    assert len(whole) == 9040
    assert functionals == pytest.approx(with_speech(whole), nan_ok=True)


@pytest.mark.slow
def test_hours_of_silence_are_not_analysed(monkeypatch: pytest.MonkeyPatch) -> None:
    tone = sounds.voiced(150, 3)
    sound = np.concatenate([tone, sounds.silence(0.05 * 3600 + 0.77), tone])
    pushed: list[int] = []
    push = features.SpeechDetector.push

    def counted(detector: features.SpeechDetector, samples: sounds.Samples) -> sounds.Samples:
        pushed.append(len(samples))
        return push(detector, samples)

    monkeypatch.setattr(features.SpeechDetector, "push", counted)
    quick = features.features_of_sound([sound]).values
    assert sum(pushed) < 45 * 16_000
    odd = features.features_of_sound(np.split(sound, range(7919, len(sound), 7919))).values
    np.testing.assert_array_equal(quick, odd)  # also where it is cut into blocks at odd places
    monkeypatch.setattr(features, "SETTLING_UNITS", 10**6)
    whole = features.features_of_sound([sound]).values
    np.testing.assert_allclose(quick, whole, atol=0.01)
