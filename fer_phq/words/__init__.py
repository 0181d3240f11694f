"""Transcripts, and features of the subject's utterances.

    transcript = read_transcript(path)
    speaker, warning = subject_speaker(transcript)
    series = word_features(transcript, speaker)                    # kind "plain-1"
    series = word_features(transcript, speaker, load_minilm())     # kind "minilm-1"; needs the extra `words`

The text stays in memory: nothing here writes or logs it, messages name lines and never quote text, and a feature series
holds numbers alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_phq.core import lazy_names

if TYPE_CHECKING:
    from fer_phq.words.encoder import SentenceEncoder, has_minilm, load_minilm
    from fer_phq.words.features import language_warning, word_features
    from fer_phq.words.functionals import word_functionals
    from fer_phq.words.kinds import MINILM, PLAIN, PLAIN_NAMES
    from fer_phq.words.speakers import SUBJECT_LABELS, intervals, subject_speaker
    from fer_phq.words.transcripts.reading import parse_transcript, read_transcript
    from fer_phq.words.transcripts.transcript import MAX_SECONDS, Transcript, Utterance, fold_speaker

__all__ = [
    "MAX_SECONDS",
    "MINILM",
    "PLAIN",
    "PLAIN_NAMES",
    "SUBJECT_LABELS",
    "SentenceEncoder",
    "Transcript",
    "Utterance",
    "fold_speaker",
    "has_minilm",
    "intervals",
    "language_warning",
    "load_minilm",
    "parse_transcript",
    "read_transcript",
    "subject_speaker",
    "word_features",
    "word_functionals",
]

# Imported on first use: whoever estimates from a face reads no transcript.
__getattr__ = lazy_names(
    __name__,
    {
        **dict.fromkeys(("SentenceEncoder", "has_minilm", "load_minilm"), "fer_phq.words.encoder"),
        **dict.fromkeys(("language_warning", "word_features"), "fer_phq.words.features"),
        **dict.fromkeys(("word_functionals",), "fer_phq.words.functionals"),
        **dict.fromkeys(("MINILM", "PLAIN", "PLAIN_NAMES"), "fer_phq.words.kinds"),
        **dict.fromkeys(("SUBJECT_LABELS", "intervals", "subject_speaker"), "fer_phq.words.speakers"),
        **dict.fromkeys(("parse_transcript", "read_transcript"), "fer_phq.words.transcripts.reading"),
        **dict.fromkeys(
            ("MAX_SECONDS", "Transcript", "Utterance", "fold_speaker"), "fer_phq.words.transcripts.transcript"
        ),
    },
)
