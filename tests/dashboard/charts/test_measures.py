"""Charts of measures over dates, of two periods, and the events in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from chart_samples import answers, trend

from dashboard import charts, i18n
from dashboard.theme.palette import DARK, LIGHT, Palette
from fer_phq.features.measures import BY_NAME

BOTH = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
CHOSEN = [BY_NAME["smiling_share"], BY_NAME["pitch_sd"]]


def values() -> pd.DataFrame:
    """Two measures over five sessions, the last two after a gap; one pitch is not measured."""
    dates = pd.to_datetime(["2026-03-01", "2026-03-08", "2026-03-15", "2026-07-01", "2026-07-08"])
    one = pd.DataFrame({"recorded_at": dates, "segment": [0, 0, 0, 1, 1]})
    smiles = one.assign(measure="smiling_share", value=[0.1, 0.2, 0.3, 0.4, 0.5])
    pitch = one.assign(measure="pitch_sd", value=[2.0, np.nan, 3.0, 2.5, 2.4])
    return pd.concat([smiles, pitch], ignore_index=True)


def happened() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "at": pd.to_datetime(["2026-03-10", "2026-06-20"]),
            "mark": ["1", "2"],
            "words": ["Sertraline begun", "<b>Therapy</b> ended"],
        }
    )


@BOTH
def test_each_measure_has_a_panel_over_the_same_dates(colours: Palette) -> None:
    figure = charts.measure_trend(values(), CHOSEN, colours)
    assert [trace.name for trace in figure.data] == ["Smiling", "Pitch variation"]
    assert {trace.line.color for trace in figure.data} == {colours.accent}
    assert [note.text for note in figure.layout.annotations] == ["Smiling, %", "Pitch variation, semitones"]
    assert figure.layout.xaxis.range == figure.layout.xaxis2.range
    assert (figure.layout.yaxis.tickformat, figure.layout.yaxis2.tickformat) == (".1~%", ".3~g")
    assert figure.layout.xaxis2.title.text == "Date"
    assert figure.layout.margin.l == charts.TREND_MARGIN["l"], "panels lie below the other charts over dates"


def test_lines_stop_at_a_gap_and_where_nothing_was_measured() -> None:
    smiles, pitch = charts.measure_trend(values(), CHOSEN, LIGHT).data
    assert smiles.connectgaps is False
    assert np.array(smiles.y, float) == pytest.approx([0.1, 0.2, 0.3, np.nan, 0.4, 0.5], nan_ok=True)
    assert np.array(pitch.y, float) == pytest.approx([2.0, np.nan, 3.0, np.nan, 2.5, 2.4], nan_ok=True)
    assert list(smiles.customdata)[:4] == ["10 %", "20 %", "30 %", "–"]


def test_one_stretch_is_left_whole() -> None:
    rows = values().iloc[:3]
    assert len(charts.broken(rows)) == 3
    assert charts.broken(rows.iloc[:0]).empty


def test_questionnaires_are_not_joined_over_a_gap() -> None:
    figure = charts.phq_trend(trend(None), answers().assign(segment=[0, 0, 1]), LIGHT)
    (line,) = figure.data
    assert np.array(line.y, float) == pytest.approx([14, 11, np.nan, 6], nan_ok=True)
    assert line.connectgaps is False


def test_estimates_of_two_heads_are_two_series_without_lines() -> None:
    table = trend("clinical")
    table["phq_model_id"] = ["head-1", "head-1", "head-2", "<i>head</i>"]
    drawn = charts.phq_trend(table, answers(0), LIGHT).data
    assert [len(trace.x) for trace in drawn] == [1, 2, 1]
    assert [trace.mode for trace in drawn] == ["markers"] * 3
    assert len({trace.marker.symbol for trace in drawn}) == 3
    assert drawn[1].name == "Model estimate with interval, head-1"
    assert drawn[0].name == "Model estimate with interval,<br>&lt;i&gt;head&lt;/i&gt;", (
        "as wide as a telephone has room"
    )


def drawn_events(figure: go.Figure) -> list[str]:
    return [note.text for note in figure.layout.annotations if note.name == "event"]


@BOTH
def test_events_are_lines_through_every_chart_over_dates(colours: Palette) -> None:
    figures = [
        charts.measure_trend(values(), CHOSEN, colours, events=happened()),
        charts.phq_trend(trend(), answers(), colours, events=happened()),
        charts.emotion_trend(trend(), colours, events=happened()),
    ]
    for figure in figures:
        lines = [shape for shape in figure.layout.shapes if shape.name == "event"]
        assert [pd.Timestamp(line.x0) for line in lines] == list(happened()["at"])
        assert {(line.y0, line.y1, line.yref, line.line.color) for line in lines} == {(0, 1, "paper", colours.muted)}
        assert drawn_events(figure) == ["<b>1</b>", "<b>2</b>"]
        words = [note.hovertext for note in figure.layout.annotations if note.name == "event"]
        assert words == ["10 Mar 2026<br>Sertraline begun", "20 Jun 2026<br>&lt;b&gt;Therapy&lt;/b&gt; ended"]
    assert drawn_events(charts.emotion_trend(trend(), colours, events=happened().iloc[:0])) == []


def points() -> pd.DataFrame:
    at = pd.to_datetime(["2026-03-01", "2026-03-08", "2026-07-01"])
    return pd.DataFrame(
        {"at": at, "measure": "smiling_share", "value": [0.1, 0.3, 0.5], "period": ["first", "first", "second"]}
    )


@BOTH
def test_periods_show_every_session_and_both_means(colours: Palette) -> None:
    means = pd.DataFrame({"measure": ["smiling_share"] * 2, "period": ["first", "second"], "mean": [0.2, 0.5]})
    figure = charts.period_panel(points(), means, BY_NAME["smiling_share"], colours)
    first, first_mean, second, second_mean = figure.data
    assert (list(first.y), list(second.y)) == ([0.1, 0.3], [0.5])
    assert (list(first_mean.y), list(second_mean.y)) == ([0.2, 0.2], [0.5, 0.5]), "the mean is drawn as it was given"
    assert max(first.x) < 0.5 < min(second.x)
    assert list(figure.layout.xaxis.ticktext) == ["First", "Second"]
    assert figure.layout.title.text == "Smiling, %"
    assert (figure.layout.width, figure.layout.height) == charts.PANEL


def test_a_period_without_sessions_leaves_its_place_empty() -> None:
    means = pd.DataFrame({"measure": ["smiling_share"] * 2, "period": ["first", "second"], "mean": [0.2, np.nan]})
    figure = charts.period_panel(points().iloc[:2], means, BY_NAME["smiling_share"], LIGHT)
    assert len(figure.data[2].y) == 0
    assert figure.layout.xaxis.range == (-0.6, 1.6)


def test_a_chart_speaks_the_viewers_language() -> None:
    with i18n.speaking("de"):
        figure = charts.measure_trend(values(), CHOSEN, LIGHT)
        config = charts.dated(charts.CONFIG)
    assert figure.layout.xaxis2.title.text == "Datum"
    names = config["locales"][config["locale"]]["format"]
    assert (names["months"][2], names["days"][0], names["days"][6]) == ("März", "Sonntag", "Samstag")
    assert len(names["shortMonths"]) == 12
    assert config["displaylogo"] is False, "the house's options stay"
    assert charts.dated(charts.CONFIG) == charts.CONFIG, "English is Plotly's own"
