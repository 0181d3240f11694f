"""Whether eyes are seen: dark glasses, hair or a hand hide them, and the mesh draws lids and irises all the same.

Seen eyes have an iris that is much darker than the sclera, whatever the colour of skin and iris and the light, and it
lies where the mesh has it. The limits were chosen on rendered eyes behind dark glasses, hair and hands
(`benchmarks/bench_mesh.py hidden`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fer_phq.mesh.eyeballs import EyeballView, darkness, directions_deg, grey_levels

LEAST_OPENNESS = 0.15
"""Openness of the eyes, mean of both, below which they are closed or nearly so, and show no iris."""
LEAST_CONTRAST = 0.36
"""Of the bright and the dark between the lids, below which open eyes are hidden."""
LEAST_CONTRAST_OF_LIDS = 0.18
"""The same of eyes that the mesh has closed: lashes and lids have it, a hand has not."""
LARGEST_DEVIATION_DEG = 18.0
"""To the sides, of the dark between the lids from the mesh's iris, beyond which it is none: reflections, or hair."""

_FLOOR = 10.0  # grey levels, added to the bright: the noise of a dark picture is no contrast


def has_hidden_eyes(views: Sequence[EyeballView], openness: float) -> bool | None:
    """Tell whether a face's eyes are hidden.

    Args:
        views: Of both eyes.
        openness: Mean of both eyes, as `eye_openness` has it.

    Returns:
        None where they are closed and cannot be told from hidden ones.
    """
    visible = [view for view in views if len(view.grey)]
    if not visible:
        return True
    contrast = float(np.mean([_contrast(view) for view in visible]))
    if openness < LEAST_OPENNESS:
        return True if contrast < LEAST_CONTRAST_OF_LIDS else None
    deviation = float(np.mean([_deviation(view) for view in visible]))
    return contrast < LEAST_CONTRAST or deviation > LARGEST_DEVIATION_DEG


def _contrast(view: EyeballView) -> float:
    dark, bright = grey_levels(view)
    return (bright - dark) / (bright + _FLOOR)


def _deviation(view: EyeballView) -> float:
    """Return degrees to the side from the mesh's iris to the mean of the dark."""
    weights = darkness(view)
    mean = weights @ view.normals / max(float(weights.sum()), 1e-9)
    return abs(directions_deg(mean)[1] - directions_deg(view.iris)[1])
