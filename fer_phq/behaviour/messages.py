"""Messages about what a behaviour series cannot say, and why measures of it are missing."""

from __future__ import annotations

from fer_phq.core.messages import template

TOO_SLOW_FOR_BLINKS = template(
    "behaviour.too_slow_for_blinks",
    "Blinks are not counted: the face was seen {rate:.3g} times a second, and they need {least:.0f}.",
)
PICTURES_REPEATED = template(
    "behaviour.pictures_repeated",
    "{share:.0%} of the recording's pictures repeat the face of the one before, as where a call or a screen was "
    "recorded: it was seen anew {rate:.3g} times a second, and its behaviour is measured at that rate.",
)

SECONDS_TOO_SLOW = template(
    "behaviour.seconds_too_slow",
    "its facial behaviour is not read: the face was seen {rate:.3g} times a second, and heads need {least:.0f}",
)
SECONDS_EARLIER = template(
    "behaviour.seconds_earlier",
    "its facial behaviour is not read: an earlier version measured it; analyse the recording again to have it read",
)

CANNOT_WRITE_MESHES = template(
    "behaviour.cannot_write_meshes", "The points of the face mesh cannot be written into {folder}: {error}."
)
RATE_TOO_LOW = template(
    "behaviour.rate_too_low", "The face was seen {rate:.3g} times a second; this needs {least:.0f}."
)
TOO_BRIEF = template(
    "behaviour.seen_too_little", "It was seen for {seen:.0f} s of the recording; this needs {least:.0f} s."
)
NO_SMILE = template("behaviour.no_smile", "No smile was seen.")
NO_WHOLE_SMILE = template("behaviour.no_whole_smile", "No smile was seen from beginning to end.")
ONLY_MOMENTS = template("behaviour.only_moments", "It was never seen for {least:g} s on end.")
NO_BLINK = template("behaviour.no_blink", "No blink was seen.")
NO_GAZE = template(
    "behaviour.no_gaze", "The recording was analysed before the gaze was measured; analyse it again to have it."
)
EYES_UNGUARDED = template(
    "behaviour.eyes_unguarded",
    "The recording was analysed before hidden eyes were told from seen ones; analyse it again to have it.",
)
EYES_HIDDEN = template(
    "behaviour.eyes_hidden",
    "The eyes were hidden, for example by dark glasses, hair or a hand, or too small or blurred to be seen, in "
    "{share:.0%} of the time in which the face was seen: their openness, blinks and gaze are missing there.",
)
MOUTH_HIDDEN = template(
    "behaviour.mouth_hidden",
    "The mouth was hidden, for example by a mask or a scarf, or too blurred to be seen, in {share:.0%} of the time in "
    "which the face was seen: its opening and smiles are missing there.",
)
EYES_TOO_BRIEF = template(
    "behaviour.eyes_too_brief",
    "The eyes were seen for {seen:.0f} s, as they are hidden, too small or blurred; this needs {least:.0f} s.",
)
MOUTH_TOO_BRIEF = template(
    "behaviour.mouth_too_brief",
    "The mouth was seen for {seen:.0f} s, as it is hidden or blurred; this needs {least:.0f} s.",
)
