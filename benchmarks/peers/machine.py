"""The machine a benchmark runs on: what it is, how busy it was, and the most multiply-adds a second that it gives."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import psutil
from onnx import TensorProto, helper

FLAGS = ("avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "avx_vnni", "amx_tile", "amx_bf16", "amx_int8")
SIDES = (384, 512, 768)
"""Sides of the matrices that are multiplied: smaller ones do not fill the core, larger ones leave its cache."""
REPETITIONS = 30


@dataclass(frozen=True)
class Peaks:
    """Multiply-adds a second of one core, in 10^9.

    Attributes:
        fp32: By onnxruntime's product of two matrices of 32-bit floats, of the side of `SIDES` that gives most.
        int8: The same of 8-bit integers (unsigned by signed).
    """

    fp32: float
    int8: float


def describe_machine() -> dict[str, Any]:
    """Return what a reader needs in order to place the figures, as JSON takes it."""
    information = _processor_information()
    flags = set(information.get("flags", "").split())
    return {
        "processor": information.get("model name", platform.processor()),
        "family_model": f"family {information.get('cpu family', '?')}, model {information.get('model', '?')}",
        "cores": len(os.sched_getaffinity(0)),
        "features": [flag for flag in FLAGS if flag in flags],
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def measure_peaks() -> Peaks:
    """Measure the most multiply-adds a second on one thread, by the fastest of several products."""
    return Peaks(
        fp32=max(_rate(side, _float_product(side)) for side in SIDES),
        int8=max(_rate(side, _integer_product(side)) for side in SIDES),
    )


def _rate(side: int, product: Callable[[], object]) -> float:
    product()
    shortest = min(_processor_s(product) for _ in range(REPETITIONS))
    return side**3 / shortest / 1e9


def _processor_s(call: Callable[[], object]) -> float:
    begin = time.thread_time()
    call()
    return time.thread_time() - begin


def _float_product(side: int) -> Callable[[], object]:
    rng = np.random.default_rng(1)
    left, right = (rng.normal(size=(side, side)).astype(np.float32) for _ in range(2))
    return _session("MatMul", left, right, TensorProto.FLOAT)


def _integer_product(side: int) -> Callable[[], object]:
    rng = np.random.default_rng(1)
    left = rng.integers(0, 128, (side, side), np.uint8)  # below 128: no sum of two products overflows without VNNI
    right = rng.integers(-127, 128, (side, side), np.int8)
    return _session("MatMulInteger", left, right, TensorProto.INT32)


def _session(operator: str, left: Any, right: Any, result: int) -> Callable[[], object]:
    """Return a call of one operator with a constant right side, as a network's weights are."""
    kind = helper.np_dtype_to_tensor_dtype(left.dtype)
    graph = helper.make_graph(
        [helper.make_node(operator, ["left", "right"], ["product"])],
        "product",
        [helper.make_tensor_value_info("left", kind, list(left.shape))],
        [helper.make_tensor_value_info("product", result, list(left.shape))],
        [onnx.numpy_helper.from_array(right, "right")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"left": left})


def _processor_information() -> dict[str, str]:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    first, _, _ = path.read_text().partition("\n\n")
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
