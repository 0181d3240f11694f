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

from fer_phq.dyad.signals import RATE_HZ, Signal

Spectrum = npt.NDArray[np.complex128]

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
_LEAST_VARIANCE = 1e-6  # of the whole window's, below which a part of it does not vary
_LEAST_SPREAD = 1e-9  # of surrogates: below it, all orders give the same, as in a film that repeats itself
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
            first follows the second; None where more than one in a hundred orders has as high a correlation, or it is
            highest at the longest lag, beyond which it may be higher.
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
        The synchrony; None with fewer than ten windows in which both are seen and both move, and where all orders give
        the same, as in a film that repeats itself.

    Raises:
        ValueError: The signals are not of one length.
    """
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"Two signals of one length are compared, got {first.shape} and {second.shape}.")
    firsts, seconds = _windows(first, second)
    n = len(firsts)
    if n < LEAST_WINDOWS:
        return None
    from scipy.special import stdtrit  # a third of a second, which only two people wait for

    rng = np.random.default_rng(_SEED)
    orders = np.stack([rng.permutation(n) for _ in range(SURROGATES)])
    samples = rng.integers(n, size=(RESAMPLES, n))
    strengths, courses, weights, chance_courses = _correlate(firsts, seconds, orders)
    course = courses.mean(axis=0)
    best = int(course.argmax())
    correlation_p = _share_of_surrogates(chance_courses.max(axis=1), float(course.max()))
    lag_s, lag_low_s, lag_high_s = _lag(courses, samples) if correlation_p <= LAG_LEVEL else (None, None, None)
    together = np.diag(strengths)
    strength = float(together.mean())
    surrogates = strengths[np.arange(n), orders].mean(axis=1)
    spread = float(surrogates.std())
    if spread < _LEAST_SPREAD:
        return None
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
        correlation=float(np.tanh(course[best] / weights[best])),
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
    """Return the windows in which both are seen and move, (windows, samples) each, NaN where missing.

    Each has a mean of 0 and a standard deviation of 1 over the time in which it is seen.
    """
    length = round(WINDOW_S * RATE_HZ)
    count = len(first) // length
    both = np.stack([first, second])[:, : count * length].reshape(2, count, length).astype(np.float64)
    visible = np.isfinite(both).all(axis=0).mean(axis=1) >= LEAST_SEEN
    both = both[:, visible]
    if not both.size:
        return both[0], both[1]
    both[~np.isfinite(both)] = np.nan
    moves = (np.nanmax(both, axis=2) > np.nanmin(both, axis=2)).all(axis=0)
    both = both[:, moves]
    scaled = (both - np.nanmean(both, axis=2, keepdims=True)) / np.nanstd(both, axis=2, keepdims=True)
    return scaled[0], scaled[1]


def _correlate(firsts: Signal, seconds: Signal, orders: npt.NDArray[np.int64]) -> tuple[Signal, Signal, Signal, Signal]:
    """Correlate every window of the first with every one of the second, one row at a time to bound memory.

    Only times at which both are seen count. Fewer of them give larger correlations by chance, and two windows of one
    time have their gaps together where both people are lost together. So each z is weighted by the root of the share of
    samples that both have: without that, 16 of 100 unrelated pairs with gaps seemed to go together at 5 %.

    Returns:
        Mean absolute weighted z of each pair, (n, n); weighted z at each lag of windows of one time, (n, lags); the
        mean weight of these at each lag, (lags,); and mean weighted z at each lag of each surrogate, (surrogates,
        lags).
    """
    n, length = firsts.shape
    lags = _lags()
    from scipy.fft import next_fast_len  # as above

    size = next_fast_len(length + int(lags[-1]), real=True)
    strengths = np.empty((n, n))
    courses = np.empty((n, len(lags)))
    weights = np.zeros(len(lags))
    chance = np.zeros((len(orders), len(lags)))
    second = _spectra(seconds, size)
    for i, window in enumerate(firsts):
        first = _spectra(window[None], size)
        z, counts = _fisher(first, second, lags, size)
        shares = np.sqrt(counts / (length - np.abs(lags)))
        z *= shares
        weights += shares[i]
        strengths[i] = np.abs(z).mean(axis=1)
        courses[i] = z[i]
        chance += z[orders[:, i]]
    return strengths, courses, weights / n, chance / n


def _lags() -> npt.NDArray[np.int64]:
    most = round(LONGEST_LAG_S * RATE_HZ)
    return np.arange(-most, most + 1)


def _spectra(windows: Signal, size: int) -> tuple[Spectrum, Spectrum, Spectrum]:
    """Return the spectra of which samples there are, of their values, and of their squares."""
    present = np.isfinite(windows)
    values = np.where(present, windows, 0.0)
    mask, value, square = (np.fft.rfft(part, size) for part in (present.astype(float), values, values**2))
    return mask, value, square


def _fisher(
    first: tuple[Spectrum, Spectrum, Spectrum],
    second: tuple[Spectrum, Spectrum, Spectrum],
    lags: npt.NDArray[np.int64],
    size: int,
) -> tuple[Signal, Signal]:
    """Return Fisher's z of a window with each other one at each lag, and of how many samples that both have.

    z is 0 where a part does not vary.
    """

    def products(one: Spectrum, other: Spectrum) -> Signal:
        sums: Signal = np.fft.irfft(np.conj(one) * other, size)[:, lags % size]
        return sums

    (mask, value, square), (other_mask, other_value, other_square) = first, second
    counts = np.maximum(products(mask, other_mask), 1.0)
    first_mean = products(value, other_mask) / counts
    second_mean = products(mask, other_value) / counts
    covariance = products(value, other_value) / counts - first_mean * second_mean
    first_variance = products(square, other_mask) / counts - first_mean**2
    second_variance = products(mask, other_square) / counts - second_mean**2
    varies = (first_variance > _LEAST_VARIANCE) & (second_variance > _LEAST_VARIANCE)
    scale = np.sqrt(np.where(varies, first_variance * second_variance, 1.0))
    r = np.where(varies, covariance / scale, 0.0)
    z: Signal = np.clip(np.arctanh(np.clip(r, -1 + 1e-9, 1 - 1e-9)), -_LARGEST_Z, _LARGEST_Z)
    return z, counts


def _share_of_surrogates(surrogates: Signal, value: float) -> float:
    return (1 + int((surrogates >= value - 1e-12).sum())) / (1 + len(surrogates))


def _lag(courses: Signal, samples: npt.NDArray[np.int64]) -> tuple[float, float, float] | tuple[None, None, None]:
    """Return the lag of the highest mean correlation, and the ends of its interval, in seconds.

    None where it is the longest lag: the true one may be longer.
    """
    lags_s = _lags() / RATE_HZ
    best = int(courses.mean(axis=0).argmax())
    if best in (0, len(lags_s) - 1):
        return None, None, None
    resampled = np.stack([courses[sample].mean(axis=0) for sample in samples]).argmax(axis=1)
    low, high = np.percentile(lags_s[resampled], (2.5, 97.5))
    return float(lags_s[best]), float(low), float(high)
