"""A face on the grid is the same whatever the recording's frame rate and however often it was sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from fer_phq.core.analysis import display_durations
from fer_phq.core.emotions import EMOTIONS, emotion_index
from fer_phq.core.errors import FeatureError
from fer_phq.core.feature_series import GRID_HZ, FeatureSeries, SessionFeatures
from fer_phq.core.phq import Modality, PhqUnavailable, UnavailableReason
from fer_phq.features.functionals import DYNAMICS, functionals
from fer_phq.features.windows import windows
from fer_phq.models.checkpoint import SHIPPED, read_bundle
from fer_phq.models.phq_head import PhqHead, load_heads
from fer_phq.timeline.grid import grid_rows, is_below_grid, to_grid
from fer_phq.video.sampling import displayed_at_rate
from training.simulation.severity import make_synthetic_bank

FACE = (Modality.FACE,)
RATES = (2.0, 5.0, 12.0, 25.0, 30.0)
SECONDS = 180.0
CAMERA_HZ = 60.0
DIM = 192


def face_head() -> PhqHead:
    """The shipped bundle's head of the face alone."""
    config = read_bundle(SHIPPED).config.phq
    assert config is not None
    heads = load_heads(config.heads, SHIPPED / "phq.safetensors")
    return next(head for head in heads if head.modalities == FACE)


HEAD = face_head()
KIND = HEAD.inputs[Modality.FACE].kind


@cache
def course(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """What a camera shows: embeddings and probabilities of 60 pictures a second, expressions of 1 to 6 seconds."""
    rng = np.random.default_rng(seed)
    bank = make_synthetic_bank(np.random.default_rng(1), dim=DIM)
    assert bank.probabilities is not None
    pictures: list[int] = []
    while len(pictures) < SECONDS * CAMERA_HZ:
        emotion = rng.choice(len(EMOTIONS), p=[0.05, 0.03, 0.04, 0.25, 0.45, 0.12, 0.06])
        pictures += [int(rng.choice(np.flatnonzero(bank.labels == emotion)))] * int(CAMERA_HZ * rng.uniform(1, 6))
    rows = np.array(pictures[: int(SECONDS * CAMERA_HZ)])
    embeddings = (bank.embeddings[rows] - bank.embeddings.mean(0)) / bank.embeddings.std(0)
    return (level("mean") + level("sd") * embeddings).astype(np.float32), bank.probabilities[rows]


def level(statistic: str) -> np.ndarray:
    """The usual mean or SD of each column of an embedding in the head's training."""
    emotions = np.full((3, len(EMOTIONS)), 1 / 7, np.float32)
    face = FeatureSeries(np.zeros((3, DIM), np.float32), np.arange(3) / 2, KIND)
    names = functionals(SessionFeatures(face=face, emotions=emotions), FACE).names
    return HEAD.centre[[names.index(f"face.level.{i}.{statistic}") for i in range(DIM)]]


def sampled(times: Sequence[float], fps: float, seed: int = 0) -> SessionFeatures:
    """The features of a recording with pictures at these times, sampled at a rate."""
    embeddings, emotions = course(seed)
    frames = [(time_s, round(time_s * CAMERA_HZ)) for time_s in times]
    frames = list(displayed_at_rate(frames, fps, SECONDS))
    time_s = np.array([time for time, _ in frames])
    rows = np.minimum(np.array([row for _, row in frames]), len(emotions) - 1)
    return SessionFeatures(
        face=FeatureSeries(embeddings[rows], time_s, KIND, duration_s=display_durations(time_s, SECONDS), rate_hz=fps),
        emotions=emotions[rows],
    )


def constant(hz: float = CAMERA_HZ) -> list[float]:
    return list(np.arange(round(SECONDS * hz)) / hz)


def variable() -> list[float]:
    """Times of a screen recorder's pictures: only where the camera's picture changes, and in places many more."""
    embeddings, _ = course()
    changes = np.r_[True, (np.diff(embeddings, axis=0) != 0).any(1)]
    changes[1200:2400] = True
    return list(np.flatnonzero(changes) / CAMERA_HZ)


@pytest.mark.parametrize("fps", RATES)
def test_functionals_do_not_depend_on_the_sampling_rate(fps: float) -> None:
    reference = functionals(sampled(constant(), GRID_HZ), FACE)
    row = functionals(sampled(constant(), fps), FACE)
    assert row.names == reference.names
    np.testing.assert_array_equal(row.values, reference.values)


@pytest.mark.parametrize("fps", [2.0, 12.0, 30.0])
def test_functionals_do_not_depend_on_the_frame_rate(fps: float) -> None:
    reference = functionals(sampled(constant(), fps), FACE)
    np.testing.assert_array_equal(functionals(sampled(variable(), fps), FACE).values, reference.values)
    slow = functionals(sampled(constant(30), fps), FACE)
    np.testing.assert_allclose(slow.values, reference.values, atol=0.2)


@pytest.mark.parametrize("seed", range(3))
def test_the_estimate_does_not_depend_on_the_rate(seed: int) -> None:
    scores = []
    for fps in RATES:
        session = HEAD.prepare(sampled(constant(), fps, seed))
        assert not isinstance(session, PhqUnavailable), session
        scores.append(float(HEAD.estimate(session, 0.9, 24)[0][0]))
    assert max(scores) - min(scores) < 1e-6
    assert min(scores) > 0


def test_below_the_grid_only_levels_are_known() -> None:
    whole = functionals(sampled(constant(), GRID_HZ), FACE)
    low = functionals(sampled(constant(), 1.0), FACE)
    for name, value, expected in zip(low.names, low.values, whole.values, strict=True):
        if name.removeprefix("face.expressions.") in DYNAMICS or name.endswith(".activity"):
            assert np.isnan(value), name
        elif name.endswith((".share", ".mean")):
            assert value == pytest.approx(expected, abs=0.06), name
        else:
            assert np.isfinite(value), name
    changes = windows(sampled(constant(), 1.0), FACE)[:, DIM + len(EMOTIONS) :]
    assert np.isnan(changes).all()


def test_below_the_grid_there_is_a_reason_for_no_estimate() -> None:
    slow = sampled(constant(), 1.0)
    refusal = HEAD.prepare(slow)
    assert isinstance(refusal, PhqUnavailable)
    assert refusal.reason is UnavailableReason.OUT_OF_DISTRIBUTION
    assert str(refusal.message) == "the recording was sampled at 1 frames/s; the PHQ head needs at least 2"
    assert slow.face is not None
    refusal = HEAD.prepare(replace(slow, face=replace(slow.face, rate_hz=0.0)))
    assert isinstance(refusal, PhqUnavailable)
    assert str(refusal.message) == "only key frames were sampled; the PHQ head needs at least 2 frames/s"


def test_a_head_that_was_trained_by_rows_is_refused() -> None:
    refusal = replace(HEAD, grid_hz=None).prepare(sampled(constant(), 2.0))
    assert isinstance(refusal, PhqUnavailable)
    assert refusal.reason is UnavailableReason.NO_HEAD
    assert "train it again" in str(refusal.message)


def test_a_minute_is_a_minute_at_any_frame_rate() -> None:
    """50 seconds of happiness are 83 % of a minute, also as five pictures that are held."""
    happy, neutral = emotion_index("happiness"), emotion_index("neutral")
    few = np.r_[np.arange(0, 50, 10.0), 50 + np.arange(100) / 10]
    many = np.arange(600) / 10
    for time_s in (few, many):
        emotions = np.eye(7, dtype=np.float32)[np.where(time_s < 50, happy, neutral)]
        face = FeatureSeries(emotions, time_s, "k", duration_s=display_durations(time_s, 60), rate_hz=10)
        row = functionals(SessionFeatures(face=face, emotions=emotions), FACE)
        numbers = dict(zip(row.names, row.values, strict=True))
        assert numbers["face.expressions.happiness.share"] == pytest.approx(50 / 60)
        assert numbers["face.expressions.transitions_a_minute"] == pytest.approx(1)
        assert numbers["face.expressions.smile_s"] == pytest.approx(50)


def test_the_grid_is_that_of_sampling() -> None:
    """The rows on the grid are the frames that sampling at the grid's rate takes, but for held ones, which repeat."""
    time_s = np.array([0.2, 0.4996, 0.51, 0.9, 1.0005, 1.0006, 3.1])
    rows, times = grid_rows(time_s, display_durations(time_s, 4.0))
    np.testing.assert_array_equal(times, [0.5, 1, 1.5, 2, 2.5, 3, 3.5])
    np.testing.assert_array_equal(rows, [1, 4, 5, 5, 5, 5, 6])
    frames = displayed_at_rate([(time, i) for i, time in enumerate(time_s)], GRID_HZ, 4.0)
    assert [row for _, row in frames] == [0, 1, 4, 5, 6]


def test_a_series_on_the_grid_stays_there() -> None:
    once = to_grid(sampled(constant(), 25.0))
    twice = to_grid(once)
    assert once.face is not None
    assert twice.face is not None
    np.testing.assert_array_equal(once.face.values, twice.face.values)
    np.testing.assert_array_equal(once.face.time_s, twice.face.time_s)
    np.testing.assert_array_equal(once.emotions, twice.emotions)
    low = to_grid(sampled(constant(), 1.0))
    assert low.face is not None
    assert is_below_grid(low.face)
    untimed = SessionFeatures(face=FeatureSeries(np.ones((3, 2), np.float32)))
    assert to_grid(untimed) is untimed


def test_without_durations_a_row_lasts_until_the_next_but_not_over_a_gap() -> None:
    time_s = np.r_[np.arange(10) / 10, 20 + np.arange(10) / 10]
    face = FeatureSeries(np.arange(20, dtype=np.float32)[:, None], time_s)
    grid = to_grid(SessionFeatures(face=face)).face
    assert grid is not None
    np.testing.assert_array_equal(grid.values[:, 0], [0, 5, 10, 15])
    np.testing.assert_array_equal(grid.time_s, [0, 0.5, 20, 20.5])
    assert not is_below_grid(face)
    assert is_below_grid(FeatureSeries(np.ones((3, 1), np.float32), np.arange(3.0)))
    assert not is_below_grid(FeatureSeries(np.ones((3, 1), np.float32), np.array([0, 0.52, 1.04])))


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"duration_s": np.ones(2)}, "durations"),
        ({"duration_s": np.array([1, -1, 1.0])}, "negative"),
        ({"duration_s": np.array([1, np.nan, 1.0])}, "finite"),
        ({"rate_hz": -1.0}, "rate"),
        ({"time_s": None, "duration_s": np.ones(3)}, "durations"),
    ],
)
def test_durations_are_checked(parts: dict[str, object], reason: str) -> None:
    facts = {"time_s": np.arange(3.0), **parts}
    with pytest.raises(FeatureError, match=reason):
        FeatureSeries(np.ones((3, 1), np.float32), **facts)  # type: ignore[arg-type]
