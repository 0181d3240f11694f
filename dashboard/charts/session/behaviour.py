"""Facial behaviour along a recording: head pose and gaze, how far eyes and mouth are open, smiles, blinks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.session.rows import Row, position_markers, span_bars, strip_axis, strokes
from dashboard.i18n import _, mark, n_
from dashboard.i18n.numbers import decimal, percent_writer
from dashboard.theme.palette import Palette
from fer_phq.behaviour.measures import LOOKING_AWAY, LOOKING_DOWN, SMILE, STILL

ANGLES = {
    "pitch": (mark("Head up (pitch)"), "solid"),
    "yaw": (mark("Head to the person's left (yaw)"), "dash"),
    "roll": (mark("Head to the right shoulder (roll)"), "dot"),
}
"""What the angles of a head are called, and how their lines are drawn."""
GAZE_ANGLES = {
    "gaze_pitch": (mark("Gaze up"), "solid"),
    "gaze_yaw": (mark("Gaze to the person's left"), "dash"),
}
"""The same of the gaze."""
EPISODES = {
    STILL: mark("Head still"),
    SMILE: mark("Smile"),
    LOOKING_DOWN: mark("Looks down"),
    LOOKING_AWAY: mark("Looks away"),
}
"""What episodes of facial behaviour are called."""


def behaviour_rows(
    curves: pd.DataFrame | None, blinks: pd.DataFrame | None, colours: Palette, *, counts_blinks: bool = True
) -> list[Row]:
    """Build the rows of head pose, gaze, eyes, smile and mouth, one below the other.

    Args:
        curves: `time_s`, and of `pitch`, `yaw`, `roll`, `gaze_pitch`, `gaze_yaw` (degrees), `eyes`, `smile`, `mouth`
            (0 to 1) the mean with the lowest and highest as `..._low` and `..._high`. None or nothing but NaN draws no
            row.
        blinks: `onset_s`, `offset_s`, `closed_s`, `kind` ('blink' or 'closed').
        colours: The palette.
        counts_blinks: Whether the rate is high enough for blinks.
    """
    if curves is None or not len(curves) or not curves["pitch"].notna().any():
        return []
    rows = [_head(curves, colours)]
    if curves["gaze_pitch"].notna().any():
        rows.append(_gaze(curves, colours))
    if curves[["eyes", "mouth"]].notna().any(axis=None):  # hidden eyes leave their row empty, and the mouth's as it is
        rows += [
            _eyes(curves, blinks, colours, counts_blinks=counts_blinks),
            _share(curves, "smile", _("Smile"), _("Smile {value} above rest"), colours),
            _share(curves, "mouth", _("Mouth"), _("Mouth open by {value} of the eyes' distance"), colours),
        ]
    return rows


def behaviour_episode_row(episodes: pd.DataFrame | None, grid: pd.DataFrame, colours: Palette) -> Row | None:
    """Build the row of episodes of facial behaviour: a lane for each kind.

    Args:
        episodes: `kind` (of `EPISODES`), `onset_s`, `offset_s`.
        grid: `time_s`, `from_s` and `to_s` at which the row can be clicked.
        colours: The palette.

    Returns:
        The row; None without episodes.
    """
    if episodes is None or not len(episodes):
        return None
    traces: list[go.Scatter | go.Bar] = []
    fills = {
        SMILE: colours.emotion("happiness"), STILL: colours.muted,
        LOOKING_DOWN: colours.accent, LOOKING_AWAY: colours.warning,
    }  # fmt: skip
    present = [name for name in fills if (episodes["kind"] == name).any()]
    height = 1 / len(present)
    words = [""] * len(grid)
    for lane, name in enumerate(reversed(present)):
        fill = fills[name]
        mine = episodes[episodes["kind"] == name]
        base = lane * height
        traces.append(span_bars(_(EPISODES[name]), mine["onset_s"], mine["offset_s"], fill, height=height, base=base))
        key = go.Bar(x=[None], y=[None], marker={"color": fill}, name=_(EPISODES[name]), legend="legend2")
        traces.append(key)
        words = [
            "<br>".join(filter(None, (text, _(EPISODES[name]) if inside else "")))
            for text, inside in zip(words, _touched(mine, grid), strict=True)
        ]
    nothing = _("No episode of facial behaviour")
    markers = position_markers(grid["time_s"], 0.5, [text or nothing for text in words])
    return Row("Behaviour", 4 + 9 * len(present), [*traces, markers], strip_axis(_("Behaviour")))


def _touched(spans: pd.DataFrame, grid: pd.DataFrame) -> np.ndarray:
    """Return (rows of the grid,) whether any of the spans touches them."""
    begins = grid["from_s"].to_numpy(dtype=float)
    ends = grid["to_s"].to_numpy(dtype=float)
    change = np.zeros(len(grid) + 1, np.int64)
    for onset_s, offset_s in zip(spans["onset_s"], spans["offset_s"], strict=True):
        change[np.searchsorted(ends, onset_s, "right")] += 1
        change[np.searchsorted(begins, max(offset_s, onset_s + 1e-9), "left")] -= 1
    touched: np.ndarray = np.cumsum(change)[: len(grid)] > 0
    return touched


def _head(curves: pd.DataFrame, colours: Palette) -> Row:
    template = _("Pitch {pitch}°, yaw {yaw}°, roll {roll}°")
    words = [
        _("Head pose not known") if pitch != pitch
        else template.format(pitch=decimal(pitch, 0), yaw=decimal(yaw, 0), roll=decimal(roll, 0))
        for pitch, yaw, roll in zip(curves["pitch"], curves["yaw"], curves["roll"], strict=True)
    ]  # fmt: skip
    return Row("Head", 92, *_angles(curves, _("Head<br>(degrees)"), ANGLES, words, colours))


def _gaze(curves: pd.DataFrame, colours: Palette) -> Row:
    template = _("Gaze: pitch {pitch}°, yaw {yaw}°")
    words = [
        _("Gaze not known") if pitch != pitch else template.format(pitch=decimal(pitch, 0), yaw=decimal(yaw, 0))
        for pitch, yaw in zip(curves["gaze_pitch"], curves["gaze_yaw"], strict=True)
    ]
    return Row("Gaze", 70, *_angles(curves, _("Gaze<br>(degrees)"), GAZE_ANGLES, words, colours))


def _angles(
    curves: pd.DataFrame, title: str, angles: Mapping[str, tuple[str, str]], words: list[str], colours: Palette
) -> tuple[list[go.Scatter | go.Bar], dict[str, Any]]:
    """Build traces and axis of a row of angles, with what stands under the pointer."""
    traces: list[go.Scatter | go.Bar] = []
    for name, (label, dash) in angles.items():
        fill = _angle_colour(name, colours)
        traces += _band(curves, name, fill, _(label))
        line = {"width": 1.3, "color": fill, "dash": dash}
        traces.append(
            go.Scatter(
                x=curves["time_s"], y=curves[name], mode="lines", line=line, connectgaps=False, hoverinfo="skip",
                name=_(label), legend="legend2", showlegend=True,
            )
        )  # fmt: skip
    traces.append(position_markers(curves["time_s"], 0.0, words))
    ends = curves[[f"{name}_{end}" for name in angles for end in ("low", "high")]]
    reach = max(15.0, float(np.nanmax(np.abs(ends))))
    axis = {"title": title, "nticks": 5, "range": [-1.05 * reach, 1.05 * reach], "fixedrange": True}
    return traces, axis


def _angle_colour(name: str, colours: Palette) -> str:
    return {"pitch": colours.accent, "yaw": colours.ink, "roll": colours.muted}[name.removeprefix("gaze_")]


def _eyes(curves: pd.DataFrame, blinks: pd.DataFrame | None, colours: Palette, *, counts_blinks: bool) -> Row:
    top = max(0.4, 1.15 * float(curves["eyes_high"].max()))
    traces = [*_band(curves, "eyes", colours.accent, "Eyes"), _line(curves, "eyes", colours.accent, "Eyes")]
    words = ["" if value == value else _("Eyes not seen") for value in curves["eyes"]]
    write = percent_writer()
    if blinks is not None and len(blinks):
        traces += _blink_marks(blinks, top, colours)
    counts = _blinks_within(curves, blinks)
    words = [
        text or _eye_words(value, count, write(value), counts_blinks=counts_blinks)
        for text, value, count in zip(words, curves["eyes"], counts, strict=True)
    ]
    markers = position_markers(curves["time_s"], top / 2, words)
    axis = {"title": _("Eyes<br>open"), "nticks": 3, "tickformat": ".0%", "range": [0, top], "fixedrange": True}
    return Row("Eyes", 62, [*traces, markers], axis)


def _eye_words(value: float, blinks: int, share: str, *, counts_blinks: bool) -> str:
    words = _("Lids apart by {value} of the eye's width").format(value=share)
    if not counts_blinks or not blinks:
        return words
    count = n_("{n} blink", "{n} blinks", blinks)
    return f"{words}<br>{count}"


def _blinks_within(curves: pd.DataFrame, blinks: pd.DataFrame | None) -> list[int]:
    """Return how many blinks each row stands for."""
    if blinks is None or not len(blinks):
        return [0] * len(curves)
    time_s = curves["time_s"].to_numpy(dtype=float)
    edges = (time_s[1:] + time_s[:-1]) / 2
    at = blinks.loc[blinks["kind"] == "blink", "closed_s"].to_numpy(dtype=float)
    counts: list[int] = np.bincount(np.searchsorted(edges, at), minlength=len(curves)).tolist()
    return counts


def _blink_marks(blinks: pd.DataFrame, top: float, colours: Palette) -> list[go.Scatter]:
    """Build a short stroke for each blink and a bar for each longer closure, above the line."""
    short = blinks[blinks["kind"] == "blink"]
    longer = blinks[blinks["kind"] == "closed"]
    marks = [
        go.Scatter(
            **strokes(short["closed_s"], pd.Series(0.86 * top, short.index), pd.Series(0.99 * top, short.index), 0.0),
            mode="lines", line={"width": 1.4, "color": colours.ink}, hoverinfo="skip", name=_("Blink"),
            legend="legend2", showlegend=bool(len(short)),
        )
    ]  # fmt: skip
    if len(longer):
        blank = np.full(len(longer), np.nan)
        x = np.column_stack([longer["onset_s"], longer["offset_s"], blank]).ravel()
        y = np.where(np.isnan(x), np.nan, 0.93 * top)
        marks.append(
            go.Scatter(
                x=x, y=y, mode="lines", line={"width": 5, "color": colours.warning}, hoverinfo="skip",
                name=_("Eyes closed"), legend="legend2",
            )
        )  # fmt: skip
    return marks


def _share(curves: pd.DataFrame, name: str, title: str, words: str, colours: Palette) -> Row:
    """Build a row of a share from 0 on, as an area."""
    write = percent_writer()
    area = go.Scatter(
        x=curves["time_s"], y=curves[name].fillna(0.0), mode="lines", line={"width": 0}, fill="tozeroy",
        fillcolor=colours.accent_soft, hoverinfo="skip", name=title, showlegend=False,
    )  # fmt: skip
    line = _line(curves, name, colours.accent, title)
    texts = [words.format(value=write(value)) if value == value else _("Mouth not seen") for value in curves[name]]
    top = max(0.5, 1.05 * float(curves[f"{name}_high"].max()))
    axis = strip_axis(title, top)
    band = _band(curves, name, colours.accent, title)
    return Row(title, 30, [area, *band, line, position_markers(curves["time_s"], top / 2, texts)], axis)


def _line(curves: pd.DataFrame, name: str, colour: str, title: str) -> go.Scatter:
    return go.Scatter(
        x=curves["time_s"], y=curves[name], mode="lines", line={"width": 1.2, "color": colour}, connectgaps=False,
        hoverinfo="skip", name=title, showlegend=False,
    )  # fmt: skip


def _band(curves: pd.DataFrame, name: str, colour: str, title: str) -> list[Any]:
    """Build upright strokes from the lowest to the highest of the frames that a point stands for."""
    if (curves[f"{name}_low"] == curves[f"{name}_high"]).all():
        return []
    reach = strokes(curves["time_s"], curves[f"{name}_low"], curves[f"{name}_high"], 0.0)
    return [
        go.Scatter(
            **reach, mode="lines", line={"width": 1, "color": colour}, opacity=0.3, hoverinfo="skip", name=title,
            showlegend=False,
        )
    ]  # fmt: skip
