"""Turns from frames, windows in time, and the bands and vectors of sound."""

from __future__ import annotations

import numpy as np
import pytest
import sounds

from fer_phq.speakers.encoder import VoiceEncoder, mel_filters, mel_powers
from fer_phq.speakers.segmentation import FRAMES, HOP, STEP_FRAMES, WINDOW, Segmenter, frame_times
from fer_phq.speakers.trace import VoiceTrace
from fer_phq.speakers.turns import Activity, decide_activity, find_turns, join_windows, move_switches

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
    first, second = np.zeros((2, FRAMES, 3), np.uint8)
    first[:, 0] = 255
    second[:, 2] = 204
    speaker_of = np.array([[0, -1, -1], [-1, -1, 1]])
    score = join_windows([first, second], [0, STEP_FRAMES], speaker_of, 800)
    assert score.shape == (800, 2)
    assert (score[:STEP_FRAMES] == [1, 0]).all()
    assert score[STEP_FRAMES:FRAMES] == pytest.approx(np.tile([0.5, 0.4], (FRAMES - STEP_FRAMES, 1)))
    assert score[FRAMES : FRAMES + STEP_FRAMES] == pytest.approx(np.tile([0.0, 0.8], (STEP_FRAMES, 1)))
    assert not score[FRAMES + STEP_FRAMES :].any()


@pytest.mark.parametrize(
    ("score", "likeness", "is_speech", "speaks", "sureness"),
    [
        ((1.0, 0.0), (0.9, 0.1), True, (True, False), 0.95),
        ((1.0, 0.0), (0.02, 0.98), True, (False, True), 0.49),  # alike voices that the windows took for one
        ((1.0, 0.0), (0.3, 0.7), True, (True, False), 0.65),
        ((0.5, 0.4), (0.2, 0.8), True, (False, True), (0.4 / 0.9 + 0.8) / 2 * 0.9),  # the windows disagree
        ((0.9, 0.8), (1.0, 0.0), True, (True, True), 0.9),  # both speak, whoever is louder
        ((0.2, 0.1), (1.0, 0.0), True, (False, False), None),
        ((1.0, 0.0), (1.0, 0.0), False, (False, False), None),
    ],
)
def test_who_speaks_is_weighed_against_whose_voice_it_is(score, likeness, is_speech, speaks, sureness):
    pair = np.array([score], np.float32), np.array([likeness], np.float32)
    decided = decide_activity(*pair, np.array([is_speech]))
    assert decided.speaks[0].tolist() == list(speaks)
    if sureness is not None:
        assert decided.sureness[0, speaks.index(True)] == pytest.approx(sureness, abs=1e-6)


def test_a_single_speaker_needs_no_likeness():
    score = np.array([[0.4], [0.6]], np.float32)
    decided = decide_activity(score, np.ones((2, 1), np.float32), np.ones(2, np.bool_))
    assert decided.speaks.tolist() == [[False], [True]]
    assert decided.sureness == pytest.approx(score)


def test_sound_is_likest_the_voice_that_is_heard():
    low, high = sounds.talk(105, 8, seed=1)[0], sounds.talk(230, 8, seed=2)[0]
    encoder = VoiceEncoder()
    centres = np.stack([encoder.encode(mel_powers(sound), 0.1) for sound in (low, high)]).astype(np.float64)
    sound = np.concatenate([low, sounds.silence(14), high])
    calls = []

    def is_spoken(start: int, stop: int) -> bool:
        calls.append((start, stop))
        return bool(np.abs(sound[start:stop]).max(initial=0) > 0.01)

    trace = VoiceTrace(encoder, is_spoken)
    for first in range(0, len(sound), 9999):
        trace.push(sound[first : first + 9999])
    trace.finish()
    likeness = trace.likeness(centres, np.array([2.0, 6.0, 15.0, 24.0, 28.0]))
    assert likeness.sum(axis=1) == pytest.approx(np.ones(5))
    assert likeness[:2, 0].min() > 0.8
    assert likeness[2] == pytest.approx([0.5, 0.5])  # silence is like nobody
    assert likeness[3:, 1].min() > 0.8
    assert calls[0][0] == 0
    assert calls[-1][1] >= len(sound)


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


def moved_switches(*speakers: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """The runs of each speaker after switches were moved, in frames of a tenth of a second."""
    moved = move_switches(activity(*speakers).speaks, TIMES)
    changes = [np.flatnonzero(np.diff(column.astype(int), prepend=0, append=0)) for column in moved.T]
    return [list(zip(places[::2].tolist(), places[1::2].tolist(), strict=True)) for places in changes]


def test_a_change_of_speaker_beside_a_silence_lies_in_it():
    assert moved_switches([(10, 30), (32, 36)], [(36, 60)]) == [[(10, 30)], [(32, 60)]]
    assert moved_switches([(10, 30)], [(30, 34), (36, 60)]) == [[(10, 34)], [(36, 60)]]


def test_changes_of_speaker_that_may_be_true_stay():
    cases = [
        ([(10, 30), (32, 40)], [(40, 60)]),  # the piece is long enough for its speaker to be known
        ([(10, 30), (32, 36)], [(36, 39)]),  # nobody speaks for longer
        ([(10, 30), (40, 44)], [(44, 60)]),  # the silence is no pause of the same speech
        ([(40, 44)], [(10, 38), (44, 60)]),  # a short word of another between two pieces of speech
        ([(10, 30), (32, 36)], [(34, 60)]),  # both speak at once
        ([(10, 30), (32, 36)], [(38, 60)]),  # there is silence on both sides
        ([(0, 4)], [(4, 60)]),  # the recording begins
    ]
    assert [moved_switches(*speakers) for speakers in cases] == [list(speakers) for speakers in cases]
