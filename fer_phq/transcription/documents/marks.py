"""What all documents share: how doubts and origin are written, and times without ambiguity."""

from __future__ import annotations

from fer_phq.core.speech.transcription import Segment, Transcription

UNCERTAIN = "(?)"
"""Before words that should not be relied upon; alone where words were left out."""

UNNAMED = "Speech"
"""The tier of segments whose speaker is not known."""


def marked_text(segment: Segment) -> str:
    """Return a segment's text in one line, with the mark of a doubt."""
    text = " ".join(segment.text.split())
    if not segment.is_uncertain:
        return text
    return f"{UNCERTAIN} {text}" if text else UNCERTAIN


def origin(transcription: Transcription) -> str:
    """Return a line that says where the words come from."""
    return (
        f"Recognised by {transcription.model_id}, language {transcription.language}; "
        f"{UNCERTAIN} marks words that should not be relied upon, or that were left out."
    )
