"""Facial behaviour of a session under review: what is drawn along the recording, the episodes, the measures.

Times are seconds from the recording's start.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from fer_phq.behaviour import expression
from fer_phq.behaviour.blinks import LONGEST_BLINK_S, Blink
from fer_phq.behaviour.columns import column, mean_of_sides, row_durations, row_times, true_rate_hz
from fer_phq.behaviour.files.tables import episode_table
from fer_phq.behaviour.measures import behaviour_episodes, can_see_blinks, closures, misses_hidden_eyes
from fer_phq.behaviour.reasons import usable_measures
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import Message
from fer_phq.features.measures import BEHAVIOUR, MEASURES, Measure
from fer_phq.timeline.downsample import MAX_ROWS, downsample
from service.views.review import Window

DRAWN = ("pitch", "yaw", "roll", "gaze_pitch", "gaze_yaw", "eyes", "smile", "mouth")
"""What is drawn along the recording: degrees of head and gaze, and shares of eyes, smile and mouth."""
LONG_CLOSURE = "closed"
BLINK = "blink"


@dataclass(frozen=True)
class BehaviourMoment:
    """A row of the series.

    Attributes:
        time_s: Its time.
        pitch_deg: Positive looks up; NaN where it is not known, as the others.
        yaw_deg: Positive turns to the person's left.
        roll_deg: Positive tilts to the person's right shoulder.
    """

    time_s: float
    pitch_deg: float
    yaw_deg: float
    roll_deg: float


@dataclass(frozen=True, eq=False)
class BehaviourView:
    """What is shown of a behaviour series.

    Attributes:
        series: The series.
        recording_s: The recording's duration.
        coverage_floor: Share of the recording that must be seen before something is measured, 0 to 1.
    """

    series: FeatureSeries
    recording_s: float
    coverage_floor: float

    @property
    def rate_hz(self) -> float:
        """Frames a second in which the face was looked at."""
        return true_rate_hz(self.series)

    @property
    def has_face(self) -> bool:
        """Whether the head pose is known in any frame."""
        return bool(np.isfinite(column(self.series, "pitch_deg")).any())

    @property
    def counts_blinks(self) -> bool:
        """Whether the rate is high enough for blinks, and eyes are missing where they are hidden."""
        return can_see_blinks(self.series) and misses_hidden_eyes(self.series)

    @cached_property
    def closures(self) -> tuple[Blink, ...]:
        """Blinks and longer closures of the eyes; none where they cannot be counted."""
        return tuple(closures(self.series))

    @cached_property
    def blinks(self) -> pd.DataFrame:
        """Closures of the eyes, a row each: onset_s, offset_s, closed_s, kind ('blink' or 'closed'), complete."""
        kinds = [BLINK if closure.duration_s <= LONGEST_BLINK_S else LONG_CLOSURE for closure in self.closures]
        return pd.DataFrame(
            {
                "onset_s": [closure.onset_s for closure in self.closures],
                "offset_s": [closure.offset_s for closure in self.closures],
                "closed_s": [closure.closed_s for closure in self.closures],
                "kind": kinds,
                "complete": [closure.complete for closure in self.closures],
            }
        )

    @cached_property
    def episodes(self) -> pd.DataFrame:
        """Episodes by onset: kind, onset_s, offset_s, duration_s, cut (it may have been longer)."""
        return episode_table(behaviour_episodes(self.series))

    @cached_property
    def _usable(self) -> tuple[dict[str, float], dict[str, Message]]:
        return usable_measures(self.series, self.recording_s, self.coverage_floor)

    @property
    def reasons(self) -> dict[str, Message]:
        """Why measures are missing, by the names of `fer_phq.features.measures`."""
        _, reasons = self._usable
        return {
            measure.name: reasons[measure.functional]
            for measure in behaviour_measures()
            if measure.functional in reasons
        }

    @property
    def measures(self) -> dict[str, float]:
        """The measures that could be taken, by their names, in their units."""
        values, _ = self._usable
        return {
            measure.name: measure.factor * values[measure.functional]
            for measure in behaviour_measures()
            if measure.functional in values
        }

    @cached_property
    def rest(self) -> dict[str, float]:
        """The face at rest, 0 to 1 by the names of `fer_phq.behaviour.expression.REST`, without what was not seen."""
        return {name: level for name, level in expression.rest_levels(self.series).items() if level is not None}

    @cached_property
    def _drawn_columns(self) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "pitch": column(self.series, "pitch_deg"),
                "yaw": column(self.series, "yaw_deg"),
                "roll": column(self.series, "roll_deg"),
                "gaze_pitch": column(self.series, "gaze_pitch_deg"),
                "gaze_yaw": column(self.series, "gaze_yaw_deg"),
                "eyes": mean_of_sides(self.series, "eye_open"),
                "smile": np.maximum(expression.smile(self.series), 0),
                "mouth": column(self.series, "mouth_open"),
            }
        )

    def draw(self, window: Window, most: int = MAX_ROWS) -> pd.DataFrame:
        """Return what is drawn within a window: time_s, and of each of `DRAWN` the mean with `..._low` and `..._high`.

        Args:
            window: From when to when.
            most: The most rows, which then stand for several frames each.
        """
        time_s = row_times(self.series)
        inside = (time_s + row_durations(self.series) > window.from_s) & (time_s < window.to_s)
        values = self._drawn_columns.to_numpy(dtype=np.float64)[inside]
        thinned = downsample(time_s[inside], values, max_rows=most)
        columns = {"time_s": thinned.time_s}
        for i, name in enumerate(DRAWN):
            columns[name] = thinned.mean[:, i]
            columns[f"{name}_low"] = thinned.low[:, i]
            columns[f"{name}_high"] = thinned.high[:, i]
        return pd.DataFrame(columns)

    def at(self, time_s: float) -> BehaviourMoment | None:
        """Return the row that was on display at a time; None where there is none, or its head pose is not known.

        Args:
            time_s: Seconds.
        """
        times = row_times(self.series)
        row = int(np.searchsorted(times, time_s + 1e-6, "right")) - 1
        if row < 0 or time_s > times[row] + row_durations(self.series)[row] + 1e-6:
            return None
        angles = [float(column(self.series, f"{name}_deg")[row]) for name in ("pitch", "yaw", "roll")]
        return BehaviourMoment(float(times[row]), *angles) if np.isfinite(angles).all() else None


def behaviour_measures() -> tuple[Measure, ...]:
    """Return the measures of facial behaviour, in their order."""
    return tuple(measure for measure in MEASURES if measure.modality == BEHAVIOUR)
