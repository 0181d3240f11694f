"""A `model.onnx` whose convolutions and matrix products compute in 8-bit integers, the same on every processor.

Activations are unsigned integers of 8 bits, weights signed ones of 7 bits and a scale for each output channel. AVX2
adds pairs of products in 16 bits and saturates: with 8-bit weights a processor that has AVX2 alone gives other
embeddings than one with VNNI. A pair of products of 7-bit weights is at most 2 * 255 * 64 = 32,640 and fits, so that
sums of integers are exact on both. What stays in 32-bit floats (normalisation, softmax, attention between activations)
differs in its last bits, as all of a network in floats does.

Precision is a property of the bundle and never of the machine: one file runs everywhere, and embeddings of one
`face_kind` are of one precision.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import ModelError
from fer_phq.models import messages
from fer_phq.models.checkpoint import INT8, RUNTIME, Bundle, runtime_file
from fer_phq.models.encoder import PRECISION_ENTRY
from fer_phq.models.model import FerPhqModel, assemble
from fer_phq.models.networks.loading import load_network
from fer_phq.models.probes import answer_probes

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

PRODUCTS = ("Conv", "MatMul")
"""Operators that compute in integers, where their weights are constant."""
LARGEST_WEIGHT = 64
"""Largest absolute value of a weight as an integer: two products with unsigned bytes add up to less than 2**15."""
_BATCH = 16


def quantize_network(bundle: Bundle, pixels: FloatArray, path: Path) -> None:
    """Write a bundle's network in 8-bit integers.

    Args:
        bundle: The bundle, with a `model.onnx` in 32-bit floats.
        pixels: Calibration images (n, in_chans, size, size), 0 to 1, of the network's own training: the ranges of
            activations are those that they show.
        path: The file to write.

    Raises:
        ModelError: The network has nothing to quantise, or onnxruntime left some of it in floats.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    source = runtime_file(bundle)
    if source is None:
        raise ModelError(messages.RUNTIME_MISSING(folder=str(bundle.path), file=RUNTIME))
    network = onnx.load(source)
    products = _products(network)
    if not products:
        raise ModelError(messages.QUANTIZATION_WITHOUT_PRODUCTS(model_id=bundle.model_id))
    for number, node in enumerate(network.graph.node):
        node.name = node.name or f"node_{number}"  # nodes without a name are passed over without a word
    with _without_advice():
        quantize_static(
            network,
            str(path),
            _Images(pixels),
            quant_format=QuantFormat.QDQ,
            nodes_to_quantize=[node.name for node in products],
            op_types_to_quantize=list(PRODUCTS),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
    written = onnx.load(path)
    quantized = _count_quantized(written)
    if quantized != len(products):
        raise ModelError(
            messages.QUANTIZATION_INCOMPLETE(model_id=bundle.model_id, products=len(products), quantized=quantized)
        )
    entries = {prop.key: prop.value for prop in network.metadata_props}
    onnx.helper.set_model_props(written, entries | {PRECISION_ENTRY: INT8})
    onnx.save(written, path)


def compare_with_weights(model: FerPhqModel) -> float:
    """Measure how far a model's probabilities of the probes are from those of its network in PyTorch.

    Args:
        model: The model, as `load_model` returns it.

    Returns:
        The largest absolute difference.

    Raises:
        ModelError: The network cannot be loaded.
    """
    reference = assemble(model.bundle, load_network(model.bundle.path))
    return float(np.abs(answer_probes(model) - answer_probes(reference)).max())


class _Images:
    """Hands calibration images to onnxruntime, a few at a time."""

    def __init__(self, pixels: FloatArray) -> None:
        self._batches = iter([pixels[start : start + _BATCH] for start in range(0, len(pixels), _BATCH)])

    def get_next(self) -> dict[str, Any] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"pixels": batch}


def _products(network: ModelProto) -> list[NodeProto]:
    """List the nodes whose second input is a constant, and whose first is none."""
    constants = {tensor.name for tensor in network.graph.initializer}
    return [
        node
        for node in network.graph.node
        if node.op_type in PRODUCTS and node.input[1] in constants and node.input[0] not in constants
    ]


def _count_quantized(network: ModelProto) -> int:
    """Count the products both of whose inputs are 8-bit integers, and whose weights are no larger than they may be."""
    from onnx import numpy_helper

    makers = {output: node for node in network.graph.node for output in node.output}
    integers = {t.name: numpy_helper.to_array(t) for t in network.graph.initializer if t.data_type in (2, 3)}
    quantized = 0
    for node in network.graph.node:
        inputs = [makers.get(name) for name in node.input[:2]]
        if node.op_type not in PRODUCTS or not all(m is not None and m.op_type == "DequantizeLinear" for m in inputs):
            continue
        weights = integers.get(inputs[1].input[0]) if inputs[1] is not None else None
        quantized += weights is not None and int(np.abs(weights.astype(int)).max()) <= LARGEST_WEIGHT
    return quantized


@contextmanager
def _without_advice() -> Iterator[None]:
    """Keep onnxruntime from advising a preparation that the export has already made."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
