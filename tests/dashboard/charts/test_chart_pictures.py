"""What Chromium draws of every chart, against the pictures that were looked at and kept in tests/pictures/charts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from inspect import isfunction
from pathlib import Path
from typing import Any, get_type_hints

import chart_pictures as pictures
import chart_samples as samples
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from chart_pictures import CHARTS, FOLDER, KEPT, LIMIT, NARROW, WIDE, Kept, Picture
from served import CHROMIUM

from dashboard import charts, i18n
from dashboard.theme.palette import DARK, LIGHT

AT_MOST_BYTES = 1_500_000


@pytest.fixture(scope="module")
def tab() -> Iterator[Any]:
    """One browser tab for all charts."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with pictures.easel() as opened:
        yield opened


# ----------------------------------------------------------------------------------------------- what there must be


def test_every_chart_function_has_its_pictures() -> None:
    exported = {name: getattr(charts, name) for name in charts.__all__}
    functions = {name: get_type_hints(one) for name, one in exported.items() if isfunction(one)}
    figures = {name for name, hints in functions.items() if hints["return"] is go.Figure}
    assert {chart.split("-")[0] for chart in CHARTS} == figures
    assert {(kept.chart, kept.mode.mode) for kept in KEPT} == {(c, m) for c in CHARTS for m in ("light", "dark")}


def test_what_is_kept_is_what_is_drawn_and_small() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {kept.path.name for kept in KEPT}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < AT_MOST_BYTES


# ------------------------------------------------------------------------------------------------------ the pictures


@pytest.mark.browser
@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.name)
def test_a_chart_looks_as_it_was_kept(kept: Kept, tab: Any, tmp_path: Path) -> None:
    picture = pictures.drawn(tab, kept.figure(), kept.mode, kept.width)
    assert pictures.edges_are_bare(picture, kept.mode), "something is cut off at the left or the right"
    apart = pictures.difference(picture, pictures.read(kept.path))
    assert apart <= LIMIT, complaint(kept, picture, apart, tmp_path)


def complaint(kept: Kept, picture: Picture, apart: float, folder: Path) -> str:
    """Write what was drawn, and where it differs, beside each other; say where they are and what can be done."""
    new, where = folder / f"{kept.name}-new.webp", folder / f"{kept.name}-difference.webp"
    pictures.write(picture, new)
    pictures.write(pictures.marked(picture, pictures.read(kept.path)), where)
    return (
        f"{kept.name} differs by {apart:.1f} of at most {LIMIT} from {kept.path}. Drawn now: {new}; where it differs: "
        f"{where}. If it is meant to look so, draw it anew: PYTHONPATH=. python tests/chart_pictures.py {kept.name}"
    )


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("chart", CHARTS)
def test_words_are_whole_and_apart(chart: str, width: int, language: str, tab: Any) -> None:
    with i18n.speaking(language):
        figure = CHARTS[chart](LIGHT)
    assert pictures.unreadable(tab, figure, LIGHT, width) == []


@pytest.mark.browser
def test_words_that_are_cut_off_or_covered_are_noticed(tab: Any) -> None:
    figure = CHARTS["phq_trend-empty"](LIGHT)
    paper = {"xref": "paper", "yref": "paper", "showarrow": False}
    figure.add_annotation(x=1, y=0.36, xanchor="left", text="beyond the edge of it", **paper)
    figure.add_annotation(x=0.5, y=0.5, text="one", **paper)
    figure.add_annotation(x=0.5, y=0.51, text="two", **paper)
    assert pictures.unreadable(tab, figure, LIGHT) == ["beyond the edge of it", "one | two"]
    assert not pictures.edges_are_bare(pictures.drawn(tab, figure, LIGHT), LIGHT)


@pytest.mark.browser
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_charts_over_dates_can_be_read_one_below_the_other(width: int, tab: Any) -> None:
    every_eight_days = pd.date_range("2026-03-02", periods=12, freq="8D")
    sessions = samples.half_year().assign(recorded_at=every_eight_days)
    span = charts.date_span(sessions["recorded_at"])
    figures = [
        charts.emotion_trend(sessions, LIGHT, span=span),
        charts.phq_trend(sessions, samples.changes(), LIGHT, span=span),
        charts.measure_trend(samples.measured(), [pictures.SMILES, pictures.PITCH], LIGHT, span=span),
    ]
    first, *others = [pictures.ticks(tab, figure, LIGHT, width) for figure in figures]
    assert len(first) > 1
    assert all(other == first for other in others)


# ------------------------------------------------------------------------------------- that the comparison can fail


def without(name: str) -> Callable[[go.Figure], go.Figure]:
    """The figure less one trace."""
    return lambda figure: go.Figure([trace for trace in figure.data if trace.name != name], figure.layout)


def shifted(axis: str, by: float) -> Callable[[go.Figure], go.Figure]:
    """The figure with one value of its first trace moved."""

    def change(figure: go.Figure) -> go.Figure:
        values = np.array(figure.data[0][axis], dtype=float)
        values[3] += by
        figure.data[0][axis] = values
        return figure

    return change


def exchanged(figure: go.Figure) -> go.Figure:
    """The figure with the names of its first two traces exchanged."""
    one, other = figure.data[:2]
    one.name, other.name = other.name, one.name
    return figure


def with_layout(**layout: Any) -> Callable[[go.Figure], go.Figure]:
    """The figure with something else in its layout."""
    return lambda figure: figure.update_layout(**layout)


def filled(figure: go.Figure) -> go.Figure:
    """Estimates of a head trained on simulated labels look like any others."""
    return figure.for_each_trace(lambda trace: trace.update(marker_symbol="circle"), {"marker.symbol": "circle-open"})


CHANGES = {
    "a line is gone": ("emotion_timeline-lines", without("Fear")),
    "an interval is gone": ("phq_scale", without("Interval")),
    "the notes are gone": ("emotion_timeline", without("Notes")),
    "a bar is a tenth longer": ("emotion_bars", shifted("x", 0.1)),
    "a point is a tenth higher": ("training_curves", shifted("y", 0.12)),
    "a point is a tenth to the right": ("estimates_of_two", shifted("x", 2.4)),
    "two names are exchanged": ("emotion_timeline-lines", exchanged),
    "two lines' keys are exchanged": ("training_curves", exchanged),
    "the legend has moved": ("emotion_trend", with_layout(legend_x=0.1)),
    "an axis has no numbers": ("estimates_of_two", with_layout(yaxis_showticklabels=False)),
    "an axis has no title": ("phq_trend", with_layout(yaxis_title_text="")),
    "the grid is gone": ("estimates_of_two", with_layout(xaxis_showgrid=False)),
    "simulated looks clinical": ("phq_trend", filled),
}


@pytest.mark.browser
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_a_person_would_see_is_noticed(change: str, tab: Any) -> None:
    chart, changed = CHANGES[change]
    kept = Kept(chart, LIGHT, WIDE)
    picture = pictures.drawn(tab, changed(kept.figure()), LIGHT)
    assert pictures.difference(picture, pictures.read(kept.path)) > LIMIT


@pytest.mark.browser
@pytest.mark.parametrize("chart", ["emotion_timeline", "emotion_timeline-lines", "emotion_bars", "share_differences"])
def test_another_colour_of_one_emotion_is_noticed(chart: str, tab: Any) -> None:
    kept = Kept(chart, LIGHT, WIDE)
    other = replace(LIGHT, emotions=(*LIGHT.emotions[:2], DARK.emotions[2], *LIGHT.emotions[3:]))
    picture = pictures.drawn(tab, CHARTS[chart](other), other)
    assert pictures.difference(picture, pictures.read(kept.path)) > LIMIT


@pytest.mark.browser
@pytest.mark.parametrize("chart", ["emotion_timeline", "phq_trend", "measure_trend"])
def test_letters_drawn_otherwise_are_tolerated(chart: str, tab: Any) -> None:
    kept = Kept(chart, LIGHT, WIDE)
    tab.evaluate("document.body.style.textRendering = 'geometricPrecision'")
    tab.evaluate("document.body.style.fontKerning = 'none'")
    picture = pictures.drawn(tab, kept.figure(), LIGHT)
    tab.evaluate("document.body.style.textRendering = document.body.style.fontKerning = ''")
    assert (picture != pictures.read(kept.path)).any(), "nothing was drawn otherwise"
    assert pictures.difference(picture, pictures.read(kept.path)) <= LIMIT
    assert pictures.difference(np.roll(picture, 1, axis=1), picture) <= LIMIT


def test_pictures_of_two_sizes_are_not_alike() -> None:
    picture = np.zeros((9, 9, 3), dtype=np.uint8)
    assert pictures.difference(picture, picture) == 0
    assert pictures.difference(picture, picture[:8]) > LIMIT
