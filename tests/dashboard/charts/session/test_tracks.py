"""What runs beside the emotions along a recording: each row, its words, and that each can be clicked."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard import charts
from dashboard.charts import Tracks
from dashboard.charts.session.tracks import LANES, OTHER_SPEAKERS, speakers_of
from dashboard.theme.palette import DARK, LIGHT, Palette
from fer_phq.core.emotions import EMOTIONS

BOTH = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
N = 40


def frames() -> pd.DataFrame:
    """Twenty seconds at 2 frames/s with a face throughout."""
    table = pd.DataFrame(np.random.default_rng(7).dirichlet(np.ones(7), N), columns=list(EMOTIONS))
    table.insert(0, "time_s", np.arange(N) / 2)
    table["from_s"], table["to_s"] = table["time_s"] - 0.25, table["time_s"] + 0.25
    table["state"], table["quality"] = "face", 0.8
    return table


def episodes() -> pd.DataFrame:
    return pd.DataFrame(
        {"emotion": ["happiness", "sadness"], "onset_s": [2.0, 8.0], "peak_s": [3.0, 9.0], "offset_s": [4.0, 10.0]}
    ).assign(peak=[0.9, 0.6])


def utterances(*speakers: str, subject: str = "Client") -> pd.DataFrame:
    starts = np.arange(len(speakers)) * 3.0 + 1
    return pd.DataFrame({"start_s": starts, "end_s": starts + 2, "speaker": list(speakers)}).assign(
        text=[f"words of {name}" for name in speakers], is_subject=[name == subject for name in speakers]
    )


def voice() -> pd.DataFrame:
    time_s = (np.arange(20) + 0.5) / 10
    table = pd.DataFrame({"time_s": time_s, "speech": np.linspace(0, 1, 20)})
    for name, value in (("loudness_db", -30.0), ("pitch_hz", 180.0)):
        table[name], table[f"{name}_low"], table[f"{name}_high"] = value, value - 5, value + 5
    table.loc[5:8, ["pitch_hz", "pitch_hz_low", "pitch_hz_high"]] = np.nan
    return table


def drawn(tracks: Tracks, colours: Palette = LIGHT, *, stacked: bool = False) -> go.Figure:
    return charts.emotion_timeline(frames(), colours, stacked=stacked, tracks=tracks)


def rows(figure: go.Figure) -> int:
    return len([name for name in figure.layout.to_plotly_json() if name.startswith("yaxis")])


def points(figure: go.Figure) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.name == charts.POSITIONS]


def words(trace: go.Scatter) -> list[str]:
    return [line[1] for line in trace.customdata]


EVERYTHING = Tracks(
    episodes=episodes(),
    people=pd.DataFrame({"person": [2], "first_s": [5.0], "last_s": [9.0], "frames": [7]}),
    utterances=utterances("Client", "Therapist"),
    voice=voice(),
    notes=pd.DataFrame({"time_s": [3.0], "words": ["looks away"]}),
)


def test_only_what_is_there_has_a_row() -> None:
    assert rows(drawn(Tracks())) == 2
    assert rows(drawn(EVERYTHING)) == 8
    empty = Tracks(*(pd.DataFrame() for _ in range(5)))
    assert rows(drawn(empty)) == 2


@BOTH
def test_every_row_can_be_clicked_and_only_its_points_react(colours: Palette) -> None:
    figure = drawn(EVERYTHING, colours)
    assert {trace.yaxis or "y" for trace in points(figure)} == {"y", *(f"y{i}" for i in range(2, 9))}
    for trace in figure.data:
        if trace.name != charts.POSITIONS and len(trace.x) and trace.x[0] is not None:
            assert trace.hoverinfo == "skip", trace.name
    for trace in points(figure):
        assert trace.marker.opacity == trace.unselected.marker.opacity == 0


def test_rows_share_one_time_axis_and_do_not_overlap() -> None:
    layout = drawn(EVERYTHING).layout
    axes = [layout.xaxis, *(layout[f"xaxis{i}"] for i in range(2, 9))]
    assert {axis.matches for axis in axes[1:]} == {"x"}
    assert len({tuple(axis.range) for axis in axes}) == 1
    domains = [layout[f"yaxis{i}" if i > 1 else "yaxis"].domain for i in range(1, 9)]
    assert all(above[0] > below[1] for above, below in pairwise(domains))
    assert domains[-1][0] == pytest.approx(0)
    assert [axis.title.text for axis in axes if axis.title.text] == ["Time in the recording (min:s)"]
    assert axes[-1].title.text


@BOTH
def test_episodes_stand_from_onset_to_offset_in_their_colours(colours: Palette) -> None:
    figure = drawn(Tracks(episodes=episodes()), colours)
    (bars,) = [trace for trace in figure.data if trace.name == "Episodes"]
    assert list(bars.x - np.array(bars.width) / 2) == [2.0, 8.0]
    assert list(bars.width) == [2.0, 2.0]
    assert list(bars.marker.color) == [colours.emotion("happiness"), colours.emotion("sadness")]
    assert bars.marker.line.width > 0, "a second of an hour would be too thin to be seen"
    said = words(next(trace for trace in points(figure) if trace.yaxis == bars.yaxis))
    assert said[6] == "Happiness, 0:02 to 0:04, 2.0 s, peak 90%"
    assert said[0] == "No episode"


def test_other_people_are_told_with_their_frames() -> None:
    figure = drawn(EVERYTHING)
    (bars,) = [trace for trace in figure.data if trace.name == "Other people"]
    assert (bars.x[0], bars.width[0]) == (7.0, 4.0)
    said = words(next(trace for trace in points(figure) if trace.yaxis == bars.yaxis))
    assert said[12] == "Person 2, in 7 frames from 0:05 to 0:09"
    assert said[30] == "Nobody else in view"


def test_the_subject_has_the_first_lane_and_a_colour_of_its_own() -> None:
    figure = drawn(Tracks(utterances=utterances("Therapist", "Client", "Therapist")))
    (bars,) = [trace for trace in figure.data if trace.name == "Transcript"]
    assert list(bars.marker.color) == [LIGHT.muted, LIGHT.accent, LIGHT.muted]
    assert bars.base[1] > bars.base[0] == bars.base[2]
    axis = figure.layout[f"yaxis{bars.yaxis[1:]}"]
    assert list(axis.ticktext) == ["Client", "Therapist"]
    assert axis.tickvals[0] > axis.tickvals[1]


def test_many_speakers_share_the_last_lane() -> None:
    table = utterances("A", "B", "Client", "D", "E")
    assert speakers_of(table) == ["Client", "A", OTHER_SPEAKERS]
    figure = drawn(Tracks(utterances=table))
    (bars,) = [trace for trace in figure.data if trace.name == "Transcript"]
    assert len(set(bars.base)) == LANES
    assert bars.base[1] == bars.base[3] == bars.base[4] == min(bars.base)


def test_what_was_said_cannot_smuggle_markup() -> None:
    table = utterances("<b>x</b>").assign(text='<a href="https://evil.example">press</a> ' + "long " * 100)
    figure = drawn(Tracks(utterances=table, notes=pd.DataFrame({"time_s": [3.0], "words": ["<img src=x>"]})))
    said = str([trace.customdata for trace in points(figure)]) + str(figure.layout.to_plotly_json())
    assert "<a" not in said
    assert "<img" not in said
    assert "<b>x" not in said
    assert "&lt;a href" in said
    (bars,) = [trace for trace in figure.data if trace.name == "Transcript"]
    longest = max(words(next(trace for trace in points(figure) if trace.yaxis == bars.yaxis)), key=len)
    assert len(longest) < 500


def test_notes_are_marks_above_and_words_under_the_pointer() -> None:
    figure = drawn(EVERYTHING)
    (marks,) = [trace for trace in figure.data if trace.name == "Notes"]
    assert list(marks.x) == [3.0]
    assert marks.unselected.marker.opacity == 1, "a click elsewhere would make them fade"
    first = points(figure)[0]
    assert [line[-1] for line in first.customdata if line[-1]] == ["<br>Note: looks away"]


def test_voice_is_drawn_from_lowest_to_highest_and_stops_where_nothing_was_measured() -> None:
    figure = drawn(EVERYTHING)
    by_name = {trace.name: trace for trace in figure.data}
    pitch = np.array(by_name["Pitch"].y, dtype=float).reshape(-1, 3)
    assert np.isnan(pitch[5:9]).all()
    assert np.isnan(pitch[:, 2]).all(), "strokes would be joined"
    assert (pitch[0][0] < 175) & (pitch[0][1] > 185)
    assert by_name["Speech"].fill == "tozeroy"
    assert "No voice" in words(points(figure)[-1])


def test_smoothed_lines_have_the_frames_beside_them() -> None:
    raw = frames().melt(id_vars="time_s", value_vars=list(EMOTIONS), var_name="emotion", value_name="low")
    figure = drawn(Tracks(raw=raw.assign(high=raw["low"])))
    dots = [trace for trace in figure.data if str(trace.name).endswith(", frames")]
    assert [trace.line.color for trace in dots] == list(LIGHT.emotions)
    y = np.array(dots[3].y, dtype=float).reshape(-1, 3)
    assert y[:, :2].mean(axis=1) == pytest.approx(frames()["happiness"])
    assert {trace.legendgroup for trace in dots} == set(EMOTIONS), "they must vanish with their line"


def test_a_second_analysis_lies_over_the_first_in_dashes() -> None:
    other = frames()
    other.loc[10:12, list(EMOTIONS)] = np.nan
    figure = drawn(Tracks(other=other, other_emotions=("sadness",), other_label="other-1"))
    (line,) = [trace for trace in figure.data if trace.name == "Sadness, other-1"]
    assert line.line.dash == "dash"
    assert line.line.color == LIGHT.emotion("sadness")
    inside = (np.array(line.x) > 4.8) & (np.array(line.x) < 6.2)
    assert np.isnan(np.array(line.y, dtype=float)[inside]).all()
    assert [trace.name for trace in figure.data if trace.name == "other-1"] == ["other-1"]
