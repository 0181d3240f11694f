"""The optimiser and the learning rate of a stage."""

from __future__ import annotations

import math
from typing import Any

import torch
from timm.optim import create_optimizer_v2, param_groups_layer_decay, param_groups_weight_decay

from fer_phq.models.heads import EmotionNet
from training.emotion.recipe import Optimiser, Schedule


def build_optimiser(net: EmotionNet, wanted: Optimiser) -> torch.optim.Optimizer:
    """Optimiser over what is trainable. Biases, norms and position embeddings are not decayed.

    With layer decay (Clark et al., 2020; Bao et al., 2022, arXiv:2106.08254) each group carries an `lr_scale`.
    """
    backbone = net.backbone
    decay = wanted.weight_decay
    named = getattr(backbone, "no_weight_decay", None)
    free = set(named()) if callable(named) else set()
    if wanted.layer_decay < 1:
        groups = param_groups_layer_decay(backbone, decay, no_weight_decay_list=free, layer_decay=wanted.layer_decay)
    else:
        groups = param_groups_weight_decay(backbone, decay, no_weight_decay_list=free)
    groups += param_groups_weight_decay(net.head, decay)
    settings: dict[str, Any] = {"lr": wanted.learning_rate, "weight_decay": 0.0}
    if wanted.name == "sgd":
        settings["momentum"] = wanted.momentum
    else:
        settings |= {"betas": wanted.betas, "eps": wanted.eps}
    optimiser: torch.optim.Optimizer = create_optimizer_v2(groups, opt=wanted.name, **settings)
    return optimiser


def rate(schedule: Schedule, step: int, steps_per_epoch: int, steps: int) -> float:
    """Factor of the peak learning rate at a step of the optimiser, counted from 0 (of `steps` in all)."""
    warmup = schedule.warmup_steps or round(schedule.warmup_epochs * steps_per_epoch)
    warmup = min(warmup, steps - 1)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    position = (step - warmup) / max(1, steps - warmup) * schedule.cycles
    return schedule.final + (1 - schedule.final) * 0.5 * (1 + math.cos(math.pi * (position % 1)))


def set_rate(optimiser: torch.optim.Optimizer, learning_rate: float) -> None:
    """Set every group's learning rate, scaled by its layer."""
    for group in optimiser.param_groups:
        group["lr"] = learning_rate * group.get("lr_scale", 1)
