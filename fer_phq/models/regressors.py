"""What a PHQ head is made of: small regressors as arrays, fitted elsewhere (scikit-learn, PyTorch), applied here.

Each takes described sessions and gives totals (n,): most of them read rows of functionals, in which NaN is replaced by
the training mean; `Attention` reads segments. As arrays they lie in safetensors, so a head needs neither scikit-learn
nor PyTorch nor a pickle; that they give what the fitted originals give is tested.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from fer_phq.core.arrays import FloatArray

Float = npt.NDArray[np.float64]
Arrays = dict[str, npt.NDArray[np.generic]]

VARIANCE_FLOOR = 1e-4
"""Added to a pooled variance: a root has no slope to learn from where it is 0."""


@dataclass(frozen=True, eq=False)
class RegressorInput:
    """n sessions as regressors read them. Raises ValueError where rows and segments are of different sessions.

    rows (n, p) float64: functionals, NaN where not measured. segments: of each session (spans, width) float32 (see
    `fer_phq.features.windows`), or empty where no regressor asks for them.
    """

    rows: Float
    windows: tuple[FloatArray, ...] = ()

    def __post_init__(self) -> None:
        if self.windows and len(self.windows) != len(self.rows):
            raise ValueError(f"{len(self.windows)} sessions' segments stand beside {len(self.rows)} rows.")

    def __len__(self) -> int:
        return len(self.rows)


class Regressor(Protocol):
    """Described sessions to totals, and itself as arrays."""

    def predict(self, given: RegressorInput) -> Float:
        """Totals (n,)."""

    def arrays(self) -> Arrays:
        """All that `from_arrays` needs."""


class _ArrayFields:
    """A dataclass whose fields are all float64 arrays."""

    def arrays(self) -> Arrays:
        """Its fields by name."""
        return dict(vars(self))

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """The regressor that `arrays` was called on."""
        return cls(**{name: np.asarray(value, np.float64) for name, value in arrays.items()})


@dataclass(frozen=True, eq=False)
class LinearRegressor(_ArrayFields):
    """Ridge regression: fill (p,) stands in for NaN; weight (p,), bias ()."""

    fill: Float
    weight: Float
    bias: Float

    def predict(self, given: RegressorInput) -> Float:
        """Totals (n,) of the sessions' rows."""
        return np.asarray(fill_missing(given.rows, self.fill) @ self.weight + self.bias)


@dataclass(frozen=True, eq=False)
class KernelRegressor(_ArrayFields):
    """Support vector regression with a Gaussian kernel over centred and scaled rows; support (s, p), dual (s,)."""

    fill: Float
    centre: Float
    scale: Float
    support: Float
    dual: Float
    gamma: Float
    bias: Float

    def predict(self, given: RegressorInput) -> Float:
        """Totals (n,) of the sessions' rows."""
        scaled = (fill_missing(given.rows, self.fill) - self.centre) * self.scale
        square = (scaled**2).sum(1)[:, None] + (self.support**2).sum(1) - 2 * scaled @ self.support.T
        return np.asarray(np.exp(-self.gamma * np.maximum(square, 0)) @ self.dual + self.bias)


@dataclass(frozen=True, eq=False)
class TreeRegressor:
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

    def predict(self, given: RegressorInput) -> Float:
        """Totals (n,) of the sessions' rows."""
        rows = given.rows
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


@dataclass(frozen=True, eq=False)
class AttentionRegressor:
    """Gap-aware attention over a session's segments: a temporal aggregator without recurrence.

    Spans are standardised (NaN becomes the mean) and turned to their `components`; a flag for each modality says
    whether it was measured; a projection with GELU makes `hidden` numbers of both. Attentive statistics pooling (Okabe,
    Koshinaka & Shinoda, 2018, arXiv:1803.10963) takes their weighted mean and standard deviation over the spans in
    which anything was measured, in whatever number and order: the others have no influence. A perceptron makes one
    total of these, squashed into 0 to maximum. Totals are averaged over the members and drawn to the training's mean:
    trust, 0 to 1, is how much of their distance from it remains. A session in which nothing was measured gets the mean.

    parts (width,) int64: each column's modality, counted from 0. All others are float32: centre (width,); basis (width,
    components); of each member project (components + modalities, hidden), attend (hidden, a), score (a,), merge
    (2 hidden, b), total (b,) and their biases, members first; mean, trust, maximum ().
    """

    parts: npt.NDArray[np.int64]
    centre: FloatArray
    basis: FloatArray
    project: FloatArray
    project_bias: FloatArray
    attend: FloatArray
    attend_bias: FloatArray
    score: FloatArray
    merge: FloatArray
    merge_bias: FloatArray
    total: FloatArray
    total_bias: FloatArray
    mean: FloatArray
    trust: FloatArray
    maximum: FloatArray

    def predict(self, given: RegressorInput) -> Float:
        """Totals (n,) of the sessions' segments. Raises ValueError where there are none."""
        if len(given.windows) != len(given):
            raise ValueError("An attention model reads segments: the sessions were described without them.")
        return np.array([self._estimate(segment) for segment in given.windows], np.float64)

    def _estimate(self, segment: FloatArray) -> float:
        spans = project_windows(segment, self.parts, self.centre, self.basis)
        if not len(spans):
            return float(self.mean)
        hidden = gelu(spans @ self.project + self.project_bias[:, None])
        score = np.tanh(hidden @ self.attend + self.attend_bias[:, None]) @ self.score[..., None]
        weight = np.exp(score - score.max(1, keepdims=True))
        weight = weight / weight.sum(1, keepdims=True)
        mean = (weight * hidden).sum(1)
        spread = np.sqrt(np.maximum((weight * hidden**2).sum(1) - mean**2, 0) + VARIANCE_FLOOR)
        pooled = np.concatenate([mean, spread], axis=1)
        merged = gelu((pooled[:, None] @ self.merge)[:, 0] + self.merge_bias)
        logits = (merged * self.total).sum(1) + self.total_bias
        totals = self.maximum * (1 + np.tanh(logits / 2)) / 2  # the logistic function, without overflow
        return float(self.mean + self.trust * (totals.mean() - self.mean))

    def arrays(self) -> Arrays:
        """Its fields by name."""
        return dict(vars(self))

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """The regressor that `arrays` was called on."""
        numbers: dict[str, Any] = {name: np.asarray(value, np.float32) for name, value in arrays.items()}
        return cls(**(numbers | {"parts": np.asarray(arrays["parts"], np.int64)}))


def project_windows(segment: FloatArray, parts: npt.NDArray[np.int64], centre: FloatArray, basis: FloatArray) -> Float:
    """(measured spans, components + modalities): what an `Attention` sees of segments (spans, width).

    Spans in which nothing was measured are left out. The last columns are 1 where a modality was measured, else 0.
    """
    present = np.isfinite(segment)
    flags = np.stack([present[:, parts == part].any(1) for part in range(int(parts.max()) + 1)], axis=1)
    components = np.where(present, segment.astype(np.float64) - centre, 0) @ basis
    return np.asarray(np.concatenate([components, flags], axis=1)[flags.any(1)])


def gelu(values: npt.NDArray[np.floating[Any]]) -> Float:
    """Gaussian error linear units in the approximation by tanh (Hendrycks & Gimpel, 2016, arXiv:1606.08415)."""
    return np.asarray(0.5 * values * (1 + np.tanh(np.sqrt(2 / np.pi) * (values + 0.044715 * values**3))))


FAMILIES: dict[str, type[LinearRegressor] | type[KernelRegressor] | type[TreeRegressor] | type[AttentionRegressor]] = {
    "floor": LinearRegressor,
    "ridge": LinearRegressor,
    "svr": KernelRegressor,
    "boosting": TreeRegressor,
    "attention": AttentionRegressor,
}
"""Which arrays a model's name stands for. floor: the training mean, a linear model without weights."""


def fill_missing(rows: Float, fill: Float) -> Float:
    """Rows (n, p) with NaN replaced by fill (p,)."""
    return np.where(np.isnan(rows), fill, rows)
