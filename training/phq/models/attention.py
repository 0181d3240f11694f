"""Fit the learned temporal aggregator, `fer_phq.models.regressors.AttentionRegressor`, with PyTorch.

Its members are one small network each, trained all at once. Each member leaves one inner fold of people out; training
stops at the step of the least error on the people left out, and the estimates for these people also decide how far the
members' totals are trusted. So every session is used for training and for validation, and nothing is fitted twice.

Where the questionnaires' answers are known, and not only their totals, the members learn each answer as an ordinal too.
The answers share everything with the total but the last layer; the fitted regressor gives the total alone.

Against overfitting to few sessions: windows are first projected to their main components; a step sees some of a
session's windows, at times without a modality; weights decay. The worth of each was measured on simulated people.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from sklearn.model_selection import GroupKFold
from torch import nn

from fer_phq.core.arrays import FloatArray
from fer_phq.models.regressors import VARIANCE_FLOOR, AttentionRegressor, project_windows

Float = npt.NDArray[np.float64]

MEMBERS = 4
COMPONENTS = (8, 32)
"""Fewest and most components of a modality; between them there is one for `PEOPLE_A_COMPONENT` people."""
PEOPLE_A_COMPONENT = 10
HIDDEN = 16
INNER = 16
BATCH = 64
EPOCHS = 80
MOST_STEPS = 400
MOST_WINDOWS = 16
"""Most windows of a session that a step sees."""
WINDOW_DROPOUT = 0.2
MODALITY_DROPOUT = 0.15
DROPOUT = 0.1
LEARNING_RATE = 4e-3
WEIGHT_DECAY = 2.0
DELTA = 4.0
"""Points from which the Huber loss counts an error no longer by its square."""
ITEM_WEIGHT = 0.5
"""Weight of the answers' loss beside the total's (our choice: on simulated answers totals were as good without)."""
VALIDATIONS = 20
"""How often in a training the error on the people left out is measured."""


@dataclass(frozen=True, eq=False)
class Projection:
    """Standardisation and main components of windows, which come before the networks (see `AttentionRegressor`).

    Attributes:
        parts: (width,) int64, the modality of each column of the windows, counted from 0.
        centre: (width,) float32, means.
        basis: (width, components) float32.
        modality: (components + modalities,) int64, the modality of each column that the networks read.
    """

    parts: npt.NDArray[np.int64]
    centre: FloatArray
    basis: FloatArray
    modality: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SessionTensors:
    """Sessions as the networks read them.

    Attributes:
        windows: (n, most windows, columns) float32, projected; zeros beyond a session's own.
        mask: (n, most windows) bool, which windows a session has.
        totals: (n,) float32, PHQ scores.
        items: (n, items of the scale) float32, the answers, NaN where they are not known; (n, 0) without any.
    """

    windows: torch.Tensor
    mask: torch.Tensor
    totals: torch.Tensor
    items: torch.Tensor


class AttentionNet(nn.Module):
    """The members of an `AttentionRegressor`, under the names and with the arithmetic that they have there."""

    def __init__(self, members: int, columns: int, share: float, generator: torch.Generator, items: int = 0) -> None:
        """Draw the initial weights.

        Args:
            members: Number of members.
            columns: Number of columns of a projected window.
            share: The total, as a share of the maximum, from which training starts; above 0, below 1.
            generator: Draws the weights.
            items: Number of the scale's items where answers are known, else 0.
        """
        super().__init__()

        def weights(*shape: int, gain: float = 1.0) -> nn.Parameter:
            return nn.Parameter(torch.randn(members, *shape, generator=generator) * gain / math.sqrt(shape[0]))

        self.project = weights(columns, HIDDEN)
        self.project_bias = nn.Parameter(torch.zeros(members, HIDDEN))
        self.attend = weights(HIDDEN, INNER)
        self.attend_bias = nn.Parameter(torch.zeros(members, INNER))
        self.score = weights(INNER)
        self.merge = weights(2 * HIDDEN, INNER)
        self.merge_bias = nn.Parameter(torch.zeros(members, INNER))
        self.total = weights(INNER, gain=0.1)
        self.total_bias = nn.Parameter(torch.full((members,), math.log(share / (1 - share))))
        if items:
            self.item = weights(INNER, items, gain=0.1)
            self.item_bias = nn.Parameter(torch.tensor([0.0, -1.0, -2.0]).repeat(members, items, 1))

    def forward(self, windows: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Estimate totals.

        Args:
            windows: (members, n, k, columns) float, projected.
            mask: (members, n, k) bool, which windows a session has; at least one.

        Returns:
            (members, n) float, shares of the maximum, 0 to 1.
        """
        return self.total_shares(self.encode(windows, mask))

    def total_shares(self, merged: torch.Tensor) -> torch.Tensor:
        """Return totals (members, n), as shares of the maximum, of encoded sessions (members, n, INNER)."""
        return ((merged @ self.total[..., None])[..., 0] + self.total_bias[:, None]).sigmoid()

    def item_logits(self, merged: torch.Tensor) -> torch.Tensor:
        """Return logits (members, n, items, 3) that an answer is above 0, 1, 2: one direction, three thresholds.

        Args:
            merged: (members, n, INNER) float, encoded sessions.
        """
        return (merged @ self.item)[..., None] + self.item_bias[:, None]

    def encode(self, windows: torch.Tensor, mask: torch.Tensor, dropout: torch.Generator | None = None) -> torch.Tensor:
        """Pool a session's windows.

        Args:
            windows: (members, n, k, columns) float, projected.
            mask: (members, n, k) bool, which windows a session has; at least one.
            dropout: Draws which pooled numbers are dropped; None drops nothing.

        Returns:
            (members, n, INNER) float.
        """
        hidden = torch.baddbmm(self.project_bias[:, None], windows.flatten(1, 2), self.project)
        hidden = F.gelu(hidden, approximate="tanh")
        score = torch.baddbmm(self.attend_bias[:, None], hidden, self.attend).tanh() @ self.score[..., None]
        weight = score.view(mask.shape).masked_fill(~mask, -torch.inf).softmax(-1)[:, :, None]
        hidden = hidden.unflatten(1, mask.shape[1:])
        mean = (weight @ hidden)[:, :, 0]
        variance = (weight @ hidden**2)[:, :, 0] - mean**2
        pooled = torch.cat([mean, (variance.clamp_min(0) + VARIANCE_FLOOR).sqrt()], -1)
        if dropout is not None:
            pooled = pooled * (torch.rand(pooled.shape, generator=dropout) >= DROPOUT) / (1 - DROPOUT)
        return F.gelu(torch.baddbmm(self.merge_bias[:, None], pooled, self.merge), approximate="tanh")


def fit_attention(
    windows: Sequence[FloatArray],
    window_modalities: Sequence[str],
    totals: Float,
    subjects: npt.NDArray[np.int64],
    maximum: int,
    seed: int = 0,
    items: Float | None = None,
) -> AttentionRegressor:
    """Fit the members on labelled sessions. The same seed gives the same arrays on the same machine.

    Args:
        windows: Of each of n sessions (windows, width) float32, NaN where nothing was measured.
        window_modalities: (width,) the modality of each column.
        totals: (n,) float64, PHQ scores.
        subjects: (n,) int64, whose session each is.
        maximum: The scale's highest total.
        seed: Seed of the inner folds, the weights and the batches.
        items: (n, items of the scale) float64, the answers, 0 to 3, NaN where only the total is known; or None.

    Raises:
        ValueError: There are no windows, or all sessions are of one person.
    """
    if len(windows) != len(totals):
        raise ValueError("An attention model reads windows: the matrix was made without them.")
    generator = torch.Generator().manual_seed(seed)
    people = len(np.unique(subjects))
    projection = fit_projection(windows, window_modalities, people)
    data = to_tensors(windows, projection, totals, items)
    folds = GroupKFold(min(MEMBERS, people), shuffle=True, random_state=seed).split(totals, groups=subjects)
    left_out = np.zeros((min(MEMBERS, people), len(totals)), bool)
    for member, (_, test) in enumerate(folds):
        left_out[member, test] = True
    share = float(np.clip(totals.mean() / maximum, 0.02, 0.98))
    with _one_thread():
        net = AttentionNet(len(left_out), data.windows.shape[-1], share, generator, data.items.shape[1])
        train_net(net, data, torch.from_numpy(left_out), torch.from_numpy(projection.modality), maximum, generator)
        estimates = estimate_left_out(net, data, torch.from_numpy(left_out)).numpy()
    trust = compute_trust(estimates * maximum, totals)
    return to_attention(net, projection, float(totals.mean()), trust, maximum)


def to_attention(
    net: AttentionNet, projection: Projection, mean: float, trust: float, maximum: int
) -> AttentionRegressor:
    """Convert a trained net to arrays, without the layer of the answers.

    Args:
        net: The trained members.
        projection: What comes before them.
        mean: The training's mean total.
        trust: How much of an estimate's distance from the mean remains, 0 to 1.
        maximum: The scale's highest total.
    """
    return AttentionRegressor.from_arrays(
        {name: value.detach().numpy() for name, value in net.named_parameters() if not name.startswith("item")}
        | {"parts": projection.parts, "centre": projection.centre, "basis": projection.basis}
        | {"mean": np.array(mean), "trust": np.array(trust), "maximum": np.array(maximum)}
    )


def compute_trust(estimates: Float, totals: Float) -> float:
    """Compute how much of an estimate's distance from the mean is best kept, by least squares over people left out.

    Args:
        estimates: (n,) float64, of people left out, in points.
        totals: (n,) float64, their scores.

    Returns:
        A share, 0 to 1.
    """
    distance = estimates - totals.mean()
    return float(np.clip(distance @ (totals - totals.mean()) / max(distance @ distance, 1e-9), 0, 1))


def fit_projection(windows: Sequence[FloatArray], window_modalities: Sequence[str], people: int) -> Projection:
    """Compute means, scales and main components of each modality over all windows, session by session to spare memory.

    Args:
        windows: Of each session (windows, width) float32, NaN where nothing was measured.
        window_modalities: (width,) the modality of each column.
        people: Number of people, which bounds the number of components.
    """
    names = list(dict.fromkeys(window_modalities))
    part = np.array([names.index(name) for name in window_modalities], np.int64)
    count = np.zeros(len(part))
    total = np.zeros(len(part))
    square = np.zeros(len(part))
    for session in windows:
        present = np.isfinite(session)
        count += present.sum(0)
        total += np.where(present, session, 0).sum(0, dtype=np.float64)
    centre = total / np.maximum(count, 1)
    for session in windows:
        square += (np.where(np.isfinite(session), session - centre, 0) ** 2).sum(0)
    spread = np.sqrt(square / np.maximum(count, 1))
    scale = np.where(spread > 1e-6 * (1 + np.abs(centre)), 1 / np.maximum(spread, 1e-12), 0)
    bases = [_components(windows, centre, scale, part == number, people) for number in range(len(names))]
    modality = [number for number, basis in enumerate(bases) for _ in range(basis.shape[1])]
    return Projection(
        part,
        centre.astype(np.float32),
        np.concatenate(bases, axis=1).astype(np.float32),
        np.array([*modality, *range(len(names))], np.int64),
    )


def _components(
    windows: Sequence[FloatArray], centre: Float, scale: Float, columns: npt.NDArray[np.bool_], people: int
) -> Float:
    """(width, components) that project centred windows to the main components of `columns`, of variance 1 on average.

    They are not whitened: small components are mostly habits of a person or of a camera.
    """
    width = int(columns.sum())
    product = np.zeros((width, width))
    for session in windows:
        rows = np.where(np.isfinite(session[:, columns]), session[:, columns] - centre[columns], 0) * scale[columns]
        product += rows.T @ rows
    components = min(width, int(np.clip(people // PEOPLE_A_COMPONENT, *COMPONENTS)))
    value, vector = np.linalg.eigh(product / sum(map(len, windows)))
    basis = np.zeros((len(centre), components))
    mean_variance = max(value[-components:].mean(), 1e-9)
    basis[columns] = scale[columns, None] * vector[:, -components:] / np.sqrt(mean_variance)
    return basis


def to_tensors(
    windows: Sequence[FloatArray], projection: Projection, totals: Float, items: Float | None = None
) -> SessionTensors:
    """Convert sessions to tensors; one in which nothing was measured gets one window of zeros.

    Args:
        windows: Of each of n sessions (windows, width) float32, NaN where nothing was measured.
        projection: Means and main components.
        totals: (n,) float64, PHQ scores.
        items: (n, items of the scale) float64, the answers, NaN where they are not known; or None.
    """
    projected = [project_windows(session, projection.parts, projection.centre, projection.basis) for session in windows]
    most = max(1, *map(len, projected))
    padded = torch.zeros(len(projected), most, len(projection.modality))
    mask = torch.zeros(len(projected), most, dtype=torch.bool)
    mask[:, 0] = True
    for i, session in enumerate(projected):
        padded[i, : len(session)] = torch.from_numpy(session)
        mask[i, : len(session)] = True
    answers = np.zeros((len(projected), 0)) if items is None else items
    return SessionTensors(padded, mask, torch.from_numpy(totals).float(), torch.from_numpy(answers).float())


def train_net(
    net: AttentionNet,
    data: SessionTensors,
    left_out: torch.Tensor,
    modality: torch.Tensor,
    maximum: int,
    generator: torch.Generator,
) -> None:
    """Train the members; the net ends at the step of the least error on the people left out.

    AdamW with one cycle of rates, on Huber loss and 1 - CCC of the batch, and the answers' loss where they are known.

    Args:
        net: The members, trained in place.
        data: n sessions.
        left_out: (members, n) bool, which sessions each member must not learn from; each session is left out once.
        modality: (columns,) int64, the modality of each column of the windows.
        maximum: The scale's highest total.
        generator: Draws batches and dropout.
    """
    steps = min(MOST_STEPS, EPOCHS * math.ceil(len(data.totals) / BATCH))
    parameters = dict(net.named_parameters())
    groups: list[dict[str, Any]] = [
        {
            "params": [value for name, value in parameters.items() if not name.endswith("bias")],
            "weight_decay": WEIGHT_DECAY,
        },
        {"params": [value for name, value in parameters.items() if name.endswith("bias")], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, steps, pct_start=0.1, cycle_momentum=False)
    least = math.inf
    best = {name: value.detach().clone() for name, value in parameters.items()}
    for step in range(1, steps + 1):
        windows, mask, sessions = draw_batch(data, left_out, modality, generator)
        merged = net.encode(windows, mask, generator)
        loss = total_loss(net.total_shares(merged) * maximum, data.totals[sessions])
        if data.items.shape[1]:
            loss = loss + ITEM_WEIGHT * ordinal_loss(net.item_logits(merged), data.items[sessions])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % max(1, steps // VALIDATIONS) == 0:
            error = float((estimate_left_out(net, data, left_out) * maximum - data.totals).square().mean())
            if error < least:
                least = error
                best = {name: value.detach().clone() for name, value in parameters.items()}
    net.load_state_dict(best)


def draw_batch(
    data: SessionTensors, left_out: torch.Tensor, modality: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Draw a batch for each member from the sessions that it may learn from.

    Args:
        data: n sessions.
        left_out: (members, n) bool, which sessions each member must not see.
        modality: (columns,) int64, the modality of each column of the windows.
        generator: Draws sessions, windows and what is dropped.

    Returns:
        Windows (members, b, k, columns) float, mask (members, b, k) bool, positions of the sessions (members, b) int64.
    """
    size = min(BATCH, int((~left_out).sum(1).min()))
    order = torch.rand(left_out.shape, generator=generator).masked_fill(left_out, 2.0)
    sessions = order.topk(size, largest=False).indices  # (members, b)
    chance = torch.rand((*sessions.shape, data.mask.shape[1]), generator=generator)
    chance, positions = chance.masked_fill(~data.mask[sessions], -1.0).topk(min(MOST_WINDOWS, chance.shape[-1]))
    windows = data.windows[sessions[..., None], positions]
    modalities = int(modality.max()) + 1
    if modalities > 1:
        dropped = torch.rand((*sessions.shape, modalities), generator=generator) < MODALITY_DROPOUT
        dropped &= ~dropped.all(-1, keepdim=True)
        windows = windows * ~dropped[..., modality][:, :, None]
    mask = (chance >= WINDOW_DROPOUT) & (windows[..., -modalities:] > 0).any(-1)
    mask[..., 0] |= ~mask.any(-1)  # some window is always left
    return windows, mask, sessions


def total_loss(estimates: torch.Tensor, totals: torch.Tensor) -> torch.Tensor:
    """Compute Huber loss plus 1 - CCC (Lin, 1989, Biometrics 45:255-268) of each member, summed over members.

    Args:
        estimates: (members, b) float, in points.
        totals: (members, b) float, PHQ scores.

    Returns:
        () float.
    """
    huber = F.huber_loss(estimates, totals, reduction="none", delta=DELTA).mean(1) / DELTA
    mean_estimate = estimates.mean(1, keepdim=True)
    mean_total = totals.mean(1, keepdim=True)
    covariance = ((estimates - mean_estimate) * (totals - mean_total)).mean(1)
    spread = estimates.var(1, correction=0) + totals.var(1, correction=0) + (mean_estimate - mean_total)[:, 0] ** 2
    loss: torch.Tensor = (huber + 1 - 2 * covariance / (spread + 1e-6)).sum()
    return loss


def ordinal_loss(logits: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
    """Compute the cross-entropy of the answers as ordinals, summed over members.

    An item's thresholds share one direction, so that they keep their order: Cao, Mirjalili & Raschka, 2020, Pattern
    Recognit Lett 140:325-331.

    Args:
        logits: (members, b, items, 3) float, that an answer is above 0, 1, 2.
        items: (members, b, items) float, the answers, 0 to 3; NaN does not count.

    Returns:
        () float.
    """
    answered = torch.isfinite(items)
    above = (items[..., None] > torch.arange(3)).float()
    loss = F.binary_cross_entropy_with_logits(logits, above, reduction="none").mean(-1)
    mean: torch.Tensor = (loss * answered).sum((1, 2)) / answered.sum((1, 2)).clamp_min(1)
    return mean.sum()


@torch.no_grad()
def estimate_left_out(net: AttentionNet, data: SessionTensors, left_out: torch.Tensor) -> torch.Tensor:
    """Estimate each session by the member that left it out.

    Args:
        net: The members.
        data: n sessions.
        left_out: (members, n) bool; each session is left out by one member.

    Returns:
        (n,) float, shares of the maximum, 0 to 1.
    """
    member, session = torch.nonzero(left_out, as_tuple=True)
    counts = left_out.sum(1)
    most = int(counts.max())
    position = torch.arange(len(session)) - (counts.cumsum(0) - counts)[member]
    sessions = torch.zeros(len(left_out), most, dtype=torch.long)
    sessions[member, position] = session
    shares = net(data.windows[sessions], data.mask[sessions])
    estimates = torch.empty(len(data.totals))
    estimates[session] = shares[member, position]
    return estimates


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute on one thread: for tensors so small more would cost time, and sums must not depend on their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
