"""What a masked recording shows and lets hear."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fer_phq.core.errors import SettingsError
from fer_phq.masking import messages


class PictureMask(StrEnum):
    """What is left of the picture: all but the faces, a few large cells, or no picture at all."""

    FACES = "faces"
    PIXELATED = "pixelated"
    NONE = "none"


class VoiceMasking(StrEnum):
    """What is left of the sound: changed voices, noise as loud as the sound was, or no sound at all."""

    MASKED = "masked"
    NOISE = "noise"
    SILENT = "silent"


@dataclass(frozen=True)
class MaskOptions:
    """What is left of a recording. Raises SettingsError where that would be nothing.

    Attributes:
        picture: What is left of the picture.
        voice: What is left of the sound.
        max_side: Longer side in pixels to which larger pictures are reduced, at least 16.
    """

    picture: PictureMask = PictureMask.FACES
    voice: VoiceMasking = VoiceMasking.MASKED
    max_side: int = 1920

    def __post_init__(self) -> None:
        if self.picture is PictureMask.NONE and self.voice is VoiceMasking.SILENT:
            raise SettingsError(messages.NOTHING_LEFT())


DEFAULT = MaskOptions()
"""All but the faces, and changed voices."""
