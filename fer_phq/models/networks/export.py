"""Export of a bundle's emotion network as one ONNX or TorchScript file: for fer-phq itself, and for other programs.

    pixels (n, in_chans, size, size) -> probabilities (n, 7), embedding (n, dim)         all float32, any n >= 1

`pixels` are face crops that are already resized, in 0-1, as `fer_phq.models.preprocessing` makes them.
Normalisation, the mean over crop and mirror image, the temperature and the softmax are inside the graph, so that
nothing of the preprocessing can be got wrong but the crop itself. The PHQ head stays out: an estimate without its
interval and provenance must not travel. Every file is read back and compared with the model before it is kept.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import ModelError
from fer_phq.models import messages
from fer_phq.models.checkpoint import RUNTIME, SHIPPED, WEIGHTS, Bundle, read_bundle, write_config
from fer_phq.models.encoder import WEIGHTS_ENTRY
from fer_phq.models.model import FerPhqModel, assemble
from fer_phq.models.networks.loading import FaceNetwork, load_network
from fer_phq.models.networks.quantization import compare_with_weights
from fer_phq.models.preprocessing import to_pixels
from fer_phq.models.probes import BETWEEN_MACHINES
from fer_phq.runtime.sessions import NetworkError, read_session

Format = Literal["onnx", "torchscript"]

TOLERANCE = 1e-4
"""Largest absolute difference from the model itself that a file's probabilities and embeddings may have."""

CHECKED_SIZES = (1, 5)
"""Batch sizes at which the written file is compared: one, and one that was not seen while exporting."""

OUTPUT_NAMES = ("probabilities", "embedding")

NOTE = (
    "The emotion network of a fer-phq checkpoint bundle, without its PHQ head. It names what taggers call a face, not "
    "what a person feels: not a diagnosis, not for decisions about a person, not at work or in schools."
)

Runner = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""Runs a file: pixels (n, in_chans, size, size) to probabilities (n, 7) and embedding (n, dim)."""


@dataclass(frozen=True)
class ExportReport:
    """A file that was written and checked.

    Attributes:
        path: The file.
        format: Its format.
        difference: Largest absolute difference from the model in either output.
        bytes: Its size.
    """

    path: Path
    format: Format
    difference: float
    bytes: int


class Outputs(NamedTuple):
    """Outputs of the exported network.

    Attributes:
        probabilities: (n, 7) float32 in the order of `EMOTIONS`.
        embedding: (n, dim) float32.
    """

    probabilities: torch.Tensor
    embedding: torch.Tensor


class ExportedNet(nn.Module):
    """Maps pixels (n, in_chans, size, size) in 0-1 to `Outputs`, as `FerPhqModel` does."""

    def __init__(self, network: FaceNetwork) -> None:
        """Copy a bundle's network.

        Args:
            network: The network; it is left as it is.
        """
        super().__init__()
        net = copy.deepcopy(network.net).cpu().float()
        config = network.bundle.config
        self.backbone = net.backbone
        self.head = net.head
        self.mean = config.mean
        self.std = config.std
        self.temperature = config.temperature
        self.eval().requires_grad_(False)

    def forward(self, pixels: torch.Tensor) -> Outputs:
        """Return probabilities (n, 7) and embedding (n, dim)."""
        images = (pixels - self.mean) / self.std
        # Both views go through one pass: the graph holds the backbone once.
        views: torch.Tensor = self.backbone(torch.cat([images, images.flip(-1)]))
        embedding = views.unflatten(0, (2, -1)).mean(0)
        return Outputs((self.head(embedding) / self.temperature).softmax(1), embedding)


def export_model(bundle: Bundle, path: Path, format: Format, force: bool = False) -> ExportReport:
    """Write a file, read it back and compare it with the bundle's network in PyTorch.

    Args:
        bundle: The bundle to export.
        path: The file to write.
        format: Its format.
        force: Replace an existing file.

    Raises:
        ModelError: The bundle cannot be loaded; or the file exists, cannot be written, or differs from the network. No
            new file is left behind, and an existing one is untouched.
    """
    if path.exists() and not (force and path.is_file()):
        raise ModelError(messages.EXPORT_EXISTS(path=str(path)))
    return _export(bundle, path, format, build_metadata(bundle))


def write_runtime(bundle: Bundle) -> Bundle:
    """Write a bundle's `model.onnx`, which `fer_phq.models.encoder` runs, and its hash into the configuration.

    Args:
        bundle: The bundle, whose folder is written to.

    Returns:
        The bundle with the file.

    Raises:
        ModelError: The bundle cannot be loaded; or the file cannot be written, or differs from the network.
    """
    entries = {WEIGHTS_ENTRY: bundle.hashes[WEIGHTS[0]], "provenance": NOTE}
    _export(bundle, bundle.path / RUNTIME, "onnx", entries)
    write_config(bundle.path, bundle.config)
    return read_bundle(bundle.path)


@dataclass(frozen=True)
class RuntimeCheck:
    """How a bundle's `model.onnx` compares with its weights in PyTorch.

    Attributes:
        difference: Largest absolute difference on noise: of probabilities and embeddings in 32-bit floats, of
            probabilities in 8-bit integers.
        tolerance: What it may be. In integers that is what it was when the file was made, and what two machines differ.
    """

    difference: float
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether the difference is within the tolerance; it is not where it is no number."""
        return self.difference <= self.tolerance


def check_runtime(model: FerPhqModel) -> RuntimeCheck:
    """Measure how far a model is from its network in PyTorch.

    Args:
        model: The model, as `load_model` returns it.

    Raises:
        ModelError: The network cannot be loaded.
    """
    quantization = model.bundle.config.quantization
    if quantization:
        return RuntimeCheck(compare_with_weights(model), quantization.probe_error + BETWEEN_MACHINES)
    reference = assemble(model.bundle, load_network(model.bundle.path))
    differences = []
    for crops in _random_crops(reference):
        differences.append(np.abs(model.embed(crops) - reference.embed(crops)).max())
        differences.append(np.abs(model.predict_emotions(crops) - reference.predict_emotions(crops)).max())
    return RuntimeCheck(float(np.max(differences)), TOLERANCE)


def _export(bundle: Bundle, path: Path, format: Format, metadata: dict[str, str]) -> ExportReport:
    if format == "onnx" and importlib.util.find_spec("onnxscript") is None:
        raise ModelError(messages.EXPORT_NEEDS_ONNXSCRIPT())
    write, read = (_write_onnx, _read_onnx) if format == "onnx" else (_write_torchscript, _read_torchscript)
    network = load_network(bundle.path)
    with _temporary(path) as part:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # PyTorch warns about its own exporters; the comparison decides
                write(ExportedNet(network), _example(bundle), metadata, part)
                difference = measure_difference(network, read(part))
        except (torch.onnx.OnnxExporterError, NetworkError, RuntimeError, OSError) as error:
            failure = messages.EXPORT_FAILED(model_id=bundle.model_id, format=format, error=_first_line(error))
            raise ModelError(failure) from None
        if not difference <= TOLERANCE:  # also when it is not a number
            raise ModelError(
                messages.EXPORT_DIFFERS(
                    path=str(path),
                    format=format,
                    model_id=bundle.model_id,
                    difference=difference,
                    tolerance=TOLERANCE,
                )
            )
        part.replace(path)
    return ExportReport(path, format, difference, path.stat().st_size)


def measure_difference(network: FaceNetwork, run: Runner) -> float:
    """Measure the largest absolute difference between a file's outputs and the network's own on random crops.

    Args:
        network: The network.
        run: Runs the file.
    """
    config = network.bundle.config
    reference = assemble(network.bundle, network)
    differences = []
    for crops in _random_crops(reference):
        probabilities, embedding = run(to_pixels(crops, config.in_chans, config.image_size))
        expected = reference.embed(crops)
        differences.append(np.abs(embedding - expected).max())
        differences.append(np.abs(probabilities - reference.classify(expected)).max())
    return float(np.max(differences))


def _random_crops(model: FerPhqModel) -> Iterator[npt.NDArray[np.uint8]]:
    size = model.bundle.config.image_size
    rng = np.random.default_rng(0)
    for n in CHECKED_SIZES:
        yield rng.integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def build_metadata(bundle: Bundle) -> dict[str, str]:
    """Build the metadata of a file: ONNX metadata properties, TorchScript's `config.json`."""
    config = bundle.config
    size = config.image_size
    channels = "luma: 0.299 R + 0.587 G + 0.114 B" if config.in_chans == 1 else "RGB"
    shipped = bundle.path.resolve() == SHIPPED.resolve()
    return {
        "model_id": bundle.model_id,
        "classes": json.dumps(config.classes),
        "image_size": str(size),
        "in_chans": str(config.in_chans),
        "input": f"pixels float32 (n, {config.in_chans}, {size}, {size}) in 0-1, {channels}; aligned face crops",
        "outputs": f"probabilities float32 (n, {len(config.classes)}); embedding float32 (n, {config.dim})",
        "provenance": NOTE,
        "licence": "Apache-2.0" if shipped else "see model_card",
        "model_card": bundle.card,
    }


def _example(bundle: Bundle) -> torch.Tensor:
    config = bundle.config
    return torch.rand(2, config.in_chans, config.image_size, config.image_size)


def _write_onnx(net: ExportedNet, example: torch.Tensor, metadata: dict[str, str], path: Path) -> None:
    import onnx

    program = torch.onnx.export(
        net,
        (example,),
        dynamo=True,
        input_names=["pixels"],
        output_names=list(OUTPUT_NAMES),
        dynamic_shapes={"pixels": {0: torch.export.Dim("n", min=1)}},
        external_data=False,
        verbose=False,
    )
    assert program is not None  # it is None only for the exporter before dynamo
    proto = program.model_proto
    # The exporter notes the Python file and line of every operation: paths of this machine, and a tenth of the file.
    for item in (*proto.graph.node, *proto.graph.value_info, *proto.graph.initializer, proto.graph):
        item.ClearField("metadata_props")
    proto.doc_string = NOTE
    onnx.helper.set_model_props(proto, metadata)
    onnx.checker.check_model(proto)
    onnx.save(proto, path)


def _read_onnx(path: Path) -> Runner:
    session = read_session(path.read_bytes())

    def run(pixels: FloatArray) -> tuple[FloatArray, FloatArray]:
        probabilities, embedding = session.run(list(OUTPUT_NAMES), {"pixels": pixels})
        return probabilities, embedding

    return run


def _write_torchscript(net: ExportedNet, example: torch.Tensor, metadata: dict[str, str], path: Path) -> None:
    with torch.no_grad():
        traced = torch.jit.freeze(torch.jit.trace(net, example, check_trace=False))
    torch.jit.save(traced, str(path), _extra_files={"config.json": json.dumps(metadata, indent=2)})


def _read_torchscript(path: Path) -> Runner:
    loaded = torch.jit.load(str(path))

    def run(pixels: FloatArray) -> tuple[FloatArray, FloatArray]:
        with torch.inference_mode():
            probabilities, embedding = loaded(torch.from_numpy(pixels))
        return probabilities.numpy(), embedding.numpy()

    return run


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Make a new file beside `path` that becomes it by renaming; it is removed when it did not."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.touch()
    except OSError as error:
        raise ModelError(messages.EXPORT_UNWRITABLE(path=str(path), error=error.strerror or str(error))) from None
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
