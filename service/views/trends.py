"""What the pages draw of measures over sessions: tidy frames from the store's, with the statistics in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd

from fer_phq.core.phq import Scale
from fer_phq.features.measures import BY_NAME, SHARES, Measure
from fer_phq.longitudinal.periods import PeriodComparison, compare_periods, longest_step_days, session_runs

Days = tuple[date, date]
"""First and last day of a period, both within it."""

SCORES: Mapping[str, Measure] = {
    str(scale): Measure(
        str(scale), f"{scale} questionnaire", "points", None, "total", f"Total of a completed {scale}.", "the person"
    )
    for scale in Scale
}
"""Questionnaires' totals, described like measures."""

EMOTION_NAMES = frozenset(share.name for share in SHARES)


def measured_names(table: pd.DataFrame) -> list[str]:
    """The measures and shares that at least one row of a trend or cohort table has, in the catalogue's order."""
    return [name for name in BY_NAME if name in table and table[name].notna().any()]


def with_segments(trend: pd.DataFrame) -> pd.DataFrame:
    """A trend (`recorded_at` ascending, `model_id`) with the column `segment`, of `session_runs`."""
    times = [timestamp.to_pydatetime() for timestamp in trend["recorded_at"]]
    return trend.assign(segment=session_runs(times, list(trend["model_id"])))


def with_breaks(answers: pd.DataFrame) -> pd.DataFrame:
    """Questionnaires (`answered_at` ascending, `scale`) with the column `segment`, counted within each scale."""
    out = answers.assign(segment=np.zeros(len(answers), np.int64))
    for _, rows in answers.groupby("scale"):
        times = [timestamp.to_pydatetime() for timestamp in rows["answered_at"]]
        out.loc[rows.index, "segment"] = session_runs(times, [None] * len(times))
    return out


def gap_days(trend: pd.DataFrame) -> int:
    """Days between two sessions beyond which a line is broken."""
    return round(longest_step_days([timestamp.to_pydatetime() for timestamp in trend["recorded_at"]]))


def series(trend: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """One row a session and measure: session_id, recorded_at, segment, measure, value (NaN where not measured)."""
    table = pd.DataFrame(with_segments(trend), columns=["session_id", "recorded_at", "segment", *names])
    return table.melt(["session_id", "recorded_at", "segment"], names, "measure", "value")


def with_scores(trend: pd.DataFrame, answers: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Measures and questionnaires as one list: columns at, measure, value."""
    values = pd.DataFrame(trend, columns=["recorded_at", *names]).melt("recorded_at", names, "measure", "value")
    scores = answers.rename(columns={"answered_at": "at", "scale": "measure", "total": "value"})
    return pd.concat(
        [values.rename(columns={"recorded_at": "at"}), scores[["at", "measure", "value"]].astype({"value": "float64"})],
        ignore_index=True,
    )


def in_periods(values: pd.DataFrame, first: Days, second: Days) -> pd.DataFrame:
    """The rows of `with_scores` that were measured and lie in a period, with the column `period`: 'first', 'second'.

    A day that lies in both counts for both.
    """
    day = values["at"].dt.date
    parts = [
        values[(day >= start) & (day <= end) & values["value"].notna()].assign(period=name)
        for name, (start, end) in (("first", first), ("second", second))
    ]
    inside: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return inside


def compared(points: pd.DataFrame) -> dict[str, PeriodComparison]:
    """By measure, how the two periods of `in_periods` compare; those that neither period has are left out."""
    by_measure = {}
    for name in (*SCORES, *BY_NAME):
        rows = points[points["measure"] == name]
        if len(rows):
            before, after = (rows.loc[rows["period"] == period, "value"].to_numpy() for period in ("first", "second"))
            by_measure[name] = compare_periods(before, after)
    return by_measure


def models_in(trend: pd.DataFrame, first: Days, second: Days) -> int:
    """How many models measured the sessions of two periods."""
    day = trend["recorded_at"].dt.date
    inside = ((day >= first[0]) & (day <= first[1])) | ((day >= second[0]) & (day <= second[1]))
    return int(trend.loc[inside, "model_id"].nunique())


def halves(days: Sequence[date]) -> tuple[Days, Days]:
    """Two periods to begin with: the earlier and the later half of the days with sessions. `days` is not empty."""
    dates = sorted(set(days))
    middle = max(len(dates) // 2, 1)
    early = dates[:middle]
    late = dates[middle:] or dates[-1:]
    return (early[0], early[-1]), (late[0], late[-1])
