"""A portrait, its face and its mesh."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
from PIL import Image as PillowImage

from fer_phq.core.arrays import Image
from fer_phq.faces import Detection, FaceDetector
from fer_phq.mesh import FaceLandmarker, FaceMesh
from training.simulation.heads import Head


@pytest.fixture(scope="session")
def portrait() -> Image:
    with files("training.simulation.puppet").joinpath("portrait.jpg").open("rb") as source:
        return np.asarray(PillowImage.open(source).convert("RGB"))


@pytest.fixture(scope="session")
def detector() -> FaceDetector:
    return FaceDetector(threads=1)


@pytest.fixture(scope="session")
def landmarker() -> FaceLandmarker:
    return FaceLandmarker(threads=1)


@pytest.fixture(scope="session")
def detection(portrait: Image, detector: FaceDetector) -> Detection:
    return detector.detect([portrait])[0][0]


@pytest.fixture(scope="session")
def mesh(portrait: Image, detection: Detection, landmarker: FaceLandmarker) -> FaceMesh:
    return landmarker.fit_detection(portrait, detection)


@pytest.fixture(scope="session")
def head(portrait: Image, mesh: FaceMesh) -> Head:
    return Head(portrait, mesh.points)
