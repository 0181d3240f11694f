"""The installation's own sentences before anybody chooses others, marked for the catalogues.

What a person has written instead is shown as it was written. A test holds these to be the settings' defaults.
"""

from __future__ import annotations

from dashboard.i18n import mark

ITEM9_MESSAGE = mark(
    "A person should speak with them now, today, whatever the total is. Do not leave this to a message or to this "
    "software. In immediate danger call the local emergency number. Help lines by country: findahelpline.com."
)
CONSENT_TEXT = mark(
    "The person in the recording (or who may decide for them) knows that facial expressions are analysed by software, "
    "what for, how long the recording is kept and that they may withdraw; and has agreed."
)
