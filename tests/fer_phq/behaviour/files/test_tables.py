"""What files and JSON have of a behaviour series."""

from __future__ import annotations

import numpy as np
import pandas as pd
from behaviour_samples import sample_behaviour

from fer_phq.behaviour.files.tables import behaviour_document, episode_table, series_blocks, series_table
from fer_phq.behaviour.measures import behaviour_episodes, behaviour_measures
from fer_phq.behaviour.series import COLUMNS, behaviour_series
from fer_phq.core.analysis import display_durations
from service.views.face.behaviour import BehaviourView


def test_json_and_the_page_have_the_same_episodes():
    series = sample_behaviour(seconds=60.0)
    listed = behaviour_document(series, 60.0, 0.3)["episodes"]
    assert {episode["kind"] for episode in listed} == {"still", "smile"}
    assert listed == BehaviourView(series, 60.0, 0.3).episodes.to_dict("records")


def test_json_has_each_measure_or_says_why_it_is_missing():
    document = behaviour_document(sample_behaviour(seconds=60.0), 60.0, 0.3)
    assert {name for name, value in document["measures"].items() if value is None} == set(document["missing"])
    assert document["measures"]["blink_rate_per_min"] == 12
    assert document["rest"] == {"mouthSmile": 0.1, "eyeSquint": 0, "browDown": 0, "browInnerUp": 0}


def test_of_two_seconds_nothing_is_measured_and_json_says_so():
    document = behaviour_document(sample_behaviour(seconds=2.0), 2.0, 0.3)
    assert set(document["measures"].values()) == {None}
    assert document["missing"]["blink_rate_per_min"] == "It was seen for 2 s of the recording; this needs 10 s."


def test_episodes_come_to_what_the_measures_say():
    series = sample_behaviour(seconds=60.0)
    table = episode_table(behaviour_episodes(series))
    assert table["onset_s"].is_monotonic_increasing
    smiling_s = table[table["kind"] == "smile"]["duration_s"].sum()
    assert round(smiling_s / 60, 3) == round(behaviour_measures(series)["smile_share"], 3)


def test_a_series_without_episodes_has_a_table_with_its_columns():
    assert list(episode_table([])) == ["kind", "onset_s", "offset_s", "duration_s", "cut"]


def test_the_parts_of_a_long_series_are_its_table() -> None:
    rng = np.random.default_rng(0)
    time_s = np.arange(20_000) / 30
    values = rng.random((len(time_s), len(COLUMNS)), np.float32)
    series = behaviour_series(values, time_s, display_durations(time_s, time_s[-1] + 1 / 30), 30.0)
    parts = list(series_blocks(series))
    assert len(parts) > 2
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), series_table(series))


def test_a_series_without_rows_has_a_part_with_its_columns() -> None:
    empty = behaviour_series(np.zeros((0, len(COLUMNS)), np.float32), np.zeros(0), np.zeros(0), 30.0)
    (part,) = series_blocks(empty)
    assert list(part.columns) == ["time_s", "duration_s", *COLUMNS]
    assert len(part) == 0
