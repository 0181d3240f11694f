"""A page, its PDF, its HTML and its tables take their figures from one view: they say the same."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import numpy as np
import pandas as pd
import pytest
from analysis_samples import MONDAY, new_session, sample_analysis, sample_estimate, sample_recording
from pypdf import PdfReader
from shown_pages import calm, html_of, open_page, words
from streamlit.testing.v1 import AppTest

from dashboard.exports import downloads
from dashboard.exports.reports import figures
from dashboard.widgets import ui
from db.records import CohortFilter, NotFoundError
from db.store import Store
from fer_phq.core.analysis import Settings
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.phq import Provenance, Scale
from fer_phq.features.measures import BY_NAME, versioned_measures
from service.settings import AppSettings
from service.views.overview.cohort import load_cohort_view
from service.views.session import load_session_view
from service.views.trends import load_trends_view

Files = dict[str, Callable[[], str | bytes]]


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Files:
    """What the download buttons of a page make, by the name of the file."""
    made: Files = {}
    draw = downloads._button

    def note(label: str, make: Callable[[], str | bytes], name: str, *rest: Any, **more: Any) -> None:
        made[name] = make
        draw(label, make, name, *rest, **more)

    monkeypatch.setattr(downloads, "_button", note)
    return made


def file_of(files: Files, ending: str) -> Callable[[], str | bytes]:
    (name,) = [name for name in files if name.endswith(ending)]
    return files[name]


def table_of(files: Files, ending: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(str(file_of(files, ending)())))


def pdf_words(content: str | bytes) -> str:
    assert isinstance(content, bytes)
    return " ".join(" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(content)).pages)


def html_words(content: str | bytes) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", str(content).partition("</style>")[2])).split())


def facts(html: str) -> dict[str, str]:
    """The names and values of a page's or a report's grids."""
    pairs = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", html)
    return {unescape(name): unescape(value) for name, value in pairs}


def numbers(column: Any) -> list[float]:
    """A column of a figure, which is a list or an array in bytes."""
    if isinstance(column, dict):
        return np.frombuffer(base64.b64decode(column["bdata"]), column["dtype"]).tolist()
    return list(column)


def chart(app: AppTest, alt: str) -> Any:
    (figure,) = [
        json.loads(node.proto.spec) for node in app.main if node.type == "plotly_chart" and alt in str(node.proto)
    ]
    return figure


@pytest.fixture
def session_id(installation: AppSettings, store: Store) -> str:
    """A session with gaps, a clinical estimate, a note and a transcript."""
    session = store.sessions.create(
        subject_id=store.subjects.create(label="P-01").id, recorded_at=MONDAY, recording=sample_recording(),
        original_name="one.mp4", media_path=None,
    )  # fmt: skip
    estimate = replace(sample_estimate(12.0), provenance=Provenance.CLINICAL)
    store.analyses.save(session_id=session.id, analysis=sample_analysis(phq=estimate, gaps=(3, 4, 7)))
    store.notes.add(session_id=session.id, time_s=1.5, words="looks away", tag=None)
    document = b"start,end,speaker,text\n0,1.5,Therapist,How are you?\n2,4.25,Client,Well.\n"
    store.transcripts.save(session_id=session.id, original_name="a.csv", document=document, speaker="Client")
    return session.id


def test_a_session_is_the_same_on_the_page_in_its_reports_and_in_its_tables(
    session_id: str, store: Store, files: Files
) -> None:
    app = open_page("session", session=session_id)
    detail = store.sessions.get_detail(session_id=session_id)
    view = load_session_view(store, detail, detail.analyses[0].id)
    summary = view.analysis.summary
    assert summary.emotions is not None
    assert summary.coverage == 17 / 20

    page, html = facts(html_of(app)), str(file_of(files, ".html")())
    report, pdf = facts(html), pdf_words(file_of(files, ".pdf")())
    frames = table_of(files, "-frames.csv")
    document = json.loads(file_of(files, f"{summary.id[:8]}.json")())
    assert page["Coverage"] == report["Coverage"] == ui.percent(summary.coverage)
    assert page["Coverage"] in pdf
    assert 1 - frames["anger"].isna().mean() == pytest.approx(summary.coverage)
    assert document["coverage"] == summary.coverage
    assert page["Frames with the face"] == report["Frames with the face"] == "17 of 20"

    bars = chart(app, "Mean emotion probabilities over the session")["data"][0]
    shown = {str(name).lower(): value for name, value in zip(bars["y"], numbers(bars["x"]), strict=True)}
    (alt,) = re.findall(r'alt="Mean emotion probabilities: (.*?)"', html)
    for name in EMOTIONS:
        assert shown[name] == pytest.approx(summary.emotions[name])
        assert frames[name].mean() == pytest.approx(summary.emotions[name], abs=1e-6)
        assert document["emotions"][name] == pytest.approx(summary.emotions[name], abs=1e-5)
        assert f"{name} {summary.emotions[name]:.0%}" in alt
    assert report["Most seen"].lower() == document["dominant_emotion"] == summary.dominant_emotion

    assert report["Estimate"].startswith("12.0 on the PHQ-8")
    assert report["90% interval"] == "9.0 to 15.0"
    assert "12.0 on the PHQ-8 (0 to 24)" in pdf
    assert "90% interval 9 to 15" in html_of(app)
    assert (document["phq"]["score"], document["phq"]["low"], document["phq"]["high"]) == (12.0, 9.0, 15.0)

    assert f"Episodes ({len(table_of(files, '-episodes.csv'))})" in words(app)
    assert f"Notes ({len(table_of(files, '-notes.csv'))})" in words(app)
    assert "looks away" in html_words(html)
    assert list(table_of(files, "-transcript.csv")["text"]) == list(view.utterances["text"])
    for warning in summary.warnings:
        assert str(warning) in html_of(app)
        assert str(warning) in html_words(html)
        assert str(warning) in pdf
        assert str(warning) in [entry["text"] if isinstance(entry, dict) else entry for entry in document["warnings"]]


def test_what_was_erased_is_in_no_file_any_more(session_id: str, store: Store, files: Files) -> None:
    from dashboard import loaders

    open_page("session", session=session_id)
    store.erasure.erase_session(session_id=session_id)
    loaders.forget()
    assert len(files) >= 15
    for make in files.values():
        with pytest.raises(NotFoundError):
            make()


def test_a_trend_is_the_same_on_the_page_in_its_report_and_in_its_tables(
    installation: AppSettings, store: Store, files: Files
) -> None:
    subject_id = store.subjects.create(label="P-01").id
    for week in range(3):
        name = f"{week}.mp4"
        session = new_session(store, subject_id, name, MONDAY + timedelta(weeks=week))
        analysis = sample_analysis(sample_recording(name), phq=sample_estimate(12.0 - week), seed=week)
        store.analyses.save(session_id=session.id, analysis=analysis, measures=versioned_measures(analysis, Settings()))
    for week, items in ((0, [2] * 8), (2, [1] * 7 + [0])):
        at = MONDAY + timedelta(weeks=week, days=1)
        store.questionnaires.save(subject_id=subject_id, scale=Scale.PHQ8, items=items, answered_at=at)
    store.events.add(subject_id=subject_id, at=MONDAY, words="Medication begun")

    app = open_page("trends", subject=subject_id)
    (subject,) = store.subjects.list_all()
    view = load_trends_view(store, subject, ui.zone())
    page, html, pdf = facts(html_of(app)), str(file_of(files, ".html")()), pdf_words(file_of(files, ".pdf")())
    answers, sessions = table_of(files, "-questionnaires.csv"), table_of(files, "-sessions.csv")

    newest = view.changes[-1]
    assert newest.difference == answers["total"].iloc[-1] - answers["total"].iloc[0] == -9
    assert newest.reliable
    assert page["Difference"] == "9 points lower"
    assert page["Reliable change"].startswith("Yes, improved")
    for text in (html_words(html), pdf):
        assert "9 points lower" in text
        assert "yes, improved" in text

    assert list(sessions["phq_score"]) == list(view.sessions["phq_score"]) == [12, 11, 10]
    estimates = chart(app, "PHQ estimates with intervals and questionnaire scores")["data"]
    assert [12, 11, 10] in [numbers(trace["y"]) for trace in estimates if len(trace.get("y", ()))]
    shares = chart(app, "Emotion shares of each session over time")["data"]
    happiness = next(trace["y"] for trace in shares if trace["name"] == "Happiness")
    assert numbers(happiness) == pytest.approx(list(sessions["happiness"]))
    for row in view.sessions.to_dict("records"):
        estimate = f"{row['phq_score']:.1f} ({row['phq_low']:.1f} to {row['phq_high']:.1f})"
        assert estimate in html_words(html)
        assert estimate in pdf
        assert ui.percent(row["coverage"]) in html_words(html)
    assert list(table_of(files, "-events.csv")["words"]) == list(view.local_events["words"]) == ["Medication begun"]
    assert "Medication begun" in html_of(app)
    assert "Medication begun" in pdf


def test_a_cohort_is_the_same_on_the_page_and_in_its_table(
    installation: AppSettings, store: Store, files: Files
) -> None:
    for label, gaps in (("P-01", (3, 4)), ("P-02", (1, 2, 3, 4))):
        subject_id = store.subjects.create(label=label).id
        for week in range(2):
            name = f"{label}-{week}.mp4"
            session = new_session(store, subject_id, name, MONDAY + timedelta(weeks=week))
            analysis = sample_analysis(sample_recording(name), gaps=gaps[week:], seed=week)
            measures = versioned_measures(analysis, Settings())
            store.analyses.save(session_id=session.id, analysis=analysis, measures=measures)
    app = open_page("cohort")
    app = calm(app.multiselect(key="cohort_columns").set_value(["coverage", "expressivity"]).run())
    view = load_cohort_view(store, CohortFilter(), None)
    page, table = app.dataframe[0].value, table_of(files, "cohort.csv")
    assert "2 people · 4 analysed sessions" in words(app)
    assert len(table) == len(view.sessions) == 4
    means = table.groupby("label")[["coverage", "expressivity"]].mean()
    people = view.people.set_index("label")
    shown = page.set_index("label")
    taken = table_of(files, "cohort-people.csv").set_index("label")
    assert list(taken) == ["subject_id", "is_demo", "coverage", "expressivity"], "the columns that are shown"
    for label in ("P-01", "P-02"):
        assert shown.loc[label, "coverage"] == pytest.approx(100 * means.loc[label, "coverage"])
        assert people.loc[label, "coverage"] == pytest.approx(means.loc[label, "coverage"])
        assert people.loc[label, "expressivity"] == pytest.approx(means.loc[label, "expressivity"])
        percent = 100 if BY_NAME["expressivity"].is_share else 1
        assert taken.loc[label, "expressivity"] == pytest.approx(people.loc[label, "expressivity"])
        assert shown.loc[label, "expressivity"] == pytest.approx(percent * means.loc[label, "expressivity"])


# ------------------------------------------------------------------------ where the report's charts said something else


def test_the_reports_strip_is_as_wide_as_the_pages(session_id: str, store: Store) -> None:
    """Each frame stands for the time that the view says: a lone frame for a second, the last as long as its step."""
    detail = store.sessions.get_detail(session_id=session_id)
    frames = load_session_view(store, detail, detail.analyses[0].id).analysis.frames
    for rows in (frames, frames.iloc[:1].assign(from_s=-0.5, to_s=0.5)):
        figure = figures.timeline_figure(rows)
        (mesh,) = figure.axes[1].collections
        edges = mesh.get_coordinates()[0, :, 0]  # type: ignore[attr-defined]
        assert list(edges[:-1]) == pytest.approx(list(rows["from_s"]))
        assert edges[-1] == pytest.approx(rows["to_s"].iloc[-1])


def test_the_reports_line_stops_where_the_pages_does(installation: AppSettings, store: Store) -> None:
    subject_id = store.subjects.create(label="P-01").id
    for day in (0, 7, 14, 200):
        at = MONDAY + timedelta(days=day)
        store.questionnaires.save(subject_id=subject_id, scale=Scale.PHQ9, items=[1] * 9, answered_at=at)
    view = load_trends_view(store, store.subjects.list_all()[0], ui.zone())
    assert list(view.local_answers["segment"]) == [0, 0, 0, 1]
    (axes,) = figures.phq_trend_figure(view.local_sessions, view.local_answers).axes
    (line,) = [line for line in axes.lines if line.get_label() == "PHQ-9 questionnaire"]
    totals = pd.Series(line.get_ydata())  # type: ignore[arg-type]
    assert list(totals.isna()) == [False, False, False, True, False]
