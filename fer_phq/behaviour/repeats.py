"""Pictures that repeat the one before, as where a call or a screen was recorded more often a second than it changed.

A blink falls between the pictures of eight a second, however many are stored. Encoded again, a picture is seldom the
same to the bit. What tells repeats is the rhythm: a face that is new changes much and then hardly, one picture at a
time, while in the pictures of a camera large changes follow one another. So where new pictures come at every second one
at most, the others are repeats.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray, Image, TimeArray

LARGE_SHARE = 0.33
"""Share of the largest changes around (85th percentile of a second) above which a picture is new."""
LEAST_CONTRAST = 3.0
"""Ratio of the largest changes around to the smallest from which pictures differ in whether they are new."""
LARGEST_RUN_SHARE = 0.4
"""Share of the new pictures that are followed by a new one, at most: of a camera's most are, of eight and twelve a
second in 24 to 32 pictures about a fifth and fewer (`../shared/clips` and the demonstration's clips, encoded again)."""
LEAST_TIME_SHARE = 1 / 3
"""Share of the pictures of a face in whose surroundings that can be told."""
_WINDOW_S = 1.0
_SMALL, _LARGE = 10.0, 85.0  # percentiles: key frames, which change a still face too, are fewer
_PACE = 0.75  # of the usual time between two new pictures, which are not evenly stored
_FEWEST = 8  # new pictures of a face: fewer have no rhythm
_SAME = 0.02  # grey levels: less is no change

Mask = npt.NDArray[np.bool_]


def picture_change(before: Image, image: Image, points: FloatArray) -> float:
    """Compute how far a picture of a face differs from the one before, as the mean of the differences in green.

    Args:
        before: uint8 RGB (h, w, 3).
        image: The next picture.
        points: (478, 3) of `FaceMesh.points` in the one before.

    Returns:
        Grey levels; NaN where the two are not of one size.
    """
    if before.shape != image.shape:
        return float("nan")
    limits = np.array(image.shape[1::-1])
    left, top = np.clip(np.floor(points[:, :2].min(axis=0)).astype(int), 0, limits - 1)
    right, bottom = np.clip(np.ceil(points[:, :2].max(axis=0)).astype(int), (left + 1, top + 1), limits)
    earlier, later = (picture[top:bottom, left:right, 1].astype(np.int16) for picture in (before, image))
    return float(np.abs(later - earlier).mean())


def find_repeats(changes: FloatArray, time_s: TimeArray) -> Mask:
    """Find the pictures that repeat the one before.

    Args:
        changes: (n,) of `picture_change`, each against the picture before; NaN where no face is followed.
        time_s: (n,) seconds, increasing.

    Returns:
        (n,) which pictures repeat the one before; none where new ones come at more than every second picture.
    """
    repeats = np.zeros(len(changes), bool)
    seen = np.isfinite(changes)
    if seen.sum() < _FEWEST:
        return repeats
    from scipy.ndimage import percentile_filter  # which pages need not wait for

    values = np.maximum(changes[seen].astype(np.float64), _SAME)
    step_s = max(float(np.median(np.diff(time_s[seen]))), 1e-3)
    width = max(3, round(_WINDOW_S / step_s))
    small, large = (percentile_filter(values, share, size=width, mode="mirror") for share in (_SMALL, _LARGE))
    can_tell = large >= LEAST_CONTRAST * small
    is_new = can_tell & (values > LARGE_SHARE * large)
    in_runs = (is_new[:-1] & is_new[1:]).sum()
    is_enough = can_tell.mean() >= LEAST_TIME_SHARE and is_new.sum() >= _FEWEST
    if is_enough and in_runs <= LARGEST_RUN_SHARE * is_new.sum():
        repeats[seen] = ~_kept(is_new, can_tell, time_s[seen])
    return repeats


def _kept(is_new: Mask, can_tell: Mask, time_s: TimeArray) -> Mask:
    """Return the new pictures and, where they cannot be told from repeats, as many a second as elsewhere."""
    pace_s = _PACE * float(np.median(np.diff(time_s[is_new])))
    kept = is_new.copy()
    last_s = -np.inf
    for row, at_s in enumerate(time_s.tolist()):
        if not can_tell[row]:
            kept[row] = at_s - last_s >= pace_s
        if kept[row]:
            last_s = at_s
    return kept
