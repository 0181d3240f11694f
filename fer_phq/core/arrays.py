"""The array types that modules exchange, and rows whose count is known only at the end."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
TimeArray = npt.NDArray[np.float64]
"""Seconds from the recording's start."""
Image = npt.NDArray[np.uint8]
"""uint8 RGB, shape (height, width, 3)."""

Scalar = TypeVar("Scalar", bound=np.generic)

_MORE_ROWS = 4096


class Rows(Generic[Scalar]):
    """Rows of one shape and type, to which more come.

    They grow where they lie: a list of arrays that is joined at the end takes twice its memory then.
    """

    def __init__(self, dtype: type[Scalar], *shape: int) -> None:
        """Start without rows.

        Args:
            dtype: Type of the numbers; rows of another type are rounded to it.
            shape: Shape of one row; none for single numbers.
        """
        self._rows: npt.NDArray[Scalar] = np.empty((0, *shape), dtype)
        self._count = 0

    def __len__(self) -> int:
        """Number of rows."""
        return self._count

    def add(self, rows: npt.ArrayLike) -> None:
        """Add rows.

        Args:
            rows: (n, *shape); none at all in any shape.
        """
        added = np.asarray(rows)
        if not len(added):
            return
        count = self._count + len(added)
        if count > len(self._rows):
            # Nobody else refers to the rows before they are taken.
            self._rows.resize((max(count, len(self._rows) + _MORE_ROWS), *self._rows.shape[1:]), refcheck=False)
        self._rows[self._count : count] = added
        self._count = count

    def take(self) -> npt.NDArray[Scalar]:
        """Return all rows, (n, *shape), and forget them."""
        rows = self._rows
        rows.resize((self._count, *rows.shape[1:]), refcheck=False)
        self._rows = np.empty((0, *rows.shape[1:]), rows.dtype)
        self._count = 0
        return rows
