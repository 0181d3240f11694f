"""PHQ heads: from a session's features to an estimate with its interval, or the reason why there is none.

A head is trained for one set of modalities. It holds a regressor fitted on all labelled sessions, which gives the
score, and one for each fold of a cross-validation grouped by subject with the errors on what that fold left out: the
interval is CV+ (`fer_phq.models.conformal`), whose coverage holds for a new subject of the same population.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from fer_phq.behaviour.seconds.functionals import is_still
from fer_phq.behaviour.seconds.series import to_seconds
from fer_phq.core.errors import ModelError
from fer_phq.core.feature_series import GRID_HZ, SessionFeatures
from fer_phq.core.phq import MODALITY_NAMES, Modality, PhqUnavailable, UnavailableReason
from fer_phq.features.functionals import Functionals, count_measured, functionals
from fer_phq.features.windows import window_modalities, windows
from fer_phq.models import messages
from fer_phq.models.conformal import FoldErrors, conformal_bounds
from fer_phq.models.regressors import FAMILIES, Arrays, AttentionRegressor, Regressor, RegressorInput
from fer_phq.timeline.grid import is_below_grid, looks_a_second, to_grid
from fer_phq.words.kinds import MINILM, PLAIN, without_embeddings

Float = npt.NDArray[np.float64]

STILL_SPREAD = 0.006
"""Spread of a face's embeddings up to which it is a still picture's: 0.004 is what compression makes of one, faces of
people and of the demonstration's puppet reach 0.14 to 0.22 within seconds. A photograph that a noisy camera films, or
that a hand holds before it, comes to 0.005 to 0.014 and can pass: a limit that stands in docs/INTENDED_USE.md."""
_SPREAD_ROWS = 1024  # at a time: hours of embeddings, squared in one piece, would take four times their memory


@dataclass(frozen=True)
class InputSpec:
    """The feature series of one modality that a head reads.

    Attributes:
        width: Numbers in a row.
        kind: What made the rows.
        min_rows: The fewest rows of a session that the head judges.
    """

    width: int
    kind: str
    min_rows: int


@dataclass(frozen=True, eq=False)
class PhqHead:
    """The PHQ head of one set of modalities.

    Attributes:
        modalities: The modalities it reads.
        model: Name of the regressors' family, a key of `FAMILIES`.
        inputs: What it reads of each modality.
        columns: Digest of the functionals' names, see `columns_digest`.
        regressor: Fitted on all labelled sessions; gives the score.
        fold_regressors: Each fitted on all sessions but those of its fold.
        left_out: The errors of the labelled sessions by the folds that left them out.
        centre: (p,) float64, mean of the training functionals.
        spread: (p,) float64, their SD.
        max_distance: A session farther from the training, by `compute_distance`, is not judged.
        floor: Mean score of the training.
        grid_hz: Rows a second onto which a face is brought; None of a head that was trained on rows as sampled.
    """

    modalities: tuple[Modality, ...]
    model: str
    inputs: dict[Modality, InputSpec]
    columns: str
    regressor: Regressor
    fold_regressors: tuple[Regressor, ...]
    left_out: FoldErrors
    centre: Float
    spread: Float
    max_distance: float
    floor: float
    grid_hz: float | None = GRID_HZ

    def select(self, features: SessionFeatures) -> SessionFeatures | None:
        """Select the part of a session's features that this head reads.

        Args:
            features: All features of the session.

        Returns:
            The head's modalities alone; None where the session lacks one of them of the kind of the training.
        """
        if Modality.BEHAVIOUR in self.modalities:
            features = to_seconds(features)
        selected = {}
        for modality in self.modalities:
            series = features.series(modality)
            spec = self.inputs[modality]
            if series is not None and spec.kind == PLAIN and series.kind == MINILM:
                series = without_embeddings(series)
            if series is None or (series.width, series.kind) != (spec.width, spec.kind):
                return None
            selected[modality.value] = series
        return SessionFeatures(**selected, emotions=features.emotions if Modality.FACE in self.modalities else None)

    def prepare(self, features: SessionFeatures) -> RegressorInput | PhqUnavailable:
        """Bring a session into the form that `estimate` reads. Functionals tell how far it lies from the training.

        Args:
            features: What `select` returned.

        Returns:
            The one session, or the reason why this head must not judge it.
        """
        refusal = self._check_grid(features) or self._check_movement(features)
        if refusal is not None:
            return refusal
        features = to_grid(features)
        for modality in self.modalities:
            series = features.series(modality)
            rows = 0 if series is None else count_measured(series)
            fewest = self.inputs[modality].min_rows
            if rows < fewest:
                detail = messages.FEW_ROWS(n=rows, modality=MODALITY_NAMES[modality](), fewest=fewest)
                return PhqUnavailable(UnavailableReason.TOO_SHORT, detail)
        row = functionals(features, self.modalities)
        if columns_digest(row) != self.columns:
            return PhqUnavailable(UnavailableReason.NO_HEAD, messages.OTHER_FUNCTIONALS())
        distance = float(compute_distance(row.values[None], self.centre, self.spread)[0])
        if distance > self.max_distance:
            detail = messages.UNLIKE_TRAINING(distance=distance, limit=self.max_distance)
            return PhqUnavailable(UnavailableReason.OUT_OF_DISTRIBUTION, detail)
        read = (windows(features, self.modalities),) if isinstance(self.regressor, AttentionRegressor) else ()
        return RegressorInput(row.values[None], read)

    def _check_grid(self, features: SessionFeatures) -> PhqUnavailable | None:
        """Return why a face does not fit this head's grid, or None."""
        face = features.series(Modality.FACE)
        if face is None or Modality.FACE not in self.modalities:
            return None
        if self.grid_hz != GRID_HZ:
            return PhqUnavailable(UnavailableReason.NO_HEAD, messages.OTHER_FUNCTIONALS())
        if not is_below_grid(face):
            return None
        rate = looks_a_second(face)
        detail = messages.BELOW_GRID(rate=rate, grid=GRID_HZ) if rate else messages.KEY_FRAMES_ONLY(grid=GRID_HZ)
        return PhqUnavailable(UnavailableReason.OUT_OF_DISTRIBUTION, detail)

    def _check_movement(self, features: SessionFeatures) -> PhqUnavailable | None:
        """Return that a face or its behaviour is a still picture's, or None."""
        behaviour = features.series(Modality.BEHAVIOUR)
        if behaviour is not None and is_still(behaviour):
            return PhqUnavailable(UnavailableReason.OUT_OF_DISTRIBUTION, messages.STILL_BEHAVIOUR())
        face = features.series(Modality.FACE)
        if face is None or Modality.FACE not in self.modalities:
            return None
        spread = compute_spread(face.values)
        if spread > STILL_SPREAD:
            return None
        return PhqUnavailable(UnavailableReason.OUT_OF_DISTRIBUTION, messages.STILL_FACE(spread=spread))

    def estimate(self, sessions: RegressorInput, level: float, maximum: int) -> tuple[Float, Float, Float]:
        """Estimate scores with their intervals.

        Args:
            sessions: n sessions, as `prepare` returns them.
            level: Share of new subjects whose score the interval is to hold, 0 to 1.
            maximum: Highest score of the scale.

        Returns:
            Scores, lower and upper bounds, each (n,) float64, with 0 <= low <= score <= high <= maximum.
        """
        scores = np.clip(self.regressor.predict(sessions), 0, maximum)
        fold_estimates = np.stack([regressor.predict(sessions) for regressor in self.fold_regressors])
        low, high = conformal_bounds(self.left_out, fold_estimates, level)
        return scores, np.clip(low, 0, scores), np.clip(high, scores, maximum)


def head_to_arrays(head: PhqHead) -> Arrays:
    """Return the arrays of a head by name, for safetensors; the rest of it is in `head_to_config`."""
    out = {f"whole/{name}": value for name, value in head.regressor.arrays().items()}
    for i, regressor in enumerate(head.fold_regressors):
        out |= {f"fold{i}/{name}": value for name, value in regressor.arrays().items()}
    out |= {"centre": head.centre, "spread": head.spread}
    out |= _error_arrays(head.left_out)
    # The kinds are among the weights, so that features made otherwise are another model id.
    out |= {f"kind/{modality}": np.frombuffer(spec.kind.encode(), np.uint8) for modality, spec in head.inputs.items()}
    if head.grid_hz is not None:  # among the weights, so that another grid is another model id
        out["grid_hz"] = np.array([head.grid_hz])
    return {name: np.asarray(value, order="C") for name, value in out.items()}


def head_to_config(head: PhqHead) -> dict[str, Any]:
    """Return what of a head is no array, as JSON-able values."""
    return {
        "modalities": [str(modality) for modality in head.modalities],
        "model": head.model,
        "inputs": {str(modality): asdict(spec) for modality, spec in head.inputs.items()},
        "columns": head.columns,
        "folds": len(head.fold_regressors),
        "far": head.max_distance,
        "floor": head.floor,
        "grid_hz": head.grid_hz,
    }


def build_head(config: dict[str, Any], arrays: Arrays) -> PhqHead:
    """Build the head that `head_to_config` and `head_to_arrays` were called on.

    Args:
        config: The result of `head_to_config`.
        arrays: The result of `head_to_arrays`.

    Raises:
        KeyError: Something is missing.
        TypeError: A regressor lacks an array, or has one too many.
        ValueError: Arrays do not fit together.
        IndexError: Arrays do not fit together.
    """
    family = FAMILIES[config["model"]]
    head = PhqHead(
        modalities=tuple(Modality(name) for name in config["modalities"]),
        model=config["model"],
        inputs={Modality(name): InputSpec(**spec) for name, spec in config["inputs"].items()},
        columns=config["columns"],
        regressor=family.from_arrays(_strip_prefix(arrays, "whole/")),
        fold_regressors=tuple(family.from_arrays(_strip_prefix(arrays, f"fold{i}/")) for i in range(config["folds"])),
        left_out=_build_errors(arrays),
        centre=np.asarray(arrays["centre"], np.float64),
        spread=np.asarray(arrays["spread"], np.float64),
        max_distance=float(config["far"]),
        floor=float(config["floor"]),
        grid_hz=config.get("grid_hz"),
    )
    _check_shapes(head)
    return head


def _error_arrays(left_out: FoldErrors) -> Arrays:
    """Return the arrays of the errors of folds.

    Scaled errors have a name of their own: a version that knows only errors in points must not read them as such.
    """
    if left_out.lines is None or left_out.mass is None:
        return {"fold_of": left_out.fold_of, "errors": left_out.errors}
    scaled = {"scaled_errors": left_out.errors, "lines": left_out.lines, "mass": left_out.mass}
    return {"fold_of": left_out.fold_of, **scaled}


def _build_errors(arrays: Arrays) -> FoldErrors:
    """Build the errors of folds; those of an earlier version are neither scaled nor weighed."""
    fold_of = np.asarray(arrays["fold_of"], np.int64)
    if "scaled_errors" not in arrays:
        return FoldErrors(fold_of, np.asarray(arrays["errors"], np.float64))
    scaled = (np.asarray(arrays[name], np.float64) for name in ("scaled_errors", "lines", "mass"))
    return FoldErrors(fold_of, *scaled)


def _check_shapes(head: PhqHead) -> None:
    """Raise ValueError or IndexError for arrays that do not fit together now, and not at a session."""
    width = len(window_modalities({modality: spec.width for modality, spec in head.inputs.items()}))
    head.estimate(RegressorInput(head.centre[None], (np.zeros((1, width), np.float32),)), 0.5, 1)


def save_heads(heads: Sequence[PhqHead], path: Path) -> tuple[dict[str, Any], ...]:
    """Write the arrays of heads as one safetensors file.

    Args:
        heads: The heads of a bundle, in the order in which they are asked.
        path: The file to write.

    Returns:
        For each head what the bundle's configuration must hold of it.
    """
    arrays: Arrays = {}
    for i, head in enumerate(heads):
        arrays |= {f"{i}/{name}": value for name, value in head_to_arrays(head).items()}
    save_file(arrays, path)
    path.chmod(0o644)  # safetensors makes it for its owner alone
    return tuple(head_to_config(head) for head in heads)


def load_heads(configs: Sequence[dict[str, Any]], path: Path) -> tuple[PhqHead, ...]:
    """Load the heads that `save_heads` wrote.

    Args:
        configs: What it returned.
        path: The file that it wrote.

    Raises:
        ModelError: The file cannot be read, or does not fit the configuration.
    """
    try:
        arrays = load_file(path)
        return tuple(build_head(config, _strip_prefix(arrays, f"{i}/")) for i, config in enumerate(configs))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, IndexError) as error:
        raise ModelError(messages.HEADS_UNUSABLE(path=str(path), error=str(error).splitlines()[0])) from None


def _strip_prefix(arrays: Arrays, prefix: str) -> Arrays:
    """Return the arrays whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def compute_distance(rows: Float, centre: Float, spread: Float) -> Float:
    """Compute how far sessions lie from the training: root mean square of standardised functionals, NaN left out.

    Args:
        rows: (n, p) functionals.
        centre: (p,) mean of the training's functionals.
        spread: (p,) their SD.

    Returns:
        (n,) distances in standard deviations.
    """
    z = (rows - centre) / np.maximum(spread, 1e-9)
    z = np.where(np.isfinite(z), np.clip(z, -1e3, 1e3), 0)
    return np.asarray(np.sqrt((z**2).mean(axis=1)))


def compute_spread(values: npt.NDArray[np.floating[Any]]) -> float:
    """Compute how far rows lie from their mean: root mean square, in shares of the mean's length.

    Args:
        values: (n, d) rows; those with NaN are left out.

    Returns:
        0 or more; infinite where fewer than two rows have all their numbers.
    """
    rows = values[np.isfinite(values).all(axis=1)]
    if len(rows) < 2:
        return math.inf
    mean = rows.mean(axis=0, dtype=np.float64)
    blocks = (rows[start : start + _SPREAD_ROWS] for start in range(0, len(rows), _SPREAD_ROWS))
    squares = sum(float(((block - mean) ** 2).sum()) for block in blocks)
    return math.sqrt(squares / len(rows)) / max(float(np.linalg.norm(mean)), 1e-9)


def columns_digest(row: Functionals) -> str:
    """Return a digest of the functionals' names, by which a head knows its columns."""
    return hashlib.sha256("\n".join(row.names).encode()).hexdigest()[:16]
