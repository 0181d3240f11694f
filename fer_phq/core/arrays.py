"""Names of the array types that modules exchange."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
TimeArray = npt.NDArray[np.float64]
"""Seconds from the recording's start."""
Image = npt.NDArray[np.uint8]
"""uint8 RGB, shape (height, width, 3)."""
