"""A bundle's network is the one that its weights make, or there is a sentence."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx
import pytest
from float_bundle import MADE, label

from fer_phq.core.errors import ModelError
from fer_phq.models import checkpoint
from fer_phq.models.checkpoint import (
    RUNTIME,
    SHIPPED,
    WEIGHTS,
    read_bundle,
    runtime_file,
    write_config,
)
from fer_phq.models.encoder import load_encoder
from fer_phq.models.model import load_model


@pytest.fixture
def copy(tmp_path):
    return label(shutil.copytree(SHIPPED, tmp_path / "copy"), None)


def change(folder, edit) -> None:
    """Edit a bundle's network, and let its configuration say that this is it."""
    network = onnx.load(folder / RUNTIME)
    edit(network)
    onnx.save(network, folder / RUNTIME)
    write_config(folder, read_bundle(folder).config)


def test_a_mirrored_face_has_the_same_embedding():
    _, encoder = load_encoder(read_bundle(SHIPPED))
    pixels = np.random.default_rng(0).random((3, 1, 48, 48), np.float32)
    rows = encoder.embed(pixels)
    assert (rows.shape, rows.dtype) == ((3, 192), np.float32)
    np.testing.assert_allclose(encoder.embed(np.ascontiguousarray(pixels[..., ::-1])), rows, atol=1e-4)


def test_a_damaged_network_is_refused(copy):
    data = bytearray((copy / RUNTIME).read_bytes())
    data[-100] ^= 255
    (copy / RUNTIME).write_bytes(data)
    with pytest.raises(ModelError, match=r"model.onnx is not the file that its config.json was written for"):
        load_model(copy)


def test_the_network_of_other_weights_is_refused(copy):
    def rename(network):
        entry = next(prop for prop in network.metadata_props if prop.key == "weights_sha256")
        entry.value = "0" * 64

    change(copy, rename)
    with pytest.raises(ModelError, match=r"model.onnx was not made of the model.safetensors beside it"):
        load_model(copy)


def test_a_network_of_another_precision_is_refused(copy):
    config = read_bundle(copy).config
    write_config(copy, replace(config, quantization=MADE))
    with pytest.raises(ModelError, match=r"computes in fp32, and the config.json beside it says int8"):
        load_model(copy)

    floats = replace(read_bundle(copy), config=config).face_kind
    assert load_model(label(copy, MADE)).face_kind.startswith(f"{floats}-int8-")
    write_config(copy, config)
    with pytest.raises(ModelError, match=r"computes in int8, and the config.json beside it says fp32"):
        load_model(copy)


def test_a_quantised_network_that_is_gone_is_not_made_again_of_the_weights(copy):
    write_config(copy, replace(read_bundle(copy).config, quantization=MADE))
    (copy / RUNTIME).unlink()
    with pytest.raises(ModelError, match=r"model.onnx, which computes in int8, is missing and cannot be made"):
        load_model(copy)


def test_heads_on_floats_do_not_take_the_shipped_network_in_integers(copy, monkeypatch):
    headed = shutil.copytree(copy, copy.parent / "headed")
    (headed / RUNTIME).unlink()
    write_config(headed, read_bundle(headed).config)
    label(copy, MADE)
    monkeypatch.setattr(checkpoint, "SHIPPED", copy)
    assert runtime_file(read_bundle(headed)) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("precision", "int4"), ("images", 0), ("accuracy", "high"), ("probe_error", float("nan")), ("probes", [[2]])],
)
def test_a_description_of_a_quantised_network_is_checked(copy, field, value):
    write_config(copy, replace(read_bundle(copy).config, quantization=MADE))
    fields = json.loads((copy / "config.json").read_text())
    fields["quantization"][field] = value
    (copy / "config.json").write_text(json.dumps(fields))
    with pytest.raises(ModelError, match=f"quantization.{field} is .* and must be"):
        read_bundle(copy)
    del fields["quantization"][field]
    (copy / "config.json").write_text(json.dumps(fields))
    with pytest.raises(ModelError, match="an object with these fields"):
        read_bundle(copy)


def test_a_network_of_another_shape_is_refused(copy):
    def enlarge(network):
        network.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 3

    change(copy, enlarge)
    with pytest.raises(ModelError, match=r"model.onnx cannot be used"):
        load_model(copy)


def test_a_network_that_reads_other_files_is_refused(copy):
    def point(network):
        tensor = max(network.graph.initializer, key=lambda each: len(each.raw_data))
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../../../../../etc/hostname")

    network = onnx.load(copy / RUNTIME)
    point(network)
    (copy / RUNTIME).write_bytes(network.SerializeToString())
    write_config(copy, read_bundle(copy).config)
    with pytest.raises(ModelError, match="it refers to other files"):
        load_model(copy)


def test_what_is_no_network_is_refused(copy):
    (copy / RUNTIME).write_bytes(b"no network")
    write_config(copy, read_bundle(copy).config)
    with pytest.raises(ModelError, match=r"The network in .*model.onnx cannot be used") as error:
        load_model(copy)
    assert "\n" not in str(error.value)


def test_heads_on_the_shipped_weights_need_no_file_of_their_own(copy, monkeypatch):
    shipped = shutil.copytree(copy, copy.parent / "shipped")
    monkeypatch.setattr(checkpoint, "SHIPPED", shipped)
    config = read_bundle(copy).config
    (copy / RUNTIME).unlink()
    write_config(copy, config)
    bundle = read_bundle(copy)
    assert runtime_file(bundle) == shipped / RUNTIME
    crops = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3), dtype=np.uint8)
    np.testing.assert_array_equal(load_model(copy).embed(crops), load_model(shipped).embed(crops))


def test_without_pytorch_a_bundle_without_the_file_has_a_sentence(copy, monkeypatch):
    (copy / RUNTIME).unlink()
    weights = bytearray((copy / WEIGHTS[0]).read_bytes())
    weights[-1] ^= 1
    (copy / WEIGHTS[0]).write_bytes(weights)
    write_config(copy, read_bundle(copy).config)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "fer_phq.models.networks.export", raising=False)
    with pytest.raises(ModelError, match=r"has no model.onnx.*fer-phq\[train\].*models verify"):
        load_model(copy)


def test_a_picture_and_its_model_need_no_pytorch():
    code = (
        "import sys, numpy; from fer_phq import load_model, analyze_image;"
        "analyze_image(numpy.zeros((64, 64, 3), numpy.uint8), load_model());"
        "sys.exit(bool({'torch', 'timm', 'onnx', 'torchvision'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
