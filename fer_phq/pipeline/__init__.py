"""Recording in, `SessionAnalysis` out: the stages joined."""

from fer_phq.pipeline.session import Face, analyze, analyze_image, with_estimate

__all__ = ["Face", "analyze", "analyze_image", "with_estimate"]
