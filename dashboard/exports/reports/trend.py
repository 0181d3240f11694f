"""What a person's report says: scores, estimates, emotions and measures over sessions, and what happened meanwhile."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

import numpy as np
import pandas as pd

from dashboard.exports.reports.blocks import Block, Chart, Facts, Heading, Report, Rows, Words
from dashboard.exports.reports.figures import emotion_trend_figure, phq_trend_figure
from dashboard.exports.reports.session import DEMONSTRATION, LIMITS, day, origin_line
from dashboard.i18n import _, mark, n_
from dashboard.i18n.numbers import decimal
from dashboard.i18n.vocabulary import PROVENANCES, measure_text
from dashboard.loaders import local_times
from dashboard.questionnaire.difficulty import difficulty_words
from dashboard.trends.phq import SOURCES, difference_words
from dashboard.widgets import ui
from db.records import EventRecord, SubjectSummary
from fer_phq.core.phq import Provenance
from fer_phq.features.measures import MEASURES
from fer_phq.longitudinal.change import RETEST, SD, Change, Direction, reliable_points

DIFFICULTY_NOTE = mark(
    "Difficulty: the form's last question, how difficult the problems have made work, home or getting along with "
    "people. It is not part of the score."
)


def trend_report(
    subject: SubjectSummary,
    trend: pd.DataFrame,
    answers: pd.DataFrame,
    changes: Sequence[Change],
    events: Sequence[EventRecord],
    zone: tzinfo,
    now: datetime,
) -> Report:
    """The report of a person over time. `trend`, `answers`: as the store gives them, with measures as columns, in UTC;
    `changes`: of the answers' rows.
    """
    lead = ", ".join(
        (
            n_("{n} session", "{n} sessions", subject.sessions),
            n_("{n} questionnaire", "{n} questionnaires", subject.questionnaires),
        )
    )
    blocks: list[Block] = [Words(_(DEMONSTRATION), "warning")] if subject.is_demo else []
    blocks += [Heading(_("PHQ: questionnaires and model estimates")), *_phq(trend, answers, changes, zone)]
    if len(trend):
        blocks += [Heading(_("Emotion shares by session")), _emotions(trend, zone)]
        blocks += [Heading(_("Sessions")), _sessions(trend, zone)]
    if rows := _measured(trend, zone):
        blocks += [Heading(_("Measures")), rows]
    if events:
        blocks += [Heading(_("Treatment and events"))]
        blocks.append(Facts(tuple((day(event.at, zone), event.words) for event in events)))
    blocks += [Heading(_("Limits")), *(Words(_(words)) for words in LIMITS)]
    return Report(subject.label, lead, origin_line(zone, now), tuple(blocks))


def _phq(trend: pd.DataFrame, answers: pd.DataFrame, changes: Sequence[Change], zone: tzinfo) -> list[Block]:
    if not len(answers) and trend["phq_score"].isna().all():
        return [Words(_("There is no questionnaire and no estimate yet."))]
    figure = phq_trend_figure(local_times(trend, "recorded_at", zone), local_times(answers, "answered_at", zone))
    blocks: list[Block] = [Chart(figure, _("PHQ estimates with intervals and questionnaire scores over time"))]
    if (trend["phq_provenance"] == str(Provenance.SIMULATED)).any():
        blocks.append(Words(_(ui.SIMULATED_SENTENCE), "warning"))
    if len(answers):
        blocks += _answers(answers, changes, zone)
    if any(not change.is_baseline for change in changes):
        sources = _(SOURCES).format(sd=decimal(SD), retest=decimal(RETEST, 2), points=reliable_points())
        blocks.append(Words(sources, "note"))
    return blocks


def _answers(answers: pd.DataFrame, changes: Sequence[Change], zone: tzinfo) -> list[Block]:
    """A row a questionnaire; with the answer to its last question, once one of them has it."""
    head = [_("Answered"), _("Questionnaire"), _("Score"), _("Band"), _("Since the baseline"), _("Reliable change")]
    rows = zip(answers["answered_at"], answers["scale"], answers["total"], answers["band"], changes, strict=True)
    cells = [[_day(at, zone), *_answer(*rest)] for at, *rest in rows]
    if answers["difficulty"].isna().all():
        return [Rows(tuple(head), tuple(map(tuple, cells)))]
    difficulties = ["" if pd.isna(value) else difficulty_words(int(value)) for value in answers["difficulty"]]
    cells = [[*row[:4], words, *row[4:]] for row, words in zip(cells, difficulties, strict=True)]
    head.insert(4, _("Difficulty"))
    return [Rows(tuple(head), tuple(map(tuple, cells))), Words(_(DIFFICULTY_NOTE), "note")]


def _answer(scale: str, total: int, band: str, change: Change) -> tuple[str, ...]:
    if change.is_baseline:
        return scale, str(total), _(band), _("baseline"), ""
    reliable = _("no")
    if change.reliable:
        reliable = _("yes, improved") if change.direction is Direction.IMPROVED else _("yes, worsened")
    return scale, str(total), _(band), difference_words(change), reliable


def _emotions(trend: pd.DataFrame, zone: tzinfo) -> Chart:
    return Chart(
        emotion_trend_figure(local_times(trend, "recorded_at", zone)), _("Emotion shares of each session over time")
    )


def _sessions(trend: pd.DataFrame, zone: tzinfo) -> Rows:
    """A row a session: never an estimate without its interval and provenance."""
    head = (_("Recorded"), _("Most seen"), _("Coverage"), _("PHQ estimate (interval)"), _("Provenance"), _("Model"))
    return Rows(head, tuple(_session(row, zone) for row in trend.to_dict("records")))


def _session(row: Mapping[Hashable, Any], zone: tzinfo) -> tuple[str, ...]:
    estimate = _("none")
    provenance = ""
    if row["phq_score"] == row["phq_score"]:
        estimate = _("{score} ({low} to {high})").format(
            score=decimal(row["phq_score"]), low=decimal(row["phq_low"]), high=decimal(row["phq_high"])
        )
        kind = Provenance(row["phq_provenance"])
        provenance = _(PROVENANCES[kind])
    dominant = row["dominant_emotion"]
    most = _(dominant.capitalize()) if isinstance(dominant, str) else _("no face")
    coverage = ui.percent(float(row["coverage"]))
    return _day(row["recorded_at"], zone), most, coverage, estimate, provenance, str(row["model_id"])


def _measured(trend: pd.DataFrame, zone: tzinfo) -> Rows | None:
    """What sums up the last sessions, a column a session: those fit on a page."""
    measures = [measure for measure in MEASURES if measure.name in trend and trend[measure.name].notna().any()]
    last = trend.tail(6)
    if not measures:
        return None
    head = (_("Measure"), *(_day(at, zone) for at in last["recorded_at"]))
    cells = tuple(
        (_(measure.title), *(measure_text(measure, float(value)) for value in last[measure.name].fillna(np.nan)))
        for measure in measures
    )
    return Rows(head, cells)


def _day(at: object, zone: tzinfo) -> str:
    return day(pd.Timestamp(at).to_pydatetime(), zone)  # type: ignore[arg-type]
