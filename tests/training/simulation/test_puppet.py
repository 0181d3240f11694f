"""The puppet: a rendering that a detector takes for a face, the same every time, with scripts of several courses."""

import dataclasses
import hashlib

import numpy as np
import pytest
import sounds

from fer_phq.core.errors import RecordingError
from fer_phq.faces import FaceDetector
from fer_phq.video import probe
from training.simulation.puppet.__main__ import main
from training.simulation.puppet.clips import render_clip, render_clips
from training.simulation.puppet.portrait import PORTRAIT, SIZE, Pose, Puppet
from training.simulation.puppet.script import EXPRESSIONS, SCRIPTS, Performance, Script
from training.simulation.puppet.warps import FACE, Warps

SHORT = Script(2, 4, 5)
needs_espeak = pytest.mark.skipif(not sounds.has_espeak(), reason="espeak-ng is not installed")


@pytest.fixture(scope="module")
def puppet():
    return Puppet()


@pytest.fixture(scope="module")
def detector():
    return FaceDetector(threads=1)


def test_the_puppet_does_what_the_portrait_does_and_says_that_it_is_rendered(puppet):
    picture = puppet.draw(Pose(smile=1, teeth=1, **{k: v for k, v in PORTRAIT.items() if k != "smile"}))
    assert picture.shape == (SIZE[1], SIZE[0], 3)
    assert picture.dtype == np.uint8
    caption = picture[-20:].astype(int)
    assert (caption.min(), caption.max()) == (20, 255)  # white letters on a dark strip, on every picture
    np.testing.assert_array_equal(puppet.draw(Pose(cover=1))[-20:], picture[-20:])


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_expression_is_a_face(name, puppet, detector):
    (face,) = detector.detect([puppet.draw(EXPRESSIONS[name])])[0]
    assert face.score > 0.7


def test_a_movement_stays_where_it_belongs(puppet):
    rest = puppet.draw(Pose()).astype(int)
    for name in ("smile", "jaw", "brow_up", "lids", "look_down"):
        change = np.abs(puppet.draw(Pose(**{name: 1.0})).astype(int) - rest).max(axis=2)
        assert change.max() > 40
        assert change[:40].max() == change[260:].max() == change[:, :100].max() == change[:, 300:].max() == 0


def test_no_movement_folds_the_skin():
    warps = Warps()
    for name, (dx, dy) in warps.moves.items():
        assert np.gradient(dx, axis=1).max() < 1, name
        assert np.gradient(dy, axis=0).max() < 1, name
        edges = np.concatenate([dx[0], dx[-1], dx[:, 0], dx[:, -1], dy[0], dy[-1], dy[:, 0], dy[:, -1]])
        assert np.abs(edges).max() < 1.0, name  # the face's border fades over six pixels
    assert warps.x.shape == (FACE[3] - FACE[1], FACE[2] - FACE[0])


# What happens in a session


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_can_be_played(script):
    performance, again = Performance(script), Performance(script)
    times = np.arange(0, script.seconds, 0.25)
    poses = [performance.pose(t) for t in times]
    assert poses == [again.pose(t) for t in times]
    values = np.array([dataclasses.astuple(pose) for pose in poses])
    assert np.isfinite(values).all()
    shares = [f.name for f in dataclasses.fields(Pose) if f.name not in ("shift_x", "shift_y", "zoom", "tilt")]
    assert all(0 <= getattr(pose, name) <= 1 for pose in poses for name in shares)
    assert all(0 < start < end < script.seconds for start, end in (*script.leaves, *script.covers))


def test_the_sessions_differ_and_some_have_gaps():
    assert len(SCRIPTS) == 6
    assert len({script.name for script in SCRIPTS}) == 6
    assert [s.number for s in SCRIPTS] == [1, 2, 3, 4, 5, 6]
    assert sum(bool(s.leaves) for s in SCRIPTS) >= 2
    assert sum(bool(s.covers) for s in SCRIPTS) >= 2


def test_no_face_is_seen_while_the_puppet_is_away_or_covered(puppet, detector):
    script = Script(9, 4, 12, leaves=((2, 4),), covers=((7, 9),))
    performance = Performance(script)
    seen = [len(found) for found in detector.detect([puppet.draw(performance.pose(t)) for t in (0.5, 3, 5.5, 8, 11)])]
    assert seen == [1, 0, 1, 0, 1]


@needs_espeak
def test_a_recording_is_rendered_the_same_twice(puppet, tmp_path):
    script = Script(3, 4, 1.5)
    for name in ("a.mp4", "b.part"):
        render_clip(script, puppet, tmp_path / name)
    info = probe(tmp_path / "a.mp4")
    assert (info.width, info.height) == SIZE
    assert info.duration_s == pytest.approx(1.5)
    assert hashlib.sha256((tmp_path / "b.part").read_bytes()).hexdigest() == info.sha256


@needs_espeak
def test_a_recording_that_cannot_be_written_is_one_sentence(puppet, tmp_path):
    with pytest.raises(RecordingError, match=r"could not be rendered: .+\.$"):
        render_clip(SHORT, puppet, tmp_path / "missing" / "a.mp4")


@pytest.fixture
def short_scripts(monkeypatch):
    scripts = (SHORT, dataclasses.replace(SHORT, number=3, seconds=1))
    monkeypatch.setattr("training.simulation.puppet.__main__.render_clips", lambda out: render_clips(out, scripts))


@needs_espeak
def test_the_command_writes_every_clip_and_names_it(short_scripts, tmp_path, capsys):
    assert main([str(tmp_path / "clips")]) == 0
    paths = capsys.readouterr().out.split()
    assert paths == [str(tmp_path / "clips" / name) for name in ("demonstration-2.mp4", "demonstration-3.mp4")]
    assert [probe(path).duration_s for path in paths] == pytest.approx([5, 1])


def test_a_folder_that_cannot_be_made_is_one_sentence(short_scripts, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main([str(tmp_path / "file" / "clips")]) == 1
    assert "cannot be made: Not a directory.\n" in capsys.readouterr().err
