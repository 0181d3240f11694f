"""Write the software bill of materials as CycloneDX JSON: packages, weights, fonts and clips, with their licences.

python docs/sbom.py [FILE]   # default: sbom.cdx.json

The packages are those of this environment that fer-phq needs to run and to train; tools of development are left out.
Weights that come inside packages, and the files that ship with fer-phq, are listed with their SHA-256.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from hashlib import file_digest
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
EXTRAS = ("speech", "train", "words")
"""Extras of fer-phq whose packages belong to the product."""
WEIGHTS = (".onnx", ".ort", ".safetensors", ".jit", ".pt")
"""Endings of files that hold a network."""
MODEL = "machine-learning-model"
SHIPPED = {
    "fer_phq/bundles/fer-vit-convstem/model.safetensors": (MODEL, "Apache-2.0"),
    "fer_phq/bundles/fer-vit-convstem/phq.safetensors": (MODEL, "Apache-2.0"),
    "fer_phq/bundles/fer-vit-convstem/model.onnx": (MODEL, "Apache-2.0"),
    "fer_phq/faces/centerface.onnx": (MODEL, "MIT"),
    "fer_phq/faces/dlib_face_recognition.onnx": (MODEL, "CC0-1.0"),
    "fer_phq/mesh/face_landmarks.onnx": (MODEL, "Apache-2.0"),
    "fer_phq/mesh/face_blendshapes.onnx": (MODEL, "Apache-2.0"),
    "fer_phq/mesh/canonical_face.npy": (MODEL, "Apache-2.0"),
    "fer_phq/speakers/segmentation.onnx": (MODEL, "MIT"),
    "fer_phq/speakers/voice_encoder.onnx": (MODEL, "Apache-2.0"),
    "fer_phq/voice/silero_vad.onnx": (MODEL, "MIT"),
    "fer_phq/voice/swift_f0.onnx": (MODEL, "MIT"),
    "dashboard/static/inter-latin-wght-normal.woff2": ("file", "OFL-1.1"),
    "dashboard/static/favicon.png": ("file", "Apache-2.0"),
    "training/simulation/puppet/portrait.jpg": ("file", "NASA, public domain"),
    **{f"service/demo/clips/demonstration-{n}.mp4": ("file", "NASA, public domain; Apache-2.0") for n in range(1, 7)},
}
"""Files beside the code that ship with fer-phq: type of the component and licence; NOTICE says where each is from."""

Component = dict[str, Any]
"""A component as CycloneDX writes it."""


def main() -> None:
    """Write the bill to the file that the command line names."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "sbom.cdx.json")
    text = json.dumps(bill_of_materials(), indent=2, ensure_ascii=False)
    errors = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if errors:
        sys.exit(f"The bill is not valid CycloneDX 1.6: {errors}")
    path.write_text(text + "\n", encoding="utf-8")
    print(f"{path}: {len(json.loads(text)['components'])} components")


def bill_of_materials() -> dict[str, Any]:
    """Return the bill of this environment.

    Raises:
        PackageNotFoundError: If a package that fer-phq needs is not installed.
    """
    bill = _bill_of_environment()
    names = product_packages()
    bill["components"] = [part for part in bill["components"] if canonicalize_name(part["name"]) in names]
    product = {bill["metadata"]["component"]["bom-ref"], *(part["bom-ref"] for part in bill["components"])}
    bill["dependencies"] = [_within(entry, product) for entry in bill["dependencies"] if entry["ref"] in product]
    weights = [model for component in bill["components"] for model in _weights_inside(component)]
    bill["components"] += weights
    bill["components"] += [_shipped(path, *kind) for path, kind in SHIPPED.items()]
    return bill


def _bill_of_environment() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "environment.json"
        command = ["cyclonedx_py", "environment", "--output-reproducible", "--pyproject", str(ROOT / "pyproject.toml")]
        command = [sys.executable, "-m", *command, "-o", str(path), sys.executable]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        bill: dict[str, Any] = json.loads(path.read_bytes())
    bill["metadata"]["component"]["version"] = distribution("fer-phq").version
    return bill


def product_packages(extras: tuple[str, ...] = EXTRAS) -> set[str]:
    """Return the names of the packages that fer-phq needs on this machine, directly or not.

    Args:
        extras: Extras of fer-phq that count beside the base.

    Raises:
        PackageNotFoundError: If such a package is not installed.
    """
    names: set[str] = set()
    waiting = {("fer-phq", extra) for extra in ("", *extras)}
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        names.add(name)
        others = {pair for pair in _requirements(name, extra) if pair not in seen}
        seen |= others
        waiting |= others
    return names


def _requirements(name: str, extra: str) -> Iterator[tuple[str, str]]:
    """Yield each package that an extra ("": the base) of a package needs here, with the extras that it asks for."""
    for line in distribution(name).requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            other = str(canonicalize_name(requirement.name))
            yield from ((other, name_of_extra) for name_of_extra in ("", *requirement.extras))


def _within(entry: Mapping[str, Any], product: set[str]) -> dict[str, Any]:
    return {**entry, "dependsOn": [reference for reference in entry.get("dependsOn", []) if reference in product]}


def _weights_inside(component: Component) -> Iterator[Component]:
    package: Distribution = distribution(component["name"])
    for file in package.files or ():
        # PyTorch and the ONNX packages hold networks of their own tests and examples in this format: not used.
        if file.suffix in WEIGHTS and component["name"] not in {"onnx", "torch", "onnxruntime"}:
            entry = _file(Path(str(file)), Path(str(file.locate())), MODEL)
            yield {
                **entry,
                "description": f"Comes with {component['name']}.",
                "licenses": component.get("licenses", []),
            }


def _shipped(path: str, kind: str, licence: str) -> Component:
    is_identifier = " " not in licence
    entry = {"license": {"id": licence} if is_identifier else {"name": licence}}
    return {**_file(Path(path), ROOT / path, kind), "licenses": [entry]}


def _file(name: Path, path: Path, kind: str) -> Component:
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    hashes = [{"alg": "SHA-256", "content": digest}]
    return {"type": kind, "bom-ref": f"file:{name.as_posix()}", "name": name.as_posix(), "hashes": hashes}


if __name__ == "__main__":
    main()
