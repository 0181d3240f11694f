"""What is said of tables that name recordings or questionnaires."""

from __future__ import annotations

from fer_phq.core.messages import template

NO_DATE = template("ingest.no_date", "'{text}' is no date; write it as 2026-11-03 or 2026-11-03 14:05.")
IN_THE_FUTURE = template("ingest.in_the_future", "the date '{text}' lies in the future.")
BEFORE_1990 = template("ingest.before_1990", "the date '{text}' lies before 1990.")
SUBJECT_LABEL = template("ingest.subject_label", "the subject must be one line of 1 to 200 characters.")

NO_FILE = template("ingest.no_file", "it names no file.")
REPEATED_FILE = template("ingest.repeated_file", "the file '{file}' stands in row {row} already.")
NAMES_A_FOLDER = template("ingest.names_a_folder", "'{name}' names a folder; write the file's name alone.")
NOBODY_CONSENTED = template(
    "ingest.nobody_consented",
    "nobody is named who recorded the consent; fill in consent_by, or name somebody on the page.",
)
CONSENT_BY = template("ingest.consent_by", "consent_by must be one line of at most 80 characters.")
KEEP_DAYS = template("ingest.keep_days", "keep_days is '{text}'; write whole days from 1 to 36500, or leave it empty.")
SPEAKER_ALONE = template("ingest.speaker_alone", "it names a speaker and no transcript.")
NOT_AMONG_TRANSCRIPTS = template(
    "ingest.not_among_transcripts",
    "the transcript '{name}' is not among the transcripts chosen beside the table.",
)

UNKNOWN_SCALE = template("ingest.unknown_scale", "the scale '{scale}' is unknown; write PHQ-8 or PHQ-9.")
ITEM_VALUE = template("ingest.item_value", "{column} is '{text}'; write 0, 1, 2 or 3.")
ITEM_EMPTY = template("ingest.item_empty", "{column} is empty; a questionnaire with a gap has no score.")
ITEM_9_OF_PHQ8 = template("ingest.item_9_of_phq8", "a PHQ-8 has no {column}; leave it empty, or write PHQ-9.")
DIFFICULTY_VALUE = template("ingest.difficulty_value", "difficulty is '{text}'; write 0, 1, 2 or 3, or leave it empty.")
DIFFICULTY_NOT_ASKED = template(
    "ingest.difficulty_not_asked", "difficulty is asked only when an item is above 0; leave it empty."
)
SAME_AS_ROW = template("ingest.same_as_row", "it says the same as row {row}.")
SAME_BUT_DIFFICULTY = template(
    "ingest.same_but_difficulty",
    "it says the same as row {row}, but for the difficulty; leave one of the two.",
)
