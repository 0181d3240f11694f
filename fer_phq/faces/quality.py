"""How far a face crop can be trusted, from 0 to 1."""

from __future__ import annotations

import numpy as np
from PIL import Image as PillowImage

from fer_phq.analysis import FloatArray, Image
from fer_phq.faces.detector import Detection

SIDE = 48
FULL_SIZE = 48.0
"""Face size in pixels from which more pixels tell the model nothing: its own input's side."""
FULL_SHARPNESS = 60.0
"""Variance of the Laplacian (grey levels squared, at `SIDE` pixels) from which a crop counts as sharp."""


def crop_quality(crop: Image, face: Detection, frame_size: tuple[int, int]) -> float:
    """Geometric mean of four parts, each 0 to 1; frame_size is (width, height) of the picture `face` was found in.

    size: side of the face's box over 48 px. sharpness: variance of the Laplacian of the crop at 48 px (Pech-Pacheco
    et al., 2000). pose: the nose between the eyes (1 frontal, 0 in profile). exposure: share of pixels that are
    neither crushed (below 8) nor burnt out (above 247). A face cut by the picture's edge counts by its visible part.
    """
    grey = np.asarray(PillowImage.fromarray(crop).convert("L").resize((SIDE, SIDE), PillowImage.Resampling.BOX))
    values = grey.astype(np.float32)
    laplacian = 4 * values[1:-1, 1:-1] - values[:-2, 1:-1] - values[2:, 1:-1] - values[1:-1, :-2] - values[1:-1, 2:]
    size = min(1.0, face.size / FULL_SIZE)
    sharpness = min(1.0, float(laplacian.var()) / FULL_SHARPNESS)
    exposure = float(((values >= 8) & (values <= 247)).mean())
    parts = np.array([size, sharpness, frontality(face.landmarks), exposure * visible(face, frame_size)])
    return float(np.clip(parts, 0, 1).prod() ** 0.25)


def frontality(landmarks: FloatArray) -> float:
    """1 when the nose stands midway between the eyes along the eye line, 0 when beside one of them or further."""
    left, right, nose = (landmarks[i].astype(np.float64) for i in range(3))
    line = right - left
    length = float(line @ line)
    if length < 1e-9:
        return 0.0
    return max(0.0, 1 - abs(2 * float((nose - left) @ line) / length - 1))


def visible(face: Detection, frame_size: tuple[int, int]) -> float:
    """Share of the landmarks that lie inside the picture."""
    x, y = face.landmarks[:, 0], face.landmarks[:, 1]
    return float(((x >= 0) & (x <= frame_size[0]) & (y >= 0) & (y <= frame_size[1])).mean())
