"""Charts of models: a training under way, and two models side by side."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboard import charts
from dashboard.theme.palette import DARK, LIGHT, Palette
from fer_phq.core.emotions import EMOTIONS

BOTH = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])


@BOTH
def test_a_training_is_a_line_a_model(colours: Palette) -> None:
    steps = pd.DataFrame(
        {"model": ["ridge"] * 3 + ["svr"] * 2, "folds": [1, 2, 3, 1, 2], "of": 15, "share": [1.1, 0.9, 0.8, 1.0, 0.95]}
    )
    figure = charts.training_curves(steps, colours)
    ridge, svr = figure.data
    assert (ridge.name, list(ridge.x), list(ridge.y)) == ("ridge", [1, 2, 3], [1.1, 0.9, 0.8])
    assert ridge.line.dash != svr.line.dash, "not told apart by colour alone"
    assert figure.layout.xaxis.range == (0.5, 15.5)
    assert [shape.y0 for shape in figure.layout.shapes] == [1]
    assert figure.layout.annotations[0].text == "always answering the mean"


@BOTH
def test_estimates_of_two_stand_beside_their_equality(colours: Palette) -> None:
    pairs = pd.DataFrame({"maximum": [24, 24], "words": ["A, 2 Mar", "B, 3 Mar"]})
    for side, score in (("a", [5.0, 9.0]), ("b", [8.0, 4.0])):
        pairs[f"phq_score_{side}"] = score
        pairs[f"phq_low_{side}"] = np.array(score) - 2
        pairs[f"phq_high_{side}"] = np.array(score) + 6
    figure = charts.estimates_of_two(pairs, ("old", "new"), colours)
    (points,) = figure.data
    assert (list(points.x), list(points.y)) == ([5, 9], [8, 4])
    assert list(points.error_y.array) == [6, 6]
    assert list(points.error_x.arrayminus) == [2, 2]
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("old", "new")
    line = figure.layout.shapes[0]
    assert (line.x0, line.y0, line.x1, line.y1) == (0, 0, 24, 24)


@BOTH
def test_differences_are_drawn_around_zero(colours: Palette) -> None:
    rows = [
        {"emotion": name, "mean": 0.1 * i, "low": 0.1 * i - 0.05, "high": 0.1 * i + 0.1}
        for i, name in enumerate(EMOTIONS)
    ]
    figure = charts.share_differences(pd.DataFrame(rows), colours)
    (points,) = figure.data
    assert list(points.y) == [name.capitalize() for name in reversed(EMOTIONS)]
    assert list(points.marker.color) == [colours.emotion(name) for name in reversed(EMOTIONS)]
    np.testing.assert_allclose(points.error_x.array, 0.1)
    low, high = figure.layout.xaxis.range
    assert low == -high
    assert high > 0.7
