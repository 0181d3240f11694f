"""A bundle is brought to 8-bit integers whole or not at all, says what that cost, and is another kind of embeddings."""

import json
import shutil

import numpy as np
import pytest
import yaml
from float_bundle import copy_in_floats
from typer.testing import CliRunner

from fer_phq.core.errors import FerPhqError
from fer_phq.core.feature_series import FeatureSeries, SessionFeatures
from fer_phq.models.checkpoint import SHIPPED, find_damaged_files, hash_weights, read_bundle, write_config
from fer_phq.models.encoder import load_encoder
from fer_phq.models.model import load_model
from service import cli
from training.emotion.card import bundle_commands, describe_precision
from training.emotion.networks.build import RECIPE
from training.emotion.quantization import conversion
from training.emotion.quantization.__main__ import main
from training.emotion.quantization.comparison import difference_interval
from training.emotion.recipe import load_recipe


def copy_for(folder, corpus):
    """The shipped weights with a recipe for the small corpus, and a file in 32-bit floats."""
    copy_in_floats(folder)
    recipe = yaml.safe_load((folder / RECIPE).read_text())
    for stage in recipe["stages"]:
        stage["batch_size"] = 16
    (folder / RECIPE).write_text(yaml.safe_dump(recipe | {"root": str(corpus.parent)}))
    return folder


@pytest.fixture(scope="module")
def quantized(corpus, tmp_path_factory):
    """The folder of such a bundle, brought to 8-bit integers by the command."""
    folder = copy_for(tmp_path_factory.mktemp("bundles") / "small", corpus)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conversion, "MOST_LOST", 1.0)  # 42 patterns say nothing about faces
        assert main([str(folder)]) == 0
    return folder


def test_the_bundle_says_what_it_computes_in_and_what_that_cost(quantized):
    bundle = read_bundle(quantized)
    made = bundle.config.quantization
    assert (bundle.config.precision, made.images, made.held_out) == ("int8", 128, 42)
    assert 0 < made.embedding_error < 0.1
    assert made.same_emotion > 0.8
    assert made.low <= made.accuracy - made.accuracy_fp32 <= made.high
    assert find_damaged_files(bundle) == []
    metrics = json.loads((quantized / "metrics.json").read_text())
    assert (metrics["n"], metrics["accuracy"]) == (42, pytest.approx(made.accuracy, abs=1e-5))
    assert not (quantized / "robustness.json").exists(), "figures of the network as it was"
    assert [path.name for path in quantized.parent.iterdir()] == [quantized.name]


def test_it_is_another_kind_and_another_model(quantized, tmp_path):
    bundle, before = read_bundle(quantized), read_bundle(SHIPPED)
    floats = f"{bundle.config.backbone}-{bundle.hashes['model.safetensors'][:8]}"
    assert bundle.face_kind.startswith(f"{floats}-int8-")
    assert bundle.face_kind != before.face_kind
    assert bundle.model_id != before.model_id
    assert hash_weights(quantized) != hash_weights(SHIPPED)
    again = shutil.copytree(quantized, tmp_path / "again")
    (again / "model.onnx").write_bytes((again / "model.onnx").read_bytes() + b"\x72\x00")  # an empty doc string
    write_config(again, bundle.config)
    assert read_bundle(again).face_kind != bundle.face_kind, "its ranges may be others"
    assert read_bundle(again).model_id != bundle.model_id


def test_heads_that_were_trained_on_floats_are_not_asked(quantized):
    model = load_model(quantized)
    rows = np.tile(np.arange(192, dtype=np.float32) / 192, (40, 1))
    emotions = np.full((40, 7), 1 / 7, np.float32)
    (face_head,) = [head for head in model.heads if [*map(str, head.modalities)] == ["face"]]

    def select(kind):
        series = FeatureSeries(rows, np.arange(40) / 2, kind, duration_s=np.full(40, 0.5), rate_hz=2.0)
        return face_head.select(SessionFeatures(face=series, emotions=emotions))

    assert select(model.face_kind) is None
    assert select(read_bundle(SHIPPED).face_kind) is not None


def test_verify_compares_it_with_its_maker_and_with_the_weights(quantized, tmp_path):
    done = CliRunner().invoke(cli.app, ["models", "verify", str(quantized)])
    assert done.exit_code == 0
    assert "In int8 it answers here as where it was made" in done.stdout
    assert "those of the weights in PyTorch to 0.0" in done.stdout
    other = shutil.copytree(quantized, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    config["quantization"]["probes"][0][0] += 0.05
    (other / "config.json").write_text(json.dumps(config))
    done = CliRunner().invoke(cli.app, ["models", "verify", str(other)])
    assert done.exit_code != 0
    assert "gives other probabilities here than where it was made" in str(done.exception)


def test_it_is_not_quantised_twice(quantized, capsys):
    before = {path.name: path.read_bytes() for path in quantized.iterdir()}
    assert main([str(quantized)]) == 1
    assert "computes in int8 already" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in quantized.iterdir()} == before


def test_a_bundle_that_loses_too_much_stays_as_it_was(corpus, tmp_path, monkeypatch):
    folder = copy_for(tmp_path / "small", corpus)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(conversion, "MOST_LOST", -1.1)
    with pytest.raises(FerPhqError, match="stays in 32-bit floats"):
        conversion.quantize_bundle(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["small"]


def test_the_interval_is_of_pairs():
    before = np.r_[np.ones(900, bool), np.zeros(100, bool)]
    assert difference_interval(before, before) == (0.0, 0.0)
    after = before.copy()
    after[:20] = False
    low, high = difference_interval(after, before)
    assert low == pytest.approx(-0.029, abs=0.003)
    assert high == pytest.approx(-0.012, abs=0.003)


def test_the_card_says_the_precision_and_how_it_came_about(quantized):
    bundle = read_bundle(quantized)
    said = describe_precision(bundle.config.quantization)
    assert "8-bit integers" in said
    assert f"{bundle.config.quantization.accuracy:.2%} in place of" in said
    lines = bundle_commands(load_recipe(quantized / RECIPE), "int8").splitlines()
    names = [line.split()[2] for line in lines]
    assert names.index("training.emotion.bundle") + 1 == names.index("training.emotion.quantization")
    assert names.index("training.emotion.quantization") < names.index("training.simulation.shipped_heads")
    assert describe_precision(None) == ""


def test_the_encoder_runs_it(quantized):
    bundle, encoder = load_encoder(read_bundle(quantized))
    rows = encoder.embed(np.random.default_rng(0).random((3, 1, 48, 48), np.float32))
    assert (rows.shape, rows.dtype) == ((3, 192), np.float32)
    assert bundle.config.precision == "int8"
