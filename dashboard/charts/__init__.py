"""Chart functions: a tidy frame in, a Plotly figure out. Nothing here computes a statistic or reads a store.

Every function takes the `Palette` of the viewer's mode. Frames use the emotion names as columns; a sampled frame
without the subject's face has NaN there and is drawn as a gap, never bridged.
"""

from dashboard.charts.cohort import PEOPLE, distribution_panel, person_panel
from dashboard.charts.estimates import emotion_bars, phq_scale
from dashboard.charts.events import mark_events
from dashboard.charts.locale import dated
from dashboard.charts.measures import PANEL, PERIODS, measure_trend, panel, period_panel
from dashboard.charts.models import estimates_of_two, share_differences, training_curves
from dashboard.charts.session.coverage import COVERAGE_LABELS, COVERAGE_STATES
from dashboard.charts.session.rows import POSITIONS
from dashboard.charts.session.timeline import emotion_timeline, with_gap_edges
from dashboard.charts.session.tracks import Tracks
from dashboard.charts.style import CONFIG, clock
from dashboard.charts.trends import CHANGE_LABELS, TREND_MARGIN, Span, broken, date_span, emotion_trend, phq_trend

__all__ = [
    "CHANGE_LABELS",
    "CONFIG",
    "COVERAGE_LABELS",
    "COVERAGE_STATES",
    "PANEL",
    "PEOPLE",
    "PERIODS",
    "POSITIONS",
    "TREND_MARGIN",
    "Span",
    "Tracks",
    "broken",
    "clock",
    "date_span",
    "dated",
    "distribution_panel",
    "emotion_bars",
    "emotion_timeline",
    "emotion_trend",
    "estimates_of_two",
    "mark_events",
    "measure_trend",
    "panel",
    "period_panel",
    "person_panel",
    "phq_scale",
    "phq_trend",
    "share_differences",
    "training_curves",
    "with_gap_edges",
]
