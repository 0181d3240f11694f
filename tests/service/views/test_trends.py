"""Tidy frames of measures over sessions, and two periods of them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from fer_phq.core.messages import render
from fer_phq.features.measures import BY_NAME
from fer_phq.longitudinal.periods import Verdict
from service.views import trends

DATES = ["2026-03-01", "2026-03-08", "2026-03-15", "2026-07-01", "2026-07-08", "2026-07-15"]
EARLY, LATE = (date(2026, 3, 1), date(2026, 3, 15)), (date(2026, 7, 1), date(2026, 7, 15))


def trend() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "session_id": list("abcdef"),
            "recorded_at": pd.to_datetime([f"{day} 18:30" for day in DATES]),
            "model_id": ["m1"] * 5 + ["m2"],
            "pitch_sd": [2.0, 2.2, np.nan, 3.0, 3.2, 3.4],
            "smiling_share": np.nan,
            "happiness": [0.1, 0.2, 0.3, 0.3, 0.2, 0.1],
            "turns_kind": None,
            "speaker_choice": None,
            "has_sidecar": False,
        }
    )


def answers() -> pd.DataFrame:
    at = pd.to_datetime(["2026-03-02", "2026-03-02 12:00", "2026-03-16", "2026-07-09"], format="ISO8601")
    return pd.DataFrame({"answered_at": at, "scale": ["PHQ-9", "PHQ-8", "PHQ-9", "PHQ-9"], "total": [14, 9, 12, 5]})


def test_only_what_was_measured_is_offered() -> None:
    assert trends.measured_names(trend()) == ["pitch_sd", "happiness"]
    assert list(BY_NAME).index("pitch_sd") < list(BY_NAME).index("happiness")
    assert trends.measured_names(trend().iloc[:0]) == []


def test_a_series_has_a_row_for_each_session_and_measure() -> None:
    long = trends.series(trend(), ["happiness", "pitch_sd"])
    assert list(long.columns) == ["session_id", "recorded_at", "segment", "measure", "value"]
    pitch = long[long["measure"] == "pitch_sd"]
    assert list(pitch["session_id"]) == list("abcdef")
    assert list(pitch["segment"]) == [0, 0, 0, 1, 1, 2], "a gap, then another model"
    assert trends.gap_days(trend()) == 21
    assert trends.series(trend().iloc[:0], ["pitch_sd"]).empty


def test_a_line_of_facial_behaviour_is_broken_where_the_rate_changes() -> None:
    rated = trend().assign(face_rate=[30, 15, np.nan, 30, 29.97, 30], blinks_a_minute=10.0)
    long = trends.series(rated, ["pitch_sd", "blinks_a_minute"])
    assert list(long.loc[long["measure"] == "pitch_sd", "segment"]) == [0, 0, 0, 1, 1, 2]
    assert list(long.loc[long["measure"] == "blinks_a_minute", "segment"]) == [0, 1, 1, 2, 2, 3]


def test_looks_of_the_gaze_and_of_the_head_are_not_joined_without_a_word() -> None:
    shares = [0.9, np.nan, 0.49, 0.5, 0.1, np.nan]
    looks = trend().assign(face_rate=30.0, gaze_share=shares, looking_down_share=0.1, nods_a_minute=2.0)
    looks["model_id"] = "m1"
    looks["recorded_at"] = pd.date_range("2026-03-01", periods=6)
    long = trends.series(looks, ["nods_a_minute", "looking_down_share"])
    assert list(long.loc[long["measure"] == "nods_a_minute", "segment"]) == [0] * 6
    assert list(long.loc[long["measure"] == "looking_down_share", "segment"]) == [0, 0, 1, 2, 3, 3]
    assert trends.mixes_gaze(looks)
    assert not trends.mixes_gaze(looks.iloc[:2])
    assert trends.mixed_gaze(["looking_away_share"], mixes=True) is not None
    assert trends.mixed_gaze(["nods_a_minute"], mixes=True) is None
    assert trends.mixed_gaze(["looking_away_share"], mixes=False) is None


def test_that_rates_differ_is_said_of_facial_behaviour_alone() -> None:
    message = trends.mixed_rates(["pitch_sd", "blinks_a_minute"], (15.0, 29.97))
    assert message is not None
    assert "15 and 30 times a second" in str(message)
    many = trends.mixed_rates(["blinks_a_minute"], (0.5, 2.4, 12.5))
    assert many is not None
    assert "0.5 and 2.4 and 12.5 times a second" in str(many)
    assert "0,5 and 2,4 and 12,5 times" in render(many, decimal_mark=","), "a comma is no point between two rates"
    assert trends.mixed_rates(["pitch_sd"], (15.0, 30.0)) is None
    assert trends.mixed_rates(["blinks_a_minute"], (30.0,)) is None


def test_a_line_of_the_voice_or_of_turns_joins_what_was_told_in_one_way() -> None:
    told = trend().assign(
        model_id="m1", recorded_at=pd.date_range("2026-03-01", periods=6), pitch_sd=2.0, silence_share=0.3,
        turn_length=[np.nan, 4.0, 4.0, np.nan, 4.0, 4.0],
        turns_kind=[None, *["turns-1-voices"] * 4, "turns-1-parts"],
        speaker_choice=[None, "mouth", "mouth", "no_mouth", "mouth", "mouth"],
    )  # fmt: skip
    long = trends.series(told, ["pitch_sd", "turn_length", "silence_share", "happiness"])
    segments = {name: list(rows["segment"]) for name, rows in long.groupby("measure")}
    assert segments["pitch_sd"] == [0, 1, 1, 2, 3, 3], "everybody's, the subject's, everybody's, the subject's"
    assert segments["turn_length"] == [0, 0, 0, 0, 0, 1], "by voices, then by channels"
    assert segments["silence_share"] == [0, 0, 0, 0, 0, 1]
    assert segments["happiness"] == [0] * 6


def test_questionnaires_are_broken_by_scale() -> None:
    found = trends.with_breaks(answers())
    assert list(found["segment"]) == [0, 0, 0, 1]
    assert list(trends.with_breaks(answers().iloc[:0]).columns) == [*answers().columns, "segment"]


def test_periods_hold_whole_days() -> None:
    values = trends.with_scores(trend(), answers(), ["pitch_sd", "happiness"])
    points = trends.in_periods(values, EARLY, LATE)
    pitch = points[points["measure"] == "pitch_sd"]
    assert list(pitch["value"]) == [2.0, 2.2, 3.0, 3.2, 3.4], "an evening of the last day is in it"
    assert list(pitch["period"]) == ["first", "first", "second", "second", "second"]
    found = trends.compared(points)
    assert list(found) == ["PHQ-8", "PHQ-9", "pitch_sd", "happiness"]
    assert (found["pitch_sd"].sessions_before, found["pitch_sd"].sessions_after) == (2, 3)
    assert found["pitch_sd"].verdict is Verdict.TOO_FEW
    assert found["happiness"].difference == pytest.approx(0)
    assert found["happiness"].verdict is Verdict.WITHIN
    assert (found["PHQ-9"].mean_before, found["PHQ-9"].mean_after) == (14, 5)
    assert found["PHQ-8"].verdict is Verdict.NOTHING
    assert list(trends.within_periods(trend(), EARLY, LATE)["session_id"]) == list("abcdef")
    assert list(trends.within_periods(trend(), EARLY, (date(2026, 7, 1), date(2026, 7, 14)))["session_id"]) == list(
        "abcde"
    )


def test_nothing_in_either_period() -> None:
    never = (date(2025, 1, 1), date(2025, 1, 2))
    values = trends.with_scores(trend(), answers().iloc[:0], ["pitch_sd"])
    assert trends.compared(trends.in_periods(values, never, never)) == {}


def test_the_halves_of_what_there_is() -> None:
    days = [date.fromisoformat(day) for day in DATES]
    assert trends.halves([*days, days[0]]) == (EARLY, LATE)
    assert trends.halves(days[:1]) == ((days[0], days[0]), (days[0], days[0]))
