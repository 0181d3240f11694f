"""Messages about the recognition of words, its models, and the documents that hold them."""

from __future__ import annotations

from fer_phq.core.messages import Message, template

__all__ = ["Message"]

EXTRA_MISSING = template(
    "transcription.extra_missing",
    "The recognition of words needs the extra 'speech': install it with  pip install 'fer-phq[speech]',  or name a "
    "model's folder.",
)
MODEL_UNREADABLE = template("transcription.model_unreadable", "The model file {path} cannot be read: {error}.")
MODEL_FOREIGN = template(
    "transcription.model_foreign",
    "{path} is not the published Moonshine tiny: install moonshine-voice 0.0.49 again.",
)
MODEL_DAMAGED = template(
    "transcription.model_damaged", "The model in {path} cannot be used ({error}): get its files again."
)
LANGUAGE_UNKNOWN = template(
    "transcription.language_unknown",
    "The model of the extra 'speech' knows English alone, not '{language}': name the folder of a model of that "
    "language.",
)
LANGUAGE_MISSING = template(
    "transcription.language_missing", "Name the language of the model in {path}, as 'es' for Spanish."
)
NO_FOLDER = template("transcription.no_folder", "There is no folder {path}: check the model's name.")
NO_MODEL = template(
    "transcription.no_model", "The folder {path} holds no model of Moonshine: it has the files {files}."
)
OTHER_KIND = template(
    "transcription.other_kind",
    "The folder {path} holds a model of {kind}, which is not run here: name a folder of Moonshine's, or use {kind} "
    "itself and give what it writes as the transcript.",
)

NO_SPEECH = template("transcription.no_speech", "No speech is found in {file}: there are no words to recognise.")
MOSTLY_UNCERTAIN = template(
    "transcription.mostly_uncertain",
    "The words of {share:.0%} of the speech are uncertain or left out: it may be another language than the model's "
    "({language}), whispered, sung or noisy. Do not rely on them.",
)
CLIPPED = template(
    "transcription.clipped",
    "The sound is clipped: it reaches its limit in {share:.1%} of the speech. Words may be wrong; record more softly.",
)

UNKNOWN_FORMAT = template(
    "transcription.unknown_format",
    "A transcript cannot be written as {path}: let its name end in one of {suffixes}.",
)
