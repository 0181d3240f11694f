"""Features of the subject's utterances: one row each, plain numbers, optionally with sentence embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message
from fer_phq.words import messages
from fer_phq.words.encoder import SentenceEncoder
from fer_phq.words.kinds import PLAIN, PLAIN_NAMES
from fer_phq.words.lexicon import (
    ABSOLUTIST,
    FIRST_PERSON,
    is_english,
    is_negation,
    is_spaceless,
    split_words,
    type_token,
)
from fer_phq.words.speakers import subject_speaker
from fer_phq.words.transcripts.transcript import Transcript, is_by

Float = npt.NDArray[np.float64]

_ANYBODY_ELSE = "\0"
"""Stands for everybody who is not the subject; no transcript names anybody so."""
MIN_DURATION_S = 0.001
"""Seconds below which an utterance lasts no time: captions count in milliseconds."""


def word_features(
    transcript: Transcript, speaker: str | None = None, encoder: SentenceEncoder | None = None
) -> FeatureSeries:
    """Extract one row of features for each of a speaker's utterances.

    The columns (`PLAIN_NAMES`), NaN where not known:

    duration_s, words: the utterance's length. words_per_minute: their ratio.
    pause_s: silence since the speaker's own last word, where the speaker goes on; not known where the transcript does
        not say who spoke, for then it may be somebody else's turn.
    latency_s: silence since the other's last word, where the turn changes hands. Both are 0 where talk overlaps.
    first_person, absolutist, negation: shares of words, 0 to 1 (see `fer_phq.words.lexicon`); not known when the words
        are not English (see `language_warning`).
    type_token: moving-average type-token ratio over ten words, 0 to 1; not known for fewer.

    Where a script leaves no spaces between words, whatever is counted in words is not known. The embedding's columns
    follow as `embedding_000` and on.

    Args:
        transcript: The transcript.
        speaker: Whose utterances count, in any case; None for all.
        encoder: Embeds the utterances, if that is asked for.

    Returns:
        A feature series of kind "plain-1", or of the encoder's kind, whose times are the utterances' starts. It holds
        numbers alone, no text.

    Raises:
        FerPhqError: The transcript has utterances but not this speaker.
    """
    if speaker is not None and len(transcript):
        speaker, _ = subject_speaker(transcript, speaker)
    utterances = [utterance for utterance in transcript.utterances if is_by(utterance, speaker)]
    texts = [utterance.text for utterance in utterances]
    duration = np.array([utterance.end_s - utterance.start_s for utterance in utterances], np.float64)
    counts = _count_words(texts, duration)
    plain = np.column_stack([duration, counts[:, 0], _silences(transcript, speaker), counts[:, 1:]])
    names: tuple[str, ...] = PLAIN_NAMES
    kind = PLAIN
    parts = [plain.astype(np.float32)]
    if encoder is not None:
        names = (*names, *(f"embedding_{i:03d}" for i in range(encoder.width)))
        kind = encoder.kind
        parts.append(encoder(texts))
    starts = np.array([utterance.start_s for utterance in utterances], np.float64)
    return FeatureSeries(np.concatenate(parts, axis=1), starts, kind, names)


def interviewer_words(
    transcript: Transcript, subject: str, encoder: SentenceEncoder | None = None
) -> FeatureSeries | None:
    """Extract features of the utterances of all speakers but the subject, as if they were one: the interviewer.

    No PHQ head reads them. They are for a control: what of the scores can be told without the subject.

    Args:
        transcript: The transcript.
        subject: The subject's name in it, in any case.
        encoder: Embeds the utterances, if that is asked for.

    Returns:
        As `word_features`; None where the transcript has no named speaker but the subject.
    """
    if all(is_by(utterance, subject) for utterance in transcript.utterances if utterance.speaker is not None):
        return None
    renamed = tuple(
        utterance if is_by(utterance, subject) else replace(utterance, speaker=_ANYBODY_ELSE)
        for utterance in transcript.utterances
        if utterance.speaker is not None
    )
    return word_features(Transcript(renamed), _ANYBODY_ELSE, encoder)


def language_warning(transcript: Transcript, speaker: str | None = None) -> Message | None:
    """Return a warning when a speaker's words do not look English, so that counts by English lists are not known.

    The rule: at least 50 words, of which fewer than 8 % are among 70 frequent English function words; or a script
    that leaves no spaces between words.

    Args:
        transcript: The transcript.
        speaker: Whose utterances count, in any case; None for all.
    """
    texts = [utterance.text for utterance in transcript.utterances if is_by(utterance, speaker)]
    if is_spaceless(texts):
        return messages.NO_SPACES()
    if is_english(map(split_words, texts)):
        return None
    return messages.NOT_ENGLISH()


def _count_words(texts: Sequence[str], duration: Float) -> Float:
    """Return (rows, 6): words, words_per_minute and the shares and ratio after it, in the order of `PLAIN_NAMES`."""
    counts = np.full((len(texts), 6), np.nan)
    if is_spaceless(texts):
        return counts
    utterances = [split_words(text) for text in texts]
    english = is_english(utterances)
    for row, tokens in zip(counts, utterances, strict=True):
        row[0] = len(tokens)
        row[5] = type_token(tokens)
        if tokens and english:
            row[2] = sum(word in FIRST_PERSON for word in tokens) / len(tokens)
            row[3] = sum(word in ABSOLUTIST for word in tokens) / len(tokens)
            row[4] = sum(map(is_negation, tokens)) / len(tokens)
    timed = duration >= MIN_DURATION_S
    counts[timed, 1] = counts[timed, 0] / duration[timed] * 60
    return counts


def _silences(transcript: Transcript, speaker: str | None) -> Float:
    """Return (rows, 2): pause_s and latency_s, of which at most one is known."""
    rows = []
    speaker_end_s = -np.inf  # when the speaker's talk so far ends
    others_end_s = -np.inf  # when anybody else's does
    for utterance in transcript.utterances:
        if not is_by(utterance, speaker):
            others_end_s = max(others_end_s, utterance.end_s)
            continue
        talk_end_s = max(speaker_end_s, others_end_s)
        silence_s = max(0.0, utterance.start_s - talk_end_s)
        if speaker is None or talk_end_s == -np.inf:
            rows.append((np.nan, np.nan))
        elif speaker_end_s >= others_end_s:
            rows.append((silence_s, np.nan))
        else:
            rows.append((np.nan, silence_s))
        speaker_end_s = max(speaker_end_s, utterance.end_s)
    return np.array(rows, np.float64).reshape(-1, 2)
