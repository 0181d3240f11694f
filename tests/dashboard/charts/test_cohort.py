"""Charts of a cohort: distributions over people, and one person's course."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard import charts
from dashboard.theme.palette import DARK, LIGHT, Palette
from fer_phq.features.measures import BY_NAME

BOTH = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
SMILES = BY_NAME["smiling_share"]


def points() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "group": ["arm A"] * 3 + ["a group with a long name"] * 2,
            "subject_id": list("abcde"),
            "label": ["P-1", "<b>P-2</b>", "P-3", "P-4", "P-5"],
            "sessions": [1, 2, 3, 4, 5],
            "value": [0.1, 0.2, 0.3, 0.4, 0.5],
        }
    )


def boxes() -> pd.DataFrame:
    return pd.DataFrame(
        {"group": ["a group with a long name"], "people": [5], "low": [0.1], "q1": [0.2], "median": [0.3], "q3": [0.4],
         "high": [0.5]}
    )  # fmt: skip


@BOTH
def test_every_person_is_a_point_in_the_column_of_their_group(colours: Palette) -> None:
    figure = charts.distribution_panel(points(), boxes(), SMILES, colours)
    box, people = figure.data
    assert people.name == charts.PEOPLE
    assert list(np.round(people.x)) == [0, 0, 0, 1, 1]
    assert list(people.y) == points()["value"].tolist()
    assert list(people.customdata[1]) == ["b", "&lt;b&gt;P-2&lt;/b&gt;", "20 %", "2"]
    assert people.marker.color == colours.accent
    assert list(figure.layout.xaxis.ticktext) == ["arm A<br>3", "a group with …<br>2"]
    assert figure.layout.title.text == "Smiling, %"
    assert figure.layout.clickmode == "event+select"
    assert (box.fillcolor, box.hoverinfo) == (colours.inset, "skip")


def test_quartiles_are_drawn_as_given() -> None:
    box = charts.distribution_panel(points(), boxes(), SMILES, LIGHT).data[0]
    assert isinstance(box, go.Box)
    assert box.y is None, "nothing is left for the browser to compute"
    drawn = [list(one) for one in (box.x, box.lowerfence, box.q1, box.median, box.q3, box.upperfence)]
    assert drawn == [[1], [0.1], [0.2], [0.3], [0.4], [0.5]]


def test_groups_without_quartiles_and_without_anybody() -> None:
    (people,) = charts.distribution_panel(points(), boxes().iloc[:0], SMILES, LIGHT).data
    assert len(people.x) == 5
    (nobody,) = charts.distribution_panel(points().iloc[:0], boxes().iloc[:0], SMILES, LIGHT).data
    assert len(nobody.x) == 0


def test_an_axis_of_shares_ends_where_shares_do() -> None:
    one = points().iloc[:1]
    axis = charts.distribution_panel(one, boxes().iloc[:0], SMILES, LIGHT).layout.yaxis
    assert -0.1 < axis.autorangeoptions.clipmin < 0
    assert 1 < axis.autorangeoptions.clipmax < 1.1
    pitch = charts.distribution_panel(one, boxes().iloc[:0], BY_NAME["pitch_sd"], LIGHT).layout.yaxis
    assert pitch.autorangeoptions.clipmin is None


def test_many_groups_have_room() -> None:
    many = pd.concat([points().assign(group=f"g{i}") for i in range(8)])
    assert charts.distribution_panel(many, boxes().iloc[:0], SMILES, LIGHT).layout.width > charts.PANEL[0]


@BOTH
def test_a_persons_course_stops_at_gaps(colours: Palette) -> None:
    rows = pd.DataFrame(
        {
            "recorded_at": pd.date_range("2026-03-01", periods=3, freq="7D"),
            "value": [0.1, 0.2, 0.3],
            "segment": [0, 0, 1],
        }
    )
    span = (pd.Timestamp("2026-01-01"), pd.Timestamp("2026-06-01"))
    figure = charts.person_panel(rows, SMILES, colours, limits=(0, 1), span=span)
    (line,) = figure.data
    assert np.array(line.y, float) == pytest.approx([0.1, 0.2, np.nan, 0.3], nan_ok=True)
    assert line.connectgaps is False
    assert figure.layout.yaxis.range == (0, 1)
    assert [pd.Timestamp(end) for end in figure.layout.xaxis.range] == list(span)
    assert line.line.color == colours.accent
