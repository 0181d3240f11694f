"""What a bundle's `config.json` may say: an allow-list of names, types and ranges.

A bundle comes from anybody. Its configuration chooses a network and what the network's constructor gets, so nothing
reaches the constructor that could fetch, open or allocate something: no `pretrained`, no `checkpoint_path`, no size
without bound.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from fer_phq.core.errors import ModelError
from fer_phq.core.messages import Message
from fer_phq.models import messages

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_BACKBONE = re.compile(r"[a-z][a-z0-9_]{0,99}(?:\.[a-z0-9_]{1,99})?")

Rule = tuple[Message, Callable[[Any], bool]]
"""What is allowed, for a person, and the test of a value."""


def _whole(low: int, high: int) -> Rule:
    return messages.RULE_WHOLE(low=low, high=high), lambda value: type(value) is int and low <= value <= high


def _real(low: float, high: float) -> Rule:
    def holds(value: Any) -> bool:
        return type(value) in (int, float) and math.isfinite(value) and low <= value <= high

    return messages.RULE_NUMBER(low=low, high=high), holds


def _any_of(*values: object) -> Rule:
    rule = messages.RULE_ANY_OF(values=tuple(map(str, values)))
    return rule, lambda value: any(type(value) is type(other) and value == other for other in values)


def _text(pattern: re.Pattern[str], rule: Message) -> Rule:
    return rule, lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


_OBJECT: Rule = (messages.RULE_OBJECT(), lambda value: isinstance(value, Mapping))
_SHARE = _real(0, 0.95)
_SHARE_OF_ONE = _real(0, 1)
_SWITCH = _any_of(True, False)

FIELDS: Mapping[str, Rule] = {
    "name": _text(_NAME, messages.RULE_NAME()),
    "backbone": _text(_BACKBONE, messages.RULE_ARCHITECTURE()),
    "image_size": _whole(8, 1024),
    "in_chans": _any_of(1, 3),
    "dim": _whole(1, 8192),
    "mean": _real(0, 1),
    "std": _real(0.001, 10),
    "temperature": _real(0.05, 20),
}
"""The fields of a configuration whose values have a rule."""

_PROBES: Rule = (
    messages.RULE_PROBES(),
    lambda value: (
        isinstance(value, list)
        and len(value) <= 100
        and all(isinstance(row, list) and len(row) <= 100 and all(_SHARE_OF_ONE[1](p) for p in row) for row in value)
    ),
)

QUANTIZATION: Mapping[str, Rule] = {
    "precision": _any_of("int8"),
    "images": _whole(1, 10_000_000),
    "held_out": _whole(1, 10_000_000),
    "accuracy_fp32": _SHARE_OF_ONE,
    "accuracy": _SHARE_OF_ONE,
    "low": _real(-1, 1),
    "high": _real(-1, 1),
    "same_emotion": _SHARE_OF_ONE,
    "embedding_error": _real(0, 1000),
    "probe_error": _SHARE_OF_ONE,
    "probes": _PROBES,
}
"""The fields of `quantization`, all of which must be there."""

OPTIONS: Mapping[str, Rule] = {
    "attn_drop_rate": _SHARE,
    "class_token": _SWITCH,
    "depth": _whole(1, 48),
    "drop_path_rate": _SHARE,
    "drop_rate": _SHARE,
    "dynamic_img_size": _SWITCH,
    "embed_dim": _whole(8, 2048),
    "global_pool": _any_of("avg", "token", "map", "max"),
    "init_values": _real(0, 1),
    "mlp_ratio": _real(0.5, 8),
    "no_embed_class": _SWITCH,
    "num_heads": _whole(1, 64),
    "patch_drop_rate": _SHARE,
    "patch_size": _whole(1, 64),
    "pos_drop_rate": _SHARE,
    "proj_drop_rate": _SHARE,
    "qkv_bias": _SWITCH,
    "reg_tokens": _whole(0, 16),
}
"""What a configuration may pass to the backbone's constructor."""


def check_config(fields: Mapping[str, Any], path: str) -> None:
    """Check what a configuration says of the network.

    Args:
        fields: The content of `config.json`.
        path: Its path, for the message.

    Raises:
        ModelError: A value is outside of its range, or an option is not allowed.
    """
    problem = next((_violation(name, fields[name], FIELDS[name]) for name in FIELDS if _breaks(fields, name)), None)
    if problem is None:
        options = fields.get("options", {})
        problem = option_problem(options) if isinstance(options, Mapping) else _violation("options", options, _OBJECT)
    if problem is None and fields.get("quantization") is not None:
        problem = _quantization_problem(fields["quantization"])
    if problem is not None:
        raise ModelError(messages.CONFIG_UNUSABLE(path=path, problem=problem))


def option_problem(options: Mapping[str, Any]) -> Message | None:
    """Return what is wrong with the arguments of a backbone's constructor, or None.

    Args:
        options: The arguments by name.
    """
    for name, value in options.items():
        if name not in OPTIONS:
            return messages.OPTION_NOT_ALLOWED(name=_short(name), options=tuple(OPTIONS))
        if not OPTIONS[name][1](value):
            return _violation(f"options.{name}", value, OPTIONS[name])
    return None


def _quantization_problem(fields: object) -> Message | None:
    """Return what is wrong with the description of a quantised network, or None."""
    if not isinstance(fields, Mapping) or set(fields) != set(QUANTIZATION):
        return _violation("quantization", fields, (messages.RULE_FIELDS(names=tuple(QUANTIZATION)), lambda _: False))
    for name, rule in QUANTIZATION.items():
        if not rule[1](fields[name]):
            return _violation(f"quantization.{name}", fields[name], rule)
    return None


def _breaks(fields: Mapping[str, Any], name: str) -> bool:
    return name in fields and not FIELDS[name][1](fields[name])


def _violation(name: str, value: object, rule: Rule) -> Message:
    return messages.VALUE_OUT_OF_RULE(name=name, value=_short(value), rule=rule[0])


def _short(value: object) -> str:
    """Return a value as text of at most 60 printable characters."""
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
