"""Chart functions on tidy frames: what is drawn, in which colours, and what happens at gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from chart_samples import answers, frames, trend

from dashboard import charts
from dashboard.theme.palette import DARK, LIGHT, Palette
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.phq import Modality, PhqEstimate, Provenance, Scale

NAMES = [name.capitalize() for name in EMOTIONS]
BOTH = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])


def emotion_traces(figure: go.Figure) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.name in NAMES]


def shown_words(figure: go.Figure) -> set[str]:
    return {note.text for note in figure.layout.annotations}


@BOTH
@pytest.mark.parametrize("stacked", [True, False])
def test_timeline_draws_every_emotion_in_its_colour(colours: Palette, stacked: bool) -> None:
    figure = charts.emotion_timeline(frames(), colours, stacked=stacked)
    drawn = emotion_traces(figure)
    assert [trace.name for trace in drawn] == NAMES
    painted = [trace.fillcolor if stacked else trace.line.color for trace in drawn]
    assert painted == list(colours.emotions)
    assert figure.layout.yaxis.title.text == "Probability"
    assert figure.layout.xaxis2.title.text == "Time in the recording (min:s)"


def test_lines_stop_at_gaps() -> None:
    line = emotion_traces(charts.emotion_timeline(frames(), LIGHT, stacked=False))[0]
    times, values = np.array(line.x), np.array(line.y, dtype=float)
    assert line.connectgaps is False
    inside = (times > 0.75) & (times < 1.75)
    assert np.isnan(values[inside]).all()
    assert np.isfinite(values[(times < 0.75) | ((times > 1.75) & (times < 2.75))]).all()
    assert np.isnan(values[times == 0.75]).tolist() == [False, True]


def test_areas_fall_to_zero_at_the_border_of_a_gap_and_not_before() -> None:
    figure = charts.emotion_timeline(frames(), LIGHT, stacked=True)
    total = np.sum([np.array(trace.y, dtype=float) for trace in emotion_traces(figure)], axis=0)
    times = np.array(emotion_traces(figure)[0].x)
    at_border = total[times == 0.75]
    assert at_border == pytest.approx([1.0, 0.0])
    assert (total[(times > 0.75) & (times < 1.75)] == 0).all()
    assert total[(times >= 0) & (times < 0.75)] == pytest.approx(1.0)


def test_a_lone_frame_between_gaps_has_a_width() -> None:
    time, _, seen = charts.with_gap_edges(frames("gfg"))
    assert time[seen].tolist() == [0.25, 0.5, 0.75]


def test_timeline_without_gaps_or_without_faces() -> None:
    whole, _, seen = charts.with_gap_edges(frames("fff"))
    assert len(whole) == 3
    assert seen.all()
    _, _, seen = charts.with_gap_edges(frames("ggg"))
    assert not seen.any()
    assert charts.emotion_timeline(frames("ggg"), LIGHT, stacked=True).data


@BOTH
def test_coverage_strip_tells_gap_low_and_face_apart_by_more_than_colour(colours: Palette) -> None:
    figure = charts.emotion_timeline(frames(), colours, stacked=True)
    strip = {t.name: t for t in figure.data if isinstance(t, go.Bar) and t.x[0] is not None}
    gap, low, face = (strip[charts.COVERAGE_LABELS[state]] for state in charts.COVERAGE_STATES)
    spans = {t.name: [(x - w / 2, x + w / 2) for x, w in zip(t.x, t.width, strict=True)] for t in (gap, low, face)}
    assert spans[gap.name] == [(0.75, 1.75), (2.75, 3.25)]
    assert spans[low.name] == [(2.25, 2.75)]
    assert spans[face.name] == [(-0.25, 0.75), (1.75, 2.25), (3.25, 3.75)]
    assert [t.marker.color for t in (gap, low, face)] == [colours.gap, colours.low, colours.good]
    assert len({t.marker.pattern.shape for t in (gap, low, face)}) == 3, "told apart by form, not by colour alone"
    assert low.y[0] < face.y[0]
    assert "bgcolor" not in low.marker.pattern.to_plotly_json()
    assert low.marker.pattern.fillmode == "overlay", "without it the colour itself would vanish"
    keys = {t.name: t for t in figure.data if t.legend == "legend2"}
    assert set(keys) == set(charts.COVERAGE_LABELS.values())
    assert all(keys[t.name].marker.pattern == t.marker.pattern for t in (gap, low, face))


def test_every_sampled_frame_can_be_clicked() -> None:
    table = frames()
    figure = charts.emotion_timeline(table, LIGHT, stacked=True)
    points, strip = [t for t in figure.data if t.name == charts.POSITIONS]
    assert list(strip.x) == list(points.x)
    assert list(points.x) == table["time_s"].tolist()
    assert points.marker.opacity == 0
    assert figure.layout.hoverdistance == -1, "frames far apart could not be clicked between"
    assert list(points.customdata[2]) == ["–"] * 7 + ["No face found", "0:01", ""]
    others = [t for t in charts.emotion_timeline(table, LIGHT, stacked=True).data if t.name in NAMES]
    assert all(trace.hoverinfo == "skip" for trace in others)


def test_zoom_is_kept_for_the_same_analysis_only() -> None:
    one, other = (charts.emotion_timeline(frames(), LIGHT, stacked=True, revision=name) for name in ("a", "b"))
    assert one.layout.uirevision == "a"
    assert other.layout.uirevision == "b"


@BOTH
def test_bars_keep_the_order_and_the_colours(colours: Palette) -> None:
    values = pd.DataFrame({"emotion": EMOTIONS, "value": np.linspace(0, 0.6, 7)})
    figure = charts.emotion_bars(values, colours, label="Mean")
    assert list(figure.data[0].y) == NAMES[::-1]
    assert list(figure.data[0].marker.color) == list(colours.emotions[::-1])
    assert figure.layout.xaxis.title.text == "Mean"


def test_bars_with_a_reference() -> None:
    values = pd.DataFrame({"emotion": EMOTIONS, "value": 0.1, "reference": 0.2})
    figure = charts.emotion_bars(values, LIGHT, label="Now", reference_label="Session")
    assert figure.data[1].name == "Session"
    assert figure.layout.showlegend


def estimate(low: float, high: float, provenance: Provenance = Provenance.CLINICAL) -> PhqEstimate:
    return PhqEstimate((low + high) / 2, low, high, 0.9, Scale.PHQ8, provenance, "m-1", (Modality.FACE,))


def test_no_band_is_coloured_when_the_interval_spans_several() -> None:
    bands = [s for s in charts.phq_scale(estimate(6, 14), LIGHT).layout.shapes if s.type == "rect"]
    assert len(bands) == 5
    assert {band.fillcolor for band in bands} == {LIGHT.inset}


def test_the_band_that_holds_the_whole_interval_is_tinted() -> None:
    bands = [s for s in charts.phq_scale(estimate(10.5, 14), LIGHT).layout.shapes if s.type == "rect"]
    assert [band.x0 for band in bands if band.fillcolor == LIGHT.accent_soft] == [10]


def test_scale_shows_the_interval_over_the_whole_range() -> None:
    figure = charts.phq_scale(estimate(6, 14), LIGHT)
    bar = next(t for t in figure.data if t.name == "Interval")
    assert list(bar.x) == [6, 14]
    assert figure.layout.xaxis.range[0] < 0 < 24 < figure.layout.xaxis.range[1]
    assert figure.layout.xaxis.title.text == "PHQ-8 total"


def test_simulated_estimates_are_grey() -> None:
    grey = charts.phq_scale(estimate(6, 14, Provenance.SIMULATED), LIGHT)
    assert {t.marker.color for t in grey.data if t.name == "Estimate"} == {LIGHT.muted}


def test_emotion_trend_stacks_seven_shares_a_session() -> None:
    figure = charts.emotion_trend(trend(), LIGHT)
    assert [trace.name for trace in figure.data if isinstance(trace, go.Bar)] == NAMES
    assert figure.layout.barmode == "stack"
    assert figure.layout.yaxis.title.text == "Share of the session"
    widths = np.array(figure.data[0].width) / 86_400_000
    assert (widths > 0).all()
    assert (widths < 7).all()


def test_trends_share_a_time_axis() -> None:
    table, scores = trend(), answers()
    span = charts.date_span(table["recorded_at"], scores["answered_at"])
    one = charts.emotion_trend(table, LIGHT, span=span)
    two = charts.phq_trend(table, scores, LIGHT, span=span)
    assert one.layout.xaxis.range == two.layout.xaxis.range
    assert one.layout.margin == two.layout.margin


def test_phq_trend_draws_intervals_and_scores_on_one_scale() -> None:
    figure = charts.phq_trend(trend(), answers(), LIGHT)
    by_name = {trace.name: trace for trace in figure.data}
    assert set(by_name) == {"Model estimate (demonstration only)", "PHQ-9 questionnaire"}
    model = by_name["Model estimate (demonstration only)"]
    assert list(model.error_y.array) == [6.0] * 4
    assert list(model.error_y.arrayminus) == [5.0] * 4
    assert list(by_name["PHQ-9 questionnaire"].y) == [14, 11, 6]
    assert figure.layout.yaxis.range[1] > 27
    assert shown_words(figure) == {"minimal", "mild", "moderate", "moderately<br>severe", "severe"}


def test_clinical_and_simulated_estimates_are_different_series() -> None:
    table = trend()
    table.loc[2:, "phq_provenance"] = "clinical"
    names = [trace.name for trace in charts.phq_trend(table, answers(0), LIGHT).data]
    assert names == ["Model estimate with interval", "Model estimate (demonstration only)"]


def changed() -> pd.DataFrame:
    """A baseline, a change that is not reliable, and a reliable one."""
    return answers().assign(total=[14, 9, 6], change=["", "", "reliable"], words=["Baseline", "5 points lower", ""])


@BOTH
def test_a_reliable_change_is_a_ring_around_its_questionnaire(colours: Palette) -> None:
    figure = charts.phq_trend(trend(None), changed(), colours)
    assert [trace.name for trace in figure.data] == [*charts.CHANGE_LABELS.values(), "PHQ-9 questionnaire"]
    reliable, scores = figure.data
    assert list(reliable.y) == [6]
    assert reliable.marker.line.color == colours.ink, "told apart by form, not by colour"
    assert reliable.marker.size > 1.5 * scores.marker.size
    assert reliable.marker.color == "rgba(0,0,0,0)", "an estimate behind a ring can be seen"
    assert reliable.hoverinfo == "skip"


def test_a_questionnaire_says_its_change_under_the_pointer() -> None:
    scores = charts.phq_trend(trend(None), changed(), LIGHT).data[-1]
    assert list(scores.customdata) == ["<br>Baseline", "<br>5 points lower", ""]
    assert "%{customdata}" in scores.hovertemplate


def test_no_change_leaves_no_key_in_the_legend() -> None:
    names = {trace.name for trace in charts.phq_trend(trend(), answers(), LIGHT).data}
    assert not names & set(charts.CHANGE_LABELS.values())


def test_phq_trend_without_estimates_or_without_anything() -> None:
    only = charts.phq_trend(trend(None), answers(), LIGHT)
    assert [trace.name for trace in only.data] == ["PHQ-9 questionnaire"]
    assert not charts.phq_trend(trend(None, n=0), answers(0), LIGHT).data


@pytest.mark.parametrize(("seconds", "words"), [(0, "0:00"), (61.4, "1:01"), (3599.6, "1:00:00"), (3725, "1:02:05")])
def test_clock(seconds: float, words: str) -> None:
    assert charts.clock(seconds) == words
