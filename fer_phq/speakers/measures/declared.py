"""The measures of turn taking: name, unit, definition and source of each.

The sources define what is measured. None of them says what a change of one person means.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

Unit = Literal["number", "s", "share"]


class Scope(Enum):
    """Whose a measure is."""

    TALK = "talk"
    SPEAKER = "speaker"


@dataclass(frozen=True)
class TurnMeasure:
    """The declaration of one number of a talk.

    Attributes:
        name: Its key.
        unit: A number of events; seconds, of which it is the mean or median; or a share from 0 to 1.
        scopes: Whether all speakers together have it, each speaker, or both.
        definition: What is measured.
        source: Where the measure comes from.
    """

    name: str
    unit: Unit
    scopes: tuple[Scope, ...]
    definition: str
    source: str


_SACKS = "Sacks, Schegloff & Jefferson 1974, Language 50:696-735"
_HELDNER = "Heldner & Edlund 2010, J Phonetics 38:555-568"
_STIVERS = "Stivers et al. 2009, PNAS 106:10587-10592; Levinson & Torreira 2015, Front Psychol 6:731"
_PAUSES = f"{_HELDNER}; Campione & Véronis 2002, Speech Prosody, 199-202"
_YNGVE = "Yngve 1970, Chicago Linguistic Society 6:567-578; Edlund et al. 2010, Proc. Fonetik, 11-16"
_BEATTIE = "Ferguson 1977, Br J Soc Clin Psychol 16:295-302; Beattie 1981, Linguistics 19:15-35"
_JAFFE = "Jaffe & Feldstein 1970, Rhythms of Dialogue, Academic Press"
_BOTH = (Scope.TALK, Scope.SPEAKER)
_TALK = (Scope.TALK,)
_SPEAKER = (Scope.SPEAKER,)

TURN_MEASURES: tuple[TurnMeasure, ...] = (
    TurnMeasure(
        "turns",
        "number",
        _BOTH,
        "Turns at talk: a speaker's stretches of speech in a row, pauses included, until somebody else takes the floor."
        " What lies wholly inside another's stretch takes no floor.",
        _SACKS,
    ),
    TurnMeasure("turn_mean_s", "s", _BOTH, "Mean length of turns at talk.", _SACKS),
    TurnMeasure("turn_median_s", "s", _BOTH, "Median length of turns at talk.", _SACKS),
    TurnMeasure("gaps", "number", _TALK, "Changes of the floor with silence between.", _HELDNER),
    TurnMeasure("gap_median_s", "s", _TALK, "Median length of gaps.", _HELDNER),
    TurnMeasure("overlaps", "number", _TALK, "Changes of the floor during speech of both.", _HELDNER),
    TurnMeasure("overlap_median_s", "s", _TALK, "Median length of the overlaps at changes of the floor.", _HELDNER),
    TurnMeasure(
        "overlap_share",
        "share",
        _TALK,
        "Time in which two or more speak at once, backchannels included, of the time in which anybody speaks.",
        _HELDNER,
    ),
    TurnMeasure(
        "responses", "number", _BOTH, "Changes of the floor; of a speaker, those by which they take it.", _STIVERS
    ),
    TurnMeasure(
        "response_mean_s",
        "s",
        _BOTH,
        "Mean floor transfer offset: from the end of the one's speech to the beginning of the next one's, below 0 where"
        " they overlap; of a speaker, when they take the floor.",
        _STIVERS,
    ),
    TurnMeasure("response_median_s", "s", _BOTH, "Median floor transfer offset.", _STIVERS),
    TurnMeasure("pauses", "number", _BOTH, "Silences of 0.3 s and more inside a turn at talk.", _PAUSES),
    TurnMeasure("pause_median_s", "s", _BOTH, "Median length of pauses.", _PAUSES),
    TurnMeasure(
        "interruptions_successful",
        "number",
        _BOTH,
        "Floors taken by who begins 0.5 s or more before the other ends, and 0.2 s or more after the other began.",
        _BEATTIE,
    ),
    TurnMeasure(
        "interruptions_unsuccessful",
        "number",
        _BOTH,
        "Stretches longer than 1 s wholly inside another's, begun 0.2 s or more after it: the other goes on.",
        _BEATTIE,
    ),
    TurnMeasure(
        "backchannels",
        "number",
        _BOTH,
        "Stretches up to 1 s wholly inside another's, begun 0.2 s or more after it. A short word in a pause or"
        " after the other's end is a turn: without its words it cannot be told from an answer.",
        _YNGVE,
    ),
    TurnMeasure("speaking_share", "share", _SPEAKER, "Time in which the speaker speaks, of the recording.", _JAFFE),
    TurnMeasure(
        "speech_share", "share", _SPEAKER, "Time in which the speaker speaks, of the sum over all speakers.", _JAFFE
    ),
    TurnMeasure("silence_share", "share", _TALK, "Time in which nobody speaks, of the recording.", _JAFFE),
)
