"""The model of a checkpoint bundle: face crops in; emotion probabilities, embeddings and a PHQ estimate out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from safetensors import SafetensorError, safe_open

from fer_phq.behaviour.seconds.series import missing_reason, to_seconds
from fer_phq.core.arrays import FloatArray
from fer_phq.core.errors import ModelError
from fer_phq.core.feature_series import SessionFeatures
from fer_phq.core.messages import Message
from fer_phq.core.phq import MODALITY_NAMES, Modality, PhqEstimate, PhqResult, PhqUnavailable, UnavailableReason
from fer_phq.models import messages
from fer_phq.models.checkpoint import RUNTIME, WEIGHTS, Bundle, PhqConfig, check_files, find_bundle
from fer_phq.models.encoder import Encoder, load_encoder
from fer_phq.models.phq_head import PhqHead, load_heads
from fer_phq.models.preprocessing import Crops, to_pixels
from fer_phq.models.regressors import RegressorInput

BATCH = 4
"""Crops that the network is given at once: more are no quicker on a processor, and hold more memory."""


@dataclass(frozen=True, eq=False)
class EmotionLayer:
    """The emotion head: the weights of one linear layer.

    Attributes:
        weight: (7, dim) float32.
        bias: (7,) float32.
    """

    weight: FloatArray
    bias: FloatArray


class FerPhqModel:
    """A backbone, an emotion head and, where the bundle has them, PHQ heads over a session's features.

    Build it with `load_model`. Methods take and return NumPy arrays.

    Attributes:
        bundle: Where it comes from.
        heads: PHQ heads in the order in which they are asked.
        face_kind: What its embeddings are called, see `Bundle.face_kind`.
    """

    def __init__(self, bundle: Bundle, encoder: Encoder, emotions: EmotionLayer, heads: tuple[PhqHead, ...]) -> None:
        """Put a model together.

        Args:
            bundle: Where it comes from.
            encoder: Runs the backbone.
            emotions: The emotion head.
            heads: PHQ heads in the order in which they are asked; may be empty.
        """
        self.bundle = bundle
        self.heads = heads
        self.face_kind = bundle.face_kind
        self._encoder = encoder
        self._emotions = emotions

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
        config = self.bundle.config
        batches = (crops[start : start + BATCH] for start in range(0, len(crops), BATCH))
        rows = [self._encoder.embed(to_pixels(batch, config.in_chans, config.image_size)) for batch in batches]
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
        logits = (embeddings @ self._emotions.weight.T + self._emotions.bias) / self.bundle.config.temperature
        shares = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
        probabilities: FloatArray = shares / shares.sum(axis=1, keepdims=True)
        return probabilities

    def estimate_phq(self, features: SessionFeatures, unread: Message | None = None) -> PhqResult:
        """Estimate a session's PHQ score by the first of the bundle's heads that may judge it.

        Heads stand in the order of their errors; one that finds a session too short, or unlike those it was trained
        on, leaves it to the next.

        Args:
            features: All features of the session.
            unread: Why facial behaviour that was measured is not among them.

        Returns:
            The estimate, or the reason why there is none. Where all heads refuse, it is the reason of one that had
            enough rows, if there is such a head.
        """
        config = self.bundle.config.phq
        if config is None:
            return PhqUnavailable(UnavailableReason.NO_HEAD)
        unread = unread or missing_reason(features)
        features = to_seconds(features)  # once for all heads
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
        return refusals[0] if refusals else _explain_refusal(features, config, unread)

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


def load_model(name_or_path: str | os.PathLike[str] | Bundle | None = None) -> FerPhqModel:
    """Load the model of a bundle.

    Args:
        name_or_path: The bundle, its name, its model id or its folder; the active one when omitted.

    Raises:
        ModelError: The bundle is missing, damaged or does not fit its configuration.
    """
    bundle = name_or_path if isinstance(name_or_path, Bundle) else find_bundle(name_or_path)
    check_files(bundle, (WEIGHTS[0], RUNTIME))
    return assemble(*load_encoder(bundle))


def assemble(bundle: Bundle, encoder: Encoder) -> FerPhqModel:
    """Put the model of a bundle together.

    Args:
        bundle: The bundle.
        encoder: Runs its backbone.

    Raises:
        ModelError: The bundle is damaged or does not fit its configuration.
    """
    phq = bundle.config.phq
    check_files(bundle, WEIGHTS if phq else WEIGHTS[:1])
    emotions = _load_emotions(bundle)
    heads = load_heads(phq.heads, bundle.path / WEIGHTS[1]) if phq else ()
    return FerPhqModel(bundle, encoder, emotions, heads)


def _explain_refusal(features: SessionFeatures, config: PhqConfig, unread: Message | None) -> PhqUnavailable:
    """Return the reason why no head takes what the session has, and why its behaviour is not read."""
    needed = _fewest_modalities(config.modalities)
    if all(Modality.FACE in modalities for modalities in needed) and features.series(Modality.FACE) is None:
        return PhqUnavailable(UnavailableReason.NO_FACE)
    takes = reduce(_alternatives, map(_join_modalities, needed))
    has = _join_modalities(features.modalities) if features.modalities else messages.NOTHING()
    refusal = messages.NO_FITTING_HEAD(takes=takes, has=has)
    if unread is not None and any(Modality.BEHAVIOUR in modalities for modalities in config.modalities):
        refusal = messages.NOT_READ(first=refusal, second=unread)
    return PhqUnavailable(UnavailableReason.NO_HEAD, refusal)


def _fewest_modalities(sets: Sequence[tuple[Modality, ...]]) -> list[tuple[Modality, ...]]:
    """Return the sets that hold no other one, small ones first: who has more is judged, too."""
    least = {modalities for modalities in sets if not any({*subset} < {*modalities} for subset in sets)}
    order = list(Modality)
    return sorted(least, key=lambda modalities: (len(modalities), [order.index(name) for name in modalities]))


def _join_modalities(modalities: Sequence[Modality]) -> Message:
    """Name a set of modalities, as 'face+voice'."""
    names = [MODALITY_NAMES[modality]() for modality in modalities]
    return reduce(lambda first, second: messages.MODALITIES(first=first, second=second), names)


def _alternatives(first: Message, second: Message) -> Message:
    return messages.ALTERNATIVES(first=first, second=second)


def _load_emotions(bundle: Bundle) -> EmotionLayer:
    path = bundle.path / WEIGHTS[0]
    config = bundle.config
    try:
        with safe_open(path, framework="numpy") as weights:
            weight, bias = (weights.get_tensor(f"head.{name}").astype(np.float32) for name in ("weight", "bias"))
    except (SafetensorError, OSError, TypeError) as error:
        raise ModelError(messages.WEIGHTS_UNUSABLE(path=str(path), error=str(error).splitlines()[0])) from None
    if (weight.shape, bias.shape) != ((len(config.classes), config.dim), (len(config.classes),)):
        raise ModelError(messages.WEIGHTS_UNUSABLE(path=str(path), error=f"head.weight has the shape {weight.shape}."))
    return EmotionLayer(weight, bias)
