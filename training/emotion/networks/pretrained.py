"""Pretrained weights of a safetensors file, a Hugging Face ViT folder, a checkpoint bundle or timm's hub.

`read_weights` brings each into the names of timm's VisionTransformer. `load_into` copies the weights that fit into a
backbone and a linear head, and reports those that do not. No pickle is read, and transformers is not needed.

Hugging Face's query, key and value become timm's fused `qkv`. Its ViT and DeiT normalise with an epsilon of 1e-12,
timm's with 1e-6 (as the original ViT did): `load_into` keeps timm's, which is what a bundle is rebuilt with, unless
`exact_norms` asks for the checkpoint's own. With it, logits equal transformers' to 1e-5.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.layers import resample_abs_pos_embed, resample_patch_embed
from timm.models import adapt_input_conv
from torch import Tensor, nn

from fer_phq.core.emotions import canonical_name
from fer_phq.core.errors import ModelError
from fer_phq.models.checkpoint import WEIGHTS, read_bundle
from training.emotion.networks import messages

HUGGING_FACE = ("vit", "deit", "dinov2")
"""`model_type` of the checkpoints that can be read."""

WEIGHT_FILE = "model.safetensors"
PREPROCESSOR = "preprocessor_config.json"
INDEX_FILE = "model.safetensors.index.json"

_ATTENTION = r"^(?:encoder\.layer|layers)\.(\d+)\.attention\."
_BLOCK = r"^(?:encoder\.layer|layers)\.(\d+)\."
TIMM_NAMES: tuple[tuple[str, str], ...] = (
    (r"^embeddings\.cls_token$", "cls_token"),
    (r"^embeddings\.distillation_token$", "dist_token"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (_ATTENTION + r"(?:attention\.(?=[qkv])|)(q|k|v)(?:uery|ey|alue|_proj)\.", r"blocks.\1.attn.\2."),
    (_ATTENTION + r"(?:output\.dense|o_proj)\.", r"blocks.\1.attn.proj."),
    (_BLOCK + r"(?:intermediate\.dense|mlp\.fc1)\.", r"blocks.\1.mlp.fc1."),
    (_BLOCK + r"(?:output\.dense|mlp\.fc2)\.", r"blocks.\1.mlp.fc2."),
    (_BLOCK + r"(?:layernorm_before|norm1)\.", r"blocks.\1.norm1."),
    (_BLOCK + r"(?:layernorm_after|norm2)\.", r"blocks.\1.norm2."),
    (_BLOCK + r"layer_scale([12])\.lambda1$", r"blocks.\1.ls\2.gamma"),
    (r"^layernorm\.", "norm."),
    (r"^classifier\.", "head."),
)
"""Patterns of Hugging Face's names (in files on the hub, and of transformers 5), and timm's names for them."""

PRETRAINING_ONLY = re.compile(r"(^|\.)(pooler\.|mask_token$)")
"""Names of weights that a classifier does not use."""


@dataclass(frozen=True)
class ImageInput:
    """The images that published weights were trained on.

    Attributes:
        mean: Mean of pixels in 0-1 that was subtracted, a number for each channel.
        std: What they were divided by, a number for each channel.
        size: Side in pixels; None where it is not known.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: int | None = None


@dataclass(frozen=True)
class Pretrained:
    """Weights under the names of timm's VisionTransformer.

    Attributes:
        state: Weights by name; a linear head is `head.weight` and `head.bias`.
        classes: Canonical names of the head's rows; None where they are unknown.
        source: Where the weights come from, for messages.
        heads: Number of attention heads, which the weights do not show; None where the source does not say.
        norm_eps: Epsilon of the layer norms, which the weights do not show; None where the source does not say.
        image_input: The images that the weights were trained on; None where the source does not say.
    """

    state: dict[str, Tensor]
    classes: tuple[str, ...] | None
    source: str
    heads: int | None = None
    norm_eps: float | None = None
    image_input: ImageInput | None = None


@dataclass(frozen=True)
class LoadReport:
    """Which weights were loaded. `str` gives one line for a log.

    Attributes:
        loaded: Names of the weights that were copied.
        resampled: Those of them that were resampled to another shape.
        missing: Names of the backbone that the source lacks.
        unexpected: Names of the source that the backbone lacks.
        copied_classes: Classes whose rows of the head were copied.
        new_classes: Classes whose rows of the head start at random.
    """

    loaded: tuple[str, ...]
    resampled: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    copied_classes: tuple[str, ...]
    new_classes: tuple[str, ...]

    def __str__(self) -> str:
        """Return one line for a log."""
        groups = {
            "resampled": self.resampled,
            "missing": self.missing,
            "unexpected": self.unexpected,
            "kept": self.copied_classes,
            "fresh": self.new_classes,
        }
        parts = [f"{len(self.loaded)} weights loaded"]
        for title, names in groups.items():
            if names:
                rest = f" and {len(names) - 7} more" if len(names) > 7 else ""
                parts.append(f"{title}: {', '.join(names[:7])}{rest}")
        return "; ".join(parts)


def read_weights(path: Path) -> Pretrained:
    """Read pretrained weights.

    Args:
        path: A `.safetensors` file with timm's names, a folder of Hugging Face or timm, or a checkpoint bundle.

    Raises:
        ModelError: There are no weights at the path, or they are of another kind or damaged.
    """
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise ModelError(messages.NO_WEIGHTS(path=str(path), file=WEIGHT_FILE))
    if path.suffix != ".safetensors":
        raise ModelError(messages.NOT_SAFETENSORS(path=str(path)))
    state = strip_backbone_prefix(_load(path))
    if any(re.match(r"(vit|deit|dinov2)\.|encoder\.layer\.", name) for name in state):
        raise ModelError(messages.HUGGING_FACE_FILE(path=str(path)))
    return Pretrained(state, None, str(path))


def load_hub_weights(name: str) -> Pretrained:
    """Load timm's published weights of a network. They are downloaded once and kept in Hugging Face's cache.

    Args:
        name: timm's name of the network.

    Raises:
        ModelError: timm publishes no such weights, or they cannot be downloaded.
    """
    import timm

    if not timm.is_model_pretrained(name):
        raise ModelError(messages.NOT_ON_HUB(network=name))
    try:
        state = timm.create_model(name, pretrained=True, num_classes=0).state_dict()
    except Exception as error:  # the hub's client raises dozens of types, of several libraries
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(messages.NOT_FETCHED(network=name, reason=reason)) from None
    return Pretrained(state, None, f"timm hub: {name}")


def _read_folder(folder: Path) -> Pretrained:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind = config.get("model_type")
    except FileNotFoundError:
        raise ModelError(messages.FOLDER_WITHOUT_CONFIG(folder=str(folder))) from None
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(messages.UNREADABLE_JSON(path=str(folder / "config.json"), reason=str(error))) from None
    if kind in HUGGING_FACE:
        return _read_hugging_face(folder, config)
    if kind is not None:
        raise ModelError(
            messages.UNKNOWN_MODEL_TYPE(folder=str(folder), model_type=str(kind), model_types=HUGGING_FACE)
        )
    if "architecture" in config:  # a folder of timm's hub
        names = config.get("label_names") or config.get("pretrained_cfg", {}).get("label_names")
        return Pretrained(_load_folder(folder), _class_names(names), str(folder))
    bundle = read_bundle(folder)
    return Pretrained(strip_backbone_prefix(_load(folder / WEIGHTS[0])), bundle.config.classes, bundle.model_id)


def _read_hugging_face(folder: Path, config: dict[str, Any]) -> Pretrained:
    if not str(config.get("hidden_act", "gelu")).startswith("gelu"):
        activation = str(config["hidden_act"])
        raise ModelError(messages.OTHER_ACTIVATION(folder=str(folder), activation=activation))
    prefix = f"{config['model_type']}."
    state: dict[str, Tensor] = {}
    for name, value in _load_folder(folder).items():
        if not PRETRAINING_ONLY.search(name):
            state[_timm_name(name.removeprefix(prefix))] = value
    labels = config.get("id2label")
    try:
        names = [labels[key] for key in sorted(labels, key=int)] if labels else None
    except (TypeError, ValueError, AttributeError):
        raise ModelError(messages.BAD_LABELS(path=str(folder / "config.json"))) from None
    heads = config.get("num_attention_heads")
    eps = config.get("layer_norm_eps")
    return Pretrained(_fuse_qkv(state), _class_names(names), str(folder), heads, eps, read_image_input(folder))


def read_image_input(folder: Path) -> ImageInput | None:
    """Read how images were prepared for the weights of a folder of Hugging Face: its `preprocessor_config.json`.

    Args:
        folder: The folder.

    Returns:
        Mean, standard deviation and size; None where the folder does not say.

    Raises:
        ModelError: The file is damaged, or says something impossible.
    """
    path = folder / PREPROCESSOR
    if not path.is_file():
        return None
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        scale = 1.0 if config.get("do_rescale", True) else 1 / 255  # without it, mean and std are of pixels in 0-255
        is_normalised = config.get("do_normalize", True) and "image_mean" in config
        mean = tuple(float(value) * scale for value in config["image_mean"]) if is_normalised else (0.0,)
        std = tuple(float(value) * scale for value in config["image_std"]) if is_normalised else (scale,)
        size = _side(config.get("crop_size") if config.get("do_center_crop") else config.get("size"))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(messages.UNREADABLE_JSON(path=str(path), reason=str(error))) from None
    if not mean or len(mean) != len(std) or not all(map(math.isfinite, mean)) or not all(0 < s < 1e6 for s in std):
        raise ModelError(messages.BAD_NORMALISATION(path=str(path)))
    return ImageInput(mean, std, size)


def _side(size: Any) -> int | None:
    """Return the side in pixels of `224`, `{"height": 224, "width": 224}` or `{"shortest_edge": 224}`."""
    if isinstance(size, dict):
        size = size.get("height", size.get("shortest_edge"))
    return None if size is None else int(size)


def _timm_name(name: str) -> str:
    for pattern, replacement in TIMM_NAMES:
        timm_name, count = re.subn(pattern, replacement, name)
        if count:
            return timm_name
    return name


def _fuse_qkv(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Join query, key and value (dim, dim) of every block into timm's `qkv` (3 dim, dim), in that order."""
    fused = dict(state)
    for name in state:
        if match := re.fullmatch(r"(blocks\.\d+\.attn\.)q\.(weight|bias)", name):
            prefix, kind = match.groups()
            parts = [f"{prefix}{part}.{kind}" for part in "qkv"]
            if all(part in state for part in parts):
                fused[f"{prefix}qkv.{kind}"] = torch.cat([fused.pop(part) for part in parts])
    return fused


def strip_backbone_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Remove the prefix `backbone.` of an `EmotionNet` from the names of weights."""
    return {name.removeprefix("backbone."): value for name, value in state.items()}


def _class_names(labels: Any) -> tuple[str, ...] | None:
    return tuple(canonical_name(str(label)) for label in labels) if labels else None


def _load_folder(folder: Path) -> dict[str, Tensor]:
    """Load a folder's weights, from one file or from those that an index names."""
    if (folder / WEIGHT_FILE).is_file():
        return _load(folder / WEIGHT_FILE)
    if (folder / INDEX_FILE).is_file():
        try:
            files = sorted(set(json.loads((folder / INDEX_FILE).read_text(encoding="utf-8"))["weight_map"].values()))
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise ModelError(messages.UNREADABLE_JSON(path=str(folder / INDEX_FILE), reason=str(error))) from None
        if any(Path(file).name != file for file in files):
            raise ModelError(messages.FILES_OUTSIDE(path=str(folder / INDEX_FILE)))
        state: dict[str, Tensor] = {}
        for file in files:
            state |= _load(folder / file)
        return state
    if list(folder.glob("*.bin")):
        raise ModelError(messages.PICKLED_WEIGHTS(folder=str(folder)))
    raise ModelError(messages.FOLDER_WITHOUT_WEIGHTS(folder=str(folder), file=WEIGHT_FILE))


def _load(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(messages.UNREADABLE_WEIGHTS(path=str(path), reason=reason)) from None


def load_into(
    backbone: nn.Module,
    head: nn.Linear | None,
    classes: tuple[str, ...],
    pretrained: Pretrained,
    exact_norms: bool = False,
) -> LoadReport:
    """Copy the weights that fit into a backbone and, by name of class, into a head.

    Position embedding, patch size and input channels are resampled where they differ.

    Args:
        backbone: Receives the weights.
        head: Receives the rows of shared classes; None for a backbone alone.
        classes: Names of the head's rows.
        pretrained: The weights.
        exact_norms: Also take over the epsilon of the layer norms, which a bundle does not keep.

    Returns:
        Which weights were loaded and which were not.

    Raises:
        ModelError: Nothing of the backbone fits, the attention heads differ, or the source's head contradicts its
            classes.
    """
    _check_attention_heads(backbone, pretrained)
    target = backbone.state_dict()
    source = _match_names(backbone, pretrained.state)
    loaded = []
    resampled = []
    for name in target.keys() & source.keys():
        value = _fit_shape(name, source[name], target[name], backbone)
        if value is None:
            continue
        loaded.append(name)
        if value is not source[name]:
            resampled.append(name)
        with torch.no_grad():
            target[name].copy_(value)
    if not loaded:
        raise ModelError(messages.NOTHING_FITS(source=pretrained.source, network=type(backbone).__name__))
    if exact_norms and pretrained.norm_eps is not None:
        for module in backbone.modules():
            if isinstance(module, nn.LayerNorm):
                module.eps = pretrained.norm_eps
    copied = _load_head(head, classes, pretrained) if head is not None else ()
    heads = {name for name in source if name.startswith("head.")} if copied or head is None else set()
    return LoadReport(
        loaded=tuple(sorted(loaded)),
        resampled=tuple(sorted(resampled)),
        missing=tuple(sorted(target.keys() - set(loaded))),
        unexpected=tuple(sorted(source.keys() - set(loaded) - heads)),
        copied_classes=copied,
        new_classes=tuple(name for name in classes if name not in copied) if head is not None else (),
    )


def resize_head(weight: Tensor, bias: Tensor, old_classes: tuple[str, ...], new_classes: tuple[str, ...]) -> nn.Linear:
    """Make a head for other classes: rows of shared classes are copied, the others start at random.

    Args:
        weight: (len(old_classes), dim).
        bias: (len(old_classes),).
        old_classes: Names of the present rows.
        new_classes: Names of the new rows.

    Returns:
        A layer with weight (len(new_classes), dim).
    """
    head = nn.Linear(weight.shape[1], len(new_classes))
    with torch.no_grad():
        for row, name in enumerate(new_classes):
            if name in old_classes:
                head.weight[row] = weight[old_classes.index(name)]
                head.bias[row] = bias[old_classes.index(name)]
    return head


def _load_head(head: nn.Linear, classes: tuple[str, ...], pretrained: Pretrained) -> tuple[str, ...]:
    """Copy the head's rows by name of class, unless it has no names or another width; returns the copied classes."""
    weight = pretrained.state.get("head.weight")
    old_classes = pretrained.classes
    if weight is None or old_classes is None or weight.ndim != 2 or weight.shape[1] != head.in_features:
        return ()
    if len(weight) != len(old_classes):
        raise ModelError(messages.HEAD_DIFFERS(source=pretrained.source, classes=len(old_classes), rows=len(weight)))
    bias = pretrained.state.get("head.bias", torch.zeros(len(old_classes)))
    resized = resize_head(weight, bias, old_classes, classes)
    copied = tuple(name for name in classes if name in old_classes)
    with torch.no_grad():
        for row, name in enumerate(classes):
            if name in copied:
                head.weight[row] = resized.weight[row]
                head.bias[row] = resized.bias[row]
    return copied


def _check_attention_heads(backbone: nn.Module, pretrained: Pretrained) -> None:
    """Refuse another number of attention heads: the weights would fit but mean something else."""
    counts = (getattr(module, "num_heads", None) for module in backbone.modules())
    head_counts = {count for count in counts if isinstance(count, int)}
    if pretrained.heads is not None and head_counts and head_counts != {pretrained.heads}:
        backbone_heads = ", ".join(map(str, sorted(head_counts)))
        raise ModelError(
            messages.ATTENTION_HEADS_DIFFER(
                source=pretrained.source, heads=pretrained.heads, backbone_heads=backbone_heads
            )
        )


def _match_names(backbone: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename weights that backbones of the same parts call differently: a norm after pooling, the stem of a hybrid."""
    target = backbone.state_dict()
    matched = dict(state)
    for name in state:
        alternative = name
        if name.startswith("norm."):
            alternative = f"fc_{name}"
        elif name.startswith("stem."):
            alternative = name.replace("stem.", "patch_embed.backbone.", 1)
        if name not in target and alternative in target:
            matched[alternative] = matched.pop(name)
    return matched


def _fit_shape(name: str, value: Tensor, target: Tensor, backbone: nn.Module) -> Tensor | None:
    """Bring a weight into the target's shape, resampled where that is meaningful; return None where it is not."""
    if value.shape == target.shape:
        return value
    if name == "pos_embed" and value.ndim == 3 and value.shape[-1] == target.shape[-1]:
        return _resample_positions(value, target, backbone)
    if name == "patch_embed.proj.weight" and value.ndim == target.ndim == 4 and len(value) == len(target):
        return _resample_patches(value, target)
    return None


def _resample_positions(value: Tensor, target: Tensor, backbone: nn.Module) -> Tensor:
    """Resample a position embedding (1, prefix + side², dim) to the target's grid.

    Prefix rows that only the target has stay as they are.
    """
    rows, columns = getattr(backbone, "patch_embed").grid_size  # noqa: B009  (an nn.Module's attributes are untyped)
    side = math.isqrt(value.shape[1])
    source_prefix = value.shape[1] - side**2
    target_prefix = target.shape[1] - rows * columns
    grid = resample_abs_pos_embed(value[:, source_prefix:].float(), [rows, columns], [side, side], num_prefix_tokens=0)
    prefix = target[:, :target_prefix].clone().float()
    prefix[:, : min(source_prefix, target_prefix)] = value[:, : min(source_prefix, target_prefix)]
    return torch.cat([prefix, grid], dim=1)


def _resample_patches(value: Tensor, target: Tensor) -> Tensor | None:
    """Resample a patch embedding (dim, channels, h, w) to another patch size or number of image channels (1 or 3)."""
    source_channels = value.shape[1]
    target_channels = target.shape[1]
    if source_channels != target_channels:
        if {source_channels, target_channels} != {1, 3}:
            return None  # a stem's features are not colours
        value = adapt_input_conv(target_channels, value, source_channels)
    if value.shape[2:] != target.shape[2:]:
        value = resample_patch_embed(value.float(), list(target.shape[2:]))
    return value
