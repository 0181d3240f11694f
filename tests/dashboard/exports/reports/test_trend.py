"""A person's report over sessions: everything with its interval and provenance, in both formats."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from analysis_samples import MONDAY, new_session, sample_analysis, sample_estimate, sample_recording
from pypdf import PdfReader

from dashboard import i18n
from dashboard.exports.reports.blocks import Chart, Report, Rows
from dashboard.exports.reports.html import to_html
from dashboard.exports.reports.pdf import to_pdf
from dashboard.exports.reports.trend import DIFFICULTY_NOTE, trend_report
from dashboard.widgets import ui
from db.store import Store
from fer_phq.core.analysis import Settings
from fer_phq.core.phq import PhqUnavailable, Scale, UnavailableReason
from fer_phq.features.measures import versioned_measures
from service.views.trends import load_trends_view

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 5, 5, 12, 0, tzinfo=UTC)


def report_of(store: Store, label: str = "P-01") -> Report:
    (subject,) = [one for one in store.subjects.list_all() if one.label == label]
    return trend_report(load_trends_view(store, subject, BERLIN), NOW)


def words_of(report: Report) -> str:
    return " ".join(" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(to_pdf(report))).pages)


def fill(store: Store) -> None:
    """Four sessions a week apart, the last without a face; questionnaires that fall by 9 points; an event."""
    subject = store.subjects.create(label="P-01")
    for week in range(4):
        at, name = MONDAY + timedelta(weeks=week), f"{week}.mp4"
        session = new_session(store, subject.id, name, at)
        faceless = week == 3
        phq = PhqUnavailable(UnavailableReason.NO_FACE) if faceless else sample_estimate(12.0 - week)
        gaps = tuple(range(20)) if faceless else ()
        analysis = sample_analysis(sample_recording(name), phq=phq, gaps=gaps, seed=week)
        store.analyses.save(session_id=session.id, analysis=analysis, measures=versioned_measures(analysis, Settings()))
    for week, items, difficulty in ((0, [2] * 8, 2), (3, [1] * 7 + [0], None)):
        at = MONDAY + timedelta(weeks=week, days=1)
        store.questionnaires.save(
            subject_id=subject.id, scale=Scale.PHQ8, items=items, difficulty=difficulty, answered_at=at
        )
    store.events.add(subject_id=subject.id, at=MONDAY + timedelta(days=9), words="sertraline <50 mg>")


def test_a_trend_is_told_with_intervals_changes_and_events(store: Store) -> None:
    fill(store)
    report = report_of(store)
    said = words_of(report)
    for wanted in (
        *("P-01", "4 sessions, 2 questionnaires", "12.0 (9.0 to 15.0)", "10.0 (7.0 to 13.0)", "Simulated labels"),
        *("9 points lower", "yes, improved", "baseline", "moderately severe", "mild", "11 Mar 2026"),
        *("sertraline <50 mg>", "no face", "none", "Expressivity", ui.SIMULATED_SENTENCE, ui.NOT_A_DIAGNOSIS),
    ):
        assert wanted in said, wanted
    assert "sertraline &lt;50 mg&gt;" in to_html(report)
    assert len([block for block in report.blocks if isinstance(block, Chart)]) == 2
    answers = next(block for block in report.blocks if isinstance(block, Rows) and block.head[0] == "Answered")
    assert [row[answers.head.index("Difficulty")] for row in answers.cells] == ["Very difficult", ""]
    assert DIFFICULTY_NOTE in said
    assert "<td>Very difficult</td>" in to_html(report)
    sessions = next(block for block in report.blocks if isinstance(block, Rows) and block.head[0] == "Recorded")
    assert [row[3] for row in sessions.cells][-1] == "none", "no estimate is said to be none"
    assert all(row[4] for row in sessions.cells[:-1]), "no estimate without its provenance"


def test_no_word_of_a_table_is_broken(store: Store) -> None:
    fill(store)
    with i18n.speaking("de"):
        said = words_of(report_of(store))
    for wanted in (
        "Fragebogen Punktwert Schweregrad Beeinträchtigung",
        "PHQ-8 16 mittelschwer Relativ stark erschwert",
    ):
        assert wanted in said, wanted


def test_a_person_of_whom_nothing_is_known_yet(store: Store) -> None:
    store.subjects.create(label="P-01")
    report = report_of(store)
    assert "There is no questionnaire and no estimate yet." in words_of(report)
    assert not [block for block in report.blocks if isinstance(block, Chart)]


def test_questionnaires_alone_are_a_trend(store: Store) -> None:
    subject = store.subjects.create(label="P-01")
    store.questionnaires.save(subject_id=subject.id, scale=Scale.PHQ9, items=[1] * 9, answered_at=MONDAY)
    said = words_of(report_of(store))
    assert "PHQ-9 9 mild baseline" in said
    assert ui.SIMULATED_SENTENCE not in said
    assert "Difficulty" not in said, "nobody was asked"
