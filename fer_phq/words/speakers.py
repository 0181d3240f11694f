"""Whose words count: which of a transcript's speakers is the subject, and when that speaker talks."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from fer_phq.core.arrays import TimeArray
from fer_phq.core.errors import FerPhqError
from fer_phq.words.transcript import Transcript, is_by

SUBJECT_LABELS = ("participant", "patient", "client", "subject", "interviewee", "respondent", "pt")
"""Labels that name the subject by role, in any case; a number may follow ("Participant 03")."""


def subject_speaker(transcript: Transcript, named: str | None = None) -> tuple[str | None, str | None]:
    """(the subject's name as the transcript spells it, or None for every speaker; a warning, or None).

    In this order: the speaker that was `named` (in any case); the one speaker with a label of `SUBJECT_LABELS`; the
    only speaker. Otherwise every voice counts until a speaker is named, and the warning says so.
    Raises FerPhqError when the transcript does not have the speaker that was named.
    """
    speakers = transcript.speakers
    if named is not None:
        found = [name for name in speakers if name.casefold() == named.strip().casefold()]
        if not found:
            raise FerPhqError(
                f"The transcript has no speaker '{named[:40]}': "
                f"{f'it has {_listed(speakers)}' if speakers else 'it names no speakers'}."
            )
        return found[0], None
    labelled = [name for name in speakers if _role(name) in SUBJECT_LABELS]
    chosen = labelled if len(labelled) == 1 else speakers
    if len(chosen) == 1:
        return chosen[0], _without_name(transcript)
    if not speakers:
        return None, "The transcript names no speakers: all of its words count as the subject's."
    return None, (
        f"The transcript has {len(speakers)} speakers ({_listed(speakers)}) and none is known to be the subject: "
        "all voices count until a speaker is named."
    )


def intervals(transcript: Transcript, speaker: str | None) -> TimeArray:
    """(n, 2) float64: starts and ends in seconds of a speaker's talk, ascending; what touches or overlaps is joined.

    None stands for every speaker. An utterance that lasts no time gives no interval. n is 0 where nobody speaks.
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
    """`Participant_03` as participant."""
    return re.sub(r"[\s_#-]*\d{0,9}$", "", name.casefold().strip())


def _without_name(transcript: Transcript) -> str | None:
    nameless = sum(utterance.speaker is None for utterance in transcript.utterances)
    return f"{nameless} of {len(transcript)} utterances name no speaker and are not counted." if nameless else None


def _listed(names: Sequence[str], most: int = 8) -> str:
    """The first few names, each cut short: a damaged table may have anything for speakers."""
    return ", ".join(name[:40] for name in names[:most]) + (", ..." if len(names) > most else "")
