"""Convert the weights of dlib's face recognition network to `fer_phq/faces/dlib_face_recognition.onnx`.

    pip download --no-deps --no-binary :all: face_recognition_models==0.3.0
    python benchmarks/recognition_weights.py face_recognition_models-0.3.0.tar.gz
    python benchmarks/recognition_weights.py face_recognition_models-0.3.0.tar.gz --check COPY

The archive (PyPI, CC0 1.0) carries `dlib_face_recognition_resnet_model_v1.dat`, which Davis King released into the
public domain. The network is the one of dlib's `dnn_face_recognition_ex.cpp`: 29 convolutions, each followed by a scale
and a shift for each channel, which are folded into it. Weights are stored as int8 with one scale for each output
channel. `--check` compares with the copy in the npm package @vladmandic/face-api (MIT), which was converted
independently; COPY is `package/model/face_recognition_model` of its archive.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

Float = npt.NDArray[np.float32]

WEIGHTS = Path(__file__).resolve().parents[1] / "fer_phq" / "faces" / "dlib_face_recognition.onnx"
NAME = "dlib_face_recognition_resnet_model_v1.dat"
SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
MEAN = (122.782, 117.001, 104.298)  # of red, green and blue (dlib's input_rgb_image_sized), 0 to 255
DIVISOR = 256.0
SIDE = 150
STAGES = ((32, 3, False), (64, 4, True), (128, 3, True), (256, 3, True), (256, 1, True))
"""Channels, residual blocks, and whether the first of them halves the picture."""


def layers() -> Iterator[tuple[str, int, int, int]]:
    """Yield name, output channels, input channels and kernel side of each convolution, from the picture on."""
    yield "stem", 32, 3, 7
    channels = 32
    for stage, (width, blocks, _) in enumerate(STAGES):
        for block in range(blocks):
            yield f"{stage}.{block}.1", width, channels, 3
            yield f"{stage}.{block}.2", width, width, 3
            channels = width


class DlibFile:
    """Reads the parameters of a serialized dlib network one after the other."""

    def __init__(self, data: bytes) -> None:
        """Start at the beginning."""
        self._data = data
        self._position = 0

    def parameters(self, rows: int, columns: int = 1) -> Float:
        """Return the next tensor of `rows` x `columns` numbers, flat.

        dlib writes a version, four sizes (each a byte with the number of bytes that follow) and float32 values.
        """
        header, count = b"\x01\x02", rows * columns
        for size in (rows, columns, 1, 1):
            digits = size.to_bytes((size.bit_length() + 7) // 8, "little")
            header += bytes([len(digits)]) + digits
        start = self._data.index(header, self._position) + len(header)
        self._position = start + 4 * count
        return np.frombuffer(self._data, "<f4", count, start).astype(np.float32)


def read_weights(archive: Path) -> dict[str, tuple[Float, Float]]:
    """Read filters (out, in, k, k) and biases (out,) of each convolution, and the last matrix as "head" (128, 256)."""
    with tarfile.open(archive) as tar:
        member = next(m for m in tar.getmembers() if m.name.endswith(NAME))
        stream = tar.extractfile(member)
        assert stream is not None
        data = stream.read()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise SystemExit(f"{NAME} is another file than the one that was converted for this package.")
    source = DlibFile(data)
    weights = {}
    for name, filters, channels, side in layers():
        values = source.parameters(filters * channels * side * side + filters)
        kernel = values[:-filters].reshape(filters, channels, side, side)
        gain, shift = source.parameters(2 * filters).reshape(2, filters)
        weights[name] = (kernel * gain[:, None, None, None], values[-filters:] * gain + shift)
    head = source.parameters(256, 128).reshape(256, 128).T
    weights["head"] = (head[:, :, None, None], np.zeros(128, np.float32))
    return weights


class Graph:
    """Nodes and stored tensors of the network as they are added."""

    def __init__(self, weights: dict[str, tuple[Float, Float]], *, quantized: bool) -> None:
        """Start without nodes."""
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []
        self._weights = weights
        self._quantized = quantized

    def constant(self, name: str, values: npt.NDArray[np.generic]) -> str:
        """Store a tensor."""
        self.tensors.append(numpy_helper.from_array(values, name))
        return name

    def add(self, kind: str, inputs: Sequence[str], name: str, **attributes: object) -> str:
        """Add a node; its output has its name."""
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def convolution(self, source: str, layer: str, *, stride: int = 1) -> str:
        """Add a convolution: dlib pads by half the kernel at stride 1, and not at all at stride 2."""
        kernel, bias = self._weights[layer]
        if self._quantized:
            scale = np.maximum(np.abs(kernel).max(axis=(1, 2, 3)) / 127, 1e-12).astype(np.float32)
            steps = np.round(kernel / scale[:, None, None, None]).astype(np.int8)
            inputs = [self.constant(f"{layer}.steps", steps), self.constant(f"{layer}.scale", scale)]
            weight = self.add("DequantizeLinear", inputs, f"{layer}.weight", axis=0)
        else:
            weight = self.constant(f"{layer}.weight", kernel.astype(np.float32))
        padding = kernel.shape[2] // 2 if stride == 1 else 0
        inputs = [source, weight, self.constant(f"{layer}.bias", bias.astype(np.float32))]
        return self.add("Conv", inputs, f"{layer}.conv", strides=[stride] * 2, pads=[padding] * 4)

    def block(self, source: str, name: str, *, halves: bool, widens: bool, side: int) -> str:
        """Add a residual block; where sizes differ the smaller map is continued with zeros, as dlib does."""
        inner = self.convolution(source, f"{name}.1", stride=2 if halves else 1)
        inner = self.convolution(self.add("Relu", [inner], f"{name}.1.relu"), f"{name}.2")
        if halves:
            source = self.add("AveragePool", [source], f"{name}.pool", kernel_shape=[2, 2], strides=[2, 2])
            missing = side // 2 - (side - 1) // 2
            if missing:
                pads = self.constant(f"{name}.pads", np.array([0, 0, 0, 0, 0, 0, missing, missing], np.int64))
                inner = self.add("Pad", [inner, pads], f"{name}.pad")
            if widens:
                channels = self._weights[f"{name}.1"][0].shape[1]
                pads = self.constant(f"{name}.channels", np.array([0, 0, 0, 0, 0, channels, 0, 0], np.int64))
                source = self.add("Pad", [source, pads], f"{name}.wide")
        return self.add("Relu", [self.add("Add", [source, inner], f"{name}.sum")], f"{name}.out")


def build(
    weights: dict[str, tuple[Float, Float]], *, quantized: bool = True, divisor: float = DIVISOR
) -> onnx.ModelProto:
    """Build the network: uint8 pictures (n, 150, 150, 3) to float32 vectors (n, 128)."""
    graph = Graph(weights, quantized=quantized)
    picture = graph.add("Cast", ["picture"], "float", to=TensorProto.FLOAT)
    picture = graph.add("Sub", [picture, graph.constant("mean", np.array(MEAN, np.float32))], "centred")
    picture = graph.add("Div", [picture, graph.constant("divisor", np.array(divisor, np.float32))], "scaled")
    out = graph.add("Transpose", [picture], "channels_first", perm=[0, 3, 1, 2])
    out = graph.add("Relu", [graph.convolution(out, "stem", stride=2)], "stem.relu")
    out = graph.add("MaxPool", [out], "stem.pool", kernel_shape=[3, 3], strides=[2, 2])
    side, channels = 35, 32
    for stage, (width, blocks, halves) in enumerate(STAGES):
        for block in range(blocks):
            shrinks = halves and block == 0
            out = graph.block(out, f"{stage}.{block}", halves=shrinks, widens=width != channels, side=side)
            side = side // 2 if shrinks else side
            channels = width
    out = graph.add("GlobalAveragePool", [out], "mean_pool")
    out = graph.add("Flatten", [graph.convolution(out, "head")], "vector")
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "dlib_face_recognition",
            [helper.make_tensor_value_info("picture", TensorProto.UINT8, ["n", SIDE, SIDE, 3])],
            [helper.make_tensor_value_info(out, TensorProto.FLOAT, ["n", 128])],
            graph.tensors,
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
        producer_name="fer-phq benchmarks/recognition_weights.py",
        doc_string="dlib_face_recognition_resnet_model_v1 by Davis King, public domain (CC0 1.0).",
    )
    onnx.checker.check_model(model)
    return model


def read_copy(stem: Path) -> dict[str, tuple[Float, Float]]:
    """Read the weights of the npm package's copy in the same form."""
    manifest = json.loads(stem.with_name(stem.name + "-weights_manifest.json").read_text())
    data = stem.with_suffix(".bin").read_bytes()
    tensors, position = {}, 0
    for entry in manifest[0]["weights"]:
        count = int(np.prod(entry["shape"]))
        quantization = entry.get("quantization")
        if quantization:
            steps = np.frombuffer(data, np.uint8, count, position).astype(np.float32)
            values = steps * np.float32(quantization["scale"]) + np.float32(quantization["min"])
        else:
            values = np.frombuffer(data, "<f4", count, position)
        position += count * (1 if quantization else 4)
        tensors[entry["name"]] = values.reshape(entry["shape"])
    names = ["conv32_down"]
    for stage, (width, blocks, halves) in enumerate(STAGES):
        kinds = ["down_out"] if stage == 4 else ["down", "1", "2", "3"] if halves else ["1", "2", "3"]
        names += [f"conv{width}_{kind}/conv{part}" for kind in kinds[:blocks] for part in (1, 2)]
    weights = {}
    for (layer, *_), name in zip(layers(), names, strict=True):
        gain, shift = tensors[f"{name}/scale/weights"], tensors[f"{name}/scale/biases"]
        kernel = tensors[f"{name}/conv/filters"].transpose(3, 2, 0, 1)
        weights[layer] = (kernel * gain[:, None, None, None], tensors[f"{name}/conv/bias"] * gain + shift)
    weights["head"] = (tensors["fc"].T[:, :, None, None], np.zeros(128, np.float32))
    return weights


def vectors(model: onnx.ModelProto, pictures: npt.NDArray[np.uint8]) -> Float:
    """Run a network on pictures (n, 150, 150, 3)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    (values,) = session.run(None, {"picture": pictures})
    return values


def main() -> None:
    """Convert, compare and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    parser.add_argument("--check", type=Path)
    options = parser.parse_args()
    weights = read_weights(options.archive)
    model = build(weights)
    onnx.save(model, str(options.output))
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.1f} MB")
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (4, 5, 5, 3)).repeat(30, axis=1).repeat(30, axis=2).astype(np.uint8)
    reference = vectors(build(weights, quantized=False), pictures)
    shift = np.linalg.norm(vectors(model, pictures) - reference, axis=1).max()
    length = np.linalg.norm(reference, axis=1).mean()
    print(f"int8 weights move a vector, {length:.2f} long, by at most {shift:.4f}")
    if options.check:
        copy = read_copy(options.check)
        largest = max(float(np.abs(copy[k][0] - v[0]).max() / np.abs(v[0]).max()) for k, v in weights.items())
        print(f"the copy's filters differ by at most {largest:.4f} of the largest in their layer")
        difference = np.linalg.norm(vectors(build(copy, quantized=False), pictures) - reference, axis=1).max()
        print(f"the copy's vectors differ by at most {difference:.4f}")


if __name__ == "__main__":
    main()
