"""Tables to take away: nothing is lost on the way, and the data dictionary knows every column."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from analysis_samples import MONDAY, new_session, sample_analysis

from db.records import CohortFilter
from db.store import Store
from fer_phq.channels import Channel
from fer_phq.measures import MEASURES
from fer_phq.phq import Scale
from fer_phq.voice.features import COLUMNS
from fer_phq.voice.features import KIND as PROSODY
from fer_phq.words.features import MINILM, PLAIN_NAMES
from service import dictionary
from service.tables import as_csv, as_json, as_parquet, frames_table, voice_table, words_table

DOCS = Path(__file__).parents[2] / "docs"


def names(entry: dictionary.TableEntry) -> list[str]:
    return [column.name for column in entry.columns]


@pytest.fixture
def analysis_id(store: Store) -> str:
    rng = np.random.default_rng(0)
    voice = Channel(
        rng.normal(size=(30, len(COLUMNS))).astype(np.float32), (np.arange(30) + 0.5) / 10, PROSODY, COLUMNS
    )
    columns = (*PLAIN_NAMES, *(f"embedding_{i}" for i in range(384)))
    words = Channel(rng.normal(size=(4, len(columns))).astype(np.float32), np.arange(4.0), MINILM, columns)
    session = new_session(store, store.create_subject(label="A").id)
    store.save_questionnaire(subject_id=session.subject_id, scale=Scale.PHQ9, items=[1] * 9, answered_at=MONDAY)
    return store.save_analysis(session_id=session.id, analysis=sample_analysis(voice=voice, words=words))


def test_every_column_is_in_the_dictionary(store: Store, analysis_id: str) -> None:
    (subject,) = store.list_subjects()
    voice, words = voice_table(store, analysis_id), words_table(store, analysis_id)
    assert voice is not None
    assert words is not None
    assert list(frames_table(store, analysis_id)) == names(dictionary.FRAMES)
    assert list(voice) == names(dictionary.VOICE)
    assert list(words) == names(dictionary.WORDS)
    measures = [measure.name for measure in MEASURES]
    assert list(store.subject_trend(subject_id=subject.id, measures=measures)) == names(dictionary.SESSIONS)
    assert list(store.cohort_table(wanted=CohortFilter(), measures=measures)) == names(dictionary.COHORT)
    assert list(store.questionnaire_table(subject_id=subject.id)) == names(dictionary.QUESTIONNAIRES)


def test_the_dictionary_in_the_documentation_is_the_present_one() -> None:
    assert (DOCS / "DATA_DICTIONARY.md").read_text(encoding="utf-8") == dictionary.as_markdown()
    for table in dictionary.TABLES:
        assert len(set(names(table))) == len(table.columns)
        assert all(column.meaning.endswith(".") for column in table.columns)


def test_an_analysis_without_sound_has_no_such_tables(store: Store) -> None:
    session = new_session(store, store.create_subject(label="A").id)
    analysis_id = store.save_analysis(session_id=session.id, analysis=sample_analysis())
    assert voice_table(store, analysis_id) is None
    assert words_table(store, analysis_id) is None


def test_the_three_formats_hold_the_same(store: Store, analysis_id: str) -> None:
    table = frames_table(store, analysis_id)
    assert table["anger"].isna().sum() == 2
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(as_parquet(table))), table)
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(as_csv(table))).astype(table.dtypes), table)
    records = json.loads(as_json(table))
    assert records[3]["anger"] is None
    assert records[5]["anger"] == pytest.approx(table["anger"][5])


def test_an_answer_that_was_not_given_is_empty_and_the_others_stay_whole(store: Store) -> None:
    subject = store.create_subject(label="A").id
    for item, difficulty in ((0, None), (1, 2)):
        store.save_questionnaire(
            subject_id=subject, scale=Scale.PHQ8, items=[item] * 8, difficulty=difficulty, answered_at=MONDAY
        )
    table = store.questionnaire_table(subject_id=subject)
    assert pd.read_parquet(io.BytesIO(as_parquet(table)))["difficulty"].tolist() == [pd.NA, 2]
    cells = pd.read_csv(io.StringIO(as_csv(table)), dtype=str, keep_default_na=False)["difficulty"]
    assert cells.tolist() == ["", "2"]
    assert [row["difficulty"] for row in json.loads(as_json(table))] == [None, 2]


def test_times_keep_their_zone(store: Store, analysis_id: str) -> None:
    table = store.questionnaire_table(subject_id=store.list_subjects()[0].id)
    assert pd.read_parquet(io.BytesIO(as_parquet(table)))["answered_at"][0] == MONDAY
    assert pd.Timestamp(pd.read_csv(io.StringIO(as_csv(table)))["answered_at"][0]) == MONDAY
    assert pd.Timestamp(json.loads(as_json(table))[0]["answered_at"]) == MONDAY
