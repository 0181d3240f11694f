"""Analysis of a single image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.faces import FaceDetector, align_crop, crop_quality
from fer_phq.mesh import FaceGeometry, FaceLandmarker, measure_face
from fer_phq.models.model import FerPhqModel, load_model
from fer_phq.pipeline.faces import CROP_SIDE


@dataclass(frozen=True, eq=False)
class Face:
    """One face of an image.

    Attributes:
        box: (x0, y0, x1, y1) in pixels of the image.
        detection_score: 0 to 1.
        emotions: (7,) float32 probabilities in the order of `EMOTIONS`.
        quality: Quality of the crop, 0 to 1.
        crop: Aligned crop, uint8 RGB (96, 96, 3).
        geometry: Points, head pose and blendshapes.
    """

    box: tuple[float, float, float, float]
    detection_score: float
    emotions: FloatArray
    quality: float
    crop: Image
    geometry: FaceGeometry


def analyze_image(rgb: Image, model: FerPhqModel | None = None, threshold: float = 0.5) -> list[Face]:
    """Find the faces of one image, their emotions, and what the mesh says of each.

    Args:
        rgb: uint8 RGB (h, w, 3).
        model: From `load_model`; the active bundle when omitted.
        threshold: Lowest detection score that counts as a face, 0 to 1.

    Returns:
        The faces, best detection first.

    Raises:
        ValueError: `rgb` is not such an array.
    """
    if not isinstance(rgb, np.ndarray):
        raise ValueError(f"A picture must be an array, uint8 RGB (h, w, 3), got {type(rgb).__name__}.")
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ValueError(f"A picture must be uint8 RGB (h, w, 3), got {rgb.dtype} {rgb.shape}.")
    model = model or load_model()
    detections = sorted(FaceDetector(threshold).detect([rgb])[0], key=lambda face: -face.score)
    crops = [align_crop(rgb, face.landmarks, CROP_SIDE) for face in detections]
    emotions = model.predict_emotions(crops)
    size = (rgb.shape[1], rgb.shape[0])
    landmarker = FaceLandmarker()
    return [
        Face(
            box=face.box,
            detection_score=face.score,
            emotions=emotions[i],
            quality=crop_quality(crops[i], face, size),
            crop=crops[i],
            geometry=measure_face(rgb, face, landmarker),
        )
        for i, face in enumerate(detections)
    ]
