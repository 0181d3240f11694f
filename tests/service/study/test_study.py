"""A study holds the sessions that may leave, under pseudonyms, explains itself, and is whole or not there."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import sqlite3
import tracemalloc
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
import yaml
from analysis_samples import (
    MONDAY,
    sample_analysis,
    sample_estimate,
    sample_recording,
    sample_turns,
    sample_voice,
    sample_words,
)
from typer.testing import CliRunner

from db.actors import Actor, Role
from db.records import CohortFilter, Consent
from db.store import Store
from fer_phq.core.analysis import SpeakerChoice
from fer_phq.core.errors import SettingsError
from fer_phq.core.phq import Scale
from fer_phq.models.checkpoint import find_bundle
from service import cli
from service.settings import AppSettings
from service.study.export import begin_study, stream_study, study_files, write_study
from service.study.links import read_study_request, study_url
from service.study.methods import methods
from service.study.selection import Omission, StudyError, StudyRequest, load_answers, load_study
from service.study.tables import ENTRIES

CONSENT = Consent(at=MONDAY, by="Ottilie's mother", text_version="1")
REAL = StudyRequest(CohortFilter(demo=False))
LABELS = ("Ottilie", "Zebulon")


def keep(
    store: Store,
    subject_id: str,
    name: str,
    day: float = 0,
    *,
    consent: Consent | None = CONSENT,
    is_demo: bool = False,
    speaker_choice: SpeakerChoice | None = None,
    measures: Mapping[str, float] | None = None,
    **measured: object,
) -> str:
    """The id of an analysed session."""
    recording = sample_recording(name)
    session = store.sessions.create(
        subject_id=subject_id,
        recorded_at=MONDAY + timedelta(days=day),
        recording=recording,
        original_name=f"Ottilie {name}.mp4",
        media_path=None,
        consent=consent,
        is_demo=is_demo,
    )
    model = find_bundle().model_id
    choices: dict[str, object] = {"model_id": model, "phq": sample_estimate(model_id=model), **measured}
    analysis = sample_analysis(recording, voice=sample_voice(), **choices)  # type: ignore[arg-type]
    analysis = replace(analysis, turns=sample_turns(2), speaker_choice=speaker_choice)
    store.analyses.save(session_id=session.id, analysis=analysis, measures=measures)
    return session.id


@pytest.fixture
def people(store: Store) -> tuple[str, str]:
    """Two people with two sessions each, and a session for each reason to be left out; their ids."""
    first, second = (store.subjects.create(label=label).id for label in LABELS)
    for number in range(2):
        keep(store, first, f"a{number}", number)
        keep(store, second, f"b{number}", number)
    store.subjects.set_tags(subject_id=first, tags=["=1+1"])
    keep(store, first, "without consent", 2, consent=None)
    store.sessions.withdraw_consent(session_id=keep(store, second, "withdrawn", 2))
    keep(store, first, "made up", 3, consent=None, is_demo=True)
    waiting = sample_recording("waits")
    store.sessions.create(
        subject_id=first,
        recorded_at=MONDAY,
        recording=waiting,
        original_name="Ottilie waits",
        media_path=None,
        consent=CONSENT,
    )
    store.questionnaires.save(subject_id=first, scale=Scale.PHQ9, items=[1] * 9, answered_at=MONDAY)
    store.notes.add(session_id=keep(store, first, "noted", 4), words="Ottilie weeps")
    return first, second


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("people")
def test_only_sessions_with_a_standing_consent_leave_and_the_others_are_counted(store: Store) -> None:
    study = load_study(store, REAL)
    assert (len(study.sessions), study.people) == (5, 2)
    assert study.omissions == {
        Omission.DEMONSTRATION: 1,
        Omission.WITHDRAWN: 1,
        Omission.NO_CONSENT: 1,
        Omission.NOT_ANALYSED: 1,
    }
    with_made_up = load_study(store, StudyRequest(CohortFilter()))
    assert (len(with_made_up.sessions), with_made_up.demonstrations) == (6, 1)
    assert "1 of these sessions is a demonstration" in str(with_made_up.sentences[0])
    later = load_study(store, StudyRequest(CohortFilter(demo=False, since=MONDAY + timedelta(days=1))))
    assert len(later.sessions) == 3
    tagged = load_study(store, StudyRequest(CohortFilter(demo=False, tags=("=1+1",))))
    assert tagged.people == 1
    seen = load_study(store, StudyRequest(CohortFilter(demo=False, min_coverage=0.95)))
    assert seen.omissions[Omission.COVERAGE] == 5


@pytest.mark.usefixtures("people")
def test_a_study_is_whole_explains_itself_and_names_nobody(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "study"
    report = write_study(store, replace(REAL, title='Arm "A"', authors=("A. Miller",)), out)
    files = contents(out)
    assert report.files == len(files)
    assert out.stat().st_mode & 0o077 == 0
    everything = b"".join(files.values())
    assert not [label for label in LABELS if label.encode() in everything]
    sums = dict(reversed(line.split("  ")) for line in files["SHA256SUMS"].decode().splitlines())
    assert sums == {name: hashlib.sha256(body).hexdigest() for name, body in files.items() if name != "SHA256SUMS"}
    assert store.audit.list_newest(limit=1)[0].detail == "5 sessions of 2 people"

    said = files["METHODS.md"].decode()
    assert "5 recordings of 2 people, made from 2026-03-02 to 2026-03-06" in said
    assert "Faces were sampled at 2 frames a second (5 sessions)" in said
    assert "the voice in 5 sessions" in said
    assert "The voice is everybody's in 5 sessions." in said
    assert "1 PHQ-9 of 1 person, totals of 9 points" in said
    assert "1 person answered none." in said
    assert "4 further sessions of the filter were left out" in said
    assert "1 no consent" in said
    assert "The head that comes with fer-phq is one of them" in said
    assert "must not be reported as results" in said
    assert "demonstrations: made up" not in said

    cff = yaml.safe_load(files["CITATION.cff"])
    assert (cff["cff-version"], cff["type"], cff["title"]) == ("1.2.0", "dataset", 'Arm "A"')
    assert cff["authors"] == [{"name": "A. Miller"}]
    body = json.loads(files["study.json"])
    (model,) = body["models"]
    assert model["phq"]["provenance"] == "simulated"
    assert f"models/{model['model_id']}/MODEL_CARD.md" in files
    assert body["left_out"]["withdrawn"] == 1
    assert b"An erasure in the installation does not reach this folder" in files["README.md"]


def test_the_methods_say_whose_voice_it_is_and_who_wrote_the_words(store: Store, tmp_path: Path) -> None:
    subject_id = store.subjects.create(label="A").id
    for day, (choice, share) in enumerate(((SpeakerChoice.MOUTH, 1.0), (SpeakerChoice.TRANSCRIPT, 0.0))):
        measures = {"recognised_share": share}
        keep(store, subject_id, choice, day, speaker_choice=choice, words=sample_words(), measures=measures)
    keep(store, subject_id, "c", 2, speaker_choice=SpeakerChoice.MOUTH_STILL)
    keep(store, subject_id, "d", 3, speaker_choice=SpeakerChoice.MOUTH)
    write_study(store, REAL, tmp_path / "study")
    said = (tmp_path / "study" / "METHODS.md").read_text()
    assert "The voice is the subject's, found by mouth, in 2 sessions, " in said
    assert "the subject's, found by transcript, in 1 session" in said
    assert "everybody's in 1 session" in said
    assert "words in 2 sessions" in said
    assert "the words were recognised in 1 session and given in 1 session." in said
    assert "In 1 session it is not known which speaker is the subject." in said


@pytest.mark.usefixtures("people")
def test_csv_and_parquet_hold_the_columns_of_the_dictionary_and_the_same_numbers(store: Store, tmp_path: Path) -> None:
    write_study(store, REAL, tmp_path / "study")
    dictionary = (tmp_path / "study" / "DATA_DICTIONARY.md").read_text()
    written = {path.stem for path in (tmp_path / "study").glob("*.csv")}
    assert written == {"sessions", "questionnaires", "frames", "voice", "turns"}, "nobody has words or episodes"
    for entry in ENTRIES:
        assert (f"(`{entry.name}`)" in dictionary) == (entry.name in written)
    for entry in (entry for entry in ENTRIES if entry.name in written):
        parquet = pd.read_parquet(tmp_path / "study" / f"{entry.name}.parquet")
        text = pd.read_csv(tmp_path / "study" / f"{entry.name}.csv")
        names = [column.name for column in entry.columns]
        assert list(parquet.columns) == list(text.columns) == names
        assert len(parquet) == len(text) > 0
        for name in parquet.select_dtypes("number"):
            pd.testing.assert_series_equal(
                parquet[name].astype("float64"), text[name].astype("float64"), check_exact=True
            )
    sessions = pd.read_csv(tmp_path / "study" / "sessions.csv")
    assert sessions["pseudonym"].str.fullmatch(r"R-\w+").all()
    assert set(sessions["tags"].dropna()) == {"'=1+1"}, "no spreadsheet calculates it"
    frames = pd.read_parquet(tmp_path / "study" / "frames.parquet")
    assert frames.groupby("session_id").size().tolist() == [20] * 5
    turns = pd.read_parquet(tmp_path / "study" / "turns.parquet")
    assert turns["is_subject"].dtype == "boolean"


def test_it_is_the_same_whoever_asks_and_holds_only_what_they_see(
    settings: AppSettings, store: Store, people: tuple[str, str]
) -> None:
    def pseudonyms(actor: Actor) -> set[str]:
        with Store(settings.database_url, actor=lambda: actor) as limited:
            return set(load_study(limited, REAL).sessions["pseudonym"])

    everybody = set(load_study(store, REAL).sessions["pseudonym"])
    assert pseudonyms(Actor("dashboard", "r", "", "r", Role.RESEARCHER)) == everybody
    assert pseudonyms(Actor("dashboard", "c", "", "c", Role.CLINICIAN)) == set()


@pytest.mark.usefixtures("people")
def test_a_consent_that_is_withdrawn_meanwhile_ends_the_export(store: Store) -> None:
    study = begin_study(store, REAL)
    session_id = study.sessions["session_id"].iloc[0]

    def files() -> Iterator[str]:
        for name, pieces in study_files(store, study):
            b"".join(pieces)
            yield name

    written = files()
    assert next(written) == "sessions.csv"
    store.sessions.withdraw_consent(session_id=session_id)
    with pytest.raises(StudyError, match="thrown away"):
        list(written)


def test_a_session_that_is_erased_meanwhile_leaves_no_zip(store: Store, people: tuple[str, str]) -> None:
    pieces = stream_study(store, begin_study(store, REAL), "study")
    received = [next(pieces)]
    store.erasure.erase_subject(subject_id=people[0])
    with pytest.raises(StudyError, match="thrown away"):
        received.extend(pieces)
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(b"".join(received)))


@pytest.mark.usefixtures("people")
def test_a_zip_holds_what_the_folder_holds(store: Store, tmp_path: Path) -> None:
    write_study(store, REAL, tmp_path / "study")
    sent = b"".join(stream_study(store, begin_study(store, REAL), "study"))
    with zipfile.ZipFile(io.BytesIO(sent)) as archive:
        assert archive.testzip() is None
        assert {name.removeprefix("study/") for name in archive.namelist()} == set(contents(tmp_path / "study"))
        assert archive.read("study/frames.parquet") == (tmp_path / "study" / "frames.parquet").read_bytes()


@pytest.mark.usefixtures("people")
def test_an_export_that_breaks_off_leaves_nothing(settings: AppSettings, store: Store, tmp_path: Path) -> None:
    database = sqlite3.connect(settings.data_dir / "fer-phq.db")
    database.execute(
        "CREATE TRIGGER erasure AFTER INSERT ON audit WHEN NEW.action = 'export' BEGIN DELETE FROM analyses; END"
    )
    database.commit()
    with pytest.raises(StudyError, match="thrown away"):
        write_study(store, REAL, tmp_path / "study")
    assert not [path for path in tmp_path.iterdir() if "study" in path.name]
    database.close()


@pytest.mark.usefixtures("people")
def test_what_a_killed_export_left_goes_and_another_one_is_left_alone(store: Store, tmp_path: Path) -> None:
    killed = tmp_path / ".study.4194305.part"  # above the largest number of a process
    running = tmp_path / f".study.{os.getppid()}.part"
    for draft in (killed, running):
        draft.mkdir()
    write_study(store, REAL, tmp_path / "study")
    assert not killed.exists()
    assert running.exists()
    with pytest.raises(StudyError, match="holds something already"):
        write_study(store, REAL, tmp_path / "study")
    with pytest.raises(StudyError, match="cannot be written"):
        write_study(store, REAL, Path("/dev/null/study"))


@pytest.mark.usefixtures("people")
def test_a_folder_that_cannot_be_made_is_said(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StudyError, match="too long"):
        write_study(store, REAL, tmp_path / ("long" * 100))
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    for here in (Path(), empty):
        with pytest.raises(StudyError, match="not the current one"):
            write_study(store, REAL, here)


def test_a_median_of_totals_keeps_its_half(store: Store, people: tuple[str, str]) -> None:
    store.questionnaires.save(subject_id=people[1], scale=Scale.PHQ9, items=[1] * 8 + [2], answered_at=MONDAY)
    study = load_study(store, REAL)
    said = methods(study, (), load_answers(store, study))
    assert "2 PHQ-9 of 2 people, totals of 9.5 points (median; 9 to 10)" in said


def test_without_a_session_that_may_leave_nothing_is_written(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="No session has the tags and dates"):
        write_study(store, REAL, tmp_path / "study")
    keep(store, store.subjects.create(label="A").id, "one", consent=None)
    with pytest.raises(StudyError, match="so no study is written: 1 is left out as no consent is recorded for it"):
        write_study(store, REAL, tmp_path / "study")
    assert not list(tmp_path.glob("*study*"))


@pytest.mark.slow
def test_memory_is_bounded_by_a_session(store: Store) -> None:
    subject = store.subjects.create(label="A").id

    def peak() -> int:
        tracemalloc.start()
        for _, pieces in study_files(store, begin_study(store, REAL)):
            for _ in pieces:
                pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    for number in range(4):
        keep(store, subject, f"{number}", frames=1000)
    few = peak()
    for number in range(4, 12):
        keep(store, subject, f"{number}", frames=1000)
    assert peak() < 1.5 * few


def test_an_address_holds_what_the_study_is_made_of(settings: AppSettings) -> None:
    cohort = CohortFilter(("arm A",), MONDAY, MONDAY + timedelta(days=9), "model-a", 0.5, demo=False)
    request = StudyRequest(cohort, "model-b", "Title", ("A", "B"))
    token = study_url(settings, request, browser="one").partition("token=")[2]
    assert read_study_request(settings, token, browser="one") == request
    with pytest.raises(Exception, match="link"):
        read_study_request(settings, token, browser="another")


@pytest.mark.usefixtures("people")
def test_the_command_says_what_it_wrote_and_what_it_left_out(
    settings: AppSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FERPHQ_DATA_DIR", str(settings.data_dir))
    monkeypatch.delenv("FERPHQ_MODEL", raising=False)

    def run(*args: str) -> str:
        command = ["study", "export", "--out", str(tmp_path / "out"), *args]
        return CliRunner().invoke(cli.app, command, catch_exceptions=False).output

    with pytest.raises(SettingsError, match="Nobody has the tag 'arm B': there are =1\\+1"):
        run("--tag", "arm B")
    with pytest.raises(SettingsError, match="No session was analysed by the model 'x'"):
        run("--model", "x")
    said = run("--tag", "=1+1", "--since", "2026-03-02", "--until", "2026-03-03")
    assert "2 sessions of 1 person" in said
    assert "trained on simulated labels" in said
    assert "1 is left out as it has no analysis" in said
    with (tmp_path / "out" / "questionnaires.csv").open() as file:
        assert [row["total"] for row in csv.DictReader(file)] == ["9"]
