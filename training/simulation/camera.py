"""A pinhole camera for rendered heads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera at the origin that looks along -z, x to the right and y up.

    Attributes:
        width: Pixels of its image.
        height: Pixels of its image.
        focal: Focal length in pixels.
    """

    width: int
    height: int
    focal: float

    def project(self, points: Numbers) -> tuple[Numbers, Numbers]:
        """Project points.

        Args:
            points: (n, 3) cm in the camera's axes, before it.

        Returns:
            (n, 2) pixels, column and row, and (n,) nearness, the inverse of the distance along the axis.
        """
        nearness = -1 / points[:, 2]
        columns = self.width / 2 + self.focal * points[:, 0] * nearness
        rows = self.height / 2 - self.focal * points[:, 1] * nearness
        return np.column_stack([columns, rows]), nearness

    def rays(self, x: Numbers, y: Numbers) -> Numbers:
        """Return the directions, of length 1, in which pixels lie.

        Args:
            x: Columns, of any shape.
            y: Rows, of the same shape.

        Returns:
            (..., 3).
        """
        rays = np.stack([(x - self.width / 2) / self.focal, (self.height / 2 - y) / self.focal, -np.ones_like(x)], -1)
        lengths: Numbers = np.linalg.norm(rays, axis=-1, keepdims=True)
        return rays / lengths
