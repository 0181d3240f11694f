"""Coverage by severity and by group, with people as the unit."""

import numpy as np
import pytest

from fer_phq.core.phq import Scale
from training.phq.controls.coverage import measure_coverage, wilson_interval
from training.phq.selection import Bounds


def test_scores_are_counted_by_side_and_by_band():
    scores = np.arange(25.0)
    bounds = Bounds(np.zeros(25), np.full(25, 12.0))
    coverage = measure_coverage(bounds, scores, np.arange(25), Scale.PHQ8)
    shares = {f"{group.column} {group.value}".strip(): group.covered.value for group in coverage}
    assert shares == {
        "all": pytest.approx(13 / 25),
        "score 0 to 9": 1,
        "score 10 to 24": pytest.approx(3 / 15),
        "score 0 to 4": 1,
        "score 5 to 9": 1,
        "score 10 to 14": pytest.approx(3 / 5),
        "score 15 to 19": 0,
        "score 20 to 24": 0,
    }
    assert {group.width for group in coverage} == {12}


def test_groups_of_few_people_are_left_out_and_sessions_do_not_count_twice():
    subjects = np.repeat(np.arange(12), 5)
    groups = [{"sex": "f" if person < 8 else "m", "note": f"Jane {person}"} for person in subjects]
    coverage = measure_coverage(Bounds(np.zeros(60), np.full(60, 24.0)), np.full(60, 3.0), subjects, Scale.PHQ8, groups)
    sex = [group for group in coverage if group.column not in ("all", "score")]
    assert [(group.column, group.value, group.sessions, group.subjects) for group in sex] == [("sex", "f", 40, 8)]
    assert sex[0].covered.low == pytest.approx(wilson_interval(1, 8).low)


def test_wilsons_interval_is_that_of_the_literature():
    """Altman et al., 2000, Statistics with Confidence: 81 of 263, 0.255 to 0.366."""
    bounded = wilson_interval(81 / 263, 263)
    assert (bounded.low, bounded.high) == (pytest.approx(0.255, abs=1e-3), pytest.approx(0.366, abs=1e-3))
    assert wilson_interval(1, 10).high == 1
    assert wilson_interval(0, 10).low == 0
