"""Multiply-adds of networks, against those counted by hand."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from benchmarks.peers.networks import UnknownShapeError, count_multiply_adds


def network(
    nodes: list[onnx.NodeProto], weights: dict[str, tuple[int, ...]], shape: list[int | str]
) -> onnx.ModelProto:
    """A network from the input `x` to the output `y`."""
    values = [numpy_helper.from_array(np.zeros(size, np.float32), name) for name, size in weights.items()]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        values,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def test_a_convolution_counts_its_kernel_for_each_value_of_its_output():
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1], strides=[2, 2])
    model = network([node], {"w": (8, 3, 3, 3)}, ["n", 3, "h", "w"])
    assert count_multiply_adds(model, {"x": (1, 3, 16, 32)}) == 8 * 8 * 16 * 3 * 9
    assert count_multiply_adds(model, {"x": (5, 3, 16, 32)}) == 5 * 8 * 8 * 16 * 3 * 9


def test_groups_of_a_convolution_see_their_own_channels():
    node = helper.make_node("Conv", ["x", "w"], ["y"], group=4)
    model = network([node], {"w": (4, 1, 3, 3)}, [1, 4, 10, 10])
    assert count_multiply_adds(model, {"x": (1, 4, 10, 10)}) == 4 * 8 * 8 * 9


def test_a_transposed_convolution_counts_its_kernel_for_each_value_of_its_input():
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2])
    model = network([node], {"w": (6, 5, 2, 2)}, [1, 6, 7, 7])
    assert count_multiply_adds(model, {"x": (1, 6, 7, 7)}) == 6 * 7 * 7 * 5 * 4


def test_products_of_matrices_and_what_is_none():
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["m"]),
        helper.make_node("Relu", ["m"], ["r"]),
        helper.make_node("Gemm", ["r", "b", "c"], ["y"], transB=1),
    ]
    model = network(nodes, {"a": (20, 30), "b": (7, 30), "c": (7,)}, ["n", 20])
    assert count_multiply_adds(model, {"x": (4, 20)}) == 4 * 30 * 20 + 4 * 7 * 30


def test_a_size_that_is_not_known_is_no_zero():
    model = network([helper.make_node("MatMul", ["x", "a"], ["y"])], {"a": (20, 30)}, ["n", 20])
    with pytest.raises(UnknownShapeError, match="is not known"):
        count_multiply_adds(model, {})
    with pytest.raises(UnknownShapeError, match="2 axes"):
        count_multiply_adds(model, {"x": (1, 2, 20)})
