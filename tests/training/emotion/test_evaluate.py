"""Evaluation of the shipped bundle on the generated corpus, and the diagrams it draws."""

import io
import json

import numpy as np
import pytest
import torch
from emotion_corpora import pattern, write_part
from PIL import Image
from rich.console import Console

from fer_phq.core.emotions import EMOTIONS
from fer_phq.models.checkpoint import SHIPPED
from fer_phq.models.model import load_model
from fer_phq.models.preprocessing import LUMA
from training.emotion import ensemble, evaluate
from training.emotion.data.corpora import load_faces, parse_source
from training.emotion.evaluate import evaluate_datasets
from training.emotion.metrics import emotion_metrics, reliability_bins
from training.emotion.networks.build import RECIPE, build_net, save_run_weights
from training.emotion.recipe import find_recipe, load_recipe, save_recipe
from training.plots import figures


@pytest.fixture(scope="module")
def checkpoint():
    return str(SHIPPED)


@pytest.fixture(scope="module")
def verdict(corpus, checkpoint):
    parts = [f"ferplus:{corpus / name}.parquet" for name in ("valid", "train")]
    return evaluate_datasets(checkpoint, parts, resamples=50)


def test_figures_are_those_of_the_models_own_probabilities(verdict, corpus, checkpoint):
    faces = load_faces(parse_source(f"ferplus:{corpus / 'valid.parquet'}"))
    model = load_model(checkpoint)
    expected = emotion_metrics(model.predict_emotions(faces.crops()), faces.labels)
    found = verdict.datasets[0]
    assert found.metrics.confusion == expected.confusion
    assert found.metrics.nll == pytest.approx(expected.nll, abs=1e-5)
    assert found.model_id == verdict.model_id == model.model_id
    assert found.images_per_s == pytest.approx(42 / found.seconds, rel=0.05)
    assert found.intervals["accuracy"].low <= found.metrics.accuracy <= found.intervals["accuracy"].high


def test_datasets_are_judged_one_by_one_and_pooled(verdict):
    valid, train = verdict.datasets
    assert (valid.metrics.n, train.metrics.n, verdict.pooled.metrics.n) == (42, 140, 182)
    assert verdict.pooled.repeated == 7, "seven training images also stand in valid"
    pooled = np.add(valid.metrics.confusion, train.metrics.confusion)
    assert (np.array(verdict.pooled.metrics.confusion) == pooled).all()
    assert len({found.sha256 for found in verdict.evaluations}) == 3


def test_one_dataset_has_no_pool_and_the_same_hash_in_any_batch(corpus, checkpoint, verdict):
    name = f"ferplus:{corpus / 'valid.parquet'}"
    found = evaluate_datasets(checkpoint, [name], batch=5, resamples=20)
    assert found.pooled is None
    assert found.datasets[0].sha256 == verdict.datasets[0].sha256
    assert found.datasets[0].metrics.confusion == verdict.datasets[0].metrics.confusion


def test_the_folder_holds_the_same_figures_for_machines_and_people(verdict, tmp_path):
    evaluate.write_report(verdict, tmp_path)
    document = json.loads((tmp_path / "evaluation.json").read_text())
    assert document["datasets"][0]["metrics"]["per_class"]["anger"]["support"] == 6
    assert document["pooled"]["metrics"]["n"] == 182
    assert len(document["pooled"]["metrics"]["reliability"]) == document["ece_bins"] == 15
    text = (tmp_path / "evaluation.md").read_text()
    assert f"{document['pooled']['metrics']['accuracy']:.1%}" in text
    assert document["pooled"]["sha256"] in text
    for name in ("confusion.png", "reliability.png"):
        with Image.open(tmp_path / name) as picture:
            assert min(picture.size) > 600


def test_the_command_prints_json_or_tables(corpus, checkpoint, capsys, tmp_path):
    name = f"ferplus:{corpus / 'valid.parquet'}"
    assert evaluate.main([checkpoint, name, "--json", "--out", str(tmp_path / "new")]) == 0
    assert json.loads(capsys.readouterr().out)["datasets"][0]["dataset"] == name
    assert (tmp_path / "new" / "evaluation.md").is_file()


def test_images_without_a_majority_can_be_left_out(tmp_path, checkpoint, capsys):
    rng = np.random.default_rng(5)
    votes = [
        {"anger": 5, "fear": 4, "contempt": 1},  # what one tagger alone named does not count: five of nine
        {"anger": 5, "unknown": 5},
        {"sadness": 4, "fear": 3, "neutral": 3},
        {"happiness": 9},
    ]
    write_part(tmp_path / "some.parquet", [pattern(i, rng) for i in range(4)], votes)
    name = f"ferplus:{tmp_path / 'some.parquet'}"
    assert evaluate.main([checkpoint, name, "--json", "--majority"]) == 0
    (clear,) = json.loads(capsys.readouterr().out)["datasets"]
    assert (clear["dataset"], clear["metrics"]["n"]) == (f"{name}, majority only", 2)
    (whole,) = evaluate_datasets(checkpoint, [name], resamples=5).datasets
    assert [one.n for one in whole.agreement] == [2, 1, 0, 1]
    assert [row[1] for row in evaluate.agreement_rows(whole)][-1] == "2"
    text = evaluate.to_markdown(evaluate.EvaluationReport(whole.model_id, (whole,), None))
    assert "By how far taggers agreed" in text
    write_part(tmp_path / "unclear.parquet", [pattern(0, rng)], votes[2:3])
    assert evaluate.main([checkpoint, f"ferplus:{tmp_path / 'unclear.parquet'}", "--majority"]) == 1
    assert "no image whose label has a majority" in capsys.readouterr().err


def test_the_terminal_shows_every_class(verdict):
    console = Console(width=120, record=True, file=io.StringIO())
    evaluate.print_report(verdict, console)
    shown = console.export_text()
    assert all(name in shown for name in (*EMOTIONS, "Macro-F1", "Brier", "all datasets pooled"))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["no-such-model", "ferplus:x.parquet"], "No model"),
        (["{bundle}", "nonsense"], "not a dataset"),
        (["{bundle}", "ferplus:nowhere.parquet"], "No corpus"),
        (["{bundle}", "ferplus:x.parquet", "--batch", "0"], "--batch"),
    ],
)
def test_mistakes_are_told_in_one_sentence(arguments, complaint, checkpoint, capsys):
    assert evaluate.main([text.format(bundle=checkpoint) for text in arguments]) == 1
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1


def test_the_confusion_figure_shows_counts_and_shares():
    figure = figures.confusion_figure([[3, 1], [0, 0]], ("smile", "frown"), "title")
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["75%\n3", "25%\n1", "0%\n0", "0%\n0"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["smile (4)", "frown (0)"]
    assert axes.get_xlabel() == "The model said"
    assert np.allclose(axes.images[0].get_array(), [[0.75, 0.25], [0, 0]])


def test_the_reliability_figure_has_a_bar_a_filled_bin():
    probabilities = np.array([[0.9, 0.1], [0.88, 0.12], [0.6, 0.4]])
    bins = reliability_bins(probabilities, np.array([0, 1, 0]))
    figure = figures.reliability_figure(bins, 0.25)
    top, bottom = figure.axes
    assert [bar.get_height() for bar in top.patches] == [b.accuracy for b in bins if b.n]
    assert sum(bar.get_height() for bar in bottom.patches) == 3
    assert "0.250" in top.get_title(loc="left")
    assert (top.get_ylabel(), bottom.get_xlabel()) == ("Accuracy", "Confidence (highest probability)")


@pytest.fixture
def two_runs(tmp_path):
    """Folders of two runs whose networks are as they began, of one channel and of seven classes."""
    for seed in (1, 2):
        torch.manual_seed(seed)
        recipe = load_recipe(find_recipe("teacher"), ("phases=[{epochs: 2, image_size: 24}]",))
        folder = tmp_path / f"run{seed}"
        folder.mkdir()
        save_recipe(recipe, folder / RECIPE)
        save_run_weights(build_net(recipe.network, EMOTIONS, recipe.image_size).eval(), folder)
    return str(tmp_path / "run1"), str(tmp_path / "run2")


def test_a_run_is_judged_before_it_is_a_bundle_and_two_by_their_mean(two_runs, corpus, capsys):
    name = f"ferplus:{corpus / 'valid.parquet'}"
    crops = load_faces(parse_source(name)).crops()
    one, other = (ensemble.load_emotion_model(run)[0].predict_emotions(crops) for run in two_runs)
    np.testing.assert_allclose(one.sum(1), 1, atol=1e-5)
    assert np.abs(one - other).max() > 0.01
    mirrored = ensemble.Ensemble(two_runs[:1]).predict_emotions(np.ascontiguousarray(crops[:, :, ::-1]))
    np.testing.assert_allclose(one, mirrored, atol=1e-6)

    assert evaluate.main([two_runs[0], name, "--with", two_runs[1], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["model_id"] == "run1 and run2"
    faces = load_faces(parse_source(name))
    expected = emotion_metrics((one + other) / 2, faces.labels)
    assert found["datasets"][0]["metrics"]["confusion"] == np.array(expected.confusion).tolist()
    assert found["datasets"][0]["metrics"]["nll"] == pytest.approx(expected.nll, abs=1e-5)


def test_a_run_of_one_channel_sees_a_coloured_face_as_grey(two_runs):
    crops = np.random.default_rng(0).integers(0, 256, (2, 24, 24, 3), np.uint8)
    luma = np.repeat((crops @ np.array(LUMA))[..., None].round().astype(np.uint8), 3, axis=3)
    model = ensemble.Ensemble(two_runs)
    np.testing.assert_allclose(model.predict_emotions(crops), model.predict_emotions(luma), atol=0.02)


def test_networks_of_other_classes_cannot_be_one(two_runs, tmp_path, corpus, capsys):
    other = tmp_path / "other"
    other.mkdir()
    recipe = load_recipe(find_recipe("direct_nine_class"), ("network.options={depth: 1}", "network.init_from=null"))
    save_recipe(recipe, other / RECIPE)
    save_run_weights(build_net(recipe.network, recipe.stages[-1].classes, recipe.image_size), other)
    assert evaluate.main([two_runs[0], f"ferplus:{corpus / 'valid.parquet'}", "--with", str(other)]) == 1
    error = capsys.readouterr().err
    assert "other classes" in error
    assert error.count("\n") == 1
