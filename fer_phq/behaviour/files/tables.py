"""Tables of a behaviour series, of its blinks and of its episodes, as files, pages and the API have them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_phq.behaviour.blinks import Blink
from fer_phq.behaviour.columns import true_rate_hz
from fer_phq.behaviour.expression import rest_levels
from fer_phq.behaviour.measures import UNITS, BehaviourEpisode, behaviour_episodes, coverage
from fer_phq.behaviour.reasons import usable_measures
from fer_phq.core.feature_series import FeatureSeries

if TYPE_CHECKING:
    import pandas as pd

BLINK_COLUMNS = ("onset_s", "closed_s", "reopened_s", "offset_s", "complete")
EPISODE_COLUMNS = ("kind", "onset_s", "offset_s", "duration_s", "cut")
_DECIMALS = 4
_BLOCK_ROWS = 8192  # three hours at 30 frames/s take 200 MB as one table of numbers


def series_table(series: FeatureSeries, rows: slice = slice(None)) -> pd.DataFrame:
    """Return a behaviour series, or some of its rows, as a table, a row for each frame.

    Args:
        series: The series.
        rows: The rows; all when omitted.

    Returns:
        time_s and duration_s, then the series' columns, rounded to four decimals; NaN where something is missing.
    """
    import pandas as pd

    values = series.values[rows]
    unknown = np.full(len(values), np.nan)
    times = unknown if series.time_s is None else series.time_s[rows]
    durations = unknown if series.duration_s is None else series.duration_s[rows]
    table = pd.DataFrame(values.astype(np.float64).round(_DECIMALS), columns=list(series.names))
    table.insert(0, "time_s", times.round(6))
    table.insert(1, "duration_s", durations.round(6))
    return table


def series_blocks(series: FeatureSeries) -> Iterator[pd.DataFrame]:
    """Yield the parts of `series_table` one after another, so that a long one never lies in memory whole.

    Args:
        series: The series. Without rows it is one part, which has the columns' names.
    """
    for start in range(0, max(len(series), 1), _BLOCK_ROWS):
        yield series_table(series, slice(start, start + _BLOCK_ROWS))


def closure_table(closures: Sequence[Blink]) -> pd.DataFrame:
    """Return closures of the eyes as a table, a row each.

    Args:
        closures: Blinks and longer closures, in order of time.
    """
    import pandas as pd

    rows = [
        (
            round(closure.onset_s, _DECIMALS),
            round(closure.closed_s, _DECIMALS),
            round(closure.reopened_s, _DECIMALS),
            round(closure.offset_s, _DECIMALS),
            closure.complete,
        )
        for closure in closures
    ]
    return pd.DataFrame(rows, columns=list(BLINK_COLUMNS))


def episode_table(episodes: Sequence[BehaviourEpisode]) -> pd.DataFrame:
    """Return episodes of facial behaviour as a table, a row each.

    Args:
        episodes: Of `behaviour_episodes`.
    """
    import pandas as pd

    return pd.DataFrame([_episode_row(episode) for episode in episodes], columns=list(EPISODE_COLUMNS))


def _episode_row(episode: BehaviourEpisode) -> tuple[str, float, float, float, bool]:
    span = episode.span
    onset_s = round(span.onset_s, _DECIMALS)
    offset_s = round(span.offset_s, _DECIMALS)
    return episode.kind, onset_s, offset_s, round(span.duration_s, _DECIMALS), span.cut


def behaviour_document(series: FeatureSeries, recording_s: float, coverage_floor: float) -> dict[str, Any]:
    """Return what JSON says of a behaviour series: rate, coverage, face at rest, measures and episodes.

    A measure that pages do not show is null here, too, and `missing` says why.

    Args:
        series: The series.
        recording_s: The recording's duration in seconds.
        coverage_floor: Share of the recording that must be seen before something is measured, 0 to 1.
    """
    values, reasons = usable_measures(series, recording_s, coverage_floor)
    episodes = behaviour_episodes(series)
    return {
        "rate": round(true_rate_hz(series), 3),
        "coverage": round(coverage(series, recording_s), 4),
        "rest": {name: _rounded(level) for name, level in rest_levels(series).items()},
        "measures": {name: _rounded(values.get(name)) for name in UNITS},
        "missing": {name: str(reason) for name, reason in reasons.items()},
        "episodes": [dict(zip(EPISODE_COLUMNS, _episode_row(episode), strict=True)) for episode in episodes],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DECIMALS)
