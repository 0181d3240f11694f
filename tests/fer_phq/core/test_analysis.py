import dataclasses
import json
from dataclasses import replace

import numpy as np
import pytest
from behaviour_samples import sample_behaviour, with_hidden_eyes

from fer_phq.core import texts
from fer_phq.core.analysis import (
    RecordingInfo,
    Sampling,
    SessionAnalysis,
    Settings,
    Timeline,
    Timing,
    check_face,
    roll_of_landmarks,
    usable_features,
)
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import SettingsError
from fer_phq.core.messages import from_json, literal
from fer_phq.core.phq import Modality, PhqEstimate, PhqUnavailable, Provenance, Scale, UnavailableReason

UPRIGHT = np.array([(-1, -1), (1, -1), (0, 0), (-0.8, 1), (0.8, 1)], np.float32)


def timeline(has_face: list[bool]) -> Timeline:
    n, seen = len(has_face), np.array(has_face, dtype=bool)
    rng = np.random.default_rng(1)
    emotions = rng.dirichlet(np.ones(7), n).astype(np.float32)
    columns = {
        "emotions": emotions,
        "box": rng.uniform(0, 100, (n, 4)).astype(np.float32),
        "landmarks": (rng.uniform(0, 100, (n, 1, 2)) + 20 * UPRIGHT).astype(np.float32),
        "detection_score": rng.uniform(0.5, 1, n).astype(np.float32),
        "quality": rng.uniform(0, 1, n).astype(np.float32),
    }
    for column in columns.values():
        column[~seen] = np.nan
    return Timeline(time_s=np.arange(n) / 2, **columns)


RECORDING = RecordingInfo("a.mp4", "0" * 64, 2.0, 320, 240, "h264", 90, False)


def analysis(has_face: list[bool], **changes: object) -> SessionAnalysis:
    fields = {
        "recording": RECORDING,
        "model_id": "m-1",
        "sampling": Sampling(),
        "timeline": timeline(has_face),
        "embeddings": np.zeros((sum(has_face), 4), np.float32),
        "phq": PhqUnavailable(UnavailableReason.TOO_SHORT),
        "tracks": (),
        "warnings": (literal("one"),),
        "timing": Timing(0.1, 0.2, 0.3, 0.4),
    }
    return SessionAnalysis(**(fields | changes))


def test_coverage_counts_time_with_a_face():
    assert analysis([True, False, True, True]).coverage == 0.75
    assert analysis([]).coverage == 0.0


def test_the_distribution_is_the_mean_over_frames_with_a_face_only():
    result = analysis([True, False, True])
    expected = result.timeline.emotions[[0, 2]].mean(axis=0)
    np.testing.assert_allclose(result.emotion_distribution, expected, rtol=1e-5)
    assert result.dominant_emotion == EMOTIONS[int(expected.argmax())]


def test_without_a_face_there_is_no_distribution():
    result = analysis([False, False])
    assert result.emotion_distribution is None
    assert result.dominant_emotion is None
    assert result.to_dict()["emotions"] is None


def test_the_document_is_json_with_gaps_as_null():
    document = json.loads(json.dumps(analysis([True, False]).to_dict(), allow_nan=False))
    seen, gap = document["timeline"]
    assert list(seen["emotions"]) == list(EMOTIONS)
    assert len(seen["box"]) == 4
    assert gap == {
        "time_s": 0.5,
        "duration_s": 0.5,
        "emotions": None,
        "box": None,
        "detection_score": None,
        "quality": None,
    }
    assert document["phq"]["unavailable"] == "too_short"
    assert document["sampling"] == {"fps": 2.0, "key_frames": False, "frames_sampled": 2}
    assert document["recording"]["rotation"] == 90
    stages = {"decode", "detect", "embed", "heads", "listen", "behaviour"}
    assert set(document["timing"]) == {*stages, "device", "precision"}


def test_the_document_says_what_is_wrong_in_english_and_as_facts():
    seldom = analysis([True, False, False, False], warnings=(texts.LOW_COVERAGE(), literal("old")))
    document = replace(seldom, phq=check_face(seldom, Settings())).to_dict()
    assert document["warnings"] == ["the face was seen in too little of the recording", "old"]
    assert [from_json(message) for message in document["messages"]] == list(seldom.warnings)
    assert document["phq"] == {
        "unavailable": "low_coverage",
        "detail": "the face was seen in 25% of the recording, below 30%",
        "code": "core.coverage_below_floor",
        "params": {"coverage": 0.25, "floor": 0.3},
    }
    before = analysis([True], phq=PhqUnavailable(UnavailableReason.TOO_SHORT, literal("only two"))).to_dict()["phq"]
    assert before == {"unavailable": "too_short", "detail": "only two", "code": "", "params": {}}


def test_a_face_that_is_seen_briefly_is_too_short():
    few = Settings(min_face_frames=3)
    brief = replace(analysis([True, True]), recording=replace(RECORDING, duration_s=1.0))
    assert str(check_face(brief, few).detail) == "the face was seen for 1.0 s, less than 1.5 s"
    assert check_face(analysis([True, True, True]), few) is None
    held = replace(timeline([True, True]), end_s=1.5)
    assert check_face(replace(brief, timeline=held), few) is None, "one picture may be held long"


def turned(degrees: float):
    """Landmarks of a face that tilts to its right shoulder, which is at the picture's left."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return UPRIGHT @ np.array([[cos, -sin], [sin, cos]], np.float32)


@pytest.mark.parametrize("degrees", [0, 30, -30, 90, -90, 170, -170])
def test_the_roll_of_landmarks_is_that_of_the_head(degrees):
    assert roll_of_landmarks(turned(degrees) * 40 + 200) == pytest.approx(degrees, abs=0.01)
    assert np.isnan(roll_of_landmarks(np.full((5, 2), np.nan, np.float32)))
    assert np.isnan(roll_of_landmarks(np.full((5, 2), 7, np.float32)))


def test_a_face_that_lies_for_more_than_half_of_its_time_has_no_estimate():
    seen = analysis([True] * 8)
    few = Settings(min_face_frames=3)
    for lying, share in ((4, None), (5, "62%")):
        landmarks = np.stack([turned(100 if row < lying else 5) for row in range(8)])
        reason = check_face(replace(seen, timeline=replace(seen.timeline, landmarks=landmarks)), few)
        assert (reason is None) == (share is None)
        assert share is None or f"in {share} of the time" in str(reason.message)


def test_coverage_is_time_seen_of_the_recordings_duration():
    """The camera is off after 1.5 s of 10 s; the sound goes on."""
    seen = replace(timeline([True, True, True]), end_s=1.5)
    off = replace(analysis([True, True, True]), recording=replace(RECORDING, duration_s=10.0), timeline=seen)
    assert off.coverage == pytest.approx(0.15)
    assert str(check_face(off, Settings()).detail) == "the face was seen in 15% of the recording, below 30%"


def test_shares_are_means_over_time():
    """A picture that is held for 5 s weighs as much as ten of half a second."""
    few, many = timeline([True, True]), timeline([True] * 12)
    many.emotions[:10] = few.emotions[0]
    many.emotions[10:] = few.emotions[1]
    held = replace(few, time_s=np.array([0.0, 5.0]), end_s=6.0)
    recording = replace(RECORDING, duration_s=6.0)
    one = analysis([True, True], timeline=held, recording=recording)
    other = analysis([True] * 12, timeline=replace(many, end_s=6.0), recording=recording)
    np.testing.assert_allclose(one.emotion_distribution, other.emotion_distribution, atol=1e-6)
    np.testing.assert_array_equal(held.to_frame()["duration_s"], [5.0, 1.0])
    assert one.coverage == other.coverage == 1


def test_the_document_carries_interval_and_provenance_with_a_score():
    phq = PhqEstimate(12.0, 4.0, 20.0, 0.9, Scale.PHQ8, Provenance.SIMULATED, "m-1", (Modality.FACE,))
    shown = analysis([True], phq=phq).to_dict()["phq"]
    assert shown["provenance"] == "simulated"
    assert (shown["score"], shown["low"], shown["high"], shown["band"]) == (12.0, 4.0, 20.0, "moderate")


def test_embeddings_must_match_the_frames_with_a_face():
    with pytest.raises(ValueError, match="embeddings"):
        analysis([True, True], embeddings=np.zeros((1, 4), np.float32))


@pytest.mark.parametrize("fps", [0, -1, 1000, float("nan")])
def test_impossible_sampling_rates_are_refused(fps):
    with pytest.raises(ValueError, match="sampling rate"):
        Sampling(fps=fps)


def test_results_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        analysis([True]).model_id = "other"  # type: ignore[misc]


@pytest.mark.parametrize("value", ["fast", "-1", "61", "nan", "inf"])
def test_an_impossible_face_rate_of_the_environment_is_told(monkeypatch, value):
    monkeypatch.setenv("FERPHQ_FACE_RATE", value)
    with pytest.raises(SettingsError, match=f"FERPHQ_FACE_RATE is '{value}': it must be 0 for no face mesh"):
        Settings()


@pytest.mark.parametrize("value", [None, "fast", -1, 61.0, float("nan")])
def test_an_impossible_face_rate_of_settings_is_told(value):
    with pytest.raises(ValueError, match=f"must be 0 for none, or at most 60 frames/s, got {value}"):
        Settings(face_rate=value)


def test_the_face_rate_is_thirty_or_the_environments(monkeypatch):
    monkeypatch.delenv("FERPHQ_FACE_RATE")
    assert Settings().face_rate == 30
    assert not Settings(Sampling(key_frames=True)).follows_mesh
    monkeypatch.setenv("FERPHQ_FACE_RATE", "12.5")
    assert Settings().face_rate == 12.5
    assert not Settings(face_rate=0).follows_mesh


@pytest.mark.usefixtures("default_face_rate")
@pytest.mark.parametrize("rate", [{}, {"face_rate": None}])
def test_settings_of_an_earlier_version_follow_no_mesh(rate):
    stored = {name: value for name, value in dataclasses.asdict(Settings()).items() if name != "face_rate"}
    assert Settings.from_dict({**stored, **rate}).face_rate == 0
    assert Settings.from_dict({**stored, "face_rate": 24.0}).face_rate == 24


@pytest.mark.parametrize(("value", "is_on"), [("", True), ("1", True), ("On", True), ("0", False), ("false", False)])
def test_who_speaks_is_told_unless_the_environment_says_no(monkeypatch, value, is_on):
    monkeypatch.setenv("FERPHQ_SPEECH", value)
    assert Settings().speech is is_on
    assert Settings(speech=not is_on).speech is not is_on


def test_an_environment_that_says_neither_yes_nor_no_is_told(monkeypatch):
    monkeypatch.setenv("FERPHQ_SPEECH", "perhaps")
    with pytest.raises(SettingsError, match="FERPHQ_SPEECH is 'perhaps': it must be 1"):
        Settings()


@pytest.mark.parametrize(("value", "is_on"), [("", False), ("1", True), ("0", False)])
def test_words_are_recognised_only_where_somebody_said_so(monkeypatch, value, is_on):
    monkeypatch.setenv("FERPHQ_RECOGNITION", value)
    assert Settings().recognition is is_on
    stored = dataclasses.asdict(Settings(recognition=True))
    assert Settings.from_dict(stored).recognition
    del stored["recognition"]
    assert not Settings.from_dict(stored).recognition
    monkeypatch.setenv("FERPHQ_RECOGNITION", "perhaps")
    with pytest.raises(SettingsError, match="FERPHQ_RECOGNITION is 'perhaps': it must be 1"):
        Settings()


@pytest.mark.usefixtures("default_speech")
def test_settings_of_an_earlier_version_do_not_tell_who_speaks():
    stored = dataclasses.asdict(Settings())
    assert Settings.from_dict(stored).speech
    del stored["speech"]
    assert not Settings.from_dict(stored).speech


@pytest.mark.parametrize(
    "turns", [((2.0, 1.0),), ((-1.0, 1.0),), ((0.0, float("inf")),), ((0.0, 2.0), (1.0, 3.0)), ((1.0, 1.0001),)]
)
def test_impossible_turns_of_the_chosen_speaker_are_refused(turns):
    with pytest.raises(ValueError, match="subject's turns"):
        Settings(speech=True, subject_turns=turns)


def test_a_speaker_is_not_chosen_where_nobody_asks_who_speaks():
    with pytest.raises(ValueError, match="either, not both"):
        Settings(speech=False, subject_turns=((0.0, 1.0),))


def test_behaviour_that_was_measured_in_too_little_of_the_recording_is_not_read():
    """Heads, eyes and mouth must be seen for as long as a face; the face and its measures stay."""
    recording = replace(RECORDING, duration_s=40.0)
    lasting = replace(timeline([True] * 4), time_s=np.arange(4) * 10.0, end_s=40.0)
    followed = sample_behaviour(seconds=40.0)
    visible = analysis([True] * 4, recording=recording, timeline=lasting, behaviour=followed)
    settings = Settings(min_face_frames=3)
    assert check_face(visible, settings) is None
    assert usable_features(visible, settings).behaviour is followed
    for unread in (with_hidden_eyes(followed), sample_behaviour(seconds=40.0, gap=(5.0, 40.0))):
        features = usable_features(replace(visible, behaviour=unread), settings)
        assert features.behaviour is None
        assert features.face is not None
    gaps = replace(timeline([True] + [False] * 3), time_s=lasting.time_s, end_s=40.0)
    seldom = analysis([True] + [False] * 3, recording=recording, timeline=gaps, behaviour=followed)
    assert usable_features(seldom, settings).behaviour is None, "it goes with the face that it is of"


def test_behaviour_of_a_face_that_was_never_followed_is_no_modality():
    unseen = sample_behaviour(seconds=4.0, gap=(0.0, 4.0))
    empty = analysis([False] * 4, behaviour=unseen)
    assert empty.features.modalities == ()
    assert empty.to_dict()["modalities"] == []
    assert empty.behaviour is unseen
    visible = analysis([True] * 4, behaviour=sample_behaviour(seconds=4.0))
    assert visible.to_dict()["modalities"] == ["face", "behaviour"]
