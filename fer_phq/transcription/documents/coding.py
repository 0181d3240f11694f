"""Transcriptions for programs in which people code: ELAN and Praat, a tier a speaker."""

from __future__ import annotations

from fer_phq.annotations.elan import eaf as write_eaf
from fer_phq.annotations.praat import textgrid as write_textgrid
from fer_phq.annotations.tiers import Annotation, CodedRecording, Tier
from fer_phq.core.speech.transcription import Segment, Transcription
from fer_phq.transcription.documents.marks import UNNAMED, marked_text, origin


def speaker_tiers(transcription: Transcription) -> tuple[Tier, ...]:
    """Return a tier for each speaker, by first appearance, without segments of no length.

    Args:
        transcription: The words; doubts are marked.
    """
    by_speaker: dict[str, list[Segment]] = {}
    for segment in transcription.segments:
        by_speaker.setdefault(segment.speaker or UNNAMED, []).append(segment)
    tiers = [
        Tier(speaker, tuple(row for row in map(_annotation, segments) if not row.is_point), "words")
        for speaker, segments in by_speaker.items()
    ]
    return tuple(tier for tier in tiers if tier.annotations)


def eaf(transcription: Transcription) -> str:
    """Return the transcription as ELAN has it; a property of the document says where the words come from."""
    return write_eaf(_recording(transcription))


def textgrid(transcription: Transcription) -> str:
    """Return the transcription as Praat has it; intervals without speech are empty."""
    return write_textgrid(_recording(transcription))


def _recording(transcription: Transcription) -> CodedRecording:
    return CodedRecording("", transcription.duration_s, speaker_tiers(transcription), origin(transcription))


def _annotation(segment: Segment) -> Annotation:
    return Annotation(segment.start_s, segment.end_s, marked_text(segment))
