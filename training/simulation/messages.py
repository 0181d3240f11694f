"""Messages of the simulation."""

from __future__ import annotations

from fer_phq.core.messages import template

CLIP_NOT_RENDERED = template("simulation.clip_not_rendered", "The recording {path} could not be rendered: {error}.")
FOLDER_NOT_MADE = template("simulation.folder_not_made", "The folder {folder} cannot be made: {error}.")

EMOTIONS_MISSING = template(
    "simulation.emotions_missing", "{source} has no images of {emotions}: each of the seven is needed."
)
NO_FACES = template(
    "simulation.no_faces",
    "There are no faces at {source}: name a folder of images by emotion, or CORPUS:PATH.",
)
IMAGE_UNREADABLE = template("simulation.image_unreadable", "The image {path} cannot be read: {error}.")
NO_FACE_IN_IMAGES = template(
    "simulation.no_face_in_images",
    "No face was found in {images} images of {emotion} from {source}: take images that show one face each, from the "
    "front.",
)

TOO_FEW_SUBJECTS = template(
    "simulation.too_few_subjects", "{subjects} subjects cannot be rendered: ask for one or more."
)
DURATION_OUT_OF_RANGE = template(
    "simulation.duration_out_of_range",
    "Recordings last from {low:g} to {high:g} s, {seconds:g} s was asked for.",
)
NEGATIVE_SEED = template("simulation.negative_seed", "A seed is 0 or more, {seed} was given.")
SESSIONS_NOT_WRITTEN = template(
    "simulation.sessions_not_written", "The sessions cannot be written to {folder}: {error}."
)
RECORDINGS_NOT_WRITTEN = template(
    "simulation.recordings_not_written", "The recordings cannot be written to {folder}: {error}."
)
FOLDER_NOT_EMPTY = template(
    "simulation.folder_not_empty", "{folder} is not empty: name a new folder for the recordings."
)

ESPEAK_MISSING = template(
    "simulation.espeak_missing",
    "espeak-ng is not installed, which speaks the simulated sessions: apt-get install espeak-ng.",
)
VOICE_REFUSED = template("simulation.voice_refused", "espeak-ng cannot speak with the voice {voice}: {error}.")
EXIT_CODE = template("simulation.exit_code", "it ended with {code}")
SPEECH_UNREADABLE = template("simulation.speech_unreadable", "espeak-ng gave no sound: {error}.")
SPEECH_EMPTY = template(
    "simulation.speech_empty",
    "espeak-ng gave no sound of {rate} samples a second: check its voice {voice}.",
)

VOICE_MISSING = template(
    "simulation.voice_missing", "{program} is not installed, which speaks in simulated talks: leave its voices out."
)
VOICE_SILENT = template(
    "simulation.voice_silent", "The voice {voice} gave no sound: check that its program has this voice."
)

SIMULATED_LABELS = template(
    "simulation.trained_on_simulated",
    "Trained on simulated {scale} labels only ({file}): a demonstration of the machinery, without evidence about any "
    "person.",
)
