"""Who speaks when, as the Session page draws and measures it."""

from __future__ import annotations

from analysis_samples import sample_transcription, sample_turns

from fer_phq.core.analysis import SpeakerChoice
from fer_phq.speakers import Turn
from fer_phq.speakers.files.series import BY_PART, BY_VOICES, turn_series
from fer_phq.speakers.messages import BY_VOICES as TOLD_BY_VOICES
from fer_phq.speakers.messages import ONE_SPEAKER, SUBJECT_UNKNOWN
from service.views.speech.turns import TurnsView

MEDIANS = ("turn_median_s", "response_median_s")


def test_turns_have_the_words_that_were_recognised_in_them() -> None:
    view = TurnsView(sample_turns(2), SpeakerChoice.MOUTH, 30.0, sample_transcription())
    assert view.speakers == [2, 1], "the subject is first"
    assert view.table[["start_s", "speaker", "text", "is_subject"]].values.tolist() == [
        [0.5, 1, "I have been sleeping badly", False],
        [3.0, 2, "(?) =Yes", True],
        [5.0, 1, "", False],
    ]


def test_without_a_known_subject_nobody_is_one() -> None:
    view = TurnsView(sample_turns(None), SpeakerChoice.MOUTH_STILL, 30.0)
    assert view.speakers == [1, 2]
    assert not view.table["is_subject"].any()
    assert view.table["text"].tolist() == ["", "", ""]


def test_what_is_missing_has_its_reason_once() -> None:
    view = TurnsView(sample_turns(1), SpeakerChoice.MOUTH, 30.0)
    assert (view.reasons, view.has_few(MEDIANS)) == ([], True)
    assert not view.has_few(("speech_share",))
    assert view.taking.warnings == (TOLD_BY_VOICES(),)
    alone = TurnsView(turn_series((Turn(0.0, 9.0, 1, 1.0),), 1, BY_VOICES), SpeakerChoice.MOUTH, 30.0)
    assert (alone.reasons, alone.has_few(MEDIANS)) == ([ONE_SPEAKER()], False)
    assert alone.taking.speakers[1]["speaking_share"].value == 0.3


def test_enough_events_have_a_median() -> None:
    turns = tuple(Turn(4.0 * n, 4.0 * n + 3, 1 + n % 2, 1.0) for n in range(14))
    view = TurnsView(turn_series(turns, 1, BY_PART), SpeakerChoice.TRANSCRIPT, 60.0)
    assert view.taking.talk["response_median_s"].value == 1.0
    assert view.taking.speakers[2]["turn_median_s"].events == 7
    assert view.taking.warnings == ()


def test_the_measures_that_are_followed_have_values_or_reasons() -> None:
    turns = tuple(Turn(4.0 * n, 4.0 * n + 3, 1 + n % 2, 1.0) for n in range(30))
    view = TurnsView(turn_series(turns, 1, BY_PART), SpeakerChoice.TRANSCRIPT, 120.0)
    assert view.measures["response_time"] == 1000.0, "milliseconds"
    assert view.measures["turns_at_talk_a_minute"] == 7.5
    assert set(view.missing) == {"turn_pause"}
    unknown = TurnsView(turn_series(turns, None, BY_PART), SpeakerChoice.MOUTH_STILL, 120.0)
    assert set(unknown.measures) == {"overlap_share", "silence_share"}
    assert set(unknown.missing.values()) == {SUBJECT_UNKNOWN()}
