"""A PHQ head: from a session's features to an estimate with its interval, or the reason why there is none.

A head is trained for one set of modalities. It holds a regressor fitted on all labelled sessions, which gives the
score, and one for each fold of a cross-validation grouped by subject with the errors on what that fold left out: the
interval is CV+ (Barber, Candes, Ramdas & Tibshirani, 2021, Ann Stat 49:486-507; with one subject a fold, jackknife+),
whose coverage holds for a new subject of the same population. Fitting and errors come from MAPIE
(`training.phq.models.intervals`); that what stands here gives MAPIE's intervals is tested.
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

from fer_phq.core.errors import ModelError
from fer_phq.core.feature_series import SessionFeatures
from fer_phq.core.messages import literal
from fer_phq.core.phq import Modality, PhqUnavailable, UnavailableReason
from fer_phq.features.functionals import Functionals, functionals, measured_rows
from fer_phq.features.windows import window_parts, windows
from fer_phq.models.regressors import FAMILIES, Arrays, Attention, Described, Regressor
from fer_phq.words.features import MINILM, PLAIN, without_embeddings

Float = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Input:
    """What a head takes of one modality: numbers a row, what made them, and the fewest rows it was trained on."""

    width: int
    kind: str
    min_rows: int


@dataclass(frozen=True, eq=False)
class PhqHead:
    """One set of modalities' head.

    fold_of, errors (n,): of each labelled session, the fold that left it out and |true - estimated| there. centre,
    spread (p,): mean and SD of the training functionals; far: the distance (see `distance`) beyond which a session is
    unlike those of the training. floor: the training's mean total.
    """

    modalities: tuple[Modality, ...]
    model: str
    inputs: dict[Modality, Input]
    columns: str
    whole: Regressor
    folds: tuple[Regressor, ...]
    fold_of: npt.NDArray[np.int64]
    errors: Float
    centre: Float
    spread: Float
    far: float
    floor: float

    def taken(self, features: SessionFeatures) -> SessionFeatures | None:
        """What this head takes of a session; None where the session does not have it, of the training's kind."""
        found = {}
        for modality in self.modalities:
            channel = features.channel(modality)
            wanted = self.inputs[modality]
            if channel is not None and wanted.kind == PLAIN and channel.kind == MINILM:
                channel = without_embeddings(channel)
            if channel is None or (channel.width, channel.kind) != (wanted.width, wanted.kind):
                return None
            found[modality.value] = channel
        return SessionFeatures(**found, emotions=features.emotions if Modality.FACE in self.modalities else None)

    def describe(self, features: SessionFeatures) -> Described | PhqUnavailable:
        """The one session as `estimate` reads it, or why this head must not judge it; of what it has `taken`.

        How far it lies from the training is told by its functionals, whatever the model reads.
        """
        for modality in self.modalities:
            channel = features.channel(modality)
            rows = 0 if channel is None else measured_rows(channel)
            fewest = self.inputs[modality].min_rows
            if rows < fewest:
                detail = f"{rows} rows of {modality} are fewer than half of the shortest training session's ({fewest})"
                return PhqUnavailable(UnavailableReason.TOO_SHORT, literal(detail))
        row = functionals(features, self.modalities)
        if columns_of(row) != self.columns:
            detail = "the head was trained with other functionals than this version computes: train it again"
            return PhqUnavailable(UnavailableReason.NO_HEAD, literal(detail))
        away = float(distance(row.values[None], self.centre, self.spread)[0])
        if away > self.far:
            detail = (
                f"the session is unlike those of the training: {away:.1f} standard deviations from their centre, at "
                f"most {self.far:.1f} are judged"
            )
            return PhqUnavailable(UnavailableReason.OUT_OF_DISTRIBUTION, literal(detail))
        read = (windows(features, self.modalities),) if isinstance(self.whole, Attention) else ()
        return Described(row.values[None], read)

    def estimate(self, given: Described, level: float, maximum: int) -> tuple[Float, Float, Float]:
        """Scores, lower and upper bounds (n,) of described sessions, clipped to 0-maximum, low <= score <= high."""
        scores = np.clip(self.whole.predict(given), 0, maximum)
        left_out = np.stack([fold.predict(given) for fold in self.folds])
        low, high = cross_conformal(left_out, self.fold_of, self.errors, level)
        return scores, np.clip(low, 0, scores), np.clip(high, scores, maximum)


def head_arrays(head: PhqHead) -> Arrays:
    """A head's numbers by name, for safetensors; what is no array is in `head_facts`."""
    members = {"whole": head.whole} | {f"fold{i}": fold for i, fold in enumerate(head.folds)}
    out = {f"{member}/{name}": value for member, fitted in members.items() for name, value in fitted.arrays().items()}
    own = {"fold_of": head.fold_of, "errors": head.errors, "centre": head.centre, "spread": head.spread}
    return {name: np.asarray(value, order="C") for name, value in (out | own).items()}


def head_facts(head: PhqHead) -> dict[str, Any]:
    """What of a head is no array, as JSON-able values."""
    return {
        "modalities": [str(modality) for modality in head.modalities],
        "model": head.model,
        "inputs": {str(modality): asdict(taken) for modality, taken in head.inputs.items()},
        "columns": head.columns,
        "folds": len(head.folds),
        "far": head.far,
        "floor": head.floor,
    }


def build_head(facts: dict[str, Any], arrays: Arrays) -> PhqHead:
    """The head that `head_facts` and `head_arrays` were called on. Raises KeyError, TypeError or ValueError."""
    family = FAMILIES[facts["model"]]

    def member(name: str) -> Regressor:
        return family.from_arrays(_under(arrays, f"{name}/"))

    head = PhqHead(
        modalities=tuple(Modality(name) for name in facts["modalities"]),
        model=facts["model"],
        inputs={Modality(name): Input(**taken) for name, taken in facts["inputs"].items()},
        columns=facts["columns"],
        whole=member("whole"),
        folds=tuple(member(f"fold{i}") for i in range(facts["folds"])),
        fold_of=np.asarray(arrays["fold_of"], np.int64),
        errors=np.asarray(arrays["errors"], np.float64),
        centre=np.asarray(arrays["centre"], np.float64),
        spread=np.asarray(arrays["spread"], np.float64),
        far=float(facts["far"]),
        floor=float(facts["floor"]),
    )
    _try(head)
    return head


def _try(head: PhqHead) -> None:
    """Arrays that do not fit together raise ValueError or IndexError now, not at a session."""
    width = len(window_parts({modality: taken.width for modality, taken in head.inputs.items()}))
    head.estimate(Described(head.centre[None], (np.zeros((1, width), np.float32),)), 0.5, 1)


def save_heads(heads: Sequence[PhqHead], path: Path) -> tuple[dict[str, Any], ...]:
    """Write the heads' arrays as one safetensors file; what is to stand of them in the configuration."""
    arrays = {f"{i}/{name}": value for i, head in enumerate(heads) for name, value in head_arrays(head).items()}
    save_file(arrays, path)
    path.chmod(0o644)  # safetensors makes it for its owner alone
    return tuple(head_facts(head) for head in heads)


def load_heads(facts: Sequence[dict[str, Any]], path: Path) -> tuple[PhqHead, ...]:
    """The heads that `save_heads` wrote. Raises ModelError in one sentence when they cannot be used."""
    try:
        arrays = load_file(path)
        return tuple(build_head(fact, _under(arrays, f"{i}/")) for i, fact in enumerate(facts))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, IndexError) as error:
        raise ModelError(f"The PHQ heads in {path} cannot be used: {str(error).splitlines()[0]}.") from None


def _under(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def cross_conformal(
    left_out: Float, fold_of: npt.NDArray[np.int64], errors: Float, level: float
) -> tuple[Float, Float]:
    """CV+ bounds (n,) from each fold's estimates (folds, n), with the training's errors (m,) and their folds (m,).

    Infinite where there are too few errors for the level.
    """
    estimates = left_out[fold_of]  # (m, n)
    m, n = estimates.shape
    rank = math.ceil((m + 1) * level)
    if rank > m:
        return np.full(n, -np.inf), np.full(n, np.inf)
    low = np.sort(estimates - errors[:, None], axis=0)[m - rank]
    return low, np.sort(estimates + errors[:, None], axis=0)[rank - 1]


def distance(rows: Float, centre: Float, spread: Float) -> Float:
    """How far rows (n, p) lie from the training: root mean square of standardised functionals (n,), NaN left out."""
    z = (rows - centre) / np.maximum(spread, 1e-9)
    z = np.where(np.isfinite(z), np.clip(z, -1e3, 1e3), 0)
    return np.asarray(np.sqrt((z**2).mean(axis=1)))


def columns_of(row: Functionals) -> str:
    """A digest of the functionals' names, by which a head knows its columns."""
    return hashlib.sha256("\n".join(row.names).encode()).hexdigest()[:16]
