"""Relevance maps: where in a face crop the model's answer depends on the picture.

    relevance = relevance_map(load_network(), crop)     # of the most probable emotion, or of the one that is named
    picture = relevance.overlay(crop)
    python -m fer_phq.explain < face.png       # the same as JSON, for programs that must not load PyTorch

The tokens as the pooling reads them are multiplied by the gradient of the emotion's logit and summed over channels:
HiResCAM (Draelos & Carin, 2020, arXiv:2011.08891), which with mean pooling is Grad-CAM. A class token reads the others
through the last block's first norm, where pytorch-grad-cam looks too. Before that norm the product would be nothing
but rounding error: what a layer norm gives does not change when a token grows, so its gradient is orthogonal to it.

It was chosen by measurement, with the first shipped bundle, and measured again with the present one
(fer-vit-convstem), on 200 random images of FER+'s public-test part (`benchmarks/bench_explain.py`): how far
the probability of the most probable emotion falls when the 20 % most relevant pixels take the image's mean, and when
the 20 % least relevant do.

                              most   least   apart
    random                    0.08    0.08    0.00
    nearness to the centre    0.24    0.02    0.22
    attention rollout         0.32    0.03    0.29   (Abnar & Zuidema, 2020, arXiv:2005.00928)
    the same with gradients   0.36    0.03    0.34   (Chefer, Gur & Wolf, 2021, arXiv:2103.15679)
    this                      0.41    0.01    0.40   standard error 0.03, in 87 % of images most > least
    occlusion                 0.47   -0.06    0.53   (Zeiler & Fergus, 2014); twenty times as slow

Attention says where values are fetched, not what they are worth, and a convolutional stem has mixed them before: the
two methods that read attention alone are less faithful (with the first bundle less than the guess that the middle of a
face matters). Occlusion, one forward pass a token, is the measure itself turned into a method. No trained backbone with
a class token was measured.

The map says where the answer depends on the picture, no finer than the tokens' grid. It does not say why.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image as PillowImage
from timm.models.vision_transformer import Block, VisionTransformer

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import ModelError
from fer_phq.models import messages
from fer_phq.models.networks.loading import FaceNetwork

COLOURS = ("#440154", "#482878", "#3E4989", "#31688E", "#26828E", "#1F9E89", "#35B779", "#6ECE58", "#B5DE2B", "#FDE725")
"""Viridis (van der Walt & Smith, 2015) from no relevance to the most: even steps of lightness for every eye."""
OPACITY = 0.6
"""How much of the overlay is colour; the rest is the face in grey."""


@dataclass(frozen=True, eq=False)
class Relevance:
    """The parts of a crop on which an emotion's logit depends.

    Attributes:
        emotion: One of `EMOTIONS`.
        probability: The model's probability of it, 0 to 1.
        heatmap: (rows, columns) float32, one value for each token of the backbone's grid over the whole crop: 0 where
            the crop does not speak for the emotion (or speaks against it), 1 where it speaks for it most. All zero
            when it does so nowhere.
    """

    emotion: str
    probability: float
    heatmap: FloatArray

    def enlarge(self, height: int, width: int) -> FloatArray:
        """Enlarge the heatmap, interpolated between the tokens' centres.

        Args:
            height: Height in pixels.
            width: Width in pixels.

        Returns:
            (height, width) float32, 0 to 1.
        """
        grid = torch.from_numpy(self.heatmap)[None, None]
        out: FloatArray = F.interpolate(grid, size=(height, width), mode="bilinear", align_corners=False)[0, 0].numpy()
        return out

    def overlay(self, crop: Image) -> Image:
        """Draw the heatmap in `COLOURS` over the crop in grey.

        Args:
            crop: uint8 RGB (h, w, 3) of any size.

        Returns:
            uint8 RGB (h, w, 3).
        """
        grey = np.asarray(PillowImage.fromarray(crop).convert("L"), np.float32)[..., None]
        stops = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in COLOURS], np.float32)
        heat = self.enlarge(*crop.shape[:2])
        positions = np.linspace(0, 1, len(stops))
        colour = np.stack([np.interp(heat, positions, stops[:, channel]) for channel in range(3)], axis=-1)
        blended: Image = (OPACITY * colour + (1 - OPACITY) * grey).round().astype(np.uint8)
        return blended


def relevance_map(network: FaceNetwork, crop: Image, emotion: str | None = None) -> Relevance:
    """Compute where in a face crop a model's answer depends on the picture.

    As in the model's own answer, the crop and its mirror image count alike. The network is left as it was.

    Args:
        network: The model's network, from `load_network`.
        crop: Face crop, uint8 RGB (h, w, 3) of any size.
        emotion: One of `EMOTIONS`; the most probable one when omitted.

    Raises:
        ValueError: The crop or the emotion is another.
        ModelError: The backbone is not a Vision Transformer of timm's with its usual blocks.
    """
    if emotion is not None and emotion not in EMOTIONS:
        raise ValueError(f"There is no emotion '{emotion}'; choose one of {', '.join(EMOTIONS)}.")
    backbone = network.net.backbone
    if not isinstance(backbone, VisionTransformer) or not isinstance(backbone.blocks[-1], Block):
        raise ModelError(messages.NOT_EXPLAINABLE(model_id=network.bundle.model_id))
    # A caller may have switched gradients off; nothing that is made in here leaves the function.
    with torch.inference_mode(False), torch.enable_grad():
        image = network.images([crop])
        views = torch.cat([image, image.flip(-1)]).requires_grad_()  # also where every weight is frozen
        with record_tokens(backbone) as tokens:
            logits = network.net.head(backbone(views).mean(0)) / network.bundle.config.temperature
        index = int(logits.argmax()) if emotion is None else EMOTIONS.index(emotion)
        (gradient,) = torch.autograd.grad(logits[index], tokens[0])
        score = (gradient * tokens[0]).sum(-1)[:, backbone.num_prefix_tokens :].detach()
    grid = score.reshape(2, *backbone.patch_embed.grid_size)
    heatmap = (grid[0] + grid[1].flip(-1)).clamp(min=0)
    heatmap /= heatmap.max().clamp(min=torch.finfo(torch.float32).tiny)
    return Relevance(EMOTIONS[index], float(logits.detach().softmax(0)[index]), heatmap.numpy())


@contextmanager
def record_tokens(backbone: VisionTransformer) -> Iterator[list[torch.Tensor]]:
    """Record the tokens that the pooling reads, as a context manager.

    Args:
        backbone: A Vision Transformer of timm's.

    Yields:
        A list to which every forward pass adds its tokens (b, prefix + rows * columns, dim).
    """
    recorded: list[torch.Tensor] = []
    name = f"blocks.{len(backbone.blocks) - 1}.norm1" if backbone.global_pool == "token" else "norm"
    hook = backbone.get_submodule(name).register_forward_hook(lambda _, __, tokens: recorded.append(tokens))
    try:
        yield recorded
    finally:
        hook.remove()
