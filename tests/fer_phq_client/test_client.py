"""The client against a real server on a socket: answers with types, tables with the stored numbers, problems, pages."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_type_hints

import httpx2
import pandas as pd
import pytest
from analysis_samples import MONDAY, new_session, sample_analysis, sample_recording, sample_turns, sample_voice
from api_server import serving
from migrated import migrate

import service.demo
import training.simulation.puppet
from dashboard.exports.reports.files import write_session_report
from db.actors import Role
from db.records import JobState
from db.store import Store
from fer_phq.core.analysis import SpeakerChoice
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.phq import PhqUnavailable, UnavailableReason
from fer_phq_client import Client, IncompleteError, ProblemError, answers, connection, sending, tables
from service.access.accounts import add_account, create_token
from service.api.v1 import application
from service.api.v1.alone import create_app
from service.api.v1.application import create_api
from service.api.v1.pictures.predictor import MOST_REQUESTS, RETRY_SECONDS, Predictor
from service.ingest.media import file_sha256
from service.ingest.partial_uploads import PartialUpload, PartialUploads
from service.settings import AppSettings
from service.views.exports import frames_table
from service.views.session import load_analysis_view

PORTRAIT = Path(training.simulation.puppet.__file__).with_name("portrait.jpg")
CLIP = Path(service.demo.__file__).with_name("clips") / "demonstration-1.mp4"
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Server:
    """A server with accounts, on a socket of this machine, and what it holds."""

    url: str
    token: str
    settings: AppSettings
    store: Store
    predictor: Predictor
    subject_id: str
    session_id: str
    analysis_id: str

    def client(self, **options: Any) -> Client:
        return Client(self.url, options.pop("token", self.token), **options)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = AppSettings(data_dir=tmp_path_factory.mktemp("client") / "data")
    settings.prepare()
    migrate(settings.database_url)
    predictors: list[Predictor] = []

    def new_predictor(*arguments: Any) -> Predictor:
        predictors.append(Predictor(*arguments))
        return predictors[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "Predictor", new_predictor)
        app = create_app(settings, write_report=write_session_report)
    with Store(settings.database_url) as store:
        subject = store.subjects.create(label="P01")
        session = new_session(store, subject.id)
        store.analyses.save(
            session_id=session.id,
            analysis=sample_analysis(model_id="model-b", phq=PhqUnavailable(UnavailableReason.NO_HEAD)),
        )
        analysis_id = store.analyses.save(
            session_id=session.id, analysis=sample_analysis(voice=sample_voice()), measures={"expressivity": 0.25}
        )
        add_account(store, "Admin", Role.ADMINISTRATOR, PASSWORD)
        token = create_token(store, "Admin", "script", ("read", "upload", "write"), 1)[0]
        ids = (subject.id, session.id, analysis_id)
        with serving(app) as url:
            yield Server(url, token, settings, store, predictors[0], *ids)


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with server.client() as opened:
        yield opened


@pytest.mark.parametrize("kind", ["arrow", "json"])
def test_a_timeline_is_the_stored_one(
    server: Server, client: Client, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer_phq_client.client.table_format", lambda: kind)
    frame = client.timeline(server.analysis_id)
    stored = frames_table(load_analysis_view(server.store, server.analysis_id))
    pd.testing.assert_frame_equal(frame, stored, check_dtype=kind == "arrow", check_exact=True)
    assert frame["anger"].isna().sum() == 2, "a gap is a gap"
    assert (frame.attrs["model_id"], frame.attrs["analysis_id"]) == ("model-a", server.analysis_id)
    assert "not a diagnosis" in frame.attrs["note"]


@pytest.mark.parametrize("kind", ["arrow", "json"])
def test_what_an_analysis_holds(server: Server, client: Client, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_phq_client.client.table_format", lambda: kind)
    analysis = client.analysis(server.analysis_id)
    assert analysis["phq"]["state"] == "estimate"
    assert analysis["phq"]["provenance"] == "simulated"
    assert client.current_analysis(server.session_id) == server.analysis_id
    assert [series["name"] for series in client.series_list(server.analysis_id)] == ["voice"]
    assert len(client.series(server.analysis_id, "voice")) == 30
    cohort = client.cohort(min_coverage=0.1)
    assert cohort["session_id"].tolist() == [server.session_id]
    assert cohort["recorded_at"].tolist() == [pd.Timestamp(MONDAY)]
    assert client.cohort(tag=["a", "b"]).empty
    assert client.report(server.session_id, "html").startswith(b"<!doctype html>")
    assert list(client.jobs(session_id=server.session_id)) == []


def test_who_there_is_and_what_was_recorded(server: Server, client: Client) -> None:
    (subject,) = client.subjects()
    assert subject == client.subject(server.subject_id)
    assert (subject["label"], subject["sessions"]) == ("P01", 1)
    (session,) = client.sessions(server.subject_id)
    assert session == client.session(server.session_id)
    assert session["analysis_id"] == server.analysis_id
    assert list(client.sessions(until="2020-01-01T00:00:00Z")) == []


def test_a_subject_over_time_is_a_table(server: Server, client: Client) -> None:
    trends = client.trends(server.subject_id)
    assert [session["analysis_id"] for session in trends["sessions"]] == [server.analysis_id]
    table = client.trend_table(server.subject_id)
    stored = server.store.trends.load(subject_id=server.subject_id, measures=["expressivity"])
    for column in ("analysis_id", "recorded_at", "coverage", *EMOTIONS, "phq_score", "phq_low", "phq_provenance"):
        assert table[column].tolist() == stored[column].tolist(), column
    assert table["expressivity"].tolist() == [0.25]
    assert table.attrs["subject_id"] == server.subject_id
    assert any("simulated" in note for note in table.attrs["notes"])
    of_other = client.trend_table(server.subject_id, model_id="model-b")
    assert of_other["phq_unavailable"].tolist() == ["no_head"]
    assert of_other["phq_score"].isna().all()
    empty = client.trend_table(server.subject_id, model_id="model-c")
    assert (len(empty), list(empty)[:3]) == (0, list(table)[:3])


@pytest.mark.parametrize("kind", ["arrow", "json"])
def test_two_periods_are_a_table(server: Server, client: Client, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_phq_client.client.table_format", lambda: kind)
    day = MONDAY.date()
    week = (day, day + timedelta(days=6))
    later = (day + timedelta(days=7), day + timedelta(days=13))
    periods = client.periods(server.subject_id, week, later)
    row = periods.set_index("measure").loc["expressivity"]
    assert (row["first_count"], row["first_mean"], row["second_count"], row["verdict"]) == (1, 0.25, 0, "nothing")
    assert (periods.attrs["second"], "no proof" in periods.attrs["spread"]) == (f"{later[0]}/{later[1]}", True)
    assert client.periods(server.subject_id).empty, "one day cannot be halved"
    with pytest.raises(ValueError, match="both"):
        client.periods(server.subject_id, week)


def test_lists_are_read_page_after_page(server: Server, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PAGE", 1)
    models = [analysis["model_id"] for analysis in client.analyses(server.session_id)]
    assert models == ["model-a", "model-b"]


@pytest.mark.slow
def test_pictures_are_read_from_bytes_and_files(client: Client) -> None:
    """Loading the model takes half a minute; how pictures travel is tried below, too."""
    prediction = client.predict([PORTRAIT.read_bytes(), PORTRAIT])
    first, second = prediction["results"]
    assert first["faces"] == second["faces"]
    assert len(first["faces"]) == 1


def test_more_pictures_than_can_be_are_a_problem(client: Client) -> None:
    with pytest.raises(ProblemError) as refusal:
        client.predict([PORTRAIT, *[b"x"] * 32])
    assert (refusal.value.status, refusal.value.code) == (422, "api.too_many_pictures")


def test_a_problem_has_code_params_and_status(server: Server, client: Client) -> None:
    with pytest.raises(ProblemError, match="holds no series") as refusal:
        client.series(server.analysis_id, "face")
    assert (refusal.value.status, refusal.value.code) == (404, "api.no_such_series")
    assert refusal.value.params == {"names": ["voice"]}
    with server.client(token=None) as stranger, pytest.raises(ProblemError) as refusal:
        stranger.timeline(server.analysis_id)
    assert (refusal.value.status, refusal.value.code) == (401, "access.login_needed")
    with pytest.raises(ProblemError) as refusal:
        client.analysis("../subjects")
    assert refusal.value.status == 404


def test_a_busy_server_is_asked_again_when_it_says(server: Server) -> None:
    pauses: list[float] = []
    with ExitStack() as held:
        for _ in range(MOST_REQUESTS):
            held.enter_context(server.predictor.slot())

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 2:
                held.close()

        with server.client(sleep=sleep) as client, pytest.raises(ProblemError) as refusal:
            client.predict([b"x"] * 33)
    assert (refusal.value.status, pauses) == (422, [RETRY_SECONDS] * 2)
    with ExitStack() as held, server.client(sleep=pauses.append) as client:
        for _ in range(MOST_REQUESTS):
            held.enter_context(server.predictor.slot())
        with pytest.raises(ProblemError) as refusal:
            client.predict(b"none")
    assert (refusal.value.status, refusal.value.code) == (503, "api.busy")
    assert len(pauses) == 2 + connection.TRIES - 1


class _Cuts(httpx2.HTTPTransport):
    """The network, which loses the answer of each second piece."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = super().handle_request(request)
        if request.method == "PATCH":
            self.pieces += 1
            if self.pieces % 2 == 0:
                answer.close()
                raise httpx2.ReadError("cut", request=request)
        return answer


def test_a_recording_is_sent_in_pieces_and_goes_on_after_a_cut(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PIECE_BYTES", CLIP.stat().st_size // 5)
    facts = _facts(server)
    network = _Cuts()
    words = tmp_path / "words.vtt"
    words.write_text("WEBVTT\n\n00:00.100 --> 00:00.400\n<v Anna>How?\n\n00:00.500 --> 00:00.900\n<v Ben>Well.\n")
    with server.client(transport=network, sleep=lambda seconds: None) as client:
        with pytest.raises(ProblemError, match="Anna, Ben"):
            client.upload(CLIP, transcript=words, **facts)
        with pytest.raises(ValueError, match="transcript"):
            client.upload(CLIP, speaker="Ben", **facts)
        session = client.upload(CLIP, transcript=words, speaker="Ben", fps=1, **facts)
        assert network.pieces == 6
        stored = client.session(session["session_id"])
        transcript = server.store.transcripts.get(session_id=stored["id"])
        assert (transcript and transcript.speaker) == "Ben"
        assert server.store.jobs.get(job_id=str(session["job_id"])).settings == {"fps": 1.0}
        assert (stored["original_name"], stored["sha256"]) == (CLIP.name, file_sha256(CLIP))
        assert client.job(str(session["job_id"]))["state"] == "queued"
        again = client.upload(CLIP, **facts)
        assert (again["session_id"], again["duplicate"]) == (session["session_id"], True)
        with pytest.raises(ProblemError) as refusal:
            client.upload(PORTRAIT, **facts)
        assert refusal.value.status == 422
        with pytest.raises(ValueError, match="time zone"):
            client.upload(CLIP, subject_id="x", recorded_at=MONDAY.replace(tzinfo=None), consent_by="x")
        with pytest.raises(TimeoutError):
            client.wait(str(session["job_id"]), timeout_s=0)
        server.store.jobs.set_state(job_id=str(session["job_id"]), state=JobState.CANCELLED)
        assert client.wait(str(session["job_id"]))["state"] == "cancelled"


class _Away(httpx2.HTTPTransport):
    """The network, which loses the answer of the first piece and is then away for some requests."""

    def __init__(self, requests: int) -> None:
        super().__init__()
        self.requests = requests
        self.is_cut = False

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.is_cut and self.requests:
            self.requests -= 1
            raise httpx2.ConnectError("away", request=request)
        answer = super().handle_request(request)
        if request.method == "PATCH" and not self.is_cut:
            self.is_cut = True
            answer.close()
            raise httpx2.ReadError("cut", request=request)
        return answer


def _facts(server: Server) -> dict[str, Any]:
    return {"subject_id": server.subject_id, "recorded_at": MONDAY, "consent_by": "Dr Müller"}


def test_an_upload_outlives_a_network_that_is_away_for_a_moment(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PIECE_BYTES", CLIP.stat().st_size // 2 + 1)
    with server.client(transport=_Away(sending.MOST_CUTS - 1), sleep=lambda seconds: None) as client:
        assert client.upload(CLIP, **_facts(server))["session_id"]
    pauses: list[float] = []
    with server.client(transport=_Away(100), sleep=pauses.append) as client:
        with pytest.raises(IncompleteError, match="away"):
            client.upload(CLIP, **_facts(server))
        assert pauses == [2, 4, 8, 16, 32]
        with pytest.raises(IncompleteError, match="away"):
            client.session(server.session_id)


def test_a_server_that_probes_for_longer_than_the_time_out_is_waited_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All bytes are there, the answer to the last is not, and the upload is held: 423 says to wait."""
    complete = PartialUploads.complete
    ended = threading.Event()

    def complete_slowly(uploads: PartialUploads, upload: PartialUpload) -> PartialUpload:
        ended.wait(20)
        return complete(uploads, upload)

    monkeypatch.setattr(PartialUploads, "complete", complete_slowly)
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) > 2 + sending.MOST_CUTS:
            ended.set()
            time.sleep(0.05)

    with server.client(timeout_s=0.5, sleep=sleep) as client:
        session = client.upload(CLIP, **_facts(server))
        assert client.session(session["session_id"])["sha256"] == file_sha256(CLIP)
    assert ended.is_set(), "the upload was held for more requests than the connection may be cut"
    assert max(pauses) <= 16


def test_a_recording_that_becomes_shorter_ends_the_upload(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recording = tmp_path / "shrinking.mp4"
    recording.write_bytes(CLIP.read_bytes())
    piece = CLIP.stat().st_size // 5
    monkeypatch.setattr(sending, "PIECE_BYTES", piece)

    class Shrinking(httpx2.HTTPTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.method == "PATCH":
                os.truncate(recording, piece)
            return super().handle_request(request)

    with server.client(transport=Shrinking()) as client, pytest.raises(ValueError, match="became shorter"):
        client.upload(recording, **_facts(server))


def test_an_address_that_others_could_read_along_is_refused() -> None:
    for url in ("ftp://127.0.0.1", "127.0.0.1:8600", "http://clinic.example", "http://192.0.2.1:8600"):
        with pytest.raises(ValueError, match="https"):
            Client(url)
    for url in ("http://localhost:1", "http://[::1]:1", "https://clinic.example"):
        Client(url).close()


def test_a_table_that_broke_off_is_none(server: Server) -> None:
    with server.client() as client:
        whole = client._connection.get(f"/v1/analyses/{server.analysis_id}/timeline", format="arrow").content
    with pytest.raises(IncompleteError):
        tables.read_table(whole[:-100], "arrow")
    with pytest.raises(IncompleteError):
        tables.read_table(b'{"name": "x", "items": [', "json")


def test_a_sessions_transcript_is_replaced_and_its_face_tracks_are_listed(
    server: Server, client: Client, tmp_path: Path
) -> None:
    session = new_session(server.store, server.subject_id, "words.mp4")
    words = tmp_path / "words.vtt"
    words.write_text("WEBVTT\n\n00:00.100 --> 00:00.400\n<v Anna>Hello.\n\n00:00.500 --> 00:00.900\n<v Ben>Hello.\n")
    with pytest.raises(ProblemError) as refusal:
        client.replace_transcript(session.id, words)
    assert refusal.value.code == "api.speaker_needed"
    said = client.replace_transcript(session.id, words, speaker="ben")
    assert (said["name"], said["speaker"], said["is_analysed"]) == ("words.vtt", "Ben", False)
    assert client.transcript(session.id) == said
    client.remove_transcript(session.id)
    assert not server.store.transcripts.exists(session_id=session.id)
    tracks = client.face_tracks(server.analysis_id)
    assert [track["track"] for track in tracks if track["is_subject"]] == [0]
    assert len(tracks) == 2


def test_speakers_are_listed_and_one_is_chosen(server: Server, client: Client) -> None:
    session = new_session(server.store, server.subject_id, "talk.mp4")
    analysis = replace(
        sample_analysis(sample_recording("talk.mp4")), turns=sample_turns(1), speaker_choice=SpeakerChoice.MOUTH
    )
    analysis_id = server.store.analyses.save(session_id=session.id, analysis=analysis)
    speakers = client.speakers(analysis_id)
    assert [(speaker["speaker"], speaker["is_subject"]) for speaker in speakers] == [(1, True), (2, False)]
    with pytest.raises(ProblemError) as refusal:
        client.choose_speaker(analysis_id, 9)
    assert refusal.value.code == "jobs.unknown_speaker"


def test_the_types_are_those_of_the_document(server: Server) -> None:
    schemas = create_api(server.settings, server.store).openapi()["components"]["schemas"]
    names = {"Analysis": "AnalysisItem", "Picture": "PictureResult", "Subject": "SubjectItem", "Session": "SessionItem"}
    names |= {"Consent": "ConsentItem"}
    kinds = [
        value for value in vars(answers).values() if isinstance(value, type) and value.__module__ == answers.__name__
    ]
    assert len(kinds) > 10
    for kind in kinds:
        assert set(get_type_hints(kind)) == set(schemas[names.get(kind.__name__, kind.__name__)]["properties"]), kind
