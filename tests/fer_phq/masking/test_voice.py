"""Changed voices: pitch and formants move, rhythm and length stay, and pieces do not show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import sounds
from scipy.signal import spectrogram

from fer_phq.core.arrays import FloatArray
from fer_phq.masking.voice import COEFFICIENTS, SEMITONES, NoiseMask, SoundMask, VoiceChange, VoiceMask, draw_change
from fer_phq.voice.pitch import PitchTracker


def masked(mask: SoundMask, samples: FloatArray, sizes: Sequence[int] = ()) -> FloatArray:
    ends = [*np.cumsum(sizes), len(samples)]
    pieces = [mask.push(samples[start:end]) for start, end in zip([0, *ends], ends, strict=False)]
    return np.concatenate([*pieces, mask.finish()])


def pitch(samples: FloatArray) -> float:
    """The median pitch in semitones above 27.5 Hz."""
    tracker = PitchTracker()
    candidates = np.concatenate([tracker.push(samples)[1], tracker.finish()[1]])
    return float(np.median(candidates[:, 0, 0]))


def bands(samples: FloatArray) -> list[FloatArray]:
    """The loudness over time of all, and of the bands of the first formants and above."""
    frequency, _, power = spectrogram(samples, 16_000, nperseg=400, noverlap=240)
    ranges = ((0, 7000), (100, 1000), (1000, 2500), (2500, 7000))
    return [np.log(power[(frequency >= low) & (frequency < high)].sum(axis=0) + 1e-9) for low, high in ranges]


def centroid(samples: FloatArray) -> float:
    frequency, _, power = spectrogram(samples, 16_000)
    return float((power.sum(axis=1) * frequency).sum() / power.sum())


VOICES = {name: sounds.talk(f0, 4, seed=int(f0))[0] for name, f0 in (("low", 110.0), ("high", 210.0))}


@pytest.mark.parametrize("semitones", [-4.0, 4.0])
@pytest.mark.parametrize("voice", VOICES)
def test_the_pitch_moves_and_the_rhythm_of_every_band_stays(voice: str, semitones: float) -> None:
    samples = VOICES[voice]
    changed = masked(VoiceMask(VoiceChange(2 ** (semitones / 12), 0.8)), samples)
    assert len(changed) == len(samples)
    assert pitch(changed) - pitch(samples) == pytest.approx(semitones, abs=0.8)
    likeness = [np.corrcoef(before, after)[0, 1] for before, after in zip(bands(samples), bands(changed), strict=True)]
    assert min(likeness) > 0.7, likeness
    level = np.sqrt(np.mean(changed**2) / np.mean(samples**2))
    assert 0.6 < level < 1.5


def test_the_formants_move_where_the_pitch_does_not() -> None:
    samples = VOICES["low"]
    changed = masked(VoiceMask(VoiceChange(1.0, 0.75)), samples)
    assert pitch(changed) == pytest.approx(pitch(samples), abs=0.3)
    assert centroid(changed) > 1.15 * centroid(samples)


def test_pieces_do_not_show() -> None:
    samples = VOICES["high"][:20_000]
    change = VoiceChange(0.8, 0.8)
    whole = masked(VoiceMask(change), samples)
    pieces = masked(VoiceMask(change), samples, (1, 399, 7000, 5))
    np.testing.assert_allclose(whole, pieces, atol=1e-5)


@pytest.mark.parametrize("count", [0, 1, 100, 319, 5000])
def test_short_sound_silence_and_full_scale_keep_their_length(count: int) -> None:
    rng = np.random.default_rng(0)
    loud = rng.uniform(-1, 1, count).astype(np.float32)
    for samples in (np.zeros(count, np.float32), loud):
        for mask in (VoiceMask(), NoiseMask()):
            changed = masked(mask, samples)
            assert changed.shape == samples.shape
            assert np.isfinite(changed).all()
            assert np.abs(changed).max(initial=0) <= 1
    assert not masked(VoiceMask(), np.zeros(count, np.float32)).any()


def test_noise_is_as_loud_and_holds_nothing_of_the_voice() -> None:
    samples = VOICES["high"]
    noise = masked(NoiseMask(), samples)
    steps = len(samples) // 1600
    before, after = (np.sqrt(np.mean(s[: steps * 1600].reshape(steps, -1) ** 2, axis=1)) for s in (samples, noise))
    assert np.corrcoef(before, after)[0, 1] > 0.98
    assert abs(np.corrcoef(samples, noise)[0, 1]) < 0.05


def test_each_export_draws_its_own_change() -> None:
    changes = [draw_change() for _ in range(40)]
    assert len({change.ratio for change in changes}) == 40
    moved = [abs(12 * np.log2(change.ratio)) for change in changes]
    assert SEMITONES[0] <= min(moved)
    assert max(moved) <= SEMITONES[1]
    assert {change.ratio > 1 for change in changes} == {True, False}
    assert all(COEFFICIENTS[0] <= change.coefficient <= COEFFICIENTS[1] for change in changes)
