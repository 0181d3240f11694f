"""Features of the subject's utterances: one row each, in plain numbers, with sentence embeddings where asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fer_phq.core.feature_series import FeatureSeries
from fer_phq.words.encoder import SentenceEncoder
from fer_phq.words.lexicon import (
    ABSOLUTIST,
    FIRST_PERSON,
    is_english,
    is_negation,
    is_spaceless,
    type_token,
    words,
)
from fer_phq.words.speakers import subject_speaker
from fer_phq.words.transcript import Transcript, is_by

Float = npt.NDArray[np.float64]

PLAIN = "plain-1"
"""Kind of a channel with the columns of `PLAIN_NAMES`."""
MINILM = "minilm-1"
"""Kind of a channel with the same columns and the 384 of all-MiniLM-L6-v2's embedding."""

PLAIN_NAMES = (
    "duration_s",
    "words",
    "pause_s",
    "latency_s",
    "words_per_minute",
    "first_person",
    "absolutist",
    "negation",
    "type_token",
)

MIN_DURATION_S = 0.001
"""Seconds below which an utterance lasts no time: captions count in milliseconds."""


def word_features(
    transcript: Transcript, speaker: str | None = None, embed: SentenceEncoder | None = None
) -> FeatureSeries:
    """A channel with one row for each of a speaker's utterances (of all utterances, without a speaker).

    Its times are the utterances' starts. Its columns (`PLAIN_NAMES`), NaN where not known:

    duration_s, words: the utterance's length. words_per_minute: their ratio.
    pause_s: silence since the speaker's own last word, where the speaker goes on; not known where the transcript does
        not say who spoke, for then it may be somebody else's turn.
    latency_s: silence since the other's last word, where the turn changes hands. Both are 0 where talk overlaps.
    first_person, absolutist, negation: shares of words, 0 to 1 (see `fer_phq.words.lexicon`); not known when the words
        are not English (see `language_warning`).
    type_token: moving-average type-token ratio over ten words, 0 to 1; not known for fewer.

    Where a script leaves no spaces between words, whatever is counted in words is not known. With `embed` its columns
    follow as `embedding_000` and on, and the kind is its own. The channel holds numbers alone, no text.
    Raises FerPhqError when the transcript has utterances but not this speaker.
    """
    if speaker is not None and len(transcript):
        speaker, _ = subject_speaker(transcript, speaker)
    mine = [utterance for utterance in transcript.utterances if is_by(utterance, speaker)]
    texts = [utterance.text for utterance in mine]
    duration = np.array([utterance.end_s - utterance.start_s for utterance in mine], np.float64)
    counted = _count(texts, duration)
    plain = np.column_stack([duration, counted[:, 0], _gaps(transcript, speaker), counted[:, 1:]])
    names: tuple[str, ...] = PLAIN_NAMES
    kind = PLAIN
    parts = [plain.astype(np.float32)]
    if embed is not None:
        names = (*names, *(f"embedding_{i:03d}" for i in range(embed.width)))
        kind = embed.kind
        parts.append(embed(texts))
    starts = np.array([utterance.start_s for utterance in mine], np.float64)
    return FeatureSeries(np.concatenate(parts, axis=1), starts, kind, names)


def without_embeddings(channel: FeatureSeries) -> FeatureSeries:
    """A channel of kind "minilm-1" as the one of kind "plain-1" that it contains."""
    width = len(PLAIN_NAMES)
    return FeatureSeries(channel.values[:, :width], channel.time_s, PLAIN, PLAIN_NAMES)


def language_warning(transcript: Transcript, speaker: str | None = None) -> str | None:
    """A sentence when the speaker's words do not look English, and so what stands on English lists is not known.

    The rule: at least 50 words, of which fewer than 8 % are among 70 frequent English function words; or a script
    that leaves no spaces between words.
    """
    texts = [utterance.text for utterance in transcript.utterances if is_by(utterance, speaker)]
    if is_spaceless(texts):
        return "The transcript's script leaves no spaces between words: words are not counted."
    if is_english(map(words, texts)):
        return None
    return (
        "The transcript does not look English: pronouns, absolutist words and negations are not counted, and "
        "embeddings come from a model of English."
    )


def _count(texts: Sequence[str], duration: Float) -> Float:
    """(rows, 6): words, words_per_minute and the shares and ratio after it, in the order of `PLAIN_NAMES`."""
    counted = np.full((len(texts), 6), np.nan)
    if is_spaceless(texts):
        return counted
    spoken = [words(text) for text in texts]
    english = is_english(spoken)
    for row, found in zip(counted, spoken, strict=True):
        row[0] = len(found)
        row[5] = type_token(found)
        if found and english:
            row[2] = sum(word in FIRST_PERSON for word in found) / len(found)
            row[3] = sum(word in ABSOLUTIST for word in found) / len(found)
            row[4] = sum(map(is_negation, found)) / len(found)
    timed = duration >= MIN_DURATION_S
    counted[timed, 1] = counted[timed, 0] / duration[timed] * 60
    return counted


def _gaps(transcript: Transcript, speaker: str | None) -> Float:
    """(rows, 2): pause_s and latency_s, of which at most one is known."""
    out = []
    own = other = -np.inf  # when the speaker's and anybody else's talk so far ends
    for utterance in transcript.utterances:
        if not is_by(utterance, speaker):
            other = max(other, utterance.end_s)
            continue
        silence = max(0.0, utterance.start_s - max(own, other))
        if speaker is None or max(own, other) == -np.inf:
            out.append((np.nan, np.nan))
        else:
            out.append((silence, np.nan) if own >= other else (np.nan, silence))
        own = max(own, utterance.end_s)
    return np.array(out, np.float64).reshape(-1, 2)
