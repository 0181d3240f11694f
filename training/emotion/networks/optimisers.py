"""The optimiser and the learning rate schedule of a stage."""

from __future__ import annotations

import math
from typing import Any

import torch
from timm.optim import create_optimizer_v2, param_groups_layer_decay, param_groups_weight_decay

from fer_phq.models.networks.heads import EmotionNet
from training.emotion.recipe import Optimiser, Schedule


def build_optimiser(net: EmotionNet, config: Optimiser) -> torch.optim.Optimizer:
    """Build an optimiser of the trainable parameters, without weight decay of biases, norms and position embeddings.

    With layer decay (Clark et al., 2020; Bao et al., 2022, arXiv:2106.08254) each group carries an `lr_scale`.

    Args:
        net: The network.
        config: Name and hyperparameters.
    """
    backbone = net.backbone
    decay = config.weight_decay
    no_weight_decay = getattr(backbone, "no_weight_decay", None)
    undecayed = set(no_weight_decay()) if callable(no_weight_decay) else set()
    if config.layer_decay < 1:
        groups = param_groups_layer_decay(
            backbone, decay, no_weight_decay_list=undecayed, layer_decay=config.layer_decay
        )
    else:
        groups = param_groups_weight_decay(backbone, decay, no_weight_decay_list=undecayed)
    groups += param_groups_weight_decay(net.head, decay)
    settings: dict[str, Any] = {"lr": config.learning_rate, "weight_decay": 0.0}
    if config.name == "sgd":
        settings["momentum"] = config.momentum
    else:
        settings |= {"betas": config.betas, "eps": config.eps}
    optimiser: torch.optim.Optimizer = create_optimizer_v2(groups, opt=config.name, **settings)
    return optimiser


def learning_rate_factor(schedule: Schedule, step: int, steps_per_epoch: int, steps: int) -> float:
    """Compute the factor of the peak learning rate at a step of the optimiser.

    Args:
        schedule: Warm-up and cosines.
        step: Number of the step, from 0.
        steps_per_epoch: Steps of one epoch.
        steps: Steps of the whole stage.

    Returns:
        Above 0, at most 1.
    """
    warmup = schedule.warmup_steps or round(schedule.warmup_epochs * steps_per_epoch)
    warmup = min(warmup, steps - 1)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    position = (step - warmup) / max(1, steps - warmup) * schedule.cycles
    return schedule.final + (1 - schedule.final) * 0.5 * (1 + math.cos(math.pi * (position % 1)))


def set_learning_rate(optimiser: torch.optim.Optimizer, learning_rate: float) -> None:
    """Set the learning rate of every parameter group, scaled by the group's `lr_scale`.

    Args:
        optimiser: The optimiser.
        learning_rate: The rate of a group whose scale is 1.
    """
    for group in optimiser.param_groups:
        group["lr"] = learning_rate * group.get("lr_scale", 1)
