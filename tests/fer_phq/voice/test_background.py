"""Talk in the background: made-up voices that babble, and recordings that must not be taken for it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import sounds

from fer_phq.core.messages import Message
from fer_phq.voice import COLUMNS, features_of_sound
from fer_phq.voice.background import find_background
from fer_phq.voice.speech import find_speech

LEVEL = 0.1


def speaks(values: sounds.Samples) -> npt.NDArray[np.bool_]:
    return find_speech(values[:, COLUMNS.index("speech_probability")].astype(np.float64))


@pytest.fixture(scope="module")
def person() -> sounds.Samples:
    """Somebody who says three seconds and is silent for one, four times."""
    turns = [(sounds.talk(180, 3, seed=10 + i, pause_every_s=9)[0], sounds.silence(1)) for i in range(4)]
    return np.concatenate([part for turn in turns for part in turn])


@pytest.fixture(scope="module")
def babble() -> sounds.Samples:
    """Four people who talk at once, at an RMS of 1."""
    count = 16 * sounds.RATE
    voices = [sounds.talk(f0, 7, seed=20 + i)[0] for i, f0 in enumerate((130, 240, 110, 280))]
    talk = np.sum([np.roll(np.resize(voice, count), 4001 * i) for i, voice in enumerate(voices)], axis=0)
    return np.asarray(talk / np.sqrt(np.mean(talk**2)), np.float32)


@pytest.mark.parametrize("snr_db", [5, 10])
def test_babble_does_not_count_as_speech(person: sounds.Samples, babble: sounds.Samples, snr_db: float) -> None:
    told: list[Message] = []
    right = speaks(features_of_sound([person]).values)
    noisy = (person + babble * LEVEL * 10 ** (-snr_db / 20)).astype(np.float32)
    values = features_of_sound([noisy], told.append).values
    speech = speaks(values)
    assert speech.mean() == pytest.approx(right.mean(), abs=0.13)  # without the rule 0.99 of all rows are speech
    assert speech[right].mean() > 0.87
    assert speech[~right].mean() < 0.4
    assert np.isnan(values[~speech, COLUMNS.index("f0_semitones")]).all()
    assert not values[~speech, COLUMNS.index("syllable_nuclei")][values[~speech, 0] == 0].any()
    assert [message.code for message in told] == ["voice.babble"]


def test_nobody_in_the_background_is_not_told_of(person: sounds.Samples) -> None:
    told: list[Message] = []
    features_of_sound([person + sounds.noise(16, level=0.01)], told.append)
    assert told == []


def test_somebody_far_from_the_microphone_is_heard(person: sounds.Samples) -> None:
    told: list[Message] = []
    far = sounds.talk(120, 4, seed=30)[0] * 10 ** (-15 / 20)
    sound = np.concatenate([person, far, person[: 8 * sounds.RATE], far]) + sounds.noise(32, level=LEVEL / 100)
    values = features_of_sound([sound.astype(np.float32)], told.append).values
    alone = speaks(features_of_sound([far.astype(np.float32)]).values)
    assert speaks(values)[160:200].mean() == pytest.approx(alone.mean(), abs=0.1)
    assert told == []


def test_noise_between_words_is_no_babble() -> None:
    """Somebody who never pauses, in steady noise: the quietest rows are not voiced."""
    rng = np.random.default_rng(0)
    speech, level = np.ones(300, np.bool_), np.maximum(rng.normal(-25, 6, 300), -32) + rng.normal(0, 0.3, 300)
    voicing = np.where(level < -31, 0.15, 0.7)
    assert not find_background(speech, voicing, level).babble.any()
    assert find_background(speech, np.full(300, 0.6), level).babble.all()


def test_too_little_is_not_judged() -> None:
    for rows in (0, 1, 99):
        background = find_background(np.ones(rows, np.bool_), np.ones(rows), np.full(rows, -30.0))
        assert background.babble.shape == background.alone.shape == (rows,)
        assert not background.babble.any()


def test_a_window_of_silence_is_none_of_babble() -> None:
    speech = np.r_[np.ones(300, np.bool_), np.zeros(350, np.bool_)]
    level = np.r_[np.tile([-34.0, -32.0, -26.0, -20.0], 75), np.full(350, -100.0)]
    background = find_background(speech, np.full(650, 0.6), level)
    assert background.babble[:300].all()
    assert not background.babble[300:].any()
    assert not background.alone[level > -30].any()
