"""What a session's page shows of facial behaviour."""

from __future__ import annotations

import numpy as np
import pytest
from behaviour_samples import sample_behaviour

from service.views.face.behaviour import DRAWN, BehaviourView
from service.views.review import Window


def view(rate: float = 30.0, seconds: float = 60.0, gap: tuple[float, float] | None = None) -> BehaviourView:
    return BehaviourView(sample_behaviour(rate, seconds, gap), seconds, 0.3)


def test_blinks_and_episodes_are_those_of_the_face() -> None:
    shown = view()
    assert (shown.blinks["kind"] == "blink").all()
    assert shown.blinks["closed_s"].tolist() == pytest.approx(
        [10 * i + at for i in range(6) for at in (1.1, 3.1)], abs=0.05
    )
    smiles = shown.episodes[shown.episodes["kind"] == "smile"]
    assert smiles["onset_s"].tolist() == pytest.approx([10 * i + 4 for i in range(6)], abs=0.1)
    still = shown.episodes[shown.episodes["kind"] == "still"]
    assert still["duration_s"].tolist() == pytest.approx([6] * 6, abs=0.6)
    assert shown.episodes["onset_s"].is_monotonic_increasing


def test_each_measure_has_a_value_or_a_reason() -> None:
    shown = view(10.0)
    assert not set(shown.measures) & set(shown.reasons)
    assert {"blinks_a_minute", "blink_duration", "eyes_closed_share"} <= set(shown.reasons)
    assert shown.measures["face_rate"] == pytest.approx(10)
    assert view().measures["blinks_a_minute"] == pytest.approx(12, abs=0.1)
    assert view().measures["blink_duration"] == pytest.approx(265, abs=35)
    assert not view(10.0).counts_blinks
    assert not len(view(10.0).blinks)


def test_the_face_at_rest_is_that_between_smiles() -> None:
    assert view().rest["mouthSmile"] == pytest.approx(0.1, abs=0.001)
    unseen = view(gap=(0.0, 60.0))
    assert unseen.rest == {}


def test_a_long_recording_is_drawn_from_few_rows_that_keep_extremes_and_gaps() -> None:
    long = view(30.0, 600.0, gap=(100.0, 130.0))
    curves = long.draw(Window(0.0, 600.0))
    assert len(curves) < 1300
    assert curves["eyes_low"].min() == pytest.approx(0.03, abs=0.02), "a blink of a tenth of a second is seen"
    assert curves["yaw_high"].max() == pytest.approx(20, abs=0.5)
    inside = curves[(curves["time_s"] > 101) & (curves["time_s"] < 129)]
    assert len(inside)
    assert inside[list(DRAWN)].isna().all().all()
    part = long.draw(Window(0.0, 10.0))
    assert len(part) == 300
    assert (part["eyes_low"] == part["eyes_high"]).all()


def test_the_pose_at_a_moment_is_the_row_on_display() -> None:
    shown = view(10.0, gap=(20.0, 30.0))
    at = shown.at(7.04)
    assert at is not None
    assert (at.time_s, at.yaw_deg) == (pytest.approx(7.0), pytest.approx(10, abs=0.5))
    assert shown.at(25.0) is None
    assert shown.at(61.0) is None


def test_a_face_that_is_never_seen() -> None:
    shown = view(10.0, gap=(0.0, 60.0))
    assert not shown.has_face
    assert shown.measures == {}
    assert not len(shown.episodes)
    assert np.isnan(shown.draw(Window(0.0, 60.0))["pitch"]).all()
