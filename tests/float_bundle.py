"""The shipped bundle in 32-bit floats, whatever it ships in."""

import shutil
from dataclasses import replace
from pathlib import Path

import onnx

from fer_phq.models.checkpoint import FP32, RUNTIME, SHIPPED, Quantization, read_bundle, write_config

MADE = Quantization("int8", 512, 100, 0.8, 0.8, -0.01, 0.01, 0.99, 0.01, 0.05, ((1.0,) * 7,) * 16)
"""A description of a quantised network."""


def copy_in_floats(folder: Path) -> Path:
    """Copy the shipped bundle, with a file in 32-bit floats that is made anew where it ships in integers."""
    shutil.copytree(SHIPPED, folder)
    config = read_bundle(folder).config
    if config.precision != FP32:
        from fer_phq.models.networks.export import write_runtime

        (folder / RUNTIME).unlink()
        write_config(folder, replace(config, quantization=None))
        write_runtime(read_bundle(folder))
    return folder


def label(folder: Path, quantization: Quantization | None) -> Path:
    """Let a bundle and its file say that they compute in 8-bit integers, or in floats, whatever they do."""
    network = onnx.load(folder / RUNTIME)
    entries = {prop.key: prop.value for prop in network.metadata_props if prop.key != "precision"}
    onnx.helper.set_model_props(network, entries | ({"precision": quantization.precision} if quantization else {}))
    onnx.save(network, folder / RUNTIME)
    write_config(folder, replace(read_bundle(folder).config, quantization=quantization))
    return folder
