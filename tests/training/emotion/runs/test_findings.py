"""Findings compare only complete runs on the same images, and name overfitting, underfitting and cut runs."""

from pathlib import Path

import pytest

from training.emotion.runs.findings import accuracy_margin, find_findings
from training.emotion.runs.records import RecipeSummary, RunRecord

SHEET = "valid: 400 images: anger 100, fear 100, neutral 200 (3 left out: no face)"


def run(name: str, accuracies: list[float], train: float = 0.7, recipe: str = "tiny", sheet: str = SHEET) -> RunRecord:
    rows = tuple({"valid_accuracy": accuracy, "train_accuracy": train} for accuracy in accuracies)
    summary = RecipeSummary(recipe, f"{recipe}.yaml", (("ferplus", Path("ferplus")),), len(accuracies))
    return RunRecord(Path(name), summary, rows, {"recipe_name": recipe, "data": [sheet]})


RECIPES = [RecipeSummary("tiny", "tiny.yaml", (("ferplus", Path("ferplus")),), 2)]


def test_complete_runs_on_the_same_images_stand_in_one_line_best_last_epoch_first():
    runs = [run("first", [0.68, 0.64]), run("second", [0.5, 0.66])]
    (line, *others) = find_findings(RECIPES, runs)
    assert line == (
        "ferplus, 3 classes, 400 validation images, last epoch (± 4.6 points at 95 %): second 66.0%, first 64.0%."
    )
    assert not others


def test_other_validation_images_are_not_compared():
    smaller = "valid: 90 images: anger 30, fear 30, neutral 30"
    lines = find_findings(RECIPES, [run("first", [0.6, 0.64]), run("second", [0.6, 0.66], sheet=smaller)])
    assert len(lines) == 2
    assert all(("first" in line) != ("second" in line) for line in lines)


def test_a_cut_run_is_named_and_not_compared():
    lines = find_findings(RECIPES, [run("cut", [0.9]), run("whole", [0.5, 0.6])])
    assert lines[-1].endswith("cut (1 of 2).")
    assert all("cut 90" not in line for line in lines)


def test_overfitting_and_underfitting_are_named():
    lines = find_findings(RECIPES, [run("by_heart", [0.5, 0.5], train=0.99), run("weak", [0.4, 0.4], train=0.38)])
    assert "by_heart knows its training images by heart: 49 points above validation." in lines
    assert "weak underfits: its training accuracy lies below that of validation." in lines


def test_the_margin_is_the_binomials():
    assert accuracy_margin(0.5, 100) == pytest.approx(0.098, abs=1e-3)
