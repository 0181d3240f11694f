"""Looking down and away in made series: by the gaze, by the head where there is none, against the usual place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fer_phq.behaviour.aversion import averted_spans, downward_spans, span_share
from fer_phq.behaviour.measures import (
    LOOKING_AWAY,
    LOOKING_DOWN,
    STILL,
    behaviour_episodes,
    behaviour_measures,
)
from fer_phq.behaviour.reasons import usable_measures
from fer_phq.behaviour.series import COLUMNS, behaviour_series
from fer_phq.core.analysis import display_durations

RATE = 20.0
SECONDS = 40.0


def face(*, gaze=True, usual=(-8.0, 12.0)):
    """Somebody beside the camera who looks down for 6 s from the 10th and to the left for 3 s from the 25th second."""
    time_s = np.arange(0, SECONDS, 1 / RATE)
    values = np.zeros((len(time_s), len(COLUMNS)), np.float32)
    values[:, COLUMNS.index("eye_open_left")] = values[:, COLUMNS.index("eye_open_right")] = 0.3
    down = (time_s >= 10) & (time_s < 16)
    aside = (time_s >= 25) & (time_s < 28)
    glance = (time_s >= 32) & (time_s < 32.5)
    for stem in ("", "gaze_"):
        values[:, COLUMNS.index(f"{stem}pitch_deg")] = usual[0] - 30 * down
        values[:, COLUMNS.index(f"{stem}yaw_deg")] = usual[1] + 35 * aside + 35 * glance
    if not gaze:
        values[:, 4:6] = np.nan
    return behaviour_series(values, time_s, display_durations(time_s, SECONDS), RATE)


@pytest.mark.parametrize("gaze", [True, False])
def test_looks_are_told_from_the_usual_place(gaze):
    series = face(gaze=gaze)
    (down,), (away,) = downward_spans(series), averted_spans(series)
    assert (down.onset_s, down.offset_s) == pytest.approx((10, 16), abs=1 / RATE)
    assert (away.onset_s, away.offset_s) == pytest.approx((25, 28), abs=1 / RATE)
    assert down.peak == pytest.approx(30)
    assert span_share(series, (down,)) == pytest.approx(6 / 40, abs=0.002)


def test_the_gaze_counts_before_the_head():
    series = face()
    values = series.values.copy()
    values[:, 4:6] = (-8, 12)  # the head turns and the eyes stay
    assert downward_spans(replace(series, values=values)) == averted_spans(replace(series, values=values)) == ()


def test_a_blink_ends_no_look_and_makes_none():
    series = face()
    values = series.values.copy()
    for second in (5, 12, 26):
        values[round(second * RATE) : round(second * RATE) + 6, 4:6] = np.nan
    values[:, 1:3] = (-8, 12)  # the head itself stays
    blinking = replace(series, values=values)
    assert len(downward_spans(blinking)) == len(averted_spans(blinking)) == 1
    assert downward_spans(blinking)[0].duration_s == pytest.approx(6, abs=2 / RATE)


def test_measures_and_episodes_say_the_same():
    measures, episodes = behaviour_measures(face()), behaviour_episodes(face())
    assert measures["looking_down_share"] == pytest.approx(6 / 40, abs=0.002)
    assert measures["looking_away_share"] == pytest.approx(3 / 40, abs=0.002)
    assert (measures["looking_down_episodes"], measures["looking_away_episodes"]) == (1, 1)
    assert measures["gaze_pitch_mean_deg"] == pytest.approx(-8 - 30 * 6 / 40, abs=0.05)
    looks = [episode for episode in episodes if episode.kind in {LOOKING_DOWN, LOOKING_AWAY}]
    assert [(episode.kind, episode.span) for episode in looks] == [
        (LOOKING_DOWN, downward_spans(face())[0]),
        (LOOKING_AWAY, averted_spans(face())[0]),
    ]


def test_a_gaze_that_is_seen_only_below_is_not_the_usual_one():
    series = face()
    values = series.values.copy()
    values[~((series.time_s >= 10) & (series.time_s < 16)), 4:6] = np.nan  # glasses that mirror whatever lies ahead
    (down,) = downward_spans(replace(series, values=values))
    assert (down.onset_s, down.offset_s) == pytest.approx((10, 16), abs=1 / RATE)


@pytest.mark.parametrize("gaze", [True, False])
def test_looks_have_the_share_of_the_gaze_beside_them(gaze):
    values, _ = usable_measures(face(gaze=gaze), SECONDS, 0.3)
    assert values["gaze_share"] == gaze
    unseen = face(gaze=gaze)
    without = replace(unseen, values=np.full_like(unseen.values, np.nan))
    assert "gaze_share" not in usable_measures(without, SECONDS, 0.3)[0]


def test_eyes_of_before_hidden_ones_were_missing_are_not_measured():
    series = face()
    values, _ = usable_measures(series, SECONDS, 0.3)
    earlier = replace(series, kind="mesh-1")
    earlier_values, earlier_reasons = usable_measures(earlier, SECONDS, 0.3)
    eyes = {"eye_open_mean", "eyes_closed_share", "blink_rate_per_min", "blink_duration_s", "smile_narrowed_share"}
    assert {name for name, reason in earlier_reasons.items() if reason.code == "behaviour.eyes_unguarded"} == eyes
    assert earlier_values == {name: value for name, value in values.items() if name not in eyes}
    assert {"eye_open_mean", "eyes_closed_share"} <= values.keys()
    assert all(behaviour_measures(earlier)[name] is None for name in eyes)


def test_a_series_without_gaze_columns_says_so_instead_of_a_number():
    series = face()
    names = [name for name in COLUMNS if not name.startswith("gaze")]
    places = [COLUMNS.index(name) for name in names]
    earlier = replace(series, values=series.values[:, places], names=tuple(names), kind="mesh-1")
    measures = behaviour_measures(earlier)
    assert measures["looking_down_share"] is measures["gaze_yaw_mean_deg"] is None
    assert measures["pitch_mean_deg"] is not None
    assert {episode.kind for episode in behaviour_episodes(earlier)} == {STILL}
    values, reasons = usable_measures(earlier, SECONDS, 0.3)
    assert reasons["looking_away_share"].code == "behaviour.no_gaze"
    assert "head_speed_deg_s" in values


@pytest.mark.parametrize("gaze", [True, False])
def test_the_usual_place_is_that_of_most_of_the_time_whatever_the_rate(gaze):
    time_s = np.r_[np.arange(0, 100, 1 / 5), np.arange(100, 160, 1 / 30)]
    values = np.zeros((len(time_s), len(COLUMNS)), np.float32)
    for stem in ("", "gaze_"):
        values[time_s >= 100, COLUMNS.index(f"{stem}pitch_deg")] = -30
        values[time_s >= 100, COLUMNS.index(f"{stem}yaw_deg")] = 30
    if not gaze:
        values[:, 4:6] = np.nan
    measures = behaviour_measures(behaviour_series(values, time_s, display_durations(time_s, 160.0), 30.0))
    assert measures["looking_down_share"] == pytest.approx(60 / 160, abs=0.002)
    assert measures["looking_away_share"] == pytest.approx(60 / 160, abs=0.002)


def test_a_frozen_picture_is_not_the_usual_place():
    time_s = np.r_[np.arange(0, 20, 1 / 20), 120, np.arange(320, 340, 1 / 20)]
    values = np.zeros((len(time_s), len(COLUMNS)), np.float32)
    values[(time_s >= 18) & (time_s < 320)] = -30
    assert len(downward_spans(behaviour_series(values, time_s, display_durations(time_s, 340.0), 20.0))) == 1
