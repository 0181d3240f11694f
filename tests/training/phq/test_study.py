"""On simulated people: intervals cover what they say, a known signal is found, and nothing where nothing is."""

import numpy as np
import pytest

from benchmarks import bench_phq
from training.phq.data.dataset import build_head_data
from training.simulation.sessions import Cohort, simulate

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pool():
    return build_head_data(simulate(Cohort(2000, seconds=(60, 180)), 0).data, bench_phq.FACE).matrix


@pytest.mark.parametrize(("people", "cohorts"), [(30, 200), (300, 60)])
def test_ninety_percent_is_ninety_percent(pool, people, cohorts):
    shares, widths = bench_phq.measure_coverage(pool, people, cohorts)
    assert 0.88 <= shares.mean() <= (0.96 if people < 40 else 0.93), "of thirty people each end leaves one out"
    assert widths.mean() < 20


def test_a_known_signal_is_found_again():
    for name, found, oracle, *_ in bench_phq.measure_recovery(300, 0):
        assert found > 0.95 * oracle, name


def test_where_nothing_is_nothing_is_found():
    rows = np.array(bench_phq.measure_nothing(300, 4))
    assert abs(rows[:, 1].mean()) < 0.04
    assert rows[:, 2].mean() <= 0.005
