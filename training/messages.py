"""What people read about the training package as a whole."""

from __future__ import annotations

from fer_phq.core.messages import template

PACKAGE_MISSING = template(
    "training.package_missing", "Training needs {package}: install it with pip install 'fer-phq[train]'."
)
