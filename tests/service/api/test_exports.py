"""What is taken away over HTTP: a cohort's tables in four formats, and a session's report as the pages write it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from analysis_samples import MONDAY, new_session, sample_analysis, sample_recording
from api_server import HOST, problem
from migrated import migrate
from starlette.testclient import TestClient

from dashboard.exports.reports.files import write_session_report
from dashboard.i18n import languages, render
from db.actors import Role
from db.records import CohortFilter, Consent
from db.store import Store
from service.access.accounts import add_account, create_token
from service.api.v1.alone import create_app
from service.models.active_model import KEY
from service.settings import AppSettings
from service.views import data_dictionary
from service.views.documents.tables import Format
from service.views.overview.cohort import load_cohort_view

OTHER = "00000000-0000-0000-0000-000000000000"
LABEL = '=HYPERLINK("https://a.example/")'


@dataclass(frozen=True)
class Clinic:
    """An installation with two subjects; the first has two sessions, one of which two models have analysed."""

    store: Store
    client: TestClient
    subject_id: str
    session_id: str


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    settings = AppSettings(data_dir=tmp_path_factory.mktemp("exports") / "data")
    settings.prepare()
    migrate(settings.database_url)
    with Store(settings.database_url) as store:
        subject = store.subjects.create(label=LABEL)
        store.subjects.set_tags(subject_id=subject.id, tags=["arm-a"])
        other = store.subjects.create(label="P02")
        for subject_id, name, week in ((subject.id, "a.mp4", 0), (subject.id, "b.mp4", 1), (other.id, "c.mp4", 2)):
            session = new_session(store, subject_id, name, MONDAY + timedelta(weeks=week))
            analysis = sample_analysis(sample_recording(name), seed=week)
            store.analyses.save(session_id=session.id, analysis=analysis, measures={"expressivity": 0.1 + week / 3})
            if name == "a.mp4":
                first = session.id
        again = sample_analysis(sample_recording("a.mp4"), model_id="model-b", seed=7)
        store.analyses.save(session_id=first, analysis=again)
        app = create_app(settings, translate=render, languages=tuple(languages()), write_report=write_session_report)
        client = TestClient(app, base_url=HOST, client=("127.0.0.1", 50000), raise_server_exceptions=False)
        yield Clinic(store, client, subject.id, first)


def plain(value: Any) -> Any:
    """A cell as text, so that formats with types and without compare."""
    if isinstance(value, pd.Timestamp) or hasattr(value, "isoformat"):
        return value.isoformat().replace("+00:00", "Z")
    return None if value is None or value == "" else str(value)


def cells(answer: Any, kind: Format) -> list[list[Any]]:
    assert answer.status_code == 200, answer.text
    if kind is Format.JSON:
        rows = [list(row.values()) for row in answer.json()["items"]]
    elif kind is Format.CSV:
        rows = list(csv.reader(io.StringIO(answer.text, newline="")))[1:]
    elif kind is Format.PARQUET:
        rows = [list(row.values()) for row in pq.read_table(io.BytesIO(answer.content)).to_pylist()]
    else:
        rows = [list(row.values()) for row in pa.ipc.open_stream(answer.content).read_all().to_pylist()]
    return [[plain(cell) for cell in row] for row in rows]


@pytest.mark.parametrize("path", ["/v1/exports/cohort", "/v1/exports/pairs?first=model-a&second=model-b"])
def test_a_cohorts_tables_are_the_same_in_every_format(clinic: Clinic, path: str) -> None:
    tables = {}
    for kind in Format:
        answer = clinic.client.get(path, headers={"Accept": "*/*"}, params=None if "?" in path else {"format": kind})
        if "?" in path:
            answer = clinic.client.get(f"{path}&format={kind}")
        tables[kind] = cells(answer, kind)
    names = [column["name"] for column in clinic.client.get(path).json()["columns"]]
    entry = data_dictionary.COHORT if "cohort" in path else data_dictionary.PAIRS
    assert names == [column.name for column in entry.columns]
    label = names.index("label" if "cohort" in path else "subject_label")
    assert tables[Format.JSON] == tables[Format.PARQUET] == tables[Format.ARROW]
    written = [row[label] for row in tables[Format.CSV]]
    assert f"'{LABEL}" in written, "no text of it is a formula"
    for row in tables[Format.CSV]:
        row[label] = row[label].removeprefix("'")
    assert tables[Format.CSV] == tables[Format.JSON]
    assert len(tables[Format.JSON]) == (3 if "cohort" in path else 1)


def test_the_cohort_is_that_of_the_page_and_says_what_is_simulated(clinic: Clinic) -> None:
    document = clinic.client.get("/v1/exports/cohort", headers={"Accept-Language": "de"}).json()
    view = load_cohort_view(clinic.store, CohortFilter(), None)
    assert [row["session_id"] for row in document["items"]] == list(view.sessions["session_id"])
    measured = [None if pd.isna(value) else value for value in view.sessions["expressivity"]]
    assert [row["expressivity"] for row in document["items"]] == measured
    assert None in measured
    assert document["items"][0]["recorded_at"].endswith("Z")
    assert "keine Diagnose" in document["facts"]["note"]
    assert "simuliert" in document["facts"]["simulated"]


def test_tables_say_how_many_sessions_a_withdrawn_consent_leaves_out(clinic: Clinic) -> None:
    paths = ("/v1/exports/cohort", "/v1/exports/pairs?first=model-a&second=model-b")
    assert all("withdrawn" not in clinic.client.get(path).json()["facts"] for path in paths)
    clinic.store.sessions.withdraw_consent(session_id=clinic.session_id)
    try:
        for path, rows in zip(paths, (2, 0), strict=True):
            document = clinic.client.get(path, headers={"Accept-Language": "de"}).json()
            assert len(document["items"]) == rows
            assert "1 weitere Sitzung" in document["facts"]["withdrawn"]
    finally:
        consent = Consent(at=MONDAY, by="Dr M", text_version="1")
        clinic.store.sessions.record_consent(session_id=clinic.session_id, consent=consent)


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("tag=arm-a", 2),
        ("tag=arm-b", 0),
        ("tag=arm-b&tag=arm-a", 2),
        ("since=2026-03-09T00:00:00Z", 2),
        ("until=2026-03-09T00:00:00%2B00:00", 1),
        ("model_id=model-b", 1),
        ("min_coverage=0.95", 0),
        ("demo=false", 3),
    ],
)
def test_a_cohort_is_filtered(clinic: Clinic, query: str, rows: int) -> None:
    assert len(clinic.client.get(f"/v1/exports/cohort?{query}").json()["items"]) == rows


@pytest.mark.parametrize(
    "query",
    [
        *("since=2026-03-09T00:00:00", "since=0001-01-01T00:00:00%2B14:00", "until=9999-12-31T23:59:59-14:00"),
        *("min_coverage=2", "min_coverage=nan", "demo=perhaps"),
    ],
)
def test_a_filter_that_is_none_is_refused(clinic: Clinic, query: str) -> None:
    assert problem(clinic.client.get(f"/v1/exports/cohort?{query}")) == (422, "api.unusable_request")


def test_a_report_is_the_dashboards(clinic: Clinic) -> None:
    path = f"/v1/sessions/{clinic.session_id}/report"
    answer = clinic.client.get(path, params={"time_zone": "Asia/Tokyo"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "HYPERLINK" in answer.text
    assert "Not a diagnosis." in answer.text
    assert "18:30" in answer.text, "half past nine in Tokyo"
    german = clinic.client.get(path, headers={"Accept-Language": "de"})
    assert german.headers["content-language"] == "de"
    assert "Keine Diagnose." in german.text
    pdf = clinic.client.get(path, headers={"Accept": "application/pdf"})
    assert pdf.content.startswith(b"%PDF")
    assert pdf.headers["content-disposition"].endswith('.pdf"')
    ids = [item["id"] for item in clinic.client.get(f"/v1/sessions/{clinic.session_id}/analyses").json()["items"]]
    names = {clinic.client.get(path, params={"analysis_id": name}).headers["content-disposition"] for name in ids}
    assert len(names) == len(ids) == 2


def test_a_report_is_of_the_analysis_that_every_door_names(clinic: Clinic) -> None:
    """The active model's, though another's is newer."""
    path = f"/v1/sessions/{clinic.session_id}"
    newest = clinic.store.sessions.get_detail(session_id=clinic.session_id).analyses
    assert [summary.model_id for summary in newest] == ["model-b", "model-a"]
    for active in ("model-a", "model-b"):
        clinic.store.settings.set(key=KEY, value=active)
        choice = next(summary.id for summary in newest if summary.model_id == active)
        assert clinic.client.get(path).json()["analysis_id"] == choice
        assert clinic.client.get(f"{path}/analyses").json()["current"] == choice
        if active == "model-a":
            assert choice[:8] in clinic.client.get(f"{path}/report").headers["content-disposition"]
    clinic.store.settings.set(key=KEY, value="")


def test_a_report_that_cannot_be_is_a_problem(clinic: Clinic) -> None:
    path = f"/v1/sessions/{clinic.session_id}/report"
    assert problem(clinic.client.get(path, params={"format": "docx"})) == (406, "api.not_acceptable")
    for zone in ("Mars/Olympus", "../etc/passwd", "Europe", "/etc"):
        assert problem(clinic.client.get(path, params={"time_zone": zone})) == (422, "api.unknown_time_zone"), zone
    assert problem(clinic.client.get(path, params={"analysis_id": OTHER})) == (404, "api.without_analysis")
    empty = new_session(clinic.store, clinic.subject_id, "empty.mp4")
    assert problem(clinic.client.get(f"/v1/sessions/{empty.id}/report")) == (404, "api.without_analysis")


def test_exports_are_in_the_audit_and_of_others_nobody_learns_anything(clinic: Clinic) -> None:
    """The last test: from here on there are accounts."""
    tokens = {}
    for role in sorted(Role, key=lambda role: role is not Role.ADMINISTRATOR):
        add_account(clinic.store, role.value, role, "correct horse battery")
        tokens[role] = create_token(clinic.store, role.value, "script", ("read",), 1)[0]

    def ask(role: Role, path: str) -> Any:
        return clinic.client.get(path, headers={"Authorization": f"Bearer {tokens[role]}"})

    report = f"/v1/sessions/{clinic.session_id}/report"
    for role in (Role.VIEWER, Role.CLINICIAN):
        stranger = ask(role, report)
        nobody = ask(role, report.replace(clinic.session_id, OTHER))
        assert (stranger.status_code, stranger.text.replace(clinic.session_id, OTHER)) == (404, nobody.text)
        assert ask(role, "/v1/exports/cohort").json()["items"] == []
        assert ask(role, "/v1/exports/pairs?first=model-a&second=model-b").json()["items"] == []
    for path in (report, "/v1/exports/cohort", "/v1/exports/pairs?first=model-a&second=model-b"):
        answer = ask(Role.RESEARCHER, path)
        assert answer.status_code == 200
        assert "HYPERLINK" not in answer.text
        assert "R-" in answer.text
    entries = [(entry.action, entry.object_id) for entry in clinic.store.audit.list_newest(object_kind="file")]
    assert ("export", "cohort.json") in entries
    assert ("export", "pairs.json") in entries
    assert any(name.endswith(".html") for action, name in entries if action == "export")
    assert json.dumps(entries).find("HYPERLINK") == -1
