"""Checkpoint bundles: a folder of safetensors, `config.json` and `MODEL_CARD.md`. No pickle is ever read.

    <name>/model.safetensors   backbone and emotion head
    <name>/model.onnx          the same as onnxruntime runs it, see `fer_phq.models.encoder`
    <name>/phq.safetensors     PHQ heads (optional)
    <name>/config.json         what is needed to build and feed the networks
    <name>/MODEL_CARD.md       data, licences, metrics with the command that made them, limits

A bundle's `model_id` is its name and the first eight hex digits of the SHA-256 over its weights, so a stored result
always names exactly the weights that made it. A `model.onnx` in 32-bit floats is made of them alone and has no part in
it. One of 8-bit integers depends on the images that its ranges were measured on, too, and is a part of it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import ModelError
from fer_phq.core.messages import Message, from_json, to_json
from fer_phq.core.paths import data_dir
from fer_phq.core.phq import Modality, Provenance, Scale
from fer_phq.models import messages
from fer_phq.models.config_rules import check_config

SHIPPED = Path(__file__).parents[1] / "bundles" / "fer-vit-convstem"
"""The bundle that comes with the package."""

log = logging.getLogger(__name__)

WEIGHTS = ("model.safetensors", "phq.safetensors")
RUNTIME = "model.onnx"
CONFIG = "config.json"
FP32 = "fp32"
INT8 = "int8"
SOURCES = "sources.json"
"""Of which stored sessions a PHQ head learned: random ids of sessions and their subjects, never labels."""


@dataclass(frozen=True)
class PhqConfig:
    """The PHQ heads of a bundle, one for each set of modalities.

    Attributes:
        scale: The questionnaire whose score they estimate.
        provenance: Where the labels come from.
        interval_level: Share of new subjects whose score the interval is to hold, 0 to 1.
        training: One sentence on the labels; a text where an older version wrote it.
        heads: Of each head what is no array (`fer_phq.models.phq_head.head_to_config`), in the order in which they are
            asked.
    """

    scale: Scale
    provenance: Provenance
    interval_level: float
    training: Message
    heads: tuple[dict[str, Any], ...]

    @property
    def modalities(self) -> tuple[tuple[Modality, ...], ...]:
        """The modalities of each head."""
        return tuple(tuple(Modality(name) for name in head["modalities"]) for head in self.heads)


@dataclass(frozen=True)
class Quantization:
    """How a `model.onnx` of 8-bit integers was made, and how far it is from the weights.

    `fer_phq.models.networks.quantization` writes it.

    Attributes:
        precision: `int8`.
        images: Number of training images on which the ranges of activations were measured.
        held_out: Number of images on which it was then compared with 32-bit floats; none of them is among `images`.
        accuracy_fp32: Accuracy on them in 32-bit floats, 0 to 1.
        accuracy: Accuracy on them in `precision`, 0 to 1.
        low: Lower end of a 95 % interval of the difference of both, over the same images.
        high: Its upper end.
        same_emotion: Share of them whose top emotion is the same.
        embedding_error: Distance between the embeddings divided by their length, median.
        probe_error: Largest difference of a probability on the probes, from the network in PyTorch.
        probes: Probabilities of the probes in `precision`, by which another processor is compared with the one that
            made the file (`fer_phq.models.probes`).
    """

    precision: str
    images: int
    held_out: int
    accuracy_fp32: float
    accuracy: float
    low: float
    high: float
    same_emotion: float
    embedding_error: float
    probe_error: float
    probes: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class BundleConfig:
    """`config.json`.

    Attributes:
        name: The bundle's name.
        backbone: Name of the backbone, see `fer_phq.models.networks.backbone.create_backbone`.
        image_size: Side of the backbone's input in pixels.
        in_chans: Its channels: 1 for luma, 3 for RGB.
        dim: Width of an embedding.
        mean: Mean of pixels in 0-1, which is subtracted.
        std: Their SD, which divides.
        classes: The emotion head's classes, `EMOTIONS`.
        temperature: Divides the emotion logits (Guo et al., 2017, arXiv:1706.04599).
        options: Further arguments of the backbone's constructor: patch_size, num_heads, ...
        phq: The PHQ heads, where there are any.
        quantization: How `model.onnx` was made where it computes in 8-bit integers; None for 32-bit floats.
        sha256: Of each weight file and of `model.onnx`, written by `write_config`, checked by `find_damaged_files`.
    """

    name: str
    backbone: str
    image_size: int
    in_chans: int
    dim: int
    mean: float
    std: float
    classes: tuple[str, ...]
    temperature: float
    options: dict[str, Any] = field(default_factory=dict)
    phq: PhqConfig | None = None
    quantization: Quantization | None = None
    sha256: dict[str, str] = field(default_factory=dict)

    @property
    def precision(self) -> str:
        """What `model.onnx` computes in: `fp32`, or `int8`."""
        return self.quantization.precision if self.quantization else FP32


@dataclass(frozen=True)
class Bundle:
    """A bundle without its weights, which `fer_phq.models.model.load_model` reads.

    Attributes:
        path: Its folder.
        model_id: Its name and a short hash of its weights.
        config: Its configuration.
        hashes: SHA-256 (hex) of its weight files and of `model.onnx`, where it has them, when it was read.
    """

    path: Path
    model_id: str
    config: BundleConfig
    hashes: Mapping[str, str]

    @property
    def face_kind(self) -> str:
        """Name of its embeddings. Bundles that differ in their PHQ heads alone have the same.

        Another precision is another kind, and so is another `model.onnx` of 8-bit integers.
        """
        weights = f"{self.config.backbone}-{self.hashes[WEIGHTS[0]][:8]}"
        precision = self.config.precision
        return weights if precision == FP32 else f"{weights}-{precision}-{self.hashes[RUNTIME][:8]}"

    @property
    def card(self) -> str:
        """The model card as Markdown; empty when the bundle has none."""
        card = self.path / "MODEL_CARD.md"
        return card.read_text(encoding="utf-8") if card.is_file() else ""


def models_dir() -> Path:
    """Return the folder of a person's own bundles: `models` in the data folder (`FERPHQ_DATA_DIR`)."""
    return data_dir() / "models"


def list_bundles() -> list[Bundle]:
    """List the shipped bundle and, by name, those in `models_dir()`.

    Hidden folders (half-written ones) and those without a config are passed over; so are unreadable ones, with a
    warning in the log: one of them must not take the others away.
    """
    bundles = [read_bundle(SHIPPED)]
    for folder in sorted(models_dir().glob("[!.]*")):
        if not (folder / CONFIG).is_file():
            continue
        try:
            bundles.append(read_bundle(folder))
        except ModelError as error:
            log.warning("the model %s is left out: %s", folder.name, error)
    return bundles


def find_bundle(name_or_path: str | os.PathLike[str] | None = None) -> Bundle:
    """Find a bundle.

    Args:
        name_or_path: Its name, model id or folder; the active one (`FERPHQ_MODEL`, else the shipped) when omitted.

    Raises:
        ModelError: There is none, or it cannot be read.
    """
    reference = os.fspath(name_or_path) if name_or_path else os.environ.get("FERPHQ_MODEL", "")
    if not reference:
        return read_bundle(SHIPPED)
    if (Path(reference) / CONFIG).is_file():
        return read_bundle(Path(reference))
    bundles = list_bundles()
    for bundle in bundles:
        if reference in (bundle.config.name, bundle.model_id):
            return bundle
    names = tuple(bundle.config.name for bundle in bundles)
    raise ModelError(messages.NO_SUCH_BUNDLE(reference=reference, names=names))


def read_bundle(folder: Path) -> Bundle:
    """Read and check a bundle's configuration.

    Args:
        folder: The bundle's folder.

    Raises:
        ModelError: Weights are missing, or the configuration cannot be read, has other classes or says what it may not.
    """
    if not (folder / WEIGHTS[0]).is_file():
        raise ModelError(messages.WEIGHTS_MISSING(folder=str(folder), file=WEIGHTS[0]))
    try:
        fields = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if not isinstance(fields, dict):
            raise TypeError("it holds no object")
        check_config(fields, str(folder / CONFIG))
        config = _parse_config(fields)
    except _OutdatedHeadError:
        raise _unreadable(folder, messages.HEAD_OUTDATED()) from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise _unreadable(folder, str(error)) from None
    if config.classes != EMOTIONS:
        raise ModelError(messages.OTHER_CLASSES(folder=str(folder), classes=config.classes))
    if config.phq and not (folder / WEIGHTS[1]).is_file():
        raise ModelError(messages.PHQ_WEIGHTS_MISSING(folder=str(folder), file=WEIGHTS[1]))
    if config.precision != FP32 and not (folder / RUNTIME).is_file():
        raise ModelError(messages.QUANTIZED_MISSING(folder=str(folder), file=RUNTIME, precision=config.precision))
    return Bundle(folder, f"{config.name}-{hash_weights(folder)[:8]}", config, hash_files(folder))


def write_sources(folder: Path, subject_by_session: Mapping[str, str]) -> None:
    """Write down from which stored sessions a bundle's heads learned.

    Args:
        folder: The bundle's folder.
        subject_by_session: The UUID of the subject of each session, by the session's UUID; nothing is written for none.
    """
    if subject_by_session:
        text = json.dumps({"sessions": dict(sorted(subject_by_session.items()))}, indent=1)
        (folder / SOURCES).write_text(text + "\n", encoding="utf-8")


def read_sources(folder: Path) -> dict[str, str]:
    """Read from which stored sessions a bundle's heads learned: the subject's UUID of each, by the session's UUID.

    Args:
        folder: The bundle's folder; one that does not say it, such as one from a table of recordings, gives nothing.
    """
    try:
        sessions = json.loads((folder / SOURCES).read_text(encoding="utf-8"))["sessions"]
        return {str(session): str(subject) for session, subject in sessions.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def hash_weights(folder: Path) -> str:
    """Compute the SHA-256 (hex) over a folder's weight files in fixed order, then a `model.onnx` of 8-bit integers."""
    digest = hashlib.sha256()
    for name in (*WEIGHTS, RUNTIME) if _is_quantized(folder) else WEIGHTS:
        if (folder / name).is_file():
            digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def _is_quantized(folder: Path) -> bool:
    try:
        return bool(json.loads((folder / CONFIG).read_text(encoding="utf-8"))["quantization"])
    except (OSError, ValueError, KeyError, TypeError):
        return False  # whoever reads the configuration for its own sake says what is wrong with it


def hash_files(folder: Path) -> dict[str, str]:
    """Compute the SHA-256 (hex) of each weight file that a folder holds, and of its `model.onnx`."""
    present = [name for name in (*WEIGHTS, RUNTIME) if (folder / name).is_file()]
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in present}


def find_damaged_files(bundle: Bundle) -> list[str]:
    """List the files of a bundle whose hash is not the one in its configuration. They are read again."""
    return _differing(hash_files(bundle.path), bundle)


def check_files(bundle: Bundle, names: Sequence[str]) -> None:
    """Check that files of a bundle, as it was read, are those that its configuration was written for.

    Args:
        bundle: The bundle.
        names: Names of the files.

    Raises:
        ModelError: The hash of one is another.
    """
    damaged = [name for name in _differing(bundle.hashes, bundle) if name in names]
    if damaged:
        raise ModelError(messages.WEIGHTS_DAMAGED(path=str(bundle.path / damaged[0])))


def _differing(hashes: Mapping[str, str], bundle: Bundle) -> list[str]:
    return [name for name in (*WEIGHTS, RUNTIME) if hashes.get(name) != bundle.config.sha256.get(name)]


def runtime_file(bundle: Bundle) -> Path | None:
    """Find the `model.onnx` of a bundle's weights: its own, else the shipped one in 32-bit floats of the same weights.

    PHQ heads that were trained on the shipped backbone by an older version lie in bundles without the file.

    Args:
        bundle: The bundle.

    Returns:
        The file; None where there is none.

    Raises:
        ModelError: The shipped bundle, where its file is taken, is damaged.
    """
    if RUNTIME in bundle.hashes:
        return bundle.path / RUNTIME
    shipped = read_bundle(SHIPPED)
    same = shipped.hashes[WEIGHTS[0]] == bundle.hashes[WEIGHTS[0]] and shipped.config.precision == FP32
    if RUNTIME not in shipped.hashes or not same:
        return None
    check_files(shipped, (RUNTIME,))
    return shipped.path / RUNTIME


def write_config(folder: Path, config: BundleConfig) -> None:
    """Write `config.json`, readable and stable under version control.

    Args:
        folder: The bundle's folder, which holds the weights already.
        config: What to write; its hashes are replaced by those of the weights.
    """
    fields = dataclasses.asdict(dataclasses.replace(config, sha256=hash_files(folder)))
    if config.phq is not None:
        fields["phq"]["training"] = to_json(config.phq.training)
    text = json.dumps(fields, indent=2)
    (folder / CONFIG).write_text(text + "\n", encoding="utf-8")


class _OutdatedHeadError(Exception):
    """The configuration is of a version whose PHQ heads this one does not read."""


def _unreadable(folder: Path, error: Message | str) -> ModelError:
    return ModelError(messages.CONFIG_UNREADABLE(path=str(folder / CONFIG), error=error))


def _parse_config(fields: dict[str, Any]) -> BundleConfig:
    phq = fields.pop("phq", None)
    if phq is not None:
        if "heads" not in phq:
            raise _OutdatedHeadError
        parsed = {
            "scale": Scale(phq["scale"]),
            "provenance": Provenance(phq["provenance"]),
            "training": from_json(phq["training"]),
            "heads": tuple(phq["heads"]),
        }
        phq = PhqConfig(**(phq | parsed))
        _ = phq.modalities  # raises ValueError for a name that is no modality's
    quantization = fields.pop("quantization", None)
    if quantization is not None:
        quantization = Quantization(**(quantization | {"probes": tuple(map(tuple, quantization["probes"]))}))
    classes = tuple(fields["classes"])
    return BundleConfig(**(fields | {"classes": classes, "phq": phq, "quantization": quantization}))
