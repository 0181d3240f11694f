"""The demonstration's content: short clips, rendered by `python -m training.simulation.puppet`, and questionnaires.

What the client shows in a clip follows a PHQ total by the links of the simulated cohort, and the totals are those of
the questionnaires at the time. The shipped heads read the clips themselves: no estimate comes with the package.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CLIPS_DIR = Path(__file__).with_name("clips")
"""The clips that come with the package."""

LABEL = "Demonstration"
CONSENT_BY = "demonstration"
CONSENT_TEXT = "demonstration: rendered from a public-domain portrait, nobody was recorded"
SPEAKER = "Participant"
"""The client's name in the transcripts."""


@dataclass(frozen=True)
class DemoClip:
    """The recording of one demonstration session.

    Attributes:
        number: The session's number, from 1.
        weeks_ago: How long before the demonstration was made the session took place.
        path: The clip.
        transcript: What is said in it, as WebVTT.
    """

    number: int
    weeks_ago: float
    path: Path
    transcript: Path


@dataclass(frozen=True)
class DemoQuestionnaire:
    """Made-up PHQ-9 answers.

    Attributes:
        weeks_ago: How long before the demonstration was made they were given.
        items: The nine answers, 0 to 3; item 9 is always 0.
        difficulty: The answer to the question about difficulty, 0 to 3.
    """

    weeks_ago: float
    items: tuple[int, ...]
    difficulty: int


CLIPS = tuple(
    DemoClip(number, weeks_ago, CLIPS_DIR / f"demonstration-{number}.mp4", CLIPS_DIR / f"demonstration-{number}.vtt")
    for number, weeks_ago in enumerate((12, 10, 7.5, 5, 2.5, 0.5), start=1)
)
"""Six sessions of a client who recovers."""

QUESTIONNAIRES = (
    DemoQuestionnaire(12.0, (2, 3, 2, 3, 1, 2, 2, 1, 0), 2),
    DemoQuestionnaire(9.0, (2, 2, 2, 2, 1, 2, 1, 1, 0), 2),
    DemoQuestionnaire(6.0, (1, 2, 2, 2, 1, 1, 1, 0, 0), 1),
    DemoQuestionnaire(3.0, (1, 1, 1, 2, 0, 1, 1, 0, 0), 1),
    DemoQuestionnaire(0.4, (0, 1, 1, 1, 0, 0, 1, 0, 0), 0),
)
