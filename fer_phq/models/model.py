"""The model of a checkpoint bundle: face crops in; emotion probabilities, embeddings and a PHQ estimate out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import reduce
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.core.errors import ModelError
from fer_phq.core.feature_series import SessionFeatures
from fer_phq.core.messages import Message
from fer_phq.core.phq import MODALITY_NAMES, Modality, PhqEstimate, PhqResult, PhqUnavailable, UnavailableReason
from fer_phq.models import messages
from fer_phq.models.backbone import create_backbone
from fer_phq.models.checkpoint import WEIGHTS, Bundle, PhqConfig, find_bundle, find_damaged_files
from fer_phq.models.heads import EmotionNet
from fer_phq.models.phq_head import PhqHead, load_heads
from fer_phq.models.regressors import RegressorInput

Crops = Sequence[Image] | npt.NDArray[np.uint8]
"""Face crops: a list of uint8 RGB images of any size, or one array (n, h, w, 3)."""

LUMA = (0.299, 0.587, 0.114)
"""Rec. 601 weights of red, green and blue: how FER2013's grey images were made."""

BATCH = 64


class FerPhqModel(nn.Module):
    """A ViT backbone, an emotion head and, where the bundle has them, PHQ heads over a session's features.

    Build it with `load_model`. Methods take and return NumPy arrays; nothing here tracks gradients.

    Attributes:
        bundle: Where it comes from.
        net: Backbone and emotion head.
        heads: PHQ heads in the order in which they are asked.
        face_kind: What its embeddings are called, see `Bundle.face_kind`.
    """

    def __init__(self, bundle: Bundle, net: EmotionNet, heads: tuple[PhqHead, ...]) -> None:
        """Put a model together and switch it to evaluation.

        Args:
            bundle: Where it comes from.
            net: Backbone and emotion head, with the bundle's weights.
            heads: PHQ heads in the order in which they are asked; may be empty.
        """
        super().__init__()
        self.bundle = bundle
        self.net = net
        self.heads = heads
        self.face_kind = bundle.face_kind
        self.eval()

    @property
    def model_id(self) -> str:
        """Name and short hash of the weights."""
        return self.bundle.model_id

    @property
    def dim(self) -> int:
        """Width of an embedding."""
        return self.bundle.config.dim

    def embed(self, crops: Crops) -> FloatArray:
        """Compute the embeddings of face crops.

        Args:
            crops: n crops, uint8 RGB.

        Returns:
            (n, dim) float32, in the order of the crops.

        Raises:
            ValueError: A crop is anything but uint8 RGB.
        """
        with torch.inference_mode():
            rows = [self._embed(batch).numpy() for batch in self._batches(crops)]
        return np.concatenate(rows) if rows else np.zeros((0, self.dim), np.float32)

    def predict_emotions(self, crops: Crops) -> FloatArray:
        """Compute the emotion probabilities of face crops.

        Args:
            crops: n crops, uint8 RGB.

        Returns:
            (n, 7) float32 in the order of `EMOTIONS`; each row sums to 1.

        Raises:
            ValueError: A crop is anything but uint8 RGB.
        """
        return self.classify(self.embed(crops))

    def classify(self, embeddings: FloatArray) -> FloatArray:
        """Compute emotion probabilities from embeddings, by the emotion head alone.

        Args:
            embeddings: (n, dim) float32, from `embed`.

        Returns:
            (n, 7) float32 in the order of `EMOTIONS`; each row sums to 1.
        """
        with torch.inference_mode():
            logits = self.net.head(torch.from_numpy(np.ascontiguousarray(embeddings)))
            probabilities: FloatArray = (logits / self.bundle.config.temperature).softmax(1).numpy()
        return probabilities

    def estimate_phq(self, features: SessionFeatures) -> PhqResult:
        """Estimate a session's PHQ score by the first of the bundle's heads that may judge it.

        Heads stand in the order of their errors; one that finds a session too short, or unlike those it was trained
        on, leaves it to the next.

        Args:
            features: All features of the session.

        Returns:
            The estimate, or the reason why there is none. Where all heads refuse, it is the reason of one that had
            enough rows, if there is such a head.
        """
        config = self.bundle.config.phq
        if config is None:
            return PhqUnavailable(UnavailableReason.NO_HEAD)
        refusals = []
        for head in self.heads:
            selected = head.select(features)
            if selected is None:
                continue
            prepared = head.prepare(selected)
            if isinstance(prepared, PhqUnavailable):
                refusals.append(prepared)
                continue
            return self._estimate(head, prepared, config)
        refusals.sort(key=lambda refusal: refusal.reason is UnavailableReason.TOO_SHORT)
        return refusals[0] if refusals else _explain_refusal(features, config)

    def _estimate(self, head: PhqHead, session: RegressorInput, config: PhqConfig) -> PhqEstimate:
        bounds = head.estimate(session, config.interval_level, config.scale.maximum)
        score, low, high = (round(float(value[0]), 2) for value in bounds)
        return PhqEstimate(
            score=score,
            low=low,
            high=high,
            level=config.interval_level,
            scale=config.scale,
            provenance=config.provenance,
            model_id=self.model_id,
            modalities=head.modalities,
        )

    def _embed(self, images: torch.Tensor) -> torch.Tensor:
        # An expression is the same in a mirror: the mean of both views is steadier, and exactly mirror-invariant.
        rows: torch.Tensor = (self.net.backbone(images) + self.net.backbone(images.flip(-1))) / 2
        return rows

    def _batches(self, crops: Crops) -> Iterator[torch.Tensor]:
        for start in range(0, len(crops), BATCH):
            yield self.preprocess(crops[start : start + BATCH])

    def preprocess(self, crops: Crops) -> torch.Tensor:
        """Resize and normalise face crops; they become luma where the backbone takes one channel.

        Args:
            crops: n crops, uint8 RGB.

        Returns:
            The backbone's input (n, in_chans, size, size) float32.

        Raises:
            ValueError: A crop is anything but uint8 RGB.
        """
        config = self.bundle.config
        out = torch.empty(len(crops), config.in_chans, config.image_size, config.image_size)
        luma = torch.tensor(LUMA)[:, None, None]
        for i, crop in enumerate(crops):
            if crop.dtype != np.uint8 or crop.ndim != 3 or crop.shape[2] != 3 or 0 in crop.shape:
                raise ValueError(f"A face crop must be uint8 RGB (h, w, 3), got {crop.dtype} {crop.shape}.")
            pixels = torch.from_numpy(np.array(crop)).permute(2, 0, 1).float() / 255
            if config.in_chans == 1:
                pixels = (pixels * luma).sum(0, keepdim=True)
            size = (config.image_size, config.image_size)
            if pixels.shape[1:] != size:
                pixels = F.interpolate(pixels[None], size=size, mode="bilinear", antialias=True, align_corners=False)[0]
            out[i] = pixels
        return ((out - config.mean) / config.std).contiguous(memory_format=torch.channels_last)


def load_model(name_or_path: str | os.PathLike[str] | None = None) -> FerPhqModel:
    """Load the model of a bundle.

    Args:
        name_or_path: The bundle's name, model id or folder; the active one when omitted.

    Raises:
        ModelError: The bundle is missing, damaged or does not fit its configuration.
    """
    bundle = find_bundle(name_or_path)
    config = bundle.config
    files = WEIGHTS if config.phq else WEIGHTS[:1]
    damaged = [name for name in find_damaged_files(bundle) if name in files]
    if damaged:
        raise ModelError(messages.WEIGHTS_DAMAGED(path=str(bundle.path / damaged[0])))
    net = EmotionNet(create_backbone(config.backbone, config.image_size, config.in_chans, **config.options), config.dim)
    _load_weights(net, bundle.path / WEIGHTS[0])
    heads = load_heads(config.phq.heads, bundle.path / WEIGHTS[1]) if config.phq else ()
    return FerPhqModel(bundle, net.to(memory_format=torch.channels_last), heads)


def _explain_refusal(features: SessionFeatures, config: PhqConfig) -> PhqUnavailable:
    """Return the reason why no head takes what the session has."""
    needed = set(config.modalities)
    if all(Modality.FACE in modalities for modalities in needed) and features.series(Modality.FACE) is None:
        return PhqUnavailable(UnavailableReason.NO_FACE)
    takes = reduce(_alternatives, map(_join_modalities, sorted(needed, key=len)))
    has = _join_modalities(features.modalities) if features.modalities else messages.NOTHING()
    return PhqUnavailable(UnavailableReason.NO_HEAD, messages.NO_FITTING_HEAD(takes=takes, has=has))


def _join_modalities(modalities: Sequence[Modality]) -> Message:
    """Name a set of modalities, as 'face+voice'."""
    names = [MODALITY_NAMES[modality]() for modality in modalities]
    return reduce(lambda first, second: messages.MODALITIES(first=first, second=second), names)


def _alternatives(first: Message, second: Message) -> Message:
    return messages.ALTERNATIVES(first=first, second=second)


def _load_weights(module: nn.Module, path: Path) -> None:
    try:
        weights = load_file(path)
        module.load_state_dict(
            {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}
        )
    except (SafetensorError, OSError, RuntimeError) as error:
        raise ModelError(messages.WEIGHTS_UNUSABLE(path=str(path), error=str(error).splitlines()[0])) from None
