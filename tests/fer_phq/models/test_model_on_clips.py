"""Faces of a real camera, coloured and sharp, are to the model what FER2013's grey ones of 48 px are.

The bounds are promises to whoever films, not what the present weights reach (`benchmarks/bench_clips.py` prints that);
distances are total variation. Where a person sees the expression at once, the model must see it too.
"""

import numpy as np
import pytest

from benchmarks import bench_clips as bench
from fer_phq.core.emotions import EMOTIONS
from fer_phq.models.model import load_model

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not (bench.CLIPS / bench.VIDEO).is_file(), reason="no clips at hand"),
]


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture(scope="module")
def clips(model):
    return bench.read_clips(bench.CLIPS, model)


@pytest.fixture(scope="module")
def found(model, clips):
    """The table's lines by name."""
    lines = bench.measure_all(model, clips)
    print(f"{model.model_id}\n{bench.format_table(lines)}\n{bench.describe_emotions(model, clips)}")
    return {line.name: line for line in lines}


def test_every_face_is_there(clips):
    assert [len(crops) for crops in clips.photographs.values()] == [1, 5]
    assert len(clips.frames) == 29
    assert all(np.ptp(crop, axis=2).mean() > 10 for crop in clips.crops), "these crops should be coloured"


def test_most_faces_are_told_with_a_margin(found):
    """Else that the top emotion is kept would say little."""
    assert all(line.clear >= 0.8 * line.crops for line in found.values())


def test_colour_adds_nothing(found):
    """The network that ships sees luma, so all that may be left is rounding: of its eight bits, and in the network."""
    line = found[bench.LUMA]
    assert line.unchanged == line.clear
    assert line.median < 0.001
    assert line.largest < 0.06


@pytest.mark.parametrize("change", [name for name in bench.COLOUR if name != bench.LUMA])
def test_another_white_balance_is_the_same_expression(found, change):
    line = found[change]
    assert line.unchanged == line.clear
    assert line.median < 0.02
    assert line.largest < 0.15


@pytest.mark.parametrize("change", bench.SIZE)
def test_another_resolution_is_the_same_expression(found, change):
    line = found[change]
    assert line.unchanged == line.clear
    assert line.median < 0.03
    assert line.largest < (0.3 if "reduced" in change else 0.08), "enlarging loses nothing, reducing a little"


def test_a_mirrored_face_is_the_same_exactly(found):
    line = found["mirrored"]
    assert line.unchanged == line.clear
    assert line.largest < 1e-4


def test_each_view_alone_agrees_with_the_other(found):
    line = found[bench.VIEWS]
    assert line.unchanged >= line.clear - 1
    assert line.median < 0.05
    assert line.largest < 0.5


def test_smiles_that_a_person_sees_are_happiness(model, clips):
    """One broad smile; and a group in which all show their teeth but the third from the left, who is left out."""
    single, group = clips.photographs.values()
    tops = model.predict_emotions([*single, *group[:2], *group[3:]]).argmax(axis=1)
    assert [EMOTIONS[top] for top in tops] == ["happiness"] * 5


def test_the_video_goes_from_a_calm_face_to_a_smile(model, clips):
    """Lips closed until 0.5 s, teeth from 0.75 s to 2.1 s; a blink at 0.9 s. What lies between is left open."""
    rows = model.predict_emotions(clips.frames)
    tops = [EMOTIONS[top] for top in rows.argmax(axis=1)]
    assert tops[:6] == ["neutral"] * 6
    assert tops[9:26] == ["happiness"] * 17


def test_neighbouring_frames_say_nearly_the_same(model, clips, found):
    """The expression changes twice in 28 steps, over a few frames each; elsewhere the series is still."""
    assert found[bench.NEIGHBOURS].median < 0.03
    rows = model.predict_emotions(clips.frames)
    assert (bench.total_variation(rows[:-1], rows[1:]) > 0.1).sum() <= 6
