"""Checkpoint bundles: a folder of safetensors, `config.json` and `MODEL_CARD.md`. No pickle is ever read.

    <name>/model.safetensors   backbone and emotion head
    <name>/phq.safetensors     PHQ heads (optional)
    <name>/config.json         what is needed to build and feed the networks
    <name>/MODEL_CARD.md       data, licences, metrics with the command that made them, limits

A bundle's `model_id` is its name and the first eight hex digits of the SHA-256 over its weights, so a stored result
always names exactly the weights that made it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import ModelError
from fer_phq.core.paths import data_dir
from fer_phq.core.phq import Modality, Provenance, Scale

SHIPPED = Path(__file__).parents[1] / "bundles" / "fer-vit-convstem"
"""The bundle that comes with the package."""

log = logging.getLogger("fer_phq.models.checkpoint")

WEIGHTS = ("model.safetensors", "phq.safetensors")
CONFIG = "config.json"


@dataclass(frozen=True)
class PhqConfig:
    """The PHQ heads of a bundle, one a set of modalities, in the order in which they are asked.

    training: one sentence on the labels. heads: of each what is no array (`fer_phq.models.phq_head.head_facts`).
    """

    scale: Scale
    provenance: Provenance
    interval_level: float
    training: str
    heads: tuple[dict[str, Any], ...]

    @property
    def modalities(self) -> tuple[tuple[Modality, ...], ...]:
        """Which modalities each head takes."""
        return tuple(tuple(Modality(name) for name in head["modalities"]) for head in self.heads)


@dataclass(frozen=True)
class BundleConfig:
    """`config.json`. mean and std are of pixels in 0-1; temperature divides the emotion logits (Guo et al., 2017)."""

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
    """What the backbone's constructor was given beyond its name: patch_size, num_heads, ..."""
    phq: PhqConfig | None = None
    sha256: dict[str, str] = field(default_factory=dict)
    """Of each weight file, written by `write_config`, checked by `damaged_files`."""


@dataclass(frozen=True)
class Bundle:
    """A bundle's folder, its id and its configuration (the weights are read by `fer_phq.models.model.load_model`)."""

    path: Path
    model_id: str
    config: BundleConfig

    @property
    def face_kind(self) -> str:
        """What its embeddings are called: bundles with the same backbone, whatever their PHQ heads, give the same."""
        return f"{self.config.backbone}-{hash_files(self.path)[WEIGHTS[0]][:8]}"

    @property
    def card(self) -> str:
        """The model card as Markdown; empty when the bundle has none."""
        card = self.path / "MODEL_CARD.md"
        return card.read_text(encoding="utf-8") if card.is_file() else ""


def models_dir() -> Path:
    """Where a person's own bundles live: `models` in the data directory (`FERPHQ_DATA_DIR` overrides that)."""
    return data_dir() / "models"


def list_bundles() -> list[Bundle]:
    """The shipped bundle and those in `models_dir()`, by name.

    Hidden folders (half-written ones) and those without a config are passed over; so are unreadable ones, with a
    warning in the log: one of them must not take the others away.
    """
    found = [read_bundle(SHIPPED)]
    for folder in sorted(models_dir().glob("[!.]*")):
        if not (folder / CONFIG).is_file():
            continue
        try:
            found.append(read_bundle(folder))
        except ModelError as error:
            log.warning("a model is left out: %s", error)
    return found


def find_bundle(name_or_path: str | os.PathLike[str] | None = None) -> Bundle:
    """A bundle by name, model id or folder; without an argument the active one (`FERPHQ_MODEL`, else the shipped).

    Raises ModelError in one sentence when there is none.
    """
    wanted = os.fspath(name_or_path) if name_or_path else os.environ.get("FERPHQ_MODEL", "")
    if not wanted:
        return read_bundle(SHIPPED)
    if (Path(wanted) / CONFIG).is_file():
        return read_bundle(Path(wanted))
    bundles = list_bundles()
    for bundle in bundles:
        if wanted in (bundle.config.name, bundle.model_id):
            return bundle
    known = ", ".join(bundle.config.name for bundle in bundles)
    raise ModelError(f"No model '{wanted}': it is neither a bundle folder nor one of {known}.")


def read_bundle(folder: Path) -> Bundle:
    """Read and check a bundle's configuration. Raises ModelError in one sentence for anything amiss."""
    if not (folder / WEIGHTS[0]).is_file():
        raise ModelError(f"{folder} is not a checkpoint bundle: {WEIGHTS[0]} is missing.")
    try:
        config = _config(json.loads((folder / CONFIG).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{folder / CONFIG} cannot be read: {error}.") from None
    if config.classes != EMOTIONS:
        raise ModelError(
            f"{folder} has other classes than fer-phq's seven in their order: {', '.join(config.classes)}."
        )
    if config.phq and not (folder / WEIGHTS[1]).is_file():
        raise ModelError(f"{folder} names a PHQ head, but {WEIGHTS[1]} is missing.")
    return Bundle(folder, f"{config.name}-{hash_weights(folder)[:8]}", config)


def hash_weights(folder: Path) -> str:
    """SHA-256 (hex) over the weight files' bytes, in fixed order."""
    digest = hashlib.sha256()
    for name in WEIGHTS:
        if (folder / name).is_file():
            digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def hash_files(folder: Path) -> dict[str, str]:
    """SHA-256 (hex) of each weight file that the folder holds."""
    present = [name for name in WEIGHTS if (folder / name).is_file()]
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in present}


def find_damaged_files(bundle: Bundle) -> list[str]:
    """Weight files whose hash is not the one that was written down with them."""
    found = hash_files(bundle.path)
    return [name for name in WEIGHTS if found.get(name) != bundle.config.sha256.get(name)]


def write_config(folder: Path, config: BundleConfig) -> None:
    """Write `config.json` with the hashes of the weights beside it, readable and stable under version control."""
    text = json.dumps(dataclasses.asdict(dataclasses.replace(config, sha256=hash_files(folder))), indent=2)
    (folder / CONFIG).write_text(text + "\n", encoding="utf-8")


def _config(fields: dict[str, Any]) -> BundleConfig:
    phq = fields.pop("phq", None)
    if phq is not None:
        if "heads" not in phq:
            raise ValueError("its PHQ head was made by an older version; train it again with `fer-phq train phq`")
        known = {"scale": Scale(phq["scale"]), "provenance": Provenance(phq["provenance"])}
        phq = PhqConfig(**(phq | known | {"heads": tuple(phq["heads"])}))
        _ = phq.modalities  # a name that is no modality's is told now
    return BundleConfig(**(fields | {"classes": tuple(fields["classes"]), "phq": phq}))
