"""Messages of the settings and the logs, and the list of every module that declares messages.

Whoever reads a stored message needs its template: `load_messages` declares them all.
"""

from __future__ import annotations

import importlib
import importlib.util

from fer_phq.core.messages import template

LOG_LEVEL = template("settings.log_level", "FERPHQ_LOG_LEVEL is '{level}': write one of {levels}.")
UNUSABLE_DATA_FOLDER = template(
    "settings.unusable_data_folder",
    "The data folder {path} cannot be used ({reason}); set FERPHQ_DATA_DIR to a folder that you may write to.",
)
UNUSABLE_SECRET = template(
    "settings.unusable_secret",
    "The secret file {path} cannot be used ({reason}); make it readable or set FERPHQ_SECRET.",
)
SHORT_SECRET = template("settings.short_secret", "it holds {size} bytes, {least} are needed")
SAME_DATABASE = template(
    "settings.same_database",
    "FERPHQ_DBOS_DATABASE_URL must be another SQLite file than FERPHQ_DATABASE_URL.",
)
UNUSABLE_VALUE = template("settings.unusable_value", "{name} cannot be used: {reason}.")
THE_SETTINGS = template("settings.the_settings", "The settings")
UNREADABLE_SETTING = template("settings.unreadable_setting", "A FERPHQ_ setting cannot be read: {reason}.")
UNKNOWN_ANALYSIS_SETTING = template(
    "settings.unknown_analysis_setting",
    "An analysis has no setting named {names}; use fps, key_frames or track.",
)
UNUSABLE_ANALYSIS_SETTINGS = template(
    "settings.unusable_analysis_settings", "The analysis settings {settings} cannot be used: {reason}"
)
PORT_UNUSABLE = template(
    "settings.port_unusable",
    "The dashboard cannot listen on {address} port {port} ({reason}); stop what uses it or set FERPHQ_PORT to another "
    "port.",
)

FPS = template("settings.fps", "The sampling rate must be a number above 0 and at most 240 frames/s.")
COVERAGE_FLOOR = template("settings.coverage_floor", "The floor of coverage must be a share from 0 to 1 (0.3 is 30 %).")
RETENTION_DAYS = template(
    "settings.retention_days",
    "The retention must be a whole number of days from 1 to 36500, or empty to keep recordings until they are "
    "erased by hand.",
)
QUESTIONNAIRE_DAYS = template(
    "settings.questionnaire_days",
    "The days until another questionnaire is due must be a whole number from 1 to 3650, or empty for never.",
)
ITEM9_MESSAGE = template("settings.item9_message", "The message for item 9 must hold 1 to 2000 characters.")
CONSENT_TEXT = template("settings.consent_text", "The consent text must hold 1 to 2000 characters.")
CONSENT_VERSION = template(
    "settings.consent_version", "The version of the consent text must be one line of 1 to 40 characters."
)
LANGUAGE = template(
    "settings.language", "The language must be a code such as en or de, or empty for each viewer's own."
)
UNKNOWN_SETTING = template("settings.unknown_setting", "There is no setting named {name} that can be chosen.")
SET_BY_ENVIRONMENT = template(
    "settings.set_by_environment", "{variable} decides this setting: unset it, then choose here."
)
NOBODY_CHANGES = template(
    "settings.nobody_changes", "Say who changes the settings, in one line of at most 80 characters."
)
SAME_CONSENT_VERSION = template(
    "settings.consent_version_kept",
    "The consent text has changed: give it a new version, so that old consents stay clear.",
)

MODULES: tuple[str, ...] = (
    "fer_phq.agreement.messages",
    "fer_phq.annotations.messages",
    "fer_phq.behaviour.messages",
    "fer_phq.core.csv_messages",
    "fer_phq.core.encryption.messages",
    "fer_phq.core.texts",
    "fer_phq.features.messages",
    "fer_phq.longitudinal.messages",
    "fer_phq.masking.messages",
    "fer_phq.mesh.messages",
    "fer_phq.models.messages",
    "fer_phq.pictures.messages",
    "fer_phq.pipeline.messages",
    "fer_phq.runtime.messages",
    "fer_phq.video.messages",
    "fer_phq.speakers.messages",
    "fer_phq.transcription.messages",
    "fer_phq.voice.messages",
    "fer_phq.words.messages",
    "db.messages",
    "service.access.messages",
    "service.api.messages",
    "service.cli.messages",
    "service.messages",
    "service.demo.messages",
    "service.ingest.messages",
    "service.jobs.messages",
    "service.lifecycle.messages",
    "service.models.messages",
    "service.processes.messages",
    "service.study.messages",
    "service.views.messages",
)
TRAINING_MODULES: tuple[str, ...] = (
    "training.messages",
    "training.phq.messages",
    "training.phq.data.messages",
    "training.emotion.messages",
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
