"""Accuracy by names of any package."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.bench_peers import FERPLUS
from benchmarks.peers.accuracy import HEADS, NO_CLASS, Labelling, class_index, read_labelled_faces, score, table_rows
from benchmarks.peers.contestants import OURS
from fer_phq.core.emotions import EMOTIONS
from training.emotion.data.corpora import load_faces, parse_source


@pytest.mark.parametrize(
    ("name", "emotion"),
    [("angry", "anger"), ("fearful", "fear"), ("disgusted", "disgust"), ("Happiness", "happiness"), ("sad", "sadness")],
)
def test_the_names_of_peers_are_our_classes(name: str, emotion: str):
    assert EMOTIONS[class_index(name)] == emotion


def test_other_names_are_no_class():
    assert [class_index(name) for name in ("Contempt", None, "bored")] == [NO_CLASS] * 3


def labelling(images: list[int], labels: list[int]) -> Labelling:
    """A labelling of some of the crops."""
    return Labelling(np.array(images), np.array(labels))


def test_images_of_each_labelling_count_and_those_without_an_answer_are_wrong():
    fear, disgust, neutral = (EMOTIONS.index(name) for name in ("fear", "disgust", "neutral"))
    predictions = np.array([fear, neutral, neutral, NO_CLASS, fear])
    labellings = {
        "FER+": labelling([0, 1, 2, 3], [fear, fear, neutral, neutral]),
        "FER2013": labelling([0, 1, 2, 3, 4], [fear, neutral, neutral, disgust, neutral]),
    }
    result = score(predictions, labellings)
    assert result["accuracy"] == {"FER+": 0.5, "FER2013": 0.6}
    assert result["images"] == {"FER+": 4, "FER2013": 5}
    assert result["recall"]["fear"] == 0.5
    assert result["recall"]["disgust"] is None


def test_the_table_begins_with_the_most_accurate_and_ends_with_failures():
    labellings = {name: labelling([0, 1], [0, 1]) for name in ("FER+", "FER2013")}
    results = {
        OURS: score(np.array([0, 1]), labellings),
        "broken": {"error": "no weights"},
        "peer": score(np.array([0, 0]), labellings),
    }
    rows = table_rows(results)
    assert [row[0] for row in rows] == [f"**{OURS}**", "peer", "broken"]
    assert rows[1][1] == "50.0%"
    assert {len(row) for row in rows} == {len(HEADS)}


@pytest.mark.corpora
def test_the_labels_are_those_of_the_projects_own_evaluation():
    path = FERPLUS
    faces = read_labelled_faces(path, None)
    votes = load_faces(parse_source(f"ferplus:{path}"))
    assert faces.crops.shape == (3579, 48, 48)
    assert len(faces.labellings["FER2013"].labels) == 3579
    assert np.array_equal(faces.labellings["FER+"].labels, votes.labels)
    images = faces.labellings["FER+"].images
    assert np.array_equal(faces.crops[images[:50]], votes.crops(np.arange(50))[..., 0])
