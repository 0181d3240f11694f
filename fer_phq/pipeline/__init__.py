"""The stages joined: `analyze` a recording, `analyze_image` a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_phq.core import lazy_names

if TYPE_CHECKING:
    from fer_phq.pipeline.image import Face, analyze_image
    from fer_phq.pipeline.session import analyze, choose_faces, with_estimate

__all__ = ["Face", "analyze", "analyze_image", "choose_faces", "with_estimate"]

# Imported on first use: whoever reads the pipeline's messages must not wait for torch.
__getattr__ = lazy_names(
    __name__,
    {
        "Face": "fer_phq.pipeline.image",
        "analyze_image": "fer_phq.pipeline.image",
        "analyze": "fer_phq.pipeline.session",
        "choose_faces": "fer_phq.pipeline.session",
        "with_estimate": "fer_phq.pipeline.session",
    },
)
