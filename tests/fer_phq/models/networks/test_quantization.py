"""A network in 8-bit integers is quantised throughout, fits 16-bit sums, and is near the network in floats."""

import shutil

import numpy as np
import onnx
import pytest
from float_bundle import copy_in_floats
from onnx import numpy_helper

from fer_phq.core.errors import ModelError
from fer_phq.models.checkpoint import RUNTIME, Bundle, read_bundle
from fer_phq.models.networks.quantization import LARGEST_WEIGHT, quantize_network
from fer_phq.runtime.sessions import read_session


def smooth_noise(n: int) -> np.ndarray:
    """Pixels with large and small structure, as faces have: noise of several sizes, one upon the other."""
    rng = np.random.default_rng(0)
    layers = [np.kron(rng.random((n, 1, side, side)), np.ones((48 // side, 48 // side))) for side in (3, 6, 12, 48)]
    return (sum(layers) / len(layers)).astype(np.float32)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    """The shipped weights with a file in 32-bit floats, whose nodes have no names."""
    folder = copy_in_floats(tmp_path_factory.mktemp("bundle") / "floats")
    network = onnx.load(folder / RUNTIME)
    for node in network.graph.node:
        node.name = ""
    onnx.save(network, folder / RUNTIME)
    return read_bundle(folder)


@pytest.fixture(scope="module")
def quantized(bundle, tmp_path_factory):
    path = tmp_path_factory.mktemp("int8") / RUNTIME
    quantize_network(bundle, smooth_noise(24), path)
    return path


def run(path, pixels):
    return read_session(path.read_bytes(), threads=1).run(["probabilities", "embedding"], {"pixels": pixels})


def test_every_product_with_weights_is_of_integers_that_fit_16_bits(quantized):
    network = onnx.load(quantized)
    makers = {output: node for node in network.graph.node for output in node.output}
    tensors = {tensor.name: tensor for tensor in network.graph.initializer}
    largest = []
    for node in network.graph.node:
        if node.op_type not in ("Conv", "MatMul"):
            continue
        second = makers.get(node.input[1])
        if second is not None and second.op_type == "DequantizeLinear":
            assert makers[node.input[0]].op_type == "DequantizeLinear"
            weights = numpy_helper.to_array(tensors[second.input[0]])
            assert weights.dtype == np.int8
            largest.append(int(np.abs(weights.astype(int)).max()))
        else:
            assert node.input[1] not in tensors, "a product with weights in floats is left"
    assert len(largest) == 33  # 17 convolutions, 16 matrix products
    assert max(largest) <= LARGEST_WEIGHT
    assert 2 * 255 * max(largest) < 2**15


def test_it_is_near_the_network_in_floats_and_smaller(bundle, quantized):
    pixels = smooth_noise(56)[24:]
    probabilities, embeddings = run(quantized, pixels)
    expected, expected_embeddings = run(bundle.path / RUNTIME, pixels)
    distance = np.linalg.norm(embeddings - expected_embeddings, axis=1)
    assert np.median(distance / np.linalg.norm(expected_embeddings, axis=1)) < 0.03
    assert np.abs(probabilities - expected).max() < 0.2
    assert not np.array_equal(embeddings, expected_embeddings)
    assert quantized.stat().st_size < 0.4 * (bundle.path / RUNTIME).stat().st_size


def test_a_crop_has_the_same_embedding_in_any_company(quantized):
    pixels = smooth_noise(8)
    _, together = run(quantized, pixels)
    _, alone = run(quantized, pixels[5:6])
    _, reverse = run(quantized, pixels[::-1].copy())
    np.testing.assert_array_equal(alone[0], together[5])
    np.testing.assert_array_equal(reverse[::-1], together)


def test_the_file_says_what_it_computes_in_and_of_which_weights(bundle, quantized):
    entries = {prop.key: prop.value for prop in onnx.load(quantized).metadata_props}
    assert entries["precision"] == "int8"
    assert entries["weights_sha256"] == bundle.hashes["model.safetensors"]


def test_a_network_without_weights_is_refused(bundle, tmp_path):
    network = onnx.load(bundle.path / RUNTIME)
    del network.graph.initializer[:]
    folder = shutil.copytree(bundle.path, tmp_path / "empty")
    onnx.save(network, folder / RUNTIME)
    with pytest.raises(ModelError, match="cannot be quantised: its network has no convolution"):
        quantize_network(read_bundle(folder), smooth_noise(4), tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()
