"""Recognition of words, offline: `transcribe` a recording into segments with times, speakers and doubts.

What is recognised is never as good as what a person wrote: each segment says its source, and each doubt is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_phq.core import lazy_names

if TYPE_CHECKING:
    from fer_phq.core.speech.transcription import Doubt, Segment, Source, Transcription
    from fer_phq.transcription.documents import write_transcription
    from fer_phq.transcription.recognition import transcribe, transcribe_sound
    from fer_phq.transcription.recognizer import Hypothesis, Recognizer
    from fer_phq.transcription.weights import has_speech, load_recognizer

__all__ = [
    "Doubt",
    "Hypothesis",
    "Recognizer",
    "Segment",
    "Source",
    "Transcription",
    "has_speech",
    "load_recognizer",
    "transcribe",
    "transcribe_sound",
    "write_transcription",
]

_ROOM = "fer_phq.transcription"

# Imported on first use: whoever reads the room's messages must not wait for onnxruntime.
__getattr__ = lazy_names(
    __name__,
    {
        "write_transcription": f"{_ROOM}.documents",
        **dict.fromkeys(("transcribe", "transcribe_sound"), f"{_ROOM}.recognition"),
        **dict.fromkeys(("Hypothesis", "Recognizer"), f"{_ROOM}.recognizer"),
        **dict.fromkeys(("Doubt", "Segment", "Source", "Transcription"), "fer_phq.core.speech.transcription"),
        **dict.fromkeys(("has_speech", "load_recognizer"), f"{_ROOM}.weights"),
    },
)
