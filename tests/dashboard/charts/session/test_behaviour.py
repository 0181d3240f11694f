"""The rows of facial behaviour along a recording."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from behaviour_samples import sample_behaviour, with_hidden_eyes

from dashboard.charts.session.behaviour import behaviour_episode_row, behaviour_rows
from dashboard.charts.session.rows import POSITIONS, Row
from dashboard.theme.palette import DARK, LIGHT, Palette
from service.views.face.behaviour import BehaviourView
from service.views.review import Window

BOTH = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
SHOWN = BehaviourView(sample_behaviour(seconds=20.0, gap=(12.0, 14.0)), 20.0, 0.3)
DRAWN = SHOWN.draw(Window(0.0, 20.0))


def row_named(name: str, rows: list[Row]) -> Row:
    (row,) = [row for row in rows if row.name == name]
    return row


def words(row: Row) -> list[str]:
    (markers,) = [trace for trace in row.traces if trace.name == POSITIONS]
    return [str(pair[1]) for pair in markers.customdata]


@BOTH
def test_head_gaze_eyes_smile_and_mouth_have_a_row_each(colours: Palette) -> None:
    rows = behaviour_rows(DRAWN, SHOWN.blinks, colours)
    assert [row.name for row in rows] == ["Head", "Gaze", "Eyes", "Smile", "Mouth"]
    head = words(rows[0])
    assert head[0] == "Pitch 0°, yaw 0°, roll 0°"
    assert "yaw 20°" in head[8 * 30]
    assert head[13 * 30] == "Head pose not known"
    gaze = words(rows[1])
    assert gaze[8 * 30] == "Gaze: pitch −10°, yaw 14°"
    assert gaze[13 * 30] == "Gaze not known"
    assert words(rows[3])[5 * 30] == "Smile 60% above rest"
    assert words(rows[4])[13 * 30] == "Mouth not seen"


def test_each_blink_is_a_stroke_and_its_row_says_so() -> None:
    eyes = row_named("Eyes", behaviour_rows(DRAWN, SHOWN.blinks, LIGHT))
    (strokes,) = [trace for trace in eyes.traces if trace.name == "Blink"]
    times = np.asarray(strokes.x, float)[::3]
    assert times.tolist() == pytest.approx(SHOWN.blinks["closed_s"].tolist())
    assert sum("1 blink" in text for text in words(eyes)) == len(SHOWN.blinks)


def test_where_blinks_are_not_counted_none_is_said() -> None:
    slow = BehaviourView(sample_behaviour(8.0, 20.0), 20.0, 0.3)
    rows = behaviour_rows(slow.draw(Window(0.0, 20.0)), slow.blinks, LIGHT, counts_blinks=slow.counts_blinks)
    assert not any(trace.name == "Blink" for row in rows for trace in row.traces)
    assert not any("blink" in text for text in words(row_named("Eyes", rows)))


def test_a_long_closure_is_a_bar() -> None:
    blinks = pd.DataFrame({"onset_s": [2.0], "offset_s": [5.0], "closed_s": [2.2], "kind": ["closed"]})
    eyes = row_named("Eyes", behaviour_rows(DRAWN, blinks, LIGHT))
    (bar,) = [trace for trace in eyes.traces if trace.name == "Eyes closed"]
    assert list(bar.x[:2]) == [2.0, 5.0]


def test_what_is_not_known_draws_no_row() -> None:
    assert behaviour_rows(None, None, LIGHT) == []
    hidden = DRAWN.assign(**{name: np.nan for name in DRAWN.columns if name != "time_s"})
    assert behaviour_rows(hidden, None, LIGHT) == []
    far = DRAWN.assign(gaze_pitch=np.nan, gaze_yaw=np.nan, eyes=np.nan, smile=np.nan, mouth=np.nan)
    assert [row.name for row in behaviour_rows(far, None, LIGHT)] == ["Head"]


def test_hidden_eyes_take_neither_smile_nor_mouth_away() -> None:
    shown = BehaviourView(with_hidden_eyes(sample_behaviour(seconds=20.0)), 20.0, 0.3)
    rows = behaviour_rows(shown.draw(Window(0.0, 20.0)), shown.blinks, LIGHT)
    assert [row.name for row in rows] == ["Head", "Eyes", "Smile", "Mouth"]
    assert set(words(rows[1])) == {"Eyes not seen"}
    assert words(rows[2])[5 * 30] == "Smile 60% above rest"


@BOTH
def test_episodes_are_bars_whose_words_stand_under_the_pointer(colours: Palette) -> None:
    time_s = np.arange(20.0)
    grid = pd.DataFrame({"time_s": time_s, "from_s": time_s - 0.5, "to_s": time_s + 0.5})
    row = behaviour_episode_row(SHOWN.episodes, grid, colours)
    assert row is not None
    texts = words(row)
    assert texts[2] == "Head still"
    assert texts[5] == "Head still<br>Smile"
    assert texts[8] == "No episode of facial behaviour"
    assert behaviour_episode_row(SHOWN.episodes.iloc[:0], grid, colours) is None
