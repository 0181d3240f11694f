"""Fit the learned temporal aggregator, `fer_phq.models.regressors.Attention`, with PyTorch.

Its members are one small network each, trained all at once. A member leaves one inner fold of people out; training
stops at the step at which members err least on the people they left out, and what they say of these people also tells
how far their totals may be trusted. So every session both teaches and judges, and nothing is fitted twice.

Where the questionnaires' answers are known, and not only their totals, the members learn each answer beside the total
as an ordinal, which they share everything with but their last layer; what runs later gives the total alone.

Against the few sessions that there are: spans are first turned to their main components; a session shows some of its
spans at a step, at times without a modality; weights decay. What each is worth was measured on simulated people.
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
PEOPLE_A_COMPONENT = 10
"""Fewest and most components of a modality; between them there is one for so many people."""
HIDDEN = 16
INNER = 16
BATCH = 64
EPOCHS = 80
MOST_STEPS = 400
SPANS = 16
"""Most spans of a session that a step sees."""
SPAN_DROPOUT = 0.2
MODALITY_DROPOUT = 0.15
DROPOUT = 0.1
RATE = 4e-3
DECAY = 2.0
DELTA = 4.0
"""Points from which the Huber loss counts an error no longer by its square."""
ITEM_WEIGHT = 0.5
"""What the answers' loss counts beside the total's (our choice: on simulated answers totals were as good without)."""
LOOKS = 20
"""How often the people left out are asked in a training."""


@dataclass(frozen=True, eq=False)
class Frame:
    """What stands before the networks (see `Attention`); modality (components + modalities,): each column's."""

    parts: npt.NDArray[np.int64]
    centre: FloatArray
    basis: FloatArray
    modality: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sessions:
    """Spans (n, most spans, columns) with the mask (n, most spans) of those that are there, and totals (n,).

    items: the answers (n, items of the scale), NaN where they are not known; without any, (n, 0).
    """

    spans: torch.Tensor
    mask: torch.Tensor
    totals: torch.Tensor
    items: torch.Tensor


class AttentionNet(nn.Module):
    """The members of an `Attention`, under the names and with the arithmetic that they have there."""

    def __init__(self, members: int, columns: int, share: float, generator: torch.Generator, items: int = 0) -> None:
        """share: the total, as a part of the maximum, from which training starts. items: how many answers are known."""
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

    def forward(self, spans: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Totals (members, n), as parts of the maximum, of spans (members, n, k, columns) and mask (members, n, k)."""
        return self.totals_of(self.merged(spans, mask))

    def totals_of(self, merged: torch.Tensor) -> torch.Tensor:
        """Totals (members, n), as parts of the maximum."""
        return ((merged @ self.total[..., None])[..., 0] + self.total_bias[:, None]).sigmoid()

    def answers_of(self, merged: torch.Tensor) -> torch.Tensor:
        """(members, n, items, 3) logits that an answer is above 0, 1, 2: one direction, three thresholds."""
        return (merged @ self.item)[..., None] + self.item_bias[:, None]

    def merged(self, spans: torch.Tensor, mask: torch.Tensor, drop: torch.Generator | None = None) -> torch.Tensor:
        """What a session comes to (members, n, INNER); see `forward`.

        drop: draws what the pooled numbers are to miss; without it nothing is missed.
        """
        hidden = torch.baddbmm(self.project_bias[:, None], spans.flatten(1, 2), self.project)
        hidden = F.gelu(hidden, approximate="tanh")
        score = torch.baddbmm(self.attend_bias[:, None], hidden, self.attend).tanh() @ self.score[..., None]
        weight = score.view(mask.shape).masked_fill(~mask, -torch.inf).softmax(-1)[:, :, None]
        hidden = hidden.unflatten(1, mask.shape[1:])
        mean = (weight @ hidden)[:, :, 0]
        variance = (weight @ hidden**2)[:, :, 0] - mean**2
        pooled = torch.cat([mean, (variance.clamp_min(0) + VARIANCE_FLOOR).sqrt()], -1)
        if drop is not None:
            pooled = pooled * (torch.rand(pooled.shape, generator=drop) >= DROPOUT) / (1 - DROPOUT)
        return F.gelu(torch.baddbmm(self.merge_bias[:, None], pooled, self.merge), approximate="tanh")


def fit_attention(
    segments: Sequence[FloatArray],
    parts: Sequence[str],
    totals: Float,
    subjects: npt.NDArray[np.int64],
    maximum: int,
    seed: int = 0,
    items: Float | None = None,
) -> AttentionRegressor:
    """Fit on segments (spans, width) of n sessions with their totals (n,), of subjects (n,).

    parts (width,): each column's modality. items (n, items): the answers, 0 to 3, NaN where only the total is known.
    The same seed gives the same arrays on the same machine. Raises ValueError without segments, or where all are of one
    person.
    """
    if len(segments) != len(totals):
        raise ValueError("An attention model reads segments: the table was made without them.")
    generator = torch.Generator().manual_seed(seed)
    people = len(np.unique(subjects))
    frame = find_frame(segments, parts, people)
    data = as_sessions(segments, frame, totals, items)
    folds = GroupKFold(min(MEMBERS, people), shuffle=True, random_state=seed).split(totals, groups=subjects)
    left_out = np.zeros((min(MEMBERS, people), len(totals)), bool)
    for member, (_, test) in enumerate(folds):
        left_out[member, test] = True
    share = float(np.clip(totals.mean() / maximum, 0.02, 0.98))
    with _one_thread():
        net = AttentionNet(len(left_out), data.spans.shape[-1], share, generator, data.items.shape[1])
        train_net(net, data, torch.from_numpy(left_out), torch.from_numpy(frame.modality), maximum, generator)
        said = estimates(net, data, torch.from_numpy(left_out)).numpy()
    return as_attention(net, frame, float(totals.mean()), trust_in(said * maximum, totals), maximum)


def as_attention(net: AttentionNet, frame: Frame, mean: float, trust: float, maximum: int) -> AttentionRegressor:
    """A trained net as arrays, without what gave the answers."""
    return AttentionRegressor.from_arrays(
        {name: value.detach().numpy() for name, value in net.named_parameters() if not name.startswith("item")}
        | {"parts": frame.parts, "centre": frame.centre, "basis": frame.basis}
        | {"mean": np.array(mean), "trust": np.array(trust), "maximum": np.array(maximum)}
    )


def trust_in(said: Float, totals: Float) -> float:
    """How much of the distance from the mean is best kept, 0 to 1: by least squares over people left out."""
    away = said - totals.mean()
    return float(np.clip(away @ (totals - totals.mean()) / max(away @ away, 1e-9), 0, 1))


def find_frame(segments: Sequence[FloatArray], parts: Sequence[str], people: int) -> Frame:
    """Means, scales and main components of each modality over all spans, session by session to spare memory."""
    names = list(dict.fromkeys(parts))
    part = np.array([names.index(name) for name in parts], np.int64)
    count = np.zeros(len(part))
    total = np.zeros(len(part))
    square = np.zeros(len(part))
    for segment in segments:
        present = np.isfinite(segment)
        count += present.sum(0)
        total += np.where(present, segment, 0).sum(0, dtype=np.float64)
    centre = total / np.maximum(count, 1)
    for segment in segments:
        square += (np.where(np.isfinite(segment), segment - centre, 0) ** 2).sum(0)
    spread = np.sqrt(square / np.maximum(count, 1))
    scale = np.where(spread > 1e-6 * (1 + np.abs(centre)), 1 / np.maximum(spread, 1e-12), 0)
    bases = [_components(segments, centre, scale, part == number, people) for number in range(len(names))]
    modality = [number for number, basis in enumerate(bases) for _ in range(basis.shape[1])]
    return Frame(
        part,
        centre.astype(np.float32),
        np.concatenate(bases, axis=1).astype(np.float32),
        np.array([*modality, *range(len(names))], np.int64),
    )


def _components(
    segments: Sequence[FloatArray], centre: Float, scale: Float, own: npt.NDArray[np.bool_], people: int
) -> Float:
    """(width, components) that turn centred spans to the main components of own columns, of variance 1 on average.

    They are not whitened: small components are mostly what a person or a camera always does.
    """
    width = int(own.sum())
    product = np.zeros((width, width))
    for segment in segments:
        rows = np.where(np.isfinite(segment[:, own]), segment[:, own] - centre[own], 0) * scale[own]
        product += rows.T @ rows
    kept = min(width, int(np.clip(people // PEOPLE_A_COMPONENT, *COMPONENTS)))
    value, vector = np.linalg.eigh(product / sum(map(len, segments)))
    basis = np.zeros((len(centre), kept))
    basis[own] = scale[own, None] * vector[:, -kept:] / np.sqrt(max(value[-kept:].mean(), 1e-9))
    return basis


def as_sessions(segments: Sequence[FloatArray], frame: Frame, totals: Float, items: Float | None = None) -> Sessions:
    """The sessions as the net reads them; one in which nothing was measured has one span of zeros."""
    found = [project_windows(segment, frame.parts, frame.centre, frame.basis) for segment in segments]
    most = max(1, *map(len, found))
    spans = torch.zeros(len(found), most, len(frame.modality))
    mask = torch.zeros(len(found), most, dtype=torch.bool)
    mask[:, 0] = True
    for i, one in enumerate(found):
        spans[i, : len(one)] = torch.from_numpy(one)
        mask[i, : len(one)] = True
    answers = np.zeros((len(found), 0)) if items is None else items
    return Sessions(spans, mask, torch.from_numpy(totals).float(), torch.from_numpy(answers).float())


def train_net(
    net: AttentionNet,
    data: Sessions,
    left_out: torch.Tensor,
    modality: torch.Tensor,
    maximum: int,
    generator: torch.Generator,
) -> None:
    """Train members on all but what left_out (members, n) says of each; they end at the step of the least error there.

    AdamW with one cycle of rates, on Huber loss and 1 - CCC of the batch, and the answers' loss where they are known.
    """
    steps = min(MOST_STEPS, EPOCHS * math.ceil(len(data.totals) / BATCH))
    named = dict(net.named_parameters())
    groups: list[dict[str, Any]] = [
        {"params": [value for name, value in named.items() if not name.endswith("bias")], "weight_decay": DECAY},
        {"params": [value for name, value in named.items() if name.endswith("bias")], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps, pct_start=0.1, cycle_momentum=False)
    least = math.inf
    best = {name: value.detach().clone() for name, value in named.items()}
    for step in range(1, steps + 1):
        spans, mask, chosen = draw_batch(data, left_out, modality, generator)
        merged = net.merged(spans, mask, generator)
        loss = loss_of(net.totals_of(merged) * maximum, data.totals[chosen])
        if data.items.shape[1]:
            loss = loss + ITEM_WEIGHT * ordinal_loss(net.answers_of(merged), data.items[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % max(1, steps // LOOKS) == 0:
            error = float((estimates(net, data, left_out) * maximum - data.totals).square().mean())
            if error < least:
                least = error
                best = {name: value.detach().clone() for name, value in named.items()}
    net.load_state_dict(best)


def draw_batch(
    data: Sessions, left_out: torch.Tensor, modality: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Spans (members, b, k, columns), mask (members, b, k) and the sessions (members, b), which members may see."""
    size = min(BATCH, int((~left_out).sum(1).min()))
    order = torch.rand(left_out.shape, generator=generator).masked_fill(left_out, 2.0)
    chosen = order.topk(size, largest=False).indices  # (members, b)
    chance = torch.rand((*chosen.shape, data.mask.shape[1]), generator=generator)
    chance, place = chance.masked_fill(~data.mask[chosen], -1.0).topk(min(SPANS, chance.shape[-1]))
    spans = data.spans[chosen[..., None], place]
    modalities = int(modality.max()) + 1
    if modalities > 1:
        away = torch.rand((*chosen.shape, modalities), generator=generator) < MODALITY_DROPOUT
        away &= ~away.all(-1, keepdim=True)
        spans = spans * ~away[..., modality][:, :, None]
    mask = (chance >= SPAN_DROPOUT) & (spans[..., -modalities:] > 0).any(-1)
    mask[..., 0] |= ~mask.any(-1)  # some span is always left
    return spans, mask, chosen


def loss_of(given: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """Huber loss and 1 - CCC (Lin, 1989, Biometrics 45:255-268) over (members, b), summed over members."""
    huber = F.huber_loss(given, true, reduction="none", delta=DELTA).mean(1) / DELTA
    mean_given = given.mean(1, keepdim=True)
    mean_true = true.mean(1, keepdim=True)
    covariance = ((given - mean_given) * (true - mean_true)).mean(1)
    spread = given.var(1, correction=0) + true.var(1, correction=0) + (mean_given - mean_true)[:, 0] ** 2
    loss: torch.Tensor = (huber + 1 - 2 * covariance / (spread + 1e-6)).sum()
    return loss


def ordinal_loss(logits: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of logits (members, b, items, 3) with answers (members, b, items) above 0, 1, 2.

    Summed over members; answers that are NaN do not count. An item's thresholds share one direction, so that they keep
    their order: Cao, Mirjalili & Raschka, 2020, Pattern Recognit Lett 140:325-331.
    """
    known = torch.isfinite(items)
    above = (items[..., None] > torch.arange(3)).float()
    loss = F.binary_cross_entropy_with_logits(logits, above, reduction="none").mean(-1)
    mean: torch.Tensor = (loss * known).sum((1, 2)) / known.sum((1, 2)).clamp_min(1)
    return mean.sum()


@torch.no_grad()
def estimates(net: AttentionNet, data: Sessions, left_out: torch.Tensor) -> torch.Tensor:
    """(n,) of each session what the member that left it out says: every session is left out by one."""
    member, session = torch.nonzero(left_out, as_tuple=True)
    counts = left_out.sum(1)
    most = int(counts.max())
    place = torch.arange(len(session)) - (counts.cumsum(0) - counts)[member]
    asked = torch.zeros(len(left_out), most, dtype=torch.long)
    asked[member, place] = session
    said = net(data.spans[asked], data.mask[asked])
    out = torch.empty(len(data.totals))
    out[session] = said[member, place]
    return out


@contextmanager
def _one_thread() -> Iterator[None]:
    """Tensors are so small that threads cost more than they save, and sums must not depend on their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
