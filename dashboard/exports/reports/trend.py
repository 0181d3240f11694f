"""What a person's report says: scores, estimates, emotions and measures over sessions, and what happened meanwhile."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import datetime, tzinfo
from typing import Any

import numpy as np
import pandas as pd

from dashboard.exports.reports.blocks import Block, Chart, Facts, Heading, Report, Rows, Words
from dashboard.exports.reports.figures import emotion_trend_figure, phq_trend_figure
from dashboard.exports.reports.session import DEMONSTRATION, LIMITS, day, origin_line
from dashboard.i18n import _, mark, n_, render
from dashboard.i18n.numbers import decimal
from dashboard.i18n.vocabulary import PROVENANCES, measure_text
from dashboard.questionnaire.difficulty import difficulty_words
from dashboard.trends.phq import SOURCES, difference_words
from dashboard.widgets import ui
from fer_phq.core.phq import Provenance
from fer_phq.longitudinal.change import RETEST, SD, Change, Direction, reliable_points
from service.views.trends import TrendsView, mixed_gaze, mixed_rates

DIFFICULTY_NOTE = mark(
    "Difficulty: the form's last question, how difficult the problems have made work, home or getting along with "
    "people. It is not part of the score."
)


def trend_report(view: TrendsView, now: datetime) -> Report:
    """Make the report of a person over time.

    Args:
        view: The subject over time.
        now: When the report is made, timezone-aware.
    """
    subject = view.subject
    zone = view.zone
    lead = ", ".join(
        (
            n_("{n} session", "{n} sessions", subject.sessions),
            n_("{n} questionnaire", "{n} questionnaires", subject.questionnaires),
        )
    )
    blocks: list[Block] = [Words(_(DEMONSTRATION), "warning")] if subject.is_demo else []
    if counting := ui.counting_sentence(view.sessions):
        blocks.append(Words(counting, "warning"))
    if withdrawal := ui.withdrawn_sentence(view.withdrawn):
        blocks.append(Words(withdrawal, "warning"))
    blocks += [Heading(_("PHQ: questionnaires and model estimates")), *_phq(view)]
    if len(view.sessions):
        blocks += [Heading(_("Emotion shares by session")), _emotions(view)]
        blocks += [Heading(_("Sessions")), _sessions(view)]
    if view.measures:
        blocks += [Heading(_("Measures")), _measured(view)]
        rates = mixed_rates(view.names, view.rates)
        blocks += [Words(render(rates), "warning")] if rates else []
        gaze = mixed_gaze(view.names, mixes=view.mixes_gaze)
        blocks += [Words(render(gaze), "warning")] if gaze else []
        blocks += [Words(render(note), "warning") for note in view.voice_notes(view.names).values()]
    if view.events:
        blocks += [Heading(_("Treatment and events"))]
        blocks.append(Facts(tuple((day(event.at, zone), event.words) for event in view.events)))
    blocks += [Heading(_("Limits")), *(Words(_(words)) for words in LIMITS)]
    return Report(subject.label, lead, origin_line(zone, now), tuple(blocks))


def _phq(view: TrendsView) -> list[Block]:
    if not view.has_scores:
        return [Words(_("There is no questionnaire and no estimate yet."))]
    figure = phq_trend_figure(view.local_sessions, view.local_answers)
    blocks: list[Block] = [Chart(figure, _("PHQ estimates with intervals and questionnaire scores over time"))]
    if view.is_simulated:
        blocks.append(Words(_(ui.SIMULATED_SENTENCE), "warning"))
    if len(view.answers):
        blocks += _answers(view)
    if any(not change.is_baseline for change in view.changes):
        sources = _(SOURCES).format(sd=decimal(SD), retest=decimal(RETEST, 2), points=reliable_points())
        blocks.append(Words(sources, "note"))
    return blocks


def _answers(view: TrendsView) -> list[Block]:
    """Build a row for each questionnaire; with the answer to its last question, once one of them has it."""
    answers = view.answers
    head = [_("Answered"), _("Questionnaire"), _("Score"), _("Band"), _("Since the baseline"), _("Reliable change")]
    rows = zip(answers["answered_at"], answers["scale"], answers["total"], answers["band"], view.changes, strict=True)
    cells = [[_day(at, view.zone), *_answer(*rest)] for at, *rest in rows]
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


def _emotions(view: TrendsView) -> Chart:
    return Chart(emotion_trend_figure(view.local_sessions), _("Emotion shares of each session over time"))


def _sessions(view: TrendsView) -> Rows:
    """Build a row for each session: never an estimate without its interval and provenance."""
    head = (_("Recorded"), _("Most seen"), _("Coverage"), _("PHQ estimate (interval)"), _("Provenance"), _("Model"))
    return Rows(head, tuple(_session(row, view.zone) for row in view.sessions.to_dict("records")))


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


def _measured(view: TrendsView) -> Rows:
    """Build a table of the measures of the last sessions, a column for each session: those fit on a page."""
    last = view.sessions.tail(6)
    head = (_("Measure"), *(_day(at, view.zone) for at in last["recorded_at"]))
    cells = tuple(
        (_(measure.title), *(measure_text(measure, float(value)) for value in last[measure.name].fillna(np.nan)))
        for measure in view.measures
    )
    return Rows(head, cells)


def _day(at: object, zone: tzinfo) -> str:
    return day(pd.Timestamp(at).to_pydatetime(), zone)  # type: ignore[arg-type]
