"""The table of turns, and what a document says of who speaks, as files, downloads and the API have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fer_phq.core.analysis import SpeakerChoice
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.speakers.files.series import is_by_part, subject_of, turns_of
from fer_phq.speakers.measures import Measured, TurnTaking, measure_turns

if TYPE_CHECKING:
    import pandas as pd

TURN_COLUMNS = ("start_s", "end_s", "speaker", "is_subject", "confidence")
_DECIMALS = 3
_LEAST_S = 0.001  # a recording whose length is not known, without a turn


def turn_table(series: FeatureSeries) -> pd.DataFrame:
    """Return turns as a table, a row each, by start.

    Args:
        series: Of `turn_series`.

    Returns:
        start_s and end_s float64, speaker int64, is_subject boolean with NA where it is not known, confidence float64.
    """
    import pandas as pd

    subject = subject_of(series)
    rows = [
        (
            round(turn.start_s, _DECIMALS),
            round(turn.end_s, _DECIMALS),
            turn.speaker,
            None if subject is None else turn.speaker == subject,
            round(turn.confidence, _DECIMALS),
        )
        for turn in turns_of(series)
    ]
    types = ("float64", "float64", "int64", "boolean", "float64")
    return pd.DataFrame(rows, columns=list(TURN_COLUMNS)).astype(dict(zip(TURN_COLUMNS, types, strict=True)))


def turn_taking(series: FeatureSeries, duration_s: float) -> TurnTaking:
    """Measure how the speakers of a recording take turns.

    Args:
        series: Of `turn_series`.
        duration_s: Length of the recording in seconds; a separate sound may last longer, and then its last turn's end
            counts.
    """
    return measure_turns(turns_of(series), talk_seconds(series, duration_s), is_by_part=is_by_part(series))


def talk_seconds(series: FeatureSeries, duration_s: float) -> float:
    """Return the seconds in which turns are measured: the recording's, or to the end of the last turn.

    Args:
        series: Of `turn_series`.
        duration_s: Length of the recording in seconds.
    """
    last_s = max((turn.end_s for turn in turns_of(series)), default=0.0)
    return max(duration_s, last_s, _LEAST_S)


def speech_document(series: FeatureSeries, choice: SpeakerChoice | None, duration_s: float) -> dict[str, Any]:
    """Return what JSON says of who speaks: the speakers, which of them is the subject, and how they take turns.

    Args:
        series: Of `turn_series`.
        choice: How the subject's speaker was found, or why it is not known; None without a turn.
        duration_s: Length of the recording in seconds.
    """
    taking = turn_taking(series, duration_s)
    turns = turns_of(series)
    subject = subject_of(series)
    speakers = [
        {
            "speaker": speaker,
            "is_subject": None if subject is None else speaker == subject,
            "turns": sum(turn.speaker == speaker for turn in turns),
            "speech_s": round(sum(turn.duration_s for turn in turns if turn.speaker == speaker), _DECIMALS),
            "measures": _measured(taking.speakers[speaker]),
        }
        for speaker in sorted({turn.speaker for turn in turns})
    ]
    return {
        "speakers": speakers,
        "subject": {
            "speaker": subject,
            "chosen_by": None if subject is None else choice,
            "unknown_because": choice if subject is None else None,
        },
        "told_by": "parts" if is_by_part(series) else "voices",
        "talk": _measured(taking.talk),
        "warnings": [str(warning) for warning in taking.warnings],
    }


def _measured(measures: Mapping[str, Measured]) -> dict[str, Any]:
    """Return each measure's value, of how many events it is, and why it is missing."""
    return {
        name: {
            "value": None if measured.value is None else round(measured.value, _DECIMALS),
            "events": measured.events,
            "reason": None if measured.reason is None else str(measured.reason),
        }
        for name, measured in measures.items()
    }
