"""Pitch of made-up voices whose contour is known: high and rough ones, two speakers, and voices above music or hum."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import sounds

from fer_phq.core.feature_series import FeatureSeries
from fer_phq.voice import COLUMNS, features_of_sound, pitch_path, voice_functionals
from fer_phq.voice.kinds import EARLIER_KIND, KIND, without_earlier_pitch
from fer_phq.voice.pitch import HOP
from fer_phq.voice.pitch_path import find_path, find_steady

OFF = 3.0
"""Semitones from which a row's pitch is another one."""


REFERENCES = {
    320: {"Praat 6.1.38": (42.71, 2.09), "pYIN, librosa 0.11.0": (42.81, 2.12)},
    420: {"Praat 6.1.38": (47.81, 1.22), "pYIN, librosa 0.11.0": (47.91, 1.28)},
}
"""Median and SD in semitones above 27.5 Hz over rows of 0.1 s of rough voices of these heights: by parselmouth 0.4.7
(autocorrelation, floor and ceiling from the quartiles of a first pass), and by librosa.pyin (60 to 1000 Hz, 1024
samples, steps of 10 ms). Both are never more than three semitones off."""


def f0(channel: FeatureSeries) -> sounds.Samples:
    return channel.values[:, COLUMNS.index("f0_semitones")]


def deviations(channel: FeatureSeries, pitch: sounds.Samples) -> sounds.Samples:
    """The rows' deviations from the contour in semitones, of those that have a pitch in both."""
    right = sounds.row_pitch(pitch)
    both = ~np.isnan(f0(channel)) & ~np.isnan(right)
    return f0(channel)[both] - right[both]


def at_db(sound: sounds.Samples, decibels: float) -> sounds.Samples:
    return (sound * 10 ** (decibels / 20)).astype(np.float32)


@pytest.mark.parametrize(("hertz", "seed"), [(420, 420), (560, 560), (320, 320)])
def test_high_voices_keep_their_octave(hertz: float, seed: int) -> None:
    voice, pitch = sounds.talk(hertz, 6, alternation=0.12, seed=seed)
    channel = features_of_sound([voice])
    off = deviations(channel, pitch)
    assert len(off) >= 25
    assert (np.abs(off) > OFF).mean() == 0
    right = sounds.row_pitch(pitch)
    assert np.nanstd(f0(channel)) == pytest.approx(np.nanstd(right), abs=0.4)
    assert np.nanmedian(f0(channel)) == pytest.approx(np.nanmedian(right), abs=0.5)


@pytest.mark.parametrize("hertz", list(REFERENCES))
def test_high_voices_are_as_praat_and_pyin_follow_them(hertz: int) -> None:
    channel = features_of_sound([sounds.talk(hertz, 6, alternation=0.12, seed=hertz)[0]])
    for median, spread in REFERENCES[hertz].values():
        assert np.nanmedian(f0(channel)) == pytest.approx(median, abs=0.6)
        assert np.nanstd(f0(channel)) == pytest.approx(spread, abs=0.4)


def test_a_low_voice_is_not_raised() -> None:
    voice, pitch = sounds.talk(75, 6, seed=1)
    off = deviations(features_of_sound([voice]), pitch)
    assert len(off) >= 25
    assert np.abs(off).max() < OFF


def test_two_speakers_keep_their_octaves() -> None:
    turns = [sounds.talk(90, 3, seed=1), sounds.talk(420, 3, alternation=0.12, seed=2)] * 2
    channel = features_of_sound([np.concatenate([voice for voice, _ in turns])])
    off = deviations(channel, np.concatenate([pitch for _, pitch in turns]))
    assert len(off) >= 50
    assert (np.abs(off) > OFF).mean() == 0


@pytest.mark.parametrize("notes", [(294,), (294, 330, 392, 440, 370)])
@pytest.mark.parametrize("below_db", [0, 5, 10])
def test_pitch_follows_the_voice_above_music(notes: tuple[float, ...], below_db: float) -> None:
    voice, pitch = sounds.talk(98, 8, seed=3)
    channel = features_of_sound([voice + at_db(sounds.melody(notes, 8), -below_db)])
    off = deviations(channel, pitch)
    assert len(off) >= 20
    assert (np.abs(off) > OFF).mean() <= 0.05
    assert np.median(f0(channel)[~np.isnan(f0(channel))]) == pytest.approx(12 * np.log2(98 / 27.5), abs=1)


@pytest.mark.parametrize("note_s", [0.2, 0.3])
def test_pitch_follows_the_voice_above_fast_music(note_s: float) -> None:
    voice, pitch = sounds.talk(98, 8, seed=3)
    tune = sounds.melody((294, 330, 392, 440, 494), 8, note_s=note_s)
    channel = features_of_sound([voice + at_db(tune, -5)])
    off = deviations(channel, pitch)
    assert len(off) >= 20
    assert (np.abs(off) > OFF).mean() <= 0.05
    assert np.nanmedian(f0(channel)) == pytest.approx(12 * np.log2(98 / 27.5), abs=1.5)


def test_pitch_follows_the_voice_above_mains_hum() -> None:
    voice, pitch = sounds.talk(200, 6, seed=4)
    off = deviations(features_of_sound([voice + at_db(sounds.voiced(60, 6), -12)]), pitch)
    assert len(off) >= 25
    assert (np.abs(off) > OFF).mean() == 0


def test_music_alone_is_no_voice() -> None:
    channel = features_of_sound([sounds.melody((98, 147, 196, 294), 6)])
    assert np.isnan(f0(channel)).all()
    functionals = voice_functionals(channel)
    assert functionals["speech_s"] == 0
    assert np.isnan(functionals["f0_mean_semitones"])


def test_where_nobody_speaks_there_is_no_pitch() -> None:
    voice, _ = sounds.talk(150, 4, seed=5)
    channel = features_of_sound([np.concatenate([voice, sounds.voiced(150, 2), voice])])
    assert np.isnan(f0(channel)[42:59]).all()
    assert np.isfinite(f0(channel)[:38]).sum() > 15


@pytest.mark.parametrize("size", [1600, 7777, 50_000])
def test_the_choice_does_not_depend_on_the_block(size: int) -> None:
    sound = sounds.talk(320, 5, alternation=0.12, seed=6)[0] + at_db(sounds.melody((247, 294), 5), -8)
    blocks = [sound[i : i + size] for i in range(0, len(sound), size)]
    np.testing.assert_allclose(f0(features_of_sound(blocks)), f0(features_of_sound([sound])), atol=1e-3)


def test_tones_that_stand_still_are_told_from_glides() -> None:
    frame = np.arange(100)
    still, glide = np.full(100, 30.0, np.float32), np.linspace(20, 24, 100, dtype=np.float32)  # 2.5 semitones a second
    steady = find_steady(frame, np.stack([glide, still], axis=1), np.ones(100, np.bool_))
    assert steady[:, 1].all()
    assert not steady[:, 0].any()
    short = find_steady(frame[:20], still[:20, None], np.ones(20, np.bool_))
    assert not short.any()


def test_a_path_leaps_only_where_the_voice_does() -> None:
    heights = np.tile([24.0, 36.0], (30, 1))
    score = np.tile([-1.0, -0.5], (30, 1))
    score[10:13] = -0.2, -1.8  # three frames that fit the octave below a little better
    np.testing.assert_array_equal(find_path(np.arange(30), heights, score), 1)
    frame = np.r_[np.arange(15), np.arange(15) + 15 + round(0.6 * sounds.RATE / HOP)]
    score = np.repeat([[-0.1, -3.0], [-3.0, -0.1]], 15, axis=0)  # another speaker after a pause
    np.testing.assert_array_equal(find_path(frame, heights, score), np.repeat([0, 1], 15))


def test_a_long_path_is_found_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    frame = np.cumsum(rng.integers(1, 30, 50_000))
    heights, score = rng.uniform(10, 60, (50_000, 5)), np.log(rng.uniform(0.01, 1, (50_000, 5)))
    tracemalloc.start()
    path = find_path(frame, heights, score)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8e6, "all leaps at once would be 10 MB, and as much again for each step of their computation"
    for frames in (1, 7, 100_000):
        monkeypatch.setattr(pitch_path, "_BLOCK", frames)
        np.testing.assert_array_equal(find_path(frame, heights, score), path)


def test_the_pitch_of_an_earlier_version_is_left_out() -> None:
    values = np.ones((5, len(COLUMNS)), np.float32)
    earlier = FeatureSeries(values, np.arange(5) / 10, EARLIER_KIND, COLUMNS)
    upgraded = without_earlier_pitch(earlier)
    assert upgraded.kind == KIND
    assert np.isnan(f0(upgraded)).all()
    np.testing.assert_array_equal(upgraded.values[:, 3:], values[:, 3:])
    assert without_earlier_pitch(upgraded) is upgraded
