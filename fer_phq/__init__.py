"""fer-phq: emotion timelines and PHQ estimates from session recordings.

from fer_phq import load_model, analyze, analyze_image, diarize, transcribe, open_store
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_phq.core import lazy_names

if TYPE_CHECKING:
    from fer_phq.models.model import load_model
    from fer_phq.pipeline import analyze, analyze_image
    from fer_phq.speakers import diarize
    from fer_phq.transcription import transcribe
    from service.notebook import open_store

__version__ = "0.1.0"

__all__ = ["analyze", "analyze_image", "diarize", "load_model", "open_store", "transcribe"]

# Imported on first use: the vocabulary and the database must not wait for torch. `open_store` is the one name here that
# stands above this package; nothing in it uses the store.
__getattr__ = lazy_names(
    __name__,
    {
        "load_model": "fer_phq.models.model",
        "analyze": "fer_phq.pipeline",
        "analyze_image": "fer_phq.pipeline",
        "diarize": "fer_phq.speakers",
        "transcribe": "fer_phq.transcription",
        "open_store": "service.notebook",
    },
)
