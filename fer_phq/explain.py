"""The public name of `fer_phq.models.networks.explain`, also as a program: `python -m fer_phq.explain < face.png`."""

from __future__ import annotations

import argparse
import base64
import io
import json
import sys
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from PIL import Image as PillowImage

from fer_phq.core import lazy_names
from fer_phq.core.arrays import Image
from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.errors import FerPhqError
from fer_phq.core.messages import Message, to_json
from fer_phq.models import messages

if TYPE_CHECKING:
    from fer_phq.models.networks.explain import COLOURS, Relevance, relevance_map
    from fer_phq.models.networks.loading import load_network

__all__ = ["COLOURS", "Relevance", "load_network", "main", "relevance_map"]

PICTURE_SIDE = 256
"""Shorter side in pixels of the picture that the command makes."""

# Imported on first use: the program says in a sentence that it needs PyTorch where that is missing.
__getattr__ = lazy_names(
    __name__,
    {
        "COLOURS": "fer_phq.models.networks.explain",
        "Relevance": "fer_phq.models.networks.explain",
        "relevance_map": "fer_phq.models.networks.explain",
        "load_network": "fer_phq.models.networks.loading",
    },
)


def main() -> None:
    """Read a face crop from standard input and print JSON with its map, and with the overlay as PNG in base64.

    Why there is no explanation is said on standard error.
    """
    parser = argparse.ArgumentParser(prog="python -m fer_phq.explain", description=str(main.__doc__).splitlines()[0])
    parser.add_argument("--model", help="bundle by name, model id or folder; default: the active one")
    parser.add_argument("--emotion", choices=EMOTIONS, help="default: the most probable one")
    parser.add_argument("--json-errors", action="store_true", help="write an error's message as JSON, for programs")
    args = parser.parse_args()
    try:
        crop = PillowImage.open(io.BytesIO(sys.stdin.buffer.read())).convert("RGB")
    except (OSError, ValueError, PillowImage.DecompressionBombError):
        _refuse(messages.NO_CROP(), as_json=args.json_errors)
    try:
        document = _explain(crop, args.model, args.emotion)
    except ModuleNotFoundError:
        _refuse(messages.EXPLANATION_NEEDS_PYTORCH(), as_json=args.json_errors)
    except FerPhqError as error:
        _refuse(error.message, as_json=args.json_errors)
    print(json.dumps(document))


def _explain(crop: PillowImage.Image, model: str | None, emotion: str | None) -> dict[str, object]:
    from fer_phq.models.networks.explain import COLOURS, relevance_map
    from fer_phq.models.networks.loading import load_network

    network = load_network(model)
    relevance = relevance_map(network, np.asarray(crop), emotion)
    factor = max(1, PICTURE_SIDE / min(crop.size))
    enlarged = crop.resize((round(crop.width * factor), round(crop.height * factor)), PillowImage.Resampling.BICUBIC)
    return {
        "model_id": network.bundle.model_id,
        "emotion": relevance.emotion,
        "probability": round(relevance.probability, 6),
        "heatmap": [[round(float(value), 4) for value in row] for row in relevance.heatmap],
        "colours": COLOURS,
        "picture": _as_png(relevance.overlay(np.asarray(enlarged))),
    }


def _as_png(picture: Image) -> str:
    """Return a picture as PNG in base64."""
    png = io.BytesIO()
    PillowImage.fromarray(picture).save(png, "PNG")
    return base64.b64encode(png.getvalue()).decode()


def _refuse(message: Message, *, as_json: bool) -> NoReturn:
    """End with exit code 2 and the message on standard error: as JSON, or as a sentence."""
    text = json.dumps(to_json(message)) if as_json else str(message)
    sys.stderr.write(f"{text}\n")
    raise SystemExit(2)


if __name__ == "__main__":
    main()
