"""Messages of the settings and the logs, and the list of every module that declares messages.

Whoever reads a stored message needs its template: `load_messages` declares them all.
"""

from __future__ import annotations

import importlib
import importlib.util

from fer_phq.core.messages import template

LOG_LEVEL = template("settings.log_level", "FERPHQ_LOG_LEVEL is '{level}': write one of {levels}.")

MODULES: tuple[str, ...] = (
    "fer_phq.core.csv_messages",
    "fer_phq.core.texts",
    "fer_phq.faces.messages",
    "fer_phq.features.messages",
    "fer_phq.longitudinal.messages",
    "fer_phq.models.messages",
    "fer_phq.pipeline.messages",
    "fer_phq.video.messages",
    "fer_phq.voice.messages",
    "fer_phq.words.messages",
    "db.messages",
    "service.cli.messages",
    "service.demo.messages",
    "service.ingest.messages",
    "service.jobs.messages",
    "service.models.messages",
    "service.views.messages",
)
TRAINING_MODULES: tuple[str, ...] = (
    "training.phq.messages",
    "training.phq.data.messages",
    "training.emotion.data.messages",
    "training.emotion.networks.messages",
    "training.simulation.messages",
)
"""Of the training, which not every installation has."""


def load_messages() -> None:
    """Import every module that declares messages; those of the training where it is installed."""
    for name in MODULES:
        importlib.import_module(name)
    if importlib.util.find_spec("training") is not None:
        for name in TRAINING_MODULES:
            importlib.import_module(name)
