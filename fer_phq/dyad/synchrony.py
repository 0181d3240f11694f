"""Synchrony: whether two people's movement rises and falls together, by windowed cross-correlation with surrogates.

In windows of half a minute both signals are correlated at each lag up to five seconds (Boker et al., 2002, Psychol
Methods 7:338-355). Synchrony is the mean of the absolute correlations, transformed after Fisher, over lags and windows,
as nonverbal synchrony is measured in psychotherapy (Ramseyer & Tschacher, 2011, J Consult Clin Psychol 79:284-295;
windows as in rMEA, Kleinbub & Ramseyer, 2021, Psychother Res 31:817-830). Chance is what the windows give when each is
paired with another time's window of the other person; how often chance gives as much is counted in a thousand orders
of one person's windows (Moulder et al., 2018, Psychol Methods 23:757-773). An order may leave a window in its place:
without such orders, 7 of 100 unrelated pairs of five minutes would seem to go together at the level of 5 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from fer_phq.dyad.signals import RATE_HZ, Signal

WINDOW_S = 30.0
LONGEST_LAG_S = 5.0
LEAST_WINDOWS = 10
"""Windows below which chance has too few orders: five minutes with both people in view."""
LEAST_SEEN = 0.8
"""Share of a window in which both people must be seen."""
SURROGATES = 1000
RESAMPLES = 1000
LAG_LEVEL = 0.01
"""Chance of so high a correlation at any lag above which no lag is told."""
_SEED = 20
_LARGEST_Z = 3.0  # a correlation of 0.995: beyond it, one number would outweigh a window


@dataclass(frozen=True)
class Synchrony:
    """How two signals go together.

    Attributes:
        windows: How many windows count.
        strength: Mean absolute Fisher's z over lags and windows.
        chance: The same of windows of different times.
        effect: By how many standard deviations of the surrogates the strength lies above chance.
        effect_low: Lower end of its 95 % interval, by Student's t over windows.
        effect_high: Upper end.
        p: Share of orders, this one among them, that are as strong.
        correlation: The mean correlation at the lag at which it is highest.
        correlation_p: Share of orders, this one among them, whose correlation is as high at any lag.
        lag_s: By how many seconds the second person follows the first where they go together most, negative where the
            first follows the second; None where more than one in a hundred orders has as high a correlation.
        lag_low_s: Lower end of its 95 % interval, by resampling windows.
        lag_high_s: Upper end.
    """

    windows: int
    strength: float
    chance: float
    effect: float
    effect_low: float
    effect_high: float
    p: float
    correlation: float
    correlation_p: float
    lag_s: float | None
    lag_low_s: float | None
    lag_high_s: float | None


def synchrony(first: Signal, second: Signal) -> Synchrony | None:
    """Compute the synchrony of two signals.

    The same signals always give the same numbers.

    Args:
        first: (n,) ten values a second, NaN where missing.
        second: (n,) the same of the other person, at the same times.

    Returns:
        The synchrony; None with fewer than ten windows in which both are seen and both move.

    Raises:
        ValueError: The signals are not of one length.
    """
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"Two signals of one length are compared, got {first.shape} and {second.shape}.")
    firsts, seconds = _windows(first, second)
    n = len(firsts)
    if n < LEAST_WINDOWS:
        return None
    rng = np.random.default_rng(_SEED)
    orders = np.stack([rng.permutation(n) for _ in range(SURROGATES)])
    samples = rng.integers(n, size=(RESAMPLES, n))
    strengths, courses, chance_courses = _correlate(firsts, seconds, orders)
    course = courses.mean(axis=0)
    correlation_p = _share_of_surrogates(chance_courses.max(axis=1), float(course.max()))
    lag_s, lag_low_s, lag_high_s = _lag(courses, samples) if correlation_p <= LAG_LEVEL else (None, None, None)
    together = np.diag(strengths)
    strength = float(together.mean())
    surrogates = strengths[np.arange(n), orders].mean(axis=1)
    spread = float(surrogates.std())
    elsewhere = (strengths.sum(axis=1) - together) / (n - 1)
    chance = float(elsewhere.mean())
    margin = float(stdtrit(n - 1, 0.975) * np.std(together - elsewhere, ddof=1) / np.sqrt(n))
    return Synchrony(
        windows=n,
        strength=strength,
        chance=chance,
        effect=(strength - chance) / spread,
        effect_low=(strength - chance - margin) / spread,
        effect_high=(strength - chance + margin) / spread,
        p=_share_of_surrogates(surrogates, strength),
        correlation=float(np.tanh(course.max())),
        correlation_p=correlation_p,
        lag_s=lag_s,
        lag_low_s=lag_low_s,
        lag_high_s=lag_high_s,
    )


def count_windows(first: Signal, second: Signal) -> int:
    """Return in how many windows both people are seen and move.

    Args:
        first: As in `synchrony`.
        second: As in `synchrony`.
    """
    return len(_windows(first, second)[0])


def _windows(first: Signal, second: Signal) -> tuple[Signal, Signal]:
    """Return the windows in which both are seen and move, (windows, samples) each; missing values are at the mean."""
    length = round(WINDOW_S * RATE_HZ)
    count = len(first) // length
    both = np.stack([first, second])[:, : count * length].reshape(2, count, length).astype(np.float64)
    both[:, ~np.isfinite(both).all(axis=0)] = np.nan
    visible = np.isfinite(both[0]).mean(axis=1) >= LEAST_SEEN
    both = both[:, visible]
    if not both.size:
        return both[0], both[1]
    centred = both - np.nanmean(both, axis=2, keepdims=True)
    centred[np.isnan(centred)] = 0.0
    moves = (np.ptp(centred, axis=2) > 0).all(axis=0)
    return centred[0, moves], centred[1, moves]


def _correlate(firsts: Signal, seconds: Signal, orders: npt.NDArray[np.int64]) -> tuple[Signal, Signal, Signal]:
    """Correlate every window of the first with every one of the second, one row at a time to bound memory.

    Returns:
        Mean absolute z of each pair, (n, n); z at each lag of windows of one time, (n, lags); and mean z at each lag of
        each surrogate, (surrogates, lags).
    """
    n, length = firsts.shape
    lags = _lags()
    size = 1 << (2 * length - 1).bit_length()
    spectra = np.fft.rfft(seconds, size)
    strengths = np.empty((n, n))
    courses = np.empty((n, len(lags)))
    chance = np.zeros((len(orders), len(lags)))
    moments = _moments(seconds, -lags)
    for i, window in enumerate(firsts):
        products = np.fft.irfft(np.conj(np.fft.rfft(window, size)) * spectra, size)[:, lags % size]
        z = _fisher(products, _moments(window[None], lags), moments, length - np.abs(lags))
        strengths[i] = np.abs(z).mean(axis=1)
        courses[i] = z[i]
        chance += z[orders[:, i]]
    return strengths, courses, chance / n


def _lags() -> npt.NDArray[np.int64]:
    most = round(LONGEST_LAG_S * RATE_HZ)
    return np.arange(-most, most + 1)


def _moments(windows: Signal, lags: npt.NDArray[np.int64]) -> tuple[Signal, Signal]:
    """Return sum and sum of squares of the part of each window that meets the other at each lag, (windows, lags).

    A lag above 0 leaves out the window's end, one below 0 its beginning.
    """
    length = windows.shape[1]
    begin = np.maximum(-lags, 0)
    end = length - np.maximum(lags, 0)
    sums = []
    for values in (windows, windows**2):
        total = np.concatenate([np.zeros((len(windows), 1)), np.cumsum(values, axis=1)], axis=1)
        sums.append(total[:, end] - total[:, begin])
    return sums[0], sums[1]


def _fisher(
    products: Signal,
    first: tuple[Signal, Signal],
    second: tuple[Signal, Signal],
    counts: npt.NDArray[np.int64],
) -> Signal:
    """Return Fisher's z of the correlations, 0 where a part does not vary."""
    covariance = products - first[0] * second[0] / counts
    variances = [np.maximum(squares - sums**2 / counts, 0) for sums, squares in (first, second)]
    scale = np.sqrt(variances[0] * variances[1])
    r = np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 1e-12)
    z: Signal = np.clip(np.arctanh(np.clip(r, -1 + 1e-9, 1 - 1e-9)), -_LARGEST_Z, _LARGEST_Z)
    return z


def _share_of_surrogates(surrogates: Signal, value: float) -> float:
    return (1 + int((surrogates >= value - 1e-12).sum())) / (1 + len(surrogates))


def _lag(courses: Signal, samples: npt.NDArray[np.int64]) -> tuple[float, float, float]:
    """Return the lag of the highest mean correlation, and the ends of its interval, in seconds."""
    lags_s = _lags() / RATE_HZ
    best = int(courses.mean(axis=0).argmax())
    resampled = np.stack([courses[sample].mean(axis=0) for sample in samples]).argmax(axis=1)
    low, high = np.percentile(lags_s[resampled], (2.5, 97.5))
    return float(lags_s[best]), float(low), float(high)
