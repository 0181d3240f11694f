"""Two sessions side by side: what is subtracted, and what must not be."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from analysis_samples import sample_turns
from synthetic_sessions import Plan, recording_info, synthetic_analysis

from db.records import Consent
from fer_phq.core.analysis import SpeakerChoice
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.phq import Modality, PhqEstimate, Provenance, Scale
from fer_phq.features.measures import VERSION
from service.views.pairs.sessions import load_session_pair

BEGIN = datetime(2026, 3, 1, 10, tzinfo=UTC)
BASE = {"version": VERSION, "smiling_share": 0.2, "head_speed": 3.0, "looking_down_share": 0.1, "face_rate": 30.0}


@pytest.fixture
def analysed(store):
    """Return a function that stores an analysis with measures, of a session of its own, and returns its summary."""
    subject = store.subjects.get_or_create(label="P-1")

    def save(number, measures, model_id="model-a", **found):
        recording = recording_info(number, 60)
        session = store.sessions.create(
            subject_id=subject.id,
            recorded_at=BEGIN.replace(day=number),
            recording=recording,
            original_name=f"{number}.mp4",
            media_path=None,
            consent=Consent(at=BEGIN, by="AB", text_version="1"),
        )
        analysis = synthetic_analysis(number, Plan(seconds=60.0, model_id=model_id), recording)
        store.analyses.save(session_id=session.id, analysis=replace(analysis, **found), measures=measures)
        return store.sessions.get_detail(session_id=session.id).analyses[0]

    return save


def names(measures):
    return {measure.name for measure in measures}


def test_the_later_session_less_the_earlier_one(store, analysed):
    earlier = analysed(1, BASE | {"gaze_share": 0.9})
    later = analysed(2, BASE | {"smiling_share": 0.5, "gaze_share": 0.8})
    pair = load_session_pair(store, earlier, later)
    differences = {row.measure.name: row.difference for row in pair.pairs}
    assert differences == pytest.approx({"smiling_share": 0.3, "head_speed": 0.0, "looking_down_share": 0.0})
    assert pair.unlike == ()


@pytest.mark.parametrize(
    ("change", "unlike"),
    [
        ({"version": VERSION - 1}, {"smiling_share", "head_speed", "looking_down_share"}),
        ({"face_rate": 12.0}, {"head_speed", "looking_down_share"}),
        ({"gaze_share": 0.0}, {"looking_down_share"}),
        ({"recognised_share": 1.0}, {"words_a_minute"}),
    ],
)
def test_what_was_measured_differently_is_named_and_not_subtracted(store, analysed, change, unlike):
    values = BASE | {"gaze_share": 0.9, "words_a_minute": 120.0, "recognised_share": 0.0}
    pair = load_session_pair(store, analysed(1, values), analysed(2, values | change))
    unlike = unlike if "version" not in change else unlike | {"words_a_minute"}
    assert names(pair.unlike) == unlike
    compared = {"smiling_share", "head_speed", "looking_down_share", "words_a_minute"} - unlike
    assert names(row.measure for row in pair.pairs) == compared


def test_voices_and_turns_that_were_told_otherwise_are_not_subtracted(store, analysed):
    values = BASE | {"pitch_sd": 2.0, "response_time": 300.0, "silence_share": 0.2}
    mouth = analysed(1, values, turns=sample_turns(1), speaker_choice=SpeakerChoice.MOUTH)
    transcript = analysed(2, values, turns=sample_turns(1), speaker_choice=SpeakerChoice.TRANSCRIPT)
    pair = load_session_pair(store, mouth, transcript)
    assert names(pair.unlike) == {"pitch_sd", "response_time"}
    assert "silence_share" in names(row.measure for row in pair.pairs)
    again = analysed(3, values, turns=sample_turns(2), speaker_choice=SpeakerChoice.MOUTH)
    assert load_session_pair(store, mouth, again).unlike == ()


def test_two_models_share_nothing_and_what_one_session_lacks_is_left_out(store, analysed):
    earlier = analysed(1, {"version": VERSION, "smiling_share": 0.2})
    assert load_session_pair(store, earlier, analysed(2, BASE, "model-b")).pairs == ()
    pair = load_session_pair(store, earlier, analysed(3, BASE))
    assert names(row.measure for row in pair.pairs) == {"smiling_share"}
    assert pair.unlike == ()


def test_emotions_are_subtracted_where_one_model_counted_them_by_time(store, analysed):
    earlier = analysed(1, BASE)
    later = analysed(2, BASE)
    pair = load_session_pair(store, earlier, later)
    assert [row.measure.name for row in pair.shares] == list(EMOTIONS)
    for row in pair.shares:
        assert row.difference == pytest.approx(later.emotions[row.measure.name] - earlier.emotions[row.measure.name])
    assert not pair.are_shares_unlike
    for other in (analysed(3, BASE, "model-b"), replace(later, counts_by_frames=True)):
        unlike = load_session_pair(store, earlier, other)
        assert (unlike.shares, unlike.are_shares_unlike) == ((), True)
    blind = load_session_pair(store, earlier, replace(later, emotions=None))
    assert (blind.shares, blind.are_shares_unlike) == ((), False)


@pytest.mark.parametrize(
    ("change", "difference", "overlap"),
    [
        ({}, 2.0, True),
        ({"low": 11.5, "score": 12.0, "high": 14.0}, 5.0, False),
        ({"model_id": "another"}, None, True),
        ({"modalities": (Modality.VOICE,)}, None, True),
        ({"provenance": Provenance.SIMULATED}, None, True),
    ],
)
def test_estimates_are_subtracted_where_one_clinical_head_made_both(store, analysed, change, difference, overlap):
    head = {"scale": Scale.PHQ8, "level": 0.9, "model_id": "clinic", "modalities": (Modality.FACE,)}
    first = PhqEstimate(score=7.0, low=4.0, high=10.0, provenance=Provenance.CLINICAL, **head)
    second = replace(first, **{"score": 9.0, "low": 6.0, "high": 12.0, **change})
    pair = load_session_pair(store, analysed(1, BASE, phq=first), analysed(2, BASE, phq=second))
    assert (pair.earlier, pair.later) == (first, second)
    assert (pair.estimate_difference, pair.do_intervals_overlap) == (difference, overlap)
