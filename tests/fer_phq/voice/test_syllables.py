"""Peaks of loudness are those of the library, whose import every start would pay for."""

import numpy as np
import pytest
from scipy.signal import find_peaks as reference

from fer_phq.voice.syllables import DIP_DB, find_peaks


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("step", [0.0, 0.5, 4.0])
def test_peaks_are_those_of_scipy(seed, step):
    rng = np.random.default_rng(seed)
    values = np.cumsum(rng.normal(size=3000)) + 6 * rng.normal(size=3000)
    values = np.round(values / step) * step if step else values  # steps make plateaus
    lowest = float(np.percentile(values, 30))
    expected, _ = reference(values, height=lowest, prominence=DIP_DB, wlen=101)
    assert len(expected) > 20
    np.testing.assert_array_equal(find_peaks(values, lowest), expected)


def test_silence_and_ends_have_no_peaks():
    silent = np.full(50, -np.inf)
    assert len(find_peaks(silent, -20)) == 0
    assert len(find_peaks(np.array([5.0, 1, 5]), 0)) == 0
    assert find_peaks(np.array([-np.inf, 3, 3, 3, -np.inf, 9]), 0).tolist() == [2]
