"""The stages joined: `analyze` a recording, `analyze_image` a picture."""

from fer_phq.pipeline.image import Face, analyze_image
from fer_phq.pipeline.session import analyze, with_estimate

__all__ = ["Face", "analyze", "analyze_image", "with_estimate"]
