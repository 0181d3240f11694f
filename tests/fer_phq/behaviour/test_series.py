"""Rows of followed faces."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image as PillowImage

from fer_phq.behaviour.follower import FollowedFace
from fer_phq.behaviour.series import (
    COLUMNS,
    EYE_COLUMNS,
    SHAPE_COLUMNS,
    behaviour_series,
    describe_faces,
    settle_eyes,
)
from fer_phq.core.analysis import display_durations
from fer_phq.faces import FaceDetector
from fer_phq.mesh import FaceLandmarker
from fer_phq.mesh.eyeballs import cut_eyes


@pytest.fixture(scope="module")
def landmarker():
    return FaceLandmarker(threads=1)


@pytest.fixture(scope="module")
def face(landmarker):
    with files("training.simulation.puppet").joinpath("portrait.jpg").open("rb") as source:
        portrait = np.asarray(PillowImage.open(source).convert("RGB"))
    mesh = landmarker.fit_detection(portrait, FaceDetector(threads=1).detect([portrait])[0][0])
    return FollowedFace(mesh, 200.0, (portrait.shape[1], portrait.shape[0]), cut_eyes(portrait, mesh.points))


def test_a_row_does_not_depend_on_its_neighbours(face, landmarker):
    larger = replace(face, mesh=replace(face.mesh, points=face.mesh.points * 2), image_size=(800, 600))
    together = describe_faces([None, face, None, larger, face], landmarker)
    assert np.isnan(together[[0, 2]]).all()
    np.testing.assert_array_equal(together[1], describe_faces([face], landmarker)[0])
    np.testing.assert_array_equal(together[3], describe_faces([larger], landmarker)[0])
    np.testing.assert_array_equal(together[4], together[1])
    assert np.isfinite(together[1]).all()
    assert describe_faces([], landmarker).shape == (0, len(COLUMNS) + 1)


def test_a_small_face_has_a_pose_alone_and_a_turned_one_nothing_but_its_presence(face, landmarker):
    points = face.mesh.points
    lying = replace(face, mesh=replace(face.mesh, points=np.column_stack([-points[:, 1], points[:, 0], points[:, 2]])))
    small, turned = describe_faces([replace(face, size=40.0), lying], landmarker)
    assert np.isfinite(small[:4]).all()
    assert np.isnan(small[4:]).all()
    assert turned[0] == np.float32(face.mesh.presence)
    assert np.isnan(turned[1:]).all()
    assert (
        *("presence", "pitch_deg", "yaw_deg", "roll_deg", "gaze_pitch_deg", "gaze_yaw_deg"),
        *("eye_open_left", "eye_open_right", "mouth_open"),
    ) == SHAPE_COLUMNS


def test_the_gaze_of_closing_eyes_is_missing():
    time_s = np.arange(0, 10, 0.1)
    values = np.full((100, len(COLUMNS)), 1, np.float32)
    values[:, 6:8] = 0.3
    values[50:53, 6:8] = (0.18,), (0.05,), (0.24,)
    series = behaviour_series(values, time_s, np.full(100, 0.1), 10.0)
    assert np.flatnonzero(np.isnan(series.values[:, 4:6]).all(axis=1)).tolist() == [50, 51]
    assert np.isfinite(np.delete(series.values, [4, 5], axis=1)).all(), "nothing else is"
    assert np.shares_memory(series.values, values), "three hours of rows are not copied"


def test_most_rows_around_decide_whether_eyes_are_hidden():
    time_s = np.arange(0, 12, 0.1)
    rows = np.ones((120, len(COLUMNS) + 1), np.float32)
    rows[:, -1] = 0
    rows[20:23, -1] = 1  # lids that close
    rows[60:, -1] = 1
    rows[90:93, -1] = 0  # a reflection
    rows[100:105, -1] = np.nan
    settled = settle_eyes(rows, time_s)
    assert settled.shape == (120, len(COLUMNS))
    hidden = np.isnan(settled[:, COLUMNS.index("eye_open_left")])
    assert np.flatnonzero(hidden).tolist() == list(range(60, 120))
    missing = {COLUMNS[index] for index in np.flatnonzero(np.isnan(settled[110]))}
    assert missing == set(EYE_COLUMNS)
    assert np.isfinite(settled[:60]).all()
    assert np.shares_memory(settled, rows), "three hours of rows are not copied"


def test_a_series_is_the_same_before_it_is_stored_and_after() -> None:
    rng = np.random.default_rng(3)
    time_s = np.arange(20_000) / 30
    values = rng.normal(0, 20, (len(time_s), len(COLUMNS))).astype(np.float32)
    values[::7] = np.nan
    series = behaviour_series(values, time_s, display_durations(time_s, time_s[-1] + 1 / 30), 30.0)
    np.testing.assert_array_equal(series.values, series.values.astype(np.float16).astype(np.float32))
