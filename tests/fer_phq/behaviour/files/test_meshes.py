"""Parquet files of face meshes."""

from __future__ import annotations

import resource

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from fer_phq.behaviour.files.meshes import BLOCK_ROWS, MeshFile
from fer_phq.behaviour.follower import FollowedFace
from fer_phq.core.errors import SettingsError
from fer_phq.mesh import FaceMesh
from fer_phq.mesh.eyeballs import EyeRegion

EYES = EyeRegion(np.zeros((4, 8), np.uint8), 0, 0)


def face(number):
    points = np.random.default_rng(number).uniform(0, 500, (478, 3)).astype(np.float32)
    return FollowedFace(FaceMesh(points, 0.75), 100.0, (640, 360), EYES, scale=2.0, track=number % 3)


def test_a_file_has_every_point_of_every_frame_in_pixels_of_the_recording(tmp_path):
    faces = [None if number % 5 == 0 else face(number) for number in range(2 * BLOCK_ROWS + 7)]
    times = [number / 30 for number in range(len(faces))]
    with MeshFile(tmp_path) as meshes:
        for start in range(0, len(faces), 15):
            meshes.add(times[start : start + 15], faces[start : start + 15])
        path = meshes.finish("a.mesh.parquet")
    assert [file.name for file in tmp_path.iterdir()] == ["a.mesh.parquet"]
    file = pq.ParquetFile(path)
    assert file.metadata.num_row_groups == 3
    assert b"pixels" in file.schema_arrow.field("z").metadata[b"unit"]
    table = pd.read_parquet(path)
    np.testing.assert_array_equal(table.time_s, times)
    assert [None if pd.isna(track) else int(track) for track in table.track] == [
        None if one is None else one.track for one in faces
    ]
    seen = table[table.presence.notna()]
    points = np.stack([np.stack(seen[axis]) for axis in "xyz"], axis=-1)
    np.testing.assert_array_equal(points, [one.mesh.points * 2 for one in faces if one is not None])
    assert table.x[0] is None


def test_a_recording_without_a_face_and_one_without_a_frame_have_a_file(tmp_path):
    with MeshFile(tmp_path) as meshes:
        meshes.add([0.0, 0.5], [None, None])
        assert len(pd.read_parquet(meshes.finish("none.parquet"))) == 2
    with MeshFile(tmp_path) as meshes:
        assert list(pd.read_parquet(meshes.finish("empty.parquet"))) == ["time_s", "track", "presence", "x", "y", "z"]


def test_what_breaks_off_leaves_nothing(tmp_path):
    (tmp_path / "a.mesh.parquet").write_text("earlier")
    with MeshFile(tmp_path) as meshes:
        meshes.add([0.0] * (BLOCK_ROWS + 1), [face(1)] * (BLOCK_ROWS + 1))
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.mesh.parquet", "earlier")]


def test_a_folder_that_is_none_has_a_sentence(tmp_path):
    with pytest.raises(SettingsError, match=r"cannot be written into .*missing: No such file"):
        MeshFile(tmp_path / "missing")


@pytest.fixture
def small_files():
    """Let no file of this process grow beyond a megabyte, as where a disk is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.usefixtures("small_files")
def test_a_file_that_cannot_grow_goes_at_once_and_has_a_sentence_at_the_end(tmp_path):
    message = r"cannot be written into .*: File too large"
    with MeshFile(tmp_path) as meshes:
        for _ in range(2):
            meshes.add([0.0] * BLOCK_ROWS, [face(number) for number in range(BLOCK_ROWS)])
            assert list(tmp_path.iterdir()) == []
        with pytest.raises(SettingsError, match=message):
            meshes.finish("a.mesh.parquet")
    assert list(tmp_path.iterdir()) == []
