"""Talks whose turns are known: what the truth says is what the tracks hold, and what conditions do to them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
import sounds

from fer_phq.core.errors import FerPhqError
from fer_phq.speakers import diarize
from training.simulation.talks.conditions import CONDITIONS, add_noise, pink_noise, reverberate, telephone
from training.simulation.talks.error import diarization_error
from training.simulation.talks.talk import TURN_PAUSE_S, simulate_talk, speech_spans
from training.simulation.talks.voices import RATE, EspeakVoice, FliteVoice, StoredVoice


@dataclass(frozen=True)
class MadeUpVoice:
    """A voice that says vowels, as long as the text and others for each text."""

    hertz: int

    def speak(self, text: str) -> np.ndarray:
        seconds = 0.5 + 0.05 * len(text)
        return sounds.talk(self.hertz, seconds, seed=zlib.crc32(text.encode()), level=1.0, pause_every_s=99)[0]


def power(sound: np.ndarray) -> float:
    return float(np.mean(np.square(sound, dtype=np.float64)))


@pytest.fixture(scope="module")
def talk():
    return simulate_talk([MadeUpVoice(105), MadeUpVoice(220)], 60, np.random.default_rng(1))


def test_turns_are_where_the_tracks_have_sound(talk):
    assert talk.tracks.shape == (60 * RATE, 2)
    for number, track in enumerate(talk.tracks.T):
        own = [turn for turn in talk.turns if turn.speaker == number + 1]
        assert sum(turn.duration_s for turn in own) > 8
        outside = track.copy()
        for turn in own:
            part = track[round(turn.start_s * RATE) : round(turn.end_s * RATE)]
            assert power(part[: RATE // 50]) > 1e-5 * power(part)
            outside[round(turn.start_s * RATE) : round(turn.end_s * RATE)] = 0
        assert np.abs(outside).max() < 0.1 * np.abs(track).max()
        gaps = [later.start_s - turn.end_s for turn, later in pairwise(own)]
        assert min(gaps) >= TURN_PAUSE_S


def test_a_talk_has_overlaps_and_speakers_are_counted_as_they_first_speak(talk):
    ordered = sorted(talk.turns)
    assert ordered[0].speaker == 1
    assert list(talk.turns) == ordered
    overlaps = [min(a.end_s, b.end_s) - b.start_s for a, b in pairwise(ordered) if b.start_s < a.end_s]
    assert overlaps
    assert max(overlaps) < 3
    four = simulate_talk([MadeUpVoice(hertz) for hertz in (90, 150, 210, 270)], 60, np.random.default_rng(2))
    assert {turn.speaker for turn in four.turns} == {1, 2, 3, 4}
    alone = simulate_talk([MadeUpVoice(120)], 20, np.random.default_rng(3))
    assert {turn.speaker for turn in alone.turns} == {1}


def test_the_same_seed_gives_the_same_talk(talk):
    again = simulate_talk([MadeUpVoice(105), MadeUpVoice(220)], 60, np.random.default_rng(1))
    assert again.turns == talk.turns
    assert np.array_equal(again.tracks, talk.tracks)


def test_silence_within_a_phrase_is_not_spoken():
    tone = sounds.sine(200, 1.0)
    sound = np.concatenate([tone, sounds.silence(0.5), tone, sounds.silence(0.1), tone])
    assert speech_spans(sound) == [(0.0, 1.0), (1.5, 3.6)]
    assert speech_spans(sounds.silence(1)) == []


def test_noise_is_as_far_below_speech_as_it_says():
    speech = np.concatenate([sounds.noise(4, level=0.1), sounds.silence(12)])  # spoken for a quarter of the time
    noise = pink_noise(len(speech), np.random.default_rng(0))
    added = add_noise(speech, noise, 10) - speech
    assert 10 * np.log10(power(speech[: 4 * RATE]) / power(added)) == pytest.approx(10, abs=0.5)
    bands = np.abs(np.fft.rfft(noise)) ** 2
    hertz = np.fft.rfftfreq(len(noise), 1 / RATE)
    low, high = (bands[(hertz > f) & (hertz < 1.1 * f)].mean() for f in (200, 3200))
    assert 10 * np.log10(low / high) == pytest.approx(12, abs=1)  # four octaves


def test_a_telephone_carries_its_band_alone():
    def through(hertz: float) -> float:
        tone = sounds.sine(hertz, 2).astype(np.float64)
        return 10 * np.log10(power(telephone(tone)) / power(tone))

    assert through(1000) == pytest.approx(0, abs=0.5)
    assert through(60) < -30
    assert through(6000) < -30


def test_a_room_is_late_with_what_it_gives_back():
    click = np.zeros(RATE, np.float32)
    click[100] = 1
    room = reverberate(click, np.random.default_rng(0))
    assert np.abs(room[:100]).max() < 1e-6
    assert room[100] == pytest.approx(1)
    assert 10 * np.log10(1 / np.sum(room[101:] ** 2)) == pytest.approx(3, abs=0.1)
    early, late = power(room[101 + RATE // 500 :][: RATE // 20]), power(room[101 + RATE // 4 :][: RATE // 20])
    assert 10 * np.log10(early / late) == pytest.approx(30, abs=4)  # a quarter of a second: half of 60 dB


def test_each_condition_changes_the_sound_and_keeps_its_length(talk):
    for name, condition in CONDITIONS.items():
        sound = condition(talk, np.random.default_rng(0))
        assert sound.dtype == np.float32
        assert sound.shape == (60 * RATE,)
        assert np.abs(sound).max() <= 1
        assert power(sound - talk.sound) > 0.001 * power(talk.sound), name


def test_turns_of_made_up_voices_are_found(talk):
    """The whole way: a talk, noise, turns, and their error."""
    sound = CONDITIONS["noise 20 dB below"](talk, np.random.default_rng(0))
    diarization = diarize(sound)
    assert diarization.speakers == 2
    assert diarization_error(talk.turns, diarization.turns).rate < 0.15
    assert diarization_error(talk.turns, diarization.turns, 0.25).rate < 0.05


def test_voices_are_kept(tmp_path):
    voice = StoredVoice(MadeUpVoice(120), tmp_path / "kept", "low")
    first = voice.speak("Yes, certainly.")
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["low.Yes--certainly-.npy"]
    assert np.array_equal(StoredVoice(MadeUpVoice(300), tmp_path / "kept", "low").speak("Yes, certainly."), first)


@pytest.mark.parametrize("voice", [EspeakVoice("en-us+m3", 40), FliteVoice("slt")])
def test_voices_of_programs(voice, monkeypatch):
    try:
        sound = voice.speak("Work was much the same as before.")
    except FerPhqError:
        pytest.skip("the program is not installed")
    assert 1 < len(sound) / RATE < 4
    assert power(sound) == pytest.approx(1, rel=1e-3)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(FerPhqError, match="not installed"):
        voice.speak("Work was much the same as before.")
