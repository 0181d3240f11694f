"""What a PHQ head is made of: small regressors as arrays, fitted elsewhere (scikit-learn, PyTorch), applied here.

Each takes rows of functionals (n, p), in which NaN is replaced by the training mean, and gives totals (n,). As arrays
they lie in safetensors, so a head needs neither scikit-learn nor a pickle; that they give what the fitted originals
give is tested.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Arrays = dict[str, npt.NDArray[np.generic]]


class Regressor(Protocol):
    """Rows of functionals to totals, and itself as arrays."""

    def predict(self, rows: Float) -> Float:
        """Totals (n,) of rows (n, p)."""

    def arrays(self) -> Arrays:
        """All that `from_arrays` needs."""


class _Numbers:
    """A dataclass whose fields are all float64 arrays."""

    def arrays(self) -> Arrays:
        """Its fields by name."""
        return dict(vars(self))

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """The regressor that `arrays` was called on."""
        return cls(**{name: np.asarray(value, np.float64) for name, value in arrays.items()})


@dataclass(frozen=True, eq=False)
class Linear(_Numbers):
    """Ridge regression: fill (p,) stands in for NaN; weight (p,), bias ()."""

    fill: Float
    weight: Float
    bias: Float

    def predict(self, rows: Float) -> Float:
        """Totals (n,) of rows (n, p)."""
        return np.asarray(filled(rows, self.fill) @ self.weight + self.bias)


@dataclass(frozen=True, eq=False)
class Kernel(_Numbers):
    """Support vector regression with a Gaussian kernel over centred and scaled rows; support (s, p), dual (s,)."""

    fill: Float
    centre: Float
    scale: Float
    support: Float
    dual: Float
    gamma: Float
    bias: Float

    def predict(self, rows: Float) -> Float:
        """Totals (n,) of rows (n, p)."""
        given = (filled(rows, self.fill) - self.centre) * self.scale
        square = (given**2).sum(1)[:, None] + (self.support**2).sum(1) - 2 * given @ self.support.T
        return np.asarray(np.exp(-self.gamma * np.maximum(square, 0)) @ self.dual + self.bias)


@dataclass(frozen=True, eq=False)
class Trees:
    """Gradient-boosted trees, all nodes in one list. Leaves have feature -1; roots (trees,) are the first nodes.

    Where a feature is NaN a row goes left if `missing_left` says so.
    """

    feature: npt.NDArray[np.int64]
    threshold: Float
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    missing_left: npt.NDArray[np.bool_]
    value: Float
    roots: npt.NDArray[np.int64]
    baseline: Float

    def predict(self, rows: Float) -> Float:
        """Totals (n,) of rows (n, p)."""
        node = np.repeat(self.roots[None], len(rows), axis=0)
        line = np.arange(len(rows))[:, None]
        while (self.feature[node] >= 0).any():
            feature = self.feature[node]
            seen = rows[line, np.maximum(feature, 0)]
            goes_left = np.where(np.isnan(seen), self.missing_left[node], seen <= self.threshold[node])
            node = np.where(feature < 0, node, np.where(goes_left, self.left[node], self.right[node]))
        return np.asarray(self.value[node].sum(1) + self.baseline)

    def arrays(self) -> Arrays:
        """Its fields by name; booleans as bytes."""
        return dict(vars(self)) | {"missing_left": self.missing_left.astype(np.uint8)}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """The regressor that `arrays` was called on."""
        whole = {"feature", "left", "right", "roots"}
        kinds = {name: np.int64 if name in whole else np.float64 for name in arrays}
        fields = {name: np.asarray(value, kinds[name]) for name, value in arrays.items()}
        return cls(**(fields | {"missing_left": arrays["missing_left"].astype(bool)}))


FAMILIES: dict[str, type[Linear] | type[Kernel] | type[Trees]] = {
    "floor": Linear,
    "ridge": Linear,
    "svr": Kernel,
    "boosting": Trees,
}
"""Which arrays a model's name stands for. floor: the training mean, a linear model without weights."""


def filled(rows: Float, fill: Float) -> Float:
    """Rows (n, p) with NaN replaced by fill (p,)."""
    return np.where(np.isnan(rows), fill, rows)
