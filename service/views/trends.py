"""The Trends page: one view of a subject over sessions, which the page, its PDF, HTML and tables all read.

Below it the tidy frames that it is made of: measures over sessions and periods, with the statistics in them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from db.records import EventRecord, QuestionnaireRecord, SessionSummary, SubjectSummary
from db.store import Store
from fer_phq.behaviour.aversion import is_of_gaze
from fer_phq.core.messages import Message
from fer_phq.core.phq import Provenance, Scale
from fer_phq.features.measures import BEHAVIOUR, BY_NAME, GAZE_SHARE, MEASURES, RATE, SHARES, Measure
from fer_phq.longitudinal.change import (
    Change,
    Estimate,
    NoBaseline,
    PersonalBaseline,
    Score,
    changes_since_baseline,
    changes_since_previous,
    personal_baseline,
    total_on_scale,
)
from fer_phq.longitudinal.periods import (
    PeriodComparison,
    compare_periods,
    distinct_rates,
    kind_runs,
    longest_step_days,
    rate_runs,
    session_runs,
)
from service.views import messages
from service.views.speech.voices import SPEECH_NAMES, telling_runs, voice_notes

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
MEASURE_NAMES = tuple(measure.name for measure in MEASURES)
BEHAVIOUR_NAMES = frozenset(measure.name for measure in MEASURES if measure.modality == BEHAVIOUR)
"""Measures that depend on how often a second the face was looked at."""
LOOKING_NAMES = frozenset({"looking_down_share", "looking_away_share"})
"""Measures that are of the gaze, or of the head alone where the gaze was hardly seen."""
RECENT = 50
"""The most sessions that the page lists."""


@dataclass(frozen=True, eq=False)
class PeriodsView:
    """Two periods beside each other.

    Attributes:
        points: What was measured in them, of `in_periods`.
        comparisons: By measure, those that one of the periods has.
        models: Ids of the models that measured their sessions.
        rates: Frames a second, as far as they differ, in which the faces of their sessions were looked at.
        mixes_gaze: Whether looks are of the gaze in some of their sessions, and of the head alone in others.
        sessions: Their sessions, rows of `Store.trends.load`; None without any.
    """

    points: pd.DataFrame
    comparisons: Mapping[str, PeriodComparison]
    models: tuple[str, ...]
    rates: tuple[float, ...] = ()
    mixes_gaze: bool = False
    sessions: pd.DataFrame | None = None

    def voice_notes(self, names: Iterable[str]) -> dict[str, Message]:
        """Return what is to be said of these measures of the voice and of turn taking, of `voice_notes`."""
        return {} if self.sessions is None else voice_notes(names, self.sessions)

    @property
    def means(self) -> pd.DataFrame:
        """One row a measure and period: measure, period ('first', 'second'), mean."""
        rows = []
        for name, comparison in self.comparisons.items():
            rows.append((name, "first", comparison.mean_before))
            rows.append((name, "second", comparison.mean_after))
        return pd.DataFrame(rows, columns=["measure", "period", "mean"])


@dataclass(frozen=True, eq=False)
class TrendsView:
    """A subject over time: everything that the page, its report and its tables show.

    Attributes:
        subject: The subject with the counts of what is stored.
        zone: The viewer's time zone.
        sessions: A row for each analysed session, oldest first, in UTC, with the measures, of `Store.trends.load`.
        answers: A row for each questionnaire, oldest first, in UTC, of `Store.trends.questionnaires`.
        changes: Of each row of `answers`, how it compares with the first of its scale.
        baseline: How the estimates of the head of the last recorded session that has one sit with this person; None
            without estimates.
        events: What happened, oldest first.
        recent: The newest sessions, analysed or not.
    """

    subject: SubjectSummary
    zone: tzinfo
    sessions: pd.DataFrame
    answers: pd.DataFrame
    changes: tuple[Change, ...]
    baseline: PersonalBaseline | NoBaseline | None
    events: tuple[EventRecord, ...]
    recent: tuple[SessionSummary, ...]

    @cached_property
    def local_sessions(self) -> pd.DataFrame:
        """`sessions` with `recorded_at` as wall times of the zone."""
        return local_times(self.sessions, "recorded_at", self.zone)

    @cached_property
    def local_answers(self) -> pd.DataFrame:
        """`answers` with `answered_at` as wall times of the zone, and the `segment` of `with_breaks`."""
        return with_breaks(local_times(self.answers, "answered_at", self.zone))

    @cached_property
    def local_events(self) -> pd.DataFrame:
        """The events as charts mark them: `at` (wall times of the zone), `mark` (numbers from 1) and `words`."""
        instants = [pd.Timestamp(event.at).tz_convert(self.zone).tz_localize(None) for event in self.events]
        return pd.DataFrame(
            {
                "at": pd.to_datetime(instants),
                "mark": [str(number) for number in range(1, len(self.events) + 1)],
                "words": [event.words for event in self.events],
            }
        )

    @property
    def has_scores(self) -> bool:
        """Whether there is a questionnaire or an estimate."""
        return bool(len(self.answers) or self.sessions["phq_score"].notna().any())

    @property
    def is_simulated(self) -> bool:
        """Whether any of the estimates comes from a head trained on simulated labels."""
        return bool((self.sessions["phq_provenance"] == str(Provenance.SIMULATED)).any())

    @property
    def heads(self) -> int:
        """How many heads the estimates come from."""
        return int(self.sessions["phq_model_id"].nunique())

    @property
    def changes_since_previous(self) -> tuple[Change, ...]:
        """Of each row of `answers`, how it compares with the one before on its scale."""
        return changes_since_previous(scores_of(self.answers))

    @property
    def withdrawn(self) -> int:
        """How many of the analysed sessions are those whose consent was withdrawn."""
        return int(self.sessions["consent_withdrawn"].sum())

    @property
    def demonstrations(self) -> int:
        """How many of the analysed sessions are made up."""
        return int(self.sessions["is_demo"].sum())

    @cached_property
    def names(self) -> list[str]:
        """The measures and emotion shares that this person has, of `measured_names`."""
        return measured_names(self.sessions)

    @property
    def measures(self) -> list[Measure]:
        """The measures of this person that are no emotion shares."""
        return [BY_NAME[name] for name in self.names if name not in EMOTION_NAMES]

    @property
    def gap_days(self) -> int:
        """Days between two sessions beyond which a line is broken."""
        return gap_days(self.local_sessions)

    @property
    def rates(self) -> tuple[float, ...]:
        """Frames a second, as far as they differ, in which the faces of the sessions were looked at."""
        return distinct_rates(self.sessions[RATE].tolist())

    @property
    def mixes_gaze(self) -> bool:
        """Whether looks are of the gaze in some of the sessions, and of the head alone in others."""
        return mixes_gaze(self.sessions)

    def voice_notes(self, names: Iterable[str]) -> dict[str, Message]:
        """Return what is to be said of these measures of the voice and of turn taking, of `voice_notes`."""
        return voice_notes(names, self.sessions)

    def series(self, names: Sequence[str]) -> pd.DataFrame:
        """Return the measures of these names over the sessions, as the function `series` does."""
        return series(self.local_sessions, names)

    @cached_property
    def values(self) -> pd.DataFrame:
        """Measures and questionnaires as one list, of `with_scores`."""
        return with_scores(self.local_sessions, self.local_answers, self.names)

    @property
    def days(self) -> list[date]:
        """The days on which something was measured or answered, in their order."""
        return sorted(set(self.values.loc[self.values["value"].notna(), "at"].dt.date))

    def compare_periods(self, first: Days, second: Days) -> PeriodsView:
        """Compare two periods.

        Args:
            first: First and last day of the one period.
            second: First and last day of the other.

        Returns:
            What was measured in them, and how they compare.
        """
        points = in_periods(self.values, first, second)
        inside = within_periods(self.local_sessions, first, second)
        return PeriodsView(
            points,
            compared(points),
            tuple(sorted(set(inside["model_id"]))),
            distinct_rates(inside[RATE].tolist()),
            mixes_gaze(inside),
            inside,
        )


def load_trends_view(
    store: Store,
    subject: SubjectSummary,
    zone: tzinfo,
    *,
    model_id: str | None = None,
    prefer_model: str | None = None,
) -> TrendsView:
    """Load the view of a subject over time.

    Args:
        store: The store.
        subject: The subject.
        zone: The viewer's time zone.
        model_id: Id of the only model whose analyses count; None for all.
        prefer_model: Id of the model whose analyses stand for their sessions; None for the newest of any.

    Returns:
        The view.

    Raises:
        NotFoundError: There is no such subject.
    """
    sessions = store.trends.load(
        subject_id=subject.id, model_id=model_id, prefer_model=prefer_model, measures=MEASURE_NAMES
    )
    answers = store.trends.questionnaires(subject_id=subject.id)
    return TrendsView(
        subject=subject,
        zone=zone,
        sessions=sessions,
        answers=answers,
        changes=tuple(changes_since_baseline(scores_of(answers))),
        baseline=estimates_baseline(sessions, store.questionnaires.list_by_subject(subject_id=subject.id)),
        events=tuple(store.events.list_by_subject(subject_id=subject.id)),
        recent=tuple(store.sessions.list_recent(subject_id=subject.id, limit=RECENT, prefer_model=prefer_model)),
    )


def scores_of(answers: pd.DataFrame) -> list[Score]:
    """Return the questionnaires' totals, in the rows' order."""
    rows = zip(answers["answered_at"], answers["total"], answers["scale"], strict=True)
    return [Score(at.to_pydatetime(), int(total), Scale(scale)) for at, total, scale in rows]


def estimates_baseline(
    sessions: pd.DataFrame, questionnaires: Sequence[QuestionnaireRecord]
) -> PersonalBaseline | NoBaseline | None:
    """Compute how the estimates of the head of the last recorded session that has one sit with this person.

    Args:
        sessions: Rows of `Store.trends.load`.
        questionnaires: The person's questionnaires. A PHQ-9 serves a PHQ-8 head as well.

    Returns:
        The baseline, or why there is none; None without an estimate.
    """
    rows = sessions[sessions["phq_score"].notna()]
    rows = rows[rows["phq_model_id"] == rows["phq_model_id"].iloc[-1]] if len(rows) else rows
    estimates = [
        Estimate(at.to_pydatetime(), float(score), Scale(scale), Provenance(provenance), model_id)
        for at, score, scale, provenance, model_id in zip(
            *(rows[name] for name in ("recorded_at", "phq_score", "phq_scale", "phq_provenance", "phq_model_id")),
            strict=True,
        )
    ]
    totals = ((q.answered_at, total_on_scale(scale, q.items), scale) for q in questionnaires for scale in Scale)
    scores = [Score(at, total, scale) for at, total, scale in totals if total is not None]
    return personal_baseline(estimates, scores) if estimates else None


def local_times(table: pd.DataFrame, column: str, zone: tzinfo) -> pd.DataFrame:
    """Return the table with a UTC column as wall times of a zone: charts draw times as they are given.

    Args:
        table: The rows.
        column: The column that holds moments in UTC.
        zone: The zone.
    """
    instants = pd.to_datetime(table[column], utc=True).dt.tz_convert(zone).dt.tz_localize(None)
    return table.assign(**{column: instants})


def measured_names(table: pd.DataFrame) -> list[str]:
    """List the measures and shares that at least one row of a trend or cohort table has, in the catalogue's order."""
    return [name for name in BY_NAME if name in table and table[name].notna().any()]


def with_segments(trend: pd.DataFrame) -> pd.DataFrame:
    """Add the column `segment`, of `session_runs`, to a trend (`recorded_at` ascending, `model_id`)."""
    times = [timestamp.to_pydatetime() for timestamp in trend["recorded_at"]]
    return trend.assign(segment=session_runs(times, list(trend["model_id"])))


def with_breaks(answers: pd.DataFrame) -> pd.DataFrame:
    """Add the column `segment`, counted within each scale, to questionnaires (`answered_at` ascending, `scale`)."""
    out = answers.assign(segment=np.zeros(len(answers), np.int64))
    for _, rows in answers.groupby("scale"):
        times = [timestamp.to_pydatetime() for timestamp in rows["answered_at"]]
        out.loc[rows.index, "segment"] = session_runs(times, [None] * len(times))
    return out


def gap_days(trend: pd.DataFrame) -> int:
    """Return the days between two sessions beyond which a line is broken."""
    return round(longest_step_days([timestamp.to_pydatetime() for timestamp in trend["recorded_at"]]))


def segments_of(trend: pd.DataFrame, name: str) -> npt.NDArray[np.int64]:
    """Number the runs of sessions that a line of one measure may join.

    A line of facial behaviour joins no two rates, one of looks not those of the gaze with those of the head, one of the
    voice not the subject's with everybody's, one of words none that were given with recognised ones, and one of turn
    taking no turns that were told in two ways.

    Args:
        trend: Rows of `Store.trends.load`, or of one person of `Store.cohort.load`, `recorded_at` ascending.
        name: The measure.
    """
    times = [timestamp.to_pydatetime() for timestamp in trend["recorded_at"]]
    models: list[object] = list(trend["model_id"])
    if name in BEHAVIOUR_NAMES:
        models = list(zip(models, rate_runs(trend[RATE].tolist()).tolist(), strict=True))
    if name in LOOKING_NAMES:
        models = list(zip(models, gaze_runs(trend), strict=True))
    if name in SPEECH_NAMES:
        models = list(zip(models, telling_runs(trend, name), strict=True))
    return session_runs(times, models)


def gaze_runs(trend: pd.DataFrame) -> list[int]:
    """Number the runs of sessions whose looks are all of the gaze, or all of the head; one without looks is of any.

    Args:
        trend: Rows with `gaze_share`, NaN where looks were not measured.
    """
    return kind_runs(is_of_gaze(share) if math.isfinite(share) else None for share in trend[GAZE_SHARE].tolist())


def mixes_gaze(sessions: pd.DataFrame) -> bool:
    """Tell whether looks are of the gaze in some sessions, and of the head alone in others.

    Args:
        sessions: Rows with `gaze_share`, NaN where looks were not measured.
    """
    return len({is_of_gaze(share) for share in sessions[GAZE_SHARE].dropna()}) > 1


def series(trend: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Build a row for each session and measure: session_id, recorded_at, segment, measure, value.

    Args:
        trend: Rows of `Store.trends.load`.
        names: The measures.

    Returns:
        The rows, by measure and then by date, with a value of NaN where not measured.
    """
    columns = ["session_id", "recorded_at", "segment", "measure", "value"]
    parts = [
        trend[["session_id", "recorded_at"]].assign(segment=segments_of(trend, name), measure=name, value=trend[name])
        for name in names
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def with_scores(trend: pd.DataFrame, answers: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Join measures and questionnaires into one list: at, measure, value.

    Args:
        trend: Rows of `Store.trends.load`.
        answers: Rows of `Store.trends.questionnaires`; their scale is their measure.
        names: The measures.
    """
    values = pd.DataFrame(trend, columns=["recorded_at", *names]).melt("recorded_at", names, "measure", "value")
    scores = answers.rename(columns={"answered_at": "at", "scale": "measure", "total": "value"})
    return pd.concat(
        [values.rename(columns={"recorded_at": "at"}), scores[["at", "measure", "value"]].astype({"value": "float64"})],
        ignore_index=True,
    )


def in_periods(values: pd.DataFrame, first: Days, second: Days) -> pd.DataFrame:
    """Choose the rows that were measured within two periods, with the column `period`: 'first' or 'second'.

    A day that lies in both counts for both.

    Args:
        values: Rows of `with_scores`.
        first: First and last day of the one period.
        second: First and last day of the other.
    """
    day = values["at"].dt.date
    parts = [
        values[(day >= start) & (day <= end) & values["value"].notna()].assign(period=name)
        for name, (start, end) in (("first", first), ("second", second))
    ]
    inside: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return inside


def compared(points: pd.DataFrame) -> dict[str, PeriodComparison]:
    """Compare the two periods of `in_periods`, by measure; those that neither period has are left out."""
    by_measure = {}
    for name in (*SCORES, *BY_NAME):
        rows = points[points["measure"] == name]
        if len(rows):
            before, after = (rows.loc[rows["period"] == period, "value"].to_numpy() for period in ("first", "second"))
            by_measure[name] = compare_periods(before, after)
    return by_measure


def within_periods(trend: pd.DataFrame, first: Days, second: Days) -> pd.DataFrame:
    """Return the sessions that were recorded within two periods.

    Args:
        trend: Rows of `Store.trends.load`.
        first: First and last day of the one period.
        second: First and last day of the other.
    """
    day = trend["recorded_at"].dt.date
    inside: pd.DataFrame = trend[((day >= first[0]) & (day <= first[1])) | ((day >= second[0]) & (day <= second[1]))]
    return inside


def mixed_rates(names: Iterable[str], rates: Sequence[float]) -> Message | None:
    """Say that facial behaviour was measured at several rates; None where it was not.

    Args:
        names: The measures that are shown.
        rates: Frames a second, as far as they differ.
    """
    if len(rates) < 2 or BEHAVIOUR_NAMES.isdisjoint(names):
        return None
    first, *more = (float(f"{rate:.3g}") for rate in rates)
    joined: float | Message = first
    for rate in more:
        joined = messages.RATES(rates=joined, rate=rate)
    return messages.MIXED_RATES(rates=joined)


def mixed_gaze(names: Iterable[str], *, mixes: bool) -> Message | None:
    """Say that looks are of the gaze in some sessions, and of the head alone in others; None where they are not.

    Args:
        names: The measures that are shown.
        mixes: Of `mixes_gaze`.
    """
    return None if not mixes or LOOKING_NAMES.isdisjoint(names) else messages.MIXED_GAZE()


def have_shared_days(first: Days, second: Days) -> bool:
    """Tell whether two periods have days in common.

    Args:
        first: First and last day of the one period.
        second: First and last day of the other.
    """
    return first[0] <= second[1] and second[0] <= first[1]


def halves(days: Sequence[date]) -> tuple[Days, Days]:
    """Choose two periods to begin with: the earlier and the later half of the days, which must not be empty."""
    dates = sorted(set(days))
    middle = max(len(dates) // 2, 1)
    early = dates[:middle]
    late = dates[middle:] or dates[-1:]
    return (early[0], early[-1]), (late[0], late[-1])
