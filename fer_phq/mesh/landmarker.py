"""The face mesh: 478 points with irises, and 52 blendshapes, by the networks of MediaPipe's face landmarker.

The weights are Google's (Apache-2.0), converted by `benchmarks/package_mesh.py` and run by onnxruntime; their training
data are Google's own. A blendshape is neither an action unit nor a feeling, and some are weak: `eyeWide`, `noseSneer`
and `cheekPuff` hardly move, and a grimace reads as a smile.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.faces.detector import Detection
from fer_phq.mesh.points import BLENDSHAPE_POINTS, POINTS
from fer_phq.mesh.square import SIDE, Square, cut_square, square_of_detection, square_of_points
from fer_phq.runtime.sessions import shared_session

LANDMARKS = Path(__file__).with_name("face_landmarks.onnx")
BLENDSHAPES = Path(__file__).with_name("face_blendshapes.onnx")


@dataclass(frozen=True, eq=False)
class FaceMesh:
    """The mesh of one face in one image.

    Attributes:
        points: (478, 3) float32: x and y in pixels of the image (continuous: 0 is the left edge of the first pixel),
            and the depth in the same unit, relative to the middle of the head, smaller towards the camera.
        presence: How sure the network is that it saw a face, 0 to 1.
    """

    points: FloatArray
    presence: float


class FaceLandmarker:
    """Fits the mesh to faces of images."""

    def __init__(self, *, threads: int | None = None) -> None:
        """Load the networks.

        Args:
            threads: Processor threads; `count_threads` when omitted.

        Raises:
            ModelError: The weights are missing or damaged.
        """
        self._landmarks = shared_session(LANDMARKS, threads=threads)
        self._blendshapes = shared_session(BLENDSHAPES, threads=threads)
        self._image_input = self._landmarks.get_inputs()[0].name
        self._points_input = self._blendshapes.get_inputs()[0].name

    def fit_detection(self, image: Image, detection: Detection) -> FaceMesh:
        """Fit the mesh to a detected face, in two passes: the second looks at the square of the first one's points.

        Args:
            image: uint8 RGB (h, w, 3).
            detection: The face.
        """
        first = self.fit(image, square_of_detection(detection))
        return self.fit(image, square_of_points(first.points))

    def fit(self, image: Image, square: Square) -> FaceMesh:
        """Fit the mesh to the face in a square.

        Args:
            image: uint8 RGB (h, w, 3).
            square: Where the face is, for example `square_of_points` of the frame before.
        """
        channels = np.ascontiguousarray(cut_square(image, square).transpose(2, 0, 1))
        pixels = np.multiply(channels, np.float32(1 / 255), dtype=np.float32)
        points, presence = self._landmarks.run(["points", "presence"], {self._image_input: pixels[None]})
        cut = points.reshape(POINTS, 3)
        matrix = square.matrix
        places = cut[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        depth = cut[:, 2:] * (square.side / SIDE)
        return FaceMesh(np.hstack([places, depth]).astype(np.float32), float(1 / (1 + np.exp(-float(presence[0, 0])))))

    def blendshapes(self, mesh: FaceMesh) -> FloatArray:
        """Compute the blendshapes of a mesh.

        Args:
            mesh: The mesh.

        Returns:
            (52,) float32, 0 to 1, in the order of `points.BLENDSHAPES`.
        """
        points = np.ascontiguousarray(mesh.points[None, BLENDSHAPE_POINTS, :2])
        scores: FloatArray = self._blendshapes.run(None, {self._points_input: points})[0]
        return scores
