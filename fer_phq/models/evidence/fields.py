"""Checked values of a parsed JSON object. Each function raises KeyError, TypeError or ValueError, naming the field."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Bounded:
    """A figure with its bootstrap interval over people.

    Attributes:
        value: The figure.
        low: The interval's lower end.
        high: The interval's upper end.
    """

    value: float
    low: float
    high: float

    @property
    def is_positive(self) -> bool:
        """Whether all of the interval lies above zero."""
        return self.low > 0


def read_list(fields: Mapping[str, Any], name: str) -> Sequence[Any]:
    """Return a list.

    Args:
        fields: A parsed object.
        name: Its field.

    Raises:
        TypeError: It is none.
    """
    values = fields[name]
    if not isinstance(values, list):
        raise TypeError(f"{name} must be a list, it is {type(values).__name__}")
    return values


def read_number(fields: Mapping[str, Any], name: str) -> float:
    """Return a finite number.

    Args:
        fields: A parsed object.
        name: Its field.

    Raises:
        TypeError: It is no number.
        ValueError: It is not finite.
    """
    value = fields[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, it is {type(value).__name__}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, it is {value}")
    return float(value)


def read_count(fields: Mapping[str, Any], name: str) -> int:
    """Return a whole number of 0 or more.

    Args:
        fields: A parsed object.
        name: Its field.

    Raises:
        TypeError: It is no number.
        ValueError: It is no count.
    """
    value = read_number(fields, name)
    if value < 0 or value != int(value):
        raise ValueError(f"{name} must be a count, it is {value:g}")
    return int(value)


def read_share(fields: Mapping[str, Any], name: str) -> float:
    """Return a number from 0 to 1.

    Args:
        fields: A parsed object.
        name: Its field.

    Raises:
        TypeError: It is no number.
        ValueError: It lies outside.
    """
    value = read_number(fields, name)
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must lie between 0 and 1, it is {value:g}")
    return value


def read_bounded(fields: Mapping[str, Any], name: str) -> Bounded | None:
    """Return a figure with its interval, or None where the field is null.

    Args:
        fields: A parsed object.
        name: Its field, which `bounded_to_json` wrote.

    Raises:
        TypeError: A part is no number.
        ValueError: A part is not finite.
    """
    parts = fields[name]
    if parts is None:
        return None
    return Bounded(*(read_number(parts, part) for part in ("value", "low", "high")))


def read_figure(fields: Mapping[str, Any], name: str) -> Bounded:
    """Return a figure with its interval.

    Args:
        fields: A parsed object.
        name: Its field, which `bounded_to_json` wrote.

    Raises:
        TypeError: It is null, or a part is no number.
        ValueError: A part is not finite.
    """
    figure = read_bounded(fields, name)
    if figure is None:
        raise TypeError(f"{name} must be a figure with its interval")
    return figure


def bounded_to_json(figure: Bounded | None) -> dict[str, float] | None:
    """Return a figure with its interval as JSON-able values; None stays None."""
    return None if figure is None else asdict(figure)
