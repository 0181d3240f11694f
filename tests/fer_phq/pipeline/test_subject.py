"""The subject's faces among everybody's: by the program, by a track's person, or exactly as a person chose them."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib import cbook
from PIL import Image
from recordings import Recordings
from skimage import data

from fer_phq import analyze, load_model
from fer_phq.behaviour import messages as behaviour_messages
from fer_phq.core.analysis import RecordingInfo, SessionAnalysis, Settings, TrackSummary
from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import ModelError, SettingsError
from fer_phq.core.feature_series import FeatureSeries
from fer_phq.faces import Detection, Recognition, Tracker, TrackStats
from fer_phq.models.model import FerPhqModel
from fer_phq.pipeline import choose_faces
from fer_phq.pipeline.faces import warn_of_uncertain_tracks
from fer_phq.pipeline.subject import MAX_PICTURES, FaceCollector, FaceObservation, SubjectFaces, pictured_tracks
from fer_phq.video.writer import write_video

EVERYBODY = Settings(all_faces=True)
SIZE = (640, 480)
LOOKS = {"a": (200, 60, 60), "b": (60, 60, 200)}
VECTORS = {"a": np.eye(128, dtype=np.float32)[0], "b": np.eye(128, dtype=np.float32)[1]}
"""What a recognizer says of the two."""


def crop_of(look: str) -> FloatArray:
    """A crop of two colours by which people are told apart."""
    crop = np.full((96, 96, 3), LOOKS[look], np.uint8)
    crop[:48] = LOOKS[look][::-1]
    return crop


def collected(scenes: list[str], settings: Settings = EVERYBODY) -> SubjectFaces:
    """Faces of a recording of a frame a second; a scene names who is in view, `a` on the left, `b` on the right."""
    tracker, collector = Tracker(), FaceCollector(2, with_pictures=settings.all_faces)
    owners: dict[int, str] = {}
    for index, scene in enumerate(scenes):
        left = {"a": 60.0, "b": 400.0}
        found = [
            Detection((left[who], 100.0, left[who] + 100, 200.0), 0.9, np.full((5, 2), left[who], np.float32))
            for who in scene
        ]
        crops = [crop_of(who) for who in scene]
        ids = tracker.update(float(index), found, SIZE, crops)
        owners |= dict(zip(ids, scene, strict=True))
        faces = [FaceObservation(index, i, face, 0.5 + index / 100) for i, face in zip(ids, found, strict=True)]
        embeddings = np.array([[ord(who), index] for who in scene], np.float32).reshape(-1, 2)
        collector.add([float(index)], faces, embeddings, crops)
    end_s = float(len(scenes))
    info = RecordingInfo("a.mp4", "0" * 64, end_s, *SIZE, "h264", 0, has_audio=False, picture_end_s=end_s)
    tracks = [replace(t, recognition=Recognition(VECTORS[owners[t.track]], 4)) for t in tracker.tracks(end_s)]
    return collector.of_subject(tracks, settings, info)


def subject_ids(tracks: tuple[TrackSummary, ...]) -> list[int]:
    return [track.track for track in tracks if track.is_subject]


def test_everybodys_faces_stay_with_persons_times_and_pictures() -> None:
    faces = collected(["ab"] * 6 + ["a"] * 4)
    assert subject_ids(faces.tracks) == [0]
    assert [(track.person, track.seen_s) for track in faces.tracks] == [(0, 10.0), (1, 6.0)]
    assert faces.all_faces is not None
    assert len(faces.all_faces) == 16
    np.testing.assert_array_equal(faces.all_faces.embeddings[:2], [[ord("a"), 0], [ord("b"), 0]])
    assert sorted(faces.all_faces.pictures) == [0, 1]
    picture = np.asarray(Image.open(io.BytesIO(faces.all_faces.pictures[1])))
    assert picture.shape == (96, 96, 3)
    np.testing.assert_allclose(picture[70, 48], LOOKS["b"], atol=12)


def test_without_being_asked_for_others_are_not_part_of_the_result() -> None:
    assert collected(["ab"] * 6, Settings()).all_faces is None


def test_exactly_the_tracks_that_are_named_are_the_subject() -> None:
    scenes = ["a"] * 6 + [""] * 6 + ["a"] * 4 + ["b"] * 3
    assert subject_ids(collected(scenes).tracks) == [0, 1], "the person came back"
    assert subject_ids(collected(scenes, Settings(track=1)).tracks) == [0, 1]
    only = collected(scenes, Settings(tracks=(1,)))
    assert subject_ids(only.tracks) == [1]
    np.testing.assert_array_equal(only.faces.frame, [12, 13, 14, 15])
    assert subject_ids(collected(scenes, Settings(tracks=(2, 0))).tracks) == [0, 2]
    (warning, _) = only.warnings(Settings(tracks=(1,)))
    assert str(warning) == "The subject's faces were chosen by hand: face track 1."


def test_two_faces_of_one_frame_are_refused_as_one_person() -> None:
    with pytest.raises(
        SettingsError, match=r"tracks 0 and 1 are both in the picture at 2\.0 s, so they are two people"
    ):
        collected(["a", "a", "ab", "ab"], Settings(tracks=(0, 1)))
    with pytest.raises(SettingsError, match="no face track 7 in this recording; its tracks are: 0, 1"):
        collected(["ab"] * 4, Settings(tracks=(0, 7)))
    with pytest.raises(SettingsError, match="no face track 7 in this recording; its tracks are: none"):
        collected([""] * 4, Settings(tracks=(7,)))


def test_pictures_are_bounded_and_each_person_comes_first() -> None:
    persons = [tuple(range(1000))] + [(1000 + i,) for i in range(100)]
    pictured = pictured_tracks(persons)
    assert len(pictured) == MAX_PICTURES
    assert pictured[:3] == [0, 1000, 1001]
    assert 1058 in pictured
    assert 1059 not in pictured


# ------------------------------------------------------------------------------------------- by the model, real faces


@pytest.fixture(scope="module")
def model() -> FerPhqModel:
    return load_model()


@pytest.fixture(scope="module")
def two_people(recordings: Recordings, model: FerPhqModel) -> tuple[Path, SessionAnalysis]:
    """A recording of two people side by side, and its analysis with everybody's faces."""
    path = recordings(seconds=8, fps=4, faces=2, motion="moving")
    return path, analyze(path, model, EVERYBODY)


def test_a_choice_is_what_an_analysis_of_those_faces_would_be(
    two_people: tuple[Path, SessionAnalysis], model: FerPhqModel
) -> None:
    path, first = two_people
    (other,) = (track.track for track in first.tracks if not track.is_subject)
    settings = replace(EVERYBODY, tracks=(other,))
    chosen = choose_faces(first, model, settings)
    expected = analyze(path, model, settings)
    np.testing.assert_array_equal(chosen.timeline.box, expected.timeline.box)
    np.testing.assert_allclose(chosen.timeline.emotions, expected.timeline.emotions, atol=1e-6)
    assert (chosen.tracks, chosen.warnings) == (expected.tracks, expected.warnings)
    assert type(chosen.phq) is type(expected.phq)
    assert chosen.coverage == expected.coverage
    assert chosen.subject_tracks == (other,) != first.subject_tracks
    assert "chosen by hand" in str(chosen.warnings[0])
    assert not any("left out" in str(warning) for warning in chosen.warnings)
    back = choose_faces(chosen, model, replace(EVERYBODY, tracks=first.subject_tracks))
    np.testing.assert_allclose(back.timeline.emotions, first.timeline.emotions, atol=1e-6)


def test_what_was_said_of_the_behaviour_of_others_does_not_stay(
    two_people: tuple[Path, SessionAnalysis], model: FerPhqModel
) -> None:
    _, first = two_people
    time_s = np.arange(0, 8, 0.5)
    series = FeatureSeries(np.zeros((16, 1), np.float32), time_s, "mesh-2", ("presence",), np.full(16, 0.5), 2.0)
    hidden = behaviour_messages.EYES_HIDDEN(share=0.4)
    slow = behaviour_messages.TOO_SLOW_FOR_BLINKS(rate=2.0, least=15.0)
    followed = replace(first, behaviour=series, warnings=(*first.warnings, hidden, slow))
    (other,) = (track.track for track in first.tracks if not track.is_subject)
    chosen = choose_faces(followed, model, replace(EVERYBODY, tracks=(other,)))
    codes = {warning.code for warning in chosen.warnings}
    assert "pipeline.behaviour_of_other_faces" in codes
    assert not codes & {hidden.code, slow.code}


def test_a_choice_needs_the_faces_and_the_network_that_read_them(
    two_people: tuple[Path, SessionAnalysis], model: FerPhqModel
) -> None:
    _, first = two_people
    with pytest.raises(SettingsError, match="holds only the subject's faces"):
        choose_faces(replace(first, faces=None), model, replace(EVERYBODY, tracks=(0,)))
    with pytest.raises(SettingsError, match="so they are two people"):
        choose_faces(first, model, replace(EVERYBODY, tracks=(0, 1)))
    with pytest.raises(ModelError, match="read by another network"):
        choose_faces(replace(first, face_kind="other"), model, replace(EVERYBODY, tracks=(0,)))


# -------------------------------------------------------------------------------------------- a speaker view with cuts


def speaker(file: str) -> FloatArray:
    """A grey frame with a tile that shows Eileen Collins (NASA) or Grace Hopper (US Navy)."""
    if file == "hopper":
        with cbook.get_sample_data("grace_hopper.jpg") as sample:
            tile = np.asarray(Image.open(sample).convert("RGB"))[40:400, 90:450]
    else:
        tile = data.astronaut()[0:260, 90:350]
    frame = np.full((200, 320, 3), 60, np.uint8)
    frame[20:180, 80:240] = np.asarray(Image.fromarray(tile).resize((160, 160)))
    return frame


def test_only_one_of_two_speakers_who_replace_each_other_is_the_subject(model: FerPhqModel, tmp_path: Path) -> None:
    path, shots = tmp_path / "call.mp4", ["collins"] * 16 + ["hopper"] * 12 + ["collins"] * 12
    write_video(path, [speaker(person) for person in shots], (320, 200), 4)
    analysis = analyze(path, model, EVERYBODY)
    seen = np.isfinite(analysis.timeline.box[:, 0])
    assert seen.tolist() == [person == "collins" for person in shots[::2]]
    assert analysis.coverage == pytest.approx(0.7)
    assert sorted(track.seen_s for track in analysis.tracks) == [3.0, 7.0]
    assert [warning.code for warning in analysis.warnings] == ["pipeline.other_tracks", "pipeline.no_behaviour"]


def test_tracks_that_may_be_the_subjects_are_told() -> None:
    anna = VECTORS["a"]
    alike = anna + np.float32(0.5) * VECTORS["b"]
    tracks = [
        TrackStats(0, 40, 0, 20, 0.05, 0.8, Recognition(anna, 1)),
        TrackStats(1, 9, 30, 34, 0.05, 0.8, Recognition(alike, 1)),
    ]
    summaries = tuple(TrackSummary(t.track, t.frames, t.first_s, t.last_s, t.mean_area, t.track == 0) for t in tracks)
    faces = replace(collected(["a"]), tracks=summaries)
    (warning,) = warn_of_uncertain_tracks(tracks, faces)
    assert str(warning) == "Whether face track 1 is the subject's too cannot be told for sure: it was left out."
    assert warn_of_uncertain_tracks(tracks[:1], faces) == ()
