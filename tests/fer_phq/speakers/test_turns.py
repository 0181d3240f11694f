"""Turns from frames, windows in time, and the bands and vectors of sound."""

from __future__ import annotations

import numpy as np
import pytest
import sounds

from fer_phq.speakers.encoder import VoiceEncoder, mel_filters, mel_powers
from fer_phq.speakers.segmentation import FRAMES, HOP, STEP_FRAMES, WINDOW, Segmenter, frame_times
from fer_phq.speakers.turns import Activity, find_turns, join_windows

RATE = sounds.RATE


def activity(*speakers: list[tuple[int, int]], frames: int = 100) -> Activity:
    """Frames of a tenth of a second in which each speaks."""
    speaks = np.zeros((frames, len(speakers)), np.bool_)
    for number, runs in enumerate(speakers):
        for first, last in runs:
            speaks[first:last, number] = True
    return Activity(speaks, np.where(speaks, 0.8, 0.1).astype(np.float32))


TIMES = np.arange(101) / 10


def test_a_short_pause_does_not_end_a_turn():
    turns = find_turns(activity([(10, 20), (22, 30), (34, 40)]), 10.0, TIMES)
    assert [(turn.start_s, turn.end_s) for turn in turns] == [(1.0, 3.0), (3.4, 4.0)]
    assert [turn.confidence for turn in turns] == pytest.approx([0.8, 0.8])  # of the frames that are spoken


def test_speakers_are_counted_as_they_first_speak_and_turns_end_with_the_sound():
    turns = find_turns(activity([(50, 60)], [(20, 30), (80, 100)], []), 9.05, TIMES)
    assert [(turn.start_s, turn.end_s, turn.speaker) for turn in turns] == [
        (2.0, 3.0, 1),
        (5.0, 6.0, 2),
        (8.0, 9.05, 1),
    ]


def test_windows_are_averaged_where_they_overlap():
    one = np.zeros((FRAMES, 3), np.uint8)
    one[:, 0] = 255
    other = np.zeros((FRAMES, 3), np.uint8)
    other[:, 2] = 255
    speaker_of = np.array([[0, -1, -1], [-1, -1, 1]])
    identity = np.array([[0.9, 0, 0], [0, 0, 0.7]], np.float32)
    is_speech = np.ones(STEP_FRAMES + FRAMES, np.bool_)
    is_speech[:10] = False
    joined = join_windows([one, other], [0, STEP_FRAMES], speaker_of, identity, is_speech)
    assert not joined.speaks[:10].any()
    assert joined.speaks[10:STEP_FRAMES].tolist() == [[True, False]] * (STEP_FRAMES - 10)
    assert not joined.speaks[STEP_FRAMES:FRAMES].any()  # the windows disagree: neither has more than half
    assert joined.speaks[FRAMES:].tolist() == [[False, True]] * STEP_FRAMES
    assert joined.sureness[10, 0] == pytest.approx(0.9)
    assert joined.sureness[-1, 1] == pytest.approx(0.7)


def test_windows_tell_when_somebody_speaks():
    start_s, end_s = 7.3, 12.1
    sound = sounds.noise(25, level=0.0005)
    sound[round(start_s * RATE) : round(end_s * RATE)] += sounds.talk(140, end_s - start_s, pause_every_s=99)[0]
    segmenter = Segmenter()
    windows = [*segmenter.push(sound), *segmenter.finish()]
    assert [window.first_frame for window in windows] == [
        STEP_FRAMES * k for k in range(6)
    ]  # later ones have no speech
    times = (frame_times(windows[0].first_frame + FRAMES)[:-1] + frame_times(FRAMES)[1:]) / 2
    speaks = windows[1].active.max(axis=1) > 0.5
    times = times + STEP_FRAMES * HOP / RATE
    assert times[speaks.argmax()] == pytest.approx(start_s, abs=0.1)
    assert (windows[1].alone.sum(axis=1) <= 1).all()
    is_speech = segmenter.speech(len(sound) // HOP)
    heard_s = frame_times(len(is_speech))[:-1][is_speech]
    assert heard_s[0] == pytest.approx(start_s, abs=0.15)
    assert heard_s[-1] == pytest.approx(end_s, abs=0.2)


def test_silence_runs_no_network():
    segmenter = Segmenter()
    assert [*segmenter.push(sounds.silence(60)), *segmenter.finish()] == []


def test_a_window_is_as_long_as_its_frames():
    assert (WINDOW - 991) // HOP + 1 == FRAMES
    assert np.diff(frame_times(5)) == pytest.approx(HOP / RATE)


def test_bands_have_their_frequencies():
    filters = mel_filters()
    assert filters.shape == (201, 40)
    assert filters.sum(axis=0)[10:] * RATE / 400 == pytest.approx(1, rel=0.1)  # each has the area 1
    for hertz, band in ((1000, filters[25].argmax()), (3000, filters[75].argmax())):
        rows = mel_powers(sounds.sine(hertz, 1))
        assert rows.shape == (101, 40)
        assert rows[50].argmax() == band


def test_vectors_tell_voices_apart_at_any_level():
    encoder = VoiceEncoder()

    def vector(hertz: float, seed: int, level: float) -> np.ndarray:
        sound = sounds.talk(hertz, 3, seed=seed, level=level)[0]
        return encoder.encode(mel_powers(sound), float(np.sqrt(np.mean(sound**2))))

    loud, soft, other = vector(110, 0, 0.2), vector(110, 0, 0.002), vector(240, 1, 0.1)
    assert np.linalg.norm(loud) == pytest.approx(1, abs=1e-5)
    assert loud @ soft == pytest.approx(1, abs=1e-4)
    assert loud @ vector(110, 5, 0.1) > 0.85 > 0.7 > loud @ other
