"""Tables of a behaviour series and of its blinks, as they are written to files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fer_phq.behaviour.blinks import Blink
from fer_phq.core.feature_series import FeatureSeries

if TYPE_CHECKING:
    import pandas as pd

BLINK_COLUMNS = ("onset_s", "closed_s", "reopened_s", "offset_s", "complete")
_DECIMALS = 4


def series_table(series: FeatureSeries) -> pd.DataFrame:
    """Return a behaviour series as a table, a row for each frame.

    Args:
        series: The series.

    Returns:
        time_s and duration_s, then the series' columns, rounded to four decimals; NaN where something is missing.
    """
    import pandas as pd

    times = series.time_s if series.time_s is not None else np.full(len(series), np.nan)
    durations = series.duration_s if series.duration_s is not None else np.full(len(series), np.nan)
    table = pd.DataFrame(series.values.astype(np.float64).round(_DECIMALS), columns=list(series.names))
    table.insert(0, "time_s", times.round(6))
    table.insert(1, "duration_s", durations.round(6))
    return table


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
