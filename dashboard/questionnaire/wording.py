"""The instrument's words and the installation's own sentences, marked for the catalogues; a test holds them equal.

A catalogue takes the questionnaire's published wording of its language and names the source with the credit: a
translation of our own would be another instrument. German: Löwe, Spitzer, Zipfel & Herzog 2002 (PHQ-D). Of the
sentences that can be chosen these are the defaults; what a person has written instead is shown as it was written.
"""

from __future__ import annotations

from dashboard.i18n import mark

PREAMBLE = mark("Over the last 2 weeks, how often have you been bothered by any of the following problems?")
ITEMS = (
    mark("Little interest or pleasure in doing things"),
    mark("Feeling down, depressed, or hopeless"),
    mark("Trouble falling or staying asleep, or sleeping too much"),
    mark("Feeling tired or having little energy"),
    mark("Poor appetite or overeating"),
    mark("Feeling bad about yourself, or that you are a failure or have let yourself or your family down"),
    mark("Trouble concentrating on things, such as reading the newspaper or watching television"),
    mark(
        "Moving or speaking so slowly that other people could have noticed, or the opposite, being so fidgety "
        "or restless that you have been moving around a lot more than usual"
    ),
    mark("Thoughts that you would be better off dead, or of hurting yourself in some way"),
)
ANSWERS = (mark("Not at all"), mark("Several days"), mark("More than half the days"), mark("Nearly every day"))
DIFFICULTY = mark(
    "If you checked off any problems, how difficult have these problems made it for you to do your work, take care of "
    "things at home, or get along with other people?"
)
DIFFICULTY_ANSWERS = (
    mark("Not difficult at all"),
    mark("Somewhat difficult"),
    mark("Very difficult"),
    mark("Extremely difficult"),
)
CREDIT = mark(
    "Developed by Drs. Robert L. Spitzer, Janet B.W. Williams, Kurt Kroenke and colleagues, with an educational "
    "grant from Pfizer Inc. No permission required to reproduce, translate, display or distribute."
)
ITEM9_MESSAGE = mark(
    "A person should speak with them now, today, whatever the total is. Do not leave this to a message or to this "
    "software. In immediate danger call the local emergency number. Help lines by country: findahelpline.com."
)
CONSENT_TEXT = mark(
    "The person in the recording (or who may decide for them) knows that facial expressions are analysed by software, "
    "what for, how long the recording is kept and that they may withdraw; and has agreed."
)
