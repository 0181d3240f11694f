"""Messages about openSMILE, and about sound in which others are heard."""

from __future__ import annotations

from fer_phq.core.messages import template

BABBLE = template(
    "voice.babble",
    "Several people talk, or music plays, in the background from {start:.0f} s on, for {seconds:.0f} s in all: what"
    " does not stand out from it does not count as speech, and some of what counts may be theirs.",
)
OPENSMILE_MISSING = template(
    "voice.opensmile_missing",
    "eGeMAPS needs openSMILE, which is not installed: if its licence (non-commercial research) covers your "
    "use, install the extra with pip install 'fer-phq[egemaps]'.",
)
