"""Simulated mouths move with the voice of their own, and otherwise as their habits say."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import sounds

from fer_phq.speakers import Turn
from training.simulation.talks.mouth import MouthHabits, draw_habits, simulate_mouth
from training.simulation.talks.talk import Talk

PLAIN = MouthHabits(0.2, 0.001, 0.0, 25.0, 0.0, 0.0, 0.0, 0.0)


def two_voices() -> Talk:
    tracks = np.zeros((20 * sounds.RATE, 2), np.float32)
    tracks[2 * sounds.RATE : 6 * sounds.RATE, 0] = sounds.talk(120, 4, pause_every_s=99)[0]
    tracks[10 * sounds.RATE : 14 * sounds.RATE, 1] = sounds.talk(200, 4, pause_every_s=99)[0]
    return Talk(tracks, (Turn(2, 6, 1, 1.0), Turn(10, 14, 2, 1.0)))


def opening(series, start_s: float, end_s: float) -> np.ndarray:
    return series.values[(series.time_s >= start_s) & (series.time_s < end_s), 0]


@pytest.mark.parametrize(("speaker", "spoken", "silent"), [(0, (2.2, 5.8), (10, 14)), (1, (10.2, 13.8), (2, 6))])
def test_lips_open_while_their_speaker_speaks(speaker, spoken, silent):
    series = simulate_mouth(two_voices(), speaker, PLAIN, np.random.default_rng(1))
    assert opening(series, *spoken).mean() > 0.08
    assert opening(series, *silent).max() < 0.01
    assert len(series) == 500


def test_lips_lead_the_sound_by_what_their_habits_say():
    early = simulate_mouth(two_voices(), 0, dataclasses.replace(PLAIN, lead_s=0.2), np.random.default_rng(1))
    begins = [early.time_s[np.argmax(early.values[:, 0] > 0.03)]]
    plain = simulate_mouth(two_voices(), 0, PLAIN, np.random.default_rng(1))
    begins.append(plain.time_s[np.argmax(plain.values[:, 0] > 0.03)])
    assert begins[1] - begins[0] == pytest.approx(0.2, abs=0.05)


def test_who_only_listens_smiles_chews_and_fidgets():
    still = simulate_mouth(two_voices(), None, PLAIN, np.random.default_rng(1))
    assert still.values[:, 0].max() < 0.01
    for habit in ({"smiles_per_min": 30.0}, {"chewing_share": 0.8}, {"fidgets_per_min": 60.0}):
        moved = simulate_mouth(two_voices(), None, dataclasses.replace(PLAIN, **habit), np.random.default_rng(1))
        assert moved.values[:, 0].max() > 0.02


def test_a_hidden_mouth_has_no_rows_and_habits_are_drawn_within_their_bounds():
    hidden = simulate_mouth(two_voices(), 0, dataclasses.replace(PLAIN, hidden_share=0.5), np.random.default_rng(1))
    assert 0.1 < np.isnan(hidden.values[:, 0]).mean() < 0.9
    habits = [draw_habits(np.random.default_rng(seed)) for seed in range(50)]
    assert {drawn.rate_hz for drawn in habits} == {15.0, 25.0, 30.0}
    assert max(drawn.hidden_share for drawn in habits) <= 0.5
