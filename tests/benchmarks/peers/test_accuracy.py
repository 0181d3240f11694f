"""Accuracy by names of any package."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.peers.accuracy import HEADS, NO_CLASS, class_index, score, table_rows
from benchmarks.peers.contestants import OURS
from fer_phq.core.emotions import EMOTIONS


@pytest.mark.parametrize(
    ("name", "emotion"),
    [("angry", "anger"), ("fearful", "fear"), ("disgusted", "disgust"), ("Happiness", "happiness"), ("sad", "sadness")],
)
def test_the_names_of_peers_are_our_classes(name: str, emotion: str):
    assert EMOTIONS[class_index(name)] == emotion


def test_other_names_are_no_class():
    assert [class_index(name) for name in ("Contempt", None, "bored")] == [NO_CLASS] * 3


def test_images_without_a_class_are_left_out_and_those_without_an_answer_are_wrong():
    fear, disgust, neutral = (EMOTIONS.index(name) for name in ("fear", "disgust", "neutral"))
    predictions = np.array([fear, neutral, neutral, NO_CLASS, fear])
    labels = {
        "FER+": np.array([fear, fear, neutral, neutral, NO_CLASS]),
        "FER2013": np.array([fear, neutral, neutral, disgust, neutral]),
    }
    result = score(predictions, labels)
    assert result["accuracy"] == {"FER+": 0.5, "FER2013": 0.6}
    assert result["images"] == {"FER+": 4, "FER2013": 5}
    assert result["recall"]["fear"] == 0.5
    assert result["recall"]["disgust"] is None


def test_the_table_begins_with_the_most_accurate_and_ends_with_failures():
    labels = {"FER+": np.array([0, 1]), "FER2013": np.array([0, 1])}
    results = {
        OURS: score(np.array([0, 1]), labels),
        "broken": {"error": "no weights"},
        "peer": score(np.array([0, 0]), labels),
    }
    rows = table_rows(results)
    assert [row[0] for row in rows] == [f"**{OURS}**", "peer", "broken"]
    assert rows[1][1] == "50.0%"
    assert {len(row) for row in rows} == {len(HEADS)}
