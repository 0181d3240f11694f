"""The subject among a transcript's speakers, and the intervals in which a speaker talks."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from fer_phq.core.arrays import TimeArray
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message
from fer_phq.words import messages
from fer_phq.words.transcripts.transcript import Transcript, fold_speaker, is_by

SUBJECT_LABELS = ("participant", "patient", "client", "subject", "interviewee", "respondent", "pt")
"""Labels that name the subject by role, in any case; a number may follow ("Participant 03")."""


def subject_speaker(transcript: Transcript, speaker: str | None = None) -> tuple[str | None, Message | None]:
    """Find the subject among a transcript's speakers.

    In this order: the speaker of the argument (in any case); the one speaker with a label of `SUBJECT_LABELS`; the only
    speaker. Otherwise every voice counts until a speaker is named, and a warning says so.

    Args:
        transcript: The transcript.
        speaker: The speaker who is the subject, if that is known.

    Returns:
        The subject's name as the transcript spells it, or None for every speaker; a warning, or None.

    Raises:
        FerPhqError: The transcript has no such speaker.
    """
    speakers = transcript.speakers
    if speaker is not None:
        matches = [name for name in speakers if fold_speaker(name) == fold_speaker(speaker)]
        if matches:
            return matches[0], None
        if speakers:
            raise FerPhqError(messages.SPEAKER_UNKNOWN(speaker=speaker[:40], speakers=_shortened(speakers)))
        raise FerPhqError(messages.NO_SPEAKERS(speaker=speaker[:40]))
    labelled = [name for name in speakers if _role(name) in SUBJECT_LABELS]
    candidates = labelled if len(labelled) == 1 else speakers
    if len(candidates) == 1:
        return candidates[0], _nameless_warning(transcript)
    if not speakers:
        return None, messages.EVERYONE_COUNTS()
    return None, messages.SUBJECT_UNKNOWN(count=len(speakers), speakers=_shortened(speakers))


def intervals(transcript: Transcript, speaker: str | None) -> TimeArray:
    """Find the intervals in which a speaker talks; what touches or overlaps is joined.

    An utterance that lasts no time gives no interval.

    Args:
        transcript: The transcript.
        speaker: The speaker's name in any case; None stands for every speaker.

    Returns:
        (n, 2) float64 starts and ends in seconds, ascending; n is 0 where nobody speaks.
    """
    merged: list[list[float]] = []
    for utterance in transcript.utterances:
        if not is_by(utterance, speaker) or utterance.end_s <= utterance.start_s:
            continue
        if merged and utterance.start_s <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], utterance.end_s)
        else:
            merged.append([utterance.start_s, utterance.end_s])
    return np.array(merged, np.float64).reshape(-1, 2)


def _role(name: str) -> str:
    """Return the role in a label: `Participant_03` is participant."""
    return re.sub(r"[\s_#-]*\d{0,9}$", "", name.casefold().strip())


def _nameless_warning(transcript: Transcript) -> Message | None:
    nameless = sum(utterance.speaker is None for utterance in transcript.utterances)
    return messages.UTTERANCES_WITHOUT_SPEAKER(count=nameless, total=len(transcript)) if nameless else None


def _shortened(names: Sequence[str], limit: int = 8) -> tuple[str, ...]:
    """Return the first few names, each cut short: a damaged table may have anything for speakers."""
    return (*(name[:40] for name in names[:limit]), *(["..."] if len(names) > limit else []))
