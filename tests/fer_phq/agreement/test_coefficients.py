"""Coefficients against published examples and scikit-learn."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import cohen_kappa_score

from fer_phq.agreement.coefficients import cohen, fleiss, intraclass, matched, specific
from fer_phq.agreement.intervals import of_tables, undefined, with_interval
from fer_phq.agreement.messages import NO_VARIATION

FLEISS = np.array(
    [
        *([0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]),
        *([7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]),
    ]
)
"""How many of 14 raters put each of ten subjects into each of five categories: kappa is .210."""
SHROUT = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)
"""Shrout & Fleiss 1979, table 2: six targets, four judges; ICC(2,1) is .29."""


def table(one: np.ndarray, other: np.ndarray, categories: int) -> np.ndarray:
    counts = np.zeros((categories, categories))
    np.add.at(counts, (one, other), 1)
    return counts


def test_cohen_is_scikit_learns() -> None:
    generator = np.random.default_rng(1)
    one = generator.integers(0, 4, 300)
    other = np.where(generator.random(300) < 0.6, one, generator.integers(0, 4, 300))
    kappas = cohen(np.stack([table(one, other, 4), table(one, one, 4)]))
    assert kappas == pytest.approx([cohen_kappa_score(one, other), 1.0])


def test_fleiss_is_the_published_one() -> None:
    raters = np.array([np.repeat(np.arange(5), counts) for counts in FLEISS]).T
    tables = sum(table(one, other, 5) for one, other in combinations(raters, 2))
    assert fleiss(tables[None])[0] == pytest.approx(0.210, abs=5e-4)


def test_icc_is_the_published_one() -> None:
    assert intraclass(SHROUT, np.ones((1, 6)))[0] == pytest.approx(0.29, abs=5e-3)
    twice = intraclass(SHROUT, np.full((1, 6), 2.0))[0]
    assert twice == pytest.approx(intraclass(np.vstack([SHROUT, SHROUT]), np.ones((1, 12)))[0])
    assert np.isnan(intraclass(np.full((5, 2), 0.3), np.ones((1, 5)))[0])


def test_specific_agreement_is_twice_what_both_have_over_what_each_has() -> None:
    tables = np.array([[[50.0, 4], [6, 20]], [[9, 0], [0, 0]]])
    values = specific(tables, 1)
    assert values[0] == pytest.approx(2 * 20 / (24 + 26))
    assert np.isnan(values[1])


def test_matched_points_agree_by_chance_as_in_a_log_linear_model() -> None:
    tallies = np.array([[30.0, 4, 7], [3, 18, 5], [6, 9, 0]])
    cells = [(row, column) for row in range(3) for column in range(3) if (row, column) != (2, 2)]
    design = np.array([[row == k for k in range(3)] + [column == k for k in range(3)] for row, column in cells], float)
    model = PoissonRegressor(alpha=0, tol=1e-12, max_iter=10_000).fit(design, [tallies[cell] for cell in cells])
    expected = dict(zip(cells, model.predict(design), strict=True))
    chance = (expected[0, 0] + expected[1, 1]) / tallies.sum()
    observed = (tallies[0, 0] + tallies[1, 1]) / tallies.sum()
    assert matched(tallies[None])[0] == pytest.approx((observed - chance) / (1 - chance), abs=1e-5)


def test_matched_points_without_a_lone_one_have_cohens_kappa() -> None:
    tallies = np.array([[30.0, 4, 0], [3, 18, 0], [0, 0, 0]])
    assert matched(tallies[None]) == pytest.approx(cohen(tallies[None, :2, :2]))
    assert np.isnan(matched(np.array([[[5.0, 1], [2, 0]]]))[0])  # one code alone has no kappa


def test_what_does_not_vary_has_no_kappa() -> None:
    assert np.isnan(cohen(np.array([[[9.0, 0], [0, 0]], [[0, 0], [0, 0]]]))).all()


def test_an_interval_is_as_wide_as_the_standard_error_says() -> None:
    generator = np.random.default_rng(2)
    one = generator.integers(0, 2, 400)
    other = np.where(generator.random(400) < 0.7, one, generator.integers(0, 2, 400))
    tables = np.zeros((400, 2, 2))
    tables[np.arange(400), one, other] = 1
    coefficient = with_interval(of_tables(cohen, tables), 400, NO_VARIATION())
    observed = (one == other).mean()
    expected = sum((one == k).mean() * (other == k).mean() for k in (0, 1))
    error = np.sqrt(observed * (1 - observed) / (400 * (1 - expected) ** 2))  # Cohen 1960, formula 7
    assert coefficient.value == pytest.approx(cohen_kappa_score(one, other))
    assert coefficient.high - coefficient.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert coefficient.low < coefficient.value < coefficient.high
    assert with_interval(of_tables(cohen, tables), 400, NO_VARIATION()) == coefficient


def test_an_interval_that_cannot_be_has_its_reason() -> None:
    tables = np.zeros((12, 2, 2))
    tables[:, 0, 0] = 5
    assert with_interval(of_tables(cohen, tables), 12, NO_VARIATION()) == undefined(NO_VARIATION())
    tables[3] = [[4, 0], [0, 1]]
    rare = with_interval(of_tables(cohen, tables), 12, NO_VARIATION())
    assert (rare.value, rare.low) == (1.0, None)
    assert "rare" in str(rare.reason)
    few = with_interval(of_tables(cohen, tables[:5]), 5, NO_VARIATION())
    assert (few.value, few.low) == (1.0, None)
    assert "5 blocks are too few" in str(few.reason)
