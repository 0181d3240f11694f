"""Pretrained starts: weights of a safetensors file, a Hugging Face ViT folder, one of our bundles or timm's hub.

`read_weights` brings each into the names of timm's VisionTransformer; `load_into` copies what fits into a backbone
and a linear head, and says what did not. No pickle is read, and transformers is not needed.

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

HUGGING_FACE = ("vit", "deit", "dinov2")
"""`model_type` of the checkpoints whose names we know."""

WEIGHT_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"

_ATTENTION = r"^(?:encoder\.layer|layers)\.(\d+)\.attention\."
_BLOCK = r"^(?:encoder\.layer|layers)\.(\d+)\."
RENAMED: tuple[tuple[str, str], ...] = (
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
"""Hugging Face's names (of the hub's files, and of transformers 5 in memory) as patterns, and timm's."""

PRETRAINING_ONLY = re.compile(r"(^|\.)(pooler\.|mask_token$)")
"""Parts that a classifier does not use."""


@dataclass(frozen=True)
class Pretrained:
    """Weights in the names of timm's VisionTransformer, a linear head as `head.weight` and `head.bias`.

    classes: what the head's rows stand for, in our words, or None where that is unknown. heads, norm_eps: attention
    heads and epsilon of the layer norms, where the source says so: neither can be seen in the weights.
    """

    state: dict[str, Tensor]
    classes: tuple[str, ...] | None
    source: str
    heads: int | None = None
    norm_eps: float | None = None


@dataclass(frozen=True)
class LoadReport:
    """What became of the weights, by name. `kept`: classes whose rows of the head were copied; `fresh`: the others."""

    loaded: tuple[str, ...]
    resampled: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    kept: tuple[str, ...]
    fresh: tuple[str, ...]

    def __str__(self) -> str:
        """One line for a log."""
        parts = [f"{len(self.loaded)} weights loaded"]
        for name in ("resampled", "missing", "unexpected", "kept", "fresh"):
            if names := getattr(self, name):
                parts.append(f"{name}: {', '.join(names[:7])}{f' and {len(names) - 7} more' if len(names) > 7 else ''}")
        return "; ".join(parts)


def read_weights(path: Path) -> Pretrained:
    """Weights of a `.safetensors` file in timm's names, a Hugging Face or timm folder, or a checkpoint bundle.

    Raises ModelError in one sentence.
    """
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise ModelError(f"No weights at {path}: name a .safetensors file, or a folder with {WEIGHT_FILE}.")
    if path.suffix != ".safetensors":
        raise ModelError(f"{path} is not a .safetensors file; other kinds may be pickles, which are never read.")
    state = backbone_names(_load(path))
    if any(re.match(r"(vit|deit|dinov2)\.|encoder\.layer\.", name) for name in state):
        raise ModelError(f"{path} has Hugging Face's names: name its folder, with the config.json that belongs to it.")
    return Pretrained(state, None, str(path))


def hub_weights(name: str) -> Pretrained:
    """timm's published weights of a model, fetched once over the network (Hugging Face's cache keeps them).

    Raises ModelError in one sentence where there are none or no network.
    """
    import timm

    if not timm.is_model_pretrained(name):
        raise ModelError(f"timm publishes no weights of '{name}'; see timm.list_pretrained('vit*').")
    try:
        state = timm.create_model(name, pretrained=True, num_classes=0).state_dict()
    except Exception as error:  # the hub's client has dozens of its own, of several libraries
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"timm's weights of '{name}' could not be fetched ({first}): name a local safetensors file instead."
        ) from None
    return Pretrained(state, None, f"timm hub: {name}")


def _read_folder(folder: Path) -> Pretrained:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind = config.get("model_type")
    except FileNotFoundError:
        raise ModelError(f"{folder} has no config.json: name a folder that has one, or a .safetensors file.") from None
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"{folder / 'config.json'} cannot be read: {error}.") from None
    if kind in HUGGING_FACE:
        return _hugging_face(folder, config)
    if kind is not None:
        raise ModelError(
            f"{folder} holds a '{kind}', which cannot be read: it must be one of {', '.join(HUGGING_FACE)}."
        )
    if "architecture" in config:  # a folder of timm's hub
        names = config.get("label_names") or config.get("pretrained_cfg", {}).get("label_names")
        return Pretrained(_load_folder(folder), _named(names), str(folder))
    bundle = read_bundle(folder)
    return Pretrained(backbone_names(_load(folder / WEIGHTS[0])), bundle.config.classes, bundle.model_id)


def _hugging_face(folder: Path, config: dict[str, Any]) -> Pretrained:
    if not str(config.get("hidden_act", "gelu")).startswith("gelu"):
        raise ModelError(f"{folder} uses the activation '{config['hidden_act']}'; timm's ViT has GELU.")
    prefix = f"{config['model_type']}."
    state: dict[str, Tensor] = {}
    for name, value in _load_folder(folder).items():
        if not PRETRAINING_ONLY.search(name):
            state[_timm_name(name.removeprefix(prefix))] = value
    labels = config.get("id2label")
    try:
        names = [labels[key] for key in sorted(labels, key=int)] if labels else None
    except (TypeError, ValueError, AttributeError):
        raise ModelError(f"{folder / 'config.json'}: id2label must map numbers to names.") from None
    heads = config.get("num_attention_heads")
    eps = config.get("layer_norm_eps")
    return Pretrained(_fuse(state), _named(names), str(folder), heads, eps)


def _timm_name(name: str) -> str:
    for pattern, replacement in RENAMED:
        new, count = re.subn(pattern, replacement, name)
        if count:
            return new
    return name


def _fuse(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Separate query, key and value (dim, dim) of every block as timm's `qkv` (3 dim, dim), in that order."""
    fused = dict(state)
    for name in state:
        if match := re.fullmatch(r"(blocks\.\d+\.attn\.)q\.(weight|bias)", name):
            before, kind = match.groups()
            parts = [f"{before}{part}.{kind}" for part in "qkv"]
            if all(part in state for part in parts):
                fused[f"{before}qkv.{kind}"] = torch.cat([fused.pop(part) for part in parts])
    return fused


def backbone_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """An `EmotionNet`'s names without `backbone.`; others as they are."""
    return {name.removeprefix("backbone."): value for name, value in state.items()}


def _named(labels: Any) -> tuple[str, ...] | None:
    return tuple(canonical_name(str(label)) for label in labels) if labels else None


def _load_folder(folder: Path) -> dict[str, Tensor]:
    """A folder's weights: one file, or the several that an index names."""
    if (folder / WEIGHT_FILE).is_file():
        return _load(folder / WEIGHT_FILE)
    if (folder / INDEX_FILE).is_file():
        try:
            files = sorted(set(json.loads((folder / INDEX_FILE).read_text(encoding="utf-8"))["weight_map"].values()))
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise ModelError(f"{folder / INDEX_FILE} cannot be read: {error}.") from None
        if any(Path(file).name != file for file in files):
            raise ModelError(f"{folder / INDEX_FILE} names files outside its folder.")
        return {name: value for file in files for name, value in _load(folder / file).items()}
    if list(folder.glob("*.bin")):
        raise ModelError(
            f"{folder} has its weights as a .bin file, a pickle, which is never read: save it again as safetensors."
        )
    raise ModelError(f"{folder} has no {WEIGHT_FILE}.")


def _load(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"The weights in {path} cannot be read: {str(error).splitlines()[0]}.") from None


def load_into(
    backbone: nn.Module,
    head: nn.Linear | None,
    classes: tuple[str, ...],
    pretrained: Pretrained,
    exact_norms: bool = False,
) -> LoadReport:
    """Copy what fits into a backbone and, by name of class, into a head whose rows are `classes`.

    Position embedding, patch size and input channels are resampled. `exact_norms` also takes over the epsilon of the
    layer norms (a bundle does not keep it). Raises ModelError in one sentence when nothing of the backbone fits.
    """
    _same_heads(backbone, pretrained)
    target = backbone.state_dict()
    source = _placed(backbone, pretrained.state)
    loaded = []
    resampled = []
    for name in target.keys() & source.keys():
        value = _fitted(name, source[name], target[name], backbone)
        if value is None:
            continue
        loaded.append(name)
        if value is not source[name]:
            resampled.append(name)
        with torch.no_grad():
            target[name].copy_(value)
    if not loaded:
        raise ModelError(
            f"Nothing of {pretrained.source} fits {type(backbone).__name__}: choose the backbone that it was made for."
        )
    if exact_norms and pretrained.norm_eps is not None:
        for module in backbone.modules():
            if isinstance(module, nn.LayerNorm):
                module.eps = pretrained.norm_eps
    kept = _load_head(head, classes, pretrained) if head is not None else ()
    heads = {name for name in source if name.startswith("head.")} if kept or head is None else set()
    return LoadReport(
        loaded=tuple(sorted(loaded)),
        resampled=tuple(sorted(resampled)),
        missing=tuple(sorted(target.keys() - set(loaded))),
        unexpected=tuple(sorted(source.keys() - set(loaded) - heads)),
        kept=kept,
        fresh=tuple(name for name in classes if name not in kept) if head is not None else (),
    )


def resize_head(weight: Tensor, bias: Tensor, old_classes: tuple[str, ...], new_classes: tuple[str, ...]) -> nn.Linear:
    """A head (len(new_classes), dim) of an old one (len(old_classes), dim): rows of shared classes, others fresh."""
    head = nn.Linear(weight.shape[1], len(new_classes))
    with torch.no_grad():
        for row, name in enumerate(new_classes):
            if name in old_classes:
                head.weight[row] = weight[old_classes.index(name)]
                head.bias[row] = bias[old_classes.index(name)]
    return head


def _load_head(head: nn.Linear, classes: tuple[str, ...], pretrained: Pretrained) -> tuple[str, ...]:
    """Copy rows by name; the classes that were copied. A head without names or of another width stays out."""
    weight = pretrained.state.get("head.weight")
    old = pretrained.classes
    if weight is None or old is None or weight.ndim != 2 or weight.shape[1] != head.in_features:
        return ()
    if len(weight) != len(old):
        raise ModelError(f"{pretrained.source} names {len(old)} classes, but its head has {len(weight)} rows.")
    bias = pretrained.state.get("head.bias", torch.zeros(len(old)))
    resized = resize_head(weight, bias, old, classes)
    kept = tuple(name for name in classes if name in old)
    with torch.no_grad():
        for row, name in enumerate(classes):
            if name in kept:
                head.weight[row] = resized.weight[row]
                head.bias[row] = resized.bias[row]
    return kept


def _same_heads(backbone: nn.Module, pretrained: Pretrained) -> None:
    """Refuse another number of attention heads: the weights would fit, and mean something else."""
    counts = (getattr(module, "num_heads", None) for module in backbone.modules())
    ours = {count for count in counts if isinstance(count, int)}
    if pretrained.heads is not None and ours and ours != {pretrained.heads}:
        found = ", ".join(map(str, sorted(ours)))
        raise ModelError(
            f"{pretrained.source} has {pretrained.heads} attention heads a block, the backbone {found}: build it with "
            f"num_heads={pretrained.heads}."
        )


def _placed(backbone: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Names that differ between backbones of the same parts: the last norm after pooling, our stem in a hybrid."""
    target = backbone.state_dict()
    placed = dict(state)
    for name in state:
        other = name
        if name.startswith("norm."):
            other = f"fc_{name}"
        elif name.startswith("stem."):
            other = name.replace("stem.", "patch_embed.backbone.", 1)
        if name not in target and other in target:
            placed[other] = placed.pop(name)
    return placed


def _fitted(name: str, value: Tensor, wanted: Tensor, backbone: nn.Module) -> Tensor | None:
    """The value in the wanted shape, resampled where that is meaningful; None where it is not."""
    if value.shape == wanted.shape:
        return value
    if name == "pos_embed" and value.ndim == 3 and value.shape[-1] == wanted.shape[-1]:
        return _positions(value, wanted, backbone)
    if name == "patch_embed.proj.weight" and value.ndim == wanted.ndim == 4 and len(value) == len(wanted):
        return _patches(value, wanted)
    return None


def _positions(value: Tensor, wanted: Tensor, backbone: nn.Module) -> Tensor:
    """Position embedding (1, prefix + side², dim) on the wanted grid; prefix rows that only the target has stay."""
    rows, columns = getattr(backbone, "patch_embed").grid_size  # noqa: B009  (an nn.Module's attributes are untyped)
    side = math.isqrt(value.shape[1])
    theirs = value.shape[1] - side**2
    ours = wanted.shape[1] - rows * columns
    grid = resample_abs_pos_embed(value[:, theirs:].float(), [rows, columns], [side, side], num_prefix_tokens=0)
    prefix = wanted[:, :ours].clone().float()
    prefix[:, : min(theirs, ours)] = value[:, : min(theirs, ours)]
    return torch.cat([prefix, grid], dim=1)


def _patches(value: Tensor, wanted: Tensor) -> Tensor | None:
    """Patch embedding (dim, channels, h, w) of another patch size or number of image channels (1 or 3)."""
    before = value.shape[1]
    after = wanted.shape[1]
    if before != after:
        if {before, after} != {1, 3}:
            return None  # features of a stem are no colours
        value = adapt_input_conv(after, value, before)
    if value.shape[2:] != wanted.shape[2:]:
        value = resample_patch_embed(value.float(), list(wanted.shape[2:]))
    return value
