"""Which prediction interval to ship: coverage, width and score of several, on made-up people of known kinds.

    python benchmarks/bench_intervals.py                      # ten minutes of one core
    python benchmarks/bench_intervals.py --cohorts 10 --people 25

People have a PHQ-8 total and sessions of 13 numbers, of which eight go with the total, weakly; a ridge regression reads
them. Conditions: totals as in DAIC-WOZ (mean 6.7, SD 5.8); skewed ones (mean 4, SD 5.5); noise that a thirteenth number
gives away, up to three times more or less; 1 to 8 sessions a person, the more the higher the total; all three at once.
Every method has the same folds, grouped by person, and is judged on one session each of 500 new people.

Columns: coverage of all, of totals of 10 and above, and of sessions of the noisiest quarter, at a nominal 90 %; width
in points; and the interval score, width + 20 x the distance by which a total is missed, which is lowest in expectation
for the true quantiles (Gneiting & Raftery, 2007, J Am Stat Assoc 102:359-378).

The rule by which a method is shipped: of those that cover at least 89 % of all people in the mean of every row, and
whose interval score, meaned over all rows, is at most 5 % above that of plain CV+, the one whose least coverage of
totals of 10 and above is highest.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from mapie.regression import ConformalizedQuantileRegressor
from sklearn.linear_model import QuantileRegressor
from sklearn.model_selection import GroupKFold, GroupShuffleSplit

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from fer_phq.core.phq import Scale  # noqa: E402
from fer_phq.models.conformal import (  # noqa: E402
    FoldErrors,
    conformal_bounds,
    cross_conformal,
    expected_errors,
    scale_errors,
    weigh_sessions,
    weighted_bound,
)
from training.phq.models.candidates import FeatureMatrix, fit_regressor  # noqa: E402
from training.phq.models.intervals import ALONE, FOLDS, LEVEL  # noqa: E402
from training.phq.models.ridge import BlockScaler  # noqa: E402
from training.plots.markdown import markdown_table  # noqa: E402

PEOPLE = (25, 60, 200)
NEW_PEOPLE = 500
TAIL = (1 + LEVEL) / 2
MAXIMUM = Scale.PHQ8.maximum
SHIPS = "signed, scaled by estimate, by person"
PLAIN = "plain CV+"


@dataclass(frozen=True)
class Condition:
    """How people differ from what an interval would like.

    Attributes:
        name: Its name.
        totals: Mean and SD of the totals.
        noise: How the noise of a session goes with its last number: log of the factor at 1.
        sessions: Sessions a person beyond the first, for each point of the total.
    """

    name: str
    totals: tuple[float, float] = (6.67, 5.75)
    noise: float = 0.0
    sessions: float = 0.0


CONDITIONS = (
    Condition("as DAIC-WOZ"),
    Condition("skew", totals=(4.0, 5.5)),
    Condition("unequal noise", noise=1.2),
    Condition("unequal sessions", sessions=0.3),
    Condition("all three", totals=(4.0, 5.5), noise=1.2, sessions=0.3),
)


def draw_people(
    people: int, condition: Condition, rng: np.random.Generator, one_session: bool = False
) -> FeatureMatrix:
    """Draw people with their sessions."""
    mean, sd = condition.totals
    shape = (mean / sd) ** 2
    totals = np.clip(np.rint(rng.gamma(shape, mean / shape, people)), 0, MAXIMUM)
    counts = np.ones(people, int) if one_session else 1 + rng.poisson(condition.sessions * totals)
    subjects = np.repeat(np.arange(people), counts)
    loads = np.r_[np.linspace(0.45, 0.15, 8), np.zeros(4)]
    quality = rng.uniform(-1, 1, len(subjects))
    noise = 0.8 * rng.normal(size=(people, 12))[subjects] + 0.6 * rng.normal(size=(len(subjects), 12))
    signal = loads * ((totals[subjects] - mean) / sd)[:, None]
    rows = np.c_[signal + noise * np.exp(condition.noise * quality)[:, None], quality]
    return FeatureMatrix(rows, totals[subjects], subjects, ("first",) * 6 + ("second",) * 6 + ("quality",))


@dataclass(frozen=True, eq=False)
class Fitted:
    """A cohort's folds, and what they say of the cohort and of new people.

    Attributes:
        cohort: m labelled sessions.
        new: n new sessions.
        fold_of: (m,) the fold that left each out.
        estimates: (m,) by that fold.
        fold_estimates: (folds, n) of the new sessions.
        features_scale: (m,) and (folds, n): the error to expect, by a ridge on the features of log errors.
        lines: (2, m) and (2, folds, n): quantiles at 5 and 95 % by lines on the estimate.
    """

    cohort: FeatureMatrix
    new: FeatureMatrix
    fold_of: np.ndarray
    estimates: np.ndarray
    fold_estimates: np.ndarray
    features_scale: tuple[np.ndarray, np.ndarray]
    lines: tuple[np.ndarray, np.ndarray]

    @property
    def errors(self) -> np.ndarray:
        """(m,) totals less estimates."""
        return self.cohort.totals - self.estimates


def fit_folds(cohort: FeatureMatrix, new: FeatureMatrix, seed: int) -> Fitted:
    """Fit the folds as `training.phq.models.intervals.calibrate` does, and what candidates need of them."""
    people = cohort.subject_count
    folds = GroupKFold(people if people <= ALONE else FOLDS, shuffle=True, random_state=seed)
    fold_of = np.zeros(len(cohort), int)
    estimates = np.zeros(len(cohort))
    fold_estimates = []
    for number, (train, test) in enumerate(folds.split(cohort.rows, groups=cohort.subjects)):
        regressor = fit_regressor("ridge", cohort.take(train))
        fold_of[test] = number
        estimates[test] = regressor.predict(cohort.take(test).described)
        fold_estimates.append(regressor.predict(new.described))
    everyone = np.stack(fold_estimates)
    scales = _scale_by_features(cohort, new, fold_of, estimates, len(everyone))
    lines = _draw_lines(cohort, fold_of, estimates, everyone)
    return Fitted(cohort, new, fold_of, estimates, everyone, scales, lines)


def _scale_by_features(
    cohort: FeatureMatrix, new: FeatureMatrix, fold_of: np.ndarray, estimates: np.ndarray, folds: int
) -> tuple[np.ndarray, np.ndarray]:
    mine = np.zeros(len(cohort))
    theirs = np.zeros((folds, len(new)))
    logs = np.log(np.abs(cohort.totals - estimates) + 0.5)
    for fold in range(folds):
        rest = np.flatnonzero(fold_of != fold)
        regressor = fit_regressor("ridge", replace(cohort.take(rest), totals=logs[rest]))
        mine[fold_of == fold] = np.exp(regressor.predict(cohort.take(np.flatnonzero(fold_of == fold)).described))
        theirs[fold] = np.exp(regressor.predict(new.described))
    return mine, theirs


def _draw_lines(
    cohort: FeatureMatrix, fold_of: np.ndarray, estimates: np.ndarray, fold_estimates: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    mass = weigh_sessions(cohort.subjects) * (cohort.subject_count + 1)
    mine = np.zeros((2, len(cohort)))
    theirs = np.zeros((2, *fold_estimates.shape))
    for fold, estimated in enumerate(fold_estimates):
        rest = fold_of != fold
        for side, quantile in enumerate((1 - TAIL, TAIL)):
            line = QuantileRegressor(quantile=quantile, alpha=0.01, solver="highs")
            line.fit(estimates[rest][:, None], cohort.totals[rest], sample_weight=mass[rest])
            mine[side, ~rest] = line.predict(estimates[~rest][:, None])
            theirs[side, fold] = line.predict(estimated[:, None])
    return mine, theirs


Ends = tuple[np.ndarray, np.ndarray]


def compute_intervals(fitted: Fitted, seed: int) -> dict[str, Ends]:
    """Compute the intervals of all methods."""
    subjects = fitted.cohort.subjects
    session_mass = np.full(len(subjects), 1 / (len(subjects) + 1))
    mass = weigh_sessions(subjects)
    estimates = fitted.fold_estimates[fitted.fold_of]
    scaled = scale_errors(fitted.estimates, fitted.cohort.totals, fitted.fold_of, subjects)
    absolute = replace(scaled, errors=np.abs(scaled.errors))
    mine, theirs = fitted.features_scale
    by_features = (fitted.errors / mine)[:, None] * theirs[fitted.fold_of]
    errors = fitted.errors[:, None]
    intervals = {
        PLAIN: cross_conformal(fitted.fold_estimates, fitted.fold_of, np.abs(fitted.errors), LEVEL),
        "by person": _symmetric(estimates, errors, mass),
        "signed": _signed(estimates, errors, session_mass),
        "signed, by person": _signed(estimates, errors, mass),
        "scaled by estimate, by person": _scaled_symmetric(absolute, fitted.fold_estimates),
        SHIPS: conformal_bounds(scaled, fitted.fold_estimates, LEVEL),
        "scaled by features, by person": _symmetric(estimates, by_features, mass),
        "signed, scaled by features, by person": _signed(estimates, by_features, mass),
        "quantile lines, by person": _quantile_lines(fitted, mass),
        "by band, by person": _by_band(fitted, estimates + errors),
    }
    if fitted.cohort.subject_count >= min(PEOPLE[1:]):
        intervals["quantile regression, split (MAPIE)"] = _split_quantiles(fitted, seed)
    return intervals


def _symmetric(estimates: np.ndarray, errors: np.ndarray, mass: np.ndarray) -> Ends:
    sizes = np.abs(errors)
    return -weighted_bound(sizes - estimates, mass, LEVEL), weighted_bound(estimates + sizes, mass, LEVEL)


def _signed(estimates: np.ndarray, errors: np.ndarray, mass: np.ndarray) -> Ends:
    return -weighted_bound(-estimates - errors, mass, TAIL), weighted_bound(estimates + errors, mass, TAIL)


def _scaled_symmetric(absolute: FoldErrors, fold_estimates: np.ndarray) -> Ends:
    assert absolute.lines is not None
    assert absolute.mass is not None
    sizes = absolute.errors[:, None] * expected_errors(absolute.lines, fold_estimates)[absolute.fold_of]
    estimates = fold_estimates[absolute.fold_of]
    return _symmetric(estimates, sizes, absolute.mass)


def _quantile_lines(fitted: Fitted, mass: np.ndarray) -> Ends:
    """Conformalised quantile regression (Romano et al., 2019) of totals on estimates, over folds."""
    mine, theirs = fitted.lines
    totals = fitted.cohort.totals
    beyond = np.maximum(mine[0] - totals, totals - mine[1])[:, None]
    low, high = theirs[:, fitted.fold_of]
    return -weighted_bound(beyond - low, mass, LEVEL), weighted_bound(high + beyond, mass, LEVEL)


def _by_band(fitted: Fitted, reached: np.ndarray) -> Ends:
    """Ask of each total whether it is usual on its side of 10: both sides are covered, whatever it takes."""
    count = len(fitted.new)
    low = np.full(count, np.inf)
    high = np.full(count, -np.inf)
    for first, last, members in (
        (0, 9, fitted.cohort.totals < 10),
        (10, MAXIMUM, fitted.cohort.totals >= 10),
    ):
        lower = np.full(count, -np.inf)
        upper = np.full(count, np.inf)
        if members.any():
            mass = weigh_sessions(fitted.cohort.subjects[members])
            lower = -weighted_bound(-reached[members], mass, TAIL)
            upper = weighted_bound(reached[members], mass, TAIL)
        lower = np.maximum(lower, first)
        upper = np.minimum(upper, last)
        usual = lower <= upper
        low = np.where(usual, np.minimum(low, lower), low)
        high = np.where(usual, np.maximum(high, upper), high)
    middle = np.clip(fitted.fold_estimates.mean(0), 0, MAXIMUM)
    return np.where(low <= high, low, middle), np.where(low <= high, high, middle)


def _split_quantiles(fitted: Fitted, seed: int) -> Ends:
    """Conformalise linear quantile regression on the features, a third of the people held out, by MAPIE."""
    cohort = fitted.cohort
    scaler = BlockScaler(cohort.blocks).fit(cohort.rows)
    split = GroupShuffleSplit(1, test_size=1 / 3, random_state=seed)
    train, rest = next(split.split(cohort.rows, groups=cohort.subjects))
    rows = scaler.transform(cohort.rows)
    regressor = QuantileRegressor(alpha=0.02, solver="highs")
    conformal = ConformalizedQuantileRegressor(regressor, confidence_level=LEVEL)
    conformal.fit(rows[train], cohort.totals[train]).conformalize(rows[rest], cohort.totals[rest])
    _, ends = conformal.predict_interval(scaler.transform(fitted.new.rows))
    return ends[:, 0, 0], ends[:, 1, 0]


def judge(ends: Ends, fitted: Fitted) -> list[float]:
    """Return coverage of all, of totals from 10 on and of noisy sessions, width, and interval score."""
    totals = fitted.new.totals
    middle = np.clip(fitted.fold_estimates.mean(0), 0, MAXIMUM)
    low = np.clip(ends[0], 0, middle)
    high = np.clip(ends[1], middle, MAXIMUM)
    covered = (low <= totals) & (totals <= high)
    missed = np.maximum(low - totals, 0) + np.maximum(totals - high, 0)
    noisy = fitted.new.rows[:, -1] > 0.5
    score = (high - low + 2 / (1 - LEVEL) * missed).mean()
    shares = [covered.mean(), covered[totals >= 10].mean(), covered[noisy].mean()]
    return [float(value) for value in (*shares, (high - low).mean(), score)]


def measure(condition: Condition, people: int, cohorts: int) -> dict[str, np.ndarray]:
    """Measure all methods: (cohorts, 5) of `judge` each."""
    results: dict[str, list[list[float]]] = {}
    for seed in range(cohorts):
        rng = np.random.default_rng((seed, people))
        cohort = draw_people(people, condition, rng)
        fitted = fit_folds(cohort, draw_people(NEW_PEOPLE, condition, rng, one_session=True), seed)
        for name, ends in compute_intervals(fitted, seed).items():
            results.setdefault(name, []).append(judge(ends, fitted))
    return {name: np.array(rows) for name, rows in results.items()}


def select_method(means: dict[str, list[np.ndarray]]) -> str:
    """Select by the rule in the module's docstring; means of each method a row, (5,) of `judge`."""
    tables = {name: np.array(rows) for name, rows in means.items()}
    complete = {name: table for name, table in tables.items() if len(table) == len(tables[PLAIN])}
    limit = 1.05 * tables[PLAIN][:, 4].mean()
    allowed = {name: t for name, t in complete.items() if t[:, 0].min() >= 0.89 and t[:, 4].mean() <= limit}
    return max(allowed, key=lambda name: allowed[name][:, 1].min())


def _cells(name: str, rows: np.ndarray) -> Sequence[str]:
    mean = rows.mean(0)
    least = np.quantile(rows[:, 0], 0.05)
    shares = [f"{value:.1%}" for value in (mean[0], least, mean[1], mean[2])]
    return [name, *shares, f"{mean[3]:.1f}", f"{mean[4]:.1f}"]


def main() -> None:
    """Parse the options, measure and print."""
    parser = argparse.ArgumentParser(description="Which prediction interval to ship.")
    parser.add_argument("--cohorts", type=int, default=50)
    parser.add_argument("--people", type=int, nargs="+", default=list(PEOPLE))
    names = [condition.name for condition in CONDITIONS]
    parser.add_argument("--conditions", nargs="+", choices=names, default=names)
    options = parser.parse_args()
    means: dict[str, list[np.ndarray]] = {}
    for condition in (condition for condition in CONDITIONS if condition.name in options.conditions):
        for people in options.people:
            results = measure(condition, people, options.cohorts)
            print(f"\n{condition.name}, {people} people, {options.cohorts} cohorts\n")
            columns = ["interval", "covered", "5th percentile", "of totals ≥ 10", "of noisy sessions", "width", "score"]
            print(markdown_table(columns, [_cells(name, rows) for name, rows in results.items()]), flush=True)
            for name, rows in results.items():
                means.setdefault(name, []).append(rows.mean(0))
    rows = []
    for name, table in means.items():
        values = np.array(table)
        least = [f"{values[:, column].min():.1%}" for column in (0, 1, 2)]
        rows.append([name, *least, f"{values[:, 3].mean():.1f}", f"{values[:, 4].mean():.2f}"])
    columns = ["interval", "least covered", "least of totals ≥ 10", "least of noisy sessions", "width", "score"]
    print(f"\nAll rows\n\n{markdown_table(columns, rows)}\n\nBy the rule: {select_method(means)}")


if __name__ == "__main__":
    main()
