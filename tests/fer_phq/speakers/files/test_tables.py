"""Turns as a series, a table and a part of a JSON document."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fer_phq.core.analysis import SpeakerChoice
from fer_phq.speakers import Turn, messages
from fer_phq.speakers.files.series import BY_PART, BY_VOICES, COLUMNS, subject_of, turn_series, turns_of
from fer_phq.speakers.files.tables import TURN_COLUMNS, speech_document, turn_table

TURNS = (Turn(0.5, 3.25, 1, 0.75), Turn(3.0, 4.0, 2, 0.5), Turn(5.0, 7.5, 1, 1.0))


@pytest.mark.parametrize("subject", [None, 1, 2])
def test_a_series_gives_its_turns_back(subject):
    series = turn_series(TURNS, subject, BY_VOICES)
    assert (series.kind, series.names) == (BY_VOICES, COLUMNS)
    assert turns_of(series) == TURNS
    assert subject_of(series) == subject
    is_subject = series.values[:, COLUMNS.index("is_subject")]
    assert (
        np.isnan(is_subject).all()
        if subject is None
        else is_subject.tolist() == [float(turn.speaker == subject) for turn in TURNS]
    )


def test_a_recording_without_a_turn_has_a_series_without_rows():
    series = turn_series((), None, BY_VOICES)
    assert len(series) == 0
    assert turns_of(series) == ()
    assert subject_of(series) is None
    assert list(turn_table(series)) == list(TURN_COLUMNS)
    document = speech_document(series, None, 0.0)
    assert document["speakers"] == document["warnings"] == []
    assert document["subject"] == {"speaker": None, "chosen_by": None, "unknown_because": None}
    assert document["talk"]["responses"] == {"value": None, "events": None, "reason": str(messages.NO_TURNS())}


def test_whether_it_is_the_subject_is_empty_where_that_is_not_known():
    assert turn_table(turn_series(TURNS, 2, BY_VOICES)).to_csv(index=False).splitlines() == [
        "start_s,end_s,speaker,is_subject,confidence",
        "0.5,3.25,1,False,0.75",
        "3.0,4.0,2,True,0.5",
        "5.0,7.5,1,False,1.0",
    ]
    assert turn_table(turn_series(TURNS, None, BY_VOICES)).to_csv(index=False).splitlines()[1] == "0.5,3.25,1,,0.75"


def test_a_document_says_who_the_subject_is_or_why_that_is_not_known():
    known = json.loads(json.dumps(speech_document(turn_series(TURNS, 2, BY_VOICES), SpeakerChoice.TRANSCRIPT, 10.0)))
    assert [{name: speaker[name] for name in speaker if name != "measures"} for speaker in known["speakers"]] == [
        {"speaker": 1, "is_subject": False, "turns": 2, "speech_s": 5.25},
        {"speaker": 2, "is_subject": True, "turns": 1, "speech_s": 1.0},
    ]
    assert known["subject"] == {"speaker": 2, "chosen_by": "transcript", "unknown_because": None}
    unknown = speech_document(turn_series(TURNS, None, BY_VOICES), SpeakerChoice.MOUTH_STILL, 10.0)
    assert [speaker["is_subject"] for speaker in unknown["speakers"]] == [None, None]
    assert unknown["subject"] == {"speaker": None, "chosen_by": None, "unknown_because": "mouth_still"}


def test_a_document_measures_how_turns_are_taken():
    """Speaker 1 speaks for 2.75 and 2.5 s, speaker 2 for a second that begins 0.25 s before the other's end."""
    document = json.loads(json.dumps(speech_document(turn_series(TURNS, 1, BY_VOICES), SpeakerChoice.MOUTH, 10.0)))
    assert document["told_by"] == "voices"
    assert document["warnings"] == [str(messages.BY_VOICES())]
    first, second = (speaker["measures"] for speaker in document["speakers"])
    assert first["speaking_share"]["value"] == 0.525
    assert second["speech_share"]["value"] == 0.16
    assert document["talk"]["responses"]["value"] == 2
    few = str(messages.FEW_EVENTS(count=2, least=5))
    assert document["talk"]["response_median_s"] == {"value": None, "events": 2, "reason": few}
    by_part = speech_document(turn_series(TURNS, 1, BY_PART), SpeakerChoice.MOUTH, 10.0)
    assert (by_part["told_by"], by_part["warnings"]) == ("parts", [])


def test_turns_of_a_separate_sound_may_go_on_after_the_recording():
    document = speech_document(turn_series(TURNS, None, BY_VOICES), SpeakerChoice.NO_MOUTH, 5.0)
    assert document["speakers"][0]["measures"]["speaking_share"]["value"] == 0.7  # 5.25 of 7.5 s
