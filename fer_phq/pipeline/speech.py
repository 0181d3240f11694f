"""The voice and the words of a session: the recording's sound, a transcript where there is one, and whose they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fer_phq.core.analysis import RecordingInfo
from fer_phq.core.errors import RecordingError
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.sidecar import Sidecar
from fer_phq.features.functionals import count_measured
from fer_phq.voice import only_during, voice_features
from fer_phq.words import (
    Transcript,
    has_minilm,
    intervals,
    language_warning,
    load_minilm,
    read_transcript,
    subject_speaker,
    word_features,
)

EVERYONE = "Nothing says who speaks when: the voice is that of everyone who is heard."


@dataclass(frozen=True, eq=False)
class SpeechFeatures:
    """voice and words of the subject, None where there are none; sentences on what limits them."""

    voice: FeatureSeries | None
    words: FeatureSeries | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class LoadedSidecar:
    """What was given beside a recording, read: the transcript, which speaker is the subject, sound of its own."""

    transcript: Transcript | None
    speaker: str | None
    audio: Path | None
    warnings: tuple[str, ...]


def load_sidecar(beside: Sidecar) -> LoadedSidecar:
    """Read a transcript. Raises FerPhqError when it cannot be used or does not have the speaker."""
    if beside.transcript is None:
        return LoadedSidecar(None, None, beside.audio, ())
    transcript = read_transcript(beside.transcript, beside.transcript_name)
    speaker, doubt = subject_speaker(transcript, beside.speaker)
    return LoadedSidecar(
        transcript, speaker, beside.audio, tuple(map(str, (*transcript.warnings, *([doubt] if doubt else []))))
    )


def extract_speech(
    recording: RecordingInfo, told: LoadedSidecar, on_progress: Callable[[float], None] | None = None
) -> SpeechFeatures:
    """Hear a session. on_progress is told the seconds of sound done and may raise `AnalysisCancelled`.

    Raises RecordingError for a sound file that was given and cannot be used; sound of the recording itself that cannot
    be used is a warning.
    """
    warnings = list(told.warnings)
    transcript = told.transcript
    speaker = told.speaker
    voice = _voice(recording, told.audio, on_progress, warnings)
    if voice is not None and count_measured(voice):
        if transcript is not None and speaker is not None:
            voice = only_during(voice, [(float(start), float(end)) for start, end in intervals(transcript, speaker)])
        else:
            warnings.append(EVERYONE)
    return SpeechFeatures(voice, _words(transcript, speaker, warnings), tuple(warnings))


def _voice(
    recording: RecordingInfo, audio: Path | None, on_progress: Callable[[float], None] | None, warnings: list[str]
) -> FeatureSeries | None:
    if audio is not None:
        return voice_features(audio, on_progress=on_progress, on_warning=lambda warning: warnings.append(str(warning)))
    if not recording.has_audio:
        return None
    try:
        return voice_features(
            recording.path, on_progress=on_progress, on_warning=lambda warning: warnings.append(str(warning))
        )
    except RecordingError as error:
        warnings.append(f"The voice was left out: {error}")
        return None


def _words(transcript: Transcript | None, speaker: str | None, warnings: list[str]) -> FeatureSeries | None:
    """Features of the subject's utterances, with embeddings where the extra that makes them is installed."""
    if transcript is None:
        return None
    warning = language_warning(transcript, speaker)
    if warning is not None:
        warnings.append(str(warning))
    return word_features(transcript, speaker, load_minilm() if has_minilm() else None)
