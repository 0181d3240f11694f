"""The voice along a recording: how much speech, how loud, how high."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.session.rows import Row, position_markers, strip_axis, strokes
from dashboard.i18n import _
from dashboard.i18n.numbers import percent_writer
from dashboard.theme.palette import Palette


def voice_rows(voice: pd.DataFrame | None, colours: Palette) -> list[Row]:
    """Build the rows of speech, loudness and pitch, one below the other.

    Args:
        voice: As in `Tracks`.
        colours: The palette.

    Returns:
        Three rows; none without a voice.
    """
    if voice is None or not len(voice):
        return []
    x = voice["time_s"]
    speech = go.Scatter(
        x=x, y=voice["speech"], mode="lines", line={"width": 1, "color": colours.accent}, fill="tozeroy",
        fillcolor=colours.accent_soft, hoverinfo="skip", name="Speech", showlegend=False,
    )  # fmt: skip
    speech_texts = _each(voice["speech"], _("Speech in {value} of the time"), percent_writer(), _("Not measured"))
    loud = _each(voice["loudness_db"], _("Loudness {value} dB"), "{:.0f}".format, _("Not measured"))
    pitch = _each(voice["pitch_hz"], _("Pitch {value} Hz"), "{:.0f}".format, _("No voice"))
    at_level = _inside(voice, "loudness_db")
    at_pitch = _inside(voice, "pitch_hz")
    return [
        Row("Speech", 26, [speech, position_markers(x, 0.5, speech_texts)], strip_axis(_("Speech"))),
        Row(
            "Loudness",
            62,
            [*_curve(voice, "loudness_db", "Loudness", colours, joined=True), position_markers(x, at_level, loud)],
            {"title": _("Loudness<br>(dB)"), "nticks": 4, "fixedrange": True},
        ),
        Row(
            "Pitch",
            62,
            [*_curve(voice, "pitch_hz", "Pitch", colours, joined=False), position_markers(x, at_pitch, pitch)],
            {"title": _("Pitch<br>(Hz)"), "nticks": 4, "fixedrange": True},
        ),
    ]


def _each(values: pd.Series, words: str, write: Callable[[float], str], nothing: str) -> list[str]:
    """Write what is said of each value, and of those that are NaN."""
    return [words.format(value=write(value)) if value == value else nothing for value in values]


def _curve(voice: pd.DataFrame, column: str, name: str, colours: Palette, *, joined: bool) -> list[go.Scatter]:
    """Build a band from the lowest to the highest of each row, and where the values are joined the mean as a line."""
    low = voice[f"{column}_low"]
    high = voice[f"{column}_high"]
    spread = 0.012 * float(np.nanmax(high) - np.nanmin(low)) if high.notna().any() else 0.0
    reach = go.Scatter(
        **strokes(voice["time_s"], low, high, spread), mode="lines",
        line={"width": 1.5 if joined else 2, "color": colours.accent}, opacity=0.35 if joined else 0.9,
        hoverinfo="skip", name=name, showlegend=False,
    )  # fmt: skip
    if not joined:
        return [reach]
    line = go.Scatter(
        x=voice["time_s"], y=voice[column], mode="lines", line={"width": 1.2, "color": colours.accent},
        connectgaps=False, hoverinfo="skip", name=f"{name}, mean", showlegend=False,
    )  # fmt: skip
    return [reach, line]


def _inside(voice: pd.DataFrame, column: str) -> float:
    """Return a height inside of a row's axis, at which its points may lie without widening it."""
    measured = voice[column].dropna()
    return float(measured.iloc[0]) if len(measured) else 0.0
