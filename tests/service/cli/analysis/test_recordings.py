"""The table that `fer-phq analyze` prints on a terminal."""

from __future__ import annotations

import numpy as np
import pytest

from fer_phq.behaviour.columns import KIND
from fer_phq.behaviour.series import COLUMNS
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.speakers.files.series import BY_VOICES, turn_series
from fer_phq.speakers.turn import Turn
from service.cli.analysis.recordings import partner_text, speakers_text

TURNS = (Turn(0.0, 3.0, 1, 0.9), Turn(3.5, 5.0, 2, 0.9), Turn(6.0, 7.0, 1, 0.9))


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (2, "1 talks 4.0 s, 2 (the subject) talks 1.5 s"),
        (None, "1 talks 4.0 s, 2 talks 1.5 s; which one is the subject is not known"),
    ],
)
def test_speakers_are_listed_with_how_long_they_talk(subject: int | None, text: str) -> None:
    assert speakers_text(turn_series(TURNS, subject, BY_VOICES)) == text


def test_a_recording_without_a_turn_says_so() -> None:
    assert speakers_text(turn_series((), None, BY_VOICES)) == "nobody speaks"


def test_how_much_of_the_partner_was_followed_is_a_share_of_the_recording() -> None:
    values = np.zeros((100, len(COLUMNS)), np.float32)
    values[:50] = np.nan
    series = FeatureSeries(values, np.arange(100) / 10, KIND, COLUMNS, np.full(100, 0.1), 10.0)
    assert partner_text(series, 20.0) == "followed too, in 25% of the recording; not stored"
