"""What an analysis holds, over HTTP: the same numbers in four formats, for whom they are, and in the audit."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from analysis_samples import (
    new_session,
    sample_analysis,
    sample_estimate,
    sample_recording,
    sample_turns,
    with_all_faces,
)
from api_server import HOST, problem
from behaviour_samples import sample_behaviour
from migrated import migrate
from starlette.testclient import TestClient

from db.actors import Role
from db.store import Store
from fer_phq.behaviour.columns import KIND as BEHAVIOUR_KIND
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.phq import PhqUnavailable, UnavailableReason
from fer_phq.core.texts import COVERAGE_BELOW_FLOOR
from fer_phq.voice.kinds import COLUMNS, EARLIER_KIND
from fer_phq.voice.kinds import KIND as PROSODY
from fer_phq.words.kinds import MINILM, PLAIN_NAMES
from service.access.accounts import add_account, create_token
from service.api.v1.alone import create_app
from service.api.v1.analyses import tables as analysis_tables
from service.settings import AppSettings
from service.views import data_dictionary
from service.views.documents.tables import MEDIA_TYPES, WRITERS, Format
from service.views.exports import frames_table, voice_table
from service.views.session import load_analysis_view

OTHER = "00000000-0000-0000-0000-000000000000"
LABEL = "Ottilie"


@dataclass(frozen=True)
class Clinic:
    """An installation in which one person has a session with two analyses."""

    store: Store
    client: TestClient
    subject_id: str
    session_id: str
    analysis_id: str
    silent_id: str

    def path(self, rest: str = "") -> str:
        return f"/v1/analyses/{self.analysis_id}{rest}"


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    settings = AppSettings(data_dir=tmp_path_factory.mktemp("analyses") / "data")
    settings.prepare()
    migrate(settings.database_url)
    rng = np.random.default_rng(0)
    voice = rng.normal(size=(30, len(COLUMNS))).astype(np.float32)
    voice[3:5] = np.nan
    columns = (*PLAIN_NAMES, *(f"embedding_{i}" for i in range(384)))
    words = FeatureSeries(rng.normal(size=(4, len(columns))).astype(np.float32), np.arange(4.0), MINILM, columns)
    with Store(settings.database_url) as store:
        subject = store.subjects.create(label=LABEL)
        recording = sample_recording(f"{LABEL}.mp4")
        session = new_session(store, subject.id, f"{LABEL}.mp4")
        reason = PhqUnavailable(UnavailableReason.LOW_COVERAGE, COVERAGE_BELOW_FLOOR(coverage=0.125, floor=0.3))
        silent = store.analyses.save(
            session_id=session.id, analysis=sample_analysis(recording, model_id="model-b", phq=reason)
        )
        spoken = sample_analysis(
            recording, voice=FeatureSeries(voice, (np.arange(30) + 0.5) / 10, PROSODY, COLUMNS), words=words
        )
        analysis_id = store.analyses.save(session_id=session.id, analysis=spoken)
        app = create_app(settings)
        client = TestClient(app, base_url=HOST, client=("127.0.0.1", 50000), raise_server_exceptions=False)
        yield Clinic(store, client, subject.id, session.id, analysis_id, silent)


def numbers(frame: pd.DataFrame) -> list[list[float | None]]:
    """Every cell as a float of 64 bits; None where there is none."""
    return [[None if pd.isna(cell) else float(cell) for cell in row] for row in frame.itertuples(index=False)]


def read(content: bytes, kind: Format) -> list[list[float | None]]:
    """The cells of a table, as a reader of its format gets them."""
    if kind is Format.JSON:
        document = json.loads(content)
        names = [column["name"] for column in document["columns"]]
        return [[row[name] for name in names] for row in document["items"]]
    if kind is Format.CSV:
        rows = list(csv.reader(io.StringIO(content.decode())))[1:]
        return [[float(cell) if cell else None for cell in row] for row in rows]
    if kind is Format.PARQUET:
        return [list(row.values()) for row in pq.read_table(io.BytesIO(content)).to_pylist()]
    return [list(row.values()) for row in pa.ipc.open_stream(content).read_all().to_pylist()]


@pytest.mark.parametrize("rows", [20_000, 7])
def test_the_timeline_is_the_same_bit_for_bit_in_every_format(
    clinic: Clinic, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many rows are read at once."""
    monkeypatch.setattr(analysis_tables, "BLOCK_ROWS", rows)
    stored = numbers(frames_table(load_analysis_view(clinic.store, clinic.analysis_id)))
    assert len(stored) == 20
    assert stored[3][2:] == [None] * 13, "a gap is a gap"
    for kind in Format:
        answer = clinic.client.get(clinic.path("/timeline"), params={"format": str(kind)})
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, MEDIA_TYPES[kind])
        assert answer.headers["content-disposition"].endswith(f'-timeline.{kind}"')
        assert answer.headers["cache-control"] == "no-store"
        assert read(answer.content, kind) == stored, kind


@pytest.mark.parametrize("name", ["voice", "words"])
def test_series_are_the_same_in_every_format_without_embeddings(clinic: Clinic, name: str) -> None:
    view = load_analysis_view(clinic.store, clinic.analysis_id)
    answers = {
        kind: clinic.client.get(clinic.path(f"/series/{name}"), headers={"Accept": MEDIA_TYPES[kind]}).content
        for kind in Format
    }
    tables = [read(content, kind) for kind, content in answers.items()]
    assert all(table == tables[0] for table in tables)
    document = json.loads(answers[Format.JSON])
    entry = data_dictionary.VOICE if name == "voice" else data_dictionary.WORDS
    assert [column["name"] for column in document["columns"]] == [column.name for column in entry.columns]
    if name == "voice":
        table = voice_table(view)
        assert table is not None
        assert tables[0] == numbers(table)
        assert document["facts"]["kind"] == PROSODY


def test_facial_behaviour_is_a_series_like_the_others(clinic: Clinic) -> None:
    session = new_session(clinic.store, clinic.subject_id, "behaviour.mp4")
    analysis = replace(
        sample_analysis(sample_recording("behaviour.mp4")), behaviour=sample_behaviour(30.0, 10.0, (2, 3))
    )
    analysis_id = clinic.store.analyses.save(session_id=session.id, analysis=analysis)
    listed = clinic.client.get(f"/v1/analyses/{analysis_id}/series").json()["items"]
    assert listed == [{"name": "behaviour", "kind": BEHAVIOUR_KIND}]
    path = f"/v1/analyses/{analysis_id}/series/behaviour"
    document = clinic.client.get(path).json()
    assert [column["name"] for column in document["columns"]] == [
        column.name for column in data_dictionary.BEHAVIOUR_SERIES.columns
    ]
    assert len(document["items"]) == 300
    assert document["items"][75]["pitch_deg"] is None, "a gap is a gap"
    tables = [read(clinic.client.get(path, headers={"Accept": MEDIA_TYPES[kind]}).content, kind) for kind in Format]
    assert all(table == tables[0] for table in tables)
    assert "behaviour" not in str(clinic.client.get(clinic.path("/series")).json())


def test_turns_are_a_series_like_the_others(clinic: Clinic) -> None:
    session = new_session(clinic.store, clinic.subject_id, "turns.mp4")
    analysis = replace(sample_analysis(sample_recording("turns.mp4")), turns=sample_turns(None))
    analysis_id = clinic.store.analyses.save(session_id=session.id, analysis=analysis)
    assert clinic.client.get(f"/v1/analyses/{analysis_id}/series").json()["items"] == [
        {"name": "turns", "kind": "turns-1-voices"}
    ]
    path = f"/v1/analyses/{analysis_id}/series/turns"
    document = clinic.client.get(path).json()
    assert [column["name"] for column in document["columns"]] == [
        column.name for column in data_dictionary.TURNS.columns
    ]
    assert [(row["speaker"], row["is_subject"], row["start_s"]) for row in document["items"]] == [
        (1, None, 0.5),
        (2, None, 3.0),
        (1, None, 5.0),
    ]
    tables = [read(clinic.client.get(path, headers={"Accept": MEDIA_TYPES[kind]}).content, kind) for kind in Format]
    assert all(table == tables[0] for table in tables)


def test_pitch_that_may_be_an_octave_off_is_no_measurement(clinic: Clinic) -> None:
    """An earlier version measured it. The other columns are as they were."""
    voice = np.ones((30, len(COLUMNS)), np.float32)
    earlier = FeatureSeries(voice, (np.arange(30) + 0.5) / 10, EARLIER_KIND, COLUMNS)
    session = new_session(clinic.store, clinic.subject_id, "earlier.mp4")
    analysis = sample_analysis(sample_recording("earlier.mp4"), voice=earlier)
    analysis_id = clinic.store.analyses.save(session_id=session.id, analysis=analysis)
    document = clinic.client.get(f"/v1/analyses/{analysis_id}/series/voice").json()
    assert document["facts"]["kind"] == EARLIER_KIND
    assert {row["f0_semitones"] for row in document["items"]} == {None}
    assert {row["loudness_db"] for row in document["items"]} == {1.0}
    table = voice_table(load_analysis_view(clinic.store, analysis_id))
    assert table is not None
    assert table["f0_semitones"].isna().all()


def test_a_timeline_says_whether_it_was_counted_by_frames(clinic: Clinic) -> None:
    summary = clinic.store.analyses.get(analysis_id=clinic.analysis_id)
    assert "counts_by_frames" not in analysis_tables.timeline_table(clinic.store, summary, "").facts
    earlier = replace(summary, counts_by_frames=True)
    assert analysis_tables.timeline_table(clinic.store, earlier, "").facts["counts_by_frames"] == "true"


def test_which_series_there_are(clinic: Clinic) -> None:
    series = [{"name": "voice", "kind": PROSODY}, {"name": "words", "kind": MINILM}]
    assert clinic.client.get(clinic.path("/series")).json() == {"items": series, "next": None}
    assert clinic.client.get(f"/v1/analyses/{clinic.silent_id}/series").json()["items"] == []
    assert problem(clinic.client.get(clinic.path("/series/face"))) == (404, "api.no_such_series")
    answer = clinic.client.get(f"/v1/analyses/{clinic.silent_id}/series/voice")
    assert problem(answer) == (404, "api.no_series")


def test_parquet_and_arrow_say_what_they_hold(clinic: Clinic) -> None:
    parquet = clinic.client.get(clinic.path("/timeline"), params={"format": "parquet"}).content
    arrow = clinic.client.get(clinic.path("/timeline"), params={"format": "arrow"}).content
    for schema in (pq.read_schema(io.BytesIO(parquet)), pa.ipc.open_stream(arrow).schema):
        facts = {name.decode(): value.decode() for name, value in schema.metadata.items()}
        assert facts["model_id"] == "model-a"
        assert facts["analysis_id"] == clinic.analysis_id
        assert facts["phq_provenance"] == "simulated"
        assert "container" in facts["time_base"]
        assert "not a diagnosis" in facts["note"]
        assert schema.field("time_s").type == pa.float64()
        assert schema.field("anger").type == pa.float32()
        assert schema.field("x0").metadata[b"unit"] == b"pixels"
        assert b"probability" in schema.field("anger").metadata[b"meaning"].lower()
    frame = pd.read_parquet(io.BytesIO(parquet))
    pd.testing.assert_frame_equal(frame, frames_table(load_analysis_view(clinic.store, clinic.analysis_id)))


def test_a_format_that_there_is_not_is_refused(clinic: Clinic) -> None:
    path = clinic.path("/timeline")
    for request in (
        {"params": {"format": "xlsx"}},
        {"headers": {"Accept": "image/png"}},
        {"headers": {"Accept": "application/json;q=0, text/csv;q=0"}},
        {"headers": {"Accept": "text/csv;q=nan"}},
    ):
        answer = clinic.client.get(path, **request)  # type: ignore[arg-type]
        assert problem(answer) == (406, "api.not_acceptable"), request
        assert answer.json()["params"]["formats"] == [*map(str, Format)]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", Format.JSON),
        ("text/*", Format.CSV),
        ("application/*;q=0.1, text/csv", Format.CSV),
        ("application/json;q=0.2, application/vnd.apache.arrow.stream;q=0.9", Format.ARROW),
        ("application/json;q=0, application/*", Format.PARQUET),
        ("text/html, */*;q=0.5", Format.JSON),
    ],
)
def test_the_format_that_is_liked_best_is_answered(clinic: Clinic, accept: str, kind: Format) -> None:
    answer = clinic.client.get(clinic.path("/timeline"), headers={"Accept": accept})
    assert answer.headers["content-type"].split(";")[0] == MEDIA_TYPES[kind]
    by_name = clinic.client.get(clinic.path("/timeline"), headers={"Accept": accept}, params={"format": "parquet"})
    assert by_name.content[:4] == b"PAR1", "the query goes before"


def test_an_analysis_without_frames_is_an_empty_table(clinic: Clinic) -> None:
    session = new_session(clinic.store, clinic.subject_id, "empty.mp4")
    empty = sample_analysis(
        sample_recording("empty.mp4"), frames=0, gaps=(), phq=PhqUnavailable(UnavailableReason.NO_FACE)
    )
    analysis_id = clinic.store.analyses.save(session_id=session.id, analysis=empty)
    for kind in Format:
        answer = clinic.client.get(f"/v1/analyses/{analysis_id}/timeline", params={"format": str(kind)})
        assert (answer.status_code, read(answer.content, kind)) == (200, [])
    summary = clinic.client.get(f"/v1/analyses/{analysis_id}").json()
    assert (summary["emotions"], summary["dominant_emotion"], summary["phq"]["reason"]) == (None, None, "no_face")


def test_a_table_that_changes_while_it_is_read_does_not_look_whole(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An erasure in the middle of a download breaks it off."""
    monkeypatch.setattr(analysis_tables, "BLOCK_ROWS", 7)
    summary = clinic.store.analyses.get(analysis_id=clinic.analysis_id)
    blocks = iter(analysis_tables.timeline_table(clinic.store, summary, "").blocks)
    next(blocks)
    longer = analysis_tables.timeline_table(
        clinic.store, summary.__class__(**{**vars(summary), "frames_sampled": 30}), ""
    )
    with pytest.raises(analysis_tables.StoreError, match="ask again"):
        list(longer.blocks)


@pytest.mark.parametrize("kind", Format)
def test_a_table_is_written_while_it_is_read(clinic: Clinic, kind: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block is written before the next is read: memory holds one, however long the recording."""
    monkeypatch.setattr(analysis_tables, "BLOCK_ROWS", 4)
    summary = clinic.store.analyses.get(analysis_id=clinic.analysis_id)
    table = analysis_tables.timeline_table(clinic.store, summary, "")
    read_rows = 0

    def counted() -> Iterator[pd.DataFrame]:
        nonlocal read_rows
        for block in table.blocks:
            read_rows += len(block)
            yield block

    parts = []
    for part in WRITERS[kind](table, counted()):
        parts.append((read_rows, part))
    assert parts[0][0] == 4, "the first part comes before the second block is read"
    assert {rows for rows, _ in parts} == {4, 8, 12, 16, 20}
    assert len(read(b"".join(part for _, part in parts), kind)) == 20


# ---------------------------------------------------------------------------------------------------------- summary


def test_a_summary_has_the_estimate_with_interval_and_provenance_or_why_there_is_none(clinic: Clinic) -> None:
    summary = clinic.client.get(clinic.path()).json()
    stored = clinic.store.analyses.get(analysis_id=clinic.analysis_id)
    estimate = sample_estimate()
    phq = summary.pop("phq")
    assert phq.pop("notes")[0]["code"] == "api.simulated"
    assert phq == {
        **{"state": "estimate", "score": estimate.score, "low": estimate.low, "high": estimate.high},
        **{"level": 0.9, "scale": "PHQ-8", "bands": ["mild", "moderate"], "provenance": "simulated"},
        **{"model_id": "model-a", "modalities": ["face"]},
    }
    assert stored.emotions is not None
    assert list(summary["emotions"]) == list(EMOTIONS)
    assert summary["emotions"] == dict(stored.emotions)
    assert (summary["coverage"], summary["dominant_emotion"]) == (stored.coverage, stored.dominant_emotion)
    assert (summary["session_id"], summary["sampling"]) == (clinic.session_id, {"fps": 2.0, "key_frames": False})
    assert [note["detail"] for note in summary["warnings"]] == ["2 people were in view"]
    assert summary["notes"][0]["code"] == "api.not_a_diagnosis"
    assert summary["created_at"].endswith("Z")

    silent = clinic.client.get(f"/v1/analyses/{clinic.silent_id}").json()["phq"]
    assert (silent["state"], silent["reason"]) == ("unavailable", "low_coverage")
    assert silent["detail"]["params"] == {"coverage": 0.125, "floor": 0.3}


def test_a_sessions_analyses_come_in_pages_and_one_stands_for_it(clinic: Clinic) -> None:
    path = f"/v1/sessions/{clinic.session_id}/analyses"
    whole = clinic.client.get(path).json()
    assert [item["id"] for item in whole["items"]] == [clinic.analysis_id, clinic.silent_id]
    assert (whole["current"], whole["next"]) == (clinic.analysis_id, None)
    first = clinic.client.get(path, params={"limit": 1}).json()
    second = clinic.client.get(path, params={"limit": 1, "after": first["next"]}).json()
    assert [*first["items"], *second["items"]] == whole["items"]
    assert second["next"] is None
    assert problem(clinic.client.get(path, params={"after": "x"}))[0] == 422
    clinic.store.faces.choose(analysis_id=clinic.silent_id)
    again = clinic.client.get(path).json()
    assert [item["id"] for item in again["items"]] == [item["id"] for item in whole["items"]]
    assert again["current"] == clinic.silent_id


def test_face_tracks_are_those_of_the_analysis_whosever_faces_it_holds(clinic: Clinic) -> None:
    stored = clinic.store.analyses.load(analysis_id=clinic.analysis_id).tracks
    assert stored
    body = clinic.client.get(clinic.path("/tracks")).json()
    assert body["items"] == [asdict(track) for track in stored]
    assert body["holds_everybody"] is clinic.store.faces.exist(analysis_id=clinic.analysis_id) is False
    session = new_session(clinic.store, clinic.subject_id, "crowd.mp4")
    analysis = with_all_faces(sample_analysis(sample_recording("crowd.mp4")))
    analysis_id = clinic.store.analyses.save(session_id=session.id, analysis=analysis)
    body = clinic.client.get(f"/v1/analyses/{analysis_id}/tracks").json()
    assert (body["holds_everybody"], body["items"]) == (True, [asdict(track) for track in analysis.tracks])
    assert {track["is_subject"] for track in body["items"]} == {True, False}


@pytest.mark.parametrize(
    "rest", ["", "/timeline", "/timeline?format=csv", "/tracks", "/series", "/series/voice?format=arrow"]
)
def test_what_is_there_already_is_not_sent_again(clinic: Clinic, rest: str) -> None:
    tag = clinic.client.get(clinic.path(rest)).headers["etag"]
    again = clinic.client.get(clinic.path(rest), headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = f"/v1/analyses/{clinic.silent_id}/timeline?format=csv"
    assert clinic.client.get(other, headers={"If-None-Match": tag}).status_code == 200


# ----------------------------------------------------------------------------------------------------------- rights


def test_every_read_is_in_the_audit_and_of_others_nobody_learns_anything(clinic: Clinic) -> None:
    """The last test: from here on there are accounts."""
    tokens = {}
    for role in sorted(Role, key=lambda role: role is not Role.ADMINISTRATOR):
        add_account(clinic.store, role.value, role, "correct horse battery")
        tokens[role] = create_token(clinic.store, role.value, "script", ("read",), 1)[0]
    paths = [clinic.path(rest) for rest in ("", "/timeline", "/tracks", "/series", "/series/voice")]
    paths.append(f"/v1/sessions/{clinic.session_id}/analyses")

    def ask(role: Role, path: str) -> Any:
        return clinic.client.get(path, headers={"Authorization": f"Bearer {tokens[role]}"})

    def reads() -> int:
        entries = clinic.store.audit.list_newest(object_id=clinic.session_id)
        return sum(entry.action == "read" for entry in entries)

    for path in paths:
        before = reads()
        nowhere = path.replace(clinic.analysis_id, OTHER).replace(clinic.session_id, OTHER)
        for role in (Role.VIEWER, Role.CLINICIAN):
            stranger = ask(role, path)
            nobody = ask(role, nowhere)
            assert (stranger.status_code, nobody.status_code) == (404, 404)
            hidden = stranger.text.replace(clinic.analysis_id, OTHER).replace(clinic.session_id, OTHER)
            assert hidden == nobody.text
        assert reads() == before, "nothing was read"
        for role in (Role.ADMINISTRATOR, Role.RESEARCHER):
            answer = ask(role, path)
            assert answer.status_code == 200
            assert LABEL not in answer.text
        assert reads() == before + 2
    clinic.store.shares.add(subject_id=clinic.subject_id, account_id=clinic.store.accounts.get(name="viewer").id)
    assert ask(Role.VIEWER, clinic.path()).status_code == 200
