"""The regressors of a PHQ head as arrays. They are fitted elsewhere (scikit-learn, PyTorch) and applied here.

Most of them read rows of functionals, in which NaN is replaced by the training mean; `AttentionRegressor` reads
windows. As arrays they lie in safetensors, so a head needs neither scikit-learn nor PyTorch nor a pickle; tests compare
them with the fitted originals.
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
    """n sessions as regressors read them.

    Attributes:
        rows: (n, p) float64 functionals; NaN where nothing was measured.
        windows: Of each session (windows, width) float32, see `fer_phq.features.windows`; empty where no regressor
            reads them.
    """

    rows: Float
    windows: tuple[FloatArray, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError where rows and windows are of different numbers of sessions."""
        if self.windows and len(self.windows) != len(self.rows):
            raise ValueError(f"Windows of {len(self.windows)} sessions stand beside {len(self.rows)} rows.")

    def __len__(self) -> int:
        """Return the number of sessions."""
        return len(self.rows)


class Regressor(Protocol):
    """Estimates the PHQ totals of sessions."""

    def predict(self, sessions: RegressorInput) -> Float:
        """Return the totals (n,) of sessions."""

    def arrays(self) -> Arrays:
        """Return all that `from_arrays` needs."""


class _ArrayFields:
    """A dataclass whose fields are all float64 arrays."""

    def arrays(self) -> Arrays:
        """Return the fields by name."""
        return dict(vars(self))

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Build the regressor that `arrays` was called on."""
        return cls(**{name: np.asarray(value, np.float64) for name, value in arrays.items()})


@dataclass(frozen=True, eq=False)
class LinearRegressor(_ArrayFields):
    """Ridge regression.

    Attributes:
        fill: (p,) the value that replaces NaN in each column.
        weight: (p,).
        bias: ().
    """

    fill: Float
    weight: Float
    bias: Float

    def predict(self, sessions: RegressorInput) -> Float:
        """Return the totals (n,) of sessions by their rows."""
        return np.asarray(fill_missing(sessions.rows, self.fill) @ self.weight + self.bias)


@dataclass(frozen=True, eq=False)
class KernelRegressor(_ArrayFields):
    """Support vector regression with a Gaussian kernel over centred and scaled rows.

    Attributes:
        fill: (p,) the value that replaces NaN in each column.
        centre: (p,) subtracted from each column.
        scale: (p,) multiplies each column after that.
        support: (s, p) support vectors.
        dual: (s,) their coefficients.
        gamma: () inverse width of the kernel.
        bias: ().
    """

    fill: Float
    centre: Float
    scale: Float
    support: Float
    dual: Float
    gamma: Float
    bias: Float

    def predict(self, sessions: RegressorInput) -> Float:
        """Return the totals (n,) of sessions by their rows."""
        scaled = (fill_missing(sessions.rows, self.fill) - self.centre) * self.scale
        square = (scaled**2).sum(1)[:, None] + (self.support**2).sum(1) - 2 * scaled @ self.support.T
        return np.asarray(np.exp(-self.gamma * np.maximum(square, 0)) @ self.dual + self.bias)


@dataclass(frozen=True, eq=False)
class TreeRegressor:
    """Gradient-boosted trees, all nodes in one list.

    Attributes:
        feature: (nodes,) column that a node compares; -1 in leaves.
        threshold: (nodes,) a row goes left up to it.
        left: (nodes,) the node to the left.
        right: (nodes,) the node to the right.
        missing_left: (nodes,) whether a row goes left where the feature is NaN.
        value: (nodes,) what a leaf adds to the total.
        roots: (trees,) the first node of each tree.
        baseline: () the total without any tree.
    """

    feature: npt.NDArray[np.int64]
    threshold: Float
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    missing_left: npt.NDArray[np.bool_]
    value: Float
    roots: npt.NDArray[np.int64]
    baseline: Float

    def predict(self, sessions: RegressorInput) -> Float:
        """Return the totals (n,) of sessions by their rows."""
        rows = sessions.rows
        node = np.repeat(self.roots[None], len(rows), axis=0)
        line = np.arange(len(rows))[:, None]
        while (self.feature[node] >= 0).any():
            feature = self.feature[node]
            value = rows[line, np.maximum(feature, 0)]
            goes_left = np.where(np.isnan(value), self.missing_left[node], value <= self.threshold[node])
            node = np.where(feature < 0, node, np.where(goes_left, self.left[node], self.right[node]))
        return np.asarray(self.value[node].sum(1) + self.baseline)

    def arrays(self) -> Arrays:
        """Return the fields by name; booleans as bytes."""
        return dict(vars(self)) | {"missing_left": self.missing_left.astype(np.uint8)}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Build the regressor that `arrays` was called on."""
        integers = {"feature", "left", "right", "roots"}
        dtypes = {name: np.int64 if name in integers else np.float64 for name in arrays}
        fields = {name: np.asarray(value, dtypes[name]) for name, value in arrays.items()}
        return cls(**(fields | {"missing_left": arrays["missing_left"].astype(bool)}))


@dataclass(frozen=True, eq=False)
class AttentionRegressor:
    """Gap-aware attention over a session's windows: a temporal aggregator without recurrence.

    Windows are centred (NaN becomes the mean) and projected on their components; a flag for each modality says whether
    it was measured; a projection with GELU makes `hidden` numbers of both. Attentive statistics pooling (Okabe,
    Koshinaka & Shinoda, 2018, arXiv:1803.10963) takes their weighted mean and standard deviation over the windows in
    which anything was measured, in whatever number and order: the others have no influence. A perceptron makes one
    total of these, squashed into 0 to maximum. Totals are averaged over the members of an ensemble and drawn to the
    training's mean. A session in which nothing was measured gets the mean.

    All arrays but `parts` are float32; those of several members have the member as first dimension.

    Attributes:
        parts: (width,) int64, the modality of each column of a window, counted from 0.
        centre: (width,) the training's mean.
        basis: (width, components) the components' directions.
        project: (members, components + modalities, hidden).
        project_bias: (members, hidden).
        attend: (members, hidden, a).
        attend_bias: (members, a).
        score: (members, a) the attention's weights.
        merge: (members, 2 hidden, b).
        merge_bias: (members, b).
        total: (members, b).
        total_bias: (members,).
        mean: () the training's mean total.
        trust: () the share of an estimate's distance from the mean that remains, 0 to 1.
        maximum: () highest total of the scale.
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

    def predict(self, sessions: RegressorInput) -> Float:
        """Return the totals (n,) of sessions by their windows.

        Raises:
            ValueError: The sessions come without windows.
        """
        if len(sessions.windows) != len(sessions):
            raise ValueError("An attention model reads windows: the sessions come without them.")
        return np.array([self._estimate(windows) for windows in sessions.windows], np.float64)

    def _estimate(self, windows: FloatArray) -> float:
        components = project_windows(windows, self.parts, self.centre, self.basis)
        if not len(components):
            return float(self.mean)
        hidden = gelu(components @ self.project + self.project_bias[:, None])
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
        """Return the fields by name."""
        return dict(vars(self))

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Build the regressor that `arrays` was called on."""
        numbers: dict[str, Any] = {name: np.asarray(value, np.float32) for name, value in arrays.items()}
        return cls(**(numbers | {"parts": np.asarray(arrays["parts"], np.int64)}))


def project_windows(windows: FloatArray, parts: npt.NDArray[np.int64], centre: FloatArray, basis: FloatArray) -> Float:
    """Project windows on components, as `AttentionRegressor` reads them.

    Args:
        windows: (windows, width) of one session; NaN where nothing was measured.
        parts: (width,) the modality of each column, counted from 0.
        centre: (width,) subtracted from each column.
        basis: (width, components).

    Returns:
        (measured windows, components + modalities). Windows in which nothing was measured are left out. The last
        columns are 1 where a modality was measured, else 0.
    """
    present = np.isfinite(windows)
    flags = np.stack([present[:, parts == part].any(1) for part in range(int(parts.max()) + 1)], axis=1)
    components = np.where(present, windows.astype(np.float64) - centre, 0) @ basis
    return np.asarray(np.concatenate([components, flags], axis=1)[flags.any(1)])


def gelu(values: npt.NDArray[np.floating[Any]]) -> Float:
    """Apply Gaussian error linear units, approximated by tanh (Hendrycks & Gimpel, 2016, arXiv:1606.08415)."""
    return np.asarray(0.5 * values * (1 + np.tanh(np.sqrt(2 / np.pi) * (values + 0.044715 * values**3))))


FAMILIES: dict[str, type[LinearRegressor] | type[KernelRegressor] | type[TreeRegressor] | type[AttentionRegressor]] = {
    "floor": LinearRegressor,
    "ridge": LinearRegressor,
    "svr": KernelRegressor,
    "boosting": TreeRegressor,
    "attention": AttentionRegressor,
}
"""The regressor of each model's name. 'floor' is the training mean: a linear model without weights."""


def fill_missing(rows: Float, fill: Float) -> Float:
    """Replace NaN in rows.

    Args:
        rows: (n, p), NaN where not measured.
        fill: (p,), the value that NaN of each column becomes.
    """
    return np.where(np.isnan(rows), fill, rows)
