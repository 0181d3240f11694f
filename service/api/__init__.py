"""The HTTP interface. `uvicorn service.api:app` serves the API for programs alone, by the environment's settings."""

from __future__ import annotations

from functools import cache
from typing import Any


def __getattr__(name: str) -> Any:
    """Build the application when it is asked for: importing this package costs nothing and opens no store."""
    if name == "app":
        return _app()
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


@cache
def _app() -> Any:
    from service.api.v1.alone import create_app

    return create_app()
