"""The published face network's graph becomes our MobileNet: on random weights of the same names and shapes."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fer_phq.core.errors import FerPhqError, ModelError
from fer_phq.models.networks.backbone import create_backbone
from training.emotion.networks import face_mobilenet
from training.emotion.networks.face_mobilenet import STRIDES, WIDTHS, convert_weights, read_graph


def shapes():
    """Name -> shape of every weight that the graph's backbone has."""
    out = {"conv1/convolution/merged_input": (3, 3, 3, 32), "conv1_bn/batchnorm_1/sub": (32,)}
    before = 32
    for i, width in enumerate(WIDTHS, 1):
        out |= {
            f"conv_dw_{i}/depthwise_kernel": (3, 3, before, 1),
            f"conv_dw_{i}_bn/batchnorm_1/mul": (before,),
            f"conv_dw_{i}_bn/batchnorm_1/sub": (before,),
            f"conv_pw_{i}/convolution/merged_input": (1, 1, before, width),
            f"conv_pw_{i}_bn/batchnorm_1/sub": (width,),
        }
        before = width
    return out


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    """A graph file in two shards, in half precision as the package's smaller one is."""
    folder, rng = tmp_path_factory.mktemp("graph"), np.random.default_rng(0)
    values = {}
    for name, shape in shapes().items():
        fan = 9 if "depthwise" in name else int(np.prod(shape[:-1])) if len(shape) > 1 else 25
        values[name] = (rng.normal(0, 1.5 / fan**0.5, shape) + ("mul" in name)).astype(np.float16)
    content = b"".join(value.tobytes() for value in values.values())
    (folder / "a.bin").write_bytes(content[:1001])
    (folder / "b.bin").write_bytes(content[1001:])
    half = {"dtype": "float16", "original_dtype": "float32"}
    rows = [{"name": n, "shape": list(v.shape), "dtype": "float32", "quantization": half} for n, v in values.items()]
    manifest = [{"paths": ["a.bin", "b.bin"], "weights": rows}]
    (folder / "graph.json").write_text(json.dumps({"weightsManifest": manifest}))
    return folder / "graph.json"


def as_tensorflow(images, weights):
    """The graph's own arithmetic, layer by layer, with TensorFlow's padding: (b, 3, h, w) to (b, 1024)."""

    def conv(x, kernel, stride, groups=1):
        out = -(-x.shape[-1] // stride)
        pad = max((out - 1) * stride + kernel.shape[-1] - x.shape[-1], 0)
        x = F.pad(x, (pad // 2, pad - pad // 2) * 2)
        return F.conv2d(x, kernel, stride=stride, groups=groups)

    def column(name):
        return torch.from_numpy(weights[name])[:, None, None]

    x = conv(images, torch.from_numpy(weights["conv1/convolution/merged_input"].transpose(3, 2, 0, 1).copy()), 2)
    x = (x + column("conv1_bn/batchnorm_1/sub")).clamp(0, 6)
    for i, stride in enumerate(STRIDES, 1):
        kernel = torch.from_numpy(weights[f"conv_dw_{i}/depthwise_kernel"].transpose(2, 3, 0, 1).copy())
        x = conv(x, kernel, stride, groups=len(kernel)) * column(f"conv_dw_{i}_bn/batchnorm_1/mul")
        x = (x + column(f"conv_dw_{i}_bn/batchnorm_1/sub")).clamp(0, 6)
        kernel = torch.from_numpy(weights[f"conv_pw_{i}/convolution/merged_input"].transpose(3, 2, 0, 1).copy())
        x = (conv(x, kernel, 1) + column(f"conv_pw_{i}_bn/batchnorm_1/sub")).clamp(0, 6)
    return x.mean((2, 3))


@pytest.mark.parametrize("size", [64, 75])
@torch.inference_mode()
def test_our_network_gives_what_the_graph_gives(graph, size):
    weights = read_graph(graph)
    net = create_backbone("face_mobilenet", size, 3).eval()
    net.load_state_dict(convert_weights(weights, 3))
    images = torch.randn(2, 3, size, size)
    expected = as_tensorflow(images, weights)
    assert expected.std() > 0.01
    torch.testing.assert_close(net(images), expected, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_one_channel_gives_what_three_alike_give(graph):
    weights = read_graph(graph)
    colour, grey = (create_backbone("face_mobilenet", 64, c).eval() for c in (3, 1))
    colour.load_state_dict(convert_weights(weights, 3))
    grey.load_state_dict(convert_weights(weights, 1))
    images = torch.randn(2, 1, 64, 64)
    torch.testing.assert_close(grey(images), colour(images.expand(2, 3, 64, 64)), atol=1e-4, rtol=1e-4)


def test_the_command_writes_a_start_for_a_recipe(graph, tmp_path, capsys):
    out = tmp_path / "models" / "faces.safetensors"
    assert face_mobilenet.main([str(graph), "--out", str(out)]) == 0
    from training.emotion.networks.pretrained import load_into, read_weights

    report = load_into(create_backbone("face_mobilenet", 64, 1), None, (), read_weights(out))
    assert not report.missing
    assert not report.unexpected


def test_another_file_is_one_sentence(graph, tmp_path, capsys):
    (tmp_path / "x.json").write_text("{}")
    assert face_mobilenet.main([str(tmp_path / "x.json"), "--out", str(tmp_path / "y")]) == 1
    assert "not a TensorFlow.js graph" in capsys.readouterr().err
    weights = read_graph(graph)
    del weights["conv_pw_9_bn/batchnorm_1/sub"]
    with pytest.raises(FerPhqError, match="not HSE's"):
        convert_weights(weights)
    with pytest.raises(ModelError, match="no hub weights"):
        create_backbone("face_mobilenet", 64, 1, pretrained=True)
