"""The vocabulary: arrays, emotions, PHQ, errors, analyses, feature series, sidecars, CSV input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the `__getattr__` of a package whose names are imported on first use.

    Whoever needs none of them does not wait for their modules.

    Args:
        package: The package's name.
        modules: The public names that are imported on first use, each with the module that has it.

    Returns:
        A function that gives the object of a name.

    Raises:
        AttributeError: Only by the function that is returned, for any other name.
    """

    def load(name: str) -> Any:
        if name in modules:
            return getattr(import_module(modules[name]), name)
        raise AttributeError(f"module '{package}' has no attribute '{name}'")

    return load
