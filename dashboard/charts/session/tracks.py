"""What runs beside the emotions along a recording: episodes, people, speech and notes, each a row of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.session.behaviour import behaviour_episode_row, behaviour_rows
from dashboard.charts.session.rows import Row, position_markers, span_bars, strip_axis
from dashboard.charts.session.voice import voice_rows
from dashboard.charts.style import clock
from dashboard.i18n import _, mark, n_
from dashboard.i18n.numbers import decimal, percent
from dashboard.theme.palette import Palette

OTHER_SPEAKERS = mark("Others")
LANES = 3
"""Speakers that have a lane of their own; further ones share the last."""
_CUT = 240
_WRAP = 58


@dataclass(frozen=True, eq=False)
class Tracks:
    """What is drawn beside the emotions, on their time axis. None or no rows leaves a track out. Times are in seconds.

    Attributes:
        episodes: `emotion`, `onset_s`, `peak_s`, `offset_s`, `peak` (0 to 1).
        people: `person`, `first_s`, `last_s`, `frames`, of those who are not the subject.
        utterances: `start_s`, `end_s`, `speaker` (may be empty), `text`, `is_subject`.
        voice: `time_s`, `speech` (0 to 1), `loudness_db`, `pitch_hz`, and of the last two the lowest and highest as
            `..._low` and `..._high`.
        behaviour: What `behaviour_rows` draws.
        blinks: `onset_s`, `offset_s`, `closed_s`, `kind` ('blink' or 'closed').
        counts_blinks: Whether the rate is high enough for blinks.
        behaviour_episodes: `kind`, `onset_s`, `offset_s`.
        notes: `time_s`, `words`.
        raw: `time_s`, `emotion`, `low`, `high`: the values before smoothing.
        other: The frames of a second analysis.
        other_emotions: Which of its emotions are drawn.
        other_label: The name under which they are drawn.
    """

    episodes: pd.DataFrame | None = None
    people: pd.DataFrame | None = None
    utterances: pd.DataFrame | None = None
    voice: pd.DataFrame | None = None
    behaviour: pd.DataFrame | None = None
    blinks: pd.DataFrame | None = None
    counts_blinks: bool = True
    behaviour_episodes: pd.DataFrame | None = None
    notes: pd.DataFrame | None = None
    raw: pd.DataFrame | None = None
    other: pd.DataFrame | None = None
    other_emotions: tuple[str, ...] = ()
    other_label: str = ""


def rows_of(tracks: Tracks, grid: pd.DataFrame, colours: Palette) -> list[Row]:
    """Build the rows of those tracks that have something to show.

    Args:
        tracks: The tracks.
        grid: `time_s`, `from_s` and `to_s` at which a row can be clicked.
        colours: The palette.
    """
    rows = [
        _people(tracks.people, grid, colours),
        _utterances(tracks.utterances, grid, colours),
        behaviour_episode_row(tracks.behaviour_episodes, grid, colours),
        *behaviour_rows(tracks.behaviour, tracks.blinks, colours, counts_blinks=tracks.counts_blinks),
        *voice_rows(tracks.voice, colours),
    ]
    return [row for row in rows if row is not None]


def episode_row(episodes: pd.DataFrame | None, grid: pd.DataFrame, colours: Palette) -> Row | None:
    """Build the row of episodes: bars in the colours of their emotions, each at least as wide as a hairline.

    Args:
        episodes: As in `Tracks`.
        grid: `time_s`, `from_s` and `to_s` at which the row can be clicked.
        colours: The palette.

    Returns:
        The row; None without episodes.
    """
    if episodes is None or not len(episodes):
        return None
    template = _("{emotion}, {onset} to {offset}, {dwell} s, peak {peak}")
    words = [
        template.format(
            emotion=_(name.capitalize()),
            onset=clock(onset),
            offset=clock(offset),
            dwell=decimal(offset - onset),
            peak=percent(peak),
        )
        for name, onset, offset, peak in zip(
            episodes["emotion"], episodes["onset_s"], episodes["offset_s"], episodes["peak"], strict=True
        )
    ]
    fills = [colours.emotion(name) for name in episodes["emotion"]]
    bars = span_bars("Episodes", episodes["onset_s"], episodes["offset_s"], fills)
    hover_texts = _hover_texts(grid, episodes["onset_s"], episodes["offset_s"], words, _("No episode"))
    return Row("Episodes", 16, [bars, position_markers(grid["time_s"], 0.5, hover_texts)], strip_axis(_("Episodes")))


def note_marks(notes: pd.DataFrame, colours: Palette) -> go.Scatter:
    """Build a mark above the emotions for each note; `notes_near` puts its words under the pointer.

    Args:
        notes: As in `Tracks`.
        colours: The palette.
    """
    return go.Scatter(
        x=notes["time_s"],
        y=np.full(len(notes), 1.0),
        mode="markers",
        # It points down and stands off, so that no emotion's colour is behind it.
        marker={"symbol": "triangle-up", "angle": 180, "standoff": 8, "size": 12, "color": colours.accent},
        unselected={"marker": {"opacity": 1}},
        cliponaxis=False,
        hoverinfo="skip",
        name="Notes",
        showlegend=False,
    )


def notes_near(notes: pd.DataFrame | None, grid: pd.DataFrame) -> list[str]:
    """Write the notes within each row of the grid, as a further line of its words.

    Args:
        notes: As in `Tracks`.
        grid: `time_s`, `from_s` and `to_s` of each row.

    Returns:
        HTML for each row, empty where there is no note.
    """
    if notes is None or not len(notes):
        return [""] * len(grid)
    template = _("Note: {words}")
    marked = [template.format(words=_short(words)) for words in notes["words"]]
    hover_texts = _hover_texts(grid, notes["time_s"], notes["time_s"], marked, "")
    return [f"<br>{words}" if words else "" for words in hover_texts]


# ------------------------------------------------------------------------------------------------------------ the rows


def _people(people: pd.DataFrame | None, grid: pd.DataFrame, colours: Palette) -> Row | None:
    if people is None or not len(people):
        return None
    template = _("Person {person}, in {frames} frames from {first} to {last}")
    words = [
        template.format(person=person, frames=frames, first=clock(first), last=clock(last))
        for person, frames, first, last in zip(
            people["person"], people["frames"], people["first_s"], people["last_s"], strict=True
        )
    ]
    bars = span_bars("Other people", people["first_s"], people["last_s"], colours.muted)
    bars.opacity = 0.45
    hover_texts = _hover_texts(grid, people["first_s"], people["last_s"], words, _("Nobody else in view"))
    return Row(
        "Other people", 14, [bars, position_markers(grid["time_s"], 0.5, hover_texts)], strip_axis(_("Other people"))
    )


def _utterances(utterances: pd.DataFrame | None, grid: pd.DataFrame, colours: Palette) -> Row | None:
    if utterances is None or not len(utterances):
        return None
    names = speakers_of(utterances)
    lane = utterances["speaker"].map({name: i for i, name in enumerate(names)}).fillna(len(names) - 1)
    fills = np.where(utterances["is_subject"], colours.accent, colours.muted).tolist()
    base = (len(names) - 1 - lane).to_numpy(dtype=float) + 0.1
    bars = span_bars("Transcript", utterances["start_s"], utterances["end_s"], fills, height=0.8, base=base)
    words = [
        f"<b>{escape(speaker)}:</b> {_short(text)}" if speaker else _short(text)
        for speaker, text in zip(utterances["speaker"], utterances["text"], strict=True)
    ]
    hover_texts = _hover_texts(grid, utterances["start_s"], utterances["end_s"], words, _("Nobody speaks"))
    axis = strip_axis("", float(len(names))) | {
        "tickvals": [len(names) - 0.5 - i for i in range(len(names))],
        "ticktext": [escape(_label(name, last=i == LANES - 1)) for i, name in enumerate(names)],
    }
    return Row(
        "Transcript", 8 + 13 * len(names), [bars, position_markers(grid["time_s"], len(names) / 2, hover_texts)], axis
    )


def speakers_of(utterances: pd.DataFrame) -> list[str]:
    """Return the lanes from top to bottom: the subject first, then the others as they appear; many others share one."""
    order = utterances.sort_values("is_subject", ascending=False, kind="stable")["speaker"]
    names = list(dict.fromkeys(order))
    return names if len(names) <= LANES else [*names[: LANES - 1], OTHER_SPEAKERS]


def _label(name: str, *, last: bool) -> str:
    """Return a lane's name; only the last of all the lanes can be the one that several speakers share."""
    label = _(OTHER_SPEAKERS) if last and name == OTHER_SPEAKERS else name
    short = label if len(label) <= 13 else f"{label[:12]}…"
    return short or _("Transcript")


# --------------------------------------------------------------------------------------------------------------- words


def _hover_texts(grid: pd.DataFrame, start: pd.Series, end: pd.Series, words: Sequence[str], nothing: str) -> list[str]:
    """Join, for each row of the grid, the words of the spans that touch it, two at most."""
    begins = grid["from_s"].to_numpy(dtype=float)
    ends = grid["to_s"].to_numpy(dtype=float)
    texts: list[list[str]] = [[] for _ in range(len(grid))]
    for start_s, end_s, text in zip(start, end, words, strict=True):
        first = np.searchsorted(ends, start_s, "right")
        last = np.searchsorted(begins, max(end_s, start_s + 1e-9), "left")
        for row in range(int(first), int(last)):
            texts[row].append(text)
    return [_joined(some) if some else nothing for some in texts]


def _joined(some: Sequence[str]) -> str:
    further = [n_("and {n} more", "and {n} more", len(some) - 2)] if len(some) > 2 else []
    return "<br>".join([*some[:2], *further])


def _short(text: str) -> str:
    """Prepare a text for under the pointer: escaped, broken into lines, cut when it is long."""
    cut = text if len(text) <= _CUT else f"{text[:_CUT]}…"
    return "<br>".join(escape(line) for line in wrap(cut, _WRAP)) or ""
