"""Messages of the masking of recordings."""

from __future__ import annotations

from fer_phq.core.messages import template

NOTHING_LEFT = template(
    "masking.nothing_left", "Without picture and without sound nothing is left: choose one of the two."
)
LIMITS = template(
    "masking.limits",
    "This is not anonymity: gait, posture, clothing, the room, names and words that are said, and the way of speaking "
    "can still tell who it is, and a face that was not detected is shown. Watch the whole recording before you hand "
    "it on.",
)
SHARES = template(
    "masking.shares",
    "Pictures with a face that was detected and covered: {seen:.1%}; with a place covered where a face was shortly "
    "before or after: {bridged:.1%}; without any face nearby, pixelated as a whole: {unseen:.1%}.",
)
LONGEST_GAP = template(
    "masking.longest_gap",
    "The longest time without a detected face lasts {length_s:.1f} s, from {start_s:.1f} s on: look there first.",
)
OUT_EXISTS = template("masking.out_exists", "There is already a file {path}: name another, or replace it with --force.")
OUT_UNWRITABLE = template("masking.out_unwritable", "The recording {path} cannot be written: {reason}.")
OUT_IS_SOURCE = template("masking.out_is_source", "{path} is the recording itself: name another file.")
OUT_NO_FILE = template("masking.out_no_file", "{path} is no ordinary file: name another.")
