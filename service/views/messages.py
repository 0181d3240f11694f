"""Messages of the views: what stands beside two periods, and why what a model looked at cannot be shown."""

from __future__ import annotations

from fer_phq.core.messages import template

EXPLANATION_TIMEOUT = template(
    "views.explanation_timeout",
    "What the model looked at was not found within {seconds:g} s; try again later.",
)
EXPLANATION_BROKE_DOWN = template(
    "views.explanation_broke_down",
    "What the model looked at cannot be shown: its process broke down, perhaps for want of memory.",
)
MODEL_GONE = template(
    "views.model_gone",
    "The model {model_id} that made this analysis is not on this machine any more, so what it looked at cannot be "
    "shown; analyse the recording again.",
)

USUAL_SPREAD = template(
    "views.usual_spread",
    "The usual spread is the standard deviation of this person's sessions within a period. With fewer than {few} "
    "sessions in a period it cannot be said, and then a difference may be nothing but ups and downs. Even a difference "
    "beyond it is no proof of a change: no test is made here, because sessions of one person are few, follow each "
    "other, and many measures are looked at together. Whether a questionnaire's change is reliable is said with the "
    "questionnaires.",
)
MIXED_MODELS = template(
    "views.mixed_models",
    "The sessions of these periods were measured by different models: a difference may be the models' alone.",
)
MIXED_VOICES = template(
    "views.mixed_voices",
    "The voice of these sessions is the subject's in some and everybody's in others, or the subject's was found in "
    "different ways: a difference in it may be that alone.",
)
MIXED_WORDS = template(
    "views.mixed_words",
    "The words of these sessions were given in some and recognised in others, or the person's were found in different "
    "ways: a difference in them may be that alone.",
)
MIXED_TURNS = template(
    "views.mixed_turns",
    "Who speaks, or which speaker is the subject, was told in different ways in these sessions: a difference in turn "
    "taking may be that alone.",
)
SUBJECT_UNKNOWN = template(
    "views.subject_unknown",
    "Turn taking of the person is missing in {count} of {total} sessions: who speaks was not told there, or it is not "
    "known which speaker is the person.",
)
MIXED_RATES = template(
    "views.mixed_rates",
    "The faces of these sessions were looked at {rates} times a second: a difference in facial behaviour may be the "
    "rates' alone.",
)
MIXED_GAZE = template(
    "views.mixed_gaze",
    "In some of these sessions looking down and away are measured of the gaze, in others of the head alone, because "
    "the gaze was hardly seen: a difference in them may be that alone.",
)
RATES = template("views.rates", "{rates} and {rate}")
SHARED_DAYS = template(
    "views.shared_days", "The two periods share days, and what was measured on them counts for both."
)
TOO_FEW_DAYS = template(
    "views.too_few_days", "Two days with sessions or questionnaires are needed before periods can be compared."
)
VOICE_NOT_THERE = template(
    "views.voice_not_there", "The recording's sound ends before {start:.0f} s, so this voice cannot be played."
)
