"""The diarization error rate, on answers whose error can be told by hand."""

from __future__ import annotations

import math

import pytest

from fer_phq.speakers import Turn
from training.simulation.talks.error import DiarizationError, diarization_error


def turns(*values: tuple[float, float, int]) -> list[Turn]:
    return [Turn(start, end, speaker, 1.0) for start, end, speaker in values]


TRUTH = turns((0, 10, 1), (10, 20, 2), (18, 24, 1))


def parts(error: DiarizationError) -> tuple[float, ...]:
    return tuple(round(part, 9) for part in (error.missed_s, error.invented_s, error.confused_s, error.speech_s))


def test_the_truth_has_no_error_whatever_speakers_are_called():
    assert parts(diarization_error(TRUTH, TRUTH)) == (0, 0, 0, 26)
    assert parts(diarization_error(TRUTH, turns((0, 10, 2), (10, 20, 1), (18, 24, 2)))) == (0, 0, 0, 26)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ([], (26, 0, 0)),
        (turns((0, 24, 1)), (2, 0, 8)),  # one speaker for all: the second's turn, and the overlap is missed
        (turns((0, 10, 1), (10, 20, 2), (18, 27, 1)), (0, 3, 0)),
        (turns((0, 10, 1), (10, 20, 2), (18, 24, 3)), (0, 0, 6)),  # a third speaker where there are two
        (turns((0, 9, 1), (10, 18, 2), (18, 24, 1)), (3, 0, 0)),
        (turns((0, 12, 1), (12, 20, 2), (18, 24, 1)), (0, 0, 2)),
    ],
)
def test_what_is_missed_invented_and_confused(answer, expected):
    error = diarization_error(TRUTH, answer)
    assert parts(error) == (*expected, 26)
    assert error.rate == pytest.approx(sum(expected) / 26)


def test_a_collar_leaves_out_the_time_around_true_boundaries():
    late = turns((0.2, 10.2, 1), (10.2, 20.2, 2), (18.2, 24.2, 1))
    assert diarization_error(TRUTH, late).rate > 0.03
    within = diarization_error(TRUTH, late, 0.25)
    assert parts(within) == (0, 0, 0, 26 - 0.25 * 2 - 0.5 - 0.5 * 2 - 0.25 - 0.25)
    assert within.rate == 0


def test_errors_add_up_and_silence_has_no_rate():
    error = diarization_error(TRUTH, [])
    assert (error + error).speech_s == 52
    assert math.isnan(diarization_error([], []).rate)
    assert parts(diarization_error([], turns((0, 2, 1)))) == (0, 2, 0, 0)
