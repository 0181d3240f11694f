"""The stages joined: `analyze` a recording, `analyze_image` a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fer_phq.pipeline.image import Face, analyze_image
    from fer_phq.pipeline.session import analyze, with_estimate

__all__ = ["Face", "analyze", "analyze_image", "with_estimate"]

_MODULES = {
    "Face": "fer_phq.pipeline.image",
    "analyze_image": "fer_phq.pipeline.image",
    "analyze": "fer_phq.pipeline.session",
    "with_estimate": "fer_phq.pipeline.session",
}


def __getattr__(name: str) -> Any:
    # Imported on first use: whoever reads the pipeline's messages must not wait for torch.
    if name in _MODULES:
        from importlib import import_module

        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'fer_phq.pipeline' has no attribute '{name}'")
