"""Recognition of the people of one recording by dlib's face recognition network, run by onnxruntime.

The weights are `dlib_face_recognition_resnet_model_v1` by Davis King, in the public domain (CC0 1.0), converted by
`benchmarks/recognition_weights.py`. The network was trained on about three million pictures of 7,485 people from
FaceScrub, VGG Face and the web.

It is used for one thing: to tell the people of one recording apart. Vectors live as long as the recording is analysed.
They are neither stored nor compared with those of another recording.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_phq.core.arrays import FloatArray, Image
from fer_phq.faces.align import Template, align_crop
from fer_phq.faces.detector import Detection
from fer_phq.faces.quality import in_view, pose
from fer_phq.runtime.sessions import shared_session

WEIGHTS = Path(__file__).with_name("dlib_face_recognition.onnx")
SIDE = 150
"""Side in pixels of the crop that the network takes."""

CROP_TEMPLATE: Template = (
    (0.317, 0.311),
    (0.670, 0.311),
    (0.493, 0.510),
    (0.336, 0.687),
    (0.651, 0.687),
)
"""Where the five landmarks lie in such a crop: dlib's mean face shape (eyes' centres, tip of the nose, mouth corners),
with its margin of a quarter on each side (`get_face_chip_details`)."""

SAME_PERSON = 0.45
"""Largest distance at which two sets of crops are surely of one person (`benchmarks/bench_truth.py persons`)."""
OTHER_PERSON = 0.6
"""Distance from which they are surely of two people: the radius with which the network was trained."""

_SPREAD = 0.025  # mean squared distance of one person's crops from their mean, within one recording
_LEAST_POSE = 0.35  # a face turned further than that says little about who it is
_LEAST_SIDE = 30.0  # pixels of the face's box


@dataclass(frozen=True, eq=False)
class Recognition:
    """What the network says about a person: the mean of the vectors of several crops.

    Attributes:
        mean: (128,) float32.
        crops: Number of crops.
    """

    mean: FloatArray
    crops: int

    def distance(self, other: Recognition) -> float:
        """Compute the distance that single crops of the two are expected to have.

        Means lie closer together than single crops, the more crops, the closer. What the mean took away from a
        person's spread is therefore added again, so that one bar holds for any number of crops.

        Args:
            other: The other's.
        """
        between = float(((self.mean - other.mean) ** 2).sum())
        return math.sqrt(between + _SPREAD * (2 - 1 / self.crops - 1 / other.crops))

    def merged(self, other: Recognition) -> Recognition:
        """Return the mean over the crops of both."""
        crops = self.crops + other.crops
        mean = (self.mean * (self.crops / crops) + other.mean * (other.crops / crops)).astype(np.float32)
        return Recognition(mean, crops)


class FaceRecognizer:
    """Computes recognition vectors of faces."""

    def __init__(self, *, threads: int | None = None) -> None:
        """Load the network.

        Args:
            threads: Processor threads; all available ones when omitted.

        Raises:
            ModelError: The weights are missing or damaged.
        """
        # The stored int8 weights become float32 at each run. Once, at loading, would save a quarter of a run, of which
        # there are few, and keep 12 MB.
        self._session = shared_session(WEIGHTS, threads=threads)

    def recognize(self, rgb: Image, landmarks: FloatArray) -> Recognition:
        """Compute the vector of one face.

        Args:
            rgb: The image in which it was detected, uint8 RGB (h, w, 3).
            landmarks: (5, 2) pixels of the image, in the order of `Detection.landmarks`.
        """
        crop = align_crop(rgb, landmarks, SIDE, CROP_TEMPLATE)
        (vectors,) = self._session.run(None, {"picture": crop[None]})
        return Recognition(vectors[0], 1)


def is_recognizable(face: Detection, frame_size: tuple[int, int]) -> bool:
    """Return whether a face is large and frontal enough for its vector to say who it is.

    Args:
        face: The face.
        frame_size: (width, height) in pixels of the image in which it was detected.
    """
    is_whole = in_view(face.landmarks, frame_size) == 1
    return is_whole and face.size >= _LEAST_SIDE and pose(face.landmarks) >= _LEAST_POSE
