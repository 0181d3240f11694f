"""The subject's turn taking, as it is followed over sessions."""

from __future__ import annotations

import pytest

from fer_phq.speakers.files.series import BY_PART, BY_VOICES, turn_series
from fer_phq.speakers.files.taking import OF_SUBJECT, OF_TALK, RATES, subject_taking
from fer_phq.speakers.messages import FEW_EVENTS, NO_TURNS, ONE_SPEAKER, SHORT_FOR_RATES, SUBJECT_UNKNOWN
from fer_phq.speakers.turn import Turn

TALK = tuple(
    Turn(10.0 * n + start_s, 10.0 * n + end_s, speaker, 1.0)
    for n in range(12)
    for speaker, start_s, end_s in ((1, 0, 4), (2, 4.5, 9))
)
"""Two minutes: the second speaker answers after half a second, and the first one after a second."""


def test_the_subjects_and_the_talks_numbers_are_those_of_the_talk() -> None:
    second = subject_taking(turn_series(TALK, 2, BY_PART), 120.0)
    assert set(second) == {*OF_SUBJECT, *OF_TALK, *RATES}
    values = {name: measured.value for name, measured in second.items()}
    assert values == pytest.approx(
        {
            "speech_share": 4.5 / 8.5, "turn_median_s": 4.5, "response_median_s": 0.5, "pause_median_s": None,
            "overlap_share": 0.0, "silence_share": 1 - 8.5 / 10,
            "turns_per_min": 6.0, "interruptions_per_min": 0.0, "backchannels_per_min": 0.0,
        }
    )  # fmt: skip
    assert second["pause_median_s"].reason is not None
    assert second["pause_median_s"].reason.code == FEW_EVENTS.code
    first = subject_taking(turn_series(TALK, 1, BY_PART), 120.0)
    assert first["response_median_s"].value == pytest.approx(1.0)


def test_events_are_counted_a_minute_of_the_recording() -> None:
    turns = sorted((*TALK, Turn(1.0, 1.5, 2, 1.0), Turn(11.0, 11.5, 2, 1.0), Turn(38.2, 43.0, 1, 1.0)))
    first = subject_taking(turn_series(turns, 1, BY_VOICES), 240.0)
    second = subject_taking(turn_series(turns, 2, BY_VOICES), 240.0)
    assert second["backchannels_per_min"].value == pytest.approx(0.5)
    assert (first["interruptions_per_min"].value, second["interruptions_per_min"].value) == pytest.approx((0.25, 0))
    assert first["turns_per_min"].value == pytest.approx(3.0)


def test_who_is_not_known_has_no_numbers_and_the_talk_has() -> None:
    unknown = subject_taking(turn_series(TALK, None, BY_VOICES), 120.0)
    assert {unknown[name].reason for name in (*OF_SUBJECT, *RATES)} == {SUBJECT_UNKNOWN()}
    assert [unknown[name].value for name in (*OF_SUBJECT, *RATES)] == [None] * 7
    assert unknown["silence_share"].value == pytest.approx(0.15)
    nobody = subject_taking(turn_series((), None, BY_VOICES), 120.0)
    assert {measured.reason for measured in nobody.values()} == {NO_TURNS()}


def test_one_speaker_and_a_short_recording_have_reasons() -> None:
    alone = subject_taking(turn_series(TALK[::2], 1, BY_VOICES), 120.0)
    assert {name for name, measured in alone.items() if measured.value is not None} == {"silence_share"}
    assert alone["turns_per_min"].reason == ONE_SPEAKER()
    short = subject_taking(turn_series(TALK[:10], 1, BY_VOICES), 50.0)
    assert short["turn_median_s"].value == pytest.approx(4.0)
    assert {short[name].reason for name in RATES} == {SHORT_FOR_RATES(seconds=50.0, least=60.0)}
