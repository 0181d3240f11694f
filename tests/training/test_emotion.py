"""The loop on a generated corpus: it learns, stops and goes on, and its bundle is what it validated."""

import json

import numpy as np
import pytest
import torch

from fer_phq.emotions import EMOTIONS
from fer_phq.model import load_model
from training import bundle, emotion, phq
from training.data import load_ferplus
from training.recipe import load_recipe

SHORT = (
    "phases=[{epochs: 1, image_size: 16}, {epochs: 2, image_size: 24}]",
    "batch_size=16",
    "warmup_epochs=0.5",
    "ema_decay=0.5",
    "learning_rate=0.003",
)


@pytest.fixture
def recipe_args(corpus):
    from pathlib import Path

    return [str(Path(emotion.__file__).parent / "recipes" / "shipped.yaml"), *SHORT, f"data={corpus}"]


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def weights_of(folder):
    return torch.load(folder / "state.pt", weights_only=True)["average"]


def test_training_lowers_the_loss_and_writes_a_line_an_epoch(recipe_args, tmp_path):
    assert emotion.main([*recipe_args, "--out", str(tmp_path)]) == 0
    log = log_of(tmp_path)
    assert [line["epoch"] for line in log] == [1, 2, 3]
    assert [line["image_size"] for line in log] == [16, 24, 24]
    assert log[-1]["train_loss"] < log[0]["train_loss"]


def test_a_run_that_was_killed_goes_on_to_the_same_weights(recipe_args, tmp_path, monkeypatch):
    assert emotion.main([*recipe_args, "--out", str(tmp_path / "whole")]) == 0
    calls, train_epoch = [], emotion.train_epoch

    def killed_in_the_second(run, data):
        calls.append(run.epoch)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return train_epoch(run, data)

    monkeypatch.setattr(emotion, "train_epoch", killed_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        emotion.main([*recipe_args, "--out", str(tmp_path / "killed")])
    monkeypatch.undo()
    assert emotion.main([*recipe_args, "--out", str(tmp_path / "killed"), "--resume"]) == 0
    whole, resumed = weights_of(tmp_path / "whole"), weights_of(tmp_path / "killed")
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value, msg=name)


def test_a_wrong_data_folder_is_one_sentence(recipe_args, tmp_path, capsys):
    assert emotion.main([*recipe_args, f"data={tmp_path}", "--out", str(tmp_path)]) == 1
    assert "No FER+ part" in capsys.readouterr().err


def test_a_bundle_gives_what_its_metrics_say_and_takes_a_phq_head(recipe_args, corpus, tmp_path, monkeypatch):
    out = tmp_path / "bundle"
    emotion.main([*recipe_args, "--out", str(tmp_path)])
    recipe = load_recipe(__import__("pathlib").Path(recipe_args[0]), (*SHORT, f"data={corpus}"))
    train, valid = emotion.load_parts(corpus)
    run = emotion.setup(recipe)
    run.restore(tmp_path / "state.pt")
    bundle.write_bundle(run, bundle.temperature_of(run, train), out)
    model = load_model(out)
    direct = emotion.predict(run.average.module, valid, 24).argmax(1).numpy()
    crops = np.repeat(load_ferplus(corpus / "valid.parquet").images[..., None], 3, axis=3)
    given = model.predict_emotions(crops)
    assert given.shape == (42, len(EMOTIONS))
    assert (given.argmax(1) == direct).mean() > 0.95
    metrics = phq.train(out, corpus, seed=0, subjects=64, epochs=1, longest=20)
    again = load_model(out)
    assert again.bundle.config.phq.provenance == "simulated"
    assert again.model_id != model.model_id
    assert metrics.interval_coverage > 0.7
    assert metrics.floor_mae > 0


def test_the_temperature_that_was_put_in_is_found():
    torch.manual_seed(0)
    logits = torch.randn(4000, 7)
    targets = torch.nn.functional.one_hot(torch.distributions.Categorical(logits=logits).sample(), 7).float()
    assert bundle.fit_temperature(logits * 2.5, targets) == pytest.approx(2.5, rel=0.1)
