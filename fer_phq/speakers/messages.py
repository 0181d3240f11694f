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
