"""All signals of an analysis as one table, a row for each frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fer_phq.core import texts
from fer_phq.core.errors import FerPhqError

if TYPE_CHECKING:
    import pandas as pd

    from fer_phq.core.analysis import SessionAnalysis

_SAME_TIME_S = 1e-6


def analysis_table(analysis: SessionAnalysis) -> pd.DataFrame:
    """Return a row for each frame in which the face was followed, or for each sampled frame where it was not.

    Emotions are read less often. A row has those of the last sampled frame up to its time, which is `emotion_time_s`:
    they are held until the next sampled frame, and are missing where the face was not seen in it. Means over rows are
    weighted with `duration_s`.

    Args:
        analysis: The analysis.

    Returns:
        `time_s`, `duration_s`, `emotion_time_s`, the seven emotions, `x0` to `quality` as in `Timeline.to_frame`, and
        the behaviour's columns where there is one. NaN where something is missing.

    Raises:
        FerPhqError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ModuleNotFoundError:
        raise FerPhqError(texts.PACKAGE_MISSING(package="pandas")) from None
    sampled = analysis.timeline.to_frame().drop(columns="idx")
    emotion_time_s = sampled["time_s"].rename("emotion_time_s")
    signals = pd.concat([emotion_time_s, sampled.drop(columns=["time_s", "duration_s"])], axis=1)
    series = analysis.behaviour
    if series is None or series.time_s is None:
        return pd.concat([sampled[["time_s", "duration_s"]], signals], axis=1)
    places = np.searchsorted(analysis.timeline.time_s, series.time_s + _SAME_TIME_S, side="right") - 1
    held = signals.reindex(np.where(places < 0, -1, places)).reset_index(drop=True)  # no row has the number -1
    times = {"time_s": series.time_s, "duration_s": np.nan if series.duration_s is None else series.duration_s}
    behaviour = pd.DataFrame(series.values, columns=list(series.names))
    return pd.concat([pd.DataFrame(times), held, behaviour], axis=1)
