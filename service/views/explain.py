"""What a model looked at in a face, computed in a child process so that the caller needs no PyTorch."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Picture

import fer_phq
from fer_phq.core.arrays import Image
from fer_phq.core.errors import ModelError
from fer_phq.core.messages import Message, from_json
from fer_phq.models.checkpoint import find_bundle
from service.views import messages

SECONDS = 120.0
"""Longest time the child may take: seconds when PyTorch is in the file cache, a minute or more on a busy disk."""
_REFUSED = 2
"""The child's exit code when its answer is the message of an error."""
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "HOME", "TMPDIR")


@dataclass(frozen=True, eq=False)
class Explanation:
    """Where a model's probability of an emotion depends on a face.

    Attributes:
        emotion: The emotion that is explained.
        probability: The model's, 0 to 1.
        picture: uint8 RGB, the face under the heatmap.
        grid: The heatmap's rows and columns.
        colours: '#RRGGBB' from no relevance to the most.
    """

    emotion: str
    probability: float
    picture: Image
    grid: tuple[int, int]
    colours: tuple[str, ...]


def explain_crop(
    crop: Image, model_id: str, *, emotion: str | None = None, configured: str | None = None, seconds: float = SECONDS
) -> Explanation:
    """Compute where the model of an analysis looked in a face crop, in a process of its own.

    Args:
        crop: uint8 RGB (h, w, 3), as the model saw it.
        model_id: The id of the analysis's model.
        emotion: The emotion to explain; None for the most probable.
        configured: The installation's own model setting, where the bundle is looked for too; None for none.
        seconds: The most time that it may take.

    Raises:
        ModelError: The bundle is gone, cannot be explained, or the process took too long or broke down.
    """
    folder = bundle_folder(model_id, configured)
    # -P: a folder in which the dashboard happens to be started cannot put its own modules in front of ours.
    command = [sys.executable, "-P", "-m", "fer_phq.explain", "--json-errors", "--model", str(folder)]
    packed = io.BytesIO()
    Picture.fromarray(crop).save(packed, "PNG")
    try:
        done = subprocess.run(
            [*command, *(["--emotion", emotion] if emotion else [])],
            input=packed.getvalue(),
            capture_output=True,
            env=_environment(),
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ModelError(messages.EXPLANATION_TIMEOUT(seconds=seconds)) from None
    if done.returncode:
        raise ModelError(_refusal(done))
    return _read(done.stdout)


def bundle_folder(model_id: str, configured: str | None = None) -> Path:
    """Find the folder of the bundle with exactly this id.

    Args:
        model_id: The bundle's id.
        configured: The installation's own model setting, which may lead to the bundle; None for none.

    Raises:
        ModelError: It is not on this machine any more.
    """
    for name in (model_id, configured):
        with suppress(ModelError):
            bundle = find_bundle(name)
            if bundle.model_id == model_id:
                return bundle.path.absolute()
    raise ModelError(messages.MODEL_GONE(model_id=model_id))


def _refusal(done: subprocess.CompletedProcess[bytes]) -> Message:
    """Return why the child gave no explanation."""
    if done.returncode == _REFUSED:
        with suppress(ValueError):
            return from_json(json.loads(done.stderr))
    return messages.EXPLANATION_BROKE_DOWN()


def _read(output: bytes) -> Explanation:
    document = json.loads(output)
    heatmap = document["heatmap"]
    return Explanation(
        emotion=document["emotion"],
        probability=document["probability"],
        picture=np.asarray(Picture.open(io.BytesIO(base64.b64decode(document["picture"])))),
        grid=(len(heatmap), len(heatmap[0])),
        colours=tuple(document["colours"]),
    )


def _environment() -> dict[str, str]:
    """Return a small environment without the parent's secrets; the package is found where the parent found it."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # One face is too little work to share between threads.
    return environment | {"PYTHONPATH": str(Path(fer_phq.__path__[0]).resolve().parent), "OMP_NUM_THREADS": "1"}
