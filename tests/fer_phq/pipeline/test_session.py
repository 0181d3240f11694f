"""The whole path on real files with the shipped weights: what a recording shows is what comes out, gaps included."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import recordings as make
from PIL import Image
from skimage import data

from fer_phq import analyze, analyze_image, load_model
from fer_phq.core.analysis import Sampling, Settings, Step, usable_features
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import AnalysisCancelled, RecordingError, SettingsError
from fer_phq.core.phq import Modality, PhqEstimate, PhqUnavailable, Provenance, UnavailableReason
from fer_phq.pipeline import messages

CLIP = Path(__file__).parents[4] / "shared" / "clips" / "single_face.mp4"


@pytest.fixture(scope="module")
def model():
    return load_model()


def test_a_smiling_face_is_happiness_in_every_sampled_frame(recordings, model):
    result = analyze(recordings(seconds=6, fps=4, audio=True), model)
    assert len(result.timeline) == 12
    np.testing.assert_allclose(result.timeline.time_s, np.arange(12) / 2, atol=0.26)
    assert result.coverage == 1.0
    assert result.dominant_emotion == "happiness"
    assert result.embeddings.shape == (12, model.dim)
    assert result.recording.has_audio
    assert result.warnings == (messages.NO_BEHAVIOUR(),)
    assert result.timing.device == result.to_dict()["timing"]["device"] == "cpu"
    assert result.timing.precision == result.to_dict()["timing"]["precision"] == model.bundle.config.precision


@pytest.mark.usefixtures("default_face_rate")
def test_behaviour_is_measured_in_every_frame_where_nothing_is_said(recordings, model):
    result = analyze(recordings(seconds=2, fps=25, motion="moving"), model)
    assert len(result.behaviour) == 50
    assert np.isfinite(result.behaviour.values[:, 0]).mean() > 0.7
    assert result.warnings == ()
    without = analyze(recordings(seconds=2, fps=25, motion="moving"), model, Settings(face_rate=0))
    np.testing.assert_array_equal(result.timeline.emotions, without.timeline.emotions)
    assert result.phq == without.phq


def test_an_estimate_says_by_what_and_from_what(recordings, model):
    result = analyze(recordings(seconds=8, fps=4, motion="moving"), model)
    assert isinstance(result.phq, PhqEstimate)
    assert result.phq.provenance is Provenance.SIMULATED
    assert result.phq.model_id == result.model_id == model.model_id
    assert result.phq.modalities == (Modality.FACE,)


@pytest.mark.parametrize("seconds", [6, 30])
def test_a_picture_that_never_moves_is_unlike_any_session(recordings, model, seconds: int):
    result = analyze(recordings(seconds=seconds, fps=4, audio=True), model)
    assert result.phq.reason is UnavailableReason.OUT_OF_DISTRIBUTION
    assert "still picture" in str(result.phq.message)


def test_frames_without_the_face_stay_as_gaps(recordings, model):
    result = analyze(recordings(seconds=9, fps=4, motion="leaving"), model)
    seen = result.timeline.has_face
    assert len(seen) == 18
    assert seen[:5].all()
    assert seen[-5:].all()
    assert not seen[8:10].any()
    assert np.isnan(result.timeline.emotions[~seen]).all()
    np.testing.assert_allclose(result.timeline.emotions[seen].sum(axis=1), 1, atol=1e-4)
    assert 0.5 < result.coverage < 0.9


def test_two_people_give_two_tracks_and_one_series(recordings, model):
    path = recordings(seconds=5, fps=4, faces=2, motion="moving")
    result = analyze(path, model)
    assert len(result.tracks) == 2
    assert "other face track" in str(result.warnings[0])
    chosen = next(track for track in result.tracks if track.is_subject)
    other = next(track for track in result.tracks if not track.is_subject)
    switched = analyze(path, model, Settings(track=other.track))
    middle = (result.timeline.box[:, 0] + result.timeline.box[:, 2]) / 2
    others = (switched.timeline.box[:, 0] + switched.timeline.box[:, 2]) / 2
    side = np.sign(np.nanmedian(middle) - 160)
    assert (np.sign(middle[~np.isnan(middle)] - 160) == side).all()
    assert (np.sign(others[~np.isnan(others)] - 160) == -side).all()
    assert next(track for track in switched.tracks if track.is_subject).track == other.track != chosen.track


def test_a_track_that_does_not_exist_is_one_sentence(recordings, model):
    with pytest.raises(SettingsError, match="no face track 9"):
        analyze(recordings(seconds=2, fps=4), model, Settings(track=9))


def test_no_face_is_a_result_without_an_estimate(recordings, model):
    result = analyze(recordings(seconds=3, fps=4, faces=0), model)
    assert result.coverage == 0
    assert result.phq == PhqUnavailable(UnavailableReason.NO_FACE)
    assert any("No face was found" in str(warning) for warning in result.warnings)
    assert result.embeddings.shape == (0, model.dim)


def test_too_few_frames_and_too_low_coverage_have_no_estimate(recordings, model):
    short = analyze(recordings(seconds=2, fps=4), model)
    assert short.phq.reason is UnavailableReason.TOO_SHORT
    floor = Settings(coverage_floor=0.95)
    leaving = analyze(recordings(seconds=9, fps=4, motion="leaving"), model, floor)
    assert leaving.phq.reason is UnavailableReason.LOW_COVERAGE


@pytest.mark.parametrize(("rotation", "degrees"), [(90, 270), (270, 90)])
def test_a_recording_that_lies_on_its_side_says_so_and_has_no_estimate(recordings, model, tmp_path, rotation, degrees):
    """As a telephone's without its mark of rotation."""
    turned = make.set_rotation(
        shutil.copy(recordings(seconds=6, fps=4, motion="moving"), tmp_path / "turned.mp4"), rotation
    )
    result = analyze(turned, model, Settings(face_rate=4))
    assert result.coverage > 0.8
    assert messages.FACE_ON_ITS_SIDE(share=1.0, degrees=degrees) in result.warnings
    assert (result.phq.reason, result.phq.message.code) == (UnavailableReason.OUT_OF_DISTRIBUTION, "core.face_turned")
    assert np.isnan(result.behaviour.values[:, 1:]).all()
    assert usable_features(result, Settings()).face is None


def test_a_recording_that_is_upside_down_says_so(recordings, model, tmp_path):
    turned = make.set_rotation(shutil.copy(recordings(seconds=6, fps=4, motion="moving"), tmp_path / "turned.mp4"), 180)
    result = analyze(turned, model)
    assert result.coverage > 0
    assert any(warning.code == messages.FACE_UPSIDE_DOWN.code for warning in result.warnings)
    assert isinstance(result.phq, PhqUnavailable)


@pytest.mark.slow
def test_rotation_and_large_pictures_keep_boxes_in_displayed_pixels(recordings, model):
    upright = analyze(recordings(seconds=2, fps=4, size=(240, 320)), model)
    turned = analyze(recordings(seconds=2, fps=4, size=(240, 320), rotation=90), model)
    assert (turned.recording.width, turned.recording.height) == (240, 320)
    np.testing.assert_allclose(turned.timeline.box, upright.timeline.box, atol=12)
    reduced = analyze(recordings(seconds=2, fps=4, size=(240, 320)), model, Settings(max_side=200))
    np.testing.assert_allclose(reduced.timeline.box, upright.timeline.box, atol=16)


def test_chunks_do_not_change_the_result(recordings, model):
    path = recordings(seconds=6, fps=4, motion="moving")
    whole, parts = (analyze(path, model, Settings(chunk_frames=n)) for n in (16, 5))
    np.testing.assert_allclose(parts.timeline.emotions, whole.timeline.emotions, atol=1e-3)


def test_progress_is_told_and_cancels(recordings, model):
    path, seen = recordings(seconds=6, fps=4), []
    analyze(path, model, Settings(chunk_frames=4), seen.append)
    faces, rest = [p for p in seen if p.step is Step.FACES], [p for p in seen if p.step is not Step.FACES]
    assert [(p.step, p.done) for p in faces] == [(Step.FACES, 4), (Step.FACES, 8), (Step.FACES, 12)]
    assert [(p.step, p.done) for p in rest] == [(Step.ESTIMATE, 0), (Step.ESTIMATE, 1)]
    assert seen == faces + rest
    assert all(p.total >= p.done for p in seen)

    def cancel(progress):
        raise AnalysisCancelled("Stopped.")

    with pytest.raises(AnalysisCancelled):
        analyze(path, model, on_progress=cancel)


def test_key_frames_are_fewer(recordings, model):
    path = recordings(seconds=6, fps=4, gop=8)
    result = analyze(path, model, Settings(sampling=Sampling(key_frames=True)))
    assert len(result.timeline) == 3
    assert result.to_dict()["sampling"]["fps"] is None


@pytest.mark.parametrize("build", ["empty", "text", "audio_only", "truncated"])
def test_what_is_no_recording_is_one_sentence(recordings, model, build):
    with pytest.raises(RecordingError) as error:
        analyze(getattr(recordings, build)(), model)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_an_8k_recording_is_analysed(recordings, model):
    result = analyze(recordings.huge(), model)
    assert result.recording.width == 7680
    assert len(result.timeline) >= 1


def test_a_picture_gives_its_faces(model):
    (face,) = analyze_image(data.astronaut(), model)
    assert EMOTIONS[int(face.emotions.argmax())] == "happiness"
    assert face.detection_score > 0.7
    x0, y0, x1, y1 = face.box
    assert 170 < x0 < 200 < 250 < x1 < 290
    assert 50 < y0 < 90 < 150 < y1 < 200
    assert face.crop.dtype == np.uint8


def test_a_picture_without_faces_gives_none_and_nonsense_is_refused(model):
    assert analyze_image(np.full((200, 200, 3), 120, np.uint8), model) == []
    with pytest.raises(ValueError, match="uint8 RGB"):
        analyze_image(np.zeros((9, 9), np.uint8), model)


@pytest.mark.parametrize("picture", [None, "face.png", Path("face.png"), [[[0, 0, 0]]], Image.new("RGB", (9, 9))])
def test_what_is_no_array_is_refused_as_documented(picture):
    with pytest.raises(ValueError, match="uint8 RGB"):
        analyze_image(picture)


@pytest.mark.corpora
@pytest.mark.skipif(not CLIP.is_file(), reason="no clip at hand")
def test_a_real_recording_is_analysed(model):
    result = analyze(CLIP, model, Settings(sampling=Sampling(fps=12)))
    assert result.timeline.has_face.all()
    assert result.coverage == pytest.approx(2.4 / result.recording.duration_s)  # the sound is 18 ms longer
    assert result.dominant_emotion == "happiness"
    assert isinstance(result.phq, PhqUnavailable)
    assert result.phq.reason is UnavailableReason.TOO_SHORT  # 2.4 s of face
