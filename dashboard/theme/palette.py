"""Every colour of the dashboard, once for light and once for dark.

The emotion colours keep their hue in both modes. They were chosen by search so that each has a contrast of at least
3:1 against the card it is drawn on (WCAG 2.1, 1.4.11) and so that any two stay apart for normal vision and for
protanopia, deuteranopia and tritanopia (Machado et al. 2009, IEEE TVCG 15:1291-1298, severity 1.0): the smallest
CIEDE2000 difference of a pair is above 12 in each. `tests/dashboard/theme/test_palette.py` holds both promises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fer_phq.core.emotions import EMOTIONS
from fer_phq.core.notebook.chart import EMOTION_COLOURS

Mode = Literal["light", "dark"]


@dataclass(frozen=True)
class Palette:
    """Colours of one mode, all as '#RRGGBB'.

    Attributes:
        page: Background of the page.
        card: Background of a card.
        inset: Background within a card.
        line: Hairlines.
        control: The border of what can be filled in.
        ink: Text.
        muted: Text that matters less.
        accent: What can be acted on.
        accent_soft: A pale accent.
        warning: With `danger`, the only signal colours.
        danger: The stronger signal.
        good: The coverage strip where the face was found.
        low: The coverage strip where quality is low.
        gap: The coverage strip without a face.
        emotions: One colour for each emotion, in the order of `EMOTIONS`.
    """

    mode: Mode
    page: str
    card: str
    inset: str
    line: str
    control: str
    ink: str
    muted: str
    accent: str
    accent_soft: str
    warning: str
    danger: str
    good: str
    low: str
    gap: str
    emotions: tuple[str, ...]

    def emotion(self, name: str) -> str:
        """Return the colour of an emotion."""
        return self.emotions[EMOTIONS.index(name)]


LIGHT = Palette(
    mode="light",
    page="#F6F8F8",
    card="#FFFFFF",
    inset="#EEF2F2",
    line="#DDE4E5",
    control="#7F9199",
    ink="#1B2A30",
    muted="#55666E",
    accent="#1D6670",
    accent_soft="#DCEBEC",
    warning="#9A6100",
    danger="#B3373F",
    good="#5E9AA1",
    low="#D9A13B",
    gap="#E6EBEC",
    # anger, disgust, fear, happiness, neutral, sadness, surprise
    emotions=EMOTION_COLOURS,
)

DARK = Palette(
    mode="dark",
    page="#0F1619",
    card="#172024",
    inset="#1E292E",
    line="#2B393F",
    control="#6B8089",
    ink="#E4ECEE",
    muted="#9DAEB5",
    accent="#79C2C9",
    accent_soft="#1F3C41",
    warning="#E0AC52",
    danger="#EF8A8C",
    good="#4F8F97",
    low="#D9A13B",
    gap="#27343A",
    emotions=("#EB7B7A", "#4A8A24", "#9E5C92", "#F2C53D", "#C9CECB", "#5392FD", "#3FD5EC"),
)


def palette(mode: str | None) -> Palette:
    """Return the palette of a mode; anything but 'dark' is light."""
    return DARK if mode == "dark" else LIGHT
