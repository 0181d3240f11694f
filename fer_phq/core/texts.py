"""The templates of `fer_phq.core`: its reasons, its errors, and the names of the modalities.

Every other room has them in a module `messages`; here that module is the machinery itself.
"""

from __future__ import annotations

from fer_phq.core.messages import counted, template

FACE = template("modality.face", "face")
VOICE = template("modality.voice", "voice")
WORDS = template("modality.words", "words")
BEHAVIOUR = template("modality.behaviour", "facial behaviour")

NO_FACE = template("core.no_face", "no face was found in the recording")
LOW_COVERAGE = template("core.low_coverage", "the face was seen in too little of the recording")
TOO_SHORT = template("core.too_short", "the recording shows the face too briefly")
NO_HEAD = template("core.no_head", "the active model has no PHQ head")
OUT_OF_DISTRIBUTION = template("core.out_of_distribution", "the recording is unlike those the PHQ head was trained on")

COVERAGE_BELOW_FLOOR = template(
    "core.coverage_below_floor",
    "the face was seen in {coverage:.0%} of the recording, below {floor:.0%}",
)
BEHAVIOUR_BELOW_FLOOR = template(
    "core.behaviour_below_floor",
    "its facial behaviour is not read: head, eyes and mouth were measured in {measured:.0%} of the recording, and "
    "heads need {floor:.0%}",
)
FACE_SELDOM_SEEN = template("core.face_seldom_seen", "the face was seen for {seconds:.1f} s, less than {minimum:.1f} s")
FACE_TURNED = template(
    "core.face_turned",
    "the face lies on its side or is upside down in {share:.0%} of the time in which it was seen",
)

NOT_A_DIAGNOSIS = template(
    "api.not_a_diagnosis",
    "fer-phq is not a medical device and its output is not a diagnosis. An expression on a face is not the feeling "
    "behind it, and a PHQ estimate of a model is not a PHQ score of a person.",
)

ITEM_COUNT = template("phq.item_count", "{scale} has {items} items, {count} were given.")
ITEM_VALUE = template("phq.item_value", "Every item of {scale} must be 0, 1, 2 or 3.")
DIFFICULTY_VALUE = template("phq.difficulty_value", "The difficulty must be 0, 1, 2 or 3, or not be answered.")
DIFFICULTY_NOT_ASKED = template("phq.difficulty_not_asked", "The difficulty is asked only when an item is above 0.")

PACKAGE_MISSING = template(
    "core.package_missing", "This needs the package {package}, which is not installed: install fer-phq again."
)
FACE_RATE_UNUSABLE = template(
    "core.face_rate_unusable",
    "{name} is '{value}': it must be 0 for no face mesh, or frames a second up to {most:.0f}.",
)
SPEECH_UNUSABLE = template(
    "core.speech_unusable", "{name} is '{value}': it must be 1 to tell who speaks when, or 0 not to."
)
RECOGNITION_UNUSABLE = template(
    "core.recognition_unusable", "{name} is '{value}': it must be 1 to recognise words, or 0 not to."
)
FILE_UNREADABLE = template("core.file_unreadable", "The file {path} cannot be read: {strerror}.")

NO_TABLE = template("core.series_no_table", "values must be (rows, width), got shape {shape}")
INFINITE = template("core.series_infinite", "values hold infinite numbers")
WRONG_NAMES = template("core.series_wrong_names", "{names} names stand beside {columns} columns")
WRONG_TIMES = template("core.series_wrong_times", "{rows} rows need {rows} times, got shape {shape}")
TIMES_DECREASE = template("core.series_times_decrease", "times must be finite and must not decrease")
WRONG_DURATIONS = template(
    "core.series_wrong_durations", "{rows} rows with times need {rows} durations, got shape {shape}"
)
NEGATIVE_DURATIONS = template("core.series_negative_durations", "durations must be finite and must not be negative")
WRONG_RATE = template("core.series_wrong_rate", "the sampling rate must be a finite number, 0 or more")
WRONG_EMOTIONS = template("core.series_wrong_emotions", "emotions must be (frames, {emotions}), got shape {shape}")

# Fields of settings and recipes

FIELD_MISSING = template("field.missing", "Field required")
FIELD_UNKNOWN = template("field.unknown", "Extra inputs are not permitted")
FIELD_NOT_INTEGER = template("field.not_integer", "Input should be a valid integer")
FIELD_INTEGER_TEXT = template(
    "field.integer_text", "Input should be a valid integer, unable to parse string as an integer"
)
FIELD_INTEGER_FRACTION = template(
    "field.integer_fraction", "Input should be a valid integer, got a number with a fractional part"
)
FIELD_NOT_NUMBER = template("field.not_number", "Input should be a valid number")
FIELD_NUMBER_TEXT = template("field.number_text", "Input should be a valid number, unable to parse string as a number")
FIELD_INFINITE = template("field.infinite", "Input should be a finite number")
FIELD_NOT_TEXT = template("field.not_text", "Input should be a valid string")
FIELD_NOT_LIST = template("field.not_list", "Input should be a valid list")
FIELD_NOT_TUPLE = template("field.not_tuple", "Input should be a valid tuple")
FIELD_NOT_TRUTH = template("field.not_truth", "Input should be a valid boolean")
FIELD_TRUTH_TEXT = template("field.truth_text", "Input should be a valid boolean, unable to interpret input")
FIELD_NOT_MAPPING = template("field.not_mapping", "Input should be a valid dictionary")
FIELD_GREATER = template("field.greater", "Input should be greater than {bound}")
FIELD_AT_LEAST = template("field.at_least", "Input should be greater than or equal to {bound}")
FIELD_LESS = template("field.less", "Input should be less than {bound}")
FIELD_AT_MOST = template("field.at_most", "Input should be less than or equal to {bound}")
FIELD_SHORT = counted(
    "field.short", "String should have at least {n} character", "String should have at least {n} characters"
)
FIELD_LONG = counted(
    "field.long", "String should have at most {n} character", "String should have at most {n} characters"
)
FIELD_PATTERN = template("field.pattern", "String should match pattern '{pattern}'")
FIELD_CHOICE = template("field.choice", "Input should be {expected}")
FIELD_ERRORS = {
    "missing": FIELD_MISSING,
    "extra_forbidden": FIELD_UNKNOWN,
    "int_type": FIELD_NOT_INTEGER,
    "int_parsing": FIELD_INTEGER_TEXT,
    "int_from_float": FIELD_INTEGER_FRACTION,
    "float_type": FIELD_NOT_NUMBER,
    "float_parsing": FIELD_NUMBER_TEXT,
    "finite_number": FIELD_INFINITE,
    "string_type": FIELD_NOT_TEXT,
    "list_type": FIELD_NOT_LIST,
    "tuple_type": FIELD_NOT_TUPLE,
    "bool_type": FIELD_NOT_TRUTH,
    "bool_parsing": FIELD_TRUTH_TEXT,
    "dict_type": FIELD_NOT_MAPPING,
    "greater_than": FIELD_GREATER,
    "greater_than_equal": FIELD_AT_LEAST,
    "less_than": FIELD_LESS,
    "less_than_equal": FIELD_AT_MOST,
    "string_too_short": FIELD_SHORT,
    "string_too_long": FIELD_LONG,
    "string_pattern_mismatch": FIELD_PATTERN,
    "literal_error": FIELD_CHOICE,
    "enum": FIELD_CHOICE,
}
"""Of pydantic's types of errors, the template in its words."""

UNKNOWN_SOUND_TRACK = counted(
    "core.unknown_sound_track",
    "There is no sound track {track}; the recording's only sound track is: {tracks}.",
    "There is no sound track {track}; the recording's sound tracks are: {tracks}.",
)
UNKNOWN_SOUND_CHANNEL = counted(
    "core.unknown_sound_channel",
    "There is no channel {channel} in sound track {track}, which has {n} channel.",
    "There is no channel {channel} in sound track {track}, which has {n} channels.",
)
CHANNEL_WITHOUT_TRACK = template(
    "core.channel_without_track",
    "A channel is a part of a sound track, and the recording has several: {tracks}. Choose the track as well.",
)
NO_SOUND_TO_CHOOSE = template("core.no_sound_to_choose", "The recording has no sound of which a track can be chosen.")
