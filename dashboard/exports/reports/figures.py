"""Charts for paper: a tidy frame in, a Matplotlib figure out, in the palette of the light mode.

They show what the charts of the pages show (`dashboard.charts`) where no pointer can ask for more. Figures are made
without pyplot, so drawing needs no display and leaves no global state.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from dashboard.charts import COVERAGE_LABELS, COVERAGE_STATES, broken, clock, with_gap_edges
from dashboard.charts.session.behaviour import ANGLES
from dashboard.i18n import _, dates
from dashboard.i18n.numbers import percent
from dashboard.theme.palette import LIGHT
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.phq import BAND_STARTS, PhqEstimate, Provenance, Scale

WIDTH = 7.1
"""Inches: the text's width on a sheet of A4."""
STATE_COLOURS = {"gap": LIGHT.gap, "low": LIGHT.low, "face": LIGHT.good}


def timeline_figure(frames: pd.DataFrame) -> Figure:
    """Draw stacked emotion probabilities over the recording, gaps left white, above the coverage strip.

    `frames`: as `dashboard.charts.emotion_timeline` takes them, one row or more.
    """
    figure = _figure(3.0)
    top, strip = figure.subplots(2, 1, sharex=True, height_ratios=[12, 1])
    time, values, has_face = with_gap_edges(frames)
    if len(time) == 1:  # an area needs two ends
        time = np.array([time[0], time[0] + 0.5])
        values = np.repeat(values, 2, axis=0)
        has_face = np.repeat(has_face, 2)
    upper = np.cumsum(np.where(has_face[:, None], values, 0.0), axis=1)
    lower = np.hstack([np.zeros((len(time), 1)), upper[:, :-1]])
    for i, name in enumerate(EMOTIONS):
        top.fill_between(
            time,
            lower[:, i],
            upper[:, i],
            where=list(has_face),
            color=LIGHT.emotions[i],
            linewidth=0,
            label=_(name.capitalize()),
        )
    top.set(ylabel=_("Probability"), ylim=(0, 1))
    top.yaxis.set_major_formatter(PercentFormatter(1))
    figure.legend(
        *top.get_legend_handles_labels(), loc="outside upper center", ncols=7, frameon=False, fontsize=7, handlelength=1
    )
    _strip(strip, frames)
    first = float(frames["time_s"].iloc[0])
    last = float(frames["time_s"].iloc[-1])
    strip.set(xlim=(first, max(last, first + 0.5)), xlabel=_("Time in the recording (min:s)"))
    strip.xaxis.set_major_locator(MaxNLocator(9, steps=[1, 1.5, 3, 6, 10]))
    strip.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _position: clock(seconds)))
    _quiet(top, strip)
    strip.spines[:].set_visible(False)
    return figure


def _strip(axes: Axes, frames: pd.DataFrame) -> None:
    """Draw where the face was found."""
    edges = np.append(frames["from_s"], frames["to_s"].iloc[-1])
    level = frames["state"].map({state: i for i, state in enumerate(COVERAGE_STATES)}).to_numpy(dtype=float)
    colours = ListedColormap([STATE_COLOURS[state] for state in COVERAGE_STATES])
    axes.pcolormesh(edges, [0, 1], level[None, :], cmap=colours, vmin=-0.5, vmax=2.5, rasterized=True)
    for state in COVERAGE_STATES:
        axes.plot([], [], "s", color=STATE_COLOURS[state], markeredgecolor=LIGHT.muted, label=_(COVERAGE_LABELS[state]))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -3.0), ncols=3, frameon=False, fontsize=7)
    axes.set_yticks([])


def behaviour_figure(curves: pd.DataFrame, blinks: pd.DataFrame) -> Figure:
    """Draw head pose, the lids with a stroke for each blink, and the smile over the recording.

    Args:
        curves: As `dashboard.charts.session.behaviour.behaviour_rows` takes them, one row or more.
        blinks: As there.
    """
    figure = _figure(3.0)
    head, eyes, smile = figure.subplots(3, 1, sharex=True, height_ratios=[3, 2, 1.4])
    time_s = curves["time_s"].to_numpy(dtype=float)
    colours = {"pitch": LIGHT.accent, "yaw": LIGHT.ink, "roll": LIGHT.muted}
    for name, (label, dash) in ANGLES.items():
        style = {"solid": "-", "dash": "--", "dot": ":"}[dash]
        head.plot(time_s, curves[name], style, color=colours[name], linewidth=0.9, label=_(label))
    head.set(ylabel=_("Head (degrees)"))
    figure.legend(*head.get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False, fontsize=7)
    for axes, name in ((eyes, "eyes"), (smile, "smile")):
        low, high = (curves[f"{name}_{end}"].to_numpy(dtype=float) for end in ("low", "high"))
        axes.fill_between(time_s, low, high, color=LIGHT.accent, alpha=0.25, linewidth=0)
        axes.plot(time_s, curves[name], color=LIGHT.accent, linewidth=0.8)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    top = max(0.3, float(curves["eyes_high"].max())) if curves["eyes_high"].notna().any() else 0.3
    eyes.vlines(
        blinks.loc[blinks["kind"] == "blink", "closed_s"], 1.04 * top, 1.16 * top, color=LIGHT.ink, linewidth=0.7
    )
    eyes.set(ylabel=_("Eyes open"), ylim=(0, 1.2 * top))
    smile.set(ylabel=_("Smile"), ylim=(0, 1), xlabel=_("Time in the recording (min:s)"))
    smile.set_xlim(float(time_s[0]), max(float(time_s[-1]), float(time_s[0]) + 0.5))
    smile.xaxis.set_major_locator(MaxNLocator(9, steps=[1, 1.5, 3, 6, 10]))
    smile.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _position: clock(seconds)))
    _quiet(head, eyes, smile)
    return figure


def shares_figure(values: pd.DataFrame) -> Figure:
    """Draw the mean probability of each emotion. `values`: `emotion`, `value` (0 to 1)."""
    figure = _figure(1.9)
    axes = figure.subplots()
    rows = values.set_index("emotion").reindex(EMOTIONS[::-1])
    bars = axes.barh([_(name.capitalize()) for name in rows.index], rows["value"], height=0.62)
    for bar, name in zip(bars, rows.index, strict=True):
        bar.set_color(LIGHT.emotion(name))
    axes.bar_label(bars, [percent(value) for value in rows["value"]], padding=3, fontsize=7)
    axes.set(xlim=(0, 1.02), xlabel=_("Mean probability over the time with a face"))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    _quiet(axes)
    return figure


def estimate_figure(estimate: PhqEstimate) -> Figure:
    """Draw an estimate with its interval over the severity bands of its scale."""
    figure = _figure(0.95)
    axes = figure.subplots()
    starts = [start for start, _band in BAND_STARTS]
    for (start, band), end in zip(BAND_STARTS, [*starts[1:], estimate.scale.maximum], strict=True):
        axes.axvspan(start, end, color=LIGHT.inset, linewidth=0)
        axes.axvline(start, color="white", linewidth=1.5)
        axes.text(
            (start + end) / 2,
            1.35,
            _(str(band)),
            ha="center",
            va="center",
            fontsize=6.5,
            color=LIGHT.muted,
        )
    colour = _colour(estimate.provenance)
    axes.plot([estimate.low, estimate.high], [0, 0], color=colour, alpha=0.45, linewidth=6, solid_capstyle="butt")
    axes.plot([estimate.score], [0], "o", color=colour, markersize=8, markeredgecolor="white", markeredgewidth=1.5)
    axes.set(
        xlim=(-0.3, estimate.scale.maximum + 0.3),
        ylim=(-1, 2),
        xlabel=_("{scale} total").format(scale=estimate.scale),
        yticks=[],
    )
    axes.set_xticks([*starts, estimate.scale.maximum])
    _quiet(axes)
    axes.spines[:].set_visible(False)
    return figure


def emotion_trend_figure(trend: pd.DataFrame) -> Figure:
    """Draw stacked emotion shares, a bar for each session in their order; below each bar its date.

    `trend`: `recorded_at` (datetimes, ascending) and the seven emotions (0 to 1; NaN where a session has none).
    """
    figure = _figure(2.4)
    axes = figure.subplots()
    positions = np.arange(len(trend))
    bottom = np.zeros(len(trend))
    for i, name in enumerate(EMOTIONS):
        height = trend[name].fillna(0).to_numpy(dtype=float)
        axes.bar(positions, height, 0.7, bottom=bottom, color=LIGHT.emotions[i], label=_(name.capitalize()))
        bottom += height
    tick_positions = positions[:: max(1, len(positions) // 12)]
    axes.set_xticks(tick_positions, [_short_day(trend["recorded_at"].iloc[i]) for i in tick_positions], fontsize=7)
    axes.set(ylabel=_("Share of the session"), ylim=(0, 1), xlim=(-0.6, max(len(trend), 1) - 0.4))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    figure.legend(
        *axes.get_legend_handles_labels(),
        loc="outside upper center",
        ncols=7,
        frameon=False,
        fontsize=7,
        handlelength=1,
    )
    _quiet(axes)
    return figure


def phq_trend_figure(trend: pd.DataFrame, questionnaires: pd.DataFrame) -> Figure:
    """Draw PHQ estimates with their intervals and questionnaire scores over dates, on one axis.

    Estimates are not joined by lines.

    Args:
        trend: Columns as `dashboard.charts.phq_trend` takes them.
        questionnaires: Columns as `dashboard.charts.phq_trend` takes them.
    """
    figure = _figure(2.8)
    axes = figure.subplots()
    scales = {*trend["phq_scale"].dropna().astype(str), *questionnaires["scale"].dropna().astype(str)}
    top = max([Scale.PHQ8.maximum, *(Scale(scale).maximum for scale in scales)])
    for start, band in BAND_STARTS:
        axes.axhline(start, color=LIGHT.line, linewidth=0.8, zorder=0)
        axes.text(
            1.01,
            start,
            _(str(band)),
            transform=axes.get_yaxis_transform(),
            fontsize=6.5,
            color=LIGHT.muted,
            va="bottom",
        )
    for provenance in (Provenance.CLINICAL, Provenance.SIMULATED):
        rows = trend[(trend["phq_provenance"] == str(provenance)) & trend["phq_score"].notna()]
        if len(rows):
            _estimates(axes, rows, provenance)
    for scale, marker in ((Scale.PHQ8, "s"), (Scale.PHQ9, "D")):
        rows = broken(questionnaires[questionnaires["scale"].astype(str) == str(scale)])
        if len(rows):
            axes.plot(
                pd.to_datetime(rows["answered_at"]),
                rows["total"],
                f"-{marker}",
                color=LIGHT.ink,
                markersize=4.5,
                linewidth=1,
                label=_("{scale} questionnaire").format(scale=scale),
            )
    axes.set(ylabel=_("PHQ total"), ylim=(-0.6, top + 0.6), yticks=[0, 5, 10, 15, 20, top])
    figure.autofmt_xdate(rotation=0, ha="center")
    if axes.get_legend_handles_labels()[0]:
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False, fontsize=7)
    _quiet(axes)
    return figure


def _estimates(axes: Axes, rows: pd.DataFrame, provenance: Provenance) -> None:
    simulated = provenance is Provenance.SIMULATED
    score = rows["phq_score"].to_numpy(dtype=float)
    distances = np.stack([score - rows["phq_low"], rows["phq_high"] - score])
    axes.errorbar(
        pd.to_datetime(rows["recorded_at"]).to_numpy(), score, yerr=distances, fmt="o", color=_colour(provenance),
        markerfacecolor="white" if simulated else _colour(provenance), markersize=5, elinewidth=1, capsize=2.5,
        label=_("Model estimate (demonstration only)") if simulated else _("Model estimate with interval"),
    )  # fmt: skip


def _short_day(at: object) -> str:
    """Write a date below a bar: the year on a line of its own."""
    timestamp = pd.Timestamp(at)  # type: ignore[arg-type]
    return f"{dates.day_and_month(timestamp)}\n{timestamp.year}"


def _colour(provenance: Provenance) -> str:
    return LIGHT.muted if provenance is Provenance.SIMULATED else LIGHT.accent


def _figure(height: float) -> Figure:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _quiet(*every: Axes) -> None:
    """Style axes so that they do not stand out above what they hold."""
    for axes in every:
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(LIGHT.line)
        axes.tick_params(labelsize=7, labelcolor=LIGHT.muted, color=LIGHT.line)
        for label in (axes.xaxis.label, axes.yaxis.label):
            label.set(size=7.5, color=LIGHT.muted)
