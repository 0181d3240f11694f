"""The shipped heads that read facial behaviour: whom they judge, whom they leave to others, and why."""

from dataclasses import replace

import numpy as np
import pytest
from analysis_samples import sample_analysis
from behaviour_samples import sample_behaviour, with_hidden_eyes

from fer_phq.core.analysis import Settings
from fer_phq.core.feature_series import SessionFeatures
from fer_phq.core.phq import Modality, PhqEstimate, PhqUnavailable, UnavailableReason
from fer_phq.models import messages
from fer_phq.models.model import FerPhqModel, load_model
from fer_phq.pipeline.session import with_estimate
from training.simulation.behaviour.frames import draw_frames, look_at
from training.simulation.speech import SpeechLinks, draw_speaker, draw_voice


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture(scope="module")
def frames():
    return draw_frames(60, np.random.default_rng(5))


def heads_of(model, has):
    """The model with those of its heads whose modalities are so."""
    config = model.bundle.config
    positions = [i for i, modalities in enumerate(config.phq.modalities) if has(modalities)]
    phq = replace(config.phq, heads=tuple(config.phq.heads[i] for i in positions))
    bundle = replace(model.bundle, config=replace(config, phq=phq))
    return FerPhqModel(bundle, model._encoder, model._emotions, tuple(model.heads[i] for i in positions))


def test_behaviour_alone_gives_an_estimate_that_says_so(model, frames):
    result = model.estimate_phq(SessionFeatures(behaviour=look_at(frames, 30.0)))
    assert isinstance(result, PhqEstimate)
    assert result.modalities == (Modality.BEHAVIOUR,)


def test_the_estimate_hardly_depends_on_how_often_the_face_was_looked_at(model, frames):
    scores = [model.estimate_phq(SessionFeatures(behaviour=look_at(frames, rate))).score for rate in (15.0, 25.0, 30.0)]
    assert np.ptp(scores) < 0.5


def test_below_fifteen_frames_a_second_the_session_lacks_it(model, frames):
    result = model.estimate_phq(SessionFeatures(behaviour=look_at(frames, 12.0)))
    assert isinstance(result, PhqUnavailable)
    assert result.reason is UnavailableReason.NO_HEAD
    assert str(result.detail) == (
        "the PHQ heads of the active model take face or voice or words or facial behaviour of the kind they were "
        "trained on; the session has nothing; its facial behaviour is not read: the face was seen 12 times a second, "
        "and heads need 15"
    )


def test_behaviour_of_an_older_store_is_not_read_and_says_so(model, frames):
    earlier = replace(look_at(frames, 30.0), kind="mesh-1")
    result = model.estimate_phq(SessionFeatures(behaviour=earlier))
    assert result.reason is UnavailableReason.NO_HEAD
    assert str(result.detail).endswith("an earlier version measured it; analyse the recording again to have it read")


def test_without_behaviour_the_session_is_judged_from_what_it_has(model, frames):
    voice = draw_voice(draw_speaker(0.3, np.zeros(6), SpeechLinks(), np.random.default_rng(0)), 60.0,
                       np.random.default_rng(0))  # fmt: skip
    alone = model.estimate_phq(SessionFeatures(voice=voice))
    assert alone.modalities == (Modality.VOICE,)
    for unread in (look_at(frames, 8.0), replace(look_at(frames, 30.0), kind="mesh-1")):
        assert model.estimate_phq(SessionFeatures(voice=voice, behaviour=unread)) == alone
    both = model.estimate_phq(SessionFeatures(voice=voice, behaviour=look_at(frames, 30.0)))
    assert both.modalities == (Modality.VOICE, Modality.BEHAVIOUR)
    assert both.score != alone.score


def test_a_bundle_of_before_there_was_behaviour_says_the_same_with_and_without(model, frames):
    older = heads_of(model, lambda modalities: Modality.BEHAVIOUR not in modalities)
    detail = str(older.estimate_phq(SessionFeatures(behaviour=look_at(frames, 12.0))).detail)
    assert "behaviour" not in detail.replace("the session has facial behaviour", "")
    voice = draw_voice(draw_speaker(0.3, np.zeros(6), SpeechLinks(), np.random.default_rng(0)), 60.0,
                       np.random.default_rng(0))  # fmt: skip
    alone = older.estimate_phq(SessionFeatures(voice=voice))
    assert older.estimate_phq(SessionFeatures(voice=voice, behaviour=look_at(frames, 30.0))) == alone


@pytest.mark.parametrize(
    ("behaviour", "measured"), [(with_hidden_eyes(sample_behaviour()), "0%"), (sample_behaviour(gap=(12, 60)), "20%")]
)
def test_behaviour_that_was_measured_in_too_little_of_the_recording_says_so(model, behaviour, measured):
    analysis = replace(sample_analysis(frames=120), behaviour=behaviour)
    unread = heads_of(model, lambda modalities: modalities == (Modality.BEHAVIOUR,))
    detail = str(with_estimate(analysis, unread, Settings()).phq.detail)
    assert detail == (
        "the PHQ heads of the active model take facial behaviour of the kind they were trained on; the session has "
        f"face; its facial behaviour is not read: head, eyes and mouth were measured in {measured} of the recording, "
        "and heads need 30%"
    )


def test_too_few_seconds_are_too_short(model, frames):
    result = model.estimate_phq(SessionFeatures(behaviour=look_at(frames[:180], 30.0)))
    assert result.reason is UnavailableReason.TOO_SHORT
    assert str(result.message).startswith("3 rows of facial behaviour are fewer")


def test_a_still_picture_is_refused_by_name(model, frames):
    series = look_at(frames, 30.0)
    still = replace(series, values=np.repeat(series.values[:1], len(series), axis=0))
    result = model.estimate_phq(SessionFeatures(behaviour=still))
    assert result.reason is UnavailableReason.OUT_OF_DISTRIBUTION
    assert result.detail == messages.STILL_BEHAVIOUR()


def test_behaviour_unlike_the_training_is_refused(model, frames):
    strange = frames.copy()
    strange[:, 1] = 39 * np.sin(np.arange(len(strange)) / 10)
    result = model.estimate_phq(SessionFeatures(behaviour=look_at(strange, 30.0)))
    assert result.reason is UnavailableReason.OUT_OF_DISTRIBUTION
