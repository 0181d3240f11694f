"""Messages about who speaks when."""

from __future__ import annotations

from fer_phq.core.messages import template

NO_SPEECH = template("speakers.no_speech", "No speech was found in {seconds:.0f} s of sound: nobody has a turn.")
ONE_VOICE = template(
    "speakers.one_voice",
    "One voice was found where up to {most} were expected: if somebody else speaks, they are so much alike, or speak so"
    " little, that all turns count as one speaker's.",
)
SEPARATE_PARTS = template(
    "speakers.separate_parts",
    "Each speaker has a sound track or channel of their own, and turns were taken from these.",
)
COUNT_OUT_OF_RANGE = template(
    "speakers.count_out_of_range",
    "There can be from 1 to {highest} speakers, got {speakers}: leave the number out where it is not known.",
)
WRONG_SAMPLES = template(
    "speakers.wrong_samples",
    "Samples must be finite float32 numbers from -1 to 1, {rate} a second, in an array of one dimension, or of two with"
    " a column for each channel; got {shape} of {dtype}.",
)
NO_TURNS = template("speakers.no_turns", "Nobody was heard to speak, so that there are no turns.")
ONE_SPEAKER = template(
    "speakers.one_speaker",
    "One speaker was told, and turns are taken between two: silences may be another's who was not heard.",
)
CROSSTALK = template(
    "speakers.crosstalk",
    "In {share:.0%} of the speech two speakers seem to speak at once: their microphones hear each other, so that turns"
    " cannot be told.",
)
SUBJECT_UNKNOWN = template("speakers.subject_unknown", "It is not known which speaker is the subject.")
SHORT_FOR_RATES = template(
    "speakers.short_for_rates", "Too short to count events a minute: {seconds:.0f} s of at least {least:.0f}."
)
FEW_EVENTS = template("speakers.few_events", "Too few to average: {count} of at least {least}.")
BY_VOICES = template(
    "speakers.by_voices",
    "Speakers were told by their voices: some changes between them are missed, so that turns come out long, and"
    " response times come out a tenth of a second early.",
)
NO_MOUTH = template(
    "speakers.no_mouth",
    "The subject's mouth was not followed, so that it cannot say which speaker is the subject.",
)
MOUTH_TOO_SELDOM = template(
    "speakers.mouth_too_seldom",
    "The subject's mouth was looked at {rate:.0f} times a second, and lips that speak are seen from {least:.0f} on.",
)
MOUTH_TOO_BRIEF = template(
    "speakers.mouth_too_brief",
    "The subject's mouth was seen for {seen:.0f} s, and {least:.0f} s are needed to say which speaker is the subject.",
)
TOO_LITTLE_SPEECH = template(
    "speakers.too_little_speech",
    "While the subject's mouth was seen, no speaker both spoke and did not speak for {least:.0f} s.",
)
MOUTH_STILL = template(
    "speakers.mouth_still",
    "The subject's mouth moves with nobody's speech (correlation {correlation:.2f}, {score:.1f} deviations above"
    " chance): the subject is silent, or was seen too little while speaking.",
)
MOUTH_WITH_TWO = template(
    "speakers.mouth_with_two",
    "The subject's mouth moves with the speech of speaker {first} and of speaker {second} alike.",
)
