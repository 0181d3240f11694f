"""Plain text, to be read by people."""

from __future__ import annotations

from fer_phq.core.speech.transcription import Transcription
from fer_phq.transcription.documents.marks import marked_text, origin


def plain(transcription: Transcription) -> str:
    """Return the text: where the words come from, then a line a segment with its start and its speaker."""
    lines = [origin(transcription), ""]
    for segment in transcription.segments:
        minutes, seconds = divmod(int(segment.start_s), 60)
        name = "" if segment.speaker is None else f"{' '.join(segment.speaker.split())}: "
        lines.append(f"[{minutes:02d}:{seconds:02d}] {name}{marked_text(segment)}")
    return "\n".join(lines) + "\n"
