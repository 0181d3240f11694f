"""How the subject takes turns, of a stored series: the numbers that are followed over sessions."""

from __future__ import annotations

from collections.abc import Mapping

from fer_phq.core.feature_series import FeatureSeries
from fer_phq.speakers import messages
from fer_phq.speakers.files.series import subject_of
from fer_phq.speakers.files.tables import talk_seconds, turn_taking
from fer_phq.speakers.measures import Measured

LEAST_S = 60.0
"""Seconds of a recording from which events are counted a minute: in less, a single one decides."""
OF_SUBJECT = ("speech_share", "turn_median_s", "response_median_s", "pause_median_s")
"""Measures of the subject's that are taken as they are."""
OF_TALK = ("overlap_share", "silence_share")
"""Measures of all speakers together, whoever of them is the subject."""
RATES: Mapping[str, str] = {
    "turns_per_min": "turns",
    "interruptions_per_min": "interruptions_successful",
    "backchannels_per_min": "backchannels",
}
"""Events of the subject's, counted for each minute of the recording."""


def subject_taking(series: FeatureSeries, duration_s: float) -> dict[str, Measured]:
    """Measure how the subject of a recording takes turns.

    Args:
        series: Of `turn_series`.
        duration_s: Length of the recording in seconds.

    Returns:
        A value, or the reason why there is none, for each of `OF_SUBJECT`, `OF_TALK` and `RATES`.
    """
    taking = turn_taking(series, duration_s)
    subject = subject_of(series)
    measured = {name: taking.talk[name] for name in OF_TALK}
    if subject is None:
        reason = messages.SUBJECT_UNKNOWN() if len(series) else messages.NO_TURNS()
        return measured | dict.fromkeys((*OF_SUBJECT, *RATES), Measured(None, reason))
    own = taking.speakers[subject]
    measured |= {name: own[name] for name in OF_SUBJECT}
    length_s = talk_seconds(series, duration_s)
    return measured | {rate: _per_minute(own[counted], length_s) for rate, counted in RATES.items()}


def _per_minute(count: Measured, length_s: float) -> Measured:
    """Return a number of events for each minute; a reason where there is none, or the recording is short."""
    if count.value is None:
        return count
    if length_s < LEAST_S:
        return Measured(None, messages.SHORT_FOR_RATES(seconds=length_s, least=LEAST_S))
    return Measured(count.value / (length_s / 60))
