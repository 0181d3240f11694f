"""Exported files give what the model gives, say what they are, and are never half there."""

import json
import shutil
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import save_file

from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import ModelError
from fer_phq.models.checkpoint import SHIPPED, WEIGHTS, read_bundle, write_config
from fer_phq.models.model import assemble, load_model
from fer_phq.models.networks import export
from fer_phq.models.networks.backbone import create_backbone
from fer_phq.models.networks.export import check_runtime, export_model
from fer_phq.models.networks.heads import EmotionNet
from fer_phq.models.networks.loading import load_network
from fer_phq.models.preprocessing import to_pixels

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")


@pytest.fixture(scope="module")
def shipped():
    """The shipped model as PyTorch runs it."""
    network = load_network()
    return assemble(network.bundle, network)


@pytest.fixture(scope="module")
def colour(tmp_path_factory):
    """A plain timm ViT, 3 channels of 32 px, with random weights, as a bundle of its own."""
    torch.manual_seed(0)
    backbone = create_backbone("vit_tiny_patch16_224", 32, 3)
    folder = tmp_path_factory.mktemp("colour")
    save_file(EmotionNet(backbone, backbone.num_features).state_dict(), folder / WEIGHTS[0])
    shape = {"backbone": "vit_tiny_patch16_224", "image_size": 32, "in_chans": 3}
    config = replace(read_bundle(SHIPPED).config, name="tiny", phq=None, quantization=None, **shape)
    write_config(folder, config)
    network = load_network(folder)
    return assemble(network.bundle, network)


@pytest.fixture(scope="module")
def onnx_file(shipped, tmp_path_factory):
    pytest.importorskip("onnxscript")
    path = tmp_path_factory.mktemp("onnx") / "fer.onnx"
    return path, export_model(shipped.bundle, path, "onnx")


def crops(n: int, size: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 255, (n, size, size, 3), dtype=np.uint8)


def same(model, probabilities, embedding, images) -> None:
    np.testing.assert_allclose(np.asarray(probabilities), model.predict_emotions(images), atol=1e-4)
    np.testing.assert_allclose(np.asarray(embedding), model.embed(images), atol=1e-4)


@pytest.mark.slow
def test_onnx_gives_what_the_model_gives_at_any_batch_size(shipped, onnx_file):
    path, report = onnx_file
    session = onnxruntime.InferenceSession(path)
    for n in (1, 2, 9):
        probabilities, embedding = session.run(None, {"pixels": to_pixels(crops(n, 48), 1, 48)})
        assert (probabilities.shape, embedding.shape) == ((n, 7), (n, shipped.dim))
        same(shipped, probabilities, embedding, crops(n, 48))
    assert report.difference <= 1e-4
    assert report.bytes == path.stat().st_size


def test_onnx_is_one_file_that_says_what_it_is(shipped, onnx_file):
    path, _ = onnx_file
    assert [file.name for file in path.parent.iterdir()] == ["fer.onnx"]
    proto = onnx.load(path)
    said = {prop.key: prop.value for prop in proto.metadata_props}
    assert said["model_id"] == shipped.model_id
    assert tuple(json.loads(said["classes"])) == EMOTIONS
    assert (said["image_size"], said["licence"]) == ("48", "Apache-2.0")
    assert "not a diagnosis" in said["provenance"]
    assert [output.name for output in proto.graph.output] == ["probabilities", "embedding"]
    assert str(SHIPPED.parents[2]).encode() not in path.read_bytes(), "no path of this machine travels with it"


def test_torchscript_gives_what_the_model_gives_and_replaces_a_file_only_when_asked(shipped, tmp_path):
    path = tmp_path / "fer.pt"
    path.write_text("mine")
    with pytest.raises(ModelError, match="already there"):
        export_model(shipped.bundle, path, "torchscript")
    assert path.read_text() == "mine"
    export_model(shipped.bundle, path, "torchscript", force=True)
    extra = {"config.json": ""}
    loaded = torch.jit.load(str(path), _extra_files=extra)
    assert json.loads(extra["config.json"])["model_id"] == shipped.model_id
    same(shipped, *loaded(torch.from_numpy(to_pixels(crops(3, 48), 1, 48))), crops(3, 48))


def test_other_backbones_and_colour_export_too(colour, tmp_path):
    path = tmp_path / "tiny.pt"
    assert export_model(colour.bundle, path, "torchscript").difference <= 1e-4
    extra = {"config.json": ""}
    loaded = torch.jit.load(str(path), _extra_files=extra)
    same(colour, *loaded(torch.from_numpy(to_pixels(crops(2, 32), 3, 32))), crops(2, 32))
    assert json.loads(extra["config.json"])["licence"] == "see model_card"


@pytest.mark.slow
def test_other_backbones_and_colour_export_to_onnx(colour, tmp_path):
    pytest.importorskip("onnxscript")
    assert export_model(colour.bundle, tmp_path / "tiny.onnx", "onnx").difference <= 1e-4


def test_a_file_that_differs_is_not_left_behind(shipped, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "TOLERANCE", -1.0)
    path = tmp_path / "fer.pt"
    path.write_text("mine")
    with pytest.raises(ModelError, match="was not written"):
        export_model(shipped.bundle, path, "torchscript", force=True)
    assert [file.name for file in tmp_path.iterdir()] == ["fer.pt"]
    assert path.read_text() == "mine"


def test_where_nothing_can_be_written_is_one_sentence(shipped, tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "no" / "fer.pt", tmp_path / "file" / "fer.pt"):
        with pytest.raises(ModelError) as error:
            export_model(shipped.bundle, path, "torchscript", force=True)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)


def test_without_onnxscript_the_sentence_says_what_to_install(shipped, tmp_path, monkeypatch):
    monkeypatch.setattr(export.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"fer-phq\[train\]"):
        export_model(shipped.bundle, tmp_path / "fer.onnx", "onnx")


def test_a_copy_of_a_bundle_names_no_licence_of_its_own(tmp_path):
    bundle = read_bundle(shutil.copytree(SHIPPED, tmp_path / "copy"))
    assert export.build_metadata(bundle)["licence"] == "see model_card"
    assert "Apache-2.0" in export.build_metadata(bundle)["model_card"]


def test_the_shipped_file_gives_what_the_shipped_weights_give():
    assert check_runtime(load_model()).holds


@pytest.mark.slow
def test_a_foreign_bundle_gets_its_file_once(colour):
    pytest.importorskip("onnxscript")
    folder = colour.bundle.path
    made = load_model(folder)
    assert made.model_id == colour.model_id
    assert check_runtime(made).difference <= 1e-4
    written = (folder / "model.onnx").stat().st_mtime_ns
    same(colour, load_model(folder).predict_emotions(crops(3, 32)), made.embed(crops(3, 32)), crops(3, 32))
    assert (folder / "model.onnx").stat().st_mtime_ns == written
