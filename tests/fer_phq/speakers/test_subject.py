"""Which speaker is the subject: mouths that move with a speaker's speech, with nobody's, with two, and unseen ones."""

from __future__ import annotations

import numpy as np
import pytest

from fer_phq.core.feature_series import FeatureSeries
from fer_phq.speakers import Turn
from fer_phq.speakers.subject import STEP_S, choose_subject, mouth_movement, speech_activity

SECONDS = 120.0


def talk(seconds: float = SECONDS, seed: int = 3) -> list[Turn]:
    """Two speakers who take turns of 1 to 6 s."""
    rng = np.random.default_rng(seed)
    turns: list[Turn] = []
    time_s = 0.5
    while time_s < seconds - 7:
        length_s = rng.uniform(1, 6)
        turns.append(Turn(time_s, time_s + length_s, 1 + len(turns) % 2, 1.0))
        time_s += length_s + rng.uniform(0.1, 0.8)
    return turns


def mouth(turns, speaker: int | None, *, rate: float = 25.0, seconds: float = SECONDS, late_s: float = 0.0):
    """A mouth that opens four times a second while a speaker speaks, and trembles."""
    rng = np.random.default_rng(5)
    time_s = np.arange(0, seconds, 1 / rate)
    spoken = np.zeros(len(time_s))
    for turn in turns:
        if turn.speaker == speaker:
            spoken[(time_s >= turn.start_s + late_s) & (time_s < turn.end_s + late_s)] = 1
    opening = 0.1 * spoken * (1 + np.sin(2 * np.pi * 4 * time_s))
    values = np.stack([opening, 0.8 * opening], axis=1) + rng.normal(0, 0.004, (len(time_s), 2))
    return FeatureSeries(values.astype(np.float32), time_s, "mesh-2", ("mouth_open", "jawOpen"), rate_hz=rate)


@pytest.mark.parametrize("speaker", [1, 2])
def test_the_speaker_with_whose_speech_the_mouth_moves_is_the_subject(speaker):
    choice = choose_subject(talk(), mouth(talk(), speaker), SECONDS)
    assert (choice.speaker, choice.reason) == (speaker, None)
    assert choice.score > 5
    assert choice.correlation > 0.8
    assert choice.lag_s == pytest.approx(0)


@pytest.mark.parametrize("late_s", [-0.2, 0.2])
def test_lips_may_come_before_or_after_the_sound(late_s):
    choice = choose_subject(talk(), mouth(talk(), 2, late_s=late_s), SECONDS)
    assert choice.speaker == 2
    assert choice.lag_s == pytest.approx(-late_s)


def test_a_subject_who_is_silent_is_no_speaker():
    choice = choose_subject(talk(), mouth(talk(), None), SECONDS)
    assert (choice.speaker, choice.reason.code) == (None, "speakers.mouth_still")
    assert choice.score < 3


def test_a_single_speaker_is_the_subject_only_where_the_mouth_moves_with_the_speech():
    turns = [turn for turn in talk() if turn.speaker == 1]
    assert choose_subject(turns, mouth(turns, 1), SECONDS).speaker == 1
    assert choose_subject(turns, mouth(talk(), None), SECONDS).reason.code == "speakers.mouth_still"
    assert choose_subject(turns, mouth(talk(), 2), SECONDS).speaker is None


def test_nobody_is_chosen_of_two_who_speak_at_once():
    turns = [Turn(turn.start_s, turn.end_s, speaker, 1.0) for turn in talk() if turn.speaker == 1 for speaker in (1, 2)]
    choice = choose_subject(turns, mouth(turns, 1), SECONDS)
    assert (choice.speaker, choice.reason.code) == (None, "speakers.mouth_with_two")
    assert choice.reason.params == {"first": 1, "second": 2}


def without(series: FeatureSeries, hidden) -> FeatureSeries:
    values = series.values.copy()
    values[hidden] = np.nan
    return FeatureSeries(values, series.time_s, series.kind, series.names, rate_hz=series.rate_hz)


def test_a_mouth_that_is_hidden_for_half_of_the_time_is_enough_and_half_a_minute_is_needed():
    series = mouth(talk(), 1)
    assert choose_subject(talk(), without(series, series.time_s % 10 < 5), SECONDS).speaker == 1
    choice = choose_subject(talk(), without(series, series.time_s > 25), SECONDS)
    assert (choice.speaker, choice.reason.code) == (None, "speakers.mouth_too_brief")


def test_what_cannot_be_compared_is_said():
    turns = talk()
    lone = [Turn(0.0, SECONDS, 1, 1.0)]
    cases = {
        "speakers.no_turns": choose_subject([], mouth(turns, 1), SECONDS),
        "speakers.no_mouth": choose_subject(turns, None, SECONDS),
        "speakers.mouth_too_seldom": choose_subject(turns, mouth(turns, 1, rate=8), SECONDS),
        "speakers.too_little_speech": choose_subject(lone, mouth(lone, 1), SECONDS),
    }
    assert {code: choice.reason.code for code, choice in cases.items()} == {code: code for code in cases}
    assert all(choice.speaker is None and choice.score is None for choice in cases.values())


def test_turns_and_mouths_outside_of_the_length_do_no_harm():
    turns = [*talk(), Turn(SECONDS + 1, SECONDS + 9, 2, 1.0)]
    assert choose_subject(turns, mouth(talk(), 1, seconds=SECONDS + 20), SECONDS).speaker == 1
    empty = FeatureSeries(np.zeros((0, 2), np.float32), np.zeros(0), "mesh-2", ("mouth_open", "jawOpen"))
    assert choose_subject(turns, empty, SECONDS).reason.code == "speakers.no_mouth"
    no_mouth = FeatureSeries(np.zeros((3000, 1), np.float32), np.arange(3000) / 25, "mesh-2", ("pitch_deg",))
    assert choose_subject(turns, no_mouth, SECONDS).reason.code == "speakers.mouth_too_brief"


def test_speech_and_movement_are_added_up_in_steps():
    activity = speech_activity([Turn(2.0, 4.0, 1, 1.0), Turn(3.0, 3.5, 2, 1.0)], 1, 80)
    assert activity.sum() * STEP_S == pytest.approx(2.0)
    assert activity[25:35] == pytest.approx(np.ones(10))
    series = mouth([Turn(2.0, 4.0, 1, 1.0)], 1, seconds=8)
    movement = mouth_movement(without(series, series.time_s > 6), 8.0)
    assert len(movement) == 80
    assert np.isnan(movement[61:]).all()
    assert np.isfinite(movement[:59]).all()
    assert movement[22:38].min() > movement[:15].max()
