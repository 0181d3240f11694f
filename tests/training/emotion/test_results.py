"""RESULTS.md says what the runs' files say, and the learning curves draw exactly what was logged."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from training.emotion import results
from training.emotion.recipe import load_recipe
from training.emotion.results import (
    RECIPES,
    format_duration,
    format_epochs,
    missing_corpora,
    not_run_reason,
)
from training.emotion.runs.records import read_recipe_summary, read_run
from training.plots.figures import learning_curves_figure, save_figure

ROOT = Path(__file__).parents[3]


def recipe(name: str, corpora: list[str], epochs: int = 4, **fields) -> dict:
    sources = [{"corpus": corpus, "path": corpus, "split": "train"} for corpus in corpora]
    data = {"train": sources, "valid": sources}
    return {"name": name, "data": data, "phases": [{"epochs": epochs, "image_size": 48}], **fields}


def row(epoch: int, train: float, valid: float, **fields) -> dict:
    line = {"stage": 1, "epoch": epoch, "image_size": 48, "learning_rate": 0.1 / epoch, "train_loss": 2 - train}
    figures = {"train_accuracy": train, "valid_accuracy": valid, "macro_f1": valid - 0.1, "seconds": 60.0}
    return line | figures | {"valid_loss": 2 - valid} | fields


ROWS = [row(1, 0.5, 0.55), row(2, 0.7, 0.68), row(3, 0.9, 0.64)]


@pytest.fixture
def place(tmp_path):
    """Recipes, corpora (only FER+ is there) and one run of three epochs of four."""
    for folder in ("recipes", "data/ferplus", "runs/first"):
        (tmp_path / folder).mkdir(parents=True)
    recipes = [
        recipe("tiny", ["ferplus"]),
        recipe("asked", ["ferplus", "rafdb", "affectnet"]),
        recipe("idle", ["ferplus"]),
        recipe("far", ["ferplus"], network={"backbone": "vit_base", "init_from": "hub"}),
    ]
    for fields in [*recipes, recipe("lost", ["fer2013"])]:
        (tmp_path / "recipes" / f"{fields['name']}.yaml").write_text(yaml.safe_dump(fields))
    run = tmp_path / "runs" / "first"
    (run / "recipe.yaml").write_text(yaml.safe_dump(recipe("tiny", ["ferplus"])))
    (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in ROWS))
    facts = {"recipe_name": "tiny", "command": "python -m training.emotion tiny.yaml", "finished_at": None}
    facts |= {"seconds": 7500, "hardware": "2 cores", "train_images": 27047, "data": ["train: 27047 images"]}
    (run / "run.json").write_text(json.dumps(facts))
    return tmp_path


def written(place, *more: str) -> str:
    out = place / "RESULTS.md"
    arguments = [str(place / "runs"), "--out", str(out), "--recipes", str(place / "recipes")]
    assert results.main([*arguments, "--root", str(place / "data"), *more]) == 0
    return out.read_text()


def cells_of(text: str, name: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {name} ")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_run_is_reported_as_its_files_say(place):
    text = written(place)
    cells = cells_of(text, "tiny")
    assert cells[1:7] == ["ferplus", "3 of 4 epochs (unfinished)", "68.0%", "64.0%", "0.540", "+26.0"]
    assert cells[7:] == ["2 cores", "2 h 5 min", "`python -m training.emotion tiny.yaml`"]
    assert "- Trained images: 27,047" in text
    assert "- train: 27047 images" in text


def test_recipes_that_did_not_run_say_why(place):
    text = written(place)
    assert cells_of(text, "idle")[2:4] == ["0 of 4 epochs", "not run"]
    assert cells_of(text, "asked")[3] == "not run: AffectNet and RAF-DB have to be requested from their owners"
    assert cells_of(text, "far")[3] == "not run: vit_base has to be downloaded from the hub"
    assert cells_of(text, "lost")[3].startswith("not run: no fer2013 at ")
    assert "- RAF-DB: by" in text
    assert "MMI" not in text


@pytest.mark.parametrize("run", sorted((ROOT / "docs" / "runs").iterdir()), ids=lambda path: path.name)
def test_published_runs_are_of_the_recipes_beside_them(run):
    facts = json.loads((run / "run.json").read_text())
    text = load_recipe(run / "recipe.yaml").model_dump_json()
    assert facts["recipe_sha256"] == hashlib.sha256(text.encode()).hexdigest()


def test_a_corpus_that_arrives_is_no_longer_missing(place):
    asked = place / "recipes" / "asked.yaml"
    (place / "data" / "rafdb").mkdir()
    found = read_recipe_summary(asked, place / "data")
    assert [corpus for corpus, _ in missing_corpora(found)] == ["affectnet"]
    assert not_run_reason(found) == "not run: AffectNet has to be requested from its owners"


def test_runs_of_unknown_recipes_are_not_lost(place):
    run = place / "runs" / "second"
    run.mkdir()
    (run / "recipe.yaml").write_text(yaml.safe_dump(recipe("own", ["ferplus"], 3)))
    (run / "log.jsonl").write_text(json.dumps({"epoch": 1, "valid_accuracy": 0.4}) + "\n")
    cells = cells_of(written(place), "own")
    assert cells[2:] == ["1 of 3 epochs (unfinished)", "40.0%", "40.0%", "-", "-", "-", "-", "-"]


def test_stages_are_counted_and_an_early_end_is_named(place):
    run = place / "runs" / "first"
    staged = recipe("tiny", ["ferplus"], 2, stages=[{}, {"phases": [{"epochs": 5, "image_size": 48}]}])
    (run / "recipe.yaml").write_text(yaml.safe_dump(staged))
    (run / "run.json").write_text(json.dumps({"recipe_name": "tiny", "finished_at": "2026-01-01"}))
    assert format_epochs(read_run(run)) == "3 of 7 epochs (ended early)"


def test_a_damaged_log_is_told_in_one_sentence(place, capsys):
    (place / "runs" / "first" / "log.jsonl").write_text("{")
    assert results.main([str(place / "runs"), "--out", str(place / "R.md")]) == 1
    assert "damaged" in capsys.readouterr().err
    assert results.main([str(place / "nowhere"), "--out", str(place / "R.md")]) == 1


def test_every_shipped_recipe_can_be_reported():
    recipes = [read_recipe_summary(path) for path in sorted(RECIPES.glob("*.yaml"))]
    assert recipes
    assert all(found.epochs > 0 and found.sources for found in recipes)


def test_durations_are_said_as_people_say_them():
    assert [format_duration(s) for s in (None, 20, 150, 3600, 7500)] == ["-", "20 s", "2 min", "1 h 0 min", "2 h 5 min"]


def test_curves_are_drawn_beside_the_report(place):
    text = written(place, "--figures", str(place / "figures"))
    assert "](figures/first.png)" in text
    with Image.open(place / "figures" / "first.png") as picture:
        assert picture.size == (1110, 1140)
        assert len(set(np.asarray(picture.convert("L")).ravel().tolist())) > 20


def test_curves_hold_what_was_logged(tmp_path):
    figure = learning_curves_figure(ROWS, "title")
    accuracy, loss, rate = figure.axes
    lines = {line.get_label(): line.get_ydata() for line in accuracy.lines}
    assert list(lines["training"]) == [0.5, 0.7, 0.9]
    assert list(lines["validation"]) == [0.55, 0.68, 0.64]
    assert "gap" in [text.get_text() for text in accuracy.get_legend().get_texts()]
    assert (accuracy.get_ylabel(), loss.get_ylabel()) == ("Accuracy", "Loss (cross-entropy, nats)")
    assert (rate.get_xlabel(), rate.get_ylabel()) == ("Epoch", "Learning rate")
    save_figure(figure, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 10_000


def test_curves_count_on_through_stages_and_invent_nothing():
    rows = [row(1, 0.5, 0.5), row(2, 0.6, 0.6), row(1, 0.4, 0.4, stage=2)]
    bare = [{key: value for key, value in line.items() if "loss" not in key} for line in rows]
    accuracy, loss, _ = learning_curves_figure([line | {"train_accuracy": None} for line in bare]).axes
    drawn = {line.get_label(): line for line in accuracy.lines}
    assert list(drawn["validation"].get_xdata()) == [1, 2, 3]
    assert "training" not in drawn
    assert [text.get_text() for text in loss.texts] == ["not logged"]
    assert 2.5 in [line.get_xdata()[0] for line in accuracy.lines], "a stage ends after the second epoch"
