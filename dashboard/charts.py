"""Chart functions: a tidy frame in, a Plotly figure out. Nothing here computes a statistic or reads a store.

Every function takes the `Palette` of the viewer's mode. Frames use the emotion names as columns; a sampled frame
without the subject's face has NaN there and is drawn as a gap, never bridged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.palette import Palette
from fer_phq.emotions import EMOTIONS
from fer_phq.phq import BAND_STARTS, PhqEstimate, Provenance, Scale, bands_between

FONT_FAMILY = "Inter, sans-serif"
CONFIG: dict[str, Any] = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
"""Plotly's own options for every chart of the dashboard."""

COVERAGE_STATES: tuple[str, ...] = ("gap", "low", "face")
COVERAGE_LABELS = {"gap": "No face found", "low": "Face, low quality", "face": "Face found"}
TREND_MARGIN = {"l": 64, "r": 130, "t": 44, "b": 48}
"""The same for every chart over dates, so that they can be read one below the other."""
Span = tuple[pd.Timestamp, pd.Timestamp]
CHANGE_LABELS = {"five_points": "5 or more points since baseline", "reliable": "Reliable change since baseline"}
"""How a questionnaire's change may be marked, the weaker first, and what the legend says."""
MOMENTS = "moments"
"""Name of the invisible trace whose points can be clicked to choose a moment of the timeline."""


def emotion_timeline(
    frames: pd.DataFrame, colours: Palette, *, stacked: bool, moment_s: float | None = None, revision: str = ""
) -> go.Figure:
    """Emotion probabilities over the recording above a strip that shows where the face was found.

    `frames`: one row a sampled frame with `time_s` (seconds, ascending), the seven emotions (0 to 1), `quality`
    (0 to 1) and `state` (one of `COVERAGE_STATES`). `moment_s` is marked by a vertical line. `revision` names the
    analysis: zoom and hidden traces are kept while it stays the same.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.9, 0.1], vertical_spacing=0.06)
    for trace in _area_traces(frames, colours) if stacked else _line_traces(frames, colours):
        figure.add_trace(trace, row=1, col=1)
    figure.add_trace(_moment_trace(frames, colours), row=1, col=1)
    figure.add_trace(_coverage_trace(frames, colours), row=2, col=1)
    for state in COVERAGE_STATES:
        figure.add_trace(_coverage_key(state, colours), row=2, col=1)
    _style(figure, colours, height=400, revision=revision)
    figure.update_layout(hovermode="x", hoverdistance=-1, clickmode="event+select")
    figure.update_layout(legend2=_legend(colours, y=-0.2), margin={"l": 56, "r": 16, "t": 44, "b": 72})
    figure.update_yaxes(title_text="Probability", tickformat=".0%", range=[0, 1], row=1, col=1)
    figure.update_yaxes(visible=False, fixedrange=True, row=2, col=1)
    times = _clock_ticks(frames["time_s"].to_numpy(dtype=float))
    figure.update_xaxes(range=_axis_range(frames), tickvals=times, ticktext=[clock(t) for t in times])
    figure.update_xaxes(title_text="Time in the recording (min:s)", showgrid=False, row=2, col=1)
    if moment_s is not None:
        figure.add_vline(x=moment_s, line_width=1.5, line_color=colours.ink, opacity=0.8)
    return figure


def emotion_bars(
    values: pd.DataFrame, colours: Palette, *, label: str, reference_label: str | None = None
) -> go.Figure:
    """Seven horizontal bars. `values`: columns `emotion`, `value` (0 to 1) and, with a label for it, `reference`."""
    rows = values.set_index("emotion").reindex(EMOTIONS[::-1])
    figure = go.Figure(
        go.Bar(
            x=rows["value"],
            y=[name.capitalize() for name in rows.index],
            orientation="h",
            marker={"color": [colours.emotion(name) for name in rows.index], "cornerradius": 4},
            text=[f"{value:.0%}" if value == value else "" for value in rows["value"]],
            textposition="outside",
            textfont={"color": colours.ink},
            cliponaxis=False,
            name=label,
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    if reference_label is not None:
        figure.add_trace(_reference_marks(rows, colours, reference_label))
    _style(figure, colours, height=268)
    figure.update_layout(
        showlegend=reference_label is not None, bargap=0.38, margin={"l": 80, "r": 40, "t": 8, "b": 44}
    )
    figure.update_layout(legend={**_legend(colours, y=1.12)})
    figure.update_xaxes(title_text=label, tickformat=".0%", range=[0, 1], dtick=0.25)
    figure.update_yaxes(showgrid=False, ticks="")
    return figure


def phq_scale(estimate: PhqEstimate, colours: Palette) -> go.Figure:
    """An estimate with its interval on the whole scale, over the severity bands.

    A band is tinted only where the whole interval lies inside it; the interval's bar is what carries the colour.
    """
    figure = go.Figure()
    touched = bands_between(estimate.low, estimate.high)
    starts = [start for start, _ in BAND_STARTS]
    ends = [*starts[1:], estimate.scale.maximum]
    for (start, band), end in zip(BAND_STARTS, ends, strict=True):
        certain = touched == (band,)
        fill = colours.accent_soft if certain else colours.inset
        figure.add_shape(type="rect", x0=start, x1=end, y0=-0.42, y1=0.42, fillcolor=fill, line_width=0, layer="below")
        words = str(band).replace(" ", "<br>")
        figure.add_annotation(
            x=(start + end) / 2, y=0.95, text=words, showarrow=False, font=_font(colours, 11, muted=True)
        )
    for start in starts[1:]:
        figure.add_shape(type="line", x0=start, x1=start, y0=-0.42, y1=0.42, line={"color": colours.card, "width": 2})
    colour = _estimate_colour(estimate.provenance, colours)
    figure.add_trace(_interval_bar(estimate, colour))
    figure.add_trace(_point_mark(estimate, colour, colours))
    _style(figure, colours, height=132)
    figure.update_layout(showlegend=False, margin={"l": 12, "r": 12, "t": 6, "b": 44}, hovermode="closest")
    figure.update_xaxes(
        title_text=f"{estimate.scale} total",
        range=[-0.3, estimate.scale.maximum + 0.3],
        fixedrange=True,
        showgrid=False,
    )
    figure.update_xaxes(tickvals=[*starts, estimate.scale.maximum])
    figure.update_yaxes(visible=False, range=[-0.55, 1.4], fixedrange=True)
    return figure


def emotion_trend(trend: pd.DataFrame, colours: Palette, *, span: Span | None = None) -> go.Figure:
    """Stacked emotion shares, one bar a session at its date; `span` is the time axis (None: what the sessions need).

    `trend`: `recorded_at` (datetimes, ascending) and the seven emotions (0 to 1; NaN where a session has none).
    """
    figure = go.Figure()
    dates = pd.to_datetime(trend["recorded_at"])
    span = span or date_span(dates)
    width = _bar_width_ms(dates, span)
    for name in EMOTIONS:
        figure.add_trace(
            go.Bar(
                x=dates,
                y=trend[name],
                width=[width] * len(trend),
                name=name.capitalize(),
                marker={"color": colours.emotion(name), "line": {"color": colours.card, "width": 1}},
                hovertemplate="%{y:.0%}",
            )
        )
    _style(figure, colours, height=320)
    figure.update_layout(barmode="stack", hovermode="x unified", margin=TREND_MARGIN)
    figure.update_yaxes(title_text="Share of the session", tickformat=".0%", range=[0, 1])
    figure.update_xaxes(**_date_axis(span))
    return figure


def phq_trend(
    trend: pd.DataFrame, questionnaires: pd.DataFrame, colours: Palette, *, span: Span | None = None
) -> go.Figure:
    """PHQ estimates with their intervals and questionnaire scores, on one axis with the severity bands' borders.

    `trend`: `recorded_at`, `phq_score`, `phq_low`, `phq_high`, `phq_scale`, `phq_provenance` (NaN or None where there
    is no estimate). `questionnaires`: `answered_at`, `total`, `scale`, `change` (a key of `CHANGE_LABELS`, or empty:
    no mark) and `words` (what the pointer shows below the total, or empty). Either may be empty.
    """
    figure = go.Figure()
    top = max([Scale.PHQ8.maximum, *(Scale(name).maximum for name in _scales(trend, questionnaires))])
    for change in CHANGE_LABELS:  # first, so that no estimate lies under a ring
        rows = questionnaires[questionnaires["change"] == change]
        if len(rows):
            figure.add_trace(_change_trace(rows, change, colours))
    for provenance in (Provenance.CLINICAL, Provenance.SIMULATED):
        rows = trend[(trend["phq_provenance"] == str(provenance)) & trend["phq_score"].notna()]
        if len(rows):
            figure.add_trace(_estimate_trace(rows, provenance, colours))
    for scale in Scale:
        rows = questionnaires[questionnaires["scale"].astype(str) == str(scale)]
        if len(rows):
            figure.add_trace(_questionnaire_trace(rows, scale, colours))
    for start, band in BAND_STARTS:
        if start:
            figure.add_hline(y=start, line_width=1, line_color=colours.line, layer="below")
        figure.add_annotation(
            x=1.0, xref="x domain", xanchor="left", xshift=8, y=start, yanchor="bottom", text=str(band),
            showarrow=False, font=_font(colours, 11, muted=True),
        )  # fmt: skip
    _style(figure, colours, height=360)
    figure.update_layout(margin=TREND_MARGIN, hovermode="closest")
    figure.update_yaxes(
        title_text="PHQ total", range=[-0.6, top + 0.6], tickvals=[0, 5, 10, 15, 20, top], showgrid=False
    )
    dates = pd.concat([pd.to_datetime(trend["recorded_at"]), pd.to_datetime(questionnaires["answered_at"])])
    figure.update_xaxes(**_date_axis(span or date_span(dates)))
    return figure


def clock(seconds: float) -> str:
    """Seconds as 'm:ss', or 'h:mm:ss' from an hour on."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


# ---------------------------------------------------------------------------------------------- timeline parts


def with_gap_edges(
    frames: pd.DataFrame,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The frames as steps that stop at gaps.

    Returns `(time, values, seen)`: times (k,) ascending, emotions (k, 7) and which rows show a face. At each border
    between face and gap two rows are inserted half a sampling step away, so that a lone frame still has a width and
    nothing is drawn across a gap.
    """
    time = frames["time_s"].to_numpy(dtype=float)
    values = frames[list(EMOTIONS)].to_numpy(dtype=float)
    seen = ~np.isnan(values).any(axis=1)
    changes = np.flatnonzero(seen[1:] != seen[:-1])
    middle = (time[changes] + time[changes + 1]) / 2
    inside = np.where(seen[changes][:, None], values[changes], values[changes + 1])
    gap = np.full_like(inside, np.nan)
    first = np.where(seen[changes][:, None], inside, gap)
    second = np.where(seen[changes][:, None], gap, inside)
    where = np.repeat(changes + 1, 2)
    time = np.insert(time, where, np.repeat(middle, 2))
    values = np.insert(values, where, np.stack([first, second], axis=1).reshape(-1, len(EMOTIONS)), axis=0)
    return time, values, ~np.isnan(values).any(axis=1)


def _area_traces(frames: pd.DataFrame, colours: Palette) -> list[go.Scatter]:
    time, values, seen = with_gap_edges(frames)
    filled = np.where(seen[:, None], values, 0.0)
    return [
        go.Scatter(
            x=time,
            y=filled[:, i],
            name=name.capitalize(),
            mode="lines",
            line={"width": 0.7, "color": colours.card},
            fillcolor=colours.emotion(name),
            stackgroup="emotions",
            hoverinfo="skip",
        )
        for i, name in enumerate(EMOTIONS)
    ]


def _line_traces(frames: pd.DataFrame, colours: Palette) -> list[go.Scatter]:
    time, values, _ = with_gap_edges(frames)
    return [
        go.Scatter(
            x=time,
            y=values[:, i],
            name=name.capitalize(),
            mode="lines",
            line={"width": 1.75, "color": colours.emotion(name)},
            connectgaps=False,
            hoverinfo="skip",
        )
        for i, name in enumerate(EMOTIONS)
    ]


def _moment_trace(frames: pd.DataFrame, colours: Palette) -> go.Scatter:
    """Points that cannot be seen: they carry the words that appear under the pointer, and can be clicked.

    It is the only trace of the timeline that reacts to the pointer, because Plotly selects just the first trace
    it finds under a click, and lines without markers cannot be selected.
    """
    lines = [
        f'<span style="color:{colours.emotion(name)}">■</span> {name.capitalize()} %{{customdata[{i}]}}'
        for i, name in enumerate(EMOTIONS)
    ]
    words = [
        [*("–" if value != value else f"{value:.0%}" for value in row), COVERAGE_LABELS[state]]
        for row, state in zip(frames[list(EMOTIONS)].to_numpy(dtype=float), frames["state"], strict=True)
    ]
    title = f"<b>%{{x:.1f}} s</b> · %{{customdata[{len(EMOTIONS)}]}}"
    return go.Scatter(
        x=frames["time_s"],
        y=np.full(len(frames), 0.5),
        customdata=words,
        name=MOMENTS,
        mode="markers",
        marker={"size": 14, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        showlegend=False,
        hovertemplate="<br>".join([title, *reversed(lines)]) + "<extra></extra>",
    )


def _coverage_trace(frames: pd.DataFrame, colours: Palette) -> go.Heatmap:
    time = frames["time_s"].to_numpy(dtype=float)
    middle = (time[1:] + time[:-1]) / 2
    before, after = _span(frames)
    level = frames["state"].map({state: i for i, state in enumerate(COVERAGE_STATES)}).to_numpy(dtype=float)
    fills = [colours.gap, colours.low, colours.good]
    scale = [[edge, fill] for i, fill in enumerate(fills) for edge in (i / 3, (i + 1) / 3)]
    words = [_coverage_words(s, q) for s, q in zip(frames["state"], frames["quality"], strict=True)]
    return go.Heatmap(
        x=np.concatenate([[before], middle, [after]]),
        y=[0, 1],
        z=level[None, :],
        zmin=-0.5,
        zmax=2.5,
        colorscale=scale,
        showscale=False,
        name="Coverage",
        text=[words],
        hovertemplate="%{text}<extra></extra>",
    )


def _coverage_words(state: str, quality: float) -> str:
    return COVERAGE_LABELS[state] if quality != quality else f"{COVERAGE_LABELS[state]} (quality {quality:.2f})"


def _coverage_key(state: str, colours: Palette) -> go.Scatter:
    """A legend entry for one state of the coverage strip."""
    fill = {"gap": colours.gap, "low": colours.low, "face": colours.good}[state]
    return go.Scatter(
        x=[None],
        y=[None],
        mode="markers",
        marker={"symbol": "square", "size": 11, "color": fill, "line": {"width": 1, "color": colours.muted}},
        name=COVERAGE_LABELS[state],
        legend="legend2",
        hoverinfo="skip",
    )


def _span(frames: pd.DataFrame) -> list[float]:
    """First and last time, half a sampling step wider on both sides."""
    time = frames["time_s"].to_numpy(dtype=float)
    if not len(time):
        return [0.0, 1.0]
    half = float(time[1] - time[0]) / 2 if len(time) > 1 else 0.5
    return [float(time[0]) - half, float(time[-1]) + half]


def _axis_range(frames: pd.DataFrame) -> list[float]:
    """First and last sampled time with a little air."""
    first, last = _span(frames)
    if len(frames) < 2:
        return [first, last]
    time = frames["time_s"].to_numpy(dtype=float)
    air = 0.005 * float(time[-1] - time[0])
    return [float(time[0]) - air, float(time[-1]) + air]


def _clock_ticks(time: npt.NDArray[np.float64], at_most: int = 9) -> list[float]:
    """Round times for the axis: at most `at_most` of them, at whole 1, 2, 5, 10, 15, 30 seconds or minutes."""
    if not len(time):
        return []
    length = max(float(time[-1] - min(time[0], 0.0)), 1.0)
    steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600]
    step = next((s for s in steps if length / s <= at_most), 7200)
    return [float(t) for t in np.arange(0, float(time[-1]) + 1e-9, step)]


# -------------------------------------------------------------------------------------------------- PHQ parts


def _estimate_colour(provenance: Provenance, colours: Palette) -> str:
    """Simulated estimates are grey: nothing about them should look like a finding."""
    return colours.muted if provenance is Provenance.SIMULATED else colours.accent


def _interval_bar(estimate: PhqEstimate, colour: str) -> go.Scatter:
    return go.Scatter(
        x=[estimate.low, estimate.high],
        y=[0, 0],
        mode="lines",
        line={"color": colour, "width": 10},
        opacity=0.45,
        name="Interval",
        hovertemplate=f"{estimate.level:.0%} interval: {estimate.low:.1f} to {estimate.high:.1f}<extra></extra>",
    )


def _point_mark(estimate: PhqEstimate, colour: str, colours: Palette) -> go.Scatter:
    return go.Scatter(
        x=[estimate.score],
        y=[0],
        mode="markers",
        marker={"size": 15, "color": colour, "line": {"width": 3, "color": colours.card}},
        name="Estimate",
        hovertemplate=f"Estimate: {estimate.score:.1f}<extra></extra>",
    )


def _estimate_trace(rows: pd.DataFrame, provenance: Provenance, colours: Palette) -> go.Scatter:
    simulated = provenance is Provenance.SIMULATED
    colour = _estimate_colour(provenance, colours)
    return go.Scatter(
        x=pd.to_datetime(rows["recorded_at"]),
        y=rows["phq_score"],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": rows["phq_high"] - rows["phq_score"],
            "arrayminus": rows["phq_score"] - rows["phq_low"],
            "color": colour,
            "thickness": 1.5,
            "width": 5,
        },
        mode="markers",
        marker={
            "size": 9,
            "symbol": "circle-open" if simulated else "circle",
            "color": colour,
            "line": {"width": 2, "color": colour},
        },
        name="Model estimate (demonstration only)" if simulated else "Model estimate with interval",
        customdata=np.stack([rows["phq_low"], rows["phq_high"]], axis=1),
        hovertemplate="%{x|%d %b %Y}<br>%{y:.1f} (%{customdata[0]:.1f} to %{customdata[1]:.1f})"
        "<extra>%{fullData.name}</extra>",
    )


def _questionnaire_trace(rows: pd.DataFrame, scale: Scale, colours: Palette) -> go.Scatter:
    return go.Scatter(
        x=pd.to_datetime(rows["answered_at"]),
        y=rows["total"],
        mode="lines+markers",
        line={"color": colours.ink, "width": 1.5, "dash": "solid" if scale is Scale.PHQ9 else "dot"},
        marker={"size": 10, "symbol": "diamond" if scale is Scale.PHQ9 else "square", "color": colours.ink},
        name=f"{scale} questionnaire",
        customdata=[f"<br>{words}" if words else "" for words in rows["words"]],
        hovertemplate=f"%{{x|%d %b %Y}}<br>%{{y}} points on {scale}%{{customdata}}<extra></extra>",
        hoverlabel={"align": "left"},
    )


def _change_trace(rows: pd.DataFrame, change: str, colours: Palette) -> go.Scatter:
    """Rings around questionnaires, told apart by their form: thin, or thick and larger. Last in the legend."""
    reliable = change == "reliable"
    return go.Scatter(
        x=pd.to_datetime(rows["answered_at"]),
        y=rows["total"],
        mode="markers",
        marker={
            "size": 24 if reliable else 20,
            "symbol": "circle",
            "color": "rgba(0,0,0,0)",
            "line": {"width": 3.5 if reliable else 1.25, "color": colours.ink},
        },
        name=CHANGE_LABELS[change],
        legendrank=2000,
        hoverinfo="skip",
    )


def _scales(trend: pd.DataFrame, questionnaires: pd.DataFrame) -> Sequence[str]:
    return [str(s) for s in [*trend["phq_scale"].dropna().unique(), *questionnaires["scale"].dropna().unique()]]


# ------------------------------------------------------------------------------------------------ shared parts


def _reference_marks(rows: pd.DataFrame, colours: Palette, label: str) -> go.Scatter:
    return go.Scatter(
        x=rows["reference"],
        y=[name.capitalize() for name in rows.index],
        mode="markers",
        marker={"symbol": "line-ns", "size": 16, "line": {"width": 2.5, "color": colours.ink}},
        name=label,
        hovertemplate=f"{label}: %{{x:.1%}}<extra></extra>",
    )


def _bar_width_ms(dates: pd.Series, span: Span | None) -> float:
    """Bar width in milliseconds: most of the smallest distance, at most a week, never thinner than 1/60 of the axis."""
    days = np.sort((dates - dates.min()).dt.total_seconds().to_numpy() / 86_400) if len(dates) else np.zeros(1)
    closest = float(np.diff(days).min()) if len(days) > 1 else 2.0
    axis = (span[1] - span[0]).total_seconds() / 86_400 if span is not None else 1.0
    return 86_400_000.0 * max(min(closest * 0.7, 7.0), axis / 60)


def date_span(*dates: pd.Series) -> Span | None:
    """First and last of the dates with air at both ends, a week around a single one; None without any."""
    known = pd.concat([pd.to_datetime(series) for series in dates if len(series)]) if any(map(len, dates)) else None
    if known is None:
        return None
    first, last = known.min(), known.max()
    air = max((last - first) * 0.06, pd.Timedelta(days=4))
    return first - air, last + air


def _date_axis(span: Span | None) -> dict[str, Any]:
    axis: dict[str, Any] = {"title_text": "Date", "type": "date", "showgrid": False, "tickformat": "%-d %b\n%Y"}
    if span is None:
        return axis
    days = (span[1] - span[0]) / pd.Timedelta(days=1)
    step = next((s for s in (1, 2, 7, 14, 28, 91, 182, 364) if days / s <= 9), 728)
    # A fixed Monday as origin: charts one below the other get the same ticks.
    return axis | {"range": list(span), "tick0": "2000-01-03", "dtick": step * 86_400_000.0}


def _font(colours: Palette, size: int, *, muted: bool = False) -> dict[str, Any]:
    return {"family": FONT_FAMILY, "size": size, "color": colours.muted if muted else colours.ink}


def _legend(colours: Palette, *, y: float) -> dict[str, Any]:
    return {
        "orientation": "h",
        "x": 0,
        "xanchor": "left",
        "y": y,
        "yanchor": "bottom" if y > 0 else "top",
        "font": _font(colours, 12),
        "bgcolor": "rgba(0,0,0,0)",
        "traceorder": "normal",
        "itemwidth": 30,
    }


def _style(figure: go.Figure, colours: Palette, *, height: int, revision: str = "fixed") -> None:
    figure.update_layout(
        height=height,
        template="none",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font=_font(colours, 12),
        legend=_legend(colours, y=1.02),
        hoverlabel={"bgcolor": colours.card, "bordercolor": colours.line, "font": _font(colours, 12)},
        uirevision=revision,
        dragmode="zoom",
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": colours.muted, "activecolor": colours.accent},
    )
    axis = {
        "gridcolor": colours.line,
        "zeroline": False,
        "linecolor": colours.line,
        "tickfont": _font(colours, 11, muted=True),
        "title_font": _font(colours, 12, muted=True),
        "title_standoff": 10,
        "automargin": True,
    }
    figure.update_xaxes(**axis, showline=True, showspikes=False)
    figure.update_yaxes(**axis)
