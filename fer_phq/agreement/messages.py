"""Messages about agreement: what cannot be compared, what was assumed, and why a coefficient is missing."""

from __future__ import annotations

from fer_phq.core.messages import counted, template

TWO_CODERS = template("agreement.two_coders", "Agreement is of two coders or more: name another file.")
OTHER_LENGTHS = template(
    "agreement.other_lengths",
    "{one} is of a recording of {one_s:.1f} s and {other} of one of {other_s:.1f} s: they are of two recordings.",
)
BEYOND_LENGTH = template(
    "agreement.beyond_length",
    "{coder} has '{code}' at {time_s:.1f} s, and the recording ends at {duration_s:.1f} s: its times are no seconds, "
    "have an offset, or are of another recording.",
)
OTHER_UNITS = template(
    "agreement.other_units",
    "The last annotation of {one} is at {one_s:.0f} s and that of {other} at {other_s:.0f} s: they are of two "
    "recordings, or one counts milliseconds; say how long the recording lasts.",
)
NO_COMMON_CODES = template(
    "agreement.no_common_codes",
    "There is no code that two coders have. {codes}. Say which are the same (--rename OLD=NEW).",
)
CODES_OF = template("agreement.codes_of", "{coder}: {codes}")
UNKNOWN_CODE = template("agreement.unknown_code", "No coder has a code '{code}'; the codes are: {codes}.")
WRONG_RENAME = template("agreement.wrong_rename", "'{text}' names no two codes: write OLD=NEW.")
WRONG_TIMES = template(
    "agreement.wrong_times",
    "A time unit lasts 0.01 s or longer, a block 1 s and at least a unit, and a tolerance 0 s or longer and less than "
    "a block.",
)
TOO_LONG = template(
    "agreement.too_long",
    "A recording of {duration_s:.0f} s lasts longer than 24 hours: say how long it lasts in seconds (--duration).",
)
NOTHING_COMPARED = template(
    "agreement.nothing_compared", "Nothing is left to compare: no time of the recording could be coded by everybody."
)
DAMAGED_ANALYSIS = template(
    "agreement.damaged_analysis", "it is no whole analysis; write it again with `fer-phq analyze --json`."
)

# Warnings
LENGTH_UNKNOWN = template(
    "agreement.length_unknown",
    "No file says how long the recording lasts: it was taken to end with the last annotation, at {end_s:.1f} s. What "
    "nobody coded after it is missing; say how long it lasts (--duration).",
)
LABELS_AS_CODES = template(
    "agreement.labels_as_codes",
    "The labels of the tiers {tiers} differ and count as codes; where they are remarks, say so (--codes tiers).",
)
CODES_ABSENT = template(
    "agreement.codes_absent",
    "{coder} does not have what others code, which is left out: {absent} (the codes of {coder}: {codes}). If one has "
    "another name there, say so (--rename OLD=NEW).",
)
CODES_UNUSED = template(
    "agreement.codes_unused",
    "{coder} never has what others code, which counts as never seen: {unused} (the codes of {coder}: {codes}). If one "
    "has another name there, say so (--rename OLD=NEW).",
)
MIXED_KIND = template(
    "agreement.mixed_kind", "'{code}' is a point for one and has a length for another: it is compared by its onsets."
)
SHORT_STATES = counted(
    "agreement.short_states",
    "{n} state of {coder} lasts less than a time unit of {unit_s:g} s and may not count; take a shorter one (--unit).",
    "{n} states of {coder} last less than a time unit of {unit_s:g} s and may not count; take a shorter one (--unit).",
)
IDENTICAL = template(
    "agreement.identical", "{one} and {other} have exactly the same annotations: are they two people's?"
)
OFFSET = template(
    "agreement.offset",
    "{other} agrees far better with {one} when all its times are moved by {lag_s:+.1f} s (overlap {best:.0%} instead "
    "of {now:.0%}): check that both count from the recording's start.",
)
WITHOUT_FACE = template(
    "agreement.without_face",
    "{left_out_s:.1f} s in which the model saw no face are left out, and what was coded in them.",
)

# Why a coefficient or its interval is missing
CODES_OVERLAP = template("agreement.codes_overlap", "codes overlap, so they are no one choice of several")
NO_VARIATION = template("agreement.no_variation", "all coded the same all the time, so chance alone agrees, too")
SAME_IN_BLOCKS = template("agreement.same_in_blocks", "every block has as much of it, so blocks do not differ")
NEVER = template("agreement.never", "nobody coded it in the time compared")
SINGLE_POINT_CODE = template(
    "agreement.single_point_code", "a kappa of points needs two codes; nobody knows how often nothing was noted"
)
PAIRS_ALONE = template("agreement.pairs_alone", "points are matched between two coders; see each pair")
FEW_BLOCKS = counted(
    "agreement.few_blocks",
    "{n} block is too few for an interval; {least} are needed (--block)",
    "{n} blocks are too few for an interval; {least} are needed (--block)",
)
RARE = template("agreement.rare", "too rare for an interval")
