"""A short analysis becomes one of a long session, as the store takes it."""

from __future__ import annotations

import dataclasses

import numpy as np
from analysis_samples import sample_analysis, sample_voice, with_all_faces

from benchmarks.scale.content import repeat_analysis
from benchmarks.scale.figures import markdown, spread


def test_an_analysis_is_repeated_to_a_length() -> None:
    short = with_all_faces(sample_analysis(frames=20, gaps=(3, 4), voice=sample_voice()))
    long = repeat_analysis(short, 60.0)
    assert len(long.timeline) == 120
    assert long.coverage == short.coverage
    assert np.array_equal(long.timeline.emotions[40:60], short.timeline.emotions, equal_nan=True)
    assert len(long.embeddings) == long.timeline.has_face.sum() == 6 * 18
    assert np.array_equal(long.embeddings[18:36], short.embeddings)
    assert long.voice is not None
    assert long.voice.time_s is not None
    assert (np.diff(long.voice.time_s) > 0).all()
    assert long.voice.time_s[-1] < 60
    assert long.faces is not None
    assert len(long.faces) == 6 * 20
    assert long.faces.frame.max() == 119
    dataclasses.replace(long, model_id="b")  # its parts fit together


def test_figures_have_their_spread() -> None:
    assert spread([3.0, 1.0, 2.0]).text() == "2.0 (1.0 to 3.0)"
    assert markdown(["a"], [[1]]) == "| a |\n| --- |\n| 1 |"
