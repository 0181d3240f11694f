"""The templates of `fer_phq.core`: its reasons, its errors, and the names of the modalities.

Every other room has them in a module `messages`; here that module is the machinery itself.
"""

from __future__ import annotations

from fer_phq.core.messages import counted, template

FACE = template("modality.face", "face")
VOICE = template("modality.voice", "voice")
WORDS = template("modality.words", "words")

NO_FACE = template("core.no_face", "no face was found in the recording")
LOW_COVERAGE = template("core.low_coverage", "the face was found in too few of the sampled frames")
TOO_SHORT = template("core.too_short", "the recording holds too few frames with a face")
NO_HEAD = template("core.no_head", "the active model has no PHQ head")
OUT_OF_DISTRIBUTION = template("core.out_of_distribution", "the recording is unlike those the PHQ head was trained on")

COVERAGE_BELOW_FLOOR = template(
    "core.coverage_below_floor",
    "the face was found in {coverage:.0%} of the sampled frames, below {floor:.0%}",
)
FEW_FACE_FRAMES = counted(
    "core.few_face_frames",
    "the recording holds {n} frame with a face, fewer than {minimum}",
    "the recording holds {n} frames with a face, fewer than {minimum}",
)

FILE_UNREADABLE = template("core.file_unreadable", "The file {path} cannot be read: {strerror}.")

NO_TABLE = template("core.series_no_table", "values must be (rows, width), got shape {shape}")
INFINITE = template("core.series_infinite", "values hold infinite numbers")
WRONG_NAMES = template("core.series_wrong_names", "{names} names stand beside {columns} columns")
WRONG_TIMES = template("core.series_wrong_times", "{rows} rows need {rows} times, got shape {shape}")
TIMES_DECREASE = template("core.series_times_decrease", "times must be finite and must not decrease")
WRONG_EMOTIONS = template("core.series_wrong_emotions", "emotions must be (frames, {emotions}), got shape {shape}")
