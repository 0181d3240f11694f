"""Utterances: all speech is in one, none is longer than the model takes, and a cut between speakers loses nothing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fer_phq.speakers import Turn
from fer_phq.transcription.utterances import MARGIN, TurnDivider, Utterance, UtteranceCutter, find_utterances
from tests.fer_phq.transcription.conftest import RATE


def test_pauses_end_utterances_and_sound_is_where_it_says(phrases):
    utterances = list(find_utterances([phrases]))
    assert [round(utterance.start / RATE) for utterance in utterances] == [0, 7]  # a second lies between the two
    for utterance in utterances:
        first = utterance.start - utterance.offset
        assert np.array_equal(utterance.samples, phrases[first : first + len(utterance.samples)])
        assert 0 <= utterance.offset <= MARGIN


def test_speech_without_a_pause_is_cut_and_nothing_of_it_is_lost(phrases):
    sound = np.tile(phrases[round(0.4 * RATE) : round(1.2 * RATE)], 20)  # "Ever tried" without any pause
    utterances = list(find_utterances([sound], 4.0))
    assert len(utterances) >= 4
    assert max(len(utterance.samples) for utterance in utterances) <= 4.0 * RATE
    for before, after in itertools.pairwise(utterances):
        assert 0 <= after.start - before.stop <= 0.3 * RATE


def test_only_the_present_utterance_is_held(phrases):
    cutter = UtteranceCutter()
    for _ in range(3):
        for start in range(0, len(phrases), RATE):
            cutter.push(phrases[start : start + RATE])
            assert len(cutter._sound) < 7 * RATE
        cutter.push(np.zeros(RATE, np.float32))


def test_divided_where_the_speaker_changes():
    samples = np.arange(4 * RATE, dtype=np.float32)
    utterance = Utterance(10 * RATE, 14 * RATE, samples, 0)
    turns = [Turn(9, 11.5, 1, 1.0), Turn(12, 12.05, 3, 1.0), Turn(12, 20, 2, 1.0), Turn(30, 31, 4, 1.0)]
    parts = TurnDivider(turns).divide(utterance)
    assert [(part.start / RATE, part.stop / RATE, part.speaker) for part in parts] == [
        (10, 12, "Speaker 1"),
        (12, 14, "Speaker 2"),
    ]
    assert np.array_equal(np.concatenate([part.samples for part in parts]), samples)
    (alone,) = TurnDivider([]).divide(utterance)
    assert alone.speaker is None
    assert len(alone.samples) == len(samples)


@pytest.mark.parametrize(
    ("turns", "overlap"), [([Turn(0, 20, 1, 1.0), Turn(11, 13, 2, 1.0)], [0, 1, 0]), ([Turn(0, 20, 1, 1.0)], [0])]
)
def test_overlap_is_the_share_in_which_another_speaks(turns, overlap):
    utterance = Utterance(10 * RATE, 14 * RATE, np.zeros(4 * RATE, np.float32), 0)
    assert [part.overlap for part in TurnDivider(turns).divide(utterance)] == overlap
