"""What the models' room says: the active model, training heads from the store, scoring again, background tasks.

A training runs as a process of its own, whose error is stored; its templates are declared here too, so that the error
can be rendered.
"""

from __future__ import annotations

from collections.abc import Mapping

from fer_phq.core.messages import Template, counted, template
from training.phq import messages as training_messages
from training.phq.data import messages as manifest_messages
from training.simulation import messages as simulation_messages

TRAINING_MESSAGES = (training_messages, manifest_messages, simulation_messages)
"""Declared by their import."""

ACTIVE_MODEL_GONE = template(
    "service_models.active_model_gone",
    "The active model {chosen} is not on this machine any more: choose another with `fer-phq models activate`.",
)
TRAINING_NOT_INSTALLED = template(
    "service_models.training_not_installed",
    "Training needs packages that are not installed here: pip install 'fer-phq[train]' (or `make setup`). Analysing "
    "needs none of them.",
)
ENVIRONMENT_DECIDES = template(
    "service_models.environment_decides", "FERPHQ_MODEL names the active model: unset it, then choose here."
)
DAMAGED_FILE = template("service_models.damaged_file", "{path} is not the file that was written with the bundle.")
NAME_OF_OTHER_BUNDLE = template(
    "service_models.name_of_other_bundle",
    "{place} holds another bundle of this name: rename the folder {path}.",
)
BUNDLE_NOT_COPIED = template("service_models.bundle_not_copied", "The bundle cannot be copied to {place}: {strerror}.")
INVALID_NAME = template(
    "service_models.invalid_name",
    "'{name}' cannot be a model's name: use letters, digits, '-', '_' and '.'.",
)
LONG_NAME = template(
    "service_models.long_name",
    "A model's name can have {LONGEST_NAME} letters at most, this one has {name}.",
)
NAME_IN_USE = template("service_models.name_in_use", "There is a model named '{name}' already: choose another name.")

DAYS_RANGE = template(
    "service_models.days_range",
    "A questionnaire can be up to {LONGEST_DAYS} days away, not {within_days}.",
)
QUESTIONNAIRE = template("service_models.questionnaire", "questionnaire")
SCALE_QUESTIONNAIRE = template("service_models.scale_questionnaire", "{scale} questionnaire")
NO_LABELLED_SESSION = template(
    "service_models.no_labelled_session",
    "No session here has a {asked} answered within {within_days} days of it and an analysis by the base model: enter "
    "questionnaires, or analyse the sessions again.",
)
SESSIONS_COUNT = template(
    "service_models.sessions_count", "There are {sessions} of {people} with a {scale} answered {within}."
)
ANALYSED_SESSIONS = counted("service_models.analysed_sessions", "{n} analysed session", "{n} analysed sessions")
PEOPLE = counted("service_models.people", "{n} person", "{n} people")
WITHIN_DAYS = counted("service_models.within_days", "within {n} day", "within {n} days")
WITHIN_PART_DAYS = template("service_models.within_part_days", "within {days} days")

EXCLUDED = counted("service_models.excluded", "{n} session does not count:", "{n} sessions do not count:")
IS_DEMONSTRATION = counted(
    "service_models.is_demonstration", "{n} is a demonstration session.", "{n} are demonstration sessions."
)
IS_WITHDRAWN = counted(
    "service_models.is_withdrawn", "{n} has no consent any more: it was withdrawn.",
    "{n} have no consent any more: it was withdrawn.",
)  # fmt: skip
NOT_ANALYSED = counted("service_models.not_analysed", "{n} has no analysis yet.", "{n} have no analysis yet.")
OTHER_BACKBONE = counted(
    "service_models.other_backbone",
    "{n} was analysed only by a model with another backbone: analyse it again.",
    "{n} were analysed only by models with other backbones: analyse them again.",
)
NO_QUESTIONNAIRE = counted(
    "service_models.no_questionnaire",
    "{n} is of a person who has answered no questionnaire; the demonstration's do not count.",
    "{n} are of people who have answered no questionnaire; the demonstration's do not count.",
)
OTHER_SCALE = counted(
    "service_models.other_scale",
    "{n} has no {scale} but a {other} answered {within}.",
    "{n} have no {scale} but a {other} answered {within}.",
)
TOO_FAR = counted(
    "service_models.too_far",
    "{n} has no questionnaire answered {within} of its recording; the nearest is {nearest:.1f} days away.",
    "{n} have no questionnaire answered {within} of their recordings; the nearest of all is {nearest:.1f} days away.",
)
NOTHING_MEASURED = counted(
    "service_models.nothing_measured",
    "{n} shows too little of the face to learn from, and has neither voice nor words.",
    "{n} show too little of the face to learn from, and have neither voice nor words.",
)

NO_HEAD_TO_SCORE_WITH = template(
    "service_models.no_head_to_score_with",
    "{model_id} has no PHQ head to score with: choose another model.",
)

TRAINING = template("service_models.training", "training")
SCORING = template("service_models.scoring", "scoring")
MASKING = template("service_models.masking", "export of a masked recording")
TASK_NAMES: Mapping[str, Template] = {"training": TRAINING, "scoring": SCORING, "masking": MASKING}
"""The name of each kind of background task, for use inside another message."""

TASK_RUNS_ALREADY = template(
    "service_models.task_runs_already", "A {what} runs already: wait for its end, or cancel it."
)
TASK_NOT_STARTED = template("service_models.task_not_started", "The {what} cannot be started: {strerror}.")
TASK_VANISHED = template(
    "service_models.task_vanished",
    "The {what} ended without saying why, perhaps with the machine: start it again.",
)
TASK_NOT_STOPPED = template(
    "service_models.task_not_stopped", "The {what} does not stop: end its process {pid} by hand."
)
TASK_KILLED = template(
    "service_models.task_killed",
    "The {what} was stopped from outside, perhaps for want of memory: start it again.",
)
TASK_BROKE_DOWN = template(
    "service_models.task_broke_down",
    "The {what} broke down for an unforeseen reason: {folder} says more.",
)
NO_FACES = template("service_models.no_faces", "No face is chosen: choose those of the subject.")
CHOICE_TIMEOUT = template(
    "service_models.choice_timeout", "The faces were not analysed within {seconds:.0f} s: try again."
)
CHOICE_BROKE_DOWN = template(
    "service_models.choice_broke_down", "The faces could not be analysed: the process broke down. Try again."
)
