"""Why lines over a person's sessions are broken: the reasons that there are in the sessions on show, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from fer_phq.core.phq import Modality
from fer_phq.features.measures import BEHAVIOUR, BY_NAME, RATE
from fer_phq.longitudinal.periods import longest_step_days, rate_runs
from service.views.speech.voices import TURN_NAMES, VOICE_NAMES, WORD_NAMES, telling_runs
from service.views.trends import BEHAVIOUR_NAMES, LOOKING_NAMES, gaze_runs

OF_THE_FACE = frozenset({Modality.FACE, BEHAVIOUR})


@dataclass(frozen=True)
class Unmeasured:
    """A session in the midst of a line that has no value.

    Attributes:
        at: When it was recorded.
        coverage: How much of it the face was seen, 0 to 1, where a measure of the face is missing; None otherwise.
    """

    at: datetime
    coverage: float | None


@dataclass(frozen=True)
class LineBreaks:
    """Why the lines of some measures are broken.

    Attributes:
        gaps: The sessions before and after each gap in time.
        models: The first sessions of another model than the one before.
        rates: The first sessions in which the face was looked at more or less often a second.
        gazes: The first sessions whose looks are of the gaze where they were of the head, or the reverse.
        voices: The first sessions whose subject's voice was found in another way, or is everybody's.
        words: The first sessions whose words were recognised where they were given, or the reverse, or whose subject
            was found in another way among those whose words were recognised.
        turns: The first sessions whose turns, or whose subject among the speakers, were told in another way.
        unmeasured: Sessions without one of the measures between two that have it.
    """

    gaps: tuple[tuple[datetime, datetime], ...]
    models: tuple[datetime, ...]
    rates: tuple[datetime, ...]
    gazes: tuple[datetime, ...]
    voices: tuple[datetime, ...]
    words: tuple[datetime, ...]
    turns: tuple[datetime, ...]
    unmeasured: tuple[Unmeasured, ...]


def line_breaks(trend: pd.DataFrame, names: Sequence[str]) -> LineBreaks:
    """Find why the lines of these measures are broken, between the first and the last session that has a measure.

    Args:
        trend: Rows of `Store.trends.load`, `recorded_at` ascending.
        names: The measures on show.
    """
    times = [timestamp.to_pydatetime() for timestamp in trend["recorded_at"]]
    longest = timedelta(days=longest_step_days(times))
    rows = {name: trend[name].notna().to_numpy().nonzero()[0].tolist() for name in names}
    joined = _joined(rows.values())
    of_behaviour = _joined(rows[name] for name in names if name in BEHAVIOUR_NAMES)
    of_looks = _joined(rows[name] for name in names if name in LOOKING_NAMES)
    return LineBreaks(
        tuple((times[row - 1], times[row]) for row in joined if times[row] - times[row - 1] > longest),
        _changes(times, list(trend["model_id"]), joined),
        _changes(times, rate_runs(trend[RATE].tolist()).tolist(), of_behaviour),
        _changes(times, gaze_runs(trend), of_looks),
        _telling_changes(trend, times, {name: rows[name] for name in names if name in VOICE_NAMES}),
        _telling_changes(trend, times, {name: rows[name] for name in names if name in WORD_NAMES}),
        _telling_changes(trend, times, {name: rows[name] for name in names if name in TURN_NAMES}),
        _unmeasured(trend, times, rows),
    )


def _joined(measured: Iterable[Sequence[int]]) -> list[int]:
    """List the rows that a line reaches from the row before, where it is not broken."""
    return sorted({row for rows in measured if rows for row in range(rows[0] + 1, rows[-1] + 1)})


def _changes(times: Sequence[datetime], values: Sequence[object], joined: Sequence[int]) -> tuple[datetime, ...]:
    return tuple(times[row] for row in joined if values[row] != values[row - 1])


def _telling_changes(
    trend: pd.DataFrame, times: Sequence[datetime], measured: Mapping[str, Sequence[int]]
) -> tuple[datetime, ...]:
    """List when the line of any of these measures breaks because a voice, or who speaks, was told in another way."""
    changes = {
        at for name, rows in measured.items() for at in _changes(times, telling_runs(trend, name), _joined([rows]))
    }
    return tuple(sorted(changes))


def _unmeasured(
    trend: pd.DataFrame, times: Sequence[datetime], measured: Mapping[str, Sequence[int]]
) -> tuple[Unmeasured, ...]:
    of_face: dict[int, bool] = {}
    for name, rows in measured.items():
        for row in sorted(set(_joined([rows])) - set(rows)):
            of_face[row] = of_face.get(row, False) or BY_NAME[name].modality in OF_THE_FACE
    coverage = trend["coverage"].tolist()
    return tuple(Unmeasured(times[row], coverage[row] if of_face[row] else None) for row in sorted(of_face))
