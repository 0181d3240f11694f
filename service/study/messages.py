"""What the export of a study says: why sessions are left out, and why nothing is written."""

from __future__ import annotations

from fer_phq.core.messages import counted, template

EMPTY = template("study.empty", "No session of this filter can leave, so no study is written: {reasons}.")
NOTHING_THERE = template(
    "study.nothing_there", "No session has the tags and dates of this filter, so no study is written."
)
CHANGED = template(
    "study.changed",
    "Sessions were added, erased, analysed or lost their consent while the study was written, so it was thrown away: "
    "export it again.",
)
CURRENT_FOLDER = template(
    "study.current_folder", "A study makes its folder: name one that is not there, and not the current one."
)
UNKNOWN_TAG = template("study.unknown_tag", "Nobody has the tag '{tag}': there are {tags}.")
NO_TAGS = template("study.no_tags", "Nobody has the tag '{tag}': there are no tags.")
UNKNOWN_MODEL = template(
    "study.unknown_model", "No session was analysed by the model '{model}': there are analyses by {models}."
)
NO_MODELS = template("study.no_models", "No session was analysed by the model '{model}', or by any other.")
TOTAL = template("study.total", "{sessions} of {people}")
SESSIONS = counted("study.sessions", "{n} session", "{n} sessions")
PEOPLE = counted("study.people", "{n} person", "{n} people")
LEFT_OUT_DEMONSTRATION = counted(
    "study.left_out_demonstration",
    "{n} is left out as a demonstration session",
    "{n} are left out as demonstration sessions",
)
LEFT_OUT_WITHDRAWN = counted(
    "study.left_out_withdrawn",
    "{n} is left out as its consent was withdrawn",
    "{n} are left out as their consent was withdrawn",
)
LEFT_OUT_NO_CONSENT = counted(
    "study.left_out_no_consent",
    "{n} is left out as no consent is recorded for it",
    "{n} are left out as no consent is recorded for them",
)
LEFT_OUT_NOT_ANALYSED = counted(
    "study.left_out_not_analysed",
    "{n} is left out as it has no analysis by the model of the filter",
    "{n} are left out as they have no analysis by the model of the filter",
)
LEFT_OUT_COVERAGE = counted(
    "study.left_out_coverage",
    "{n} is left out as the face was seen in less of it than the filter asks",
    "{n} are left out as the face was seen in less of them than the filter asks",
)
LEFT_OUT = template("study.left_out", "Of the sessions with the tags and dates of this filter, {reasons}.")
DEMONSTRATIONS = counted(
    "study.demonstrations",
    "{n} of these sessions is a demonstration, made up and no data of anybody.",
    "{n} of these sessions are demonstrations, made up and no data of anybody.",
)
SIMULATED = counted(
    "study.simulated",
    "{n} session has an estimate of a head that was trained on simulated labels: it is a demonstration, and says "
    "nothing about the person.",
    "{n} sessions have an estimate of a head that was trained on simulated labels: it is a demonstration, and says "
    "nothing about the people.",
)
