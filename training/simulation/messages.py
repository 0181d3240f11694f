"""Messages of the simulation."""

from __future__ import annotations

from fer_phq.core.messages import template

CLIP_NOT_RENDERED = template("simulation.clip_not_rendered", "The recording {path} could not be rendered: {error}.")
FOLDER_NOT_MADE = template("simulation.folder_not_made", "The folder {folder} cannot be made: {error}.")
