"""WebVTT (https://www.w3.org/TR/webvtt1/) and SRT."""

from __future__ import annotations

from fer_phq.annotations.tiers import milliseconds
from fer_phq.core.speech.transcription import Segment, Transcription
from fer_phq.transcription.documents.marks import marked_text, origin


def webvtt(transcription: Transcription) -> str:
    """Return the WebVTT: a voice tag says who speaks, a note where the words come from."""
    cues = [
        f"{_clock(segment.start_s, '.')} --> {_clock(segment.end_s, '.')}\n{_voice(segment)}"
        for segment in transcription.segments
    ]
    return "\n\n".join(["WEBVTT", f"NOTE {_escape(origin(transcription))}", *cues]) + "\n"


def srt(transcription: Transcription) -> str:
    """Return the SRT: `Name:` before the text says who speaks."""
    cues = [
        f"{number}\n{_clock(segment.start_s, ',')} --> {_clock(segment.end_s, ',')}\n{_label(segment)}"
        for number, segment in enumerate(transcription.segments, 1)
    ]
    return "".join(f"{cue}\n\n" for cue in cues)


def _voice(segment: Segment) -> str:
    text = _escape(marked_text(segment))
    return text if segment.speaker is None else f"<v {_escape(_one_line(segment.speaker))}>{text}"


def _label(segment: Segment) -> str:
    text = marked_text(segment).replace("-->", "->")
    return text if segment.speaker is None else f"{_one_line(segment.speaker)}: {text}"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _one_line(name: str) -> str:
    return " ".join(name.split())


def _clock(seconds: float, mark: str) -> str:
    minutes, rest = divmod(milliseconds(seconds), 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{mark}{rest % 1000:03d}"
