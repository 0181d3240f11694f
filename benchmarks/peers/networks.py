"""Multiply-adds of ONNX networks, counted from their graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx
from onnx import numpy_helper, shape_inference

Shapes = dict[str, tuple[int, ...]]


class UnknownShapeError(ValueError):
    """A product's size does not follow from the graph."""


def count_multiply_adds(network: onnx.ModelProto, inputs: Mapping[str, Sequence[int]]) -> int:
    """Count the multiply-adds of convolutions and matrix products for inputs of given shapes.

    Args:
        network: The network.
        inputs: Shape of each input by name.

    Raises:
        UnknownShapeError: The shape of a product is not known.
    """
    shapes = infer_shapes(network, inputs)
    return sum(_node_multiply_adds(node, shapes) for node in network.graph.node)


def infer_shapes(network: onnx.ModelProto, inputs: Mapping[str, Sequence[int]]) -> Shapes:
    """Infer the shapes of a network's values; those that are not known are left out.

    Args:
        network: The network, which stays as it is.
        inputs: Shape of each input by name.
    """
    sized = onnx.ModelProto()
    sized.CopyFrom(network)
    del sized.graph.value_info[:]
    for value in sized.graph.input:
        if value.name in inputs:
            _set_shape(value, inputs[value.name])
    for value in sized.graph.output:
        value.type.tensor_type.ClearField("shape")
    inferred = shape_inference.infer_shapes(sized, data_prop=True).graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in inferred.initializer}
    for value in [*inferred.input, *inferred.value_info, *inferred.output]:
        dims = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(dim.HasField("dim_value") for dim in dims):
            shapes[value.name] = tuple(dim.dim_value for dim in dims)
    for node in inferred.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            shapes[node.output[0]] = numpy_helper.to_array(node.attribute[0].t).shape
    return shapes


def _set_shape(value: onnx.ValueInfoProto, shape: Sequence[int]) -> None:
    dims = value.type.tensor_type.shape.dim
    if len(dims) != len(shape):
        raise UnknownShapeError(f"The input {value.name} has {len(dims)} axes, and not {len(shape)}.")
    for dim, size in zip(dims, shape, strict=True):
        dim.ClearField("dim_param")
        dim.dim_value = size


def _node_multiply_adds(node: onnx.NodeProto, shapes: Shapes) -> int:
    if node.op_type == "Conv":
        weight = _shape(node.input[1], node, shapes)
        return _product(_shape(node.output[0], node, shapes)) * _product(weight[1:])
    if node.op_type == "ConvTranspose":
        weight = _shape(node.input[1], node, shapes)
        return _product(_shape(node.input[0], node, shapes)) * _product(weight[1:])
    if node.op_type in ("MatMul", "MatMulInteger"):
        return _product(_shape(node.output[0], node, shapes)) * _shape(node.input[0], node, shapes)[-1]
    if node.op_type == "Gemm":
        transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
        inner = _shape(node.input[0], node, shapes)[0 if transposed else 1]
        return _product(_shape(node.output[0], node, shapes)) * inner
    return 0


def _shape(name: str, node: onnx.NodeProto, shapes: Shapes) -> tuple[int, ...]:
    if name not in shapes:
        raise UnknownShapeError(f"The shape of {name} at {node.op_type} {node.name} is not known.")
    return shapes[name]


def _product(shape: Sequence[int]) -> int:
    result = 1
    for size in shape:
        result *= size
    return result
