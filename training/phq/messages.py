"""What the training of PHQ heads says: its errors, what it leaves out, and how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from fer_phq.core.messages import Message, counted, template

MOST_LINES = 20
"""Most lines of a list; the rest of a longer one is counted."""

BUNDLE_UNWRITABLE = template("phq_training.bundle_unwritable", "The bundle {out} cannot be written: {strerror}.")
FOLDER_UNREADABLE = template("phq_training.folder_unreadable", "The folder {out} cannot be read: {strerror}.")
FOLDER_NOT_MADE = template("phq_training.folder_not_made", "The folder {keep} cannot be made: {strerror}.")
FILE_UNWRITABLE = template("phq_training.file_unwritable", "The file {path} cannot be written: {strerror}.")
REPORT_UNWRITABLE = template("phq_training.report_unwritable", "The report cannot be written to {folder}: {strerror}.")
OUT_IS_FILE = template("phq_training.out_is_file", "{out} is a file: name a folder for the bundle.")
OUT_HOLDS_FILES = template(
    "phq_training.out_holds_files", "The folder {out} holds other files: name a new one for the bundle."
)
OUT_HOLDS_BUNDLE = template(
    "phq_training.out_holds_bundle",
    "{out} holds a bundle already: name another folder, or replace it with --force.",
)

SEED_RANGE = template("phq_training.seed_range", "A seed lies between 0 and 2**32 - 1, {seed} was given.")
TOO_FEW_SESSIONS = template(
    "phq_training.too_few_sessions",
    "{data} sessions of {people} people are too few: a set of modalities needs {FEWEST_SESSIONS} of {FEWEST_SUBJECTS} "
    "people.",
)
NO_SESSION_LEFT = template("phq_training.no_session_left", "No session is left.")
SESSIONS_UNUSABLE = template(
    "phq_training.sessions_unusable",
    "{bad} of {sessions} sessions cannot be used (--skip-bad leaves them out).\n{problems}",
)
SESSION_PROBLEM = template("phq_training.session_problem", "{session}: {problem}")
OTHER_COLUMNS = template("phq_training.other_columns", "{name} has other columns than {name2}: use one kind of file.")
OTHER_KIND = template(
    "phq_training.other_kind", "{name} has another {modality} than {name2} ({one}; {other}): use one kind."
)
WRONG_SHAPE = template("phq_training.wrong_shape", "{array} must be (rows, width), it is {shape}")
WRONG_TIMES = template("phq_training.wrong_times", "{times} must be ({rows},) beside {values}, it is {shape}")
LONG_KIND = template("phq_training.long_kind", "{array} is longer than a kind can be")
FEATURE_KIND = template("phq_training.feature_kind", "{width} numbers a row of {kind}")
UNNAMED_KIND = template("phq_training.unnamed_kind", "an unnamed kind")
NO_PHQ_HEAD = template("phq_training.no_phq_head", "{model_id} has no PHQ head to judge.")
OTHER_SCALE = template(
    "phq_training.other_scale", "{model_id} gives {scale} estimates, the sessions have {scale2} scores."
)

ANALYSING = template("phq_training.analysing", "Analysing {number} of {sessions}: {name}")
SESSION_LEFT_OUT = template("phq_training.session_left_out", "Left out: {problem}")
ROWS_LEFT_OUT = template("phq_training.rows_left_out", "{skipped} rows were left out, {sessions} are used.")
TEST_LEFT_OUT = template("phq_training.test_left_out", "{n} sessions of the part test are left out.")
TEST_PART = template("phq_training.test_part", "Judged on the part test: {n} of {sessions} sessions.")
TRAINING_ON = template("phq_training.training_on", "Training on {modalities}: {sessions} sessions of {people} people")

# Controls

NO_INTERVIEWER = template(
    "phq_training.no_interviewer",
    "No session says what anybody but the subject says: a transcript that names the speakers does.",
)
INTERVIEWERS_DIFFER = template(
    "phq_training.interviewers_differ", "What the interviewer says was made in several ways: use one kind of file."
)
INTERVIEWER_UNUSABLE = template(
    "phq_training.interviewer_unusable", "What the interviewer says cannot be described: {reason}"
)
NO_GROUPS = template(
    "phq_training.no_groups",
    "No column sex, gender, age, site, clinic, centre or center of the manifest tells people apart.",
)
TOO_FEW_FOR_CONTROL = template(
    "phq_training.too_few_for_control",
    "Too few sessions have it: {sessions} of {people} people (10 of 5 people are needed).",
)
TOO_FEW_HELD_OUT = template(
    "phq_training.too_few_held_out", "A fifth of {people} people is too few to hold out (25 people are needed)."
)
TOO_FEW_FOR_SHIFT = template(
    "phq_training.too_few_for_shift", "No head has sessions of 5 people whose functionals are those of its training."
)
NOTHING_ESTIMATED = template("phq_training.nothing_estimated", "No session got an estimate.")
NO_FOLDS_REPORT = template(
    "phq_training.no_folds_report", "The bundle has no report of its folds, or none of enough people was estimated."
)

WITHOUT_TURNS = counted(
    "phq_training.without_turns",
    "The transcript of {n} session does not say who speaks when: its words are not used, and its voice is that of "
    "everyone who is heard.",
    "The transcripts of {n} sessions do not say who speaks when: their words are not used, and their voice is that of "
    "everyone who is heard.",
)
WITHOUT_TRANSCRIPT = counted(
    "phq_training.without_transcript",
    "{n} session of the corpus has no transcript: its words are not used, nor its voice where the others' is the "
    "subject's alone.",
    "{n} sessions of the corpus have no transcript: their words are not used, nor their voice where the others' is the "
    "subject's alone.",
)
SESSIONS_OF_PEOPLE = template("phq_training.sessions_of_people", "{sessions} sessions of {people} people")
TRAINED_ON_SIMULATED = template(
    "phq_training.trained_on_simulated",
    "Trained on {count} that were simulated: it says nothing about any person.",
)
TRAINED_ON = template("phq_training.trained_on", "Trained on {scale} questionnaires of {count}.")

TWO_LINES = template("phq_training.two_lines", "{before}\n{line}")
MORE_LINES = counted("phq_training.more_lines", "and {n} more", "and {n} more")


def lines(messages: Sequence[Message]) -> Message:
    """Join messages, at least one, a line each; of more than `MOST_LINES` the rest is counted."""
    rest = len(messages) - MOST_LINES
    first = [*messages[:MOST_LINES], *([MORE_LINES(n=rest)] if rest > 0 else [])]
    return join_lines(first)


def join_lines(messages: Sequence[Message]) -> Message:
    """Join messages, at least one, a line each."""
    return reduce(lambda before, line: TWO_LINES(before=before, line=line), messages)
